//! Filters of events by the record they tell of, its type, and which of its fields changed.

use std::collections::{BTreeMap, BTreeSet};

use entity::{Kind, event};
use sea_orm::prelude::Uuid;
use serde_json::Value as Json;

use super::Filter;
use crate::{
    access::Actor,
    error::{Error, Result},
    store::{
        sql::{Engine, Sql},
        value,
    },
};

/// The most values of one comparison.
const MAX_COMPARED: usize = 1_000;

/// A test of what an event tells.
#[derive(Clone, Debug)]
pub enum EventPredicate {
    /// It is about one of these records.
    Of(Vec<(Kind, Uuid)>),
    /// It is about a record of one of these types.
    OfType(Vec<Kind>),
    /// One of these fields changed.
    Field(Vec<&'static str>),
}

impl EventPredicate {
    /// Reads an entry of `EventFilter` that is no column; nothing where it is one.
    pub fn read(name: &str, json: &Json) -> Result<Option<Filter>> {
        let read: fn(&Json) -> Result<Self> = match name {
            "subject" => |json| values(json, record).map(Self::Of),
            "subjectType" => |json| values(json, kind).map(Self::OfType),
            "field" => |json| values(json, field).map(Self::Field),
            _ => return Ok(None),
        };
        let object = json.as_object().ok_or_else(|| Error::argument(format!("The filter of {name} is an object.")))?;
        let mut all = Vec::with_capacity(object.len());
        for (comparison, json) in object {
            if json.is_null() {
                return Err(Error::argument(format!("`{comparison}: null` is not allowed; omit it.")));
            }
            all.push(match comparison.as_str() {
                "eq" | "in" => Filter::EventPredicate(read(json)?),
                "ne" | "notIn" if name == "subject" => Filter::Not(Box::new(Filter::EventPredicate(read(json)?))),
                _ => return Err(Error::argument(format!("{name} has no comparison {comparison}."))),
            });
        }
        Ok(Some(if all.is_empty() { Filter::Everything } else { Filter::And(all) }))
    }

    /// How many values it compares with.
    #[must_use]
    pub fn values(&self) -> usize {
        match self {
            Self::Of(records) => records.len(),
            Self::OfType(kinds) => kinds.len(),
            Self::Field(names) => names.len(),
        }
    }

