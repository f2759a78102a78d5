//! A reference to a record that is named by something else than its id.

use entity::Kind;
use sea_orm::prelude::Uuid;
use serde_json::{Map, Value as Json};

use crate::{
    error::{UserCode, UserError},
    store::value,
    text::{short, tidy},
};

/// A reference that is to become the value of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    /// The place of the key among the table's fields.
    pub at: usize,
    /// The input that has it.
    input: String,
    /// The record type it leads to.
    pub target: Kind,
    /// How it is named.
    pub way: Way,
    /// The name, as it was sent.
    pub name: String,
}

/// How a record is named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Way {
    /// By the id that an external system has for it.
    External(String),
    /// By a field that is unique among live records.
    Unique(String),
}

/// What a reference says: an id, or a name that is to be looked up.
pub(super) enum Named {
    Id(Uuid),
    Nothing,
    Later(Reference),
}

impl Reference {
    /// Reads an input of the form of the target's `Ref`.
    pub fn read(at: usize, input: &str, target: Kind, json: &Json) -> Result<Named, value::Misfit> {
        let misfit = |message: String| value::Misfit { code: UserCode::Invalid, message };
        if json.is_null() {
            return Ok(Named::Nothing);
        }
        let one = json.as_object().filter(|object| object.len() == 1).and_then(|object| object.iter().next());
        let Some((by, json)) = one.filter(|(_, json)| !json.is_null()) else {
            return Err(misfit(format!("{}Ref requires exactly one of its fields.", target.name())));
        };
        let later = |way, name: &str| {
            Ok(Named::Later(Self { at, input: input.to_owned(), target, way, name: name.to_owned() }))
        };
        let part = |object: &Map<String, Json>, name: &str| {
            tidy(object.get(name).and_then(Json::as_str).unwrap_or_default()).into_owned()
        };
        match (by.as_str(), json) {
            ("id", Json::String(text)) => value::key(target, text).map(Named::Id),
            ("external", Json::Object(object)) => later(Way::External(part(object, "system")), &part(object, "id")),
            (name, Json::String(text)) if target.table().unique().any(|field| field.name == name) => {
                later(Way::Unique(name.to_owned()), text)
            }
            _ => Err(misfit(format!("{}Ref has no field {}.", target.name(), short(by)))),
        }
    }
}

impl Reference {
    /// The mistake where it leads nowhere.
    pub(super) fn unknown(&self) -> UserError {
        let kind = self.target.name();
        let message = match &self.way {
            Way::External(system) => {
                format!(
                    "No non-archived {kind} that you have access to has the ID {} in {}.",
                    short(&self.name),
                    short(system)
                )
            }
            Way::Unique(field) => format!("No non-archived {kind} that you have access to has this {field}."),
        };
        UserError::new(UserCode::NotFound, &self.input, message)
    }
}
