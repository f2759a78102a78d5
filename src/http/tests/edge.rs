//! What stands around the operations: ids, origins, addresses, health, figures, the page, the end.

use std::sync::atomic::Ordering;

use serde_json::json;

use super::{Answer, World};

#[tokio::test]
async fn a_request_keeps_its_id_and_what_is_known_of_it_reaches_the_house() {
    let world = World::with(|settings| settings.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()]).await;
    let body = json!({"query": "{ hello }"}).to_string();
    let headers = [
        ("x-request-id", "trace-17"),
        ("x-forwarded-for", "6.6.6.6, 198.51.100.7"),
        ("idempotency-key", "once"),
        ("user-agent", "walker"),
    ];
    let answer = Answer::of(world.post(body.clone(), &headers).await).await;
    assert_eq!(answer.header("x-request-id"), "trace-17");
    let about = world.toy.memory.about.lock().unwrap().clone().unwrap();
    assert_eq!((about.request_id.as_str(), about.address.to_string().as_str()), ("trace-17", "198.51.100.7"));
    assert_eq!((about.idempotency_key.as_deref(), about.user_agent.as_deref()), (Some("once"), Some("walker")));
    let answer = Answer::of(world.post(body, &[("x-request-id", "no good")]).await).await;
    assert_eq!(answer.header("x-request-id").len(), 32);
    let body = json!({"query": "mutation { bump { value } }"}).to_string();
    let answer = Answer::of(world.post(body, &[("idempotency-key", &"x".repeat(256))]).await).await;
    assert_eq!((answer.status, answer.code()), (400, "BAD_REQUEST"));
    assert_eq!(world.toy.memory.bumps.load(Ordering::SeqCst), 0);
    let nowhere = Answer::of(world.client.get(world.url("/nowhere")).send().await.unwrap()).await;
    assert_eq!((nowhere.status, nowhere.code()), (404, "NOT_FOUND"));
    assert!(!nowhere.header("x-request-id").is_empty());
}

#[tokio::test]
async fn only_listed_origins_may_call() {
    let preflight = async |world: &World, origin: &str| {
        let request = world.client.request(reqwest::Method::OPTIONS, world.url("/graphql"));
        let request = request.header("origin", origin).header("access-control-request-method", "POST");
        let request = request.header("access-control-request-headers", "authorization,content-type");
        let response = request.send().await.unwrap();
        response.headers().get("access-control-allow-origin").map(|value| value.to_str().unwrap().to_owned())
    };
    let world = World::with(|settings| settings.allowed_origins = vec!["https://app.example".to_owned()]).await;
    assert_eq!(preflight(&world, "https://app.example").await.as_deref(), Some("https://app.example"));
    assert_eq!(preflight(&world, "https://evil.example").await, None);
    assert_eq!(preflight(&World::new().await, "https://app.example").await, None, "none by default");
}

#[tokio::test]
async fn health_tells_life_from_readiness() {
    let world = World::new().await;
    let status = async |path: &str| world.client.get(world.url(path)).send().await.unwrap().status().as_u16();
    assert_eq!((status("/health/live").await, status("/health/ready").await), (200, 200));
    world.toy.memory.unready.store(true, Ordering::SeqCst);
    assert_eq!((status("/health/live").await, status("/health/ready").await), (200, 503));
}

#[tokio::test]
async fn figures_tell_outcomes_but_neither_users_nor_text() {
    let world = World::new().await;
    world.ask("query Secretive { hello(name: \"classified\") }", json!({})).await;
    world.ask("{ unheardOf }", json!({})).await;
    let text = world.figures().await;
    for expected in [
        "tandem_requests_total{transport=\"post\",operation=\"query\",outcome=\"OK\"}",
        "tandem_requests_total{transport=\"post\",operation=\"none\",outcome=\"GRAPHQL_VALIDATION_FAILED\"}",
        "tandem_request_duration_seconds_bucket{transport=\"post\",operation=\"query\",le=\"0.001\"}",
        "tandem_operation_cost_bucket{operation=\"query\",le=\"10\"}",
        "tandem_requests_in_flight",
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    for hidden in ["Secretive", "classified", "unheardOf", "127.0.0.1", "anonymous"] {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
    let closed = World::with(|settings| settings.metrics = false).await;
    assert_eq!(closed.client.get(closed.url("/metrics")).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn graphiql_is_served_whole_and_under_a_strict_policy() {
    let world = World::new().await;
    let page = world.client.get(world.url("/")).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("script-src 'self';") && !policy.contains("unsafe"), "{policy}");
    let html = page.text().await.unwrap();
    let files: Vec<_> = html.split('"').filter(|part| part.starts_with("/graphiql/")).collect();
    assert_eq!(files.len(), 2);
    assert!(!html.contains("http://") && !html.contains("https://"), "nothing comes from elsewhere");
    for file in files {
        let response = world.client.get(world.url(file)).header("accept-encoding", "gzip").send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-encoding"]),
            (200, &"gzip".parse().unwrap())
        );
        let tag = response.headers()["etag"].clone();
        let again = world.client.get(world.url(file)).header("if-none-match", tag).send().await.unwrap();
        assert_eq!(again.status(), 304);
    }
    for path in ["/graphiql/build.mjs", "/graphiql/..%2fhost.rs"] {
        assert_eq!(world.client.get(world.url(path)).send().await.unwrap().status(), 404, "{path}");
    }
    let closed = World::with(|settings| settings.graphiql = false).await;
    assert_eq!(closed.client.get(closed.url("/")).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn long_answers_are_compressed_and_short_ones_are_not() {
    let world = World::new().await;
    let encoding = async |query: &str| {
        let body = json!({"query": query}).to_string();
        let response = world.post(body, &[("accept-encoding", "gzip")]).await;
        response.headers().get("content-encoding").map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(encoding("{ hello }").await, None);
    assert_eq!(encoding("{ __schema { types { name description } } }").await.as_deref(), Some("gzip"));
}

#[tokio::test]
async fn the_end_lets_running_requests_finish() {
    let world = World::new().await;
    let url = world.url("/graphql");
    let body = json!({"query": "{ sleep(milliseconds: 700) }"}).to_string();
    let request = world.client.post(&url).header("content-type", "application/json").body(body).send();
    let running = tokio::spawn(request);
    // Whose caller was asked for is being run.
    while world.toy.memory.about.lock().unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    world.stop().await;
    let answer = Answer::of(running.await.unwrap().unwrap()).await;
    assert_eq!(answer.json["data"]["sleep"], true);
    assert!(reqwest::get(url).await.is_err(), "no new connections");
}
