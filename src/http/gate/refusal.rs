//! A request that is not executed: its errors, the status they stand for, and what the client may do about it.

use std::time::Duration;

use apollo_compiler::parser::LineColumn;
use async_graphql::{ErrorExtensionValues, Pos, ServerError, Value};

use crate::{
    error::{Code, Error},
    text::escaped_lines,
};

/// A refused request.
#[derive(Clone, Debug)]
pub(in crate::http) struct Refusal {
    /// What decides the status.
    pub code: Code,
    /// What the client is told; never empty.
    pub errors: Vec<ServerError>,
    /// When to come again.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// With one error.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, errors: vec![error(code, message, None)], retry_after: None }
    }

    /// With a place in the document.
    #[must_use]
    pub fn at(mut self, pos: Option<Pos>) -> Self {
        if let (Some(error), Some(pos)) = (self.errors.first_mut(), pos) {
            error.locations = vec![pos];
        }
        self
    }

    /// With something more in the error's extensions.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        if let Some(error) = self.errors.first_mut() {
            error.extensions.get_or_insert_default().set(name, value);
        }
        self
    }

    /// Something else than a query in a preview.
    pub fn read_only() -> Self {
        let message = "This is a preview as another user; only queries are allowed.";
        Self::new(Code::Forbidden, message).with("reason", "PREVIEW_READ_ONLY")
    }

    /// The particular reason of the first error, `TOKEN_EXPIRED`.
    pub fn reason(&self) -> Option<&str> {
        match self.errors.first()?.extensions.as_ref()?.get("reason")? {
            Value::String(reason) => Some(reason),
            _ => None,
        }
    }

    /// As a resolver tells of it.
    pub fn into_error(self) -> Error {
        let message = self.errors.into_iter().next().map(|error| error.message).unwrap_or_default();
        match self.retry_after {
            Some(wait) => Error::later(self.code, "TOO_MANY_GUESSES", message, wait),
            None => Error::refused(self.code, message),
        }
    }

    /// A limit that was passed: which, how far it goes, and the figure that was met.
    pub fn limit(code: Code, message: impl Into<String>, limit: u64, figure: Option<u64>) -> Self {
        let refusal = Self::new(code, message).with("limit", limit);
        match figure {
            Some(figure) => refusal.with("figure", figure),
            None => refusal,
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::Input(_) => Code::BadUserInput,
            Error::Refused(refusal) => refusal.code,
            Error::Internal(_) => Code::Internal,
        };
        let retry_after = match &error {
            Error::Refused(refusal) => refusal.retry_after,
            Error::Input(_) | Error::Internal(_) => None,
        };
        let error = async_graphql::Error::from(error);
        let mut told = ServerError::new(error.message, None);
        told.extensions = error.extensions;
        Self { code, errors: vec![told], retry_after }
    }
}

/// An input holds the character U+0000.
pub(in crate::http) fn nul() -> Refusal {
    let message = "A string contains the character U+0000 (NUL), which is not allowed.";
    Refusal::new(Code::BadUserInput, message).with("reason", "CONTROL_CHARACTER")
}

/// An error with its code.
pub(in crate::http) fn error(code: Code, message: impl Into<String>, pos: Option<Pos>) -> ServerError {
    let mut error = ServerError::new(escaped_lines(&message.into()), pos);
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", code.as_str());
    error.extensions = Some(extensions);
    error
}

/// The same place in the words of async-graphql.
pub(super) fn pos(at: LineColumn) -> Pos {
    Pos { line: at.line, column: at.column }
}
