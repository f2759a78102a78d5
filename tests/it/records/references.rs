//! Records named by what an integration knows them by: in inputs beside the id, and in filters.

use serde_json::{Value, json};

use crate::{
    shared::{archive, create, create_all, mutate, names, pipeline, user_id},
    support::{
        client::{Answer, Client},
        world::{ADMIN, SELLER},
    },
};

fn crm(id: &str) -> Value {
    json!({ "external": { "system": "crm", "id": id } })
}

/// An account that the CRM knows by this id.
async fn known(client: &Client, name: &str, id: &str) -> String {
    create(client, "account", json!({ "name": name, "externalIds": [{ "system": "crm", "id": id }] })).await
}

async fn found(client: &Client, list: &str, kind: &str, filter: Value) -> Answer {
    let document = format!(
        "query ($filter: {kind}Filter!) {{ {list}(filter: $filter, orderBy: [{{ field: NAME }}]) {{ nodes {{ name }} }} }}"
    );
    client.query_with(&document, json!({ "filter": filter })).await
}

on_both_engines! {
    async fn a_record_is_named_by_an_external_id_or_a_unique_field_instead_of_its_id(world: World) {
        let admin = world.admin().await;
        let (_, [open, ..]) = pipeline(&admin, "New business").await;
        let acme = known(&admin, "Acme", "1").await;
        let globex = create(&admin, "account", json!({ "name": "Globex", "domain": "globex.example" })).await;
        let seller = user_id(&admin, SELLER.email).await;
        let select = "account { id } owner { id }";
        let made = mutate(&admin, "deal", "Create", json!({
            "name": "Wheels", "stage": { "id": open }, "account": crm("1"), "owner": { "email": SELLER.email.to_uppercase() },
        }), select).await.expect_ok();
        assert_eq!(made.data("dealCreate.deal.account.id"), &json!(acme));
        assert_eq!(made.data("dealCreate.deal.owner.id"), &json!(seller));
        let id = made.data("dealCreate.deal.id").clone();
        let moved = mutate(&admin, "deal", "Update", json!({ "id": id, "account": { "domain": "GLOBEX.example" }, "owner": null }), select).await.expect_ok();
        assert_eq!(moved.data("dealUpdate.deal.account.id"), &json!(globex));
        assert_eq!(moved.data("dealUpdate.deal.owner"), &Value::Null);
    }

    async fn a_reference_that_leads_nowhere_is_refused_at_its_field(world: World) {
        let admin = world.admin().await;
        let gone = known(&admin, "Gone", "2").await;
        archive(&admin, "account", &gone).await;
        for (input, expected) in [
            (json!({ "account": crm("1") }), "NOT_FOUND account"),
            (json!({ "account": crm("2") }), "NOT_FOUND account"),
            (json!({ "owner": { "email": "nobody@acme.example" } }), "NOT_FOUND owner"),
            (json!({ "account": { "id": "lead_01h" } }), "INVALID account"),
            (json!({ "account": crm("1"), "accountId": gone }), "INVALID account"),
        ] {
            let mut input = input;
            input["name"] = json!("L");
            let refused = mutate(&admin, "lead", "Create", input.clone(), "").await;
            assert_eq!(refused.user_errors("leadCreate"), [expected], "{input}");
        }
        let needed = mutate(&admin, "deal", "Create", json!({ "name": "D" }), "").await;
        assert_eq!(needed.user_errors("dealCreate"), ["REQUIRED stageId"]);
    }

    async fn a_reference_finds_what_its_sender_may_see_and_nothing_else(world: World) {
        let (admin, seller) = (world.admin().await, world.seller().await);
        known(&admin, "Acme", "1").await;
        let mine = user_id(&admin, SELLER.email).await;
        let own = create(&admin, "account", json!({ "name": "Mine", "ownerId": mine, "externalIds": [{ "system": "crm", "id": "3" }] })).await;
        let refused = mutate(&seller, "lead", "Create", json!({ "name": "L", "account": crm("1") }), "").await;
        assert_eq!(refused.user_errors("leadCreate"), ["NOT_FOUND account"]);
        let made = mutate(&seller, "lead", "Create", json!({ "name": "L", "account": crm("3") }), "account { id }").await.expect_ok();
        assert_eq!(made.data("leadCreate.lead.account.id"), &json!(own));
    }

    async fn items_of_a_bulk_are_looked_up_together_and_refused_apart(world: World) {
        let admin = world.admin().await;
        for n in 0..4 {
            known(&admin, &format!("A{n}"), &n.to_string()).await;
        }
        let document = "mutation ($input: LeadBulkUpsertInput!) { leadBulkUpsert(input: $input) {
            results { status node { account { name } } userErrors { code field index } } userErrors { code } } }";
        let items = |count: usize| -> Vec<Value> {
            (0..count).map(|n| json!({ "name": format!("L{n}"), "account": crm(&(n % 5).to_string()) })).collect()
        };
        let send = async |count: usize| admin.query_with(document, json!({ "input": { "items": items(count) } })).await;
        let answer = send(5).await.expect_ok();
        let results = answer.data("leadBulkUpsert.results").as_array().expect("results").clone();
        let accounts: Vec<&Value> = results.iter().map(|result| &result["node"]["account"]["name"]).collect();
        assert_eq!(accounts, [&json!("A0"), &json!("A1"), &json!("A2"), &json!("A3"), &Value::Null]);
        assert_eq!(results[4]["userErrors"], json!([{ "code": "NOT_FOUND", "field": ["account"], "index": 4 }]));
        // One look-up for all: what two items cost more than one is their own.
        let cost = async |count: usize| world.statements(async || drop(send(count).await)).await;
        let (two, four) = (cost(2).await, cost(4).await);
        let three = cost(3).await;
        assert_eq!(three - two, four - three, "{two} {three} {four}");
    }

    async fn lists_find_records_by_the_ids_that_others_have_for_them(world: World) {
        let admin = world.admin().await;
        known(&admin, "Acme", "1").await;
        known(&admin, "Globex", "2").await;
        create(&admin, "account", json!({ "name": "Initech" })).await;
        for (filter, expected) in [
            (json!({ "external": { "system": "crm", "id": "1" } }), vec!["Acme"]),
            (json!({ "external": { "system": "crm", "in": ["1", "2", "9"] } }), vec!["Acme", "Globex"]),
            (json!({ "external": { "system": "crm", "in": [] } }), vec![]),
            (json!({ "external": { "system": "crm" } }), vec!["Acme", "Globex"]),
            (json!({ "external": { "system": "crm", "isNull": true } }), vec!["Initech"]),
            (json!({ "external": { "system": "erp", "isNull": false } }), vec![]),
            (json!({ "not": { "external": { "system": "crm", "id": "1" } } }), vec!["Globex", "Initech"]),
        ] {
            let answer = found(&admin, "accounts", "Account", filter.clone()).await.expect_ok();
            assert_eq!(names(&answer, "accounts", "name"), expected, "{filter}");
        }
        let refused = found(&admin, "accounts", "Account", json!({ "external": { "system": "crm", "id": null } })).await;
        assert_eq!(refused.error_code(), Some("BAD_USER_INPUT"));
    }

    async fn lists_find_records_by_the_id_of_a_related_one_and_by_whether_there_is_one(world: World) {
        let admin = world.admin().await;
        let (seller, ids) = (user_id(&admin, SELLER.email).await, ["Acme", "Globex"]);
        create_all(&admin, "account", vec![json!({ "name": ids[0], "ownerId": seller }), json!({ "name": ids[1] })]).await;
        let boss = user_id(&admin, ADMIN.email).await;
        for (filter, expected) in [
            (json!({ "ownerId": { "eq": seller } }), vec!["Acme"]),
            (json!({ "ownerId": { "in": [seller, boss] } }), vec!["Acme"]),
            (json!({ "ownerId": { "ne": seller } }), vec!["Globex"]),
            (json!({ "ownerId": { "notIn": [boss] } }), vec!["Acme", "Globex"]),
            (json!({ "ownerId": { "isNull": true } }), vec!["Globex"]),
            (json!({ "ownerId": { "isNull": false } }), vec!["Acme"]),
            // An empty test tests nothing.
            (json!({ "ownerId": {} }), vec!["Acme", "Globex"]),
            (json!({ "owner": {} }), vec!["Acme", "Globex"]),
            (json!({ "owner": { "name": { "isNull": false } } }), vec!["Acme"]),
        ] {
            let answer = found(&admin, "accounts", "Account", filter.clone()).await.expect_ok();
            assert_eq!(names(&answer, "accounts", "name"), expected, "{filter}");
        }
        let refused = found(&admin, "accounts", "Account", json!({ "ownerId": { "eq": "acct_1" } })).await;
        assert_eq!(refused.error_code(), Some("BAD_USER_INPUT"));
    }
}
