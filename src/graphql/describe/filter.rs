//! Filters of a record type, and the comparators of single columns.

use async_graphql::registry::Registry;
use entity::{
    Kind,
    table::{Join, Table, Type},
};

use super::build::{In, choices, input_object};
/// Name, compared type, comparators and description of the filters of single columns.
const COMPARED: [(&str, &str, &str, &str); 8] = [
    ("IdFilter", "ID", "eq ne in notIn", "A test of an id."),
    ("NameFilter", "String", "eq in", "A test of a name of this schema; a name that it does not have is refused."),
    (
        "TextFilter",
        "String",
        "eq ne in notIn lt lte gt gte isNull contains startsWith endsWith ignoreCase",
        "A test of a text that can be compared without case and accents.",
    ),
    (
        "StringFilter",
        "String",
        "eq ne in notIn lt lte gt gte isNull contains startsWith endsWith",
        "A test of a text, letter by letter.",
    ),
    ("IntFilter", "Int", "eq ne in notIn lt lte gt gte isNull", "A test of a whole number."),
    ("BooleanFilter", "Boolean", "eq ne isNull", "A test of a truth value."),
    ("DateTimeFilter", "DateTime", "eq ne in notIn lt lte gt gte isNull", "A test of a point in time."),
    ("DateFilter", "Date", "eq ne in notIn lt lte gt gte isNull", "A test of a calendar date."),
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
            "eq" => ("eq", ty.to_owned(), "Equal to this."),
            "ne" => ("ne", ty.to_owned(), "Not equal to this; what is empty is not equal."),
            "in" => ("in", format!("[{ty}!]"), "One of these, at most 1,000."),
            "notIn" => ("notIn", format!("[{ty}!]"), "None of these, at most 1,000; what is empty is none of them."),
            "lt" => ("lt", ty.to_owned(), "Less than this."),
            "lte" => ("lte", ty.to_owned(), "At most this."),
            "gt" => ("gt", ty.to_owned(), "Greater than this."),
            "gte" => ("gte", ty.to_owned(), "At least this."),
            "isNull" => ("isNull", "Boolean".to_owned(), "Whether it is empty."),
            "contains" => ("contains", ty.to_owned(), "With this text anywhere in it."),
            "startsWith" => ("startsWith", ty.to_owned(), "With this text at its start."),
            "endsWith" => ("endsWith", ty.to_owned(), "With this text at its end."),
            _ => (
                "ignoreCase",
                "Boolean = false".to_owned(),
                "Compares without case, accents and surplus white space: `Müller` and `MULLER` are equal.",
            ),
        };
        (name, ty, doc.to_owned())
    };
    let fields: Vec<In<'static>> = comparators.split(' ').map(describe).collect();
    input_object(registry, name, &format!("{doc} All comparisons given must hold."), &fields, false);
}

pub(super) fn filters(registry: &mut Registry, table: &'static Table) {
    let name = table.name;
    let mut fields: Vec<In<'_>> = vec![
        ("and", format!("[{name}Filter!]"), "All of these hold.".into()),
        ("or", format!("[{name}Filter!]"), "At least one of these holds; none of none.".into()),
        ("not", format!("{name}Filter"), "This does not hold; what is unknown does not hold.".into()),
    ];
    for column in table.fields.iter().filter(|field| field.shown()) {
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
                        &format!("A test of a {}.", set.name),
                    );
                }
                name
            }
            Type::Texts | Type::Parted(_) | Type::Json | Type::Key(_) => continue,
        };
        fields.push((&column.name, ty, column.doc.clone()));
    }
    for link in &table.links {
        let target = link.target.name();
        match link.join {
            Join::One { .. } => fields.push((
                &link.name,
                format!("{target}Filter"),
                format!("It has one, and that one meets this; `{{}}` finds all that have one. {}", link.doc),
            )),
            Join::Many { .. } | Join::Through { .. } => {
                fields.push((&link.name, format!("{target}RelationFilter"), link.doc.clone()));
            }
            Join::Subject | Join::Listed => {}
        }
    }
    if table.kind == Kind::Event {
        fields.retain(|(name, ..)| *name != "subjectType");
        fields.push(("subject", "IdFilter".into(), "The record it happened to, of any type.".into()));
        fields.push(("subjectType", "NameFilter".into(), "Type of the record it happened to, `Account`.".into()));
        let doc = "A field or link of this name changed, `owner`; where your roles hide it, it never did.";
        fields.push(("field", "NameFilter".into(), doc.into()));
    }
    input_object(
        registry,
        &format!("{name}Filter"),
        &format!("A test of {name} records. All entries given must hold."),
        &fields,
        false,
    );
    let related = |name: &'static str, doc: &str| (name, format!("{}Filter", table.name), doc.to_owned());
    input_object(
        registry,
        &format!("{name}RelationFilter"),
        &format!("A test of the live {name} records, within your reach, that hang off a record."),
        &[
            related("some", "At least one meets this."),
            related("every", "All meet this; none at all do too."),
            related("none", "Not one meets this."),
        ],
        false,
    );
}
