//! `/graphql`: what is answered, what is refused, and how.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{Answer, NEW, World};
use crate::http::settings::Rate;

#[tokio::test]
async fn a_query_is_answered_with_its_cost() {
    let world = World::new().await;
    let answer = world.ask("query($n: Int) { accounts(first: $n) { nodes { name } } }", json!({"n": 2})).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/graphql-response+json; charset=utf-8");
    assert_eq!(answer.json["data"]["accounts"]["nodes"][1]["name"], "Account \"1\"");
    assert_eq!(
        answer.json["extensions"]["cost"],
        json!({"requested": 3, "actual": 2,
            "throttle": {"maximum": 100_000, "available": 99_997, "restoreRate": 5_000}})
    );
    let ready = world.ask("{ readyMade }", json!({})).await;
    assert_eq!(ready.json["data"]["readyMade"], json!([{"id": "acct_1", "tags": ["a", "b"]}]));
}

#[tokio::test]
async fn the_media_type_decides_over_the_status_of_a_refusal() {
    let world = World::new().await;
    for (body, new, legacy, code) in [
        (json!({"query": "{"}), 400, 200, "GRAPHQL_PARSE_FAILED"),
        (json!({"query": "{ nope }"}), 400, 200, "GRAPHQL_VALIDATION_FAILED"),
        (
            json!({"query": "query($c: Color!) { paint(color: $c) }", "variables": {"c": "BLUE"}}),
            400,
            200,
            "BAD_USER_INPUT",
        ),
        (json!({"query": "query A { hello } query B { hello }"}), 400, 200, "OPERATION_RESOLUTION_FAILURE"),
        (json!({"query": "{ accounts(first: 201) { totalCount } }"}), 400, 200, "BAD_USER_INPUT"),
        (json!({"query": "{ account(by: {id: 1, domain: \"x\"}) { id } }"}), 400, 200, "GRAPHQL_VALIDATION_FAILED"),
        (json!({"query": "{ hello }", "variables": [1]}), 400, 400, "BAD_REQUEST"),
        (json!({"query": 7}), 400, 400, "BAD_REQUEST"),
        (json!({}), 400, 400, "BAD_REQUEST"),
        (json!([{"query": "{ hello }"}]), 400, 400, "BAD_REQUEST"),
        (json!({"query": "subscription { ticks(count: 1) }"}), 400, 400, "BAD_REQUEST"),
        (json!({"extensions": {"persistedQuery": {"version": 1}}}), 400, 200, "PERSISTED_QUERY_NOT_FOUND"),
    ] {
        for (accept, status) in [(NEW, new), ("application/json", legacy), ("*/*", legacy)] {
            let answer = Answer::of(world.post(body.to_string(), &[("accept", accept)]).await).await;
            assert_eq!((answer.status, answer.code()), (status, code), "{body} {accept}");
            assert!(answer.json.get("data").is_none(), "{body}");
        }
    }
    let answer = Answer::of(world.post("{}", &[("accept", "text/html")]).await).await;
    assert_eq!((answer.status, answer.code()), (406, "NOT_ACCEPTABLE"));
}

#[tokio::test]
async fn a_field_error_keeps_the_data_and_has_its_code() {
    let world = World::new().await;
    let answer = world.ask("{ hello forbidden broken }", json!({})).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json["data"], json!({"hello": "Hello ", "forbidden": null, "broken": null}));
    let mut errors = answer.json["errors"].as_array().unwrap().clone();
    errors.sort_by_key(|error| error["path"].to_string());
    assert_eq!(errors[0]["extensions"]["code"], "INTERNAL_SERVER_ERROR");
    assert_eq!(errors[0]["extensions"]["requestId"], answer.header("x-request-id"));
    assert!(!errors[0].to_string().contains("secret_table"));
    assert_eq!(errors[1]["message"], "Not \"yours\".");
    assert_eq!(errors[1]["extensions"], json!({"code": "FORBIDDEN"}));
}

