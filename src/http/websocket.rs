//! `/graphql/ws`: the graphql-transport-ws protocol, many operations over one socket.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::{
        State,
        ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::HeaderMap,
    response::Response,
};
use bytes::Bytes;
use futures_util::{
    StreamExt,
    future::ready,
    stream::{self, AbortHandle, BoxStream, SelectAll, abortable},
};
use serde::Deserialize;
use serde_json::Value as Json;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until, timeout};
use tracing::Instrument;

use super::{
    ahead::ahead,
    answer::Answer,
    edge::{Edge, Meter, Note, Transport},
    gate::refusal::Refusal,
    graphql::refuse,
    host::{About, Caller, Host},
    metrics,
    params::Params,
    request,
    serve::Closing,
};
use crate::error::Code;

/// The sub-protocol.
const PROTOCOL: &str = "graphql-transport-ws";

/// How long a peer may take to answer a close.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// Pings without a sign of life before the peer counts as gone.
const MISSED_PINGS: u32 = 3;

/// Bytes of an operation's id.
const LONGEST_ID: usize = 256;

/// Opens a socket.
pub(super) async fn upgrade<H: Host>(
    State(edge): State<Arc<Edge<H>>>,
    Extension(about): Extension<About>,
    closing: Option<Extension<Closing>>,
    headers: HeaderMap,
    socket: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let Ok(socket) = socket else {
        return refuse(Refusal::new(Code::BadRequest, "A WebSocket upgrade is required."), &about);
    };
    // Each request of a preview is told; a socket would be one request for many operations.
    if about.preview_as.is_some() {
        return refuse(Refusal::read_only(), &about);
    }
    let limit = edge.settings.limits.body;
    let socket = socket.protocols([PROTOCOL]).max_message_size(limit).max_frame_size(limit);
    let speaks = socket.selected_protocol().is_some();
    let bearer = request::bearer(&headers).map(str::to_owned);
    let Extension(closing) = closing.unwrap_or_default();
    socket.on_upgrade(async move |socket| {
        let open = metrics::Open::websocket();
        let sockets = closing.sockets.clone();
        let session = Session::new(edge, about, bearer, socket);
        sockets.track_future(session.run(closing, speaks)).await;
        drop(open);
    })
}

/// A message of the client.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Incoming {
    ConnectionInit { payload: Option<Json> },
    Ping { payload: Option<Json> },
    Pong {},
    Subscribe { id: String, payload: Params },
    Complete { id: String },
}

/// What an operation gives to its socket.
enum Outgoing {
    Next(Bytes),
    Error(Vec<u8>),
    Complete,
}

/// Why a socket is closed.
struct Close(u16, String);

fn close(code: u16, reason: impl Into<String>) -> Result<(), Close> {
    Err(Close(code, reason.into()))
}

/// The peer is gone: there is nobody to tell.
const GONE: u16 = 0;

struct Session<H> {
    edge: Arc<Edge<H>>,
    about: About,
    bearer: Option<String>,
    socket: WebSocket,
    caller: Option<Caller>,
    running: HashMap<String, AbortHandle>,
    outgoing: SelectAll<BoxStream<'static, (String, Outgoing)>>,
}

impl<H: Host> Session<H> {
    fn new(edge: Arc<Edge<H>>, about: About, bearer: Option<String>, socket: WebSocket) -> Self {
        Self { edge, about, bearer, socket, caller: None, running: HashMap::new(), outgoing: SelectAll::new() }
    }

    async fn run(mut self, closing: Closing, speaks: bool) {
        let Err(Close(code, reason)) =
            (if speaks { self.converse(&closing).await } else { close(4406, "Subprotocol not acceptable") })
        else {
            return;
        };
        tracing::debug!(request.id = self.about.request_id, code, reason, "websocket closed");
        self.outgoing = SelectAll::new();
        // The peer closes too when it has read why; until then what it still sends is read and dropped. Where it was
        // the peer who closed, reading on is what sends our half.
        let _ = timeout(LAST_WORDS, async {
            if code != GONE {
                let frame = CloseFrame { code, reason: reason.into() };
                self.socket.send(Message::Close(Some(frame))).await?;
            }
            while self.socket.recv().await.transpose()?.is_some() {}
            Ok::<_, axum::Error>(())
        })
        .await;
    }

