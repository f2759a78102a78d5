//! What guesses at secrets cost, beside those at API keys and passwords: each kind has an allowance of its own, and the
//! database is not asked when it is spent.

use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use serde_json::json;
use tandem::{
    app::Running,
    http::{Settings, settings::Rate},
};

use crate::{
    crew,
    support::{
        client::{Answer, Client},
        world::{PASSWORD, SELLER, World},
    },
    uploads,
};

const REFRESH: &str =
    "mutation($token: String!) { refresh(input: { refreshToken: $token }) { accessToken userErrors { reason } } }";
const ACCEPT: &str = "mutation($token: String!) { invitationAccept(input: { token: $token, password: \"snow on seven roofs\" }) { userErrors { reason } } }";
const RESET: &str = "mutation($token: String!) { passwordReset(input: { token: $token, password: \"snow on seven roofs\" }) { userErrors { reason } } }";

/// A server where ten guesses are paid for at once, and one a second then.
async fn strict(world: &World) -> (Client, Running) {
    crew::second_server(world, Settings { rate: Rate { maximum: 100, restore: 10 }, ..crew::generous() }).await
}

async fn guess(client: &Client, document: &str, token: &str) -> Answer {
    client.query_with(document, json!({ "token": token })).await
}

#[track_caller]
fn spent(answer: &Answer) {
    assert_eq!(
        (answer.error_code(), answer.headers.contains_key(RETRY_AFTER)),
        (Some("RATE_LIMITED"), true),
        "{answer}"
    );
    assert_eq!(answer.error_reason(), Some("TOO_MANY_GUESSES"));
}

on_both_engines! {
    async fn made_up_tokens_are_paid_for_before_they_are_looked_for(world: World) {
        let good = crew::try_sign_in(&world.anonymous(), SELLER.email, PASSWORD).await.expect_ok();
        let good = crew::text(&good, "signIn.refreshToken");
        let (client, running) = strict(&world).await;
        let own = crew::try_sign_in(&client, SELLER.email, PASSWORD).await.expect_ok();
        let own = crew::text(&own, "signIn.refreshToken");
        for (name, document, table) in [("refresh", REFRESH, "refresh_token"), ("invitationAccept", ACCEPT, "invitation"), ("passwordReset", RESET, "invitation")] {
            for n in 0..10 {
                let answer = guess(&client, document, &format!("made-up-{n}")).await;
                assert!(answer.data(name)["userErrors"][0]["reason"].as_str().is_some_and(|reason| reason.ends_with("_INVALID")), "{answer}");
            }
            crew::behind_the_back(&world, &format!("ALTER TABLE {table} RENAME TO hidden")).await;
            spent(&guess(&client, document, "made-up").await);
            crew::behind_the_back(&world, &format!("ALTER TABLE hidden RENAME TO {table}")).await;
            if name == "refresh" {
                // What this server has given itself is no guess, the first time.
                guess(&client, REFRESH, &own).await.expect_ok();
                spent(&guess(&client, REFRESH, &own).await);
                // The others' allowances are their own, and the allowance of who has no token refills for them.
                world.clock.advance(Duration::from_secs(1));
                guess(&client, REFRESH, &good).await.expect_ok();
            }
            world.clock.advance(Duration::from_secs(9));
        }
        running.stop().await.unwrap();
    }

    async fn the_token_of_a_session_that_has_ended_is_looked_for_once(world: World) {
        let (client, running) = strict(&world).await;
        let token = crew::token(&world, SELLER.email).await;
        let ended = client.clone().with_token(&token);
        let who = "{ viewer { user { id } } }";
        ended.query(who).await.expect_ok();
        ended.query("mutation { signOut { signedOut } }").await.expect_ok();
        let answer = ended.query(who).await;
        assert_eq!(answer.error_reason(), Some("SESSION_ENDED"), "{answer}");
        for n in 0..9 {
            assert_eq!(client.clone().with_token(format!("made-up-{n}")).query(who).await.status.as_u16(), 401);
        }
        // What is known of the session is a second old, so that it would be read again.
        world.clock.advance(Duration::from_millis(1_100));
        assert_eq!(client.clone().with_token("made-up").query(who).await.status.as_u16(), 401);
        crew::behind_the_back(&world, "ALTER TABLE session RENAME TO hidden").await;
        let answer = ended.query(who).await;
        crew::behind_the_back(&world, "ALTER TABLE hidden RENAME TO session").await;
        assert_eq!((answer.status.as_u16(), answer.error_code()), (429, Some("RATE_LIMITED")), "{answer}");
        crew::token(&world, SELLER.email).await;
        running.stop().await.unwrap();
    }

    async fn made_up_uploads_are_paid_for_before_they_are_looked_for(world: World) {
        let admin = world.admin().await;
        let (_, path) = uploads::begin_with(&admin, "resource = \"Lead\"\n[identity]\nsystem = \"crm\"\ncolumn = \"id\"\n[fields.name]\ncolumn = \"name\"\n", false).await;
        let (client, running) = strict(&world).await;
        let client = client.with_token(admin.token());
        for n in 0..10 {
            let path = format!("/uploads/impj_{n:026}");
            assert_eq!(uploads::put(&client, &path, "text/csv", "id,name\n").await.status.as_u16(), 404);
        }
        crew::behind_the_back(&world, "ALTER TABLE import_job RENAME TO hidden").await;
        let answer = uploads::put(&client, &path, "text/csv", "id,name\n").await;
        crew::behind_the_back(&world, "ALTER TABLE hidden RENAME TO import_job").await;
        assert_eq!((answer.status.as_u16(), answer.error_code()), (429, Some("RATE_LIMITED")), "{answer}");
        client.query("{ viewer { user { id } } }").await.expect_ok();
        running.stop().await.unwrap();
    }
}
