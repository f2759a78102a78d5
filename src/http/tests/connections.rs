//! Connections that are silent, trickle, stall or come in crowds, and what a stop does with them.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::World;
use crate::http::settings::ConnectionLimits;

const SHORT: Duration = Duration::from_millis(50);
const NEVER: Duration = Duration::from_hours(1);

/// What has not happened by then does not happen any more.
const LONG: Duration = Duration::from_mins(1);

const PING: &[u8] = b"GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

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
    let read = tokio::time::timeout(LONG, stream.read_to_end(&mut answer)).await;
    drop(read.expect("the server closes the connection"));
    answer
}

/// Whether a connection is let in and answered.
async fn is_answered(world: &World) -> bool {
    let asked = async {
        let mut stream = TcpStream::connect(world.address).await?;
        stream.write_all(PING).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok::<_, io::Error>(answer.starts_with(b"HTTP/1.1 200"))
    };
    asked.await.unwrap_or(false)
}

/// Asks until there is an answer.
async fn answered_at_last(world: &World) {
    let asking = async { while !is_answered(world).await {} };
    tokio::time::timeout(LONG, asking).await.expect("an answer at last");
}

#[tokio::test]
async fn a_connection_without_a_whole_head_is_closed() {
    let world = world(SHORT, NEVER, 10_000).await;
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    for bytes in [&b""[..], b"GET /health/live HTTP/1.1\r\nHost: a\r\n", b"PRI * HT", preface] {
        closed(sent(&world, bytes).await).await;
    }
}

#[tokio::test]
async fn a_connection_that_trickles_is_closed_like_a_silent_one() {
    let world = world(SHORT, NEVER, 10_000).await;
    let mut stream = sent(&world, b"GET /health/live HTTP/1.1\r\nX-Long: ").await;
    let trickling = async {
        while stream.write_all(b"a").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(LONG, trickling).await.expect("the server closes the connection");
}

#[tokio::test]
async fn three_hundred_silent_connections_keep_nobody_out() {
    let world = world(SHORT, NEVER, 300).await;
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(sent(&world, b"").await);
    }
    answered_at_last(&world).await;
    drop(silent);
}

#[tokio::test]
async fn one_address_has_a_limited_number_of_connections() {
    let world = world(NEVER, NEVER, 1).await;
    let mut first = sent(&world, b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(first.read(&mut [0; 16]).await.unwrap() > 0);
    assert_eq!(closed(sent(&world, b"").await).await, b"", "the second is closed at once");
    drop(first);
    answered_at_last(&world).await;
}

#[tokio::test]
async fn those_behind_a_trusted_proxy_share_no_limit() {
    let limits = ConnectionLimits { headers: NEVER, idle: NEVER, per_address: 1, total: 10_000 };
    let world = World::with(|settings| {
        settings.connections = limits;
        settings.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let mut first = sent(&world, b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(first.read(&mut [0; 16]).await.unwrap() > 0);
    assert!(is_answered(&world).await);
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_answer() {
    let world = world(NEVER, SHORT, 10).await;
    let answer = closed(sent(&world, b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n").await).await;
    assert!(answer.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test]
async fn a_client_that_never_reads_a_long_answer_is_given_up() {
    let world = world(NEVER, SHORT, 1).await;
    let ask = b"GET /exports/endless HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer good\r\n\r\n";
    let mut stalled = sent(&world, ask).await;
    let mut start = [0; 12];
    stalled.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 200");
    // Its place is free at last, though it is open here.
    answered_at_last(&world).await;
    drop(stalled);
}

#[tokio::test]
async fn a_stream_without_events_is_not_idle() {
    let world = world(NEVER, SHORT, 10).await;
    let body = r#"{"query":"subscription { ticks(count: 1, every: 500) }"}"#;
    let head =
        "POST /graphql/stream HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\nContent-Type: application/json";
    let ask = format!("{head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    let answer = closed(sent(&world, ask.as_bytes()).await).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.contains(r#"{"ticks":0}"#) && answer.contains("event: complete"), "{answer}");
}

#[tokio::test]
async fn half_a_request_does_not_hold_up_a_stop() {
    let mut world = world(NEVER, NEVER, 10).await;
    let head = sent(&world, b"POST /graphql HTTP/1.1\r\nHost: a\r\n").await;
    let start = b"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{";
    let body = sent(&world, start).await;
    // Both are accepted before a third is answered.
    assert!(is_answered(&world).await);
    world.stop.take().unwrap().send(()).unwrap();
    closed(head).await;
    closed(body).await;
    tokio::time::timeout(LONG, world.serving).await.expect("it ends").unwrap();
}
