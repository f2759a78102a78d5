//! A record type's object: its columns, links, and what every record has.

use async_graphql::registry::{MetaField, Registry};
use entity::{
    Kind,
    table::{EXTERNAL_IDS, Field, Join, Table, Type},
};

use super::{
    build::{In, choices, field, input_object, object, required},
    list::list_arguments,
};
use crate::{
    graphql::select::{DISPLAY_NAME, VIEWER_CAN},
    store::page::MAX_NESTED_PAGE,
};
/// The scalar or enum that shows a column.
pub(super) fn leaf(registry: &mut Registry, column: &Field) -> String {
    match column.ty {
        Type::Id | Type::Key(_) => "ID".into(),
        Type::Text => column.scalar.unwrap_or("String").into(),
        Type::Texts => "[String!]".into(),
        Type::Parted(parted) => {
            let fields = parted.parts.iter().map(|part| field(part.name, required(part.ty), part.doc, &[]));
            object(registry, parted.name, parted.doc, fields.collect());
            format!("[{}!]", parted.name)
        }
        Type::Int => "Int".into(),
        Type::Bool => "Boolean".into(),
        Type::Instant => "DateTime".into(),
        Type::Day => "Date".into(),
        Type::Money => "Money".into(),
        Type::Json => "JSON".into(),
        Type::Choice(set) => {
            choices(registry, set);
            set.name.into()
        }
    }
}

/// The type of a column in inputs.
pub fn input_type(registry: &mut Registry, field: &Field) -> String {
    match field.ty {
        Type::Money => "MoneyInput".into(),
        Type::Parted(parted) => {
            let name = format!("{}Input", parted.name);
            let parts: Vec<In<'_>> =
                parted.parts.iter().map(|part| (part.name, required(part.ty), part.doc.to_owned())).collect();
            input_object(registry, &name, parted.doc, &parts, false);
            format!("[{name}!]")
        }
        _ => leaf(registry, field),
    }
}

pub(super) fn node(registry: &mut Registry, table: &'static Table) {
    let mut fields = Vec::new();
    for column in table.readable().filter(|field| field.shown()) {
        let ty = leaf(registry, column);
        fields.push(field(&column.name, if column.optional() { ty } else { required(&ty) }, &column.doc, &[]));
    }
    for link in &table.links {
        let target = link.target.name();
        match link.join {
            Join::One { .. } => fields.push(field(
                &link.name,
                target,
                &format!("{} Null if there is none or you may not see it.", link.doc),
                &[],
            )),
            Join::Subject => fields.push(field(&link.name, "Node", &link.doc, &[])),
            Join::Listed => fields.push(field(
                &link.name,
                format!("{target}Connection"),
                &format!("{} Null, with an error, if that would use a field hidden from you.", link.doc),
                &list_arguments(link.target, MAX_NESTED_PAGE),
            )),
            _ => fields.push(field(
                &link.name,
                format!("{target}Connection!"),
                &link.doc,
                &list_arguments(link.target, MAX_NESTED_PAGE),
            )),
        }
    }
    if table.kind == Kind::Event {
        fields.extend(event_fields());
    } else {
        fields.push(field(EXTERNAL_IDS, "[ExternalId!]!", "The IDs of the record in external systems.", &[]));
    }
    fields.push(field(DISPLAY_NAME, "String", DISPLAY_NAME_DOC, &[]));
    fields.push(field(
        VIEWER_CAN,
        "ViewerPermissions!",
        "What your roles permit you to do to the record, for example to enable buttons. A rule of the record may still refuse an action.",
        &[],
    ));
    fields.push(field(
        "hiddenFields",
        "[String!]!",
        "Names of the fields of this record that your roles hide from you. They are null, whatever their value.",
        &[],
    ));
    object(registry, table.name, &table.doc, fields);
    registry.implements.entry(table.name.to_owned()).or_default().insert("Node".to_owned());
}

/// Description of the field with what a record is called.
pub(super) const DISPLAY_NAME_DOC: &str = "A name to show for the record, for lists of several types: its own name, title, domain or file name; for a link between two records, the name of the linked record. Null if that is hidden from you, and for events.";

/// What events alone have.
fn event_fields() -> [MetaField; 3] {
    [
        field("subjectId", "ID!", "Global ID of the record that changed.", &[]),
        field(
            "changedFields",
            "[String!]!",
            "Names of the changed fields; for a new record, of all fields that have a value. Fields that your roles hide from you are left out.",
            &[],
        ),
        field(
            "changes",
            "[FieldChange!]!",
            "The changed fields with their values. Fields that your roles hide from you are left out.",
            &[],
        ),
    ]
}
