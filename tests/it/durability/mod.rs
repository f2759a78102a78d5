//! What outlasts a server: backups, restored databases, the feed across them, and files that are their owner's alone.

mod backup;
mod commands;
mod history;
mod months;

use serde_json::{Value, json};

use crate::support::{client::Client, subscription::Subscription, world::PASSWORD};

const EVENTS: &str =
    "subscription ($after: String) { events(after: $after) { cursor subject { ... on Account { name } } } }";

/// The administrator at a server of the test's own.
async fn admin_at(address: std::net::SocketAddr) -> Client {
    let client = Client::new(address);
    let answer = crate::crew::try_sign_in(&client, "ada@tandem.test", PASSWORD).await.expect_ok();
    client.with_token(crate::crew::text(&answer, "signIn.accessToken"))
}

async fn follow(client: &Client, after: &str) -> Subscription {
    client.subscribe(EVENTS, json!({ "after": after })).await
}

/// The cursor of the event about the account of this name.
async fn cursor_of(events: &mut Subscription, name: &str) -> String {
    loop {
        let event = events.next().await;
        if event["data"]["events"]["subject"]["name"] == name {
            return event["data"]["events"]["cursor"].as_str().expect("a cursor").to_owned();
        }
    }
}

/// The name of the account that the next event is about, past those of other kinds.
async fn next_account(events: &mut Subscription) -> String {
    loop {
        if let Value::String(name) = events.next().await["data"]["events"]["subject"]["name"].take() {
            return name;
        }
    }
}

/// That following on after a cursor is refused, as its history is lost.
async fn lost(client: &Client, cursor: &str) {
    let refused = follow(client, cursor).await.message().await.to_string();
    assert!(refused.contains("INVALID_CURSOR") && refused.contains("HISTORY_LOST"), "{refused}");
}
