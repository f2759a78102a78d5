//! Writes answers: GraphQL responses to bytes, their errors with codes, and the HTTP status they stand for.

use std::time::Duration;

use async_graphql::{ErrorExtensionValues, PathSegment, Response, ServerError, Value};
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
};
use bytes::Bytes;

use super::{accept::Media, gate::refusal::Refusal, limits::Throttle};
use crate::error::Code;

/// What a client is told where something went wrong inside.
const INTERNAL: &str = "An internal error occurred; quote the request ID.";

/// What the operation cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Costs {
    pub requested: u64,
    pub actual: u64,
    pub throttle: Throttle,
}

/// A response with a code on each of its errors.
pub(super) struct Answer {
    response: Response,
    costs: Option<Costs>,
    /// `data` is left out: nothing was executed.
    refused: Option<Code>,
    retry_after: Option<Duration>,
}

impl Answer {
    /// Of something that was executed.
    pub fn executed(mut response: Response, mut costs: Costs, request_id: &str) -> Self {
        if let Some(Value::Number(actual)) = response.extensions.remove(super::host::ACTUAL_COST) {
            costs.actual = actual.as_u64().unwrap_or(costs.requested);
        }
        let unexecuted = response.data == Value::Null
            && !response.errors.is_empty()
            && response.errors.iter().all(|error| error.path.is_empty());
        for error in &mut response.errors {
            complete(error, request_id);
        }
        let refused = unexecuted.then(|| response.errors.first().and_then(code_of).unwrap_or(Code::Internal));
        let retry_after = response.errors.iter().filter_map(wait_of).max();
        Self { response, costs: Some(costs), refused, retry_after }
    }

    /// Of something that was not.
    pub fn refused(refusal: Refusal, request_id: &str) -> Self {
        let mut response = Response::from_errors(refusal.errors);
        for error in &mut response.errors {
            complete(error, request_id);
        }
        Self { response, costs: None, refused: Some(refusal.code), retry_after: refusal.retry_after }
    }

    /// Whether the executor's validation let it through.
    pub fn is_executed(&self) -> bool {
        self.refused.is_none()
    }

    /// The outcome in one word of a closed set: `OK` or the code of the first error.
    pub fn outcome(&self) -> &'static str {
        match (self.refused, self.response.errors.first()) {
            (Some(code), _) => code.as_str(),
            (None, None) => "OK",
            (None, Some(error)) => code_of(error).map_or("OTHER", Code::as_str),
        }
    }

    /// The status that it stands for.
    pub fn status(&self, media: Media) -> StatusCode {
        let Some(code) = self.refused else { return StatusCode::OK };
        match code {
            Code::BadRequest => StatusCode::BAD_REQUEST,
            Code::Unauthenticated => StatusCode::UNAUTHORIZED,
            Code::Forbidden => StatusCode::FORBIDDEN,
            Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Code::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Code::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Code::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Code::Timeout | Code::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            _ if media == Media::GraphQl => StatusCode::BAD_REQUEST,
            _ => StatusCode::OK,
        }
    }

    /// As an HTTP response.
    pub fn into_http(self, media: Media) -> axum::response::Response {
        let mut response = axum::response::Response::new(Body::from(self.to_json()));
        *response.status_mut() = self.status(media);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media.content_type()));
        // An answer depends on who asks; no cache in between may keep it.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        headers.insert(header::VARY, HeaderValue::from_static("accept, authorization"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        match self.refused {
            Some(Code::Unauthenticated) => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Some(Code::MethodNotAllowed) => {
                headers.insert(header::ALLOW, HeaderValue::from_static("GET, POST"));
            }
            _ => {}
        }
        if let Some(wait) = self.retry_after {
            // Rounded up: who comes a moment early is refused again.
            let seconds = wait.as_millis().div_ceil(1000).max(1);
            if let Ok(value) = HeaderValue::from_str(&seconds.to_string()) {
                headers.insert(header::RETRY_AFTER, value);
            }
        }
        for (name, value) in &self.response.http_headers {
            headers.append(name, value.clone());
        }
        response
    }

    /// As JSON.
    pub fn to_json(&self) -> Bytes {
        let mut out = Vec::with_capacity(1024);
        out.push(b'{');
        if self.refused.is_none() {
            out.extend_from_slice(b"\"data\":");
            write_value(&self.response.data, &mut out);
        }
        if !self.response.errors.is_empty() {
            comma(&mut out, b'{');
            out.extend_from_slice(b"\"errors\":");
            write_errors(&self.response.errors, &mut out);
        }
        if self.costs.is_some() || !self.response.extensions.is_empty() {
            comma(&mut out, b'{');
            out.extend_from_slice(b"\"extensions\":{");
            for (name, value) in &self.response.extensions {
                comma(&mut out, b'{');
                write_text(name, &mut out);
                out.push(b':');
                write_value(value, &mut out);
            }
            if let Some(Costs { requested, actual, throttle }) = self.costs {
                comma(&mut out, b'{');
                let Throttle { maximum, available, restore } = throttle;
                let cost = format!(
                    "\"cost\":{{\"requested\":{requested},\"actual\":{actual},\"throttle\":{{\"maximum\":{maximum},\
                     \"available\":{available},\"restoreRate\":{restore}}}}}"
                );
                out.extend_from_slice(cost.as_bytes());
            }
            out.push(b'}');
        }
        out.push(b'}');
        out.into()
    }

    /// The errors alone, as the WebSocket protocol wants them for an operation that was not executed.
    pub fn errors_to_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        write_errors(&self.response.errors, &mut out);
        out
    }
}

