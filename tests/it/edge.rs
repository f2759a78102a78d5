//! What the server does with requests that are odd, wrong, huge or hostile, and that it goes on answering.

use std::time::Duration;

use reqwest::{Method, StatusCode, header};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};
use serde_json::{Value, json};
use tandem::http::{Settings, settings::Rate};

use crate::{
    crew,
    support::{
        client::{Answer, Client},
        database::Engine,
        world::{ADMIN, World},
    },
};

const NEW: &str = "application/graphql-response+json";
const OLD: &str = "application/json";

/// The server is there and well.
async fn still_answers(client: &Client) {
    let answer = client.query("{ __typename }").await;
    assert_eq!(answer.expect_ok().data("__typename"), "Query");
}

async fn ask(client: &Client, accept: Option<&str>, body: &Value) -> Answer {
    let request = client.request(Method::POST, "/graphql").json(body);
    client.send(accept.into_iter().fold(request, |request, accept| request.header(header::ACCEPT, accept))).await
}

/// A lock of the database, behind which no account can be written until it is released.
struct Lock(DatabaseConnection);

impl Lock {
    #[expect(clippy::disallowed_methods, reason = "a connection that ends with the lock")]
    async fn take(world: &World) -> Self {
        let mut options = ConnectOptions::new(&world.database_url);
        options.max_connections(1).sqlx_logging(false);
        let connection = Database::connect(options).await.expect("the database answers");
        let sql = match world.engine {
            Engine::Sqlite => "BEGIN IMMEDIATE",
            Engine::Postgres => "BEGIN; LOCK TABLE account IN ACCESS EXCLUSIVE MODE",
        };
        connection.execute_unprepared(sql).await.expect("the lock is free");
        Self(connection)
    }

    async fn release(self) {
        self.0.execute_unprepared("ROLLBACK").await.expect("the lock was held");
        self.0.close().await.expect("the connection closes");
    }
}

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status.as_u16(), answer.error_code()), (status, Some(code)), "{answer}");
    assert!(answer.body.get("data").is_none(), "a refused request has no data: {answer}");
    assert!(answer.headers.contains_key("x-request-id"));
}

