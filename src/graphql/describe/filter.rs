//! Filters of a record type, and the comparators of single columns.

use async_graphql::registry::Registry;
use entity::{
    Kind,
    table::{Join, Table, Type},
};

use super::build::{In, choices, input_object};
use crate::store::filter::EXTERNAL;
/// Name, compared type, comparators and description of the filters of single columns.
const COMPARED: [(&str, &str, &str, &str); 9] = [
    ("IdFilter", "ID", "eq ne in notIn", "Compares a global ID."),
    ("ReferenceFilter", "ID", "eq ne in notIn isNull", "Compares the global ID of a related record."),
    ("NameFilter", "String", "eq in", "Compares a name of this schema. An unknown name is refused."),
    (
        "TextFilter",
        "String",
        "eq ne in notIn lt lte gt gte isNull contains startsWith endsWith ignoreCase",
        "Compares a text, optionally ignoring case and accents.",
    ),
    (
        "StringFilter",
        "String",
        "eq ne in notIn lt lte gt gte isNull contains startsWith endsWith",
        "Compares a text exactly.",
    ),
    ("IntFilter", "Int", "eq ne in notIn lt lte gt gte isNull", "Compares an integer."),
    ("BooleanFilter", "Boolean", "eq ne isNull", "Compares a boolean."),
    ("DateTimeFilter", "DateTime", "eq ne in notIn lt lte gt gte isNull", "Compares a point in time."),
    ("DateFilter", "Date", "eq ne in notIn lt lte gt gte isNull", "Compares a calendar date."),
];

/// Registers the filters of single columns.
pub(super) fn comparators(registry: &mut Registry) {
    for (name, scalar, comparators, doc) in COMPARED {
        comparators_input(registry, name, scalar, comparators, doc);
    }
}

fn comparators_input(registry: &mut Registry, name: &str, ty: &str, comparators: &str, doc: &str) {
    let describe = |comparator: &str| -> In<'static> {
        let (name, ty, doc): (&'static str, String, &str) = match comparator {
            "eq" => ("eq", ty.to_owned(), "Equal to this value."),
            "ne" => ("ne", ty.to_owned(), "Not equal to this; null matches."),
            "in" => ("in", format!("[{ty}!]"), "One of these values, at most 1,000."),
            "notIn" => ("notIn", format!("[{ty}!]"), "Not one of these values, at most 1,000; null matches."),
            "lt" => ("lt", ty.to_owned(), "Less than this value."),
            "lte" => ("lte", ty.to_owned(), "Less than or equal to this."),
            "gt" => ("gt", ty.to_owned(), "Greater than this value."),
            "gte" => ("gte", ty.to_owned(), "Greater than or equal to this."),
            "isNull" => ("isNull", "Boolean".to_owned(), "Whether the value is null."),
            "contains" => ("contains", ty.to_owned(), "Contains this text."),
            "startsWith" => ("startsWith", ty.to_owned(), "Starts with this text."),
            "endsWith" => ("endsWith", ty.to_owned(), "Ends with this text."),
            _ => (
                "ignoreCase",
                "Boolean = false".to_owned(),
                "Ignores case, accents and surplus white space: `Müller` and `MULLER` are equal.",
            ),
        };
        (name, ty, doc.to_owned())
    };
    let fields: Vec<In<'static>> = comparators.split(' ').map(describe).collect();
    input_object(registry, name, &format!("{doc} All given comparisons must match."), &fields, false);
}

pub(super) fn filters(registry: &mut Registry, table: &'static Table) {
    let name = table.name;
    let mut fields: Vec<In<'_>> = vec![
        ("and", format!("[{name}Filter!]"), "All of these filters match.".into()),
        (
            "or",
            format!("[{name}Filter!]"),
            "At least one of these filters matches; an empty list matches nothing.".into(),
        ),
        (
            "not",
            format!("{name}Filter"),
            "This filter does not match; a comparison with null counts as not matching.".into(),
        ),
    ];
    for column in table.readable().filter(|field| field.shown()) {
        let ty = match column.ty {
            Type::Id => "IdFilter".to_owned(),
            Type::Text if column.fold.is_some() => "TextFilter".into(),
            Type::Text => "StringFilter".into(),
            Type::Int => "IntFilter".into(),
            Type::Bool => "BooleanFilter".into(),
            Type::Instant => "DateTimeFilter".into(),
            Type::Day => "DateFilter".into(),
            Type::Money => "MoneyFilter".into(),
            Type::Choice(set) => {
                let name = format!("{}Filter", set.name);
                choices(registry, set);
                if !registry.types.contains_key(&name) {
                    comparators_input(
                        registry,
                        &name,
                        set.name,
                        "eq ne in notIn isNull",
                        &format!("Compares a {}.", set.name),
                    );
                }
                name
            }
            Type::Texts | Type::Parted(_) | Type::Json | Type::Key(_) => continue,
        };
        fields.push((&column.name, ty, column.doc.clone()));
    }
    let mut keys = Vec::new();
    for link in &table.links {
        let target = link.target.name();
        match link.join {
            Join::One { .. } => {
                fields.push((
                    &link.name,
                    format!("{target}Filter"),
                    format!("Matches records whose related record meets this filter; an empty filter matches every record. {}", link.doc),
                ));
                let doc = "The global ID of the related record. `isNull` tests whether there is one that you may see.";
                keys.push((format!("{}Id", link.name), doc));
            }
            Join::Many { .. } | Join::Through { .. } => {
                fields.push((&link.name, format!("{target}RelationFilter"), link.doc.clone()));
            }
            Join::Subject | Join::Listed => {}
        }
    }
    for (name, doc) in &keys {
        fields.push((name, "ReferenceFilter".into(), (*doc).into()));
    }
    if table.kind != Kind::Event {
        fields.push((EXTERNAL, "ExternalIdFilter".into(), "The ID of the record in an external system.".into()));
    }
    if table.kind == Kind::Event {
        fields.retain(|(name, ..)| *name != "subjectType");
        fields.push(("subject", "IdFilter".into(), "The record that changed, of any type.".into()));
        fields.push((
            "subjectType",
            "NameFilter".into(),
            "Type of the record that changed, for example `Account`.".into(),
        ));
        let doc =
            "The name of a changed field or relation, for example `owner`. A field that your roles hide never matches.";
        fields.push(("field", "NameFilter".into(), doc.into()));
    }
    input_object(
        registry,
        &format!("{name}Filter"),
        &format!("Filter conditions for {name} records, combined with AND."),
        &fields,
        false,
    );
    let related = |name: &'static str, doc: &str| (name, format!("{}Filter", table.name), doc.to_owned());
    input_object(
        registry,
        &format!("{name}RelationFilter"),
        &format!("Filter conditions for the related live {name} records within your reach."),
        &[
            related("some", "At least one related record meets this filter."),
            related("every", "All related records meet this filter; also matches if there are none."),
            related("none", "No related record meets this filter."),
        ],
        false,
    );
}