    async fn converse(&mut self, closing: &Closing) -> Result<(), Close> {
        let init_by = Instant::now() + self.edge.settings.init_timeout;
        let mut check = ticking(Duration::from_secs(1));
        let mut ping = ticking(self.edge.settings.keep_alive);
        let mut unanswered = 0;
        loop {
            tokio::select! {
                message = self.socket.recv() => {
                    unanswered = 0;
                    match message {
                        Some(Ok(Message::Text(text))) => self.hear(text.as_str()).await?,
                        Some(Ok(Message::Binary(_))) => close(4400, "Invalid message: text is expected")?,
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                        Some(Ok(Message::Close(_)) | Err(_)) | None => close(GONE, "the peer has gone")?,
                    }
                }
                Some((id, outgoing)) = self.outgoing.next(), if !self.outgoing.is_empty() => {
                    self.good_until_now()?;
                    self.tell(&id, outgoing).await?;
                }
                _ = check.tick() => {
                    self.good_until_now()?;
                    if let Some(caller) = &self.caller
                        && !self.edge.host.still_good(caller).await
                    {
                        close(4403, "Forbidden")?;
                    }
                }
                _ = ping.tick() => {
                    if unanswered >= MISSED_PINGS {
                        close(GONE, "keep-alive timeout")?;
                    }
                    unanswered += 1;
                    self.send(Message::Ping(Bytes::new())).await?;
                }
                () = sleep_until(init_by), if self.caller.is_none() => {
                    close(4408, "Connection initialisation timeout")?;
                }
                () = closing.token.cancelled() => close(1001, "The server is shutting down")?,
            }
        }
    }

    fn good_until_now(&self) -> Result<(), Close> {
        match &self.caller {
            Some(caller) if self.edge.has_expired(caller) => close(4403, "Forbidden: the token has expired"),
            _ => Ok(()),
        }
    }

    async fn hear(&mut self, text: &str) -> Result<(), Close> {
        match serde_json::from_str(text) {
            Err(error) => close(4400, format!("Invalid message: {}", short(&error.to_string()))),
            Ok(Incoming::ConnectionInit { payload }) => self.begin(payload).await,
            Ok(Incoming::Ping { payload }) => match payload {
                Some(payload) => self.say(format!("{{\"type\":\"pong\",\"payload\":{payload}}}")).await,
                None => self.say("{\"type\":\"pong\"}".to_owned()).await,
            },
            Ok(Incoming::Pong {}) => Ok(()),
            Ok(Incoming::Subscribe { id, payload }) => self.subscribe(id, payload).await,
            Ok(Incoming::Complete { id }) => {
                if let Some(operation) = self.running.remove(&id) {
                    operation.abort();
                }
                Ok(())
            }
        }
    }

