//! Making API keys: what they take, who may, and that the secret is shown once.

use serde_json::{Value, json};

use super::{IN_A_MONTH, change, create, everything_stored, key, key_with, once, reason, role, role_id, rotate};
use crate::{
    crew,
    shared::user_id,
    support::world::{SELLER, TEAM_MATE},
};
use entity::Department;

on_both_engines! {
    async fn a_key_s_secret_is_shown_once_and_never_again(world: World) {
        let admin = world.admin().await;
        let made = key(&world, &admin, "integration").await;
        assert!(made.secret.starts_with("tdk_") && made.secret.len() == 47, "{}", made.secret);
        let all = "{ apiKeys { nodes { id name prefix expiresAt allowedNetworks lastUsedAt rotatedAt revokedAt
            owner { email } role { key } } } audit { nodes { action requestId apiKey { id } subject { id } } } }";
        let answer = admin.query(all).await.expect_ok();
        let shown = json!({
            "id": made.id, "name": "Sync", "prefix": made.secret[..12], "expiresAt": IN_A_MONTH, "allowedNetworks": [],
            "lastUsedAt": null, "rotatedAt": null, "revokedAt": null,
            "owner": { "email": "ada@tandem.test" }, "role": { "key": "integration" },
        });
        assert_eq!(answer.data("apiKeys.nodes.0"), &shown);
        let rotated = rotate(&admin, json!({ "id": made.id })).await.expect_ok();
        let next = crew::text(&rotated, "apiKeyRotate.secret");
        let stored = everything_stored(&world).await;
        assert!(stored.iter().any(|text| text.contains(&next[..12])), "the prefix is kept: {stored:?}");
        let again = admin.query(all).await.expect_ok().to_string();
        for secret in [&made.secret, &next] {
            assert!(!again.contains(&secret[12..]) && !stored.iter().any(|text| text.contains(&secret[12..])));
            // Nor is it repeated to whoever presents it wrongly.
            let wrong = world.anonymous().with_token(format!("{secret}x")).query("{ __typename }").await;
            assert!(!wrong.body.to_string().contains(&secret[12..]), "{wrong}");
        }
    }

    async fn what_a_key_takes_is_checked(world: World) {
        let admin = world.admin().await;
        let role = role_id(&admin, "integration").await;
        let good = json!({ "name": "Sync", "roleId": role, "expiresAt": IN_A_MONTH });
        let many: Vec<String> = (0..101).map(|n| format!("10.0.0.{n}")).collect();
        let deleted = "role_00000000000000000000000001";
        for (field, value, expected) in [
            ("name", json!("  "), "REQUIRED name"),
            ("name", json!("x".repeat(1_001)), "TOO_LONG name"),
            ("expiresAt", json!("2026-03-02T09:00:00Z"), "OUT_OF_RANGE expiresAt"),
            ("expiresAt", json!("2027-03-03T09:00:00.001Z"), "OUT_OF_RANGE expiresAt"),
            ("roleId", json!(deleted), "NOT_FOUND roleId"),
            ("roleId", json!(user_id(&admin, SELLER.email).await), "INVALID roleId"),
            ("ownerId", json!("user_00000000000000000000000001"), "NOT_FOUND ownerId"),
            ("allowedNetworks", json!(["10.0.0.0/8", "here", "::1"]), "INVALID allowedNetworks.1"),
            ("allowedNetworks", json!(many), "TOO_LONG allowedNetworks"),
        ] {
            let mut input = good.clone();
            input[field] = value;
            let answer = create(&admin, input).await;
            assert_eq!(answer.user_errors("apiKeyCreate"), [expected]);
            assert!(answer.data("apiKeyCreate.secret").is_null() && answer.data("apiKeyCreate.apiKey").is_null());
        }
        for missing in ["name", "roleId", "expiresAt"] {
            let mut input = good.clone();
            input.as_object_mut().unwrap().shift_remove(missing);
            assert_eq!(create(&admin, input).await.error_code(), Some("BAD_USER_INPUT"), "there is no default {missing}");
        }
        let answer = admin.query("{ apiKeys(includeArchived: true) { totalCount } }").await.expect_ok();
        assert_eq!(answer.data("apiKeys.totalCount"), 0);
    }

    async fn networks_are_kept_in_one_spelling(world: World) {
        let admin = world.admin().await;
        let networks = json!({ "allowedNetworks": ["203.0.113.7/24", "203.0.113.0/24", "2001:DB8::5", "::ffff:10.0.0.1"] });
        let made = key_with(&world, &admin, "integration", networks).await;
        let shown = admin.query_with("query($id: ID!) { apiKey(by: { id: $id }) { allowedNetworks } }", json!({ "id": made.id })).await;
        assert_eq!(shown.expect_ok().data("apiKey.allowedNetworks"), &json!(["203.0.113.0/24", "2001:db8::5/128", "10.0.0.1/32"]));
        let changed = change(&admin, json!({ "id": made.id, "allowedNetworks": ["198.51.100.9"] })).await.expect_ok();
        assert_eq!(changed.data("apiKeyUpdate.apiKey.allowedNetworks"), &json!(["198.51.100.9/32"]));
        let wrong = change(&admin, json!({ "id": made.id, "allowedNetworks": ["198.51.100.9", "/8"] })).await;
        assert_eq!(wrong.user_errors("apiKeyUpdate"), ["INVALID allowedNetworks.1"]);
        let late = change(&admin, json!({ "id": made.id, "expiresAt": "2028-01-01T00:00:00Z" })).await;
        assert_eq!(late.user_errors("apiKeyUpdate"), ["OUT_OF_RANGE expiresAt"]);
        let free = change(&admin, json!({ "id": made.id, "allowedNetworks": [] })).await.expect_ok();
        assert_eq!(free.data("apiKeyUpdate.apiKey.allowedNetworks"), &json!([]));
    }

    async fn nobody_gives_a_key_more_than_they_hold(world: World) {
        role(&world, "keeper", &[
            "ApiKey:READ:ALL", "ApiKey:CREATE:ALL", "ApiKey:UPDATE:ALL", "ApiKey:DELETE:ALL", "ApiKey:ASSIGN:ALL",
            "Role:READ:ALL", "User:READ:ALL", "Account:READ:TEAM",
        ]).await;
        role(&world, "narrow", &["Account:READ:OWN"]).await;
        role(&world, "wide", &["Account:READ:ALL"]).await;
        let admin = world.admin().await;
        let keeper = crew::hire(&world, "kim@tandem.test", "keeper", Department::It).await.client;
        let input = async |role: &str| json!({ "name": "Sync", "roleId": role_id(&admin, role).await, "expiresAt": IN_A_MONTH });
        for beyond in ["wide", "integration", "admin"] {
            let answer = create(&keeper, input(beyond).await).await;
            assert_eq!(answer.user_errors("apiKeyCreate"), ["FORBIDDEN roleId"], "{beyond}");
            assert_eq!(reason(&answer, "apiKeyCreate"), "EXCEEDS_OWN_PERMISSIONS");
        }
        let made = key(&world, &keeper, "narrow").await;
        let widened = change(&keeper, json!({ "id": made.id, "roleId": role_id(&admin, "wide").await })).await;
        assert_eq!(widened.user_errors("apiKeyUpdate"), ["FORBIDDEN roleId"]);
        // Whose secret one gets, as that one acts.
        let strong = key(&world, &admin, "admin").await;
        let taken = rotate(&keeper, json!({ "id": strong.id })).await;
        assert_eq!(taken.user_errors("apiKeyRotate"), ["FORBIDDEN id"]);
        assert_eq!(*taken.data("apiKeyRotate.secret"), Value::Null);
        strong.client.query("{ __typename }").await.expect_ok();
        rotate(&keeper, json!({ "id": made.id })).await.expect_ok();
    }

    async fn a_key_of_somebody_else_takes_a_permission(world: World) {
        role(&world, "maker", &["ApiKey:READ:ALL", "ApiKey:CREATE:ALL", "ApiKey:UPDATE:ALL", "Role:READ:ALL", "User:READ:ALL"]).await;
        role(&world, "nothing", &[]).await;
        let admin = world.admin().await;
        let maker = crew::hire(&world, "mo@tandem.test", "maker", Department::It).await;
        let (seller, mate) = (user_id(&admin, SELLER.email).await, user_id(&admin, TEAM_MATE.email).await);
        let mut input = json!({ "name": "Sync", "roleId": role_id(&admin, "nothing").await, "expiresAt": IN_A_MONTH, "ownerId": seller });
        let other = create(&maker.client, input.clone()).await;
        assert_eq!(other.user_errors("apiKeyCreate"), ["FORBIDDEN ownerId"]);
        input["ownerId"] = json!(maker.id);
        let own = create(&maker.client, input.clone()).await.expect_ok();
        let id = crew::text(&own, "apiKeyCreate.apiKey.id");
        let given = change(&maker.client, json!({ "id": id, "ownerId": seller })).await;
        assert_eq!(given.user_errors("apiKeyUpdate"), ["FORBIDDEN ownerId"]);
        let given = change(&admin, json!({ "id": id, "ownerId": seller })).await.expect_ok();
        assert_eq!(given.data("apiKeyUpdate.apiKey.owner.id"), &json!(seller));
        // Who has left answers for nothing.
        admin.query_with("mutation($id: ID!) { userDeactivate(input: { id: $id }) { userErrors { code message } } }", json!({ "id": mate })).await.expect_ok();
        input["ownerId"] = json!(mate);
        for answer in [create(&admin, input).await, change(&admin, json!({ "id": id, "ownerId": mate })).await] {
            assert!(answer.to_string().contains("OWNER_DEACTIVATED"), "{answer}");
        }
    }

    async fn a_secret_is_not_kept_to_be_told_again(world: World) {
        let admin = world.admin().await;
        let role = role_id(&admin, "integration").await;
        let create = format!("mutation {{ apiKeyCreate(input: {{ name: \"Sync\", roleId: \"{role}\", expiresAt: \"{IN_A_MONTH}\" }}) {{ apiKey {{ id }} secret userErrors {{ code field reason }} }} }}");
        let answer = once(&admin, "the-same", &create).await;
        assert_eq!(answer.error_reason(), Some("IDEMPOTENCY_UNSUPPORTED"), "{answer}");
        let id = key(&world, &admin, "integration").await.id;
        let rotate = format!("mutation {{ apiKeyRotate(input: {{ id: \"{id}\" }}) {{ secret userErrors {{ code field reason }} }} }}");
        let answer = once(&admin, "the-same", &rotate).await;
        assert_eq!(answer.error_reason(), Some("IDEMPOTENCY_UNSUPPORTED"), "{answer}");
        assert_eq!(admin.query("{ apiKeys { totalCount } }").await.expect_ok().data("apiKeys.totalCount"), 1);
    }
}
