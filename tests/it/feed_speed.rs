//! How fast the feed is. A measurement, to be asked for by name.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use serde_json::json;

use crate::{
    crew,
    shared::{create, update},
    support::{client::Client, subscription::Subscription, world::ADMIN},
};

const EVENTS: &str = "subscription ($filter: EventSubscriptionFilter, $after: String) { events(filter: $filter, after: $after) { kind } }";

/// Records that are written, each once a second.
const RECORDS: usize = 100;

const SECONDS: usize = 10;

on_both_engines! {
    #[ignore = "a measurement: cargo test --test it -- --ignored --nocapture --test-threads=1 feed_speed"]
    async fn a_hundred_writes_a_second_and_all_who_follow(world: World) {
        let number = |name: &str, usual: usize| std::env::var(name).map_or(usual, |text| text.parse().expect("a number"));
        let (narrow, wide) = (number("TANDEM_FEED_NARROW", 1_000), number("TANDEM_FEED_WIDE", 10));
        let token = crew::token(&world, ADMIN.email).await;
        let (client, running) = crew::second_server(&world, crew::generous()).await;
        let admin = client.with_token(token);
        let (mut ids, mut followers) = (Vec::new(), Vec::new());
        for n in 0..RECORDS {
            ids.push(create(&admin, "account", json!({ "name": format!("Account {n}") })).await);
        }
        let start = newest(&admin).await;
        for n in 0..narrow {
            let filter = json!({ "subjects": [ids[n % RECORDS]] });
            let subscription = admin.subscribe(EVENTS, json!({ "filter": filter, "after": start })).await;
            followers.push((Some(n % RECORDS), subscription));
        }
        for _ in 0..wide {
            followers.push((None, admin.subscribe(EVENTS, json!({ "after": start })).await));
        }
        let (begun, before) = (Instant::now() + Duration::from_secs(1), resident());
        // When each write of each record was sent: what is told of one comes in this order.
        let sent: Vec<Mutex<Vec<Instant>>> = ids.iter().map(|_| Mutex::default()).collect();
        let write = async |writer: usize| {
            for second in 0..SECONDS {
                for at in (writer..RECORDS).step_by(10) {
                    let due = Duration::from_millis((second * 1_000 + at * 10) as u64);
                    tokio::time::sleep_until((begun + due).into()).await;
                    sent[at].lock().unwrap().push(Instant::now());
                    update(&admin, "account", json!({ "id": ids[at], "city": format!("{second}") })).await;
                }
            }
        };
        let follow = async |(of, mut subscription): (Option<usize>, Subscription)| {
            let mut late = Vec::new();
            for n in 0..if of.is_some() { SECONDS } else { SECONDS * RECORDS } {
                subscription.next().await;
                late.extend(of.map(|of| sent[of].lock().unwrap()[n].elapsed()));
            }
            late
        };
        let (_, late) = tokio::join!(join_all((0..10).map(write)), join_all(followers.into_iter().map(follow)));
        let mut late = late.concat();
        late.sort_unstable();
        let at = |percent: usize| late[(late.len() * percent / 100).min(late.len() - 1)];
        println!(
            "{:?}: {narrow} of one record, {wide} of all; {} events timed from the sending of the write: p50 {:?}, p99 {:?}, last {:?}; \
             all told after {:?}; resident {before} MB before, {} MB after (server and clients)",
            world.engine, late.len(), at(50), at(99), late[late.len() - 1], begun.elapsed(), resident(),
        );
        running.stop().await.expect("it stops");
    }
}

/// The cursor of the newest event.
async fn newest(admin: &Client) -> String {
    let id = create(admin, "account", json!({ "name": "Newest" })).await;
    let document =
        "subscription ($filter: EventSubscriptionFilter) { events(filter: $filter, after: \"ev_0_0\") { cursor } }";
    let mut events = admin.subscribe(document, json!({ "filter": { "subjects": [id] } })).await;
    events.next().await["data"]["events"]["cursor"].as_str().expect("a cursor").to_owned()
}

/// The process's memory in megabytes, where the system tells it.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) / 1_024
}
