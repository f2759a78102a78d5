//! The two ways of following events, the close codes, and that nobody hears of what they may not see.

use std::time::Duration;

use entity::Kind;
use reqwest::Method;
use serde_json::{Value, json};
use tandem::http::Settings;

use crate::{
    crew,
    support::{
        client::Client,
        subscription::Socket,
        world::{OTHER_SELLER, SELLER},
    },
};

const EVENTS: &str = "subscription($after: String) { events(after: $after) {
    cursor kind changedFields actor { id } subject { __typename id ... on Account { name } } } }";

/// Events of which there are none. Where a subscription without a cursor begins, the server decides: of what was just
/// done before, PostgreSQL may tell only then.
const QUIET: &str = "subscription { events(filter: { subjectTypes: [\"Lead\"] }) { kind } }";

async fn init(socket: &mut Socket, token: Option<&str>) {
    let payload = token.map_or(json!({}), |token| json!({ "Authorization": format!("Bearer {token}") }));
    socket.send(json!({ "type": "connection_init", "payload": payload })).await;
    assert_eq!(socket.receive().await["type"], "connection_ack");
}

fn subscribe(id: &str, query: &str) -> Value {
    json!({ "id": id, "type": "subscribe", "payload": { "query": query } })
}

async fn user(admin: &Client, email: &str) -> String {
    let document = "query($email: String!) { users(filter: { email: { eq: $email } }) { nodes { id } } }";
    crew::text(&admin.query_with(document, json!({ "email": email })).await.expect_ok(), "users.nodes.0.id")
}

async fn account(admin: &Client, name: &str, owner: &str) -> String {
    crew::create(admin, Kind::Account, json!({ "name": name, "ownerId": owner })).await
}

async fn give(admin: &Client, account: &str, owner: &str) {
    let done = crew::mutate(admin, "Update", vec![(Kind::Account, json!({ "id": account, "ownerId": owner }))]).await;
    assert!(done[0].is_ok(), "{done:?}");
}

/// The place in the feed of the first event about a record.
async fn cursor_of(client: &Client, record: &str) -> String {
    let mut events = client.subscribe(EVENTS, json!({ "after": "ev_0_0" })).await;
    loop {
        let event = events.next().await["data"]["events"].take();
        if event["subject"]["id"] == record {
            return event["cursor"].as_str().expect("a cursor is text").to_owned();
        }
    }
}

