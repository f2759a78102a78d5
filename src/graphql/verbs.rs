//! The standard mutations of nouns, and how the schema shows them.

use async_graphql::registry::Registry;
use entity::table::{EXTERNAL_IDS, Type};

use super::describe::{self, In, field, input_object, object, required, writable};
use super::once;
use crate::store::{Noun, Nouns, REMOVED_EXTERNAL_IDS, bulk};

/// A standard mutation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Makes a record.
    Create,
    /// Changes a record.
    Update,
    /// Archives a record.
    Archive,
    /// Brings a record back.
    Restore,
    /// Makes or changes many records.
    BulkUpsert,
}

impl Verb {
    /// Those that a noun has.
    pub fn of(noun: &dyn Noun) -> impl Iterator<Item = Self> {
        let verbs = noun.verbs();
        [
            (verbs.create, Self::Create),
            (verbs.update, Self::Update),
            (verbs.archive, Self::Archive),
            (verbs.archive, Self::Restore),
            (verbs.create && verbs.update, Self::BulkUpsert),
        ]
        .into_iter()
        .filter_map(|(has, verb)| has.then_some(verb))
    }

    /// What follows the noun in its name.
    #[must_use]
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Create => "Create",
            Self::Update => "Update",
            Self::Archive => "Archive",
            Self::Restore => "Restore",
            Self::BulkUpsert => "BulkUpsert",
        }
    }

    /// Public description.
    #[must_use]
    pub const fn doc(self) -> &'static str {
        match self {
            Self::Create => "Creates a record.",
            Self::Update => "Updates a record. Fields that are left out stay unchanged; null clears a field.",
            Self::Archive => {
                "Archives a record: it is left out of lists, its unique values can be used again, and it can still be looked up by ID."
            }
            Self::Restore => "Restores an archived record.",
            Self::BulkUpsert => {
                "Creates or updates up to 1,000 records, matching existing records by external ID or a unique field."
            }
        }
    }
}

/// The name of a noun's mutation.
#[must_use]
pub fn root_name(noun: &dyn Noun, verb: Verb) -> String {
    format!("{}{}", noun.kind().table().singular(), verb.suffix())
}

/// The noun and the verb of a root field.
#[must_use]
pub fn named(nouns: Nouns, root: &str) -> Option<(&'static dyn Noun, Verb)> {
    let of = |noun: &&'static dyn Noun| {
        let suffix = root.strip_prefix(noun.kind().table().singular().as_str())?;
        Verb::of(*noun).find(|verb| verb.suffix() == suffix).map(|verb| (*noun, verb))
    };
    nouns.0.iter().find_map(of)
}

