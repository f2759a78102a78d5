//! Pages: order, cursors that survive inserts, and the row comparison that finds the next page.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use entity::{
    Kind,
    table::{Field, Type},
};
use sea_orm::{Value, prelude::Uuid};
use serde_json::Value as Json;

use super::filter::refuse_hidden;
use crate::{
    access::Actor,
    error::{Code, Error, Result},
    store::{sql::Sql, value},
};

/// The most rows a page of a root list may have.
pub const MAX_PAGE: usize = 200;
/// The most rows per parent a nested page may have.
pub const MAX_NESTED_PAGE: usize = 50;
/// Rows of a page where the client does not say.
pub const DEFAULT_PAGE: usize = 25;

/// How many rows `first` asks for in a root list.
pub fn most(first: i32) -> Result<usize> {
    let most = usize::try_from(first).ok().filter(|first| *first <= MAX_PAGE);
    most.ok_or_else(|| Error::argument(format!("first must be between 0 and {MAX_PAGE}; got {first}.")))
}

/// The refusal of a cursor that leads nowhere.
#[must_use]
pub fn invalid_cursor(why: &str) -> Error {
    Error::refused(Code::InvalidCursor, format!("The cursor {why}; use a cursor returned by this list."))
}

/// One key of an order.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The field named.
    pub field: &'static Field,
    /// The column compared: the fold key where there is one.
    pub column: &'static str,
    /// Greatest first.
    pub descending: bool,
    /// Empty values first.
    pub nulls_first: bool,
}

/// The order of a list; the id is always its last key.
#[derive(Clone, Debug)]
pub struct Order {
    kind: Kind,
    keys: Vec<Key>,
}

impl Order {
    /// By id: in order of creation.
    #[must_use]
    pub fn by_id(kind: Kind) -> Self {
        let id = Key { field: &kind.table().fields[0], column: "id", descending: false, nulls_first: false };
        Self { kind, keys: vec![id] }
    }

    /// Reads `[{ field, direction, nulls }]`.
    pub fn read(kind: Kind, json: Option<&Json>) -> Result<Self> {
        let items = match json {
            None | Some(Json::Null) => return Ok(Self::by_id(kind)),
            Some(Json::Array(items)) => items.as_slice(),
            Some(one) => std::slice::from_ref(one),
        };
        if items.len() > 5 {
            return Err(Error::argument(format!("orderBy may have at most 5 keys; got {}.", items.len())));
        }
        let mut keys: Vec<Key> = Vec::with_capacity(items.len() + 1);
        for item in items {
            let name = item.get("field").and_then(Json::as_str).unwrap_or_default();
            let field =
                kind.table().readable().find(|field| field.sort && field.shown() && screaming(&field.name) == name);
            let field = field.ok_or_else(|| Error::argument(format!("{} cannot be sorted by {name}.", kind.name())))?;
            let column = field.fold.unwrap_or(field.column);
            if keys.iter().any(|key| key.column == column) {
                return Err(Error::argument(format!("orderBy contains {name} more than once.")));
            }
            keys.push(Key {
                field,
                column,
                descending: item.get("direction").and_then(Json::as_str) == Some("DESC"),
                nulls_first: item.get("nulls").and_then(Json::as_str) == Some("FIRST"),
            });
        }
        if !keys.iter().any(|key| key.column == "id") {
            // In the direction of the last key, so that one row comparison serves for both.
            let descending = keys.last().is_some_and(|key| key.descending);
            keys.push(Key { field: &kind.table().fields[0], column: "id", descending, nulls_first: false });
        }
        Ok(Self { kind, keys })
    }

    /// Its keys, the id last.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Refused where a key is hidden from the actor.
    pub fn check(&self, actor: &Actor) -> Result<()> {
        self.keys.iter().try_for_each(|key| refuse_hidden(actor, self.kind, &key.field.name))
    }

