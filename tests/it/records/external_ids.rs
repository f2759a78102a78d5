//! Names that other systems have for records: told in the audit, taken away, given to another, and not for everybody.

use serde_json::{Value, json};

use crate::{
    crew,
    shared::create,
    support::client::{Answer, Client},
};

fn crm(id: &str) -> Value {
    json!({ "system": "crm", "id": id })
}

async fn update(client: &Client, input: Value) -> Answer {
    let document = "mutation ($input: AccountUpdateInput!) { accountUpdate(input: $input) {
        account { version externalIds { system id } } userErrors { code field reason } } }";
    client.query_with(document, json!({ "input": input })).await
}

async fn move_to(client: &Client, id: &str, to: &str) -> Answer {
    let document = "mutation ($input: ExternalIdMoveInput!) { externalIdMove(input: $input) {
        node { id ... on Account { version externalIds { id } } } previous { id } userErrors { code field } } }";
    client.query_with(document, json!({ "input": { "system": "crm", "id": id, "toId": to } })).await
}

/// What the events of a record tell of its names, oldest first: before and after.
async fn told(client: &Client, record: &str) -> Vec<(Value, Value)> {
    let document = "query ($filter: EventFilter!) { audit(first: 50, filter: $filter) { nodes { changes { field before after } } } }";
    let filter = json!({ "subject": { "eq": record }, "field": { "eq": "externalIds" } });
    let answer = client.query_with(document, json!({ "filter": filter })).await.expect_ok();
    let nodes = answer.data("audit.nodes").as_array().expect("events");
    let changes = nodes.iter().flat_map(|node| node["changes"].as_array().expect("changes"));
    let names = changes.filter(|change| change["field"] == "externalIds");
    names.map(|change| (change["before"].clone(), change["after"].clone())).collect()
}

