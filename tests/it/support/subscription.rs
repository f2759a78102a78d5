//! Subscriptions over WebSocket and over server-sent events, read with a deadline and without sleeping.

use std::{net::SocketAddr, pin::Pin};

use futures_util::{SinkExt, Stream, StreamExt};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest},
};

use super::client::DEADLINE;

const PROTOCOL: &str = "graphql-transport-ws";

/// A WebSocket that speaks `graphql-transport-ws`, message by message.
pub struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    /// Opens it and checks that the server agreed to the protocol.
    pub async fn open(address: SocketAddr, path: &str) -> Self {
        let mut request = format!("ws://{address}{path}").into_client_request().expect("a plain address");
        request.headers_mut().insert("sec-websocket-protocol", PROTOCOL.parse().expect("a token"));
        let opened = within("the WebSocket to open", async {
            let stream = TcpStream::connect(address).await.expect("the server listens");
            client_async(request, stream).await
        });
        let (socket, response) = opened.await.expect("the server takes the WebSocket");
        assert_eq!(
            response.headers().get("sec-websocket-protocol").and_then(|name| name.to_str().ok()),
            Some(PROTOCOL)
        );
        Self(socket)
    }

    /// Sends a message of the protocol.
    pub async fn send(&mut self, message: Value) {
        self.send_text(message.to_string()).await;
    }

    /// Sends what may not be a message of the protocol.
    pub async fn send_text(&mut self, text: String) {
        self.0.send(Message::text(text)).await.expect("the WebSocket is open");
    }

    /// The next message of the protocol; panics when the server closes instead.
    pub async fn receive(&mut self) -> Value {
        match self.next("a message").await {
            Ok(message) => message,
            Err((code, reason)) => panic!("closed with {code} {reason:?} instead of a message"),
        }
    }

    /// The code and reason with which the server closes; panics when it speaks instead.
    pub async fn closed(mut self) -> (u16, String) {
        match self.next("the close").await {
            Ok(message) => panic!("said {message} instead of closing"),
            Err(close) => close,
        }
    }

    /// The code with which the server closes, and what it says before.
    pub async fn last_words(mut self) -> (u16, Vec<Value>) {
        let mut words = Vec::new();
        loop {
            match self.next("the close").await {
                Ok(message) => words.push(message),
                Err((code, _)) => return (code, words),
            }
        }
    }

    async fn next(&mut self, what: &str) -> Result<Value, (u16, String)> {
        loop {
            match within(what, self.0.next()).await {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).expect("a message is JSON")),
                Some(Ok(Message::Close(Some(frame)))) => return Err((frame.code.into(), frame.reason.to_string())),
                // 1005 and 1006 are the standard's own for "without a code" and "without a close".
                Some(Ok(Message::Close(None))) => return Err((1005, String::new())),
                Some(Err(_)) | None => return Err((1006, String::new())),
                Some(Ok(_)) => {}
            }
        }
    }
}

/// One subscription on a WebSocket of its own.
pub struct Subscription(Socket);

impl Subscription {
    /// Introduces itself, with the token if there is one, and subscribes.
    pub async fn start(mut socket: Socket, token: Option<&str>, document: &str, variables: &Value) -> Self {
        let payload = token.map(|token| json!({ "Authorization": format!("Bearer {token}") }));
        socket.send(json!({ "type": "connection_init", "payload": payload.unwrap_or(json!({})) })).await;
        assert_eq!(socket.receive().await["type"], "connection_ack");
        let payload = json!({ "query": document, "variables": variables });
        socket.send(json!({ "id": "1", "type": "subscribe", "payload": payload })).await;
        Self(socket)
    }

    /// The next result: `{ "data": … }`, with its errors if it has any.
    pub async fn next(&mut self) -> Value {
        let mut message = self.message().await;
        assert_eq!(message["type"], "next", "instead of a result: {message}");
        message["payload"].take()
    }

    /// Waits until the server says that it is over.
    pub async fn completed(mut self) {
        let message = self.message().await;
        assert_eq!(message["type"], "complete", "instead of the end: {message}");
    }

    /// The socket beneath, to say something unexpected or to wait until the server closes it.
    pub fn into_socket(self) -> Socket {
        self.0
    }

    /// The next message of the protocol but for pings, which are answered; a refusal has the type `error`.
    pub async fn message(&mut self) -> Value {
        loop {
            let message = self.0.receive().await;
            if message["type"] != "ping" {
                return message;
            }
            self.0.send(json!({ "type": "pong" })).await;
        }
    }
}

type Bytes = Pin<Box<dyn Stream<Item = reqwest::Result<bytes::Bytes>> + Send>>;

/// A subscription over server-sent events, as distinct connections have it.
pub struct EventStream {
    bytes: Bytes,
    read: Vec<u8>,
}

impl EventStream {
    /// Sends the request; panics unless the answer is an event stream.
    pub async fn open(request: RequestBuilder) -> Self {
        let response = within("the event stream to open", request.send()).await.expect("the server answers");
        let kind =
            response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
        assert!(
            response.status().is_success() && kind.starts_with("text/event-stream"),
            "{} {kind}",
            response.status()
        );
        Self { bytes: Box::pin(response.bytes_stream()), read: Vec::new() }
    }

    /// The next result: `{ "data": … }`, with its errors if it has any.
    pub async fn next(&mut self) -> Value {
        match self.event().await {
            Some((name, data)) if name == "next" => serde_json::from_str(&data).expect("a result is JSON"),
            other => panic!("instead of a result: {other:?}"),
        }
    }

    /// Waits until the server says that it is over.
    pub async fn completed(mut self) {
        let event = self.event().await;
        assert!(matches!(&event, Some((name, _)) if name == "complete"), "instead of the end: {event:?}");
    }

    /// The next event's name and data, passing over comments; none when the stream ends.
    async fn event(&mut self) -> Option<(String, String)> {
        loop {
            while let Some(end) = self.read.windows(2).position(|two| two == b"\n\n") {
                let block: Vec<u8> = self.read.drain(..end + 2).collect();
                let block = String::from_utf8(block).expect("events are UTF-8");
                let field = |name: &str| {
                    let values = block.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
                    let values: Vec<&str> = values.map(|value| value.strip_prefix(' ').unwrap_or(value)).collect();
                    (!values.is_empty()).then(|| values.join("\n"))
                };
                if let Some(name) = field("event") {
                    return Some((name, field("data").unwrap_or_default()));
                }
            }
            let more = within("an event", self.bytes.next()).await?.expect("the stream is whole");
            self.read.extend_from_slice(&more);
        }
    }
}

async fn within<T>(what: &str, happens: impl Future<Output = T>) -> T {
    let happened = tokio::time::timeout(DEADLINE, happens).await;
    happened.unwrap_or_else(|_| panic!("waited {DEADLINE:?} for {what}"))
}
