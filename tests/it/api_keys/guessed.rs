//! Secrets of API keys that somebody made up.

use reqwest::header::RETRY_AFTER;
use tandem::http::{Settings, settings::Rate};

use super::{key, turned_away};
use crate::crew;

on_both_engines! {
    async fn guesses_spend_the_allowance_of_their_address_before_the_database_is_asked(world: World) {
        let admin = world.admin().await;
        let (used, unused) = (key(&world, &admin, "integration").await, key(&world, &admin, "integration").await);
        let settings = Settings { rate: Rate { maximum: 100, restore: 10 }, ..crew::generous() };
        let (client, running) = crew::second_server(&world, settings).await;
        let ask = async |secret: &str| client.clone().with_token(secret).query("{ __typename }").await;
        ask(&used.secret).await.expect_ok();
        // That key was the first of ten that could be looked for.
        for n in 0..9 {
            turned_away(&ask(&format!("tdk_{n:043}")).await, "API_KEY_INVALID");
        }
        // Who is known is not held up by who guesses.
        ask(&used.secret).await.expect_ok();
        ask(&crew::token(&world, "sam@tandem.test").await).await.expect_ok();
        crew::behind_the_back(&world, "ALTER TABLE api_key_secret RENAME TO api_key_secret_hidden").await;
        for secret in [&format!("tdk_{:043}", 10), &unused.secret] {
            let answer = ask(secret).await;
            assert_eq!((answer.status.as_u16(), answer.error_code()), (429, Some("RATE_LIMITED")), "{answer}");
            assert!(answer.headers.contains_key(RETRY_AFTER));
        }
        crew::behind_the_back(&world, "ALTER TABLE api_key_secret_hidden RENAME TO api_key_secret").await;
        world.clock.advance(std::time::Duration::from_secs(2));
        ask(&unused.secret).await.expect_ok();
        running.stop().await.unwrap();
    }
}