/// The code of an error, if it is one of ours.
fn code_of(error: &ServerError) -> Option<Code> {
    match error.extensions.as_ref()?.get("code")? {
        Value::String(code) => Code::ALL.iter().copied().find(|known| known.as_str() == code),
        _ => None,
    }
}

/// How long to wait where a field is refused for now.
fn wait_of(error: &ServerError) -> Option<Duration> {
    match error.extensions.as_ref()?.get("retryAfter")? {
        Value::Number(seconds) => Duration::try_from_secs_f64(seconds.as_f64()?).ok(),
        _ => None,
    }
}

/// Gives an error of async-graphql its code, and takes from an unexpected one what it tells of the inside.
fn complete(error: &mut ServerError, request_id: &str) {
    if error.locations.iter().any(|at| at.line == 0) {
        error.locations.clear();
    }
    let extensions = error.extensions.get_or_insert_default();
    if extensions.get("code").is_none() {
        // The library quotes what it was sent, however long.
        error.message = super::gate::long(&error.message).to_owned();
        let code = if error.path.is_empty() {
            match error.message.as_str() {
                "Operation name required in request." => Code::OperationResolution,
                message if message.starts_with("Unknown operation named") => Code::OperationResolution,
                _ => Code::ValidationFailed,
            }
        } else if is_about_input(&error.message) {
            Code::BadUserInput
        } else {
            tracing::error!(error.message, "an error without a code reached the edge");
            INTERNAL.clone_into(&mut error.message);
            Code::Internal
        };
        extensions.set("code", code.as_str());
    }
    if is_internal(extensions) {
        extensions.set("requestId", request_id);
    }
}

fn is_internal(extensions: &ErrorExtensionValues) -> bool {
    matches!(extensions.get("code"), Some(Value::String(code)) if code == Code::Internal.as_str())
}

/// Whether async-graphql speaks of an argument's value.
fn is_about_input(message: &str) -> bool {
    ["Failed to parse \"", "Expected input type \"", "Invalid value for argument", "Variable "]
        .iter()
        .any(|start| message.starts_with(start))
}

/// A comma, unless nothing stands between here and the opening bracket.
fn comma(out: &mut Vec<u8>, opening: u8) {
    if out.last() != Some(&opening) {
        out.push(b',');
    }
}

fn write_errors(errors: &[ServerError], out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, error) in errors.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"message\":");
        write_text(&error.message, out);
        if !error.locations.is_empty() {
            out.extend_from_slice(b",\"locations\":[");
            for (index, at) in error.locations.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(format!("{{\"line\":{},\"column\":{}}}", at.line, at.column).as_bytes());
            }
            out.push(b']');
        }
        if !error.path.is_empty() {
            out.extend_from_slice(b",\"path\":[");
            for (index, segment) in error.path.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                match segment {
                    PathSegment::Field(name) => write_text(name, out),
                    PathSegment::Index(index) => out.extend_from_slice(index.to_string().as_bytes()),
                }
            }
            out.push(b']');
        }
        if let Some(extensions) = &error.extensions {
            out.extend_from_slice(b",\"extensions\":");
            write_json(extensions, out);
        }
        out.push(b'}');
    }
    out.push(b']');
}

