//! The issuer's keys: fetched when they are needed, fetched anew when they change, kept where it is down.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{
    House, WHO,
    issuer::{LocalIssuer, Mood, Signer},
    out_of_reach, settings, turned_away,
};

on_both_engines! {
    async fn the_issuer_is_asked_when_its_first_token_comes_and_then_left_alone(world: World) {
        let house = House::new(&world).await;
        world.seller().await;
        house.client("nonsense").query(WHO).await;
        assert_eq!(house.issuer.asked(), 0, "nothing was to be known of it");
        for _ in 0..3 {
            house.ask(&house.token(json!({}))).await.expect_ok();
        }
        world.clock.advance(Duration::from_secs(9 * 60 + 59));
        house.ask(&house.token(json!({}))).await.expect_ok();
        assert_eq!(house.issuer.asked(), 1);
        world.clock.advance(Duration::from_secs(1));
        house.ask(&house.token(json!({}))).await.expect_ok();
        assert_eq!(house.issuer.asked(), 2, "after ten minutes it is asked again");
        house.end().await;
    }

    async fn many_first_tokens_at_once_ask_once(world: World) {
        let house = House::new(&world).await;
        let held = house.issuer.hold();
        let tokens: Vec<String> = (0..8).map(|n| house.token(json!({ "sub": format!("s{n}"), "email": null }))).collect();
        let asking = join_all(tokens.iter().map(|token| house.ask(token)));
        let release = async {
            while house.issuer.asked() == 0 {
                tokio::task::yield_now().await;
            }
            held.notify_one();
        };
        let (answers, ()) = tokio::join!(asking, release);
        for answer in answers {
            answer.expect_ok();
        }
        assert_eq!(house.issuer.asked(), 1);
        house.end().await;
    }

    async fn who_goes_away_does_not_keep_the_keys_from_others(world: World) {
        let house = House::new(&world).await;
        let held = house.issuer.hold();
        let token = house.token(json!({}));
        let impatient = house.ask(&token);
        let gone = async {
            while house.issuer.asked() == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = impatient => panic!("the issuer has not answered yet"),
            () = gone => {}
        }
        held.notify_one();
        house.ask(&token).await.expect_ok();
        assert_eq!(house.issuer.asked(), 1);
        house.end().await;
    }

    async fn a_key_that_is_new_is_found_at_once(world: World) {
        let house = House::new(&world).await;
        house.ask(&house.token(json!({}))).await.expect_ok();
        house.issuer.publish(vec![Signer::Rsa.jwk(), Signer::NextRsa.jwk()]);
        house.ask(&Signer::NextRsa.sign(&house.claims(json!({})))).await.expect_ok();
        house.ask(&house.token(json!({}))).await.expect_ok();
        assert_eq!(house.issuer.asked(), 2);
        house.end().await;
    }

    async fn unknown_keys_have_the_issuer_asked_at_most_every_ten_seconds(world: World) {
        let house = House::new(&world).await;
        house.ask(&house.token(json!({}))).await.expect_ok();
        for n in 0..5 {
            let stranger = house.headed(|header| header.kid = Some(format!("nobody-{n}")));
            turned_away(&house.ask(&stranger).await, "TOKEN_KEY_UNKNOWN");
        }
        assert_eq!(house.issuer.asked(), 2);
        house.issuer.publish(vec![Signer::Rsa.jwk(), Signer::NextRsa.jwk()]);
        let next = || Signer::NextRsa.sign(&house.claims(json!({})));
        turned_away(&house.ask(&next()).await, "TOKEN_KEY_UNKNOWN");
        world.clock.advance(Duration::from_secs(10));
        house.ask(&next()).await.expect_ok();
        assert_eq!(house.issuer.asked(), 3);
        house.end().await;
    }

    async fn a_key_that_was_withdrawn_is_good_no_more(world: World) {
        let house = House::new(&world).await;
        house.ask(&house.token(json!({}))).await.expect_ok();
        house.issuer.publish(vec![Signer::NextRsa.jwk()]);
        world.clock.advance(Duration::from_mins(10));
        turned_away(&house.ask(&house.token(json!({}))).await, "TOKEN_KEY_UNKNOWN");
        house.ask(&Signer::NextRsa.sign(&house.claims(json!({})))).await.expect_ok();
        house.end().await;
    }

    async fn an_issuer_that_is_down_costs_nothing_for_a_day(world: World) {
        let house = House::new(&world).await;
        house.ask(&house.token(json!({}))).await.expect_ok();
        house.issuer.becomes(Mood::Failing);
        turned_away(&house.ask(&house.headed(|header| header.kid = Some("nobody".to_owned()))).await, "TOKEN_KEY_UNKNOWN");
        for hours in [1, 12, 10] {
            world.clock.advance(Duration::from_hours(hours));
            house.ask(&house.token(json!({}))).await.expect_ok();
        }
        world.clock.advance(Duration::from_hours(1));
        out_of_reach(&house.ask(&house.token(json!({}))).await);
        house.issuer.becomes(Mood::Well);
        out_of_reach(&house.ask(&house.token(json!({}))).await);
        world.clock.advance(Duration::from_secs(10));
        house.ask(&house.token(json!({}))).await.expect_ok();
        house.end().await;
    }

    async fn a_server_starts_without_its_issuer_and_finds_it_later(world: World) {
        let house = House::new(&world).await;
        house.issuer.becomes(Mood::Failing);
        out_of_reach(&house.ask(&house.token(json!({}))).await);
        world.seller().await;
        house.issuer.becomes(Mood::Well);
        out_of_reach(&house.ask(&house.token(json!({}))).await);
        world.clock.advance(Duration::from_secs(10));
        house.ask(&house.token(json!({}))).await.expect_ok();
        house.end().await;
        // Where nobody listens at all it is the same.
        let nowhere = "http://127.0.0.1:1";
        let server = world.trusting(settings(nowhere, "groups", &[])).await;
        let client = crate::support::client::Client::new(server.address);
        let claims = json!({ "iss": nowhere, "aud": "other", "sub": "s", "iat": 0, "exp": 9_999_999_999_u64 });
        out_of_reach(&client.with_token(Signer::Rsa.sign(&claims)).query(WHO).await);
        server.stop().await;
    }

    async fn an_issuer_that_answers_strangely_is_not_believed(world: World) {
        let issuer = LocalIssuer::start().await;
        let with = |name: &str, value: Value| {
            let mut document = issuer.document();
            document[name] = value;
            Mood::Saying(document)
        };
        let slash = format!("{}/", issuer.url);
        for mood in [
            Mood::Failing, Mood::Redirecting, Mood::TooLong, Mood::Nonsense,
            with("issuer", json!("https://id.example")), with("issuer", json!(slash)), with("issuer", json!(null)),
            with("jwks_uri", json!(null)), with("jwks_uri", json!("http://id.example/keys")),
            with("jwks_uri", json!("file:///etc/passwd")), with("jwks_uri", json!(format!("{}/nothing", issuer.url))),
            Mood::Saying(json!([])),
        ] {
            let server = world.trusting(settings(&issuer.url, "groups", &[])).await;
            let house = House { issuer: issuer.clone(), server, clock: world.clock.clone() };
            issuer.becomes(mood.clone());
            let answer = house.ask(&house.token(json!({}))).await;
            assert_eq!(answer.status.as_u16(), 503, "{mood:?}: {answer}");
            out_of_reach(&answer);
            house.end().await;
        }
        issuer.becomes(Mood::Well);
        for keys in [json!([]), json!([{ "kty": "oct", "k": "AAAA" }]), json!([7])] {
            issuer.publish(keys.as_array().unwrap().clone());
            let server = world.trusting(settings(&issuer.url, "groups", &[])).await;
            let house = House { issuer: issuer.clone(), server, clock: world.clock.clone() };
            out_of_reach(&house.ask(&house.token(json!({}))).await);
            house.end().await;
        }
    }
}
