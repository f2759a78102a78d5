//! Which tokens are taken, and how each of the others is refused.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use entity::{session::SessionId, user::UserId};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tandem::access::token::{self, Key};

use super::{
    AUDIENCE, House, WHO,
    issuer::{PUBLIC_PEM, Signer},
    turned_away,
};
use crate::{
    crew,
    support::{
        tandem::SIGNING_KEY,
        world::{SELLER, World},
    },
};

fn part(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

/// A token of Tandem's own that was given so many seconds ago.
async fn given(world: &World, ago: i64) -> String {
    let seller = world.seller().await;
    let ids = seller.query("{ viewer { user { id } session { id } } }").await.expect_ok();
    let id = |path| entity::id::parse(&crew::text(&ids, path)).expect("an id").1;
    let (user, session) = (UserId(id("viewer.user.id")), SessionId(id("viewer.session.id")));
    let at = entity::Instant(tandem::clock::Clock::now(&*world.clock).0 - ago * 1000);
    token::sign(&Key::configured(SIGNING_KEY).unwrap(), user, session, at).unwrap().0
}

on_both_engines! {
    async fn a_token_of_the_issuer_tells_who_calls(world: World) {
        let house = House::new(&world).await;
        for signer in Signer::ALL.into_iter().filter(|signer| !matches!(signer, Signer::NextRsa)) {
            let answer = house.ask(&signer.sign(&house.claims(json!({})))).await.expect_ok();
            assert_eq!(answer.data("viewer.user.name"), "Ines Issued", "{signer:?}");
        }
        for good in [
            json!({ "aud": ["someone", AUDIENCE] }), json!({ "aud": "other" }), json!({ "nonce": "n-1", "azp": "spa" }),
            json!({ "nbf": house.time(0) }), json!({ "exp": f64::from(u32::try_from(house.time(10)).unwrap()) + 0.5 }),
            json!({ "iss": house.issuer.url, "typ": "Bearer" }),
        ] {
            house.ask(&house.token(good)).await.expect_ok();
        }
        for kind in [None, Some("JWT"), Some("at+jwt"), Some("application/at+jwt")] {
            house.ask(&house.headed(|header| header.typ = kind.map(str::to_owned))).await.expect_ok();
        }
        // Tandem's own tokens are good beside them.
        let own = house.client(&crew::token(&world, SELLER.email).await);
        assert_eq!(own.query(WHO).await.expect_ok().data("viewer.user.email"), SELLER.email);
        house.end().await;
    }

    async fn each_wrong_claim_is_refused_with_its_own_reason(world: World) {
        let house = House::new(&world).await;
        for (wrong, reason) in [
            (json!({ "iss": format!("{}/", house.issuer.url) }), "TOKEN_ISSUER"),
            (json!({ "iss": "https://id.example" }), "TOKEN_ISSUER"),
            (json!({ "aud": "someone" }), "TOKEN_AUDIENCE"),
            (json!({ "aud": ["someone", "else"] }), "TOKEN_AUDIENCE"),
            (json!({ "aud": [[AUDIENCE]] }), "TOKEN_AUDIENCE"),
            (json!({ "aud": null }), "TOKEN_AUDIENCE"),
            (json!({ "exp": house.time(-600) }), "TOKEN_EXPIRED"),
            (json!({ "exp": null }), "TOKEN_MALFORMED"),
            (json!({ "exp": "tomorrow" }), "TOKEN_MALFORMED"),
            (json!({ "exp": -1 }), "TOKEN_EXPIRED"),
            (json!({ "nbf": house.time(600) }), "TOKEN_NOT_YET_VALID"),
            (json!({ "nbf": "now" }), "TOKEN_MALFORMED"),
            (json!({ "iat": house.time(600), "exp": house.time(900) }), "TOKEN_NOT_YET_VALID"),
            (json!({ "iat": null }), "TOKEN_MALFORMED"),
            (json!({ "sub": null }), "TOKEN_MALFORMED"),
            (json!({ "sub": "" }), "TOKEN_MALFORMED"),
            (json!({ "sub": 7 }), "TOKEN_MALFORMED"),
            (json!({ "sub": "a\u{0}b" }), "TOKEN_MALFORMED"),
        ] {
            let answer = house.ask(&house.token(wrong.clone())).await;
            assert_eq!(answer.error_reason(), Some(reason), "{wrong}: {answer}");
            turned_away(&answer, reason);
        }
        let people = world.admin().await.query("{ users { totalCount } }").await.expect_ok();
        assert_eq!(people.data("users.totalCount"), crate::support::world::PEOPLE.len(), "nobody was made by a bad token");
        house.end().await;
    }

    async fn each_wrong_header_is_refused_with_its_own_reason(world: World) {
        let house = House::new(&world).await;
        let good = house.token(json!({}));
        let [head, claims, signature] = good.split('.').collect::<Vec<_>>().try_into().expect("a token has three parts");
        let kid = Signer::Rsa.kid();
        for none in ["none", "None", "NONE", ""] {
            let head = part(&json!({ "alg": none, "kid": kid, "typ": "JWT" }));
            turned_away(&house.ask(&format!("{head}.{claims}.")).await, "TOKEN_ALGORITHM");
            turned_away(&house.ask(&format!("{head}.{claims}.{signature}")).await, "TOKEN_ALGORITHM");
        }
        // Whoever has the public key could sign so, if the algorithm were taken from the token alone.
        let modulus = Signer::Rsa.jwk()["n"].as_str().unwrap().to_owned();
        for secret in [PUBLIC_PEM, PUBLIC_PEM.trim(), modulus.as_str()] {
            for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
                let header = Header { kid: Some(kid.clone()), ..Header::new(algorithm) };
                let forged = jsonwebtoken::encode(&header, &house.claims(json!({})), &EncodingKey::from_secret(secret.as_bytes()));
                turned_away(&house.ask(&forged.unwrap()).await, "TOKEN_ALGORITHM");
            }
        }
        turned_away(&house.ask(&house.headed(|header| header.kid = Some(Signer::P256.kid()))).await, "TOKEN_ALGORITHM");
        turned_away(&house.ask(&house.headed(|header| header.kid = Some("nobody".to_owned()))).await, "TOKEN_KEY_UNKNOWN");
        turned_away(&house.ask(&house.headed(|header| header.typ = Some("logout+jwt".to_owned()))).await, "TOKEN_MALFORMED");
        turned_away(&house.ask(&house.headed(|header| header.crit = Some(vec!["exp".to_owned()]))).await, "TOKEN_MALFORMED");
        let turned: String = signature.chars().rev().collect();
        for signature in ["", "AAAA", "!", turned.as_str()] {
            turned_away(&house.ask(&format!("{head}.{claims}.{signature}")).await, "TOKEN_SIGNATURE");
        }
        let other = part(&house.claims(json!({ "sub": "the boss" })));
        turned_away(&house.ask(&format!("{head}.{other}.{signature}")).await, "TOKEN_SIGNATURE");
        let impostor = Header { kid: Some(kid), ..Signer::NextRsa.header() };
        turned_away(&house.ask(&Signer::NextRsa.sign_with(&impostor, &house.claims(json!({})))).await, "TOKEN_SIGNATURE");
        house.ask(&good).await.expect_ok();
        house.end().await;
    }

    async fn a_key_that_a_token_brings_along_is_not_looked_at(world: World) {
        let house = House::new(&world).await;
        let thief = |kid: Option<String>| Header {
            kid,
            jku: Some(format!("{}/keys", house.issuer.url)),
            x5u: Some(format!("{}/keys", house.issuer.url)),
            jwk: Some(serde_json::from_value(Signer::NextRsa.jwk()).unwrap()),
            ..Signer::NextRsa.header()
        };
        let sign = |kid| Signer::NextRsa.sign_with(&thief(kid), &house.claims(json!({})));
        turned_away(&house.ask(&sign(Some(Signer::Rsa.kid()))).await, "TOKEN_SIGNATURE");
        turned_away(&house.ask(&sign(Some(Signer::NextRsa.kid()))).await, "TOKEN_KEY_UNKNOWN");
        house.end().await;
    }

    async fn a_key_serves_only_for_what_the_issuer_meant_it(world: World) {
        let house = House::new(&world).await;
        let key = |changes: Value| {
            let mut key = Signer::P384.jwk();
            key.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            key
        };
        let mut secret = json!({ "kty": "oct", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode("a secret that somebody has published") });
        secret["kid"] = "secret".into();
        house.issuer.publish(vec![Signer::Rsa.jwk(), key(json!({ "use": "enc" })), secret]);
        turned_away(&house.ask(&Signer::P384.sign(&house.claims(json!({})))).await, "TOKEN_KEY_UNKNOWN");
        // The same RSA key, published for RS256 alone, verifies no other algorithm.
        let pss = Header { kid: Some(Signer::Rsa.kid()), ..Signer::Ps256.header() };
        turned_away(&house.ask(&Signer::Ps256.sign_with(&pss, &house.claims(json!({})))).await, "TOKEN_ALGORITHM");
        // Without a name, the one key that fits is meant.
        house.ask(&house.headed(|header| header.kid = None)).await.expect_ok();
        house.issuer.publish(vec![Signer::Rsa.jwk(), Signer::NextRsa.jwk()]);
        world.clock.advance(Duration::from_mins(11));
        turned_away(&house.ask(&house.headed(|header| header.kid = None)).await, "TOKEN_KEY_UNKNOWN");
        house.end().await;
    }

    async fn what_is_no_token_of_anybody_is_refused_as_ever(world: World) {
        let house = House::new(&world).await;
        let good = house.token(json!({}));
        let signed_with_it = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &json!({ "iss": "tandem" }),
            &EncodingKey::from_secret(PUBLIC_PEM.as_bytes())).unwrap();
        for nonsense in ["nonsense", "a.b.c", "..", "e30.e30.", &good[..40], &good.replace('.', ""), &"x".repeat(8_000), &signed_with_it] {
            let answer = house.ask(nonsense).await;
            assert_eq!((answer.status.as_u16(), answer.error_code()), (401, Some("UNAUTHENTICATED")), "{nonsense}: {answer}");
        }
        // Who trusts no issuer takes none of its tokens.
        turned_away(&world.anonymous().with_token(good).query(WHO).await, "TOKEN_INVALID");
        house.end().await;
    }

    async fn clocks_may_differ_by_a_minute_and_not_by_more(world: World) {
        let house = House::new(&world).await;
        for (claims, good) in [
            (json!({ "exp": house.time(-59) }), Ok(())), (json!({ "exp": house.time(-61) }), Err("TOKEN_EXPIRED")),
            (json!({ "iat": house.time(59) }), Ok(())), (json!({ "iat": house.time(61) }), Err("TOKEN_NOT_YET_VALID")),
            (json!({ "nbf": house.time(59) }), Ok(())), (json!({ "nbf": house.time(61) }), Err("TOKEN_NOT_YET_VALID")),
        ] {
            let answer = house.ask(&house.token(claims)).await;
            match good {
                Ok(()) => drop(answer.expect_ok()),
                Err(reason) => turned_away(&answer, reason),
            }
        }
        let late = house.ask(&house.token(json!({ "iat": house.time(61) }))).await;
        assert!(late.body["errors"][0]["message"].as_str().unwrap().contains("clocks"), "{late}");
        // The same for Tandem's own.
        let lifetime = token::LIFETIME;
        for (ago, good) in [
            (0, Ok(())), (lifetime + 59, Ok(())), (lifetime + 61, Err("TOKEN_EXPIRED")),
            (-59, Ok(())), (-61, Err("TOKEN_NOT_YET_VALID")),
        ] {
            let answer = world.anonymous().with_token(given(&world, ago).await).query(WHO).await;
            match good {
                Ok(()) => drop(answer.expect_ok()),
                Err(reason) => turned_away(&answer, reason),
            }
        }
        house.end().await;
    }

    async fn a_token_ends_with_its_time_and_open_sockets_with_it(world: World) {
        let house = House::new(&world).await;
        let client = house.welcome(json!({ "exp": house.time(30) })).await;
        let events = client.subscribe("subscription { events { cursor } }", json!({})).await;
        world.clock.advance(Duration::from_secs(89));
        client.query(WHO).await.expect_ok();
        world.clock.advance(Duration::from_secs(2));
        assert_eq!(events.into_socket().last_words().await.0, 4403);
        turned_away(&client.query(WHO).await, "TOKEN_EXPIRED");
        house.end().await;
    }
}
