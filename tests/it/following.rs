//! Many who follow the feed at once: nothing is lost or told twice, and nobody is in the way of others.

use std::collections::HashSet;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    crew,
    shared::{create, update},
    support::{client::Client, subscription::Subscription, world::SELLER},
};

const EVENTS: &str =
    "subscription ($filter: EventSubscriptionFilter, $after: String) { events(filter: $filter, after: $after) {
    cursor kind subject { id } } }";

/// Without the record: what is read for the feed is then all that is read.
const BARE: &str =
    "subscription ($filter: EventSubscriptionFilter, $after: String) { events(filter: $filter, after: $after) {
    cursor kind } }";

const BEGINNING: &str = "ev_0_0";

async fn next(subscription: &mut Subscription) -> Value {
    let mut result = subscription.next().await;
    assert!(result.get("errors").is_none(), "{result}");
    result["data"]["events"].take()
}

/// Reads up to the event about this record; answers the ids of all records made on the way.
async fn created_up_to(subscription: &mut Subscription, last: &str) -> Vec<String> {
    let (mut ids, mut cursors) = (Vec::new(), HashSet::new());
    loop {
        let event = next(subscription).await;
        assert!(cursors.insert(event["cursor"].to_string()), "told twice: {event}");
        if event["kind"] == "account.created" {
            let id = event["subject"]["id"].as_str().expect("an id").to_owned();
            if id == last {
                return ids;
            }
            ids.push(id);
        }
    }
}

/// Subscriptions that have heard of everything so far.
async fn listening(client: &Client, count: usize, filter: &Value, up_to: &str) -> Vec<Subscription> {
    let mut all = Vec::new();
    for _ in 0..count {
        let mut subscription = client.subscribe(BARE, json!({ "filter": filter, "after": up_to })).await;
        next(&mut subscription).await;
        all.push(subscription);
    }
    all
}

/// The cursor of the newest event.
async fn newest(client: &Client) -> String {
    let last = create(client, "account", json!({ "name": "Newest" })).await;
    let mut events = client.subscribe(EVENTS, json!({ "after": BEGINNING })).await;
    loop {
        let event = next(&mut events).await;
        if event["subject"]["id"] == json!(last) {
            return event["cursor"].as_str().expect("a cursor").to_owned();
        }
    }
}

on_both_engines! {
    async fn each_acknowledged_write_is_told_once_to_each_of_many_and_those_who_do_not_read_are_in_nobodys_way(world: World) {
        let admin = world.admin().await;
        let start = json!({ "after": newest(&admin).await });
        let (mut early, mut silent) = (Vec::new(), Vec::new());
        for _ in 0..20 {
            early.push(admin.subscribe(EVENTS, start.clone()).await);
            silent.push(admin.subscribe(EVENTS, start.clone()).await);
        }
        let write = async |writer: usize| {
            let mut made = Vec::new();
            for n in 0..8 {
                made.push(create(&admin, "account", json!({ "name": format!("{writer}-{n}") })).await);
            }
            made
        };
        // These begin at the start while there is writing, and have to find the others.
        let join = async { join_all((0..5).map(|_| admin.subscribe(EVENTS, start.clone()))).await };
        let (made, late) = tokio::join!(join_all((0..4).map(write)), join);
        let mut made = made.concat();
        made.sort_unstable();
        let last = create(&admin, "account", json!({ "name": "Last" })).await;
        for mut subscription in early.into_iter().chain(late) {
            let mut told = created_up_to(&mut subscription, &last).await;
            told.sort_unstable();
            assert_eq!(told, made);
        }
        drop(silent);
    }

    async fn a_failed_read_does_not_end_a_subscription_and_it_goes_on_from_where_it_was(world: World) {
        let admin = world.admin().await;
        let start = newest(&admin).await;
        let mut socket = admin.subscribe(EVENTS, json!({ "after": start })).await;
        let mut stream = admin.stream(EVENTS, json!({ "after": start })).await;
        let first = create(&admin, "account", json!({ "name": "First" })).await;
        assert_eq!(next(&mut socket).await["subject"]["id"], json!(first));
        assert_eq!(stream.next().await["data"]["events"]["subject"]["id"], json!(first));
        // The feed is read by this column, which nothing else names.
        crew::behind_the_back(&world, "ALTER TABLE event RENAME COLUMN xid TO gone").await;
        let second = create(&admin, "account", json!({ "name": "Second" })).await;
        // Tried again within a second each time; when the second read begins, the first has failed.
        let mut tried = 0;
        while tried < 2 {
            tried += world.statements(async || tokio::task::yield_now().await).await;
        }
        crew::behind_the_back(&world, "ALTER TABLE event RENAME COLUMN gone TO xid").await;
        let third = create(&admin, "account", json!({ "name": "Third" })).await;
        for id in [second, third] {
            assert_eq!(next(&mut socket).await["subject"]["id"], json!(id));
            assert_eq!(stream.next().await["data"]["events"]["subject"]["id"], json!(id));
        }
    }

    async fn an_event_is_read_once_for_all_and_what_cannot_match_is_not_read(world: World) {
        let (admin, seller) = (world.admin().await, world.seller().await);
        let start = newest(&admin).await;
        let users = admin.query_with("query($email: String!) { users(filter: { email: { eq: $email } }) { nodes { id } } }", json!({ "email": SELLER.email })).await.expect_ok();
        let me = users.data("users.nodes.0.id").clone();
        let watched = create(&admin, "account", json!({ "name": "Watched", "ownerId": me })).await;
        let other = create(&admin, "account", json!({ "name": "Other", "ownerId": me })).await;
        let mut all = listening(&admin, 20, &json!({ "subjectTypes": ["Account"] }), &start).await;
        let mut mine = listening(&seller, 20, &json!({ "subjectTypes": ["Account"] }), &start).await;
        let _idle = listening(&seller, 20, &json!({ "subjects": [watched] }), &start).await;
        for subscription in all.iter_mut().chain(&mut mine) {
            next(subscription).await;
        }
        let told = world.statements(async || {
            update(&admin, "account", json!({ "id": other, "city": "Ulm" })).await;
            for subscription in all.iter_mut().chain(&mut mine) {
                assert_eq!(next(subscription).await["kind"], "account.updated");
            }
        }).await;
        assert!(told < 40, "{told} statements for one write and 60 subscriptions");
    }
}
