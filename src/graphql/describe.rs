//! Draws the schema's types from the tables.

use async_graphql::{
    indexmap::IndexMap,
    registry::{CacheControl, Deprecation, MetaEnumValue, MetaField, MetaInputValue, MetaType, Registry},
};
use entity::{
    Kind,
    table::{Choices, EXTERNAL_IDS, Field, Input, Join, Table, Type},
};

use super::select::groupable;
use crate::{
    access::{Action, FieldRule, Reach},
    store::{
        input_name,
        page::{DEFAULT_PAGE, MAX_NESTED_PAGE, MAX_PAGE, screaming},
    },
};

/// An argument or input field: name, type, description.
pub type In<'a> = (&'a str, String, String);

/// Registers the types of all record types.
pub fn tables(registry: &mut Registry) {
    scalars(registry);
    shared(registry);
    for kind in Kind::ALL {
        let table = kind.table();
        node(registry, table);
        connection(registry, table);
        filters(registry, table);
        order(registry, table);
        aggregate(registry, table);
        reference(registry, table);
    }
}

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

fn by_name(fields: Vec<MetaField>) -> IndexMap<String, MetaField> {
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
        let doc = format!("{} Open: more values may come.", entity::table::tidy(choices.doc));
        enumeration(registry, choices.name, &doc, choices.values.iter().map(|(name, doc)| ((*name).to_owned(), *doc)));
    }
}

fn scalars(registry: &mut Registry) {
    for (name, doc, url) in super::scalars::ALL {
        let ty = MetaType::Scalar {
            name: (*name).to_owned(),
            description: Some((*doc).to_owned()),
            is_valid: None,
            visible: None,
            inaccessible: false,
            tags: vec![],
            specified_by_url: Some((*url).to_owned()),
            directive_invocations: vec![],
            requires_scopes: vec![],
        };
        registry.types.insert((*name).to_owned(), ty);
    }
}

fn shared(registry: &mut Registry) {
    small_objects(registry);
    small_inputs(registry);
    for (name, scalar, comparators, doc) in COMPARED {
        comparators_input(registry, name, scalar, comparators, doc);
    }
    small_enums(registry);
    node_interface(registry);
}

/// Objects that many types share.
fn small_objects(registry: &mut Registry) {
    object(
        registry,
        "PageInfo",
        "Where a page lies in its list.",
        vec![
            field("hasNextPage", "Boolean!", "Whether rows come after the page.", &[]),
            field("hasPreviousPage", "Boolean!", "Whether rows come before the page.", &[]),
            field("startCursor", "String", "Cursor of the page's first row.", &[]),
            field("endCursor", "String", "Cursor of the page's last row.", &[]),
        ],
    );
    object(
        registry,
        "Money",
        "An amount of money.",
        vec![
            field(
                "amount",
                "Decimal!",
                "The amount in the currency's major unit, with all its decimal places: `12.50`.",
                &[],
            ),
            field("currency", "CurrencyCode!", "The currency.", &[]),
        ],
    );
    object(
        registry,
        "FieldChange",
        "What became of one field. Values are as the API shows them: ids, and `{ amount, currency }` for money. Ids of \
         records that you may not see are null, as is a list's filter that tests what is hidden from you.",
        vec![
            field("field", "String!", "Name of the field or link; `password` where one was set.", &[]),
            field("before", "JSON", "Its value before; null where it had none.", &[]),
            field("after", "JSON", "Its value after; null where it has none.", &[]),
        ],
    );
    object(
        registry,
        "ExternalId",
        "The name another system has for a record.",
        vec![
            field("system", "String!", "The other system, `salesforce`.", &[]),
            field("id", "String!", "The record's id there.", &[]),
        ],
    );
    object(
        registry,
        "UserError",
        "A mistake that a person can put right.",
        vec![
            field("code", "UserErrorCode!", "What kind of mistake.", &[]),
            field("reason", "String", "The particular reason, in SCREAMING_SNAKE_CASE: an open set.", &[]),
            field("message", "String!", "For people.", &[]),
            field(
                "field",
                "[String!]",
                "Path of the input field, outermost first; null where it concerns the whole input.",
                &[],
            ),
            field("index", "Int", "Place in a bulk input, from 0.", &[]),
            field("conflict", "Node", "The record that stands in the way, as it is now, if you may see it.", &[]),
        ],
    );
}

/// Inputs that many types share.
fn small_inputs(registry: &mut Registry) {
    let amount =
        |name: &'static str| (name, "Decimal".to_owned(), format!("Amounts `{name}` this one, in `currency`."));
    input_object(
        registry,
        "MoneyInput",
        "An amount of money.",
        &[
            ("amount", "Decimal!".into(), "The amount in the currency's major unit, as a string: `\"12.50\"`.".into()),
            ("currency", "CurrencyCode!".into(), "The currency.".into()),
        ],
        false,
    );
    input_object(
        registry,
        "ExternalIdInput",
        "The name another system has for a record.",
        &[
            ("system", "String!".into(), "The other system, `salesforce`.".into()),
            ("id", "String!".into(), "The record's id there.".into()),
        ],
        false,
    );
    input_object(
        registry,
        "MoneyFilter",
        "A test of a money amount. Amounts compare within one currency, which must be named.",
        &[
            ("currency", "CurrencyCode".into(), "The currency; alone, it finds all amounts in it.".into()),
            amount("eq"),
            amount("lt"),
            amount("lte"),
            amount("gt"),
            amount("gte"),
            ("isNull", "Boolean".into(), "Whether there is no amount.".into()),
        ],
        false,
    );
}

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

