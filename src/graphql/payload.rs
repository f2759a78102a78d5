//! User errors in payloads, and the outcome that every mutation has.

use async_graphql::{ContextSelectionSet, Positioned, ServerResult, parser::types::Field};
use async_graphql::{OutputType, Value, registry::Registry};
use std::borrow::Cow;

use super::node::AnyRow;
use crate::error::{Error, Result, UserCode, UserError};

/// What each code means.
#[must_use]
pub const fn meaning(code: UserCode) -> &'static str {
    match code {
        UserCode::Required => "A value is missing.",
        UserCode::Invalid => "A value is not of the form asked for.",
        UserCode::TooLong => "A value is too long.",
        UserCode::TooShort => "A value is too short.",
        UserCode::OutOfRange => "A number lies outside its range.",
        UserCode::Taken => "Another live record has this value, which must be unique.",
        UserCode::NotFound => "There is no such record, or you may not see it.",
        UserCode::Forbidden => "You may see the record and not do this.",
        UserCode::Conflict => "Somebody changed the record meanwhile.",
        UserCode::IdempotencyKeyReused => "The idempotency key was used for another request.",
        UserCode::LimitReached => "There are too many.",
        UserCode::InUse => "Other records rely on it.",
        UserCode::InvalidTransition => "It cannot go from its present state to this one.",
        UserCode::ApprovalMissing => "An approval is missing.",
    }
}

/// Splits what a person can put right from what is an error of the field.
pub fn outcome<T>(result: Result<T>) -> Result<(Option<T>, Vec<UserError>)> {
    match result {
        Ok(done) => Ok((Some(done), vec![])),
        Err(Error::Input(mistakes)) => Ok((None, mistakes)),
        Err(error) => Err(error),
    }
}

impl OutputType for UserError {
    fn type_name() -> Cow<'static, str> {
        "UserError".into()
    }
    fn create_type_info(_: &mut Registry) -> String {
        "UserError!".to_owned()
    }
    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        let mut object = async_graphql::indexmap::IndexMap::new();
        for picked in super::select::Selections::new(ctx.query_env).pick(&[&ctx.item.node], "UserError") {
            let text = |text: &str| Value::String(text.to_owned());
            let value = match picked.name() {
                "code" => Value::Enum(async_graphql::Name::new(self.code.as_str())),
                "reason" => self.reason.as_deref().map_or(Value::Null, text),
                "message" => text(&self.message),
                "field" if self.field.is_empty() => Value::Null,
                "field" => Value::List(self.field.iter().map(|part| text(part)).collect()),
                "index" => self.index.map_or(Value::Null, Value::from),
                "conflict" => match self.conflict {
                    Some((kind, id)) => {
                        let (set, place) = picked.merged(ctx.item.pos);
                        AnyRow(kind, id).resolve(&ctx.with_selection_set(&set), &place).await?
                    }
                    None => Value::Null,
                },
                _ => text("UserError"),
            };
            object.insert(async_graphql::Name::new(picked.key), value);
        }
        Ok(Value::Object(object))
    }
}

/// Declares payloads: each its own fields, then those that every payload has.
macro_rules! payload {
    ($(#[doc = $doc:literal] $name:ident { $($(#[doc = $fdoc:literal])+ $field:ident: $ty:ty),* $(,)? })*) => {$(
        #[doc = $doc]
        #[derive(async_graphql::SimpleObject)]
        pub struct $name {
            $($(#[doc = $fdoc])+ $field: $ty,)*
            /// What a person can put right; empty on success.
            user_errors: Vec<crate::error::UserError>,
            /// Anything else you want to read after the change, as whoever sent the request.
            query: crate::graphql::root::RootQuery,
        }
    )*};
}
pub(crate) use payload;
