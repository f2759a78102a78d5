//! Changes that stand in each other's way.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{limited, patient};

const UPSERT: &str = "mutation($items: [AccountBulkUpsertItem!]!) {
    accountBulkUpsert(input: { items: $items }) { results { status userErrors { code message } } userErrors { code } }
}";

fn items(order: impl Iterator<Item = usize>, description: &str) -> Value {
    let item = |n: usize| json!({ "name": format!("Account {n}"), "description": description, "externalIds": [{ "system": "crm", "id": n.to_string() }] });
    order.map(item).collect()
}

on_both_engines! {
    async fn bulk_calls_over_the_same_records_in_opposite_order_both_succeed(world: World) {
        const RECORDS: usize = 150;
        let (admin, running) = limited(&world, patient()).await;
        admin.query_with(UPSERT, json!({ "items": items(0..RECORDS, "first") })).await.expect_ok();
        for round in 0..3 {
            let forward = items(0..RECORDS, &format!("forward {round}"));
            let backward = items((0..RECORDS).rev(), &format!("backward {round}"));
            let calls = [forward, backward].map(|items| admin.query_with(UPSERT, json!({ "items": items })));
            for answer in join_all(calls).await {
                let answer = answer.expect_ok();
                let results = answer.data("accountBulkUpsert.results").as_array().expect("results");
                assert!(results.iter().all(|result| result["status"] == "UPDATED"), "{answer}");
            }
        }
        running.stop().await.unwrap();
    }

    async fn single_changes_of_the_same_two_records_in_opposite_order_both_succeed(world: World) {
        let (admin, running) = limited(&world, patient()).await;
        let made = admin.query_with(UPSERT, json!({ "items": items(0..2, "first") })).await.expect_ok();
        assert_eq!(made.data("accountBulkUpsert.results.1.status"), "CREATED");
        let found = admin.query("{ accounts(first: 2) { nodes { id } } }").await.expect_ok();
        let id = |n: usize| found.data(&format!("accounts.nodes.{n}.id")).clone();
        // Each mutation of a document is a change of its own, so this collides at most with itself.
        let document = "mutation($a: ID!, $b: ID!, $text: String!) {
            a: accountUpdate(input: { id: $a, description: $text }) { userErrors { code } }
            b: accountUpdate(input: { id: $b, description: $text }) { userErrors { code } }
        }";
        let one = json!({ "a": id(0), "b": id(1), "text": "one" });
        let other = json!({ "a": id(1), "b": id(0), "text": "other" });
        for _ in 0..10 {
            let calls = [one.clone(), other.clone()].map(|variables| admin.query_with(document, variables));
            for answer in join_all(calls).await {
                answer.expect_ok();
            }
        }
        running.stop().await.unwrap();
    }
}
