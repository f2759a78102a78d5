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
        UserCode::Required => "A required value is missing.",
        UserCode::Invalid => "A value has the wrong format.",
        UserCode::TooLong => "A value is too long.",
        UserCode::TooShort => "A value is too short.",
        UserCode::OutOfRange => "A number is out of range.",
        UserCode::Taken => "Another live record already has this value, which must be unique.",
        UserCode::NotFound => "The record does not exist, or you may not see it.",
        UserCode::Forbidden => "You may see the record but may not do this.",
        UserCode::Conflict => "The record was changed since you read it.",
        UserCode::IdempotencyKeyReused => "The idempotency key was already used for a different request.",
        UserCode::LimitReached => "A limit is exceeded.",
        UserCode::InUse => "Other records depend on the record.",
        UserCode::InvalidTransition => "The transition from the present state is not allowed.",
        UserCode::ApprovalMissing => "A required approval is missing.",
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
            /// Errors that the caller can correct; empty on success.
            user_errors: Vec<crate::error::UserError>,
            /// Root query object, for reading further data after the change with the permissions of the caller.
            query: crate::graphql::root::RootQuery,
        }
    )*};
}
pub(crate) use payload;
