//! `/graphql/stream`: operations as server-sent events.

use std::{sync::atomic::Ordering, time::Duration};

use reqwest::{Response, StatusCode};
use serde_json::{Value as Json, json};

use super::{Answer, World};
use crate::http::settings::Rate;

async fn stream(world: &World, query: &str) -> Response {
    let request = world.client.post(world.url("/graphql/stream")).header("accept", "text/event-stream");
    let request = request.header("content-type", "application/json");
    request.body(json!({"query": query}).to_string()).send().await.unwrap()
}

/// The names and the data of all events up to the end of the stream.
async fn events(response: Response) -> Vec<(String, Json)> {
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream"));
    let text = tokio::time::timeout(Duration::from_mins(1), response.text()).await.expect("ends").unwrap();
    let events = text.split("\n\n").filter(|event| event.starts_with("event:"));
    events
        .map(|event| {
            let mut lines = event.lines();
            let name = lines.next().unwrap().trim_start_matches("event:").trim().to_owned();
            let data: String = lines.map(|line| line.trim_start_matches("data:").trim()).collect();
            (name, serde_json::from_str(&data).unwrap_or_default())
        })
        .collect()
}

#[tokio::test]
async fn a_subscription_comes_as_events() {
    let world = World::new().await;
    let events = events(stream(&world, "subscription { ticks(count: 3) }").await).await;
    let ticks: Vec<_> = events.iter().map(|(name, data)| (name.as_str(), data["data"]["ticks"].as_i64())).collect();
    assert_eq!(ticks, [("next", Some(0)), ("next", Some(1)), ("next", Some(2)), ("complete", None)]);
}

#[tokio::test]
async fn streams_are_paid_for_by_their_address_before_anybody_looks_who_opens_them() {
    let world = World::with(|settings| settings.rate = Rate { maximum: 100, restore: 10 }).await;
    for _ in 0..10 {
        assert_eq!(stream(&world, "{ nope }").await.status(), StatusCode::BAD_REQUEST);
    }
    *world.toy.memory.about.lock().unwrap() = None;
    let refused = Answer::of(stream(&world, "{ nope }").await).await;
    assert_eq!((refused.status, refused.code()), (429, "RATE_LIMITED"));
    assert!(world.toy.memory.about.lock().unwrap().is_none(), "nobody asked who it is");
    assert_eq!(world.ask("{ hello }", json!({})).await.status, 200);
}

#[tokio::test]
async fn a_query_is_one_event_and_get_works_too() {
    let world = World::new().await;
    let answered = events(stream(&world, "{ hello }").await).await;
    assert_eq!(answered[0].1["data"]["hello"], "Hello ");
    assert_eq!(answered[1].0, "complete");
    let get = |query: &str| {
        let url = reqwest::Url::parse_with_params(&world.url("/graphql/stream"), [("query", query)]).unwrap();
        world.client.get(url).header("accept", "text/event-stream").send()
    };
    assert_eq!(events(get("{ hello }").await.unwrap()).await.len(), 2);
    let refused = Answer::of(get("mutation { bump { value } }").await.unwrap()).await;
    assert_eq!((refused.status, refused.code()), (405, "METHOD_NOT_ALLOWED"));
}

#[tokio::test]
async fn refusals_are_plain_answers() {
    let world = World::new().await;
    for (query, status, code) in [
        ("{", 400, "GRAPHQL_PARSE_FAILED"),
        ("subscription { nope }", 400, "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { ticks(count: 1) more: ticks(count: 1) }", 400, "GRAPHQL_VALIDATION_FAILED"),
        ("{ accounts(first: 201) { totalCount } }", 400, "BAD_USER_INPUT"),
    ] {
        let answer = Answer::of(stream(&world, query).await).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{query}");
    }
    let request = world.client.post(world.url("/graphql/stream")).header("accept", "application/json");
    let answer = Answer::of(request.send().await.unwrap()).await;
    assert_eq!((answer.status, answer.code()), (406, "NOT_ACCEPTABLE"));
}

#[tokio::test]
async fn a_stream_ends_with_its_token_its_session_or_the_server() {
    const ENDLESS: &str = "subscription { ticks(count: 1000000, every: 50) }";
    let world = World::new().await;
    world.toy.memory.expires_at.store(super::START + 1_000, Ordering::SeqCst);
    let response = stream(&world, ENDLESS).await;
    world.clock.advance(Duration::from_secs(2));
    assert!(events(response).await.iter().all(|(name, _)| name == "next"), "cut short, not completed");

    let world = World::new().await;
    let response = stream(&world, ENDLESS).await;
    world.toy.memory.revoked.store(true, Ordering::SeqCst);
    assert!(events(response).await.iter().all(|(name, _)| name == "next"));

    let world = World::new().await;
    let response = stream(&world, ENDLESS).await;
    let ended = tokio::spawn(events(response));
    world.stop().await;
    ended.await.unwrap();
}

#[tokio::test]
async fn a_panic_in_a_stream_is_an_error_event() {
    let world = World::new().await;
    let events = events(stream(&world, "subscription { collapse }").await).await;
    assert_eq!(events[0].1["data"]["collapse"], 0);
    assert_eq!(events[1].1["errors"][0]["extensions"]["code"], "INTERNAL_SERVER_ERROR");
    assert_eq!(events.last().unwrap().0, "complete");
    let figure = "{transport=\"sse\",operation=\"subscription\",outcome=\"INTERNAL_SERVER_ERROR\"}";
    assert!(world.figures().await.contains(figure));
}
