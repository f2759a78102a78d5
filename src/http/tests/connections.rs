//! Connections that are silent, trickle or come in crowds, and what a stop does with them.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::World;
use crate::http::settings::ConnectionLimits;

const SHORT: Duration = Duration::from_millis(50);
const NEVER: Duration = Duration::from_hours(1);

async fn world(headers: Duration, idle: Duration, per_address: usize) -> World {
    let limits = ConnectionLimits { headers, idle, per_address, total: 10_000 };
    World::with(|settings| {
        settings.connections = limits;
        settings.grace = NEVER;
    })
    .await
}

/// A connection on which this was sent.
async fn sent(world: &World, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}

/// Reads until the server closes; that it was reset is an end as well.
async fn closed(mut stream: TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    answer
}

#[tokio::test]
async fn a_connection_without_a_whole_head_is_closed() {
    let world = world(SHORT, NEVER, 10_000).await;
    for bytes in
        [&b""[..], b"GET /health/live HTTP/1.1\r\nHost: a\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"]
    {
        // It ends by itself: without a limit this waits for ever.
        let _ = closed(sent(&world, bytes).await).await;
    }
}

#[tokio::test]
async fn three_hundred_silent_connections_keep_nobody_out() {
    let world = world(SHORT, NEVER, 300).await;
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(sent(&world, b"").await);
    }
    for stream in silent {
        closed(stream).await;
    }
    let answer = closed(sent(&world, b"GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await).await;
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn one_address_has_a_limited_number_of_connections() {
    let world = world(NEVER, NEVER, 1).await;
    let mut first = sent(&world, b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(first.read(&mut [0; 16]).await.unwrap() > 0);
    assert_eq!(closed(sent(&world, b"").await).await, b"", "the second is closed at once");
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_answer() {
    let world = world(NEVER, SHORT, 10).await;
    let answer = closed(sent(&world, b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n").await).await;
    assert!(answer.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test]
async fn half_a_request_does_not_hold_up_a_stop() {
    let mut world = world(NEVER, NEVER, 10).await;
    let head = sent(&world, b"POST /graphql HTTP/1.1\r\nHost: a\r\n").await;
    let start = b"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{";
    let body = sent(&world, start).await;
    // Both are accepted before a third is answered.
    let last = closed(sent(&world, b"GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await).await;
    assert!(last.starts_with(b"HTTP/1.1 200"));
    world.stop.take().unwrap().send(()).unwrap();
    closed(head).await;
    closed(body).await;
    world.serving.await.unwrap();
}
