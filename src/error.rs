//! The one error type: what a person can put right, what is refused, and what went wrong inside.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use entity::Kind;
use sea_orm::prelude::Uuid;

use crate::text::escaped_lines;

/// What every fallible function of the house answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something was not done.
#[derive(Clone, Debug)]
pub enum Error {
    /// The input or the state of the data is in the way; told in `userErrors`.
    Input(Vec<UserError>),
    /// The request or the field is refused; told in `errors`.
    Refused(Refusal),
    /// A fault of ours; the client learns nothing but the request id.
    Internal(Arc<dyn std::error::Error + Send + Sync>),
}

/// A refusal of a request or of a field.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// What kind of refusal.
    pub code: Code,
    /// The particular reason, in `SCREAMING_SNAKE_CASE`.
    pub reason: Option<Cow<'static, str>>,
    /// For people.
    pub message: String,
    /// How long to wait before the next attempt.
    pub retry_after: Option<Duration>,
}

macro_rules! codes {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $text:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $(#[doc = concat!("`", $text, "`")] $variant),* }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// As the API names it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
    };
}

codes! {
    /// `extensions.code` of a GraphQL error: a closed set.
    Code {
        BadRequest = "BAD_REQUEST",
        ParseFailed = "GRAPHQL_PARSE_FAILED",
        ValidationFailed = "GRAPHQL_VALIDATION_FAILED",
        BadUserInput = "BAD_USER_INPUT",
        OperationResolution = "OPERATION_RESOLUTION_FAILURE",
        PersistedQueryNotFound = "PERSISTED_QUERY_NOT_FOUND",
        PersistedQueryRequired = "PERSISTED_QUERY_REQUIRED",
        QueryTooLarge = "QUERY_TOO_LARGE",
        QueryTooComplex = "QUERY_TOO_COMPLEX",
        RateLimited = "RATE_LIMITED",
        Unauthenticated = "UNAUTHENTICATED",
        MethodNotAllowed = "METHOD_NOT_ALLOWED",
        NotAcceptable = "NOT_ACCEPTABLE",
        UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE",
        PayloadTooLarge = "PAYLOAD_TOO_LARGE",
        Timeout = "TIMEOUT",
        ServiceUnavailable = "SERVICE_UNAVAILABLE",
        Forbidden = "FORBIDDEN",
        NotFound = "NOT_FOUND",
        Conflict = "CONFLICT",
        InvalidCursor = "INVALID_CURSOR",
        Internal = "INTERNAL_SERVER_ERROR",
    }
}

codes! {
    /// `code` of a user error: a closed set.
    UserCode {
        Required = "REQUIRED",
        Invalid = "INVALID",
        TooLong = "TOO_LONG",
        TooShort = "TOO_SHORT",
        OutOfRange = "OUT_OF_RANGE",
        Taken = "TAKEN",
        NotFound = "NOT_FOUND",
        Forbidden = "FORBIDDEN",
        Conflict = "CONFLICT",
        IdempotencyKeyReused = "IDEMPOTENCY_KEY_REUSED",
        LimitReached = "LIMIT_REACHED",
        InUse = "IN_USE",
        InvalidTransition = "INVALID_TRANSITION",
        ApprovalMissing = "APPROVAL_MISSING",
    }
}

/// Something a person can put right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserError {
    /// What kind of mistake.
    pub code: UserCode,
    /// The particular reason, in `SCREAMING_SNAKE_CASE`.
    pub reason: Option<Cow<'static, str>>,
    /// For people.
    pub message: String,
    /// Path of the input field, outermost first; empty where it concerns the whole input.
    pub field: Vec<String>,
    /// Place in a bulk input.
    pub index: Option<usize>,
    /// The record that stands in the way.
    pub conflict: Option<(Kind, Uuid)>,
}

impl UserError {
    /// A mistake in one input field.
    pub fn new(code: UserCode, field: &str, message: impl Into<String>) -> Self {
        let field = if field.is_empty() { vec![] } else { field.split('.').map(str::to_owned).collect() };
        Self { code, reason: None, message: shown(message), field, index: None, conflict: None }
    }

    /// With its particular reason.
    #[must_use]
    pub fn because(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// With the record that stands in the way.
    #[must_use]
    pub fn against(mut self, kind: Kind, id: Uuid) -> Self {
        self.conflict = Some((kind, id));
        self
    }
}

/// A message as it is told. Whatever it quotes of what a client sent, it shows what cannot be seen.
fn shown(message: impl Into<String>) -> String {
    escaped_lines(&message.into())
}

impl From<UserError> for Error {
    fn from(error: UserError) -> Self {
        Self::Input(vec![error])
    }
}

impl Error {
    /// A refusal with this code.
    pub fn refused(code: Code, message: impl Into<String>) -> Self {
        Self::Refused(Refusal { code, reason: None, message: shown(message), retry_after: None })
    }

    /// A refusal with this code and reason.
    pub fn refused_because(code: Code, reason: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::Refused(Refusal { code, reason: Some(reason.into()), message: shown(message), retry_after: None })
    }

    /// A refusal that ends by itself after this time.
    pub fn later(
        code: Code,
        reason: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
        retry_after: Duration,
    ) -> Self {
        let (reason, retry_after) = (Some(reason.into()), Some(retry_after));
        Self::Refused(Refusal { code, reason, message: shown(message), retry_after })
    }

    /// A mistake in one input field.
    pub fn input(code: UserCode, field: &str, message: impl Into<String>) -> Self {
        UserError::new(code, field, message).into()
    }

    /// A bad argument of a query.
    pub fn argument(message: impl Into<String>) -> Self {
        Self::refused(Code::BadUserInput, message)
    }

    /// A fault of ours.
    pub fn internal(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(Arc::from(error.into()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(errors) => match errors.first() {
                Some(error) => f.write_str(&error.message),
                None => f.write_str("invalid input"),
            },
            Self::Refused(refusal) => f.write_str(&refusal.message),
            Self::Internal(error) => write!(f, "internal error: {error}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::internal(error)
    }
}

impl From<Error> for async_graphql::Error {
    fn from(error: Error) -> Self {
        use async_graphql::ErrorExtensions;
        let (code, reason, message, wait) = match error {
            Error::Refused(Refusal { code, reason, message, retry_after }) => (code, reason, message, retry_after),
            Error::Input(errors) => match errors.into_iter().next() {
                Some(error) => (Code::BadUserInput, error.reason, error.message, None),
                None => (Code::BadUserInput, None, "invalid input".to_owned(), None),
            },
            Error::Internal(error) => {
                tracing::error!(error = ?error, "internal error");
                let message = "An internal error occurred; quote the request ID.".to_owned();
                (Code::Internal, None, message, None)
            }
        };
        async_graphql::Error::new(message).extend_with(|_, extensions| {
            extensions.set("code", code.as_str());
            if let Some(reason) = &reason {
                extensions.set("reason", reason.as_ref());
            }
            if let Some(wait) = wait {
                extensions.set("retryAfter", wait.as_secs_f64());
            }
        })
    }
}