on_both_engines! {
    async fn each_breach_of_the_protocol_has_its_close_code(world: World) {
        let token = crew::token(&world, SELLER.email).await;
        let open = async || world.anonymous().websocket().await;
        for nonsense in ["", "nonsense", "{}", "[]", r#"{"type":"frobnicate"}"#, r#"{"type":"subscribe","id":"1"}"#] {
            let mut socket = open().await;
            socket.send_text(nonsense.to_owned()).await;
            assert_eq!(socket.closed().await.0, 4400, "{nonsense:?}");
        }
        let mut socket = open().await;
        socket.send(subscribe("1", "{ __typename }")).await;
        assert_eq!(socket.closed().await.0, 4401, "nothing before connection_init");
        let mut socket = open().await;
        socket.send(json!({ "type": "connection_init", "payload": { "Authorization": "Bearer nonsense" } })).await;
        assert_eq!(socket.closed().await.0, 4403, "a bad token");
        let mut socket = open().await;
        init(&mut socket, Some(&token)).await;
        socket.send(json!({ "type": "connection_init" })).await;
        assert_eq!(socket.closed().await.0, 4429, "introduced twice");
        let mut socket = open().await;
        init(&mut socket, Some(&token)).await;
        socket.send(subscribe("1", QUIET)).await;
        socket.send(subscribe("1", QUIET)).await;
        assert_eq!(socket.closed().await.0, 4409, "two of one name");
    }

    async fn who_does_not_introduce_themselves_is_closed_out(world: World) {
        let settings = Settings { init_timeout: Duration::from_millis(1), ..crew::generous() };
        let (client, running) = crew::second_server(&world, settings).await;
        assert_eq!(client.websocket().await.closed().await.0, 4408);
        running.stop().await.unwrap();
    }

    async fn queries_run_over_a_socket_as_they_do_over_http(world: World) {
        let mut socket = world.anonymous().websocket().await;
        init(&mut socket, Some(&crew::token(&world, SELLER.email).await)).await;
        socket.send(subscribe("a", "{ viewer { user { email } } }")).await;
        let next = socket.receive().await;
        assert_eq!((&next["id"], &next["type"]), (&json!("a"), &json!("next")));
        assert_eq!(next["payload"]["data"], json!({ "viewer": { "user": { "email": SELLER.email } } }));
        assert_eq!(socket.receive().await, json!({ "id": "a", "type": "complete" }));
        socket.send(subscribe("b", "{ unheardOf }")).await;
        let error = socket.receive().await;
        assert_eq!((&error["id"], &error["type"]), (&json!("b"), &json!("error")));
        assert_eq!(error["payload"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
        socket.send(subscribe("c", "{ accounts(first: 201) { totalCount } }")).await;
        assert_eq!(socket.receive().await["payload"][0]["extensions"]["code"], "BAD_USER_INPUT");
        socket.send(json!({ "type": "ping", "payload": { "n": 1 } })).await;
        assert_eq!(socket.receive().await, json!({ "type": "pong", "payload": { "n": 1 } }));
    }

    async fn a_query_over_a_stream_is_answered_and_over(world: World) {
        let seller = world.seller().await;
        let question = "{ viewer { user { email } } }";
        let answer = json!({ "viewer": { "user": { "email": SELLER.email } } });
        let mut stream = seller.stream(question, json!({})).await;
        assert_eq!(stream.next().await["data"], answer);
        stream.completed().await;
        let mut subscription = seller.subscribe(question, json!({})).await;
        assert_eq!(subscription.next().await["data"], answer);
        subscription.completed().await;
        let page = seller.request(Method::POST, "/graphql/stream").header("accept", "text/html").json(&json!({ "query": question }));
        assert_eq!(seller.send(page).await.error_code(), Some("NOT_ACCEPTABLE"));
    }

    async fn a_subscription_needs_somebody(world: World) {
        let mut subscription = world.anonymous().subscribe(EVENTS, json!({})).await;
        let message = subscription.message().await;
        assert!(message.to_string().contains("UNAUTHENTICATED"), "{message}");
    }

    async fn a_rep_hears_of_the_team_and_of_nobody_else(world: World) {
        let (admin, seller) = (world.admin().await, world.seller().await);
        let (me, other) = (user(&admin, SELLER.email).await, user(&admin, OTHER_SELLER.email).await);
        let from = json!({ "after": cursor_of(&seller, &account(&admin, "Before", &me).await).await });
        let (mut socket, mut stream) = (seller.subscribe(EVENTS, from.clone()).await, seller.stream(EVENTS, from).await);
        let first = account(&admin, "First", &me).await;
        let (heard, also) = (socket.next().await, stream.next().await);
        for event in [&heard["data"]["events"], &also["data"]["events"]] {
            assert_eq!((&event["kind"], &event["subject"]), (&json!("account.created"), &json!({ "__typename": "Account", "id": first, "name": "First" })));
        }
        let cursor = heard["data"]["events"]["cursor"].as_str().unwrap().to_owned();

        account(&admin, "Secret", &other).await;
        crew::create(&admin, Kind::Lead, json!({ "name": "Secret", "ownerId": other })).await;
        let mine = account(&admin, "Mine", &me).await;
        for event in [socket.next().await, stream.next().await] {
            assert_eq!(event["data"]["events"]["subject"]["id"], json!(mine), "nothing in between: {event}");
        }
        // What is given away is not told of any more, not even that it was given away.
        give(&admin, &mine, &other).await;
        crew::mutate(&admin, "Update", vec![(Kind::Account, json!({ "id": mine, "name": "Secret" }))]).await;
        give(&admin, &first, &me).await;
        crew::mutate(&admin, "Update", vec![(Kind::Account, json!({ "id": first, "city": "Ulm" }))]).await;
        for event in [socket.next().await, stream.next().await] {
            let event = &event["data"]["events"];
            assert_eq!((&event["kind"], &event["subject"]["id"], &event["changedFields"]), (&json!("account.updated"), &json!(first), &json!(["city"])));
        }
        // Nor is it found by going back.
        let mut again = seller.subscribe(EVENTS, json!({ "after": cursor })).await;
        let event = again.next().await;
        assert_eq!(event["data"]["events"]["subject"]["id"], json!(first), "the gap is filled with what may be seen now: {event}");
        assert_eq!(event["data"]["events"]["kind"], "account.updated");
    }

    async fn only_events_of_the_filter_are_heard(world: World) {
        let (admin, seller) = (world.admin().await, world.seller().await);
        let me = user(&admin, SELLER.email).await;
        let document = "subscription { events(after: \"ev_0_0\", filter: { subjectTypes: [\"Lead\"], actions: [CREATED] }) { kind subject { id } } }";
        let mut leads = seller.subscribe(document, json!({})).await;
        account(&admin, "Mine", &me).await;
        let lead = crew::create(&admin, Kind::Lead, json!({ "name": "L", "ownerId": me })).await;
        crew::mutate(&admin, "Update", vec![(Kind::Lead, json!({ "id": lead, "score": 7 }))]).await;
        let second = crew::create(&admin, Kind::Lead, json!({ "name": "M", "ownerId": me })).await;
        for lead in [lead, second] {
            assert_eq!(leads.next().await["data"]["events"], json!({ "kind": "lead.created", "subject": { "id": lead } }));
        }
    }

    async fn open_connections_end_with_the_token(world: World) {
        let seller = world.seller().await;
        let subscription = seller.subscribe(QUIET, json!({})).await;
        let stream = open_stream(&seller, QUIET).await;
        world.clock.advance(Duration::from_mins(17));
        assert_eq!(subscription.into_socket().closed().await.0, 4403);
        assert_eq!(rest(stream).await, "", "it ends, and without saying that it is complete");
    }

    async fn open_connections_end_with_the_session(world: World) {
        let (admin, seller) = (world.admin().await, world.seller().await);
        let subscription = seller.subscribe(EVENTS, json!({})).await;
        let stream = open_stream(&seller, EVENTS).await;
        seller.query("mutation { signOut { signedOut } }").await.expect_ok();
        account(&admin, "Later", &user(&admin, SELLER.email).await).await;
        // They may hear of the end of the session and why they hear no more; of nothing that happens then.
        let (code, words) = subscription.into_socket().last_words().await;
        assert_eq!(code, 4403);
        let rest = rest(stream).await;
        for text in words.iter().map(Value::to_string).chain([rest]) {
            assert!(!text.contains("account.created") && !text.contains("Later"), "{text}");
        }
    }

    async fn one_socket_runs_so_many_operations_and_no_more(world: World) {
        let settings = Settings { operations_per_socket: 2, ..crew::generous() };
        let (client, running) = crew::second_server(&world, settings).await;
        let mut socket = client.websocket().await;
        init(&mut socket, Some(&crew::token(&world, SELLER.email).await)).await;
        for id in ["1", "2", "3"] {
            socket.send(subscribe(id, QUIET)).await;
        }
        let refused = socket.receive().await;
        assert_eq!((&refused["id"], &refused["type"]), (&json!("3"), &json!("error")));
        assert_eq!(refused["payload"][0]["extensions"]["reason"], "TOO_MANY_OPERATIONS");
        socket.send(json!({ "id": "1", "type": "complete" })).await;
        socket.send(subscribe("4", "{ __typename }")).await;
        assert_eq!(socket.receive().await["payload"]["data"]["__typename"], "Query", "one that ended makes room");
        running.stop().await.unwrap();
    }

    async fn what_a_subscription_costs_counts_and_its_limits_hold(world: World) {
        let seller = world.seller().await;
        let mut bad = seller.subscribe("subscription { events { subject { ... on Account { contacts(first: 51) { totalCount } } } } }", json!({})).await;
        assert_eq!(bad.message().await["payload"][0]["extensions"]["code"], "BAD_USER_INPUT");
        let mut bad = seller.subscribe(EVENTS, json!({ "after": "nonsense" })).await;
        assert!(bad.message().await.to_string().contains("INVALID_CURSOR"));
    }
}

async fn open_stream(client: &Client, document: &str) -> reqwest::Response {
    let request = client.request(Method::POST, "/graphql/stream").header("accept", "text/event-stream");
    let response = request.json(&json!({ "query": document })).send().await.expect("the server answers");
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    response
}

/// What still comes until the stream ends, but for the comments that keep it alive.
async fn rest(stream: reqwest::Response) -> String {
    let text = stream.text().await.expect("the stream ends in order");
    text.lines().filter(|line| !line.starts_with(':')).collect()
}
