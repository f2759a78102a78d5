//! Reading filters: the shape of the API's inputs, within what a database can bear.

use entity::{
    Kind,
    table::{Field, Join, Link, Table, Type},
};
use sea_orm::Value;
use serde_json::{Map, Value as Json};

use super::{EventPredicate, Filter, Known, Place, Quantifier, Test, search::needle};
use crate::{
    error::{Error, Result},
    store::{fold, value},
    text::{email_key, normal, tidy},
};

/// How deep a filter may go through relations: each step can multiply the rows looked at.
pub const MAX_HOPS: usize = 3;
/// How many tests a filter may have: the engines bound the depth of an expression.
pub const MAX_TESTS: usize = 200;
/// How many values a filter may compare with: the engines bound the values of a statement.
pub const MAX_VALUES: usize = 5_000;
/// How much a filter asks of the database.
#[derive(Clone, Copy, Default)]
struct Size {
    hops: usize,
    tests: usize,
    values: usize,
}

impl Size {
    fn and(self, other: Self) -> Self {
        Self { hops: self.hops.max(other.hops), tests: self.tests + other.tests, values: self.values + other.values }
    }
}

/// The entry of a filter that tests what other systems know a record by.
pub const EXTERNAL: &str = "external";

impl Filter {
    /// Reads a filter in the shape of the kind's filter input, within what a database can bear:
    /// relations at most [`MAX_HOPS`] deep, at most [`MAX_TESTS`] tests and [`MAX_VALUES`] values.
    pub fn read(kind: Kind, json: &Json) -> Result<Self> {
        let filter = Self::read_part(kind, json)?;
        let size = filter.size();
        for (what, number, most) in [
            ("relations deep", size.hops, MAX_HOPS),
            ("conditions", size.tests, MAX_TESTS),
            ("values", size.values, MAX_VALUES),
        ] {
            if number > most {
                return Err(Error::argument(format!("A filter may have at most {most} {what}; got {number}.")));
            }
        }
        Ok(filter)
    }

    fn read_part(kind: Kind, json: &Json) -> Result<Self> {
        let table = kind.table();
        let object =
            json.as_object().ok_or_else(|| Error::argument(format!("{}Filter must be an object.", table.name)))?;
        let mut all = Vec::with_capacity(object.len());
        for (name, json) in object {
            if json.is_null() {
                return Err(Error::argument(format!("`{name}: null` is not allowed; use `isNull`, or omit it.")));
            }
            all.push(match name.as_str() {
                "and" => Self::And(Self::read_list(kind, json)?),
                "or" => Self::Or(Self::read_list(kind, json)?),
                "not" => match Self::read_part(kind, json)? {
                    Self::Everything => Self::Everything,
                    inner => Self::Not(Box::new(inner)),
                },
                _ => Self::read_entry(table, name, json)?,
            });
        }
        // An empty test tests nothing, wherever it stands.
        all.retain(|filter| !matches!(filter, Self::Everything));
        Ok(match all.len() {
            0 => Self::Everything,
            1 => all.remove(0),
            _ => Self::And(all),
        })
    }

    fn read_list(kind: Kind, json: &Json) -> Result<Vec<Self>> {
        // A single object is a list of one, by GraphQL's input coercion.
        json.as_array().map_or_else(
            || Ok(vec![Self::read_part(kind, json)?]),
            |items| items.iter().map(|item| Self::read_part(kind, item)).collect(),
        )
    }

    fn read_entry(table: &'static Table, name: &str, json: &Json) -> Result<Self> {
        if table.kind == Kind::Event
            && let Some(filter) = EventPredicate::read(name, json)?
        {
            return Ok(filter);
        }
        if name == EXTERNAL && table.kind != Kind::Event {
            return Self::read_external(json);
        }
        let key_of =
            |link: &&'static Link| matches!(link.join, Join::One { .. }) && name.strip_suffix("Id") == Some(&link.name);
        if let Some(link) = table.links.iter().find(key_of) {
            return Self::read_key(link, name, json);
        }
        if let Some(field) = table.field(name) {
            let object =
                json.as_object().ok_or_else(|| Error::argument(format!("The filter of {name} is an object.")))?;
            return Ok(match Test::read(table.kind, field, object)? {
                Test::All(all) if all.is_empty() => Self::Everything,
                test => Self::Test(field, test),
            });
        }
        let Some(link) = table.link(name) else {
            return Err(Error::argument(format!("{}Filter has no field {name}.", table.name)));
        };
        if matches!(link.join, Join::Listed | Join::Subject) {
            return Err(Error::argument(format!("{}Filter has no field {name}.", table.name)));
        }
        if matches!(link.join, Join::One { .. }) {
            return Ok(match Self::read_part(link.target, json)? {
                // An empty test tests nothing.
                Self::Everything => Self::Everything,
                inner => Self::Linked(link, Quantifier::Some, Box::new(inner)),
            });
        }
        let object = json.as_object().ok_or_else(|| Error::argument(format!("The filter of {name} is an object.")))?;
        let mut all = Vec::new();
        for (quantifier, json) in object {
            if json.is_null() {
                return Err(Error::argument(format!("`{quantifier}: null` is not allowed; omit it.")));
            }
            let quantifier = match quantifier.as_str() {
                "some" => Quantifier::Some,
                "every" => Quantifier::Every,
                "none" => Quantifier::None,
                other => return Err(Error::argument(format!("{name} must contain some, every or none, not {other}."))),
            };
            all.push(Self::Linked(link, quantifier, Box::new(Self::read_part(link.target, json)?)));
        }
        Ok(if all.is_empty() { Self::Everything } else { Self::And(all) })
    }

