//! What a plan uses must not be hidden from its reader.

use entity::Kind;

use super::{
    filter::Filter,
    plan::{Child, Rows},
};
use crate::{error::Result, store::Store};

impl Store {
    /// Refuses orders and filters below these rows that would show a hidden field by their effect.
    pub fn refuse_hidden_use(&self, rows: &Rows) -> Result<()> {
        rows.children.iter().try_for_each(|child| match child {
            Child::One { rows, .. } => self.refuse_hidden_use(rows),
            Child::Subject { any, .. } => any.0.values().try_for_each(|(rows, _)| self.refuse_hidden_use(rows)),
            Child::ExternalIds(_) | Child::Changes { .. } => Ok(()),
            Child::Many { find, connection, .. } => {
                find.order.check(self.actor())?;
                self.refuse_hidden_filter(connection.rows.kind, &find.filter)?;
                self.refuse_hidden_use(&connection.rows)
            }
        })
    }

    /// Refuses a filter that would show a hidden field by its effect.
    pub fn refuse_hidden_filter(&self, kind: Kind, filter: &Filter) -> Result<()> {
        filter.check(self.actor(), kind).map(|_| ())
    }
}