#[tokio::test]
async fn bodies_that_are_no_request_are_refused_as_json() {
    let world = World::new().await;
    for (body, content_type, status, code) in [
        (b"{ not json".to_vec(), "application/json", 400, "BAD_REQUEST"),
        (vec![], "application/json", 400, "BAD_REQUEST"),
        (b"{\"query\": \"{ hello(name: \\\"\xff\xfe\\\") }\"}".to_vec(), "application/json", 400, "BAD_REQUEST"),
        (b"{\"query\": \"\\ud800\"}".to_vec(), "application/json", 400, "BAD_REQUEST"),
        ([b"{\"variables\":".repeat(100_000), b"1".to_vec()].concat(), "application/json", 400, "BAD_REQUEST"),
        (b"{}".to_vec(), "multipart/form-data; boundary=x", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b"{}".to_vec(), "text/plain", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b"{}".to_vec(), "application/json; charset=latin1", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (vec![b' '; 10 * 1024 * 1024], "application/json", 413, "PAYLOAD_TOO_LARGE"),
        (
            format!("{{\"variables\":{{\"a\":[{}1]}}}}", "1,".repeat(1_000_000)).into_bytes(),
            "application/json",
            413,
            "PAYLOAD_TOO_LARGE",
        ),
    ] {
        let start = String::from_utf8_lossy(&body).chars().take(40).collect::<String>();
        for accept in [NEW, "application/json"] {
            let answer =
                Answer::of(world.post(body.clone(), &[("content-type", content_type), ("accept", accept)]).await);
            let answer = answer.await;
            assert_eq!((answer.status, answer.code()), (status, code), "{start} {content_type}");
        }
    }
}

#[tokio::test]
async fn documents_that_are_too_much_are_refused_quickly() {
    let world = World::new().await;
    let aliases = (0..1_000_000).map(|n| format!("a{n}:hello")).collect::<Vec<_>>().join(" ");
    let spread = (0..40)
        .map(|n| format!("fragment F{n} on Account {{ ...F{0} a: owner {{ id }} ...F{0} }} ", n + 1))
        .collect::<Vec<_>>()
        .join(" ");
    for (query, code) in [
        (format!("{{{}}}", &aliases[..2_000_000]), "QUERY_TOO_LARGE"),
        (format!("{{ {}}}", "hello ".repeat(10_001)), "QUERY_TOO_LARGE"),
        (format!("{{ hello(name: {}", "[".repeat(50_000)), "QUERY_TOO_COMPLEX"),
        (format!("{{ accounts(filter: {}) {{ totalCount }} }}", "{a:".repeat(20_000)), "QUERY_TOO_COMPLEX"),
        (format!("{{ account(by: {{id: 1}}) {{ ...F0 }} }} {spread} fragment F40 on Account {{ id }}"), "QUERY_TOO_COMPLEX"),
        ("{ accounts(first: 200) { nodes { contacts(first: 50) { nodes { account { contacts(first: 50) { nodes { id } } } } } } } }".to_owned(), "QUERY_TOO_COMPLEX"),
    ] {
        let start: String = query.chars().take(50).collect();
        let since = std::time::Instant::now();
        let answer = world.ask(&query, json!({})).await;
        assert_eq!((answer.status, answer.code()), (400, code), "{start}");
        assert!(since.elapsed() < Duration::from_mins(1), "{start}: {:?}", since.elapsed());
    }
    assert_eq!(world.toy.memory.strict.load(Ordering::SeqCst), 0, "nothing reached the house");
    // As deep as it goes, it is executed, and the stack holds.
    let deep = format!("{{ account(by: {{id: 1}}) {}", "{ contacts { nodes { account ".repeat(20));
    let answer = world.ask(&format!("{deep} {{ id }} {}", "} } }".repeat(20) + "}"), json!({})).await;
    assert_eq!(answer.code(), "QUERY_TOO_COMPLEX");
    let deep = format!("{{ account(by: {{id: 1}}) {}", "{ contacts(first: 1) { nodes { account ".repeat(20));
    let answer = world.ask(&format!("{deep} {{ id }} {}", "} } }".repeat(20) + "}"), json!({})).await;
    assert_eq!((answer.status, answer.code()), (200, "none"));
}

#[tokio::test]
async fn get_runs_queries_and_nothing_else() {
    let world = World::new().await;
    let get = async |query: &str| {
        let url = reqwest::Url::parse_with_params(&world.url("/graphql"), serde_urlencoded(query)).unwrap();
        Answer::of(world.client.get(url).header("accept", NEW).send().await.unwrap()).await
    };
    let answer = get("query=query($n:String){hello(name:$n)}&variables={\"n\":\"é\"}").await;
    assert_eq!(answer.json["data"]["hello"], "Hello é");
    let answer = get("query=mutation{bump{value}}").await;
    assert_eq!((answer.status, answer.code(), answer.header("allow")), (405, "METHOD_NOT_ALLOWED", "GET, POST"));
    assert_eq!(world.toy.memory.bumps.load(Ordering::SeqCst), 0);
    for query in
        ["", "variables={}", "query={hello}&variables=[1]", "query={hello}&query={hello}", "query={hello}&variables=x"]
    {
        let answer = get(query).await;
        assert_eq!((answer.status, answer.code()), (400, "BAD_REQUEST"), "{query}");
    }
    let answer = Answer::of(world.client.put(world.url("/graphql")).send().await.unwrap()).await;
    assert_eq!((answer.status, answer.code()), (405, "METHOD_NOT_ALLOWED"));
}

fn serde_urlencoded(query: &str) -> Vec<(String, String)> {
    query.split('&').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

#[tokio::test]
async fn a_root_field_runs_once_however_often_it_is_selected() {
    let world = World::new().await;
    let answer = world
        .ask(
            "mutation { bump { value } ...M bump { account { id } } } fragment M on Mutation { bump { value } }",
            json!({}),
        )
        .await;
    assert_eq!(answer.json["data"], json!({"bump": {"value": 1, "account": null}}));
    assert_eq!(world.toy.memory.bumps.load(Ordering::SeqCst), 1);
    let text = "query($x: Boolean!) { me { id } me @include(if: $x) { email } }";
    let answer = world.ask(text, json!({"x": true})).await;
    assert_eq!(answer.json["data"], json!({"me": {"id": "user_1", "email": "u@example.com"}}));
    let answer = world.ask(text, json!({"x": false})).await;
    assert_eq!(answer.json["data"], json!({"me": {"id": "user_1"}}));
    assert_eq!(world.toy.memory.resolved.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn strict_validation_comes_at_first_sight_and_until_it_passes() {
    let world = World::new().await;
    let strict = || world.toy.memory.strict.load(Ordering::SeqCst);
    for _ in 0..3 {
        let answer = world.ask("{ account(by: {id: 1, domain: \"x\"}) { id } }", json!({})).await;
        assert_eq!(answer.code(), "GRAPHQL_VALIDATION_FAILED");
    }
    assert_eq!(strict(), 3);
    for _ in 0..3 {
        let answer = world.ask("query Q($x: Boolean!) { account(by: {id: 1}) { id ...F @skip(if: $x) } } fragment F on Account { name } query Unused($never: ID!) { node(id: $never) { id } }", json!({"x": true})).await;
        assert_eq!(answer.code(), "OPERATION_RESOLUTION_FAILURE");
        let body = json!({"operationName": "Q", "query": "query Q($x: Boolean!) { account(by: {id: 1}) { id ...F @skip(if: $x) } } fragment F on Account { name } query Unused($never: ID!) { node(id: $never) { id } }", "variables": {"x": true}});
        let answer = Answer::of(world.post(body.to_string(), &[]).await).await;
        assert_eq!(answer.json["data"], json!({"account": {"id": "acct_1"}}), "{:?}", answer.json);
    }
    assert_eq!(strict(), 4);
}

#[tokio::test]
async fn who_spends_too_much_waits() {
    let world = World::with(|settings| settings.rate = Rate { maximum: 100, restore: 10 }).await;
    let query = json!({"query": "{ accounts(first: 90) { nodes { id } } }"}).to_string();
    let asking = async |token: &str| Answer::of(world.post(query.clone(), &[("authorization", token)]).await).await;
    assert_eq!(asking("Bearer good-a").await.json["extensions"]["cost"]["throttle"]["available"], 9);
    let refused = asking("Bearer good-a").await;
    assert_eq!((refused.status, refused.code()), (429, "RATE_LIMITED"));
    // The first one of the second request was taken: 83 of 91 are missing, or a little less.
    assert_eq!(refused.header("retry-after"), "9", "{:?}", refused.json);
    assert_eq!(asking("Bearer good-b").await.status, 200, "another is not held up");
    world.clock.advance(Duration::from_secs(9));
    assert_eq!(asking("Bearer good-a").await.status, 200);
}

#[tokio::test]
async fn guessed_credentials_are_paid_for_by_their_address_and_hold_nobody_up() {
    let body = json!({"query": "{ hello }"}).to_string();
    for guess in ["bad", "strange"] {
        let world = World::with(|settings| settings.rate = Rate { maximum: 100, restore: 10 }).await;
        let asking = async |token: &str| {
            let token = format!("Bearer {token}");
            Answer::of(world.post(body.clone(), &[("authorization", &token), ("accept", NEW)]).await).await
        };
        for n in 0..10 {
            let answer = asking(&format!("{guess}-{n}")).await;
            assert_eq!((answer.status, answer.code()), (401, "UNAUTHENTICATED"));
        }
        let refused = asking(&format!("{guess}-10")).await;
        assert_eq!((refused.status, refused.code()), (429, "RATE_LIMITED"));
        assert!(refused.header("retry-after").parse::<u64>().is_ok());
        if guess == "strange" {
            assert_eq!(world.toy.memory.lookups.load(Ordering::SeqCst), 10, "nobody looked for the last one");
        }
        assert_eq!(asking("good-a").await.status, 200, "who is signed in is not held up");
        assert_eq!(world.ask("{ hello }", json!({})).await.status, 200, "nor who has no token");
        world.clock.advance(Duration::from_secs(2));
        assert_eq!(asking(guess).await.status, 401);
    }
}

#[tokio::test]
async fn a_bad_token_is_401_for_both_media_types() {
    let world = World::new().await;
    for accept in [NEW, "application/json"] {
        let body = json!({"query": "{ hello }"}).to_string();
        let answer = Answer::of(world.post(body, &[("authorization", "Bearer bad"), ("accept", accept)]).await).await;
        assert_eq!((answer.status, answer.code()), (401, "UNAUTHENTICATED"));
        assert_eq!(answer.json["errors"][0]["extensions"]["reason"], "TOKEN_INVALID");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    world.toy.memory.expires_at.store(super::START, Ordering::SeqCst);
    let answer = world.ask("{ hello }", json!({})).await;
    assert_eq!((answer.status, &answer.json["errors"][0]["extensions"]["reason"]), (401, &json!("TOKEN_EXPIRED")));
}

#[tokio::test]
async fn slow_work_times_out() {
    let world = World::with(|settings| settings.deadline = Duration::from_millis(50)).await;
    let answer = world.ask("{ sleep(milliseconds: 600000) }", json!({})).await;
    assert_eq!((answer.status, answer.code()), (503, "TIMEOUT"));
}

#[tokio::test]
async fn a_panic_is_only_an_error() {
    let world = World::new().await;
    let answer = world.ask("{ panics }", json!({})).await;
    assert_eq!((answer.status, answer.code()), (500, "INTERNAL_SERVER_ERROR"));
    let id: &Json = &answer.json["errors"][0]["extensions"]["requestId"];
    assert_eq!(id, answer.header("x-request-id"));
    let body = json!({"query": "{ hello }"}).to_string();
    let answer = Answer::of(world.post(body, &[("authorization", "Bearer panic")]).await).await;
    assert_eq!((answer.status, answer.code()), (500, "INTERNAL_SERVER_ERROR"));
    assert_eq!(world.ask("{ hello }", json!({})).await.status, 200, "the process lives");
}

#[tokio::test]
async fn the_introspection_of_tools_passes() {
    const QUERY: &str = include_str!("introspection.graphql");
    let world = World::new().await;
    let answer = world.ask(QUERY, json!({})).await;
    assert_eq!((answer.status, answer.code()), (200, "none"), "{:?}", answer.json["errors"]);
    let types = answer.json["data"]["__schema"]["types"].as_array().unwrap();
    let by = types.iter().find(|ty| ty["name"] == "AccountRef").unwrap();
    assert_eq!(by["isOneOf"], true);
}
