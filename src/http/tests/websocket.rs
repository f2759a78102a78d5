//! `/graphql/ws`: the protocol, its close codes, and what ends a socket.

use std::{sync::atomic::Ordering, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value as Json, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest},
};

use super::World;
use crate::http::settings::Rate;

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn open(world: &World) -> Self {
        let mut request = format!("ws://{}/graphql/ws", world.address).into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
        let (socket, response) = tokio_tungstenite::connect_async(request).await.unwrap();
        assert_eq!(response.headers()["sec-websocket-protocol"], "graphql-transport-ws");
        Self(socket)
    }

    /// Opened and acknowledged.
    async fn ready(world: &World) -> Self {
        let mut socket = Self::open(world).await;
        socket.say(json!({"type": "connection_init"})).await;
        assert_eq!(socket.hear().await.unwrap()["type"], "connection_ack");
        socket
    }

    async fn say(&mut self, message: Json) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn subscribe(&mut self, id: &str, query: &str) {
        self.say(json!({"id": id, "type": "subscribe", "payload": {"query": query}})).await;
    }

    /// The next message, or the code with which the server closed.
    async fn hear(&mut self) -> Result<Json, u16> {
        loop {
            let message = tokio::time::timeout(Duration::from_mins(1), self.0.next()).await.expect("a message");
            match message {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => return Err(frame.map_or(1005, |frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(1006),
            }
        }
    }

    async fn closed(&mut self) -> u16 {
        loop {
            if let Err(code) = self.hear().await {
                return code;
            }
        }
    }
}

#[tokio::test]
async fn operations_run_side_by_side() {
    let world = World::new().await;
    let mut socket = Socket::ready(&world).await;
    socket.subscribe("slow", "subscription { ticks(count: 2, every: 300) }").await;
    socket.subscribe("query", "{ hello }").await;
    socket.subscribe("wrong", "{ nope }").await;
    let mut heard = Vec::new();
    while heard.len() < 6 {
        let message = socket.hear().await.unwrap();
        heard.push((message["id"].as_str().unwrap().to_owned(), message["type"].as_str().unwrap().to_owned()));
    }
    let of = |id: &str| heard.iter().filter(|(of, _)| of == id).map(|(_, ty)| ty.as_str()).collect::<Vec<_>>();
    assert_eq!(of("slow"), ["next", "next", "complete"]);
    assert_eq!(of("query"), ["next", "complete"]);
    assert_eq!(of("wrong"), ["error"]);
    socket.subscribe("query", "mutation { bump { value } }").await;
    assert_eq!(socket.hear().await.unwrap()["payload"]["data"]["bump"]["value"], 1, "an id may be used again");
}

#[tokio::test]
async fn what_the_client_completes_is_heard_no_more() {
    let world = World::new().await;
    let mut socket = Socket::ready(&world).await;
    socket.subscribe("1", "subscription { ticks(count: 100000, every: 5) }").await;
    assert_eq!(socket.hear().await.unwrap()["type"], "next");
    socket.say(json!({"id": "1", "type": "complete"})).await;
    socket.say(json!({"type": "ping", "payload": {"n": 1}})).await;
    while socket.hear().await.unwrap() != json!({"type": "pong", "payload": {"n": 1}}) {}
    tokio::time::sleep(Duration::from_millis(100)).await;
    socket.say(json!({"type": "ping"})).await;
    assert_eq!(socket.hear().await.unwrap(), json!({"type": "pong"}));
}

#[tokio::test]
async fn sockets_are_paid_for_by_their_address_before_anybody_looks_who_opens_them() {
    let world = World::with(|settings| settings.rate = Rate { maximum: 100, restore: 10 }).await;
    for _ in 0..10 {
        Socket::ready(&world).await;
    }
    *world.toy.memory.about.lock().unwrap() = None;
    let mut socket = Socket::open(&world).await;
    socket.say(json!({"type": "connection_init", "payload": {"Authorization": "Bearer good-a"}})).await;
    assert_eq!(socket.closed().await, 4429);
    assert!(world.toy.memory.about.lock().unwrap().is_none(), "nobody asked who it is");
    world.clock.advance(Duration::from_secs(1));
    Socket::ready(&world).await;
}

#[tokio::test]
async fn every_breach_of_the_protocol_has_its_close_code() {
    let hasty = World::with(|settings| settings.init_timeout = Duration::from_millis(50)).await;
    assert_eq!(Socket::open(&hasty).await.closed().await, 4408, "no connection_init");
    let world = World::with(|settings| settings.init_timeout = Duration::from_hours(1)).await;
    let init = json!({"type": "connection_init"});
    let subscribe =
        json!({"id": "1", "type": "subscribe", "payload": {"query": "subscription { ticks(count: 9999) }"}});
    for (messages, code) in [
        (vec![init.clone(), init.clone()], 4429),
        (vec![subscribe.clone()], 4401),
        (vec![init.clone(), subscribe.clone(), subscribe], 4409),
        (vec![json!({"type": "unheard_of"})], 4400),
        (vec![json!([])], 4400),
        (vec![json!({"type": "connection_init", "payload": 7})], 4400),
        (vec![init.clone(), json!({"type": "subscribe", "payload": {"query": "{ hello }"}})], 4400),
        (vec![init.clone(), json!({"id": "1", "type": "subscribe"})], 4400),
        (vec![init, json!({"id": "1", "type": "subscribe", "payload": {"query": 1}})], 4400),
        (vec![json!({"type": "connection_init", "payload": {"Authorization": "Bearer bad"}})], 4403),
    ] {
        let mut socket = Socket::open(&world).await;
        for message in &messages {
            socket.say(message.clone()).await;
        }
        assert_eq!(socket.closed().await, code, "{messages:?}");
    }
    let mut socket = Socket::open(&world).await;
    socket.0.send(Message::binary("{}")).await.unwrap();
    assert_eq!(socket.closed().await, 4400);
    let mut socket = Socket::open(&world).await;
    socket.0.send(Message::text("no json")).await.unwrap();
    assert_eq!(socket.closed().await, 4400);
    let request = format!("ws://{}/graphql/ws", world.address).into_client_request().unwrap();
    let (socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    assert_eq!(Socket(socket).closed().await, 4406, "another protocol, or none");
}

#[tokio::test]
async fn the_token_in_the_payload_counts() {
    let world = World::new().await;
    for name in ["authorization", "Authorization"] {
        let mut socket = Socket::open(&world).await;
        socket.say(json!({"type": "connection_init", "payload": {name: "Bearer good-1"}})).await;
        assert_eq!(socket.hear().await.unwrap()["type"], "connection_ack");
    }
}

#[tokio::test]
async fn a_socket_ends_with_its_token_its_session_or_the_server() {
    let world = World::new().await;
    world.toy.memory.expires_at.store(super::START + 1_000, Ordering::SeqCst);
    let mut socket = Socket::ready(&world).await;
    world.clock.advance(Duration::from_secs(2));
    assert_eq!(socket.closed().await, 4403, "an idle socket too");

    let world = World::new().await;
    let mut socket = Socket::ready(&world).await;
    socket.subscribe("1", "subscription { ticks(count: 100000, every: 20) }").await;
    world.toy.memory.revoked.store(true, Ordering::SeqCst);
    assert_eq!(socket.closed().await, 4403);

    let world = World::new().await;
    let mut socket = Socket::ready(&world).await;
    let closed = tokio::spawn(async move { socket.closed().await });
    world.stop().await;
    assert_eq!(closed.await.unwrap(), 1001);
}

#[tokio::test]
async fn the_gate_stands_before_sockets_too() {
    let world = World::with(|settings| settings.operations_per_socket = 2).await;
    let mut socket = Socket::ready(&world).await;
    let mut refused = async |id: &str, query: &str| {
        socket.subscribe(id, query).await;
        loop {
            let message = socket.hear().await.unwrap();
            if message["id"] == id {
                assert_eq!(message["type"], "error", "{message}");
                return message["payload"][0]["extensions"]["code"].as_str().unwrap().to_owned();
            }
        }
    };
    assert_eq!(refused("a", "{ accounts(first: 201) { totalCount } }").await, "BAD_USER_INPUT");
    let deep = format!("{{ hello(name: {}", "[".repeat(50_000));
    assert_eq!(refused("b", &deep).await, "QUERY_TOO_COMPLEX");
    assert_eq!(refused("c", "{ panics }").await, "INTERNAL_SERVER_ERROR");
    for id in ["1", "2"] {
        socket.subscribe(id, "subscription { ticks(count: 100000, every: 20) }").await;
    }
    let mut refused = async |id: &str| {
        socket.subscribe(id, "{ hello }").await;
        loop {
            let message = socket.hear().await.unwrap();
            if message["id"] == id {
                return message["payload"][0]["extensions"]["reason"].clone();
            }
        }
    };
    assert_eq!(refused("3").await, "TOO_MANY_OPERATIONS");
    let figures = world.figures().await;
    for (kind, outcome) in [("query", "INTERNAL_SERVER_ERROR"), ("none", "RATE_LIMITED"), ("query", "BAD_USER_INPUT")] {
        let figure = format!("{{transport=\"websocket\",operation=\"{kind}\",outcome=\"{outcome}\"}}");
        assert!(figures.contains(&figure), "{figure} in {figures}");
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_closed_out_and_its_operations_end() {
    let world = World::with(|settings| settings.send_timeout = Duration::from_millis(50)).await;
    let mut socket = Socket::ready(&world).await;
    socket.subscribe("1", "subscription { flood }").await;
    tokio::time::timeout(Duration::from_mins(1), world.toy.memory.flood_over.notified()).await.expect("it is given up");
    assert_eq!(socket.closed().await, 1013);
}
