//! Roles as a JSON document: written, read, and put in an order in which originals come before copies.

use entity::role;
use serde_json::{Map, Value as Json, json};

use crate::{
    error::{Error, Result, UserCode, UserError},
    store::value::short,
};

/// What a document calls its form; another form gets another number.
const FORMAT: &str = "tandem-roles/1";

/// Roles that one document may hold.
const MAX_ROLES: usize = 200;

/// One role of a document. What is left out stays as it is, or is empty for a new role.
#[derive(Clone, Debug, Default)]
pub(super) struct Entry {
    /// Its place in the document.
    pub at: usize,
    pub key: String,
    pub name: Option<String>,
    pub description: Said,
    pub copy_of: Said,
    pub grants: Option<Vec<String>>,
    pub field_rules: Option<Vec<String>>,
}

/// What a document says of a text that may be empty.
#[derive(Clone, Debug, Default)]
pub(super) enum Said {
    /// Nothing: it stays as it is.
    #[default]
    Nothing,
    /// This, or that there is none.
    This(Option<String>),
}

impl Said {
    /// The text, if it says one.
    pub fn text(&self) -> Option<&str> {
        if let Self::This(text) = self { text.as_deref() } else { None }
    }
}

/// A document of these roles; `key_of` tells the key of an original.
pub(super) fn write(roles: &[role::Model], key_of: impl Fn(&role::Model) -> Option<String>) -> Json {
    let roles: Vec<Json> = roles
        .iter()
        .map(|role| {
            json!({
                "key": role.key, "name": role.name, "description": role.description, "copyOf": key_of(role),
                "grants": role.grants.0, "fieldRules": role.field_rules.0,
            })
        })
        .collect();
    json!({ "format": FORMAT, "roles": roles })
}

/// The roles of a document, originals before their copies.
pub(super) fn read(document: &Json) -> Result<Vec<Entry>> {
    if document["format"] != FORMAT {
        let message = format!("The document's format must be {FORMAT}.");
        return Err(mistake("document.format", "FORMAT_UNKNOWN", message).into());
    }
    let Some(roles) = document["roles"].as_array() else {
        return Err(mistake("document.roles", "DOCUMENT_FORM", "roles must be a list of roles.").into());
    };
    if roles.len() > MAX_ROLES {
        let message = format!("A document may have at most {MAX_ROLES} roles; got {}.", roles.len());
        return Err(Error::input(UserCode::LimitReached, "document.roles", message));
    }
    let (mut entries, mut mistakes) = (Vec::<Entry>::with_capacity(roles.len()), Vec::new());
    for (at, role) in roles.iter().enumerate() {
        match entry(at, role) {
            Ok(entry) if entries.iter().any(|other| other.key == entry.key) => {
                let message = format!("The document has two roles with the key {}.", short(&entry.key));
                mistakes.push(mistake(&format!("document.roles.{at}.key"), "ROLE_TWICE", message));
            }
            Ok(entry) => entries.push(entry),
            Err(error) => mistakes.push(error),
        }
    }
    if !mistakes.is_empty() {
        return Err(Error::Input(mistakes));
    }
    in_order(entries)
}

fn mistake(field: &str, reason: &'static str, message: impl Into<String>) -> UserError {
    UserError::new(UserCode::Invalid, field, message).because(reason)
}

fn entry(at: usize, role: &Json) -> Result<Entry, UserError> {
    let path = format!("document.roles.{at}");
    let Some(members) = role.as_object() else {
        return Err(mistake(&path, "DOCUMENT_FORM", "A role must be an object."));
    };
    let mut entry = Entry { at, ..Entry::default() };
    for (name, json) in members {
        let wrong =
            |takes: &str| mistake(&format!("{path}.{name}"), "DOCUMENT_FORM", format!("{name} must be {takes}."));
        let text = || json.as_str().map(str::to_owned).ok_or_else(|| wrong("a string"));
        let optional = || if json.is_null() { Ok(None) } else { text().map(Some) };
        match name.as_str() {
            "key" => entry.key = text()?,
            "name" => entry.name = Some(text()?),
            "description" => entry.description = Said::This(optional()?),
            "copyOf" => entry.copy_of = Said::This(optional()?),
            "grants" => entry.grants = Some(texts(json).ok_or_else(|| wrong("a list of strings"))?),
            "fieldRules" => entry.field_rules = Some(texts(json).ok_or_else(|| wrong("a list of strings"))?),
            _ => {
                let message = "A role may only have key, name, description, copyOf, grants and fieldRules.";
                return Err(mistake(&format!("{path}.{}", short(name)), "MEMBER_UNKNOWN", message));
            }
        }
    }
    if entry.key.is_empty() {
        let message = "key is required, because roles are matched by it.";
        return Err(UserError::new(UserCode::Required, &format!("{path}.key"), message));
    }
    Ok(entry)
}

fn texts(json: &Json) -> Option<Vec<String>> {
    json.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
}

/// Originals before their copies; refused where there is a circle of copies.
fn in_order(mut waiting: Vec<Entry>) -> Result<Vec<Entry>> {
    let mut ordered = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let keys: Vec<String> = waiting.iter().map(|entry| entry.key.clone()).collect();
        let waits = |entry: &Entry| entry.copy_of.text().is_some_and(|original| keys.iter().any(|key| key == original));
        let (still, ready): (Vec<Entry>, Vec<Entry>) = waiting.into_iter().partition(waits);
        if ready.is_empty() {
            let circle = still.iter().map(|entry| {
                let message = format!("{} must not be a direct or indirect copy of itself.", short(&entry.key));
                mistake(&format!("document.roles.{}.copyOf", entry.at), "ROLE_CYCLE", message)
            });
            return Err(Error::Input(circle.collect()));
        }
        ordered.extend(ready);
        waiting = still;
    }
    Ok(ordered)
}

/// Permissions or field rules as the objects that the API takes.
pub(super) fn parted(texts: &[String], names: [&str; 3]) -> Result<Json, Misspelt> {
    let part = |text: &String| {
        let parts: Vec<&str> = text.split(':').collect();
        if parts.len() != 3 {
            return Err(Misspelt(short(text)));
        }
        let members = names.iter().zip(parts).map(|(name, part)| ((*name).to_owned(), part.into()));
        Ok(Json::Object(members.collect::<Map<_, _>>()))
    };
    texts.iter().map(part).collect()
}

/// A text that does not have three parts between colons.
pub(super) struct Misspelt(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(document: &Json) -> Result<Vec<String>, Vec<String>> {
        match read(document) {
            Ok(entries) => Ok(entries.into_iter().map(|entry| entry.key).collect()),
            Err(Error::Input(errors)) => Err(errors.into_iter().map(|error| error.field.join(".")).collect()),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn originals_come_before_their_copies() {
        let roles =
            json!([{ "key": "c", "copyOf": "b" }, { "key": "b", "copyOf": "a" }, { "key": "a", "copyOf": "x" }]);
        assert_eq!(keys(&json!({ "format": FORMAT, "roles": roles })), Ok(vec!["a".into(), "b".into(), "c".into()]));
    }

    #[test]
    fn a_circle_of_copies_is_found() {
        let roles = json!([{ "key": "a", "copyOf": "b" }, { "key": "b", "copyOf": "a" }, { "key": "d" }]);
        let circle = keys(&json!({ "format": FORMAT, "roles": roles }));
        assert_eq!(circle, Err(vec!["document.roles.0.copyOf".into(), "document.roles.1.copyOf".into()]));
    }
}
