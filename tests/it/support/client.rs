//! A client that speaks GraphQL as a browser would, and reads the answers.

use std::{fmt, net::SocketAddr, time::Duration};

use reqwest::{Method, RequestBuilder, StatusCode, header};
use serde_json::{Value, json};

use super::subscription::{EventStream, Socket, Subscription};

/// After this long an answer does not come any more. Nothing waits for it when all is well.
pub const DEADLINE: Duration = Duration::from_mins(1);

const GRAPHQL: &str = "application/graphql-response+json";

/// Somebody who asks.
#[derive(Clone)]
pub struct Client {
    address: SocketAddr,
    http: reqwest::Client,
    token: Option<String>,
}

impl Client {
    /// Somebody without a token.
    pub fn new(address: SocketAddr) -> Self {
        // Nothing is encrypted here, so no certificates need be read.
        let http = tandem::outward::client(DEADLINE).tls_certs_only([]).build().expect("a plain HTTP client");
        Self { address, http, token: None }
    }

    /// The same, with this bearer token from now on.
    pub fn with_token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// The token, for requests that are written by hand.
    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// Asks with a document alone.
    pub async fn query(&self, document: &str) -> Answer {
        self.query_with(document, json!({})).await
    }

    /// Asks with variables.
    pub async fn query_with(&self, document: &str, variables: Value) -> Answer {
        let body = json!({ "query": document, "variables": variables });
        self.send(self.request(Method::POST, "/graphql").header(header::ACCEPT, GRAPHQL).json(&body)).await
    }

    /// Posts what may not be a GraphQL request at all.
    pub async fn post(&self, content_type: &str, body: impl Into<reqwest::Body>) -> Answer {
        self.send(self.request(Method::POST, "/graphql").header(header::CONTENT_TYPE, content_type).body(body)).await
    }

    /// A request to any path, with the token, for what the others do not offer.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("http://{}{path}", self.address));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends it and reads the whole answer; a body that is not JSON becomes text.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.expect("the server answers");
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.expect("the answer is whole");
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Answer { status, headers, body }
    }

    /// Subscribes over `graphql-transport-ws`; returns once the server has taken the connection.
    pub async fn subscribe(&self, document: &str, variables: Value) -> Subscription {
        Subscription::start(self.websocket().await, self.token.as_deref(), document, &variables).await
    }

    /// A bare WebSocket with the protocol agreed and nothing said, for tests of the protocol.
    pub async fn websocket(&self) -> Socket {
        Socket::open(self.address, "/graphql/ws").await
    }

    /// Subscribes over server-sent events.
    pub async fn stream(&self, document: &str, variables: Value) -> EventStream {
        let body = json!({ "query": document, "variables": variables });
        // Without the client's own deadline: a stream lives on, its events have theirs.
        let request = self
            .request(Method::POST, "/graphql/stream")
            .timeout(Duration::from_mins(10))
            .header(header::ACCEPT, "text/event-stream")
            .json(&body);
        EventStream::open(request).await
    }
}

/// What came back.
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers.
    pub headers: header::HeaderMap,
    /// The body: JSON, or text where it is not.
    pub body: Value,
}

impl Answer {
    /// What stands at a path like `accounts.nodes.0.name` under `data`; panics where nothing does.
    #[track_caller]
    pub fn data(&self, path: &str) -> &Value {
        at(&self.body["data"], path).unwrap_or_else(|| panic!("no data at {path} in {self}"))
    }

    /// `extensions.code` of the first error.
    pub fn error_code(&self) -> Option<&str> {
        self.body["errors"][0]["extensions"]["code"].as_str()
    }

    /// `extensions.reason` of the first error.
    pub fn error_reason(&self) -> Option<&str> {
        self.body["errors"][0]["extensions"]["reason"].as_str()
    }

    /// The user errors of a mutation, each as `CODE field.path`, or `CODE` where no field is named or selected.
    #[track_caller]
    pub fn user_errors(&self, mutation: &str) -> Vec<String> {
        let errors = self.data(mutation)["userErrors"].as_array();
        let errors = errors.unwrap_or_else(|| panic!("{mutation} did not answer with userErrors: {self}"));
        errors.iter().map(user_error).collect()
    }

    /// Panics unless the answer is a success without errors and without user errors.
    #[track_caller]
    pub fn expect_ok(self) -> Self {
        let refused = self.body["data"].as_object().into_iter().flatten().any(|(_, field)| {
            field.get("userErrors").and_then(Value::as_array).is_some_and(|errors| !errors.is_empty())
        });
        let ok =
            self.status.is_success() && self.body["data"].is_object() && self.body.get("errors").is_none() && !refused;
        assert!(ok, "not a clean answer: {self}");
        self
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:#}", self.status, self.body)
    }
}

fn user_error(error: &Value) -> String {
    let code = error["code"].as_str().unwrap_or("without a code");
    let field: Vec<&str> = error["field"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if field.is_empty() { code.to_owned() } else { format!("{code} {}", field.join(".")) }
}

/// What stands at a dotted path; numbers are places in lists.
fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, step| match value {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        _ => value.get(step),
    })
}
