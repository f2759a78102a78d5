//! What a reader may know of what an event tells: fields kept from them are left out, and ids of
//! records out of their reach are blanked. Lists, exports and the feed all go through here.

mod value_shape;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use entity::{Kind, event};
use sea_orm::{QueryResult, prelude::Uuid};
use serde_json::{Map, Value as Json};

use self::value_shape::{ValueShape, respell};
use super::filter::Filter;
use crate::{
    access::{Action, Actor, Reach},
    error::Result,
    store::{Store, json, scope, sql::Sql},
};

/// One changed field.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) struct FieldChange {
    /// Its API name.
    pub field: String,
    /// Its value before.
    pub before: Json,
    /// Its value after.
    pub after: Json,
}

impl FieldChange {
    fn values(&mut self) -> [&mut Json; 2] {
        [&mut self.before, &mut self.after]
    }
}

/// The changes whose fields the actor may see, in the order of the record type's fields, which is the
/// same on both engines. That a hidden field changed is something known of it, so it is not named.
pub(in crate::store) fn seen(actor: &Actor, kind: Option<Kind>, changes: Option<&str>) -> Result<Vec<FieldChange>> {
    let (Some(kind), Some(changes)) = (kind, changes) else { return Ok(vec![]) };
    let Json::Object(changes) = serde_json::from_str(changes)? else { return Ok(vec![]) };
    let visible = changes.into_iter().filter(|(field, _)| !actor.policy.hides(kind, field));
    let mut seen: Vec<FieldChange> = visible
        .map(|(field, mut change)| {
            let mut value = |name: &str| change.get_mut(name).map_or(Json::Null, Json::take);
            FieldChange { before: value("before"), after: value("after"), field }
        })
        .collect();
    let place = |name: &str| event::field_names(kind).position(|told| told == name).unwrap_or(usize::MAX);
    seen.sort_by_cached_key(|change| (place(&change.field), change.field.clone()));
    Ok(seen)
}

/// The names of all changed fields, in the same order. Which of them a reader may see is left to the caller.
pub(in crate::store) fn fields(kind: Kind, changes: Option<&str>) -> Vec<String> {
    let changes: Option<Map<String, Json>> = changes.and_then(|changes| serde_json::from_str(changes).ok());
    let mut fields: Vec<String> = changes.unwrap_or_default().into_iter().map(|(field, _)| field).collect();
    let place = |name: &str| event::field_names(kind).position(|told| told == name).unwrap_or(usize::MAX);
    fields.sort_by_cached_key(|field| (place(field), field.clone()));
    fields
}

impl Store {
    /// The changes that events tell of, row by row, from the slots of their subjects' kinds and of the
    /// changes; where their values are asked for, one statement tells which ids in them may be seen.
    pub(in crate::store) async fn visible_changes(
        &self,
        rows: &[QueryResult],
        (kind_at, changes_at): (usize, usize),
        values: bool,
    ) -> Result<Vec<Vec<FieldChange>>> {
        let mut told = Vec::with_capacity(rows.len());
        let mut named = BTreeMap::new();
        for row in rows {
            let kind = json::text(row, kind_at)?.and_then(Kind::named);
            let mut changes = seen(self.actor(), kind, json::text(row, changes_at)?)?;
            for change in changes.iter_mut().filter(|_| values) {
                let holds = ValueShape::of(kind, &change.field);
                for value in change.values() {
                    self.spell(&holds, value);
                    holds.ids(value, &mut |id, _| note(&mut named, id));
                }
            }
            told.push((kind, changes));
        }
        let readable = self.readable(named).await?;
        for (kind, changes) in &mut told {
            for change in changes.iter_mut().filter(|_| values) {
                let holds = ValueShape::of(*kind, &change.field);
                for value in change.values() {
                    holds.ids(value, &mut |id, value| {
                        if !id.is_some_and(|id| readable.has(id)) {
                            *value = Json::Null;
                        }
                    });
                }
            }
        }
        Ok(told.into_iter().map(|(_, changes)| changes).collect())
    }

