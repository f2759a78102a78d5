//! When an API key is good, and what is said when it is not.

use std::{collections::BTreeSet, time::Duration};

use entity::Kind;
use reqwest::Method;
use serde_json::{Value, json};
use tandem::{access::Purpose, http::Settings};

use super::{change, key, key_with, revoke, role, role_id, rotate, turned_away};
use crate::{
    crew,
    shared::user_id,
    support::{
        client::{Answer, Client},
        world::SELLER,
    },
};

const ASK: &str = "{ accounts { totalCount } }";

/// Asks through a proxy that tells for whom.
async fn from(client: &Client, address: &str) -> Answer {
    let request = client.request(Method::POST, "/graphql").header("x-forwarded-for", address);
    client.send(request.json(&json!({ "query": ASK }))).await
}

on_both_engines! {
    async fn each_way_in_which_a_key_is_not_good_has_its_own_reason_and_words(world: World) {
        let admin = world.admin().await;
        role(&world, "to_go", &["Account:READ:ALL"]).await;
        let made = async |role: &str| key(&world, &admin, role).await;
        let (revoked, rotated, unroled) = (made("integration").await, made("integration").await, made("to_go").await);
        let owned = key_with(&world, &admin, "integration", json!({ "ownerId": user_id(&admin, SELLER.email).await })).await;
        let soon = key_with(&world, &admin, "integration", json!({ "expiresAt": "2026-03-02T09:00:01Z" })).await;
        let elsewhere = key_with(&world, &admin, "integration", json!({ "allowedNetworks": ["203.0.113.0/24"] })).await;
        let made_up = world.anonymous().with_token(format!("tdk_{}", "A".repeat(43)));
        for good in [&revoked, &rotated, &unroled, &owned, &soon] {
            good.client.query(ASK).await.expect_ok();
        }
        revoke(&admin, json!({ "id": revoked.id })).await.expect_ok();
        rotate(&admin, json!({ "id": rotated.id, "overlapMinutes": 0 })).await.expect_ok();
        // Another process deletes the role, and somebody deactivates the owner behind everybody's back.
        let backend = crew::backend(&world).await;
        let mut change = backend.as_system(Purpose::CommandLine).begin().await.unwrap();
        let role = entity::id::parse(&role_id(&admin, "to_go").await).unwrap().1;
        change.archive::<entity::role::Entity>(role, None, true).await.unwrap();
        change.commit().await.unwrap();
        crew::behind_the_back(&world, &format!("UPDATE \"user\" SET status = 'DEACTIVATED' WHERE email = '{}'", SELLER.email)).await;
        world.clock.advance(Duration::from_secs(1));
        let mut told = BTreeSet::new();
        for (client, reason) in [
            (&made_up, "API_KEY_INVALID"), (&revoked.client, "API_KEY_REVOKED"), (&rotated.client, "API_KEY_ROTATED"),
            (&soon.client, "API_KEY_EXPIRED"), (&unroled.client, "API_KEY_ROLE_REVOKED"),
            (&owned.client, "API_KEY_OWNER_DEACTIVATED"), (&elsewhere.client, "API_KEY_ADDRESS_REFUSED"),
        ] {
            let answer = client.query(ASK).await;
            turned_away(&answer, reason);
            assert!(told.insert(answer.body["errors"][0]["message"].to_string()), "{answer}");
            // Over a socket the close says why.
            let mut socket = world.anonymous().websocket().await;
            let token = client.request(Method::GET, "/").build().unwrap().headers()["authorization"].to_str().unwrap().to_owned();
            socket.send(json!({ "type": "connection_init", "payload": { "Authorization": token } })).await;
            assert_eq!(socket.closed().await, (4403, format!("Forbidden: {reason}")));
        }
        backend.db().close().await.unwrap();
    }

    async fn what_is_no_secret_is_no_key(world: World) {
        let good = key(&world, &world.admin().await, "integration").await.secret;
        for token in ["tdk_".to_owned(), good[..46].to_owned(), format!("{good}A"), good.replace("tdk_", "tdk_ "), good.to_uppercase().replace("TDK_", "tdk_")] {
            turned_away(&world.anonymous().with_token(token).query(ASK).await, "API_KEY_INVALID");
        }
        let another = world.anonymous().with_token(good.replace("tdk_", "tdx_")).query(ASK).await;
        assert_eq!(another.error_code(), Some("UNAUTHENTICATED"), "{another}");
        let padded = world.anonymous().with_token(format!("  {good}  "));
        padded.query(ASK).await.expect_ok();
    }

    async fn a_key_is_good_from_its_networks_alone_as_trusted_proxies_tell_them(world: World) {
        let settings = Settings { trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()], ..crew::generous() };
        let (proxied, running) = crew::second_server(&world, settings).await;
        let admin = world.admin().await;
        let networks = json!({ "allowedNetworks": ["203.0.113.0/24", "2001:db8::/32"] });
        let made = key_with(&world, &admin, "integration", networks).await;
        let proxied = proxied.with_token(&made.secret);
        for (address, good) in [
            ("203.0.113.9", true), ("198.51.100.7", false), ("2001:db8:1::9", true), ("2001:db9::1", false),
            ("203.0.113.200:4711", true), ("203.0.113.9, 198.51.100.7", false), ("203.0.112.255", false),
        ] {
            let answer = from(&proxied, address).await;
            if good { drop(answer.expect_ok()) } else { turned_away(&answer, "API_KEY_ADDRESS_REFUSED") }
        }
        // Nobody but a proxy that is trusted is believed.
        turned_away(&from(&made.client, "203.0.113.9").await, "API_KEY_ADDRESS_REFUSED");
        change(&admin, json!({ "id": made.id, "allowedNetworks": ["127.0.0.1"] })).await.expect_ok();
        from(&made.client, "203.0.113.9").await.expect_ok();
        running.stop().await.unwrap();
    }

    async fn a_key_s_other_role_and_its_end_hold_at_once_here_and_within_a_second_elsewhere(world: World) {
        let (elsewhere, running) = crew::second_server(&world, crew::generous()).await;
        let admin = world.admin().await;
        crew::create(&admin, Kind::Account, json!({ "name": "Acme" })).await;
        role(&world, "none", &[]).await;
        let made = key(&world, &admin, "integration").await;
        let there = elsewhere.with_token(&made.secret);
        let count = async |client: &Client| client.query(ASK).await.expect_ok().data("accounts.totalCount").clone();
        assert_eq!((count(&made.client).await, count(&there).await), (json!(1), json!(1)));
        change(&admin, json!({ "id": made.id, "roleId": role_id(&admin, "none").await })).await.expect_ok();
        assert_eq!(count(&made.client).await, 0);
        world.clock.advance(Duration::from_secs(1));
        assert_eq!(count(&there).await, 0);
        revoke(&admin, json!({ "id": made.id })).await.expect_ok();
        turned_away(&made.client.query(ASK).await, "API_KEY_REVOKED");
        world.clock.advance(Duration::from_secs(1));
        turned_away(&there.query(ASK).await, "API_KEY_REVOKED");
        running.stop().await.unwrap();
    }

    async fn its_last_use_is_noted_to_the_minute_and_tells_no_event(world: World) {
        let admin = world.admin().await;
        let made = key(&world, &admin, "integration").await;
        let document = "query($id: ID!) { apiKey(by: { id: $id }) { lastUsedAt version updatedAt }
            audit(filter: { apiKey: { id: { eq: $id } } }) { totalCount } }";
        let read = async || admin.query_with(document, json!({ "id": made.id })).await.expect_ok();
        let noted = async |at: &str| {
            for _ in 0..6_000 {
                let answer = read().await;
                if answer.data("apiKey.lastUsedAt") == at {
                    return answer;
                }
                // It is written beside the request, so that nobody waits for it.
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            panic!("never noted: {at}; {}", read().await);
        };
        assert_eq!(read().await.data("apiKey.lastUsedAt"), &Value::Null);
        made.client.query(ASK).await.expect_ok();
        let first = noted("2026-03-02T09:00:00.000Z").await;
        assert_eq!((first.data("apiKey.version"), first.data("audit.totalCount")), (&json!(1), &json!(0)));
        world.clock.advance(Duration::from_secs(59));
        made.client.query(ASK).await.expect_ok();
        world.clock.advance(Duration::from_secs(1));
        made.client.query(ASK).await.expect_ok();
        noted("2026-03-02T09:01:00.000Z").await;
        // One that is refused is not a use.
        revoke(&admin, json!({ "id": made.id })).await.expect_ok();
        world.clock.advance(Duration::from_mins(5));
        turned_away(&made.client.query(ASK).await, "API_KEY_REVOKED");
        assert_eq!(read().await.data("apiKey.lastUsedAt"), "2026-03-02T09:01:00.000Z");
    }

    async fn a_key_costs_one_statement_a_second(world: World) {
        let admin = world.admin().await;
        let made = key(&world, &admin, "integration").await;
        made.client.query(ASK).await.expect_ok();
        for _ in 0..6_000 {
            if !admin.query("{ apiKeys { nodes { lastUsedAt } } }").await.expect_ok().data("apiKeys.nodes.0.lastUsedAt").is_null() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let ask = async || world.statements(async || drop(made.client.query(ASK).await.expect_ok())).await;
        let (mut cold, mut cached) = (u64::MAX, u64::MAX);
        for _ in 0..3 {
            world.clock.advance(Duration::from_secs(1));
            cold = cold.min(ask().await);
            cached = cached.min(ask().await);
        }
        assert_eq!((cold, cached), (2, 1), "from the secret to key, role and owner; and the question itself");
        let shapeless = world.anonymous().with_token("tdk_short");
        assert_eq!(world.statements(async || drop(shapeless.query(ASK).await)).await, 0, "nobody looks for what cannot be one");
    }
}