    /// The test of the id at the other end of a to-one link, as far as the reader sees what is there.
    fn read_key(link: &'static Link, name: &str, json: &Json) -> Result<Self> {
        let object = json.as_object().ok_or_else(|| Error::argument(format!("The filter of {name} is an object.")))?;
        let there = |filter| Self::Linked(link, Quantifier::Some, Box::new(filter));
        let id = &link.target.table().fields[0];
        let mut all = Vec::with_capacity(object.len());
        for (comparison, json) in object {
            let is = |comparison: &str| -> Result<Self> {
                let test = Map::from_iter([(comparison.to_owned(), json.clone())]);
                Ok(there(Self::Test(id, Test::read(link.target, id, &test)?)))
            };
            all.push(match comparison.as_str() {
                "eq" | "in" => is(comparison)?,
                "ne" => Self::Not(Box::new(is("eq")?)),
                "notIn" => Self::Not(Box::new(is("in")?)),
                "isNull" if json.is_boolean() => {
                    let some = there(Self::Everything);
                    if truth(comparison, json)? { Self::Not(Box::new(some)) } else { some }
                }
                _ if json.is_null() => {
                    return Err(Error::argument(format!("`{comparison}: null` is not allowed; use `isNull`.")));
                }
                _ => return Err(Error::argument(format!("{name} has no comparison {comparison}."))),
            });
        }
        Ok(if all.is_empty() { Self::Everything } else { Self::And(all) })
    }

    /// The test of the ids that another system has for a record.
    fn read_external(json: &Json) -> Result<Self> {
        let text = |json: &Json| json.as_str().map(|text| tidy(text).into_owned());
        let takes = |name: &str| Error::argument(format!("external.{name} must be a string."));
        let system = json.get("system").and_then(text).ok_or_else(|| takes("system"))?;
        let (mut all, object) = (Vec::new(), json.as_object());
        for (name, json) in object.into_iter().flatten().filter(|(name, _)| *name != "system") {
            if json.is_null() {
                return Err(Error::argument(format!("`{name}: null` is not allowed; use `isNull`.")));
            }
            let known = match (name.as_str(), json) {
                ("id", json) => Known::By(vec![text(json).ok_or_else(|| takes(name))?]),
                ("in", json) => {
                    let ids = json.as_array().map_or(std::slice::from_ref(json), Vec::as_slice);
                    if ids.len() > 1_000 {
                        return Err(Error::argument(format!("in may have at most 1,000 values; got {}.", ids.len())));
                    }
                    Known::By(ids.iter().map(|id| text(id).ok_or_else(|| takes(name))).collect::<Result<_>>()?)
                }
                ("isNull", json) => Known::AtAll(!truth(name, json)?),
                (other, _) => return Err(Error::argument(format!("external has no comparison {other}."))),
            };
            all.push(Self::External(system.clone(), known));
        }
        if all.is_empty() {
            return Ok(Self::External(system, Known::AtAll(true)));
        }
        Ok(Self::And(all))
    }

    /// How much it asks of the database.
    fn size(&self) -> Size {
        match self {
            Self::Everything => Size::default(),
            Self::And(all) | Self::Or(all) => {
                all.iter().map(Self::size).fold(Size { tests: 1, ..Size::default() }, Size::and)
            }
            Self::Not(filter) => filter.size(),
            Self::Test(_, test) => Size { tests: 1, values: test.values(), ..Size::default() },
            Self::External(_, Known::By(ids)) => Size { tests: 1, values: ids.len() + 1, ..Size::default() },
            Self::External(..) | Self::Unique(..) => Size { tests: 1, values: 2, ..Size::default() },
            Self::EventPredicate(predicate) => Size { tests: 1, values: predicate.values(), ..Size::default() },
            Self::Linked(_, _, filter) => {
                let size = filter.size();
                Size { tests: size.tests + 1, hops: size.hops + 1, ..size }
            }
        }
    }
}

impl Test {
    /// How many values it compares with.
    fn values(&self) -> usize {
        match self {
            Self::In(values, _) => values.len(),
            Self::Folded(test) | Self::Money(_, test) => test.values() + 1,
            Self::All(all) => all.iter().map(Self::values).sum(),
            Self::Compare(..) | Self::Null(_) | Self::Like(..) => 1,
        }
    }