    /// Spells a value as the API does, and blanks one that tells of more than ids.
    fn spell(&self, holds: &ValueShape, value: &mut Json) {
        match holds {
            ValueShape::Parts(parted) => respell(parted, value),
            ValueShape::AccountFilter => {
                // A list whose filter tests what is hidden from the reader shows them no accounts either.
                let filter = Filter::read(Kind::Account, value);
                if !value.is_null()
                    && filter.and_then(|filter| filter.check(self.actor(), Kind::Account).map(|_| ())).is_err()
                {
                    *value = Json::Null;
                }
            }
            // Words of a filter, say: they may be those of any record.
            ValueShape::Anything if (value.is_object() || value.is_array()) && !self.sees_all_events() => {
                *value = Json::Null;
            }
            ValueShape::Anything | ValueShape::Id | ValueShape::Words => {}
        }
    }

    fn sees_all_events(&self) -> bool {
        scope::unrestricted(self.actor(), Kind::Event, Action::Read)
    }

    /// Which of these records the actor may see: one statement for all kinds, none where all or
    /// nothing of a kind is within reach.
    pub(in crate::store) async fn readable(&self, named: BTreeMap<Kind, BTreeSet<Uuid>>) -> Result<Readable> {
        let mut readable = Readable { kinds: HashSet::new(), ids: HashSet::new() };
        let mut sql = Sql::new(self.engine());
        for (kind, ids) in named {
            if scope::unrestricted(self.actor(), kind, Action::Read) {
                readable.kinds.insert(kind);
                continue;
            }
            if self.actor().policy.reach(kind, Action::Read) == Reach::None {
                continue;
            }
            let ids: Vec<Uuid> = ids.into_iter().collect();
            let between = if sql.text().is_empty() { "SELECT '" } else { " UNION ALL SELECT '" };
            sql.push(between).push(kind.name()).push("' AS kind, t.id FROM ").table(kind.table().table);
            sql.push(" t WHERE t.id").in_ids(&ids);
            scope::and_within(&mut sql, self.actor(), (kind, "t"), Action::Read);
        }
        if sql.text().is_empty() {
            return Ok(readable);
        }
        for row in self.fetch(sql).await? {
            readable.ids.extend(json::text(&row, 0)?.and_then(Kind::named).zip(json::uuid(&row, 1)?));
        }
        Ok(readable)
    }
}

fn note(named: &mut BTreeMap<Kind, BTreeSet<Uuid>>, id: Option<(Kind, Uuid)>) {
    if let Some((kind, id)) = id {
        named.entry(kind).or_default().insert(id);
    }
}

/// The records whose ids may be shown.
pub(in crate::store) struct Readable {
    /// All of these kinds.
    kinds: HashSet<Kind>,
    /// And these.
    ids: HashSet<(Kind, Uuid)>,
}

impl Readable {
    pub(in crate::store) fn has(&self, id: (Kind, Uuid)) -> bool {
        self.kinds.contains(&id.0) || self.ids.contains(&id)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::access::{FieldRule, Grant, Policy};

    fn actor(hidden: &str) -> Actor {
        let grant = Grant { kind: Kind::Deal, action: Action::Read, reach: Reach::All };
        let policy = Policy::of(&[grant], &[(Kind::Deal, hidden.to_owned(), FieldRule::Hidden)]);
        Actor { policy, ..Actor::anonymous() }
    }

    #[test]
    fn a_hidden_field_is_not_even_named_and_the_others_stand_in_the_order_of_the_record() {
        let changes =
            json!({ "zeal": { "after": 1 }, "stage": { "before": "a", "after": "b" }, "amount": {}, "name": {} });
        let names = |actor: &Actor| -> Vec<String> {
            let seen = seen(actor, Some(Kind::Deal), Some(&changes.to_string())).unwrap();
            seen.into_iter().map(|change| change.field).collect()
        };
        assert_eq!(names(&actor("stage")), ["name", "amount", "zeal"]);
        assert_eq!(names(&actor("amount")), ["name", "stage", "zeal"]);
        assert_eq!(fields(Kind::Deal, Some(&changes.to_string())), ["name", "amount", "stage", "zeal"]);
        assert_eq!(fields(Kind::Deal, Some("[]")), [""; 0]);
        assert_eq!(seen(&actor("amount"), None, Some("{\"a\":{}}")).unwrap(), [], "of a type that is not known");
        assert_eq!(seen(&actor("amount"), Some(Kind::Deal), Some("[]")).unwrap(), []);
    }
}
