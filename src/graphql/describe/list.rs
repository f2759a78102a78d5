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
            format!(
                "Rows from the start of the list, at most {most}; {default} where neither `first` nor `last` is given."
            ),
        ),
        ("after", "String".into(), "Only rows after this cursor.".into()),
        ("last", "Int".into(), format!("Rows from the end of the list, at most {most}; not together with `first`.")),
        ("before", "String".into(), "Only rows before this cursor.".into()),
        ("filter", format!("{name}Filter"), "Only rows that meet this.".into()),
        (
            "orderBy",
            format!("[{name}Order!]"),
            "Their order, at most 5 keys; the id is always the last key, and the only one where none is given.".into(),
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
            "Only rows in whose names and addresses each of these words stands, case and accents aside.".into(),
        ));
    }
    if kind.table().column("archived_at").is_some() {
        arguments.push(("includeArchived", "Boolean = false".into(), "Whether archived rows count too.".into()));
    }
    arguments
}

pub(super) fn connection(registry: &mut Registry, table: &'static Table) {
    let name = table.name;
    object(
        registry,
        &format!("{name}Connection"),
        &format!("A page of a list of {name} records."),
        vec![
            field("edges", format!("[{name}Edge!]!"), "The rows with their cursors.", &[]),
            field("nodes", format!("[{name}!]!"), "The rows.", &[]),
            field("pageInfo", "PageInfo!", "Where the page lies.", &[]),
            field("totalCount", "Int!", "How many rows the whole list has; counted only where it is selected.", &[]),
        ],
    );
    object(
        registry,
        &format!("{name}Edge"),
        &format!("A {name} record in a list."),
        vec![
            field("node", required(name), "The row.", &[]),
            field("cursor", "String!", "Its place in the list, for `after` and `before`.", &[]),
        ],
    );
}

pub(super) fn order(registry: &mut Registry, table: &'static Table) {
    let name = table.name;
    let fields: Vec<(String, &str)> = table
        .fields
        .iter()
        .filter(|field| field.sort && field.shown())
        .map(|field| (screaming(&field.name), field.doc.as_str()))
        .collect();
    enumeration(
        registry,
        &format!("{name}OrderField"),
        &format!("What lists of {name} records can be ordered by."),
        fields.into_iter(),
    );
    input_object(
        registry,
        &format!("{name}Order"),
        &format!("One key of an order of {name} records."),
        &[
            (
                "field",
                format!("{name}OrderField!"),
                "What to order by; names in order without case and accents.".into(),
            ),
            ("direction", "SortDirection! = ASC".into(), "Which end comes first.".into()),
            ("nulls", "NullsOrder! = LAST".into(), "Where empty values stand.".into()),
        ],
        false,
    );
}