    /// Appends the condition on the event of `alias`. What is hidden from the actor changed for nobody they
    /// could tell: such events do not pass by that field. They are not refused, because one name is a field of
    /// several types, of which a role may hide some and not others.
    pub fn push(&self, sql: &mut Sql, actor: &Actor, alias: &str) {
        let mut between = "(";
        let mut or = |sql: &mut Sql| {
            sql.push(std::mem::replace(&mut between, " OR "));
        };
        match self {
            Self::Of(records) => {
                let mut by_kind: BTreeMap<Kind, Vec<Uuid>> = BTreeMap::new();
                for (kind, id) in records {
                    by_kind.entry(*kind).or_default().push(*id);
                }
                for (kind, ids) in by_kind {
                    or(sql);
                    push_kinds(sql, alias, &[kind]);
                    sql.push(" AND ").column(alias, "subject_id");
                    match ids.as_slice() {
                        [id] => sql.push(" = ").bind(*id),
                        ids => sql.in_ids(ids),
                    };
                }
            }
            Self::OfType(kinds) if kinds.is_empty() => {}
            Self::OfType(kinds) => {
                or(sql);
                push_kinds(sql, alias, kinds);
            }
            Self::Field(names) => {
                for name in names {
                    let kinds: Vec<Kind> = telling_of(name).filter(|kind| !actor.policy.hides(*kind, name)).collect();
                    if kinds.is_empty() {
                        continue;
                    }
                    or(sql);
                    push_kinds(sql, alias, &kinds);
                    sql.push(" AND ");
                    push_changed(sql, alias, name);
                }
            }
        }
        sql.push(if between == "(" { "FALSE" } else { ")" });
    }
}

/// Appends the condition that an event is about a record of these kinds, whose names need no binding.
fn push_kinds(sql: &mut Sql, alias: &str, kinds: &[Kind]) {
    sql.column(alias, "subject_kind").push(" IN ('");
    sql.push(&kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join("','")).push("')");
}

/// Appends the condition that an event tells of a change of a field.
pub(in crate::store) fn push_changed(sql: &mut Sql, alias: &str, name: &str) {
    match sql.engine() {
        Engine::Postgres => sql.push("(").column(alias, "changes").push(" -> ").bind(name).push("::text)"),
        Engine::Sqlite => {
            sql.push("json_type(").column(alias, "changes").push(", ").bind(format!("$.\"{name}\"")).push(")")
        }
    };
    sql.push(" IS NOT NULL");
}

/// The kinds of whose records events tell under this name.
fn telling_of(name: &str) -> impl Iterator<Item = Kind> {
    Kind::ALL.into_iter().filter(move |kind| *kind != Kind::Event && event::field_names(*kind).any(|told| told == name))
}

/// One value, or a list of them.
fn values<T>(json: &Json, read: fn(&str) -> Result<T>) -> Result<Vec<T>> {
    let items = json.as_array().map_or(std::slice::from_ref(json), Vec::as_slice);
    if items.len() > MAX_COMPARED {
        return Err(Error::argument(format!("in may have at most 1,000 values; got {}.", items.len())));
    }
    let misfit = || Err(Error::argument("A name or an ID must be a string."));
    items.iter().map(|item| item.as_str().map_or_else(misfit, read)).collect()
}

fn record(text: &str) -> Result<(Kind, Uuid)> {
    entity::id::parse(text).ok_or_else(|| Error::argument(format!("“{}” is not a global id.", value::short(text))))
}

fn kind(name: &str) -> Result<Kind> {
    Kind::named(name).filter(|kind| *kind != Kind::Event).ok_or_else(|| {
        let known: Vec<&str> = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Event).map(Kind::name).collect();
        let (name, known) = (value::short(name), known.join(", "));
        Error::argument(format!("{name} is not a record type that has events; valid types are {known}."))
    })
}

fn field(name: &str) -> Result<&'static str> {
    let known: BTreeSet<&'static str> =
        Kind::ALL.into_iter().filter(|kind| *kind != Kind::Event).flat_map(event::field_names).collect();
    known.get(name).copied().ok_or_else(|| {
        let (name, known) = (value::short(name), known.into_iter().collect::<Vec<_>>().join(", "));
        Error::argument(format!(
            "{name} is not a field whose changes are recorded in events; valid fields are {known}."
        ))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_unknown_name_is_refused_with_those_that_are_known() {
        let refused = |name: &str, json: Json| EventPredicate::read(name, &json).unwrap_err().to_string();
        assert!(refused("subjectType", json!({ "eq": "Nonsense" })).contains("Account, AccountDomain"));
        assert!(refused("field", json!({ "in": ["name", "ownerId"] })).contains("annualRevenue"));
        assert!(refused("subject", json!({ "eq": "acct_1" })).contains("not a global id"));
        assert!(refused("field", json!({ "eq": null })).contains("is not allowed"));
        assert!(refused("field", json!({ "ne": "name" })).contains("no comparison ne"));
        assert!(refused("field", json!({ "eq": 1 })).contains("string"));
        assert!(refused("subject", json!("acct")).contains("object"));
        assert!(EventPredicate::read("requestId", &json!({})).unwrap().is_none());
    }

    #[test]
    fn every_name_that_events_tell_needs_no_escaping() {
        for kind in Kind::ALL {
            assert!(event::field_names(kind).all(|name| name.bytes().all(|b| b.is_ascii_alphanumeric())), "{kind:?}");
        }
    }
}
