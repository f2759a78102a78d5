//! The parameters of a GraphQL request, out of a body or a query string.

use apollo_compiler::response::JsonMap;
use axum::{
    body::{Body, BodyDataStream},
    extract::Query,
    http::{HeaderMap, Uri, header},
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use serde::Deserialize;

use super::{accept, gate::refusal::Refusal, settings::Limits};
use crate::error::Code;

/// How much of a body that is too large is read on, so that the client hears the answer instead of a reset connection.
const DRAINED: usize = 4;

/// What to run.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Params {
    pub query: Option<String>,
    #[serde(default, rename = "operationName")]
    pub operation: Option<String>,
    #[serde(default)]
    pub variables: Option<JsonMap>,
    #[serde(default)]
    pub extensions: Option<JsonMap>,
}

impl Params {
    /// Out of JSON.
    pub fn from_json(json: &[u8], limits: &Limits) -> Result<Self, Refusal> {
        if json.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
            return Err(bad("Batching is not supported; send one operation per request."));
        }
        if count(json) > limits.values {
            let message = format!("The body contains more than {} values.", limits.values);
            return Err(Refusal::limit(Code::PayloadTooLarge, message, limits.values as u64, None));
        }
        let text = std::str::from_utf8(json).map_err(|_| bad("The body is not UTF-8."))?;
        serde_json::from_str(text).map_err(|error| bad(&format!("The body is not a GraphQL request: {error}.")))
    }

    /// Out of a query string.
    pub fn from_uri(uri: &Uri) -> Result<Self, Refusal> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|error| bad(&format!("The query string is not valid: {error}.")))?;
        let (mut params, mut seen) = (Self::default(), Vec::new());
        for (name, value) in pairs {
            if seen.contains(&name) {
                return Err(bad(&format!("{} is given more than once.", crate::text::short(&name))));
            }
            match name.as_str() {
                "query" => params.query = Some(value),
                "operationName" => params.operation = Some(value),
                "variables" => params.variables = map(&name, &value)?,
                "extensions" => params.extensions = map(&name, &value)?,
                _ => continue,
            }
            seen.push(name);
        }
        Ok(params)
    }

    /// The document, the operation's name if there is one, and the variables.
    pub fn parts(self) -> Result<(String, Option<String>, JsonMap), Refusal> {
        let Some(query) = self.query else {
            if self.extensions.is_some_and(|extensions| extensions.contains_key("persistedQuery")) {
                // Clients that hash their documents send the text when they hear this.
                return Err(Refusal::new(Code::PersistedQueryNotFound, "PersistedQueryNotFound"));
            }
            return Err(bad("query is missing."));
        };
        let operation = self.operation.filter(|name| !name.is_empty());
        Ok((query, operation, self.variables.unwrap_or_default()))
    }
}

fn map(name: &str, value: &str) -> Result<Option<JsonMap>, Refusal> {
    if value.is_empty() {
        return Ok(None);
    }
    serde_json::from_str(value).map_err(|error| bad(&format!("{name} is not a JSON object: {error}.")))
}

fn bad(message: &str) -> Refusal {
    Refusal::new(Code::BadRequest, message)
}

/// Values in JSON, roughly: each takes dozens of bytes once parsed, however short it is written.
fn count(json: &[u8]) -> usize {
    json.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count()
}

/// The body, if it is JSON and not too large.
pub(super) async fn body(headers: &HeaderMap, body: Body, limits: &Limits) -> Result<Bytes, Refusal> {
    if !accept::is_json(headers) {
        let message = "The body must be application/json in UTF-8; file uploads via GraphQL are not supported.";
        return Err(Refusal::new(Code::UnsupportedMediaType, message));
    }
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(Refusal::new(Code::UnsupportedMediaType, "Compressed request bodies are not supported."));
    }
    let mut stream = body.into_data_stream();
    let mut whole = BytesMut::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| bad("The body could not be read."))?;
        if whole.len() + chunk.len() > limits.body {
            drain(stream, limits.body * DRAINED).await;
            let message = format!("The body is longer than {} bytes.", limits.body);
            return Err(Refusal::limit(Code::PayloadTooLarge, message, limits.body as u64, None));
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.freeze())
}

async fn drain(mut stream: BodyDataStream, mut left: usize) {
    while let Some(Ok(chunk)) = stream.next().await {
        match left.checked_sub(chunk.len()) {
            Some(rest) => left = rest,
            None => break,
        }
    }
}