/// Registers the inputs and payloads of a noun's mutations.
pub fn describe(registry: &mut Registry, noun: &dyn Noun) {
    let table = noun.kind().table();
    let name = table.name;
    let input_fields = |registry: &mut Registry, creating: bool| -> Vec<(String, String, String)> {
        let columns = writable(table, creating).flat_map(|(column, name)| {
            let ty = describe::input_type(registry, column);
            if let (Type::Key(target), Some(link)) = (column.ty, &column.link_name) {
                let instead = format!("{} Alternative to `{name}`.", column.doc);
                return vec![(name, ty, column.doc.clone()), (link.clone(), format!("{}Ref", target.name()), instead)];
            }
            let needed = creating
                && !column.nullable
                && column.default.is_none()
                && !matches!(column.ty, Type::Texts | Type::Parted(_))
                && !noun.completes(column.column);
            vec![(name, if needed { required(&ty) } else { ty }, column.doc.clone())]
        });
        let mut fields: Vec<_> = columns.collect();
        fields.push((
            EXTERNAL_IDS.into(),
            "[ExternalIdInput!]".into(),
            "IDs of the record in external systems, added to those it has.".into(),
        ));
        if creating {
            fields.extend(
                noun.extras().iter().map(|extra| (extra.name.to_owned(), extra.ty.to_owned(), extra.doc.to_owned())),
            );
        }
        fields
    };
    let key: (String, String, String) = (once::FIELD.into(), "String".into(), once::DOC.into());
    let id: (String, String, String) = ("id".into(), "ID!".into(), "The global ID of the record.".into());
    let version: (String, String, String) = (
        "expectedVersion".into(),
        "Int".into(),
        "The `version` you have read. If the record has changed since, the mutation is refused with CONFLICT.".into(),
    );
    for verb in Verb::of(noun) {
        let fields = match verb {
            Verb::Create => {
                let mut fields = input_fields(registry, true);
                fields.push(key.clone());
                fields
            }
            Verb::Update => {
                let mut fields = vec![id.clone(), version.clone()];
                fields.extend(input_fields(registry, false));
                fields.push((
                    REMOVED_EXTERNAL_IDS.into(),
                    "[ExternalIdInput!]".into(),
                    "IDs in external systems to remove from the record. Removing an id that it does not have changes nothing.".into(),
                ));
                fields.push(key.clone());
                fields
            }
            Verb::Archive | Verb::Restore => vec![id.clone(), version.clone(), key.clone()],
            Verb::BulkUpsert => {
                let item = input_fields(registry, true)
                    .into_iter()
                    .map(|(name, ty, doc)| (name, ty.trim_end_matches('!').to_owned(), doc));
                let item: Vec<_> = item.collect();
                declare(
                    registry,
                    &format!("{name}BulkUpsertItem"),
                    &format!(
                        "A {name} record to create or update. Fields required for creation may be left out if the record exists."
                    ),
                    &item,
                );
                vec![
                    ("items".into(), format!("[{name}BulkUpsertItem!]!"), "Records to create or update, at most 1,000.".into()),
                    ("matchOn".into(), "String".into(), "How existing records are matched: `externalId` (any of the item's external IDs) or the name of a unique field; an item without a value for it is refused with REQUIRED. By default items are matched by external IDs, and an item without any creates a record. The unique field that matched a record is not written to it.".into()),
                    ("onError".into(), "BulkOnError! = SKIP_FAILED".into(), "How failed items are handled.".into()),
                    ("dryRun".into(), "Boolean! = false".into(), "If true, returns what would happen without changing anything.".into()),
                    key.clone(),
                ]
            }
        };
        declare(registry, &format!("{name}{}Input", verb.suffix()), verb.doc(), &fields);
        payload(registry, noun, verb);
    }
    describe::choices(registry, bulk::ON_ERROR);
    describe::choices(registry, bulk::STATUS);
}

/// Registers what a mutation answers.
fn payload(registry: &mut Registry, noun: &dyn Noun, verb: Verb) {
    let table = noun.kind().table();
    let (name, singular) = (table.name, table.singular());
    let mut payload = match verb {
        Verb::BulkUpsert => vec![field(
            "results",
            format!("[{name}BulkUpsertResult!]!"),
            "The results, in the order of the items.",
            &[],
        )],
        _ => vec![field(&singular, name, "The record after the mutation; null if it failed.", &[])],
    };
    payload.push(field("userErrors", "[UserError!]!", "Errors that the caller can correct; empty on success.", &[]));
    payload.push(field(
        "query",
        "Query!",
        "The root query, to read any data after the mutation in the same request.",
        &[],
    ));
    object(
        registry,
        &format!("{name}{}Payload", verb.suffix()),
        &format!("Return type of `{}`.", root_name(noun, verb)),
        payload,
    );
    if verb == Verb::BulkUpsert {
        object(
            registry,
            &format!("{name}BulkUpsertResult"),
            "The result of one item of a bulk upsert.",
            vec![
                field("index", "Int!", "Index of the item in `items`, starting at 0.", &[]),
                field("status", "BulkStatus!", "The result of the item.", &[]),
                field("node", name, "The record after the mutation; null if the item failed or on a dry run.", &[]),
                field("userErrors", "[UserError!]!", "Errors of the item; empty on success.", &[]),
            ],
        );
    }
}

fn declare(registry: &mut Registry, name: &str, doc: &str, fields: &[(String, String, String)]) {
    let fields: Vec<In<'_>> = fields.iter().map(|(name, ty, doc)| (name.as_str(), ty.clone(), doc.clone())).collect();
    input_object(registry, name, doc, &fields, false);
}