on_both_engines! {
    async fn every_change_of_an_external_id_is_told_in_the_audit(world: World) {
        let admin = world.admin().await;
        let acme = create(&admin, "account", json!({ "name": "Acme", "externalIds": [crm("1")] })).await;
        for input in [
            json!({ "id": acme, "externalIds": [crm("2"), crm("1")] }),
            json!({ "id": acme, "externalIds": [crm("1")] }),
            json!({ "id": acme, "removeExternalIds": [crm("1"), crm("9")] }),
        ] {
            update(&admin, input).await.expect_ok();
        }
        assert_eq!(told(&admin, &acme).await, [
            (json!(null), json!([crm("1")])),
            (json!([crm("1")]), json!([crm("1"), crm("2")])),
            (json!([crm("1"), crm("2")]), json!([crm("2")])),
        ]);
    }

    async fn an_external_id_that_is_taken_away_is_free_for_others(world: World) {
        let admin = world.admin().await;
        let acme = create(&admin, "account", json!({ "name": "Acme", "externalIds": [crm("1")] })).await;
        let globex = create(&admin, "account", json!({ "name": "Globex" })).await;
        let taken = update(&admin, json!({ "id": globex, "externalIds": [crm("1")] })).await;
        assert_eq!(taken.user_errors("accountUpdate"), ["TAKEN externalIds"]);
        // One that it does not have changes nothing.
        let same = update(&admin, json!({ "id": globex, "removeExternalIds": [crm("1")] })).await.expect_ok();
        assert_eq!(same.data("accountUpdate.account.version"), 1);
        let gone = update(&admin, json!({ "id": acme, "removeExternalIds": [crm("1")] })).await.expect_ok();
        assert_eq!(gone.data("accountUpdate.account"), &json!({ "version": 2, "externalIds": [] }));
        update(&admin, json!({ "id": globex, "externalIds": [crm("1")] })).await.expect_ok();
        let refused = update(&admin, json!({ "id": acme, "removeExternalIds": [{ "system": "", "id": "1" }] })).await;
        assert_eq!(refused.user_errors("accountUpdate"), ["INVALID removeExternalIds.0"]);
    }

    async fn an_external_id_moves_to_another_record_in_one_step(world: World) {
        let admin = world.admin().await;
        let acme = create(&admin, "account", json!({ "name": "Acme", "externalIds": [crm("1"), crm("2")] })).await;
        let globex = create(&admin, "account", json!({ "name": "Globex" })).await;
        let moved = move_to(&admin, "1", &globex).await.expect_ok();
        let expected = json!({ "id": globex, "version": 2, "externalIds": [{ "id": "1" }] });
        assert_eq!(moved.data("externalIdMove.node"), &expected);
        assert_eq!(moved.data("externalIdMove.previous.id"), &json!(acme));
        // Said again, it is so already.
        let again = move_to(&admin, "1", &globex).await.expect_ok();
        assert_eq!((again.data("externalIdMove.node"), again.data("externalIdMove.previous")), (&expected, &json!(null)));
        assert_eq!(told(&admin, &acme).await.last(), Some(&(json!([crm("1"), crm("2")]), json!([crm("2")]))));
        assert_eq!(told(&admin, &globex).await, [(json!([]), json!([crm("1")]))]);
        let deal = create(&admin, "contact", json!({ "firstName": "Ann", "lastName": "Lee" })).await;
        for (id, to, error) in [
            ("9", globex.as_str(), "NOT_FOUND id"),
            ("1", deal.as_str(), "NOT_FOUND id"),
            ("1", "acct_nobody", "NOT_FOUND toId"),
            ("2", "acct_00000000000000000000000000", "NOT_FOUND toId"),
            ("", globex.as_str(), "INVALID id"),
        ] {
            assert_eq!(move_to(&admin, id, to).await.user_errors("externalIdMove"), [error], "{id} to {to}");
        }
        assert_eq!(told(&admin, &acme).await.len(), 2, "what was refused is undone");
    }

    async fn a_seller_does_not_say_by_which_id_the_crm_finds_a_record(world: World) {
        let admin = world.admin().await;
        let rep = crew::hire(&world, "kim@tandem.test", "rep", entity::Department::Sales).await;
        let create_lead = "mutation ($input: LeadCreateInput!) { leadCreate(input: $input) { lead { id } userErrors { code field reason } } }";
        let squat = rep.client.query_with(create_lead, json!({ "input": { "name": "Next", "externalIds": [crm("next")] } })).await;
        assert_eq!(squat.user_errors("leadCreate"), ["FORBIDDEN externalIds"]);
        assert_eq!(squat.data("leadCreate.userErrors.0.reason"), "FIELD_LOCKED");
        let bulk = "mutation ($input: LeadBulkUpsertInput!) { leadBulkUpsert(input: $input) { results { status userErrors { code field } } userErrors { code } } }";
        let upsert = async |client: &Client, id: &str, city: &str| {
            let items = json!({ "input": { "items": [{ "name": "Known", "source": city, "ownerId": rep.id, "externalIds": [crm(id)] }] } });
            client.query_with(bulk, items).await
        };
        let refused = upsert(&rep.client, "next", "Bonn").await;
        assert_eq!(refused.data("leadBulkUpsert.results.0.userErrors.0.code"), "FORBIDDEN");
        // What the CRM has named is found and changed by whoever works on it.
        upsert(&admin, "known", "Bonn").await.expect_ok();
        let found = upsert(&rep.client, "known", "Ulm").await.expect_ok();
        assert_eq!(found.data("leadBulkUpsert.results.0.status"), "UPDATED");
        // Who may see neither learns the same of a name that is there and one that is not.
        let own = rep.client.query_with(create_lead, json!({ "input": { "name": "Own" } })).await.expect_ok();
        let own = crew::text(&own, "leadCreate.lead.id");
        create(&admin, "lead", json!({ "name": "Other", "externalIds": [crm("hidden")] })).await;
        let answers = [move_to(&rep.client, "hidden", &own).await, move_to(&rep.client, "nowhere", &own).await];
        assert_eq!(answers[0].body["data"], answers[1].body["data"]);
        assert_eq!(answers[0].user_errors("externalIdMove"), ["NOT_FOUND id"]);
        assert_eq!(move_to(&rep.client, "known", &own).await.user_errors("externalIdMove"), ["FORBIDDEN externalIds"]);
    }

    async fn a_role_may_lock_external_ids_and_not_hide_them(world: World) {
        let admin = world.admin().await;
        let role = |rule: &str| json!({ "input": { "name": rule, "grants": [{ "resource": "Lead", "action": "READ", "reach": "ALL" }], "fieldRules": [{ "resource": "Lead", "field": "externalIds", "rule": rule }] } });
        let document = "mutation ($input: RoleCreateInput!) { roleCreate(input: $input) { role { id } userErrors { code field reason } } }";
        admin.query_with(document, role("READ_ONLY")).await.expect_ok();
        let hidden = admin.query_with(document, role("HIDDEN")).await;
        assert_eq!(hidden.data("roleCreate.userErrors.0.reason"), "FIELD_NOT_HIDABLE");
    }
}
