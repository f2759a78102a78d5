//! The root fields that read a record type.

use async_graphql::registry::{MetaField, Registry};
use entity::{Kind, table::Table};

use super::{
    build::{In, field, input_object},
    list::{list_arguments, selection_arguments},
};
use crate::{graphql::select::groupable, store::page::MAX_PAGE};
pub(super) fn reference(registry: &mut Registry, table: &'static Table) {
    let mut fields: Vec<In<'_>> = vec![("id", "ID".into(), "By global id; archived records too.".into())];
    for column in table.unique() {
        fields.push((
            &column.name,
            column.scalar.unwrap_or("String").into(),
            format!("Among live records: {}", column.doc),
        ));
    }
    if table.kind != Kind::Event {
        fields.push((
            "external",
            "ExternalIdInput".into(),
            "By the name another system has for it; archived records too.".into(),
        ));
    }
    input_object(registry, &format!("{}Ref", table.name), &format!("Names one {} record.", table.name), &fields, true);
}

/// The root fields that read a kind: one, many, figures.
#[must_use]
pub fn queries(table: &'static Table) -> [MetaField; 3] {
    let name = table.name;
    let singular = table.singular();
    let mut figures = vec![("filter", format!("{name}Filter"), "Only records that meet this.".into())];
    if groupable(table.kind).next().is_some() {
        figures.push((
            "groupBy",
            format!("[{name}GroupBy!]"),
            "What to group by, at most 4 keys; one group of all where nothing is given.".into(),
        ));
    }
    figures.extend(selection_arguments(table.kind));
    [
        field(
            &singular,
            name,
            &format!("One {name} record; null where there is none or you may not see it."),
            &[("by", format!("{name}Ref!"), "Which one.".into())],
        ),
        field(
            table.plural,
            format!("{name}Connection!"),
            &format!("The {name} records within your reach. {}", table.doc),
            &list_arguments(table.kind, MAX_PAGE),
        ),
        field(
            &format!("{singular}Aggregate"),
            format!("[{name}Aggregate!]!"),
            &format!("Figures over the {name} records within your reach, at most 1,000 groups."),
            &figures,
        ),
    ]
}
