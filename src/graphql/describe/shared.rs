//! Types that all record types share: scalars, small objects, inputs and enums, and the interface `Node`.

use async_graphql::registry::{MetaType, Registry};
use entity::Kind;

use super::{
    build::{by_name, choices, enumeration, field, input_object, object},
    filter,
};
use crate::access::{Action, FieldRule, Reach};
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
        crate::error::UserCode::ALL
            .iter()
            .map(|code| (code.as_str().to_owned(), crate::graphql::payload::meaning(*code))),
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