/// Writes a value; bytes are JSON already, for the store writes its rows so.
fn write_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Boolean(true) => out.extend_from_slice(b"true"),
        Value::Boolean(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_json(number, out),
        Value::String(text) => write_text(text, out),
        Value::Enum(name) => write_text(name, out),
        Value::Binary(json) => out.extend_from_slice(json),
        Value::List(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_value(item, out);
            }
            out.push(b']');
        }
        Value::Object(fields) => {
            out.push(b'{');
            for (index, (name, value)) in fields.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_text(name, out);
                out.push(b':');
                write_value(value, out);
            }
            out.push(b'}');
        }
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    write_json(text, out);
}

fn write_json(value: &(impl serde::Serialize + ?Sized), out: &mut Vec<u8>) {
    let start = out.len();
    if let Err(error) = serde_json::to_writer(&mut *out, value) {
        // Only a value that is no JSON at all comes here; what stands around it must stay whole.
        tracing::error!(%error, "a value could not be written");
        out.truncate(start);
        out.extend_from_slice(b"null");
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{Name, Pos};
    use serde_json::{Value as Json, json};

    use super::*;

    fn costs() -> Costs {
        Costs { requested: 7, actual: 7, throttle: Throttle { maximum: 10, available: 3, restore: 1 } }
    }

    fn written(response: Response) -> Json {
        serde_json::from_slice(&Answer::executed(response, costs(), "r-1").to_json()).unwrap()
    }

    #[test]
    fn bytes_are_spliced_in_and_everything_else_is_escaped() {
        let list = Value::List(vec![Value::Binary(br#"{"a":[1,2]}"#.as_slice().into()), Value::Null]);
        let fields = [(Name::new("rows"), list), (Name::new("t"), "\"\\\n\u{1}é🏃".into())];
        let answer = written(Response::new(Value::Object(fields.into())));
        assert_eq!(answer["data"], json!({"rows": [{"a": [1, 2]}, null], "t": "\"\\\n\u{1}é🏃"}));
        assert_eq!(answer["extensions"]["cost"]["throttle"]["available"], 3);
    }

    #[test]
    fn the_host_tells_the_actual_cost() {
        let response = Response::new(Value::Null).extension(super::super::host::ACTUAL_COST, 4.into());
        assert_eq!(
            written(response)["extensions"],
            json!({"cost": {"requested": 7, "actual": 4,
            "throttle": {"maximum": 10, "available": 3, "restoreRate": 1}}})
        );
    }

    #[test]
    fn a_field_that_is_refused_for_now_says_when_to_come_again() {
        let mut error = ServerError::new("wait", None).with_path(vec![PathSegment::Field("a".into())]);
        let extensions = error.extensions.get_or_insert_default();
        extensions.set("code", "RATE_LIMITED");
        extensions.set("retryAfter", 4.2);
        let answer = Answer::executed(Response::from_errors(vec![error]), costs(), "r");
        let response = answer.into_http(Media::Legacy);
        assert_eq!((response.status(), &response.headers()["retry-after"]), (StatusCode::OK, &HeaderValue::from(5)));
    }

    #[test]
    fn every_error_has_a_code_and_an_unexpected_one_tells_nothing() {
        let at = |message: &str, path: Vec<PathSegment>| ServerError::new(message, None).with_path(path);
        let field = || vec![PathSegment::Field("a".into()), PathSegment::Index(2)];
        let mut response = Response::from_errors(vec![
            at("relation \"secret\" does not exist", field()),
            at("Failed to parse \"Int\": \"no\"", field()),
        ]);
        response.errors[1].locations.push(Pos { line: 1, column: 2 });
        let answer = written(response);
        assert_eq!(answer["data"], Json::Null);
        assert_eq!(
            answer["errors"],
            json!([
                {"message": INTERNAL, "path": ["a", 2],
                    "extensions": {"code": "INTERNAL_SERVER_ERROR", "requestId": "r-1"}},
                {"message": "Failed to parse \"Int\": \"no\"", "locations": [{"line": 1, "column": 2}],
                    "path": ["a", 2], "extensions": {"code": "BAD_USER_INPUT"}},
            ])
        );
    }

    #[test]
    fn what_was_not_executed_has_no_data_and_a_status() {
        let answer = || Answer::executed(Response::from_errors(vec![ServerError::new("no", None)]), costs(), "r");
        assert_eq!(answer().status(Media::GraphQl), StatusCode::BAD_REQUEST);
        assert_eq!(answer().status(Media::Legacy), StatusCode::OK);
        let json: Json = serde_json::from_slice(&answer().to_json()).unwrap();
        assert!(json.get("data").is_none());
        assert_eq!(json["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    }
}
