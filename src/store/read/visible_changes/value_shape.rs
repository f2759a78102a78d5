//! What stands in the values of a changed field: ids, texts of parts, or words.

use entity::{
    Kind, event,
    table::{EXTERNAL_IDS, Field, Parted, Type},
};
use sea_orm::prelude::Uuid;
use serde_json::{Map, Value as Json};

/// What the values of a changed field hold.
pub(in crate::store) enum ValueShape {
    /// The id of another record.
    Id,
    /// A filter of accounts.
    AccountFilter,
    /// Texts of parts.
    Parts(&'static Parted),
    /// What the record itself shows in the same words.
    Words,
    /// Something that is no field of the record.
    Anything,
}

impl ValueShape {
    pub fn of(kind: Option<Kind>, name: &str) -> Self {
        if name == EXTERNAL_IDS {
            return Self::Words;
        }
        let told = |field: &&Field| event::is_in_events(field) && field.event_name() == name;
        let field = kind.and_then(|kind| kind.table().fields.iter().find(told));
        match field.map(|field| field.ty) {
            Some(Type::Key(_)) => Self::Id,
            Some(Type::Parted(parted)) => Self::Parts(parted),
            Some(Type::Json) if kind == Some(Kind::TargetAccountList) => Self::AccountFilter,
            Some(Type::Json) | None => Self::Anything,
            Some(_) => Self::Words,
        }
    }

    /// Does something to each id in a value; what should be one and is none comes as nothing.
    pub fn ids(&self, value: &mut Json, to: &mut impl FnMut(Option<(Kind, Uuid)>, &mut Json)) {
        match self {
            Self::Id if value.is_null() => {}
            Self::Id => to(value.as_str().and_then(entity::id::parse), value),
            Self::AccountFilter | Self::Anything => deep(value, to),
            Self::Parts(_) | Self::Words => {}
        }
    }
}

/// Does something to each text in a value that is a global id.
fn deep(value: &mut Json, to: &mut impl FnMut(Option<(Kind, Uuid)>, &mut Json)) {
    match value {
        Json::String(text) => {
            if let Some(id) = entity::id::parse(text) {
                to(Some(id), value);
            }
        }
        Json::Array(items) => items.iter_mut().for_each(|item| deep(item, to)),
        Json::Object(entries) => entries.values_mut().for_each(|entry| deep(entry, to)),
        _ => {}
    }
}

/// Texts of parts as the objects that the API shows.
pub(in crate::store) fn respell(parted: &Parted, value: &mut Json) {
    for item in value.as_array_mut().into_iter().flatten() {
        let Json::String(text) = item else { continue };
        let words = parted.parts.iter().zip(text.split(':'));
        let object: Map<String, Json> = words.map(|(part, word)| (part.name.to_owned(), word.into())).collect();
        *item = Json::Object(object);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ids_are_found_where_they_stand_and_no_text_is_taken_for_one() {
        let id = entity::id::global(Kind::Account, Uuid::from_u128(7));
        let found = |holds: &ValueShape, mut value: Json| {
            let mut found = 0;
            holds.ids(&mut value, &mut |id, _| found += usize::from(id.is_some()));
            found
        };
        let filter = json!({ "or": [{ "id": { "in": [id, "no id"] } }, { "parent": { "id": { "eq": id } } }] });
        assert_eq!(found(&ValueShape::AccountFilter, filter), 2);
        assert_eq!(found(&ValueShape::of(Some(Kind::Account), "parent"), json!(id)), 1);
        assert_eq!(found(&ValueShape::of(Some(Kind::Account), "name"), json!(id)), 0, "a name is a name");
        assert_eq!(found(&ValueShape::of(Some(Kind::User), "filter"), json!({ "a": id })), 1);
    }

    #[test]
    fn what_a_role_permits_is_told_as_the_role_shows_it() {
        let ValueShape::Parts(parted) = ValueShape::of(Some(Kind::Role), "grants") else { panic!("grants have parts") };
        let mut value = json!(["Account:UPDATE:OWN"]);
        respell(parted, &mut value);
        assert_eq!(value, json!([{ "resource": "Account", "action": "UPDATE", "reach": "OWN" }]));
        respell(parted, &mut Json::Null);
    }
}
