//! Building blocks of a schema: fields, arguments, objects, inputs and enums.

use async_graphql::{
    indexmap::IndexMap,
    registry::{CacheControl, Deprecation, MetaEnumValue, MetaField, MetaInputValue, MetaType, Registry},
};
use entity::table::Choices;

/// An argument or input field: name, type, description.
pub type In<'a> = (&'a str, String, String);

/// A type that never is null.
#[must_use]
pub fn required(ty: &str) -> String {
    format!("{ty}!")
}

/// An output field.
#[must_use]
pub fn field(name: &str, ty: impl Into<String>, doc: &str, args: &[In<'_>]) -> MetaField {
    MetaField {
        name: name.to_owned(),
        description: Some(doc.to_owned()).filter(|doc| !doc.is_empty()),
        args: args.iter().map(|(name, ty, doc)| ((*name).to_owned(), input(name, ty.clone(), doc))).collect(),
        ty: ty.into(),
        deprecation: Deprecation::NoDeprecated,
        cache_control: CacheControl::default(),
        external: false,
        requires: None,
        provides: None,
        visible: None,
        shareable: false,
        inaccessible: false,
        tags: vec![],
        override_from: None,
        compute_complexity: None,
        directive_invocations: vec![],
        requires_scopes: vec![],
    }
}

/// An argument or input field; `Type = default` gives it a default.
#[must_use]
pub fn input(name: &str, ty: String, doc: &str) -> MetaInputValue {
    let (ty, default_value) = match ty.split_once(" = ") {
        Some((ty, default)) => (ty.to_owned(), Some(default.to_owned())),
        None => (ty, None),
    };
    MetaInputValue {
        name: name.to_owned(),
        description: Some(doc.to_owned()),
        ty,
        deprecation: Deprecation::NoDeprecated,
        default_value,
        visible: None,
        inaccessible: false,
        tags: vec![],
        is_secret: false,
        directive_invocations: vec![],
    }
}

pub(super) fn by_name(fields: Vec<MetaField>) -> IndexMap<String, MetaField> {
    fields.into_iter().map(|field| (field.name.clone(), field)).collect()
}

/// Registers an object type.
pub fn object(registry: &mut Registry, name: &str, doc: &str, fields: Vec<MetaField>) {
    registry.types.insert(name.to_owned(), object_type(name, doc, fields));
}

/// An object type.
#[must_use]
pub fn object_type(name: &str, doc: &str, fields: Vec<MetaField>) -> MetaType {
    MetaType::Object {
        name: name.to_owned(),
        description: Some(doc.to_owned()),
        fields: by_name(fields),
        cache_control: CacheControl::default(),
        extends: false,
        shareable: false,
        resolvable: true,
        inaccessible: false,
        interface_object: false,
        tags: vec![],
        keys: None,
        visible: None,
        is_subscription: false,
        rust_typename: None,
        directive_invocations: vec![],
        requires_scopes: vec![],
    }
}

/// Registers an input object type.
pub fn input_object(registry: &mut Registry, name: &str, doc: &str, fields: &[In<'_>], oneof: bool) {
    let ty = MetaType::InputObject {
        name: name.to_owned(),
        description: Some(doc.to_owned()),
        input_fields: fields.iter().map(|(name, ty, doc)| ((*name).to_owned(), input(name, ty.clone(), doc))).collect(),
        visible: None,
        inaccessible: false,
        tags: vec![],
        rust_typename: None,
        oneof,
        directive_invocations: vec![],
    };
    registry.types.insert(name.to_owned(), ty);
}

/// Registers an enum type.
pub fn enumeration<'a>(
    registry: &mut Registry,
    name: &str,
    doc: &str,
    values: impl Iterator<Item = (String, &'a str)>,
) {
    let values = values.map(|(name, doc)| {
        let value = MetaEnumValue {
            name: name.clone(),
            description: Some(doc.trim().to_owned()),
            deprecation: Deprecation::NoDeprecated,
            visible: None,
            inaccessible: false,
            tags: vec![],
            directive_invocations: vec![],
        };
        (name, value)
    });
    let ty = MetaType::Enum {
        name: name.to_owned(),
        description: Some(doc.to_owned()),
        enum_values: values.collect(),
        visible: None,
        inaccessible: false,
        tags: vec![],
        rust_typename: None,
        directive_invocations: vec![],
        requires_scopes: vec![],
    };
    registry.types.insert(name.to_owned(), ty);
}

/// Registers the enum of a closed set of names.
pub fn choices(registry: &mut Registry, choices: &'static Choices) {
    if !registry.types.contains_key(choices.name) {
        let doc = format!("{} An open set: values may be added.", entity::table::tidy(choices.doc));
        enumeration(registry, choices.name, &doc, choices.values.iter().map(|(name, doc)| ((*name).to_owned(), *doc)));
    }
}
