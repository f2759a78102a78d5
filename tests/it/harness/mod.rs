//! The harness, tried on a small server of its own, so that a red test speaks of Tandem.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{
    client::Answer,
    database::Engine,
    world::{self, World},
};

pub mod server;

on_both_engines! {
    async fn a_world_has_a_migrated_database_of_its_own(world: World) {
        let seen = world.anonymous().query("{ engine migrations }").await.expect_ok();
        let engine = if world.engine == Engine::Sqlite { "sqlite" } else { "postgres" };
        assert_eq!(seen.data("engine"), engine);
        assert!(world.database_url.starts_with(engine));
        assert!(seen.data("migrations").as_u64() >= Some(10));
    }

    async fn what_one_world_writes_another_does_not_see(world: World) {
        // The twin runs beside this one and would find the name taken.
        write_once(&world).await;
    }

    async fn and_its_twin_does_not_either(world: World) {
        write_once(&world).await;
    }

    async fn statements_are_counted(world: World) {
        let client = world.anonymous();
        assert_eq!(world.statements(|| client.query("{ engine }")).await, 0);
        assert_eq!(world.statements(|| client.query("{ a: migrations b: migrations }")).await, 2);
    }

    async fn the_clock_stands_still_until_it_is_moved(world: World) {
        let client = world.anonymous();
        assert_eq!(client.query("{ now }").await.data("now"), "2026-03-02T09:00:00.000Z");
        world.clock.advance(std::time::Duration::from_secs(90));
        assert_eq!(client.query("{ now }").await.data("now"), "2026-03-02T09:01:30.000Z");
    }

    async fn people_sign_in_and_are_themselves(world: World) {
        for (client, person) in
            [(world.admin().await, world::ADMIN), (world.seller().await, world::SELLER), (world.marketer().await, world::MARKETER)]
        {
            assert_eq!(client.query("{ viewer { email } }").await.data("viewer.email"), person.email);
        }
        assert_eq!(world.anonymous().query("{ viewer { email } }").await.error_code(), Some("UNAUTHENTICATED"));
    }

    async fn malformed_bodies_and_other_paths_can_be_asked_for(world: World) {
        let client = world.anonymous();
        let answer = client.post("application/json", "{ not json").await;
        assert_eq!((answer.status, answer.error_code()), (StatusCode::BAD_REQUEST, Some("BAD_REQUEST")));
        assert_eq!(answer.headers["content-type"], "application/json");
        let nowhere = client.send(client.request(Method::GET, "/nowhere")).await;
        assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
    }

    async fn a_subscription_over_websocket_brings_results_and_ends(world: World) {
        let client = world.seller().await;
        let mut subscription = client.subscribe("subscription ($n: Int!) { count(to: $n) }", json!({ "n": 2 })).await;
        assert_eq!(subscription.next().await["data"]["count"], 1);
        assert_eq!(subscription.next().await["data"]["count"], 2);
        subscription.completed().await;
    }

    async fn a_subscription_says_whose_it_is(world: World) {
        let whose = "subscription { whose }";
        let mut subscription = world.seller().await.subscribe(whose, json!({})).await;
        assert_eq!(subscription.next().await["data"]["whose"], world::SELLER.email);
        let refused = world.anonymous().subscribe(whose, json!({})).await.next().await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    }

    async fn a_refused_subscription_says_why(world: World) {
        // Tandem answers with a message of the type `error`, the library's own handler with a result.
        let refusal = world.seller().await.subscribe("subscription { no", json!({})).await.message().await;
        assert!(refusal["payload"]["errors"][0]["message"].is_string());
    }

    async fn a_subscription_that_misbehaves_is_closed(world: World) {
        let mut socket = world.seller().await.subscribe("subscription { count }", json!({})).await.into_socket();
        assert_eq!(socket.receive().await["type"], "next");
        assert_eq!(socket.receive().await["type"], "complete");
        socket.send(json!({ "type": "connection_init" })).await;
        assert_eq!(socket.closed().await.0, 4429);
    }

    async fn a_websocket_speaks_message_by_message_and_shows_its_close_code(world: World) {
        let mut socket = world.anonymous().websocket().await;
        socket.send(json!({ "type": "ping" })).await;
        assert_eq!(socket.receive().await["type"], "pong");
        socket.send_text("not a message".to_owned()).await;
        assert_eq!(socket.closed().await.0, 1002);
    }

    async fn a_subscription_over_an_event_stream_brings_results_and_ends(world: World) {
        let client = world.seller().await;
        let mut stream = client.stream("subscription { count(to: 2) whose: __typename }", json!({})).await;
        assert!(stream.next().await["errors"].is_array());
        stream.completed().await;
        let mut stream = client.stream("subscription { count(to: 2) }", json!({})).await;
        assert_eq!(stream.next().await["data"]["count"], 1);
        assert_eq!(stream.next().await["data"]["count"], 2);
        stream.completed().await;
    }
}

async fn write_once(world: &World) {
    let client = world.anonymous();
    let create = "mutation { accountCreate(domain: \"acme.test\") { userErrors { code field } } }";
    let created = client.query(create).await.expect_ok();
    assert_eq!(created.user_errors("accountCreate"), Vec::<String>::new());
    let again = client.query(create).await;
    assert_eq!(again.user_errors("accountCreate"), ["TAKEN by.domain"]);
    assert!(std::panic::catch_unwind(|| again.expect_ok()).is_err(), "user errors are not ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_that_fails_is_told_and_leaves_no_database() {
    let (tell, told) = std::sync::mpsc::channel();
    let failing = World::run(Engine::Sqlite, |world| async move {
        let file = world.database_url.trim_start_matches("sqlite://").trim_end_matches("?mode=rwc").to_owned();
        assert!(std::path::Path::new(&file).exists());
        tell.send(file).expect("the test listens");
        panic!("as it should");
    });
    let outcome = AssertUnwindSafe(failing).catch_unwind().await;
    assert_eq!(outcome.expect_err("the panic goes on").downcast_ref(), Some(&"as it should"));
    let file = told.recv().expect("the world was there");
    assert!(!std::path::Path::new(&file).exists(), "{file} stays");
}

#[test]
fn an_answer_is_read_by_path() {
    let body = json!({ "data": { "accounts": { "nodes": [{ "name": "Acme" }] } } });
    let answer = Answer { status: StatusCode::OK, headers: reqwest::header::HeaderMap::new(), body };
    assert_eq!(answer.data("accounts.nodes.0.name"), "Acme");
    assert_eq!(answer.error_code(), None);
    assert!(std::panic::catch_unwind(|| answer.data("accounts.nodes.1.name").clone()).is_err());
}