    /// Appends `ORDER BY …`, backwards if asked.
    pub fn push(&self, sql: &mut Sql, alias: &str, backwards: bool) {
        sql.push(" ORDER BY ");
        self.push_keys(sql, alias, backwards);
    }

    /// Appends the keys alone.
    pub fn push_keys(&self, sql: &mut Sql, alias: &str, backwards: bool) {
        for (n, key) in self.keys.iter().enumerate() {
            if n > 0 {
                sql.push(", ");
            }
            sql.value(alias, key.field, key.column).push(if key.descending == backwards { " ASC" } else { " DESC" });
            if key.field.nullable {
                sql.push(if key.nulls_first == backwards { " NULLS LAST" } else { " NULLS FIRST" });
            }
        }
    }

    /// Names the order inside its cursors, so that those of another list are recognised.
    fn signature(&self) -> String {
        use std::fmt::Write;
        let mut text = self.kind.table().prefix.to_owned();
        for key in &self.keys {
            let (direction, nulls) = (if key.descending { '-' } else { '+' }, if key.nulls_first { "^" } else { "" });
            let _ = write!(text, "{direction}{}{nulls}", key.column);
        }
        text
    }

    /// The cursor of a row with these key values, the id last.
    #[must_use]
    pub fn cursor(&self, values: &[Value]) -> String {
        let mut parts = vec![Json::String(self.signature())];
        parts.extend(values.iter().map(|value| match value {
            Value::String(Some(text)) => Json::String(text.clone()),
            Value::Int(Some(number)) => (*number).into(),
            Value::BigInt(Some(number)) => (*number).into(),
            Value::Bool(Some(truth)) => (*truth).into(),
            Value::Uuid(Some(id)) => Json::String(id.simple().to_string()),
            _ => Json::Null,
        }));
        URL_SAFE_NO_PAD.encode(Json::Array(parts).to_string())
    }

    /// Reads a cursor of this very order.
    pub fn read_cursor(&self, cursor: &str) -> Result<Vec<Value>> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| invalid_cursor("cannot be read"))?;
        let parts: Vec<Json> = serde_json::from_slice(&bytes).map_err(|_| invalid_cursor("cannot be read"))?;
        let Some((signature, values)) = parts.split_first() else { return Err(invalid_cursor("is empty")) };
        if signature.as_str() != Some(self.signature().as_str()) || values.len() != self.keys.len() {
            return Err(invalid_cursor("belongs to another list or order"));
        }
        let read = |(json, key): (&Json, &Key)| {
            let value = match (key.field.ty, json) {
                (ty, Json::Null) if key.field.nullable => Some(value::null(ty)),
                (Type::Id | Type::Key(_), Json::String(text)) => Uuid::parse_str(text).ok().map(Value::from),
                (Type::Text | Type::Choice(_), Json::String(text)) => Some(text.as_str().into()),
                (Type::Int | Type::Day, json) => {
                    json.as_i64().and_then(|number| i32::try_from(number).ok()).map(Value::from)
                }
                (Type::Instant | Type::Money, json) => json.as_i64().map(Value::from),
                (Type::Bool, json) => json.as_bool().map(Value::from),
                _ => None,
            };
            value.ok_or_else(|| invalid_cursor("cannot be read"))
        };
        values.iter().zip(&self.keys).map(read).collect()
    }

    /// Appends the condition that a row comes after the one with these key values (or before it,
    /// backwards).
    ///
    /// Keys that cannot be empty and all run one way compare as one row, `(a, id) > (x, y)`, which
    /// an index answers directly. Otherwise the condition is spelt out, with a bound on the leading
    /// key in front so that the index still leads to the place.
    pub fn push_after(&self, sql: &mut Sql, alias: &str, values: &[Value], backwards: bool) {
        let one_way = self.keys.iter().all(|key| key.descending == self.keys[0].descending && !key.field.nullable);
        if one_way {
            sql.push("(");
            for (n, key) in self.keys.iter().enumerate() {
                sql.push(if n > 0 { ", " } else { "" }).value(alias, key.field, key.column);
            }
            sql.push(if self.keys[0].descending == backwards { ") > (" } else { ") < (" });
            for (n, value) in values.iter().enumerate() {
                sql.push(if n > 0 { ", " } else { "" }).bind(value.clone());
            }
            sql.push(")");
            return;
        }
        sql.push("(");
        if self.keys[0].field.nullable {
            sql.push("TRUE AND (");
        } else {
            sql.value(alias, self.keys[0].field, self.keys[0].column).push(if self.keys[0].descending == backwards {
                " >= "
            } else {
                " <= "
            });
            sql.bind(values[0].clone()).push(" AND (");
        }
        for n in 0..self.keys.len() {
            sql.push(if n > 0 { " OR (" } else { "(" });
            for (key, value) in self.keys.iter().zip(values).take(n) {
                sql.value(alias, key.field, key.column);
                if is_null(value) {
                    sql.push(" IS NULL")
                } else {
                    sql.push(" = ").bind(value.clone())
                };
                sql.push(" AND ");
            }
            push_beyond(sql, (alias, &self.keys[n]), &values[n], backwards);
            sql.push(")");
        }
        sql.push("))");
    }
}

