//! The viewer of an API key.

use serde_json::{Value, json};

use crate::{
    crew,
    shared::user_id,
    support::world::{ADMIN, SELLER},
};

const WHO: &str = "{ viewer { user { email } session { id } previewedBy { id } apiKey { id name prefix expiresAt role { key } owner { email } } } }";

on_both_engines! {
    async fn an_api_key_learns_which_it_is(world: World) {
        let admin = world.admin().await;
        let make = async |role: &str| {
            let role = admin.query_with("query($key: String!) { role(by: { key: $key }) { id } }", json!({ "key": role })).await;
            let document = "mutation($role: ID!) { apiKeyCreate(input: { name: \"Sync\", roleId: $role, expiresAt: \"2026-04-01T09:00:00Z\" }) {
                apiKey { id name prefix expiresAt } secret userErrors { code message } } }";
            let made = admin.query_with(document, json!({ "role": crew::text(&role.expect_ok(), "role.id") })).await.expect_ok();
            (made.data("apiKeyCreate.apiKey").clone(), world.anonymous().with_token(crew::text(&made, "apiKeyCreate.secret")))
        };
        for (role, sees_more) in [("integration", false), ("admin", true)] {
            let (mut shown, key) = make(role).await;
            let told = key.query(WHO).await.expect_ok();
            // By a role that sees no keys it sees itself, and nothing through itself.
            shown["role"] = if sees_more { json!({ "key": role }) } else { Value::Null };
            shown["owner"] = if sees_more { json!({ "email": ADMIN.email }) } else { Value::Null };
            assert_eq!(*told.data("viewer"), json!({ "user": { "email": ADMIN.email }, "session": null, "previewedBy": null, "apiKey": shown }));
            let sam = user_id(&admin, SELLER.email).await;
            let request = key.request(reqwest::Method::POST, "/graphql").header("tandem-preview-as", sam).json(&json!({ "query": WHO }));
            let refused = key.send(request).await;
            assert_eq!((refused.error_code(), refused.error_reason()), (Some("FORBIDDEN"), Some("PREVIEW_FORBIDDEN")), "{refused}");
        }
        assert_eq!(admin.query(WHO).await.expect_ok().data("viewer.apiKey"), &Value::Null, "a person has none");
    }
}
