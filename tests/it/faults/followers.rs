//! Those who follow the feed while others write, read nothing, or lose the database.

use std::collections::{BTreeSet, HashSet};

use entity::Kind;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{Outcome, create};
use crate::{
    crew,
    support::{client::Client, database::Engine, subscription::Subscription, world::SELLER},
};

const EVENTS: &str = "subscription($after: String) { events(filter: { subjectTypes: [\"Account\"] }, after: $after) {
    cursor kind subject { ... on Account { name } } } }";

/// Follows from a cursor of before all that the test writes.
async fn follow(client: &Client) -> Subscription {
    client.subscribe(EVENTS, json!({ "after": "ev_0_0" })).await
}

/// Reads until all these were told; what was told twice is a fault.
async fn hears_all(mut events: Subscription, expected: BTreeSet<String>) {
    let (mut missing, mut cursors) = (expected, HashSet::new());
    while !missing.is_empty() {
        let event = events.next().await["data"]["events"].take();
        assert!(cursors.insert(event["cursor"].to_string()), "told twice: {event}");
        if event["kind"] == "account.created" {
            let name = event["subject"]["name"].as_str().expect("a name").to_owned();
            assert!(missing.remove(&name), "{name} was told twice or never made");
        }
    }
}

/// Creates accounts that belong to somebody else.
async fn write_for(client: &Client, owner: &str, names: &[String]) {
    for name in names {
        crew::create(client, Kind::Account, json!({ "name": name, "ownerId": owner })).await;
    }
}

async fn write_all(client: &Client, names: &[String]) {
    for name in names {
        assert_eq!(create(client, name).await, Outcome::Acknowledged);
    }
}

fn named(prefix: &str, number: usize) -> Vec<String> {
    (0..number).map(|n| format!("{prefix} {n}")).collect()
}

on_both_engines! {
    async fn many_followers_hear_each_acknowledged_write_once_and_keep_nobody_waiting(world: World) {
        let (admin, seller) = (world.admin().await, world.sign_in(&SELLER).await);
        let owner = crew::text(&seller.query("{ viewer { user { id } } }").await.expect_ok(), "viewer.user.id");
        let all = join_all((0..20).map(|_| follow(&admin))).await;
        let own = join_all((0..20).map(|_| follow(&seller))).await;
        let (of_admin, of_seller) = (named("Admin", 60), named("Seller", 20));
        let told: BTreeSet<String> = of_admin.iter().chain(&of_seller).cloned().collect();
        let halves: Vec<_> = of_admin.chunks(20).map(|names| write_all(&admin, names)).collect();
        let hear = join_all(all.into_iter().map(|events| hears_all(events, told.clone())));
        let hear_own = join_all(own.into_iter().map(|events| hears_all(events, of_seller.iter().cloned().collect())));
        let read = async {
            for _ in 0..50 {
                admin.query("{ accounts(first: 5) { nodes { name } totalCount } }").await.expect_ok();
            }
        };
        tokio::join!(join_all(halves), write_for(&admin, &owner, &of_seller), hear, hear_own, read);
    }

    async fn a_follower_that_reads_nothing_disturbs_nobody(world: World) {
        let admin = world.admin().await;
        let silent = join_all((0..20).map(|_| follow(&admin))).await;
        let names = named("Heard", 40);
        // More than the buffers between take: each event is told with its record.
        let long = "x".repeat(4_000);
        for n in 0..10 {
            let items: Vec<Value> = (0..50).map(|m| json!({ "name": format!("Filler {n}-{m}"), "description": long })).collect();
            let document = "mutation($items: [AccountBulkUpsertItem!]!) { accountBulkUpsert(input: { items: $items }) { userErrors { code } } }";
            admin.query_with(document, json!({ "items": items })).await.expect_ok();
        }
        let mut listener = follow(&admin).await;
        let listening = async {
            let mut missing: BTreeSet<String> = names.iter().cloned().collect();
            while !missing.is_empty() {
                let event = listener.next().await["data"]["events"].take();
                missing.remove(event["subject"]["name"].as_str().unwrap_or_default());
            }
        };
        tokio::join!(write_all(&admin, &names), listening);
        drop(silent);
    }

    async fn a_follower_goes_on_after_reads_that_failed(world: World) {
        if world.engine == Engine::Sqlite {
            return;
        }
        let admin = world.admin().await;
        let events = follow(&admin).await;
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
        let names = named("Kept", 12);
        for part in names.chunks(3) {
            crew::behind_the_back(&world, cut).await;
            for name in part {
                // A commit that is not answered may have happened; it is not tried again here.
                let mut tried = 0;
                while create(&admin, name).await != Outcome::Acknowledged {
                    tried += 1;
                    assert!(tried < 20, "it does not find the database again");
                }
            }
        }
        hears_all(events, names.into_iter().collect()).await;
    }
}