/// Appends the condition that one key lies beyond a value, empty values at their stated end.
fn push_beyond(sql: &mut Sql, (alias, key): (&str, &Key), value: &Value, backwards: bool) {
    let nulls_last = key.nulls_first == backwards;
    match (is_null(value), nulls_last) {
        (true, true) => {
            sql.push("FALSE");
        }
        (true, false) => {
            sql.value(alias, key.field, key.column).push(" IS NOT NULL");
        }
        (false, nulls_last) => {
            sql.push("(").value(alias, key.field, key.column);
            sql.push(if key.descending == backwards { " > " } else { " < " }).bind(value.clone());
            if nulls_last && key.field.nullable {
                sql.push(" OR ").value(alias, key.field, key.column).push(" IS NULL");
            }
            sql.push(")");
        }
    }
}

fn is_null(value: &Value) -> bool {
    matches!(
        value,
        Value::String(None) | Value::Int(None) | Value::BigInt(None) | Value::Bool(None) | Value::Uuid(None)
    )
}

/// `createdAt` as an enum value: `CREATED_AT`.
#[must_use]
pub fn screaming(camel: &str) -> String {
    let mut name = String::with_capacity(camel.len() + 4);
    for c in camel.chars() {
        if c.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(c.to_ascii_uppercase());
    }
    name
}

/// Which page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// How many rows.
    pub size: usize,
    /// From the end of the list instead of its start.
    pub backwards: bool,
    /// Only rows after this cursor.
    pub after: Option<String>,
    /// Only rows before this cursor.
    pub before: Option<String>,
}

impl Page {
    /// Reads `first`, `last`, `after` and `before`, refusing more than `most` rows.
    pub fn read(get: impl Fn(&str) -> Option<Json>, most: usize) -> Result<Self> {
        let size = |name: &str| match get(name) {
            None | Some(Json::Null) => Ok(None),
            Some(json) => match json.as_i64() {
                Some(n) if n < 0 => Err(Error::argument(format!("{name} must not be negative; got {n}."))),
                Some(n) if usize::try_from(n).is_ok_and(|n| n > most) => {
                    Err(Error::argument(format!("{name} must be at most {most}; got {n}.")))
                }
                Some(n) => Ok(Some(usize::try_from(n).unwrap_or(most))),
                None => Err(Error::argument(format!("{name} must be an integer."))),
            },
        };
        let text = |name: &str| get(name).and_then(|json| json.as_str().map(str::to_owned));
        let (first, last) = (size("first")?, size("last")?);
        if first.is_some() && last.is_some() {
            return Err(Error::argument("first and last cannot be combined."));
        }
        Ok(Self {
            size: first.or(last).unwrap_or(DEFAULT_PAGE.min(most)),
            backwards: last.is_some(),
            after: text("after"),
            before: text("before"),
        })
    }
}
