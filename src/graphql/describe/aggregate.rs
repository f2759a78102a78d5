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
        ("Avg", "Averages of the values that are not null"),
        ("Min", "Minimum values"),
        ("Max", "Maximum values"),
    ] {
        let mut fields = Vec::new();
        for column in table.readable().filter(|field| field.shown() && field.column != "version") {
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
                &format!("{doc} of a group of {name} records; null if no record of the group has a value."),
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
            let doc = format!("{} Null if the group has no value or is not grouped by it.", column.doc);
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
            "The group's key: one value per field it is grouped by. A date is the start of its period.",
            keys,
        );
        enumeration(
            registry,
            &format!("{name}GroupField"),
            &format!("The fields that {name} aggregates can be grouped by."),
            groups.iter().map(|(name, column)| (name.clone(), column.doc.as_str())),
        );
        input_object(
            registry,
            &format!("{name}GroupBy"),
            &format!("A grouping key for {name} aggregates."),
            &[
                ("field", format!("{name}GroupField!"), "The field to group by.".into()),
                ("bucket", "TimeBucket".into(), "The calendar period to group by. Required for dates, and not allowed for other fields.".into()),
                (
                    "timeZone",
                    "String! = \"UTC\"".into(),
                    "IANA time zone that determines where the periods of points in time begin, for example `Europe/Berlin`.".into(),
                ),
            ],
            false,
        );
        fields.push(field("key", format!("{name}GroupKey!"), "The group's key.", &[]));
    }
    fields.push(field("count", "Int!", "The number of records (n).", &[]));
    fields.extend(figures);
    object(
        registry,
        &format!("{name}Aggregate"),
        &format!("Aggregates over a group of {name} records within your reach."),
        fields,
    );
}
