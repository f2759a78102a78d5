//! Aggregates of a record type: figures, group keys, and what can be grouped by.

use async_graphql::registry::Registry;
use entity::table::{Field, Table, Type};

use super::{
    build::{enumeration, field, input_object, object},
    object::leaf,
};
use crate::graphql::select::groupable;
pub(super) fn aggregate(registry: &mut Registry, table: &'static Table) {
    let name = table.name;
    let mut figures = Vec::new();
    for (suffix, doc) in [
        ("Sum", "Sums"),
        ("Avg", "Arithmetic means of the values there are"),
        ("Min", "Least values"),
        ("Max", "Greatest values"),
    ] {
        let mut fields = Vec::new();
        for column in table.fields.iter().filter(|field| field.shown() && field.column != "version") {
            let ty = match (column.ty, suffix) {
                (Type::Money, _) => "[Money!]!",
                (Type::Int, "Sum") => "Decimal",
                (Type::Int, "Avg") => "Float",
                (Type::Int, _) => "Int",
                (Type::Instant, "Min" | "Max") => "DateTime",
                (Type::Day, "Min" | "Max") => "Date",
                _ => continue,
            };
            let money = if ty == "[Money!]!" { " One entry per currency." } else { "" };
            fields.push(field(&column.name, ty, &format!("{}{money}", column.doc), &[]));
        }
        if !fields.is_empty() {
            object(
                registry,
                &format!("{name}{suffix}"),
                &format!("{doc} of a group of {name} records; null where no record of the group has a value."),
                fields,
            );
            figures.push(field(&suffix.to_lowercase(), format!("{name}{suffix}!"), &format!("{doc}."), &[]));
        }
    }
    let groups: Vec<(String, &'static Field)> = groupable(table.kind).collect();
    let mut fields = Vec::new();
    if !groups.is_empty() {
        let mut keys = Vec::new();
        for (_, column) in &groups {
            let doc = format!("{} Null where the group has none or is not grouped by it.", column.doc);
            keys.push(if let (Some(link), Type::Key(kind)) = (&column.link_name, column.ty) {
                field(link, kind.name(), &doc, &[])
            } else {
                let ty = leaf(registry, column);
                field(&column.name, ty, &doc, &[])
            });
        }
        object(
            registry,
            &format!("{name}GroupKey"),
            &format!("What the {name} records of a group have in common. A date is the start of its period."),
            keys,
        );
        enumeration(
            registry,
            &format!("{name}GroupField"),
            &format!("What aggregates of {name} records can be grouped by."),
            groups.iter().map(|(name, column)| (name.clone(), column.doc.as_str())),
        );
        input_object(
            registry,
            &format!("{name}GroupBy"),
            &format!("One key to group {name} records by."),
            &[
                ("field", format!("{name}GroupField!"), "What to group by.".into()),
                ("bucket", "TimeBucket".into(), "For dates, and only for them: the calendar period.".into()),
                (
                    "timeZone",
                    "String! = \"UTC\"".into(),
                    "IANA time zone in which the periods of points in time begin, `Europe/Berlin`.".into(),
                ),
            ],
            false,
        );
        fields.push(field("key", format!("{name}GroupKey!"), "What the records have in common.", &[]));
    }
    fields.push(field("count", "Int!", "How many records (n).", &[]));
    fields.extend(figures);
    object(
        registry,
        &format!("{name}Aggregate"),
        &format!("Figures over a group of {name} records within your reach."),
        fields,
    );
}
