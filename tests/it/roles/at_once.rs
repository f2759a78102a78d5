//! What is decided about roles and people holds at once where it was decided, and within a second elsewhere.

use std::time::Duration;

use entity::Kind;
use serde_json::{Value, json};

use super::{assign, grants, role_id, save, unassign, verb};
use crate::{
    crew,
    shared::user_id,
    support::{
        client::{Client, DEADLINE},
        database::Engine,
        subscription::Subscription,
        world::{MARKETER, PASSWORD, SELLER, World},
    },
};

const EVENTS: &str = "subscription { events(after: \"ev_0_0\", filter: { subjectTypes: [\"Account\"] }) { subject { ... on Account { name } } } }";

async fn accounts(client: &Client) -> Value {
    client.query("{ accounts { totalCount } }").await.expect_ok().data("accounts.totalCount").clone()
}

/// On PostgreSQL the news comes by itself, without the clock; on SQLite a second later.
async fn until(world: &World, what: &str, holds: impl AsyncFn() -> bool) {
    if world.engine == Engine::Sqlite {
        world.clock.advance(Duration::from_secs(1));
        assert!(holds().await, "{what}, a second later");
        return;
    }
    let heard = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, heard).await.unwrap_or_else(|_| panic!("{what}, by the news alone"));
}

/// The name that the next event tells.
async fn next(events: &mut Subscription) -> Value {
    events.next().await["data"]["events"]["subject"]["name"].take()
}

/// Whether the server refuses a token.
async fn is_out(client: &Client) -> bool {
    client.query("{ viewer { user { id } } }").await.error_code() == Some("UNAUTHENTICATED")
}

/// What happens to an open connection of somebody who is out: it is closed, and tells nothing more.
async fn ends(world: &World, admin: &Client, events: Subscription) {
    if world.engine == Engine::Sqlite {
        world.clock.advance(Duration::from_secs(1));
    }
    crew::create(admin, Kind::Account, json!({ "name": "Later" })).await;
    let (code, words) = events.into_socket().last_words().await;
    assert_eq!(code, 4403);
    assert!(!words.iter().any(|word| word.to_string().contains("Later")), "{words:?}");
}

