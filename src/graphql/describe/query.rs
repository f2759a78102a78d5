//! The root fields that read a record type.

use async_graphql::registry::{MetaField, Registry};
use entity::{Kind, table::Table};

use super::{
    build::{In, field, input_object},
    list::{list_arguments, selection_arguments},
};
use crate::{graphql::select::groupable, store::page::MAX_PAGE};
pub(super) fn reference(registry: &mut Registry, table: &'static Table) {
    let mut fields: Vec<In<'_>> =
        vec![("id", "ID".into(), "Looks up a record by its global ID, including archived records.".into())];
    for column in table.unique() {
        fields.push((
            &column.name,
            column.scalar.unwrap_or("String").into(),
            format!("Looks up a live record. {}", column.doc),
        ));
    }
    if table.kind != Kind::Event {
        fields.push((
            "external",
            "ExternalIdInput".into(),
            "Looks up a record by its ID in an external system, including archived records.".into(),
        ));
    }
    input_object(
        registry,
        &format!("{}Ref", table.name),
        &format!("Identifies one {} record by exactly one of these fields.", table.name),
        &fields,
        true,
    );
}

/// The root fields that read a kind: one, many, figures.
#[must_use]
pub fn queries(table: &'static Table) -> [MetaField; 3] {
    let name = table.name;
    let singular = table.singular();
    let mut figures = vec![("filter", format!("{name}Filter"), "Aggregates the records that meet this filter.".into())];
    if groupable(table.kind).next().is_some() {
        figures.push((
            "groupBy",
            format!("[{name}GroupBy!]"),
            "Grouping keys, at most 4. Without any, all records form one group.".into(),
        ));
    }
    figures.extend(selection_arguments(table.kind));
    [
        field(
            &singular,
            name,
            &format!("Looks up one {name} record. Null if it does not exist or you may not see it."),
            &[("by", format!("{name}Ref!"), "The record to look up.".into())],
        ),
        field(
            table.plural,
            format!("{name}Connection!"),
            &format!("Lists the {name} records that you have access to. {}", table.doc),
            &list_arguments(table.kind, MAX_PAGE),
        ),
        field(
            &format!("{singular}Aggregate"),
            format!("[{name}Aggregate!]!"),
            &format!("Aggregates over the {name} records within your reach, at most 1,000 groups."),
            &figures,
        ),
    ]
}