/// Enums that many types share.
fn small_enums(registry: &mut Registry) {
    for set in [Action::CHOICES, Reach::CHOICES, FieldRule::CHOICES] {
        choices(registry, set);
    }
    enumeration(
        registry,
        "SortDirection",
        "Which end of an order comes first.",
        [("ASC".to_owned(), "Least first."), ("DESC".to_owned(), "Greatest first.")].into_iter(),
    );
    enumeration(
        registry,
        "NullsOrder",
        "Where empty values stand in an order, whatever its direction.",
        [("FIRST".to_owned(), "Before all others."), ("LAST".to_owned(), "After all others.")].into_iter(),
    );
    enumeration(
        registry,
        "TimeBucket",
        "A calendar period to group dates by.",
        [
            ("DAY".to_owned(), "From midnight to midnight."),
            ("WEEK".to_owned(), "From Monday to Sunday (ISO 8601)."),
            ("MONTH".to_owned(), "A calendar month."),
            ("QUARTER".to_owned(), "Three calendar months, the first from January on."),
            ("YEAR".to_owned(), "A calendar year."),
        ]
        .into_iter(),
    );
    enumeration(
        registry,
        "UserErrorCode",
        "What kind of mistake a user error tells of: a closed set.",
        crate::error::UserCode::ALL.iter().map(|code| (code.as_str().to_owned(), super::payload::meaning(*code))),
    );
}

fn node_interface(registry: &mut Registry) {
    let node = MetaType::Interface {
        name: "Node".to_owned(),
        description: Some("A record that can be fetched by its global id.".to_owned()),
        fields: by_name(vec![field("id", "ID!", "Global id: names the record for ever.", &[])]),
        possible_types: Kind::ALL.into_iter().map(|kind| kind.name().to_owned()).collect(),
        extends: false,
        inaccessible: false,
        tags: vec![],
        keys: None,
        visible: None,
        rust_typename: None,
        directive_invocations: vec![],
        requires_scopes: vec![],
    };
    registry.types.insert("Node".to_owned(), node);
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

/// The scalar or enum that shows a column.
fn leaf(registry: &mut Registry, column: &Field) -> String {
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

fn node(registry: &mut Registry, table: &'static Table) {
    let mut fields = Vec::new();
    for column in table.fields.iter().filter(|field| field.shown()) {
        let ty = leaf(registry, column);
        fields.push(field(&column.name, if column.optional() { ty } else { required(&ty) }, &column.doc, &[]));
    }
    for link in &table.links {
        let target = link.target.name();
        match link.join {
            Join::One { .. } => fields.push(field(
                &link.name,
                target,
                &format!("{} Null where there is none or you may not see it.", link.doc),
                &[],
            )),
            Join::Subject => fields.push(field(&link.name, "Node", &link.doc, &[])),
            Join::Listed => fields.push(field(
                &link.name,
                format!("{target}Connection"),
                &format!("{} Null, with an error, where that would use what is hidden from you.", link.doc),
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
        fields.extend(told());
    } else {
        fields.push(field(EXTERNAL_IDS, "[ExternalId!]!", "The names other systems have for the record.", &[]));
    }
    fields.push(field(
        "hiddenFields",
        "[String!]!",
        "Names of this record's fields that your roles hide from you: they are null here, whatever they hold.",
        &[],
    ));
    object(registry, table.name, &table.doc, fields);
    registry.implements.entry(table.name.to_owned()).or_default().insert("Node".to_owned());
}

/// What events alone have.
fn told() -> [MetaField; 3] {
    [
        field("subjectId", "ID!", "Global id of the record it happened to.", &[]),
        field(
            "changedFields",
            "[String!]!",
            "Names of the changed fields, for a new record of all that have a value; none that your roles hide from you.",
            &[],
        ),
        field(
            "changes",
            "[FieldChange!]!",
            "The changed fields with their values; none that your roles hide from you, whatever became of them.",
            &[],
        ),
    ]
}

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
fn selection_arguments(kind: Kind) -> Vec<In<'static>> {
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

fn connection(registry: &mut Registry, table: &'static Table) {
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

fn filters(registry: &mut Registry, table: &'static Table) {
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

fn order(registry: &mut Registry, table: &'static Table) {
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

fn aggregate(registry: &mut Registry, table: &'static Table) {
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

fn reference(registry: &mut Registry, table: &'static Table) {
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

/// The fields of a kind that a client may write.
pub fn writable(table: &'static Table, creating: bool) -> impl Iterator<Item = (&'static Field, String)> {
    let writes = move |field: &&'static Field| match field.input {
        Input::Server => false,
        Input::Create => creating,
        Input::Write => true,
    };
    table.fields.iter().filter(|field| !field.physical).filter(writes).map(|field| (field, input_name(field)))
}