on_both_engines! {
    async fn an_edited_role_holds_at_once_here_and_within_a_second_elsewhere(world: World) {
        let (elsewhere, running) = crew::second_server(&world, crew::generous()).await;
        let admin = world.admin().await;
        crew::create(&admin, Kind::Account, json!({ "name": "Nobody's" })).await;
        let token = crew::token(&world, SELLER.email).await;
        let (here, there) = (world.anonymous().with_token(&token), elsewhere.with_token(&token));
        let rep = role_id(&admin, "rep").await;
        for (permits, sees) in [("Account:READ:ALL", 1), ("Account:READ:OWN", 0), ("Account:READ:ALL", 1)] {
            save(&admin, "Update", json!({ "id": rep, "grants": grants(&[permits]) })).await.expect_ok();
            assert_eq!(accounts(&here).await, sees, "here, at once");
            until(&world, "elsewhere", async || accounts(&there).await == sees).await;
        }
        unassign(&admin, &rep, &user_id(&admin, SELLER.email).await).await.expect_ok();
        assert_eq!(accounts(&here).await, 0);
        until(&world, "elsewhere", async || accounts(&there).await == 0).await;
        running.stop().await.unwrap();
    }

    async fn an_open_subscription_follows_the_roles_on_every_server(world: World) {
        let (elsewhere, running) = crew::second_server(&world, crew::generous()).await;
        let admin = world.admin().await;
        let (marketer, mia) = (role_id(&admin, "marketer").await, user_id(&admin, MARKETER.email).await);
        // Her own accounts she sees whatever happens: their events tell that others were passed over.
        save(&admin, "Create", json!({ "name": "Own", "grants": grants(&["Account:READ:OWN", "Event:READ:ALL"]) })).await.expect_ok();
        assign(&admin, &role_id(&admin, "own").await, &mia).await.expect_ok();
        let make = async |name: &str, owner: Option<&str>| {
            crew::create(&admin, Kind::Account, json!({ "name": name, "ownerId": owner })).await;
        };
        make("Before", None).await;
        let token = crew::token(&world, MARKETER.email).await;
        let mut open = Vec::new();
        for client in [world.anonymous(), elsewhere] {
            let client = client.with_token(&token);
            let mut events = client.subscribe(EVENTS, json!({})).await;
            assert_eq!(next(&mut events).await, "Before");
            open.push((client, events));
        }
        let settled = async |open: &Vec<(Client, Subscription)>, sees: i64| {
            for (client, _) in open {
                until(&world, "the roles", async || accounts(client).await == sees).await;
            }
        };
        save(&admin, "Update", json!({ "id": marketer, "grants": [] })).await.expect_ok();
        settled(&open, 0).await;
        make("Secret", None).await;
        make("Mine", Some(&mia)).await;
        for (_, events) in &mut open {
            assert_eq!(next(events).await, "Mine", "and of the secret nothing");
        }
        save(&admin, "Update", json!({ "id": marketer, "grants": grants(&["Account:READ:ALL"]) })).await.expect_ok();
        settled(&open, 3).await;
        make("Seen", None).await;
        for (_, events) in &mut open {
            assert_eq!(next(events).await, "Seen");
        }
        unassign(&admin, &marketer, &mia).await.expect_ok();
        settled(&open, 1).await;
        make("Secret", None).await;
        make("Also mine", Some(&mia)).await;
        for (_, events) in &mut open {
            assert_eq!(next(events).await, "Also mine");
        }
        running.stop().await.unwrap();
    }

    async fn who_is_out_is_out_at_once_here_and_within_a_second_elsewhere(world: World) {
        let (elsewhere, running) = crew::second_server(&world, crew::generous()).await;
        let admin = world.admin().await;
        for how in ["signs out", "is deactivated", "gets another password", "has a session revoked", "changes the password elsewhere"] {
            let email = format!("{}@tandem.test", how.replace(' ', "."));
            let person = crew::hire(&world, &email, "executive", entity::Department::It).await;
            let token = crew::token(&world, &email).await;
            let (here, there) = (world.anonymous().with_token(&token), elsewhere.clone().with_token(&token));
            let name = format!("Before: {how}");
            crew::create(&admin, Kind::Account, json!({ "name": name })).await;
            let mut open = Vec::new();
            for client in [&here, &there] {
                let mut events = client.subscribe(EVENTS, json!({})).await;
                while next(&mut events).await != name {}
                open.push(events);
            }
            assert!(!is_out(&there).await);
            match how {
                "signs out" => drop(here.query("mutation { signOut { signedOut userErrors { code } } }").await.expect_ok()),
                "is deactivated" => drop(verb(&admin, "userDeactivate", json!({ "id": person.id }), "user { id }").await.expect_ok()),
                "gets another password" => drop(verb(&admin, "userSetPassword", json!({ "id": person.id, "password": "another correct horse" }), "user { id }").await.expect_ok()),
                "has a session revoked" => {
                    let session = crew::text(&here.query("{ viewer { session { id } } }").await.expect_ok(), "viewer.session.id");
                    verb(&admin, "sessionRevoke", json!({ "id": session }), "session { id }").await.expect_ok();
                }
                _ => {
                    // The session in which it is changed stays, the others end.
                    let input = json!({ "currentPassword": PASSWORD, "newPassword": "another correct horse" });
                    verb(&person.client, "passwordChange", input, "user { id }").await.expect_ok();
                    assert!(!is_out(&person.client).await);
                }
            }
            assert!(is_out(&here).await, "{how}: here, at once");
            until(&world, how, async || is_out(&there).await).await;
            for events in open {
                ends(&world, &admin, events).await;
            }
        }
        running.stop().await.unwrap();
    }

    async fn a_role_that_is_given_uncovers_what_happens_from_then_on(world: World) {
        let admin = world.admin().await;
        let (seller, sam) = (world.seller().await, user_id(&admin, SELLER.email).await);
        let mine = crew::create(&admin, Kind::Account, json!({ "name": "Mine", "ownerId": sam })).await;
        let mut events = seller.subscribe(EVENTS, json!({})).await;
        assert_eq!(next(&mut events).await, "Mine");
        crew::create(&admin, Kind::Account, json!({ "name": "Before" })).await;
        crew::mutate(&admin, "Update", vec![(Kind::Account, json!({ "id": mine, "city": "Ulm" }))]).await;
        assert_eq!(next(&mut events).await, "Mine", "what came before was passed over");
        assign(&admin, &role_id(&admin, "executive").await, &sam).await.expect_ok();
        crew::create(&admin, Kind::Account, json!({ "name": "After" })).await;
        assert_eq!(next(&mut events).await, "After");
    }
}
