//! Types that all record types share: scalars, small objects, inputs and enums, and the interface `Node`.

use async_graphql::registry::{MetaType, Registry};
use entity::Kind;

use super::{
    build::{by_name, choices, enumeration, field, input_object, object},
    filter,
};
use crate::{
    access::{Action, FieldRule, Reach},
    graphql::select::{DISPLAY_NAME, PERMISSIONS},
};
pub(super) fn scalars(registry: &mut Registry) {
    for (name, doc, url) in crate::graphql::scalars::ALL {
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

pub(super) fn shared(registry: &mut Registry) {
    small_objects(registry);
    small_inputs(registry);
    filter::comparators(registry);
    small_enums(registry);
    node_interface(registry);
}

/// Objects that many types share.
fn small_objects(registry: &mut Registry) {
    object(
        registry,
        "PageInfo",
        "Information about a page of a list.",
        vec![
            field("hasNextPage", "Boolean!", "Whether there are records after the page.", &[]),
            field("hasPreviousPage", "Boolean!", "Whether there are records before the page.", &[]),
            field("startCursor", "String", "Cursor of the first record of the page.", &[]),
            field("endCursor", "String", "Cursor of the last record of the page.", &[]),
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
        "The change of one field. Values are formatted as in the API: global IDs, and `{ amount, currency }` for money. IDs of \
         records that you may not see are null, and so is a list's filter that uses a field hidden from you.",
        vec![
            field("field", "String!", "The name of the field or relation; `password` if one was set.", &[]),
            field("before", "JSON", "The previous value; null if there was none.", &[]),
            field("after", "JSON", "The new value; null if there is none.", &[]),
        ],
    );
    object(
        registry,
        "ViewerPermissions",
        "What your roles permit you to do to a record. An action that does not apply to the record's type is false.",
        PERMISSIONS.iter().map(|(name, _, doc)| field(name, "Boolean!", doc, &[])).collect(),
    );
    object(
        registry,
        "ExternalId",
        "The ID of a record in an external system.",
        vec![
            field("system", "String!", "The external system, for example `salesforce`.", &[]),
            field("id", "String!", "The record's ID in that system.", &[]),
        ],
    );
    object(
        registry,
        "UserError",
        "An error in the input, or in the state of the data, that the caller can correct.",
        vec![
            field("code", "UserErrorCode!", "The error code.", &[]),
            field(
                "reason",
                "String",
                "The specific reason in SCREAMING_SNAKE_CASE. An open set: new reasons may be added.",
                &[],
            ),
            field("message", "String!", "A message to show to people.", &[]),
            field(
                "field",
                "[String!]",
                "Path to the input field that caused the error, outermost first; null if the error concerns the whole input.",
                &[],
            ),
            field("index", "Int", "Index of the item in a bulk input, starting at 0.", &[]),
            field("conflict", "Node", "The conflicting record in its current state, if you may see it.", &[]),
        ],
    );
}

/// Inputs that many types share.
fn small_inputs(registry: &mut Registry) {
    let amount =
        |name: &'static str| (name, "Decimal".to_owned(), format!("The amount is `{name}` this one, in `currency`."));
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
        "ExternalIdFilter",
        "Compares the id of a record in an external system. `system` alone matches records that have any ID there.",
        &[
            ("system", "String!".into(), "The external system, for example `salesforce`.".into()),
            ("id", "String".into(), "The record has this ID in the system.".into()),
            ("in", "[String!]".into(), "The record has one of these IDs in the system; at most 1,000.".into()),
            ("isNull", "Boolean".into(), "Whether the record has no ID in the system.".into()),
        ],
        false,
    );
    input_object(
        registry,
        "ExternalIdInput",
        "The ID of a record in an external system.",
        &[
            ("system", "String!".into(), "The external system, for example `salesforce`.".into()),
            ("id", "String!".into(), "The record's ID in that system.".into()),
        ],
        false,
    );
    input_object(
        registry,
        "MoneyFilter",
        "Compares a money amount. Amounts are compared within one currency, which must be given.",
        &[
            (
                "currency",
                "CurrencyCode".into(),
                "The currency. Given alone, it matches all amounts in that currency.".into(),
            ),
            amount("eq"),
            amount("lt"),
            amount("lte"),
            amount("gt"),
            amount("gte"),
            ("isNull", "Boolean".into(), "Whether the amount is null.".into()),
        ],
        false,
    );
}

/// Enums that many types share.
fn small_enums(registry: &mut Registry) {
    for set in [Action::CHOICES, Reach::CHOICES, FieldRule::CHOICES] {
        choices(registry, set);
    }
    enumeration(
        registry,
        "SortDirection",
        "Sort direction.",
        [("ASC".to_owned(), "Ascending."), ("DESC".to_owned(), "Descending.")].into_iter(),
    );
    enumeration(
        registry,
        "NullsOrder",
        "Where null values are placed, whatever the sort direction.",
        [("FIRST".to_owned(), "Null values first."), ("LAST".to_owned(), "Null values last.")].into_iter(),
    );
    enumeration(
        registry,
        "TimeBucket",
        "Calendar period for grouping dates.",
        [
            ("DAY".to_owned(), "A day, from midnight to midnight."),
            ("WEEK".to_owned(), "A week, from Monday to Sunday (ISO 8601)."),
            ("MONTH".to_owned(), "A calendar month."),
            ("QUARTER".to_owned(), "A calendar quarter, beginning in January, April, July or October."),
            ("YEAR".to_owned(), "A calendar year."),
        ]
        .into_iter(),
    );
    enumeration(
        registry,
        "UserErrorCode",
        "The codes of user errors. A closed set.",
        crate::error::UserCode::ALL
            .iter()
            .map(|code| (code.as_str().to_owned(), crate::graphql::payload::meaning(*code))),
    );
}

fn node_interface(registry: &mut Registry) {
    let node = MetaType::Interface {
        name: "Node".to_owned(),
        description: Some("A record that can be fetched by its global ID.".to_owned()),
        fields: by_name(vec![
            field("id", "ID!", "The global ID of the record. It never changes.", &[]),
            field(DISPLAY_NAME, "String", super::object::DISPLAY_NAME_DOC, &[]),
        ]),
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
