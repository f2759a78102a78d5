//! What no input may hold, and codes of standards in filters.

use serde_json::{Value, json};

use crate::{
    shared::{create, mutate, names, pipeline},
    support::client::Client,
};

async fn found(client: &Client, filter: Value) -> Vec<String> {
    let document = "query ($filter: AccountFilter) { accounts(filter: $filter) { nodes { name } } }";
    names(&client.query_with(document, json!({ "filter": filter })).await.expect_ok(), "accounts", "name")
}

on_both_engines! {
    async fn a_nul_is_refused_wherever_a_text_goes(world: World) {
        let admin = world.admin().await;
        let nul = "a\u{0}b";
        for (document, variables) in [
            ("query ($v: AccountFilter) { accounts(filter: $v) { nodes { id } } }", json!({ "v": { "name": { "in": ["x", nul] } } })),
            ("query ($v: AccountFilter) { accounts(filter: $v) { nodes { id } } }", json!({ "v": { "or": [{ "contacts": { "some": { "email": { "eq": nul } } } }] } })),
            ("query ($v: AccountRef!) { account(by: $v) { id } }", json!({ "v": { "external": { "system": "crm", "id": nul } } })),
            ("query ($v: AccountRef!) { account(by: $v) { id } }", json!({ "v": { "domain": nul } })),
            ("query ($v: String) { accounts(search: $v) { nodes { id } } }", json!({ "v": nul })),
            ("mutation ($v: AccountCreateInput!) { accountCreate(input: $v) { account { id } } }", json!({ "v": { "name": nul } })),
            ("mutation ($v: AccountCreateInput!) { accountCreate(input: $v) { account { id } } }", json!({ "v": { "name": "A", "externalIds": [{ "system": nul, "id": "1" }] } })),
            ("mutation ($v: PersonaCreateInput!) { personaCreate(input: $v) { persona { id } } }", json!({ "v": { "name": "A", "goals": [nul] } })),
            ("mutation ($v: AccountBulkUpsertInput!) { accountBulkUpsert(input: $v) { results { status } } }", json!({ "v": { "items": [{ "name": nul }] } })),
        ] {
            let refused = admin.query_with(document, variables).await;
            assert_eq!((refused.status.as_u16(), refused.error_code()), (400, Some("BAD_USER_INPUT")), "{document}: {refused}");
            assert_eq!(refused.error_reason(), Some("CONTROL_CHARACTER"), "{document}");
        }
        for literal in ["\"a\\u0000b\"", "\"a\\u{0}b\""] {
            let refused = admin.query(&format!("{{ accounts(filter: {{ name: {{ in: [{literal}] }} }}) {{ nodes {{ id }} }} }}")).await;
            assert_eq!(refused.status.as_u16(), 400, "{literal}: {refused}");
        }
        // A backslash before a `u` is text like any other.
        admin.query("{ accounts(filter: { name: { eq: \"\\\\u0000\" } }) { nodes { id } } }").await.expect_ok();
    }

    async fn other_control_characters_are_refused_in_lists_and_external_ids(world: World) {
        let admin = world.admin().await;
        let goals = mutate(&admin, "persona", "Create", json!({ "name": "A", "goals": ["x", "a\u{7}"] }), "").await;
        assert_eq!(goals.user_errors("personaCreate"), ["INVALID goals"]);
        let ids = mutate(&admin, "account", "Create", json!({ "name": "A", "externalIds": [{ "system": "crm", "id": "a\u{1b}[0m" }] }), "").await;
        assert_eq!(ids.user_errors("accountCreate"), ["INVALID externalIds.0"]);
    }

    async fn codes_are_compared_in_either_case(world: World) {
        let admin = world.admin().await;
        create(&admin, "account", json!({ "name": "A", "country": "de", "annualRevenue": { "amount": "12000000000000000", "currency": "idr" } })).await;
        assert_eq!(found(&admin, json!({ "country": { "eq": "de" } })).await, ["A"]);
        assert_eq!(found(&admin, json!({ "country": { "in": ["at", "De"] } })).await, ["A"]);
        assert_eq!(found(&admin, json!({ "annualRevenue": { "currency": "idr", "gte": "12000000000000000" } })).await, ["A"]);
        for (filter, hint) in [(json!({ "country": { "eq": "UK" } }), "use GB"), (json!({ "annualRevenue": { "currency": "RMB", "gt": "1" } }), "use CNY"), (json!({ "annualRevenue": { "currency": "EUR", "gt": "1e3" } }), "not a decimal")] {
            let document = "query ($filter: AccountFilter) { accounts(filter: $filter) { nodes { name } } }";
            let refused = admin.query_with(document, json!({ "filter": filter })).await;
            assert_eq!(refused.error_code(), Some("BAD_USER_INPUT"), "{refused}");
            assert!(refused.to_string().contains(hint), "{refused}");
        }
    }

    async fn a_deal_is_closed_at_most_a_day_ahead(world: World) {
        let admin = world.admin().await;
        let (_, [_, won, _]) = pipeline(&admin, "New").await;
        let close = async |at: &str| mutate(&admin, "deal", "Create", json!({ "name": "D", "stageId": won, "closedAt": at }), "closedAt").await;
        close("2026-03-03T08:00:00Z").await.expect_ok();
        for at in ["2026-03-04T09:00:00Z", "2090-01-01T00:00:00Z"] {
            assert_eq!(close(at).await.user_errors("dealCreate"), ["INVALID closedAt"], "{at}");
        }
    }
}
