//! Rules over several rows hold for requests that come at the same moment.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    shared::{create, create_all, mutate, pipeline},
    support::client::Client,
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
