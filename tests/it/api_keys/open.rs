//! Sockets and streams that a key has open, and what ends them.

use std::time::Duration;

use entity::Kind;
use reqwest::Method;
use serde_json::{Value, json};

use super::{change, key, key_with, revoke, role, role_id, rotate};
use crate::{
    crew,
    support::{client::Client, subscription::Subscription},
};

const EVENTS: &str = "subscription { events { kind subject { id } } }";

/// A socket and a stream that follow the events.
async fn follow(client: &Client) -> (Subscription, reqwest::Response) {
    let socket = client.subscribe(EVENTS, json!({})).await;
    let request = client.request(Method::POST, "/graphql/stream").header("accept", "text/event-stream");
    let stream = request.json(&json!({ "query": EVENTS })).send().await.expect("the server answers");
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    (socket, stream)
}

/// Both end, and tell nothing of what happens then.
async fn ended((socket, stream): (Subscription, reqwest::Response)) {
    let (code, words) = socket.into_socket().last_words().await;
    assert_eq!(code, 4403);
    let rest = stream.text().await.expect("the stream ends in order");
    for text in words.iter().map(Value::to_string).chain([rest]) {
        assert!(!text.contains("account.created"), "{text}");
    }
}

on_both_engines! {
    async fn what_a_key_has_open_ends_when_it_is_revoked(world: World) {
        let admin = world.admin().await;
        let made = key(&world, &admin, "integration").await;
        let open = follow(&made.client).await;
        revoke(&admin, json!({ "id": made.id })).await.expect_ok();
        crew::create(&admin, Kind::Account, json!({ "name": "Later" })).await;
        ended(open).await;
    }

    async fn what_a_key_has_open_ends_with_its_time(world: World) {
        let made = key(&world, &world.admin().await, "integration").await;
        let open = follow(&made.client).await;
        world.clock.advance(Duration::from_hours(31 * 24));
        ended(open).await;
        // An end that is moved forward holds for what is open too.
        let admin = world.admin().await;
        let made = key_with(&world, &admin, "integration", json!({ "expiresAt": "2026-05-01T00:00:00Z" })).await;
        let open = follow(&made.client).await;
        change(&admin, json!({ "id": made.id, "expiresAt": "2026-04-02T09:00:05Z" })).await.expect_ok();
        world.clock.advance(Duration::from_secs(5));
        ended(open).await;
    }

    async fn what_an_old_secret_has_open_ends_with_its_overlap(world: World) {
        let admin = world.admin().await;
        let made = key(&world, &admin, "integration").await;
        let old = follow(&made.client).await;
        let rotated = rotate(&admin, json!({ "id": made.id, "overlapMinutes": 5 })).await.expect_ok();
        let mut new = world.anonymous().with_token(crew::text(&rotated, "apiKeyRotate.secret")).subscribe(
            "subscription { events(after: \"ev_0_0\", filter: { subjectTypes: [\"Account\"] }) { kind } }", json!({})).await;
        world.clock.advance(Duration::from_mins(5));
        ended(old).await;
        crew::create(&world.admin().await, Kind::Account, json!({ "name": "Later" })).await;
        assert_eq!(new.next().await["data"]["events"]["kind"], "account.created", "the new secret's goes on");
    }

    async fn what_a_key_may_not_reach_from_there_any_more_ends(world: World) {
        let admin = world.admin().await;
        let made = key_with(&world, &admin, "integration", json!({ "allowedNetworks": ["127.0.0.1"] })).await;
        let open = follow(&made.client).await;
        change(&admin, json!({ "id": made.id, "allowedNetworks": ["203.0.113.0/24"] })).await.expect_ok();
        ended(open).await;
    }

    async fn another_role_holds_for_what_is_asked_over_an_open_socket(world: World) {
        let admin = world.admin().await;
        crew::create(&admin, Kind::Account, json!({ "name": "Acme" })).await;
        role(&world, "none", &[]).await;
        let made = key(&world, &admin, "integration").await;
        let mut socket = world.anonymous().websocket().await;
        socket.send(json!({ "type": "connection_init", "payload": { "Authorization": format!("Bearer {}", made.secret) } })).await;
        assert_eq!(socket.receive().await["type"], "connection_ack");
        for (id, expected) in [("before", 1), ("after", 0)] {
            socket.send(json!({ "id": id, "type": "subscribe", "payload": { "query": "{ accounts { totalCount } }" } })).await;
            assert_eq!(socket.receive().await["payload"]["data"]["accounts"]["totalCount"], expected, "{id}");
            assert_eq!(socket.receive().await["type"], "complete");
            change(&admin, json!({ "id": made.id, "roleId": role_id(&admin, "none").await })).await.expect_ok();
        }
    }
}
