//! Rules over several rows hold for requests that come at the same moment.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    shared::{create, create_all, mutate, pipeline},
    support::client::{Answer, Client},
};

/// How often each race is run.
const ROUNDS: usize = 8;

/// Puts each of some records below the next one, all at the same moment; tells how many were refused.
async fn ring(client: &Client, noun: &str, ids: &[String]) -> usize {
    let puts = ids.iter().zip(ids.iter().cycle().skip(1)).map(|(id, parent)| {
        let input = json!({ "id": id, "parentId": parent });
        async move { mutate(client, noun, "Update", input, "").await }
    });
    let answers = join_all(puts).await;
    answers.iter().filter(|answer| !answer.user_errors(&format!("{noun}Update")).is_empty()).count()
}

/// One record was made, and every other attempt names it.
#[track_caller]
fn one_and_its_rivals(answers: &[Answer], mutation: &str, noun: &str, error: &str) {
    let made: Vec<&Value> =
        answers.iter().map(|answer| &answer.data(mutation)[noun]["id"]).filter(|id| !id.is_null()).collect();
    let [one] = made.as_slice() else { panic!("{} were made", made.len()) };
    for answer in answers.iter().filter(|answer| answer.data(mutation)[noun].is_null()) {
        assert_eq!(answer.user_errors(mutation), [error]);
        assert_eq!(&answer.data(mutation)["userErrors"][0]["conflict"]["id"], *one, "{answer}");
    }
}

on_both_engines! {
    async fn accounts_and_teams_put_below_each_other_at_once_never_make_a_ring(world: World) {
        let admin = world.admin().await;
        for round in 0..ROUNDS {
            for (noun, size) in [("account", 2), ("account", 3), ("team", 2), ("team", 3)] {
                let items: Vec<Value> = (0..size).map(|n| match noun {
                    "team" => json!({ "name": format!("{round} {n}"), "department": "SALES" }),
                    _ => json!({ "name": format!("{round} {n}") }),
                }).collect();
                let ids = create_all(&admin, noun, items).await;
                assert_eq!(ring(&admin, noun, &ids).await, 1, "one of {size} {noun}s is refused, the others are not");
            }
        }
    }

    async fn a_domain_taken_as_first_and_as_further_at_once_goes_to_one_account(world: World) {
        let admin = world.admin().await;
        let other = create(&admin, "account", json!({ "name": "Other" })).await;
        for round in 0..ROUNDS {
            let domain = format!("round{round}.example");
            let (first, further) = tokio::join!(
                mutate(&admin, "account", "Create", json!({ "name": "First", "domain": domain }), ""),
                mutate(&admin, "accountDomain", "Create", json!({ "accountId": other, "domain": domain }), ""),
            );
            let mut refused = first.user_errors("accountCreate");
            refused.extend(further.user_errors("accountDomainCreate"));
            assert_eq!(refused, ["TAKEN domain"]);
        }
    }

    async fn of_contacts_with_one_address_made_at_once_one_is_and_the_others_are_told_which(world: World) {
        let admin = world.admin().await;
        for round in 0..ROUNDS {
            let input = json!({ "name": "Ann", "email": format!("ann{round}@acme.example") });
            let made = join_all((0..6).map(|_| mutate(&admin, "contact", "Create", input.clone(), ""))).await;
            one_and_its_rivals(&made, "contactCreate", "contact", "TAKEN email");
        }
    }

    async fn a_create_that_loses_to_an_upsert_of_the_same_id_is_told_which_record_has_it(world: World) {
        let admin = world.admin().await;
        let upsert = "mutation($input: AccountBulkUpsertInput!) { accountBulkUpsert(input: $input) { results { status node { id } userErrors { code } } } }";
        for round in 0..ROUNDS {
            let item = json!({ "name": "Acme", "externalIds": [{ "system": "crm", "id": format!("{round}") }] });
            let bulk = json!({ "input": { "items": [item], "matchOn": "externalId" } });
            let creates = join_all((0..4).map(|_| mutate(&admin, "account", "Create", item.clone(), "")));
            let upserts = join_all((0..4).map(|_| admin.query_with(upsert, bulk.clone())));
            let (made, upserted) = tokio::join!(creates, upserts);
            let ids: BTreeSet<&str> = upserted.iter().map(|answer| {
                assert_eq!(answer.data("accountBulkUpsert.results.0.userErrors"), &json!([]), "an upsert upserts");
                answer.data("accountBulkUpsert.results.0.node.id").as_str().expect("an id")
            }).collect();
            assert_eq!(ids.len(), 1, "all are one record");
            for answer in &made {
                let payload = answer.data("accountCreate");
                let id = payload["account"]["id"].as_str().or(payload["userErrors"][0]["conflict"]["id"].as_str());
                assert!(id.is_some_and(|id| ids.contains(id)), "{answer}");
                if payload["account"].is_null() {
                    assert_eq!(answer.user_errors("accountCreate"), ["TAKEN externalIds"]);
                }
            }
        }
    }

    async fn a_name_that_several_move_at_once_is_one_record_s_and_each_takes_it_from_the_one_before(world: World) {
        let admin = world.admin().await;
        let holder = create(&admin, "account", json!({ "name": "0", "externalIds": [{ "system": "crm", "id": "1" }] })).await;
        let others = create_all(&admin, "account", (1..6).map(|n| json!({ "name": format!("{n}") })).collect()).await;
        let document = "mutation ($input: ExternalIdMoveInput!) { externalIdMove(input: $input) { node { id } previous { id } userErrors { code field } } }";
        let sent = others.iter().map(|to| admin.query_with(document, json!({ "input": { "system": "crm", "id": "1", "toId": to } })));
        let answers = join_all(sent).await;
        let mut next: BTreeMap<&str, &str> = answers.iter().map(|answer| {
            let id = |of: &str| answer.data(&format!("externalIdMove.{of}.id")).as_str().unwrap_or_else(|| panic!("{answer}"));
            (id("previous"), id("node"))
        }).collect();
        let mut at = holder.as_str();
        while let Some(to) = next.remove(at) {
            at = to;
        }
        assert!(next.is_empty(), "each took it from another one: {next:?}");
        let found = "query { account(by: { external: { system: \"crm\", id: \"1\" } }) { id } }";
        assert_eq!(admin.query(found).await.expect_ok().data("account.id"), at);
    }

    async fn a_stage_or_pipeline_is_not_archived_while_a_deal_comes_into_it(world: World) {
        let admin = world.admin().await;
        for round in 0..ROUNDS {
            for noun in ["stage", "pipeline"] {
                let (line, [open, ..]) = pipeline(&admin, &format!("{noun} {round}")).await;
                let id = if noun == "stage" { &open } else { &line };
                let (deal, gone) = tokio::join!(
                    mutate(&admin, "deal", "Create", json!({ "name": "Wheels", "stageId": open }), ""),
                    mutate(&admin, noun, "Archive", json!({ "id": id }), ""),
                );
                let refused = [deal.user_errors("dealCreate"), gone.user_errors(&format!("{noun}Archive"))];
                assert_eq!(refused.iter().filter(|errors| errors.is_empty()).count(), 1, "{refused:?}");
            }
        }
    }
}