    fn read(kind: Kind, field: &Field, object: &Map<String, Json>) -> Result<Self> {
        if matches!(field.ty, Type::Money) {
            return Self::read_money(field, object);
        }
        let folded = object.get("ignoreCase").map(|json| truth("ignoreCase", json)).transpose()?.unwrap_or(false)
            && field.fold.is_some();
        let convert = |json: &Json| -> Result<Value> {
            // A comparison may use any length; only storing is limited.
            if let (Type::Text, Some(text)) = (field.ty, json.as_str()) {
                return match field.scalar {
                    Some("CountryCode") => value::country(text).map_err(|misfit| Error::argument(misfit.message)),
                    Some("EmailAddress") => Ok(email_key(text)),
                    _ if field.is_own_key() => Ok(host(text)),
                    _ if folded => Ok(fold(text)),
                    _ => Ok(normal(text).into_owned()),
                }
                .map(Value::from);
            }
            let read = match (field.ty, json.as_str()) {
                (Type::Id, Some(text)) => value::key(kind, text).map(Value::from),
                _ => value::read(field, json),
            };
            read.map_err(|misfit| Error::argument(misfit.message))
        };
        let mut all = Vec::new();
        for (name, json) in object {
            if json.is_null() {
                return Err(Error::argument(format!("`{name}: null` is not allowed; use `isNull`.")));
            }
            if !compares(field, name) {
                return Err(Error::argument(format!("{} has no comparison {name}.", field.name)));
            }
            let like = |place| match json.as_str() {
                Some(text) => Ok(needle(field, place, text, folded)),
                None => Err(Error::argument(format!("{name} must be a string."))),
            };
            let test = match name.as_str() {
                "eq" => Self::Compare("=", convert(json)?),
                "ne" => Self::Compare("IS DISTINCT FROM", convert(json)?),
                "lt" => Self::Compare("<", convert(json)?),
                "lte" => Self::Compare("<=", convert(json)?),
                "gt" => Self::Compare(">", convert(json)?),
                "gte" => Self::Compare(">=", convert(json)?),
                "in" | "notIn" => {
                    let values = match json.as_array() {
                        Some(items) => items.iter().map(convert).collect::<Result<Vec<_>>>()?,
                        None => vec![convert(json)?],
                    };
                    if values.len() > 1_000 {
                        return Err(Error::argument(format!(
                            "{name} may have at most 1,000 values; got {}.",
                            values.len()
                        )));
                    }
                    Self::In(values, name == "notIn")
                }
                "isNull" => {
                    all.push(Self::Null(truth(name, json)?));
                    continue;
                }
                "contains" => like(Place::Inside)?,
                "startsWith" => like(Place::Start)?,
                "endsWith" => like(Place::End)?,
                "ignoreCase" => continue,
                other => return Err(Error::argument(format!("{} has no comparison {other}.", field.name))),
            };
            all.push(if folded { Self::Folded(Box::new(test)) } else { test });
        }
        Ok(Self::All(all))
    }

    fn read_money(field: &Field, object: &Map<String, Json>) -> Result<Self> {
        let currency = object.get("currency").and_then(Json::as_str).map(value::currency).transpose();
        let currency = currency.map_err(|misfit| Error::argument(misfit.message))?;
        let mut all = Vec::new();
        for (name, json) in object {
            if json.is_null() {
                return Err(Error::argument(format!("`{name}: null` is not allowed; use `isNull`, or omit it.")));
            }
            let operator = match name.as_str() {
                "currency" => continue,
                "isNull" => {
                    all.push(Self::Null(truth(name, json)?));
                    continue;
                }
                "eq" => "=",
                "lt" => "<",
                "lte" => "<=",
                "gt" => ">",
                "gte" => ">=",
                other => return Err(Error::argument(format!("{} has no comparison {other}.", field.name))),
            };
            let Some(currency) = &currency else {
                return Err(Error::argument(format!("Comparing {} requires its currency.", field.name)));
            };
            let amount = json.as_str().map_or_else(|| json.to_string(), str::to_owned);
            let minor = value::minor_units(&amount, currency).map_err(|misfit| Error::argument(misfit.message))?;
            all.push(Self::Money(currency.to_owned(), Box::new(Self::Compare(operator, minor.into()))));
        }
        if let (true, Some(currency)) = (all.is_empty(), currency) {
            all.push(Self::Money(currency, Box::new(Self::Null(false))));
        }
        Ok(Self::All(all))
    }
}

/// Whether a column can be compared in this way.
fn compares(field: &Field, name: &str) -> bool {
    match name {
        "eq" | "ne" => true,
        "in" | "notIn" => !matches!(field.ty, Type::Bool),
        "isNull" => !matches!(field.ty, Type::Id),
        "lt" | "lte" | "gt" | "gte" => matches!(field.ty, Type::Text | Type::Int | Type::Instant | Type::Day),
        "contains" | "startsWith" | "endsWith" => matches!(field.ty, Type::Text),
        "ignoreCase" => field.fold.is_some(),
        _ => false,
    }
}

/// A host name as domains are stored, as far as the text is one.
fn host(text: &str) -> String {
    let text = tidy(text);
    idna::domain_to_ascii(&text).unwrap_or_else(|_| text.to_lowercase())
}

fn truth(name: &str, json: &Json) -> Result<bool> {
    json.as_bool().ok_or_else(|| Error::argument(format!("{name} must be true or false.")))
}
