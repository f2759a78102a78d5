//! By what the records of a bulk call are recognised: compared as they are stored, whoever was first.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    shared::create,
    support::client::{Answer, Client},
};

const UPSERT: &str = "mutation ($input: AccountBulkUpsertInput!) { accountBulkUpsert(input: $input) {
    results { status node { id name domain } userErrors { code field } } userErrors { code field message } } }";

async fn upsert(client: &Client, input: Value) -> Answer {
    client.query_with(UPSERT, json!({ "input": input })).await.expect_ok()
}

fn statuses(answer: &Answer) -> Vec<&str> {
    let results = answer.data("accountBulkUpsert.results").as_array().expect("results");
    results.iter().map(|result| result["status"].as_str().expect("a status")).collect()
}

on_both_engines! {
    async fn a_further_domain_finds_an_account_and_is_not_written_over_the_first(world: World) {
        let admin = world.admin().await;
        let acme = create(&admin, "account", json!({ "name": "Acme", "domain": "acme.com" })).await;
        create(&admin, "accountDomain", json!({ "accountId": acme, "domain": "acme.de" })).await;
        for (n, domain) in ["www.acme.de", "https://acme.com/x", "acme.de"].into_iter().enumerate() {
            let answer = upsert(&admin, json!({ "matchOn": "domain", "items": [{ "domain": domain, "city": format!("City {n}") }] })).await;
            assert_eq!(statuses(&answer), ["UPDATED"], "{domain}");
            let node = answer.data("accountBulkUpsert.results.0.node");
            assert_eq!((&node["id"], &node["domain"]), (&json!(acme), &json!("acme.com")), "{domain}");
        }
        let all = admin.query("{ accounts { totalCount } }").await.expect_ok();
        assert_eq!(all.data("accounts.totalCount"), 1);
    }

    async fn identities_are_compared_as_they_are_stored(world: World) {
        let admin = world.admin().await;
        let two = upsert(&admin, json!({ "items": [
            { "name": "One", "externalIds": [{ "system": "a b", "id": "c" }] },
            { "name": "Two", "externalIds": [{ "system": "a", "id": "b c" }] },
        ] })).await;
        assert_eq!(statuses(&two), ["CREATED", "CREATED"]);
        let same = upsert(&admin, json!({ "matchOn": "domain", "items": [
            { "name": "Globex", "domain": "globex.de" },
            { "name": "Globex", "domain": "https://www.globex.de/", "city": "Bonn" },
            { "name": "Globex", "domain": "shop.globex.de", "city": "Bonn" },
        ] })).await;
        assert_eq!(statuses(&same), ["CREATED", "UPDATED", "UNCHANGED"]);
    }

    async fn an_item_without_what_it_is_recognised_by_is_refused(world: World) {
        let admin = world.admin().await;
        for match_on in ["externalId", "domain"] {
            let answer = upsert(&admin, json!({ "matchOn": match_on, "items": [{ "name": "Nobody" }] })).await;
            assert_eq!(statuses(&answer), ["FAILED"], "{match_on}");
            assert_eq!(answer.data("accountBulkUpsert.results.0.userErrors.0.code"), "REQUIRED");
        }
        let made = upsert(&admin, json!({ "items": [{ "name": "Somebody" }] })).await;
        assert_eq!(statuses(&made), ["CREATED"], "where nothing is said, it is a new record");
    }

    async fn a_dry_run_tells_what_would_be_rolled_back(world: World) {
        let admin = world.admin().await;
        let input = |dry: bool| json!({ "dryRun": dry, "onError": "ROLLBACK_ALL", "items": [{ "name": "Good" }, { "name": " " }] });
        for dry in [true, false] {
            let answer = upsert(&admin, input(dry)).await;
            assert_eq!(statuses(&answer), ["ROLLED_BACK", "FAILED"], "dry: {dry}");
        }
        let whole = json!({ "dryRun": true, "onError": "ROLLBACK_ALL", "items": [{ "name": "Good" }] });
        assert_eq!(statuses(&upsert(&admin, whole).await), ["CREATED"]);
    }

    async fn of_many_who_create_the_same_records_at_once_one_creates_and_the_others_change(world: World) {
        let admin = world.admin().await;
        for (round, key) in ["externalId", "domain"].into_iter().enumerate() {
            let item = |n: usize, caller: usize| json!({
                "name": format!("Record {n}"), "description": format!("by {caller}"), "domain": format!("record{n}-{round}.example"),
                "externalIds": [{ "system": "crm", "id": format!("{round}-{n}") }],
            });
            let calls = (0..4).map(|caller| {
                let mut items: Vec<Value> = (0..12).map(|n| item(n, caller)).collect();
                if caller % 2 == 1 {
                    items.reverse();
                }
                let admin = &admin;
                async move { (caller, upsert(admin, json!({ "matchOn": key, "items": items })).await) }
            });
            let mut found: BTreeMap<usize, BTreeMap<String, usize>> = BTreeMap::new();
            for (caller, answer) in join_all(calls).await {
                for (place, status) in statuses(&answer).into_iter().enumerate() {
                    let n = if caller % 2 == 1 { 11 - place } else { place };
                    *found.entry(n).or_default().entry(status.to_owned()).or_default() += 1;
                    assert_ne!(status, "FAILED", "{answer}");
                }
            }
            for (n, statuses) in found {
                assert_eq!(statuses.get("CREATED"), Some(&1), "{key}, record {n}: {statuses:?}");
            }
        }
        let all = admin.query("{ accounts { totalCount } }").await.expect_ok();
        assert_eq!(all.data("accounts.totalCount"), 24);
    }

    async fn an_explicit_null_and_an_eleventh_search_word_are_refused(world: World) {
        let admin = world.admin().await;
        for comparison in ["isNull", "eq"] {
            let document = "query ($filter: DealFilter) { deals(filter: $filter) { totalCount } }";
            let filter = json!({ "filter": { "amount": { "currency": "EUR", comparison: null } } });
            let refused = admin.query_with(document, filter).await;
            assert!(refused.body.to_string().contains(&format!("`{comparison}: null`")), "{refused}");
        }
        let document = "query ($search: String) { accounts(search: $search) { totalCount } }";
        let words = |n: usize| json!({ "search": vec!["a"; n].join(" ") });
        admin.query_with(document, words(10)).await.expect_ok();
        let refused = admin.query_with(document, words(11)).await;
        assert!(refused.body.to_string().contains("at most 10 words; this has 11"), "{refused}");
    }
}
