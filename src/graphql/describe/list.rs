//! Lists of a record type: arguments, page, and order.

use async_graphql::registry::Registry;
use entity::{Kind, table::Table};

use super::build::{In, enumeration, field, input_object, object, required};
use crate::store::page::{DEFAULT_PAGE, screaming};
/// The arguments of a list of a kind.
#[must_use]
pub fn list_arguments(kind: Kind, most: usize) -> Vec<In<'static>> {
    let name = kind.name();
    let default = DEFAULT_PAGE.min(most);
    let mut arguments = vec![
        (
            "first",
            "Int".into(),
            format!("Returns the first n records, at most {most}; {default} if neither `first` nor `last` is given."),
        ),
        ("after", "String".into(), "Returns the records after this cursor.".into()),
        ("last", "Int".into(), format!("Returns the last n records, at most {most}; cannot be combined with `first`.")),
        ("before", "String".into(), "Returns the records before this cursor.".into()),
        ("filter", format!("{name}Filter"), "Returns the records that meet this filter.".into()),
        (
            "orderBy",
            format!("[{name}Order!]"),
            "Sort keys, at most 5. The ID is always the last key, and the only one if none is given.".into(),
        ),
    ];
    arguments.extend(selection_arguments(kind));
    arguments
}

/// The arguments that lists and aggregates share beside the filter.
pub(super) fn selection_arguments(kind: Kind) -> Vec<In<'static>> {
    let mut arguments: Vec<In<'static>> = Vec::new();
    if kind.table().fields.iter().any(|field| field.search) {
        arguments.push((
            "search",
            "String".into(),
            "Returns the records whose names or addresses contain every one of these words, ignoring case and accents."
                .into(),
        ));
    }
    if kind.table().column("archived_at").is_some() {
        arguments.push(("includeArchived", "Boolean = false".into(), "Whether to include archived records.".into()));
    }
    arguments
}

pub(super) fn connection(registry: &mut Registry, table: &'static Table) {
    let name = table.name;
    object(
        registry,
        &format!("{name}Connection"),
        &format!("A paginated list of {name} records."),
        vec![
            field("edges", format!("[{name}Edge!]!"), "The records with their cursors.", &[]),
            field("nodes", format!("[{name}!]!"), "The records of the page.", &[]),
            field("pageInfo", "PageInfo!", "Information about the page.", &[]),
            field(
                "totalCount",
                "Int!",
                "The total number of records in the list. Counted only if it is selected.",
                &[],
            ),
        ],
    );
    object(
        registry,
        &format!("{name}Edge"),
        &format!("An edge in a list of {name} records."),
        vec![
            field("node", required(name), "The record.", &[]),
            field("cursor", "String!", "A cursor for use in `after` and `before`.", &[]),
        ],
    );
}

pub(super) fn order(registry: &mut Registry, table: &'static Table) {
    let name = table.name;
    let fields: Vec<(String, &str)> = table
        .readable()
        .filter(|field| field.sort && field.shown())
        .map(|field| (screaming(&field.name), field.doc.as_str()))
        .collect();
    enumeration(
        registry,
        &format!("{name}OrderField"),
        &format!("The fields that {name} records can be sorted by."),
        fields.into_iter(),
    );
    input_object(
        registry,
        &format!("{name}Order"),
        &format!("A sort key for {name} records."),
        &[
            (
                "field",
                format!("{name}OrderField!"),
                "The field to sort by. Names are sorted ignoring case and accents.".into(),
            ),
            ("direction", "SortDirection! = ASC".into(), "The sort direction.".into()),
            ("nulls", "NullsOrder! = LAST".into(), "Where null values are placed.".into()),
        ],
        false,
    );
}
