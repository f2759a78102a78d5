//! References of drafts are looked up: in one statement for each
//! type and way of naming, whatever the number of drafts.

use std::collections::{BTreeMap, HashMap};

use entity::Kind;
use sea_orm::prelude::Uuid;

use super::{
    Change, Draft,
    lookup::one_of,
    reference::{Reference, Way},
};
use crate::{
    error::{Error, Result, UserError},
    store::{json, key, read::filter::refuse_hidden},
};

impl Change {
    /// Gives the keys of drafts the records that their references name; answers what is wrong with each draft.
    pub(super) async fn resolve(&self, drafts: &mut [&mut Draft]) -> Result<Vec<Vec<UserError>>> {
        let mut wanted: BTreeMap<(Kind, Way), Vec<String>> = BTreeMap::new();
        for reference in drafts.iter().flat_map(|draft| &draft.references) {
            let name = self.stored(reference);
            wanted.entry((reference.target, reference.way.clone())).or_default().push(name);
        }
        let mut found = HashMap::new();
        for ((target, way), mut names) in wanted {
            names.sort_unstable();
            names.dedup();
            for (name, id) in self.named(target, &way, &names).await? {
                found.insert((target, way.clone(), name), id);
            }
        }
        let mut all = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let mut mistakes = Vec::new();
            for reference in std::mem::take(&mut draft.references) {
                let name = self.stored(&reference);
                match found.get(&(reference.target, reference.way.clone(), name)) {
                    Some(id) => draft.put(reference.at, *id),
                    None => mistakes.push(reference.unknown()),
                }
            }
            all.push(mistakes);
        }
        Ok(all)
    }

    /// The same for one draft, whose mistakes are the error.
    pub(super) async fn resolve_one(&self, draft: &mut Draft) -> Result<()> {
        if draft.references.is_empty() {
            return Ok(());
        }
        let mistakes = self.resolve(&mut [draft]).await?.concat();
        if mistakes.is_empty() { Ok(()) } else { Err(Error::Input(mistakes)) }
    }

    /// A reference's name in the form in which it is looked up.
    fn stored(&self, reference: &Reference) -> String {
        let Way::Unique(field) = &reference.way else { return reference.name.clone() };
        let noun = self.store.backend.nouns().of(reference.target);
        let name = noun.map_or_else(|| reference.name.clone(), |noun| noun.normalise(field, &reference.name));
        let keyed = reference.target.table().field(field).is_some_and(|field| field.key.is_some());
        if keyed { key(&name) } else { name }
    }

    /// The live records within reach that are named in one way, each under its name.
    async fn named(&self, target: Kind, way: &Way, names: &[String]) -> Result<Vec<(String, Uuid)>> {
        let field = match way {
            Way::External(system) => {
                let linked = self.linked(target, system, names).await?;
                return Ok(linked.into_iter().filter(|(.., seen)| *seen).map(|(name, id, _)| (name, id)).collect());
            }
            Way::Unique(field) => field,
        };
        refuse_hidden(self.store.actor(), target, field)?;
        let Some(field) = target.table().field(field) else { return Ok(vec![]) };
        let column = field.key.unwrap_or(field.column);
        let mut sql = self.sql();
        sql.push("SELECT ").column("t", column).push(", t.id FROM ").table(target.table().table).push(" t WHERE ");
        one_of(&mut sql, "t", column, names);
        self.and_seen(&mut sql, target, "t");
        let mut found = Vec::new();
        for row in self.fetch(sql).await? {
            found.extend(json::text(&row, 0)?.map(str::to_owned).zip(json::uuid(&row, 1)?));
        }
        if (target, field.column) == (Kind::Account, "domain") {
            found.extend(self.by_further_domains(names).await?);
        }
        Ok(found)
    }
}
