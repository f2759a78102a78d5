//! Whether somebody may use a filter: its effect would show what is hidden from them.

use entity::{Kind, table::Join};

use super::Filter;
use crate::{
    access::Actor,
    error::{Code, Error, Result},
};

/// A filter that its reader may use, which alone becomes SQL.
#[derive(Clone, Copy, Debug)]
pub struct Checked<'f> {
    pub(super) filter: &'f Filter,
    pub(super) kind: Kind,
}

impl Filter {
    /// The filter of records of a kind, unless it tests what is hidden from the actor.
    pub fn check(&self, actor: &Actor, kind: Kind) -> Result<Checked<'_>> {
        match self {
            // Events of what is hidden do not pass; which types and fields those are, they say themselves.
            Self::Everything | Self::External(..) | Self::EventPredicate(_) => {}
            Self::And(all) | Self::Or(all) => {
                all.iter().try_for_each(|filter| filter.check(actor, kind).map(|_| ()))?;
            }
            Self::Not(filter) => drop(filter.check(actor, kind)?),
            Self::Test(field, _) | Self::Unique(field, _) => refuse_hidden(actor, kind, &field.name)?,
            Self::Linked(link, _, filter) => {
                refuse_hidden(actor, kind, &link.name)?;
                match link.join {
                    Join::Many { column } => {
                        let back = link.target.table().column(column).and_then(|field| field.link_name.as_deref());
                        back.map_or(Ok(()), |name| refuse_hidden(actor, link.target, name))?;
                    }
                    Join::One { .. } | Join::Through { .. } => {}
                    Join::Subject | Join::Listed => {
                        return Err(Error::argument(format!("{} cannot be filtered by.", link.name)));
                    }
                }
                filter.check(actor, link.target)?;
            }
        }
        Ok(Checked { filter: self, kind })
    }
}

/// Refuses what would show a hidden field by its effect.
pub fn refuse_hidden(actor: &Actor, kind: Kind, name: &str) -> Result<()> {
    if actor.policy.hides(kind, name) {
        return Err(Error::refused_because(
            Code::Forbidden,
            "FIELD_HIDDEN",
            format!("{}.{name} is hidden from you.", kind.name()),
        ));
    }
    Ok(())
}
