//! How keys end: revoked, or handed over because who answers for them leaves.

use serde_json::{Value, json};

use super::{change, key, key_with, reason, revoke, turned_away};
use crate::{
    crew,
    shared::user_id,
    support::world::{SALES_MANAGER, SELLER},
};

const LEAVE: &str = "mutation($id: ID!, $to: ID) { userDeactivate(input: { id: $id, newOwnerId: $to }) {
    handedOver userErrors { code field reason message } } }";

on_both_engines! {
    async fn a_revoked_key_ends_at_once_and_for_good(world: World) {
        let admin = world.admin().await;
        let made = key(&world, &admin, "integration").await;
        made.client.query("{ accounts { totalCount } }").await.expect_ok();
        let stale = revoke(&admin, json!({ "id": made.id, "expectedVersion": 9 })).await;
        assert_eq!(stale.user_errors("apiKeyRevoke"), ["CONFLICT expectedVersion"]);
        let now = "2026-03-02T09:00:00.000Z";
        let shown = json!({ "id": made.id, "revokedAt": now, "archivedAt": now, "version": 2 });
        let revoked = revoke(&admin, json!({ "id": made.id, "expectedVersion": 1 })).await.expect_ok();
        assert_eq!(revoked.data("apiKeyRevoke.apiKey"), &shown);
        turned_away(&made.client.query("{ __typename }").await, "API_KEY_REVOKED");
        // Once more changes nothing, and nothing brings it back.
        let again = revoke(&admin, json!({ "id": made.id })).await.expect_ok();
        assert_eq!(again.data("apiKeyRevoke.apiKey"), &shown);
        let changed = change(&admin, json!({ "id": made.id, "name": "Back" })).await;
        assert_eq!((changed.user_errors("apiKeyUpdate"), reason(&changed, "apiKeyUpdate")), (vec!["INVALID_TRANSITION id".to_owned()], "API_KEY_REVOKED"));
        for verb in ["Restore", "Archive"] {
            let document = format!("mutation {{ apiKey{verb}(input: {{ id: \"{}\" }}) {{ userErrors {{ code }} }} }}", made.id);
            assert_eq!(admin.query(&document).await.error_code(), Some("GRAPHQL_VALIDATION_FAILED"));
        }
        let listed = admin.query("{ live: apiKeys { totalCount } all: apiKeys(includeArchived: true) { nodes { id revokedAt } } }").await.expect_ok();
        assert_eq!((listed.data("live.totalCount"), listed.data("all.nodes")), (&json!(0), &json!([{ "id": made.id, "revokedAt": now }])));
    }

    async fn a_key_revokes_itself_where_its_role_lets_it(world: World) {
        super::role(&world, "self", &["ApiKey:READ:OWN", "ApiKey:DELETE:OWN"]).await;
        let admin = world.admin().await;
        let made = key(&world, &admin, "self").await;
        let other = key_with(&world, &admin, "self", json!({ "ownerId": user_id(&admin, SELLER.email).await })).await;
        assert_eq!(revoke(&made.client, json!({ "id": other.id })).await.user_errors("apiKeyRevoke"), ["NOT_FOUND id"]);
        revoke(&made.client, json!({ "id": made.id })).await.expect_ok();
        turned_away(&made.client.query("{ __typename }").await, "API_KEY_REVOKED");
        let told = admin.query("{ audit(first: 1, orderBy: [{ field: ID, direction: DESC }]) { nodes { actor { email } apiKey { id } subject { id } } } }").await;
        assert_eq!(told.expect_ok().data("audit.nodes.0"), &json!({ "actor": { "email": "ada@tandem.test" }, "apiKey": { "id": made.id }, "subject": { "id": made.id } }));
    }

    async fn who_leaves_hands_their_keys_over(world: World) {
        let admin = world.admin().await;
        let (seller, manager) = (user_id(&admin, SELLER.email).await, user_id(&admin, SALES_MANAGER.email).await);
        let own = json!({ "ownerId": seller });
        super::role(&world, "own", &["Account:READ:OWN"]).await;
        let (made, gone) = (key_with(&world, &admin, "own", own.clone()).await, key_with(&world, &admin, "own", own).await);
        revoke(&admin, json!({ "id": gone.id })).await.expect_ok();
        for (name, owner) in [("Sam's", &seller), ("Max's", &manager)] {
            crew::create(&admin, entity::Kind::Account, json!({ "name": name, "ownerId": owner })).await;
        }
        let accounts = async || {
            let answer = made.client.query("{ viewer { user { id } } accounts { nodes { name } } }").await.expect_ok();
            answer.data("accounts.nodes").as_array().unwrap().iter().map(|node| node["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(accounts().await, ["Sam's"]);
        let refused = admin.query_with(LEAVE, json!({ "id": seller })).await;
        assert_eq!(reason(&refused, "userDeactivate"), "NEW_OWNER_REQUIRED");
        let left = admin.query_with(LEAVE, json!({ "id": seller, "to": manager })).await.expect_ok();
        assert_eq!(left.data("userDeactivate.handedOver"), 2, "the account and the live key");
        let mut now = accounts().await;
        now.sort();
        assert_eq!(now, ["Max's", "Sam's"], "it acts for its new owner");
        let owner = admin.query_with("query($id: ID!) { apiKey(by: { id: $id }) { owner { id } } }", json!({ "id": made.id })).await;
        assert_eq!(owner.expect_ok().data("apiKey.owner.id"), &json!(manager));
        assert_ne!(*admin.query("{ apiKeys { nodes { id } } }").await.expect_ok().data("apiKeys.nodes.0.id"), Value::Null);
    }
}