on_both_engines! {
    async fn what_a_client_accepts_decides_the_type_and_the_status(world: World) {
        let client = world.anonymous();
        let (good, broken) = (json!({ "query": "{ __typename }" }), json!({ "query": "{" }));
        for (accept, media, status) in [
            (Some(NEW), NEW, 400),
            (Some(OLD), OLD, 200),
            (Some("*/*"), OLD, 200),
            (None, OLD, 200),
            (Some("application/graphql-response+json, application/json;q=0.9"), NEW, 400),
        ] {
            let answer = ask(&client, accept, &good).await;
            let kind = answer.headers[header::CONTENT_TYPE].to_str().unwrap().to_owned();
            assert!(kind.starts_with(media), "{accept:?} gets {kind}");
            assert_eq!(answer.expect_ok().data("__typename"), "Query");
            refused(&ask(&client, accept, &broken).await, status, "GRAPHQL_PARSE_FAILED");
            let unknown = json!({ "query": "{ secretField }" });
            refused(&ask(&client, accept, &unknown).await, status, "GRAPHQL_VALIDATION_FAILED");
        }
        refused(&ask(&client, Some("text/html"), &good).await, 406, "NOT_ACCEPTABLE");
    }

    async fn only_json_in_utf_8_is_a_body(world: World) {
        let client = world.anonymous();
        let body = r#"{"query":"{ __typename }"}"#;
        for kind in ["text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded",
                     "application/graphql", "application/json; charset=latin1"] {
            refused(&client.post(kind, body).await, 415, "UNSUPPORTED_MEDIA_TYPE");
        }
        let bare = client.request(Method::POST, "/graphql").body(body);
        refused(&client.send(bare).await, 415, "UNSUPPORTED_MEDIA_TYPE");
        let packed = client.request(Method::POST, "/graphql").header(header::CONTENT_ENCODING, "gzip").json(&json!({}));
        refused(&client.send(packed).await, 415, "UNSUPPORTED_MEDIA_TYPE");
        assert_eq!(client.post("application/json; charset=utf-8", body).await.expect_ok().data("__typename"), "Query");
    }

    async fn a_get_may_read_and_nothing_else(world: World) {
        let client = world.anonymous();
        let get = async |query: &str| {
            let query = query.replace(' ', "%20").replace('{', "%7B").replace('}', "%7D");
            client.send(client.request(Method::GET, &format!("/graphql?query={query}"))).await
        };
        assert_eq!(get("{ __typename }").await.expect_ok().data("__typename"), "Query");
        let answer = get("mutation { signOut { signedOut } }").await;
        refused(&answer, 405, "METHOD_NOT_ALLOWED");
        assert!(answer.headers[header::ALLOW].to_str().unwrap().contains("POST"));
        for method in [Method::PUT, Method::DELETE, Method::PATCH] {
            let answer = client.send(client.request(method, "/graphql")).await;
            refused(&answer, 405, "METHOD_NOT_ALLOWED");
            assert_eq!(answer.headers[header::ALLOW], "GET, POST");
        }
        refused(&client.send(client.request(Method::GET, "/nowhere")).await, 404, "NOT_FOUND");
    }

    async fn what_is_no_request_is_refused_and_harms_nothing(world: World) {
        let client = world.anonymous();
        for body in [
            &br#"[{"query":"{ __typename }"},{"query":"{ __typename }"}]"#[..],
            b"", b"null", b"7", b"{", b"{}", br#"{"query": 7}"#, br#"{"query": "{ __typename }", "variables": []}"#,
            b"{\"query\": \"{ __typename }\xff\xfe\"}", b"\xff\xfe\xfd", b"\0\0\0\0",
        ] {
            refused(&client.post(OLD, body.to_vec()).await, 400, "BAD_REQUEST");
        }
        let subscription = client.query("subscription { events { cursor } }").await;
        refused(&subscription, 400, "BAD_REQUEST");
        assert_eq!(subscription.error_reason(), Some("SUBSCRIPTION_NEEDS_STREAM"));
        still_answers(&client).await;
    }

    async fn a_body_that_is_too_large_is_told_so_as_json(world: World) {
        let client = world.anonymous();
        for megabytes in [6, 10] {
            let filler = "x".repeat(megabytes * 1024 * 1024);
            let answer = client.post(OLD, json!({ "query": "{ __typename }", "variables": { "v": filler } }).to_string()).await;
            refused(&answer, 413, "PAYLOAD_TOO_LARGE");
            assert_eq!(answer.body["errors"][0]["extensions"]["limit"], 5 * 1024 * 1024);
        }
        let commas = format!(r#"{{"query":"{{ __typename }}","variables":{{"v":[{}0]}}}}"#, "0,".repeat(1_000_000));
        refused(&client.post(OLD, commas).await, 413, "PAYLOAD_TOO_LARGE");
        still_answers(&client).await;
    }

    async fn no_document_is_too_wicked_to_be_refused(world: World) {
        let client = world.anonymous();
        let bomb = |levels: usize| -> String {
            let doubling = |n: usize| format!("fragment F{n} on Account {{ ...F{} ...F{} }}", n + 1, n + 1);
            let doubling: Vec<String> = (0..levels).map(doubling).collect();
            let doubling = doubling.join(" ");
            format!("{{ accounts {{ nodes {{ ...F0 }} }} }} {doubling} fragment F{levels} on Account {{ id }}")
        };
        let cycle = "{ accounts { nodes { ...A } } } fragment A on Account { ...B } fragment B on Account { ...A }";
        let aliases = |many: usize| (0..many).map(|n| format!("a{n}:__typename")).collect::<Vec<_>>().join(" ");
        let (aliases, some_aliases) = (aliases(1_000_000), aliases(9_000));
        let nested = |open: &str, shut: &str, times: usize| {
            format!("{{ accounts(filter: {}{}) {{ totalCount }} }}", open.repeat(times), shut.repeat(times))
        };
        for (document, status, codes) in [
            (nested("[", "]", 50_000), 400, &["QUERY_TOO_COMPLEX", "QUERY_TOO_LARGE"][..]),
            (nested("{not:", "}", 2_000), 400, &["QUERY_TOO_COMPLEX"]),
            ("[".repeat(100_000), 400, &["QUERY_TOO_COMPLEX"]),
            ("{a".repeat(33_000), 400, &["QUERY_TOO_COMPLEX"]),
            ("\"".repeat(90_000), 400, &["QUERY_TOO_LARGE", "GRAPHQL_PARSE_FAILED"]),
            (bomb(25), 400, &["QUERY_TOO_COMPLEX"]),
            (bomb(60), 400, &["QUERY_TOO_COMPLEX", "GRAPHQL_VALIDATION_FAILED"]),
            (bomb(500), 400, &["QUERY_TOO_COMPLEX", "GRAPHQL_VALIDATION_FAILED"]),
            (cycle.to_owned(), 400, &["GRAPHQL_VALIDATION_FAILED"]),
            (format!("{{ {aliases} }}"), 413, &["PAYLOAD_TOO_LARGE"]),
            (format!("{{ {some_aliases} }}"), 400, &["QUERY_TOO_LARGE"]),
            ("{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }".to_owned(), 400, &["QUERY_TOO_COMPLEX"]),
        ] {
            let answer = client.query(&document).await;
            let code = answer.error_code().unwrap_or_default();
            let start = &document[..document.len().min(60)];
            assert!(codes.contains(&code), "{start} … gets {code} and not one of {codes:?}: {answer}");
            assert_eq!(answer.status.as_u16(), status, "{start} …");
            assert!(answer.body.to_string().len() < 20_000, "an attack is not echoed: {start} …");
            still_answers(&client).await;
        }
    }

    async fn mistakes_of_a_developer_are_named(world: World) {
        let client = world.seller().await;
        let answer = client.query("{ accounts { nodes { nmae } } }").await;
        refused(&answer, 400, "GRAPHQL_VALIDATION_FAILED");
        assert!(!answer.body.to_string().contains("Did you mean"), "suggestions tell of what is hidden: {answer}");
        let two = "query A { __typename } query B { __typename }";
        let named = |name: Option<&str>| json!({ "query": two, "operationName": name });
        refused(&ask(&client, Some(NEW), &named(Some("C"))).await, 400, "OPERATION_RESOLUTION_FAILURE");
        refused(&ask(&client, Some(NEW), &named(None)).await, 400, "OPERATION_RESOLUTION_FAILURE");
        ask(&client, Some(NEW), &named(Some("B"))).await.expect_ok();
        let document = "query($first: Int!) { accounts(first: $first) { totalCount } }";
        for variables in [json!({}), json!({ "first": "ten" }), json!({ "first": null }), json!({ "first": 1.5 })] {
            refused(&client.query_with(document, variables).await, 400, "BAD_USER_INPUT");
        }
        client.query_with(document, json!({ "first": 200 })).await.expect_ok();
        for document in [
            "{ accounts(first: 201) { totalCount } }", "{ accounts(first: -1) { totalCount } }",
            "{ accounts(first: 1, last: 1) { totalCount } }", "{ accounts { nodes { contacts(first: 51) { totalCount } } } }",
        ] {
            refused(&client.query(document).await, 400, "BAD_USER_INPUT");
        }
    }

    async fn a_query_that_costs_too_much_hears_what_is_dear(world: World) {
        let client = world.seller().await;
        let answer = client.query(
            "{ accounts(first: 200) { nodes { id contacts(first: 50) { nodes { id leads(first: 50) { nodes { id } } } } } } }",
        ).await;
        refused(&answer, 400, "QUERY_TOO_COMPLEX");
        let told = &answer.body["errors"][0]["extensions"];
        assert_eq!(told["limit"], 50_000);
        // 200 accounts, 50 contacts each, 50 leads each of those.
        assert!(told["figure"].as_u64().unwrap() >= 200 * 50 * 50, "{told}");
        assert_eq!(told["dearest"][0], json!({ "path": "accounts.nodes.contacts.nodes.leads.nodes", "cost": 200 * 50 * 50 }));
        let message = answer.body["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains("accounts.nodes.contacts.nodes.leads.nodes (500000)"), "{message}");
    }

    async fn every_answer_tells_what_it_cost(world: World) {
        let client = world.seller().await;
        let answer = client.query("{ accounts(first: 10) { nodes { id owner { id } } } }").await.expect_ok();
        let cost = &answer.body["extensions"]["cost"];
        let (requested, actual) = (cost["requested"].as_u64().unwrap(), cost["actual"].as_u64().unwrap());
        assert!((20..=25).contains(&requested), "ten accounts and their owners: {cost}");
        assert!(actual <= requested, "nobody has any accounts yet: {cost}");
        let throttle = &cost["throttle"];
        assert!(throttle["available"].as_u64().unwrap() <= throttle["maximum"].as_u64().unwrap(), "{throttle}");
        assert_eq!(answer.headers[header::CACHE_CONTROL], "private, no-store");
    }

    async fn who_has_spent_their_allowance_waits_and_others_do_not(world: World) {
        let rate = Rate { maximum: 50, restore: 10 };
        let (client, running) = crew::second_server(&world, Settings { rate, ..crew::generous() }).await;
        let seller = crew::try_sign_in(&client, "sam@tandem.test", crate::support::world::PASSWORD).await.expect_ok();
        let seller = client.clone().with_token(crew::text(&seller, "signIn.accessToken"));
        let document = "{ accounts(first: 40) { nodes { id } } }";
        seller.query(document).await.expect_ok();
        let answer = seller.query(document).await;
        refused(&answer, 429, "RATE_LIMITED");
        let wait: u64 = answer.headers[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
        assert!((1..=5).contains(&wait), "50 at 10 a second are back in five: {wait}");
        still_answers(&client).await;
        world.clock.advance(Duration::from_secs(wait));
        seller.query(document).await.expect_ok();
        running.stop().await.unwrap();
    }

    async fn what_takes_too_long_is_ended_with_a_timeout(world: World) {
        let settings = Settings { deadline: Duration::from_millis(200), ..crew::generous() };
        let (client, running) = crew::second_server(&world, settings).await;
        let admin = client.with_token(crew::token(&world, ADMIN.email).await);
        let lock = Lock::take(&world).await;
        let answer = admin.query("mutation { accountCreate(input: { name: \"Late\" }) { userErrors { code } } }").await;
        refused(&answer, 503, "TIMEOUT");
        lock.release().await;
        running.stop().await.unwrap();
        still_answers(&world.anonymous()).await;
    }
}

on_both_engines! {
    async fn a_fault_of_ours_tells_the_request_id_and_nothing_else(world: World) {
        let client = world.admin().await;
        crew::behind_the_back(&world, "ALTER TABLE story RENAME TO story_hidden").await;
        let body = json!({ "query": "{ stories { totalCount } }" });
        let answer = client.send(client.request(Method::POST, "/graphql").header("x-request-id", "trace-17").json(&body)).await;
        assert_eq!(answer.headers["x-request-id"], "trace-17");
        assert_eq!(answer.error_code(), Some("INTERNAL_SERVER_ERROR"));
        assert_eq!(answer.body["errors"][0]["extensions"]["requestId"], "trace-17");
        let text = answer.body["errors"].to_string().to_lowercase();
        for inside in ["table", "sql", "relation", "select", "no such", "does not exist"] {
            assert!(!text.contains(inside), "{inside} in {text}");
        }
        let odd = client.request(Method::POST, "/graphql").header("x-request-id", "no good id").json(&body);
        assert_eq!(client.send(odd).await.headers["x-request-id"].len(), 32, "a strange id is replaced");
        crew::behind_the_back(&world, "ALTER TABLE story_hidden RENAME TO story").await;
        client.query("{ stories { totalCount } }").await.expect_ok();
    }

    async fn only_pages_of_listed_origins_may_call(world: World) {
        let settings = Settings { allowed_origins: vec!["https://app.example".to_owned()], ..crew::generous() };
        let (client, running) = crew::second_server(&world, settings).await;
        let preflight = async |client: &Client, origin: &str| {
            let request = client.request(Method::OPTIONS, "/graphql").header("origin", origin);
            let request = request.header("access-control-request-method", "POST");
            let answer = client.send(request.header("access-control-request-headers", "authorization,content-type")).await;
            answer.headers.get("access-control-allow-origin").map(|origin| origin.to_str().unwrap().to_owned())
        };
        assert_eq!(preflight(&client, "https://app.example").await.as_deref(), Some("https://app.example"));
        assert_eq!(preflight(&client, "https://evil.example").await, None);
        assert_eq!(preflight(&world.anonymous(), "https://app.example").await, None, "none by default");
        running.stop().await.unwrap();
    }

    async fn health_and_figures_tell_nothing_of_people_or_questions(world: World) {
        let client = world.seller().await;
        client.query("query Secretive { accounts(search: \"classified\") { totalCount } }").await.expect_ok();
        for (path, status) in [("/health/live", "live"), ("/health/ready", "ready")] {
            let answer = world.anonymous().send(world.anonymous().request(Method::GET, path)).await;
            assert_eq!((answer.status, &answer.body), (StatusCode::OK, &json!({ "status": status })));
        }
        let answer = world.anonymous().send(world.anonymous().request(Method::GET, "/metrics")).await;
        assert_eq!(answer.status, StatusCode::OK);
        let text = answer.body.as_str().expect("figures are text");
        assert!(text.contains("tandem_requests_total"), "{text}");
        for hidden in ["Secretive", "classified", "sam@tandem", "user_", "127.0.0.1", "accounts"] {
            assert!(!text.contains(hidden), "{hidden} stands in the figures");
        }
    }

    async fn the_page_comes_from_the_binary_and_calls_nobody_else(world: World) {
        let client = world.anonymous();
        let page = client.send(client.request(Method::GET, "/")).await;
        assert_eq!(page.status, StatusCode::OK);
        let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        for rule in ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"] {
            assert!(policy.contains(rule), "{rule} is not in {policy}");
        }
        let html = page.body.as_str().expect("a page is text");
        for attribute in ["src=\"", "href=\""] {
            for (at, _) in html.match_indices(attribute) {
                let target = html[at + attribute.len()..].split('"').next().unwrap();
                assert!(!target.contains("//"), "the page fetches {target}");
                if !target.starts_with("data:") {
                    let file = client.send(client.request(Method::GET, &format!("/{}", target.trim_start_matches(['.', '/'])))).await;
                    assert_eq!(file.status, StatusCode::OK, "{target}");
                }
            }
        }
    }
}
