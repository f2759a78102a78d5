//! Secrets of API keys that somebody made up.

use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use tandem::http::{Settings, settings::Rate};

use super::{key, turned_away};
use crate::{crew, support::client::Client};

async fn ask(client: &Client, secret: &str) -> crate::support::client::Answer {
    client.clone().with_token(secret).query("{ __typename }").await
}

on_both_engines! {
    async fn guesses_spend_the_allowance_of_their_address_and_hold_no_good_key_up(world: World) {
        let admin = world.admin().await;
        let (used, unused) = (key(&world, &admin, "integration").await, key(&world, &admin, "integration").await);
        let settings = Settings { rate: Rate { maximum: 100, restore: 10 }, ..crew::generous() };
        let (client, running) = crew::second_server(&world, settings).await;
        ask(&client, &used.secret).await.expect_ok();
        for n in 0..10 {
            turned_away(&ask(&client, &format!("tdk_{n:043}")).await, "API_KEY_INVALID");
        }
        let answer = ask(&client, &format!("tdk_{:043}", 10)).await;
        assert_eq!((answer.status.as_u16(), answer.error_code()), (429, Some("RATE_LIMITED")), "{answer}");
        assert!(answer.headers.contains_key(RETRY_AFTER));
        // Neither who is known nor who comes for the first time is held up by who guesses.
        ask(&client, &used.secret).await.expect_ok();
        ask(&client, &unused.secret).await.expect_ok();
        ask(&client, &crew::token(&world, "sam@tandem.test").await).await.expect_ok();
        running.stop().await.unwrap();
    }

    async fn the_database_is_not_asked_for_each_guess_but_once_a_second(world: World) {
        let admin = world.admin().await;
        key(&world, &admin, "integration").await;
        let (client, running) = crew::second_server(&world, crew::generous()).await;
        turned_away(&ask(&client, &format!("tdk_{:043}", 0)).await, "API_KEY_INVALID");
        crew::behind_the_back(&world, "ALTER TABLE api_key_secret RENAME TO api_key_secret_hidden").await;
        for n in 1..30 {
            turned_away(&ask(&client, &format!("tdk_{n:043}")).await, "API_KEY_INVALID");
        }
        crew::behind_the_back(&world, "ALTER TABLE api_key_secret_hidden RENAME TO api_key_secret").await;
        running.stop().await.unwrap();
    }

    async fn a_new_key_is_good_at_once_where_it_was_made_and_within_a_second_elsewhere(world: World) {
        let admin = world.admin().await;
        let (elsewhere, running) = crew::second_server(&world, crew::generous()).await;
        for client in [&world.anonymous(), &elsewhere] {
            turned_away(&ask(client, &format!("tdk_{:043}", 0)).await, "API_KEY_INVALID");
        }
        let new = key(&world, &admin, "integration").await;
        ask(&world.anonymous(), &new.secret).await.expect_ok();
        world.clock.advance(Duration::from_secs(1));
        ask(&elsewhere, &new.secret).await.expect_ok();
        running.stop().await.unwrap();
    }

    async fn a_key_is_not_told_to_be_none_while_the_database_cannot_say(world: World) {
        let admin = world.admin().await;
        let new = key(&world, &admin, "integration").await;
        let (client, running) = crew::second_server(&world, crew::generous()).await;
        crew::behind_the_back(&world, "ALTER TABLE api_key_secret RENAME TO api_key_secret_hidden").await;
        for _ in 0..2 {
            let answer = ask(&client, &new.secret).await;
            assert_eq!(answer.status.as_u16(), 500, "{answer}");
        }
        crew::behind_the_back(&world, "ALTER TABLE api_key_secret_hidden RENAME TO api_key_secret").await;
        world.clock.advance(Duration::from_secs(1));
        ask(&client, &new.secret).await.expect_ok();
        running.stop().await.unwrap();
    }
}