    async fn begin(&mut self, payload: Option<Json>) -> Result<(), Close> {
        if self.caller.is_some() {
            return close(4429, "Too many initialisation requests");
        }
        let payload = match payload {
            None | Some(Json::Null) => serde_json::Map::new(),
            Some(Json::Object(payload)) => payload,
            Some(_) => return close(4400, "Invalid message: the payload must be an object"),
        };
        let given = payload
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("authorization"))
            .and_then(|(_, value)| value.as_str())
            .and_then(request::token);
        let bearer = given.or(self.bearer.as_deref());
        let caller = self.edge.opener(bearer, &self.about, Transport::WebSocket);
        match timeout(self.edge.settings.deadline, caller).await {
            Ok(Ok(caller)) => self.caller = Some(caller),
            Ok(Err(refusal)) if refusal.code == Code::Unauthenticated => {
                return close(4403, format!("Forbidden: {}", refusal.reason().unwrap_or("UNAUTHENTICATED")));
            }
            Ok(Err(refusal)) if refusal.code == Code::RateLimited => return close(4429, "Too many requests"),
            Ok(Err(_)) | Err(_) => return close(1011, "Internal error"),
        }
        self.say("{\"type\":\"connection_ack\"}".to_owned()).await
    }

    async fn subscribe(&mut self, id: String, params: Params) -> Result<(), Close> {
        let Some(caller) = self.caller.clone() else { return close(4401, "Unauthorized") };
        if id.is_empty() || id.len() > LONGEST_ID {
            return close(4400, "Invalid message: the id must have between 1 and 256 bytes");
        }
        if self.running.contains_key(&id) {
            return close(4409, format!("Subscriber for {} already exists", short(&id)));
        }
        let mut meter = Meter::new(Transport::WebSocket, &self.about);
        let span = meter.span();
        let admitted = if self.running.len() < self.edge.settings.operations_per_socket {
            span.in_scope(|| self.edge.admit(params, &caller, &mut meter))
        } else {
            let limit = self.edge.settings.operations_per_socket;
            let message = format!("At most {limit} concurrent operations are allowed per connection.");
            Err(Refusal::limit(Code::RateLimited, message, limit as u64, None).with("reason", "TOO_MANY_OPERATIONS"))
        };
        let paid = match admitted {
            Ok(paid) => paid,
            Err(refusal) => {
                let answer = Answer::refused(refusal, &self.about.request_id);
                meter.finish(answer.outcome());
                return self.tell(&id, Outgoing::Error(answer.errors_to_json())).await;
            }
        };
        let answers = if paid.is_subscription() {
            span.in_scope(|| self.edge.subscribe(paid, &caller, &self.about))
        } else {
            let (edge, about) = (Arc::clone(&self.edge), self.about.clone());
            let work = async move {
                let work = async { Ok(edge.execute(paid, &caller, &about).await) };
                edge.answer(&about, work).await
            };
            stream::once(work.instrument(span)).boxed()
        };
        let (operation, abort) = abortable(ahead(outgoing(answers, meter)));
        self.running.insert(id.clone(), abort);
        self.outgoing.push(operation.map(move |outgoing| (id.clone(), outgoing)).boxed());
        Ok(())
    }

    async fn tell(&mut self, id: &str, outgoing: Outgoing) -> Result<(), Close> {
        let id_json = Json::from(id);
        match outgoing {
            Outgoing::Next(answer) => {
                let answer = String::from_utf8_lossy(&answer);
                self.say(format!("{{\"id\":{id_json},\"type\":\"next\",\"payload\":{answer}}}")).await
            }
            Outgoing::Error(errors) => {
                self.running.remove(id);
                let errors = String::from_utf8_lossy(&errors);
                self.say(format!("{{\"id\":{id_json},\"type\":\"error\",\"payload\":{errors}}}")).await
            }
            Outgoing::Complete => {
                self.running.remove(id);
                self.say(format!("{{\"id\":{id_json},\"type\":\"complete\"}}")).await
            }
        }
    }

    async fn say(&mut self, text: String) -> Result<(), Close> {
        self.send(Message::Text(text.into())).await
    }

    /// Sends within a time: a peer that does not read must not hold the socket's operations for ever.
    async fn send(&mut self, message: Message) -> Result<(), Close> {
        match timeout(self.edge.settings.send_timeout, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => close(GONE, "the peer has gone"),
            Err(_) => {
                tracing::warn!(request.id = self.about.request_id, "the client of a WebSocket does not read; closing");
                // “Try again later”: clients connect again, and follow on after the last cursor they have.
                close(1013, "The client reads too slowly")
            }
        }
    }
}

/// The messages of an operation: each answer, then the end; an answer of something that was not executed is the end.
fn outgoing(
    answers: impl futures_util::Stream<Item = Answer> + Send + 'static,
    meter: Meter,
) -> impl futures_util::Stream<Item = Outgoing> + Send + 'static {
    let end = stream::once(ready(Outgoing::Complete));
    let mut note = Note::new(meter);
    let told = answers.map(move |answer| {
        note.hear(&answer);
        if answer.is_executed() { Outgoing::Next(answer.to_json()) } else { Outgoing::Error(answer.errors_to_json()) }
    });
    let mut over = false;
    told.chain(end).take_while(move |outgoing| {
        let goes = !over;
        over |= matches!(outgoing, Outgoing::Error(_));
        ready(goes)
    })
}

fn ticking(period: Duration) -> Interval {
    let mut ticking = interval(period);
    ticking.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick comes at once, and nothing is due then.
    ticking.reset();
    ticking
}

/// What fits into a close frame beside our own words.
fn short(text: &str) -> &str {
    text.char_indices()
        .nth(80)
        .filter(|(end, _)| *end <= 90)
        .map_or_else(|| if text.len() <= 90 { text } else { "(too long)" }, |(end, _)| &text[..end])
}
