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
            Self::Update => "Changes a record: what is left out stays, null clears.",
            Self::Archive => {
                "Archives a record: lists leave it out, its unique values become free, its id still resolves."
            }
            Self::Restore => "Brings an archived record back.",
            Self::BulkUpsert => {
                "Creates or changes up to 1,000 records, recognising each by its external id or a unique field."
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
        let columns = writable(table, creating).map(|(column, name)| {
            let ty = describe::input_type(registry, column);
            let needed = creating
                && !column.nullable
                && column.default.is_none()
                && !matches!(column.ty, Type::Texts | Type::Parted(_))
                && !noun.completes(column.column);
            (name, if needed { required(&ty) } else { ty }, column.doc.clone())
        });
        let mut fields: Vec<_> = columns.collect();
        fields.push((
            EXTERNAL_IDS.into(),
            "[ExternalIdInput!]".into(),
            "Names other systems have for the record; added to those it has.".into(),
        ));
        if creating {
            fields.extend(
                noun.extras().iter().map(|extra| (extra.name.to_owned(), extra.ty.to_owned(), extra.doc.to_owned())),
            );
        }
        fields
    };
    let key: (String, String, String) = (once::FIELD.into(), "String".into(), once::DOC.into());
    let id: (String, String, String) = ("id".into(), "ID!".into(), "Which record.".into());
    let version: (String, String, String) = (
        "expectedVersion".into(),
        "Int".into(),
        "The version you have seen; refused with CONFLICT where the record has moved on.".into(),
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
                    "Names other systems have for the record, to be taken from it; one that it does not have changes nothing.".into(),
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
                        "One {name} record to create or change. What is required for creation may be left out where the record exists."
                    ),
                    &item,
                );
                vec![
                    ("items".into(), format!("[{name}BulkUpsertItem!]!"), "The records, at most 1,000.".into()),
                    ("matchOn".into(), "String".into(), "How a record is recognised: `externalId` (any of the item's external ids) or the name of a unique field; an item without it is refused with REQUIRED. Where nothing is said, items are recognised by external ids, and one without any makes a new record. A unique field that finds a record is not written to it.".into()),
                    ("onError".into(), "BulkOnError! = SKIP_FAILED".into(), "What happens where an item fails.".into()),
                    ("dryRun".into(), "Boolean! = false".into(), "Whether to answer what would happen and change nothing.".into()),
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
            "What became of each item, in their order.",
            &[],
        )],
        _ => vec![field(&singular, name, "The record as it is now; null where it failed.", &[])],
    };
    payload.push(field("userErrors", "[UserError!]!", "What a person can put right; empty on success.", &[]));
    payload.push(field("query", "Query!", "Anything else you want to read after the change.", &[]));
    object(
        registry,
        &format!("{name}{}Payload", verb.suffix()),
        &format!("Answer of `{}`.", root_name(noun, verb)),
        payload,
    );
    if verb == Verb::BulkUpsert {
        object(
            registry,
            &format!("{name}BulkUpsertResult"),
            "What became of one item of a bulk upsert.",
            vec![
                field("index", "Int!", "Its place in `items`, from 0.", &[]),
                field("status", "BulkStatus!", "What became of it.", &[]),
                field("node", name, "The record as it is now; null where the item failed or the run was dry.", &[]),
                field("userErrors", "[UserError!]!", "Why it failed.", &[]),
            ],
        );
    }
}

fn declare(registry: &mut Registry, name: &str, doc: &str, fields: &[(String, String, String)]) {
    let fields: Vec<In<'_>> = fields.iter().map(|(name, ty, doc)| (name.as_str(), ty.clone(), doc.clone())).collect();
    input_object(registry, name, doc, &fields, false);
}
