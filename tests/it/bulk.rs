//! Many records in one call, and calls that come twice.

use serde_json::{Value, json};

use crate::{
    shared::{archive, create, names},
    support::client::{Answer, Client},
};

const UPSERT: &str = "mutation ($input: AccountBulkUpsertInput!) { accountBulkUpsert(input: $input) {
    results { index status node { name version } userErrors { code field index } } userErrors { code field message } } }";

async fn upsert(client: &Client, input: Value) -> Answer {
    client.query_with(UPSERT, json!({ "input": input })).await
}

/// What became of each item: its status, with its mistakes.
fn statuses(answer: &Answer) -> Vec<String> {
    let results = answer.data("accountBulkUpsert.results").as_array().expect("a list");
    let one = |(n, result): (usize, &Value)| {
        assert_eq!(result["index"], n);
        let mut text = result["status"].as_str().expect("a status").to_owned();
        for error in result["userErrors"].as_array().expect("a list") {
            assert_eq!(error["index"], n);
            let field: Vec<&str> = error["field"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            for part in [error["code"].as_str().expect("a code"), &field.join(".")] {
                text.push(' ');
                text.push_str(part);
            }
        }
        text
    };
    results.iter().enumerate().map(one).collect()
}

fn item(name: &str, id: &str) -> Value {
    json!({ "name": name, "externalIds": [{ "system": "crm", "id": id }] })
}

async fn all(client: &Client) -> String {
    let answer = client.query("{ accounts(orderBy: { field: NAME }) { nodes { name } } }").await.expect_ok();
    names(&answer, "accounts", "name").join(" ")
}

on_both_engines! {
    async fn each_item_is_created_updated_left_or_refused(world: World) {
        let admin = world.admin().await;
        assert_eq!(statuses(&upsert(&admin, json!({ "items": [item("Acme", "1"), item("Globex", "2")] })).await.expect_ok()), ["CREATED", "CREATED"]);
        let mixed = upsert(&admin, json!({ "items": [
            item("Acme", "1"), item("Globex 2", "2"), item("Initech", "3"), item(" ", "4"),
            json!({ "externalIds": [{ "system": "crm", "id": "2" }], "city": "Bonn" }),
            json!({ "city": "Bonn" }),
            json!({ "name": "Hooli", "fitScore": 101, "website": "x" }),
        ] })).await.expect_ok();
        assert_eq!(statuses(&mixed), ["UNCHANGED", "UPDATED", "CREATED", "FAILED REQUIRED name", "UPDATED", "FAILED REQUIRED name", "FAILED INVALID website OUT_OF_RANGE fitScore"]
            .map(str::to_owned).map(|text| if text.contains("website") { sorted_mistakes(&statuses(&mixed)[6], &text) } else { text }));
        assert_eq!(mixed.data("accountBulkUpsert.results.1.node"), &json!({ "name": "Globex 2", "version": 3 }));
        assert_eq!(mixed.data("accountBulkUpsert.results.3.node"), &Value::Null);
        assert_eq!(all(&admin).await, "Acme Globex 2 Initech");
    }

    async fn a_failure_undoes_everything_when_asked(world: World) {
        let admin = world.admin().await;
        create(&admin, "account", item("Acme", "1")).await;
        let input = json!({ "items": [item("Acme 2", "1"), item("Globex", "2"), item("", "3")], "onError": "ROLLBACK_ALL" });
        let undone = upsert(&admin, input).await.expect_ok();
        assert_eq!(undone.data("accountBulkUpsert.results.2.status"), "FAILED");
        assert_eq!([0, 1, 2].map(|n| undone.data(&format!("accountBulkUpsert.results.{n}.node")).clone()), [Value::Null, Value::Null, Value::Null]);
        assert_eq!(all(&admin).await, "Acme");
        let done = upsert(&admin, json!({ "items": [item("Acme 2", "1"), item("Globex", "2")], "onError": "ROLLBACK_ALL" })).await.expect_ok();
        assert_eq!(statuses(&done), ["UPDATED", "CREATED"]);
        assert_eq!(all(&admin).await, "Acme 2 Globex");
    }

    async fn a_dry_run_tells_and_changes_nothing(world: World) {
        let admin = world.admin().await;
        create(&admin, "account", item("Acme", "1")).await;
        let events = "{ audit { totalCount } }";
        let before = admin.query(events).await.expect_ok().body;
        let dry = upsert(&admin, json!({ "items": [item("Acme", "1"), item("Globex", "2"), item("Acme 2", "1"), item("", "9")], "dryRun": true })).await.expect_ok();
        assert_eq!(statuses(&dry), ["UNCHANGED", "CREATED", "UPDATED", "FAILED REQUIRED name"]);
        assert_eq!(dry.data("accountBulkUpsert.results.1.node"), &Value::Null);
        assert_eq!(all(&admin).await, "Acme");
        let mut after = admin.query(events).await.expect_ok().body;
        after["extensions"] = before["extensions"].clone();
        assert_eq!(after, before);
    }

    async fn a_record_may_be_recognised_by_its_domain(world: World) {
        let admin = world.admin().await;
        let acme = create(&admin, "account", json!({ "name": "Acme", "domain": "acme.example" })).await;
        create(&admin, "accountDomain", json!({ "accountId": acme, "domain": "acme.de" })).await;
        let answer = upsert(&admin, json!({ "matchOn": "domain", "items": [
            { "domain": "https://www.ACME.example/", "city": "Bonn" },
            { "domain": "globex.example", "name": "Globex" },
            { "domain": "mail.globex.example", "city": "Köln" },
            { "name": "Nameless" },
        ] })).await.expect_ok();
        assert_eq!(statuses(&answer), ["UPDATED", "CREATED", "UPDATED", "FAILED REQUIRED domain"]);
        assert_eq!(all(&admin).await, "Acme Globex");
        let contacts = "mutation ($input: ContactBulkUpsertInput!) { contactBulkUpsert(input: $input) { results { status } userErrors { code field } } }";
        for expected in ["CREATED", "UNCHANGED"] {
            let answer = admin.query_with(contacts, json!({ "input": { "matchOn": "email", "items": [{ "name": "Ann", "email": "Ann@Acme.example" }] } })).await.expect_ok();
            assert_eq!(answer.data("contactBulkUpsert.results.0.status"), expected);
        }
        for name in ["name", "id", "nonsense"] {
            let refused = upsert(&admin, json!({ "matchOn": name, "items": [{ "name": "X" }] })).await;
            assert_eq!(refused.user_errors("accountBulkUpsert"), ["INVALID matchOn"], "{name}");
        }
    }

    async fn one_external_id_twice_in_a_call_is_one_record(world: World) {
        let admin = world.admin().await;
        let answer = upsert(&admin, json!({ "items": [item("Acme", "1"), item("Acme 2", "1"), item("Acme 2", "1"), item("", "1")] })).await.expect_ok();
        assert_eq!(statuses(&answer), ["CREATED", "UPDATED", "UNCHANGED", "FAILED REQUIRED name"]);
        assert_eq!(answer.data("accountBulkUpsert.results.0.node"), &json!({ "name": "Acme 2", "version": 2 }));
        assert_eq!(all(&admin).await, "Acme 2");
    }

    async fn external_ids_of_two_records_name_neither(world: World) {
        let admin = world.admin().await;
        upsert(&admin, json!({ "items": [item("Acme", "1"), item("Globex", "2")] })).await.expect_ok();
        let both = json!({ "name": "Both", "externalIds": [{ "system": "crm", "id": "1" }, { "system": "crm", "id": "2" }] });
        assert_eq!(statuses(&upsert(&admin, json!({ "items": [both] })).await.expect_ok()), ["FAILED CONFLICT externalIds"]);
    }

    async fn an_archived_record_is_recognised_and_not_changed(world: World) {
        let admin = world.admin().await;
        let id = create(&admin, "account", item("Acme", "1")).await;
        archive(&admin, "account", &id).await;
        assert_eq!(statuses(&upsert(&admin, json!({ "items": [item("Acme 2", "1")] })).await.expect_ok()), ["FAILED INVALID_TRANSITION id"]);
    }

    async fn a_thousand_items_are_taken_and_one_more_is_not(world: World) {
        let admin = world.admin().await;
        let items = |n: usize| (0..n).map(|n| item("Acme", &n.to_string())).collect::<Vec<_>>();
        let refused = upsert(&admin, json!({ "items": items(1_001) })).await;
        assert_eq!(refused.user_errors("accountBulkUpsert"), ["LIMIT_REACHED items"]);
        let taken = upsert(&admin, json!({ "items": items(1_000) })).await.expect_ok();
        assert_eq!(taken.data("accountBulkUpsert.results").as_array().map(Vec::len), Some(1_000));
        assert_eq!(admin.query("{ accounts { totalCount } }").await.expect_ok().data("accounts.totalCount"), 1_000);
        assert_eq!(upsert(&admin, json!({ "items": [] })).await.expect_ok().data("accountBulkUpsert.results"), &json!([]));
    }
}

/// Several mistakes come in the order of the item's fields, which is the client's own.
fn sorted_mistakes(answered: &str, expected: &str) -> String {
    let parts = |text: &str| {
        let mut words: Vec<String> =
            text.split(' ').skip(1).collect::<Vec<_>>().chunks(2).map(|pair| pair.join(" ")).collect();
        words.sort_unstable();
        words
    };
    if parts(answered) == parts(expected) { answered.to_owned() } else { expected.to_owned() }
}
