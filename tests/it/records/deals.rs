//! Deals in depth: stages, closing, and the leads that follow.

use serde_json::{Value, json};

use crate::{
    shared::{archive, create, mutate, pipeline, update, user_id},
    support::{client::Client, world},
};

const SELECT: &str = "closedAt stage { name } pipeline { name } lead { stage version }";

async fn moved(client: &Client, deal: &str, input: Value) -> Value {
    let mut input = input;
    input["id"] = json!(deal);
    let answer = mutate(client, "deal", "Update", input, SELECT).await.expect_ok();
    let mut record = answer.data("dealUpdate.deal").clone();
    record.as_object_mut().expect("a record").retain(|key, _| key != "id" && key != "version");
    record
}

on_both_engines! {
    async fn the_pipeline_follows_from_the_stage(world: World) {
        let admin = world.admin().await;
        let (_, [open, ..]) = pipeline(&admin, "New business").await;
        let (_, [other, ..]) = pipeline(&admin, "Renewals").await;
        let made = mutate(&admin, "deal", "Create", json!({ "name": "Wheels", "stageId": open }), SELECT).await.expect_ok();
        assert_eq!(made.data("dealCreate.deal.pipeline.name"), "New business");
        let id = made.data("dealCreate.deal.id").as_str().expect("an id");
        assert_eq!(moved(&admin, id, json!({ "stageId": other })).await["pipeline"]["name"], "Renewals");
        let none = mutate(&admin, "deal", "Update", json!({ "id": id, "stageId": null }), "").await;
        assert_eq!(none.user_errors("dealUpdate"), ["REQUIRED stageId"]);
    }

    async fn a_deal_is_closed_when_it_is_won_or_lost_and_only_then(world: World) {
        let admin = world.admin().await;
        let (_, [open, won, lost]) = pipeline(&admin, "New business").await;
        let id = create(&admin, "deal", json!({ "name": "Wheels", "stageId": open })).await;
        world.clock.advance(std::time::Duration::from_mins(1));
        assert_eq!(moved(&admin, &id, json!({ "stageId": won })).await["closedAt"], "2026-03-02T09:01:00.000Z");
        world.clock.advance(std::time::Duration::from_mins(1));
        assert_eq!(moved(&admin, &id, json!({ "name": "Wheels 2" })).await["closedAt"], "2026-03-02T09:01:00.000Z");
        assert_eq!(moved(&admin, &id, json!({ "stageId": open })).await["closedAt"], Value::Null);
        let refused = mutate(&admin, "deal", "Update", json!({ "id": id, "closedAt": "2026-01-01T00:00:00Z" }), "").await;
        assert_eq!(refused.user_errors("dealUpdate"), ["INVALID closedAt"]);
        assert_eq!(moved(&admin, &id, json!({ "stageId": lost, "closedAt": "2026-01-01T00:00:00Z", "closeReason": "Price" })).await["closedAt"], "2026-01-01T00:00:00.000Z");
        let past = mutate(&admin, "deal", "Create", json!({ "name": "Old", "stageId": won, "closedAt": "2020-05-05T12:00:00Z" }), SELECT).await.expect_ok();
        assert_eq!(past.data("dealCreate.deal.closedAt"), "2020-05-05T12:00:00.000Z");
    }

    async fn a_lead_goes_along_with_its_deal(world: World) {
        let admin = world.admin().await;
        let (_, [open, won, lost]) = pipeline(&admin, "New business").await;
        let lead = create(&admin, "lead", json!({ "name": "Ann", "stage": "MQL" })).await;
        let made = mutate(&admin, "deal", "Create", json!({ "name": "Wheels", "stageId": open, "leadId": lead }), SELECT).await.expect_ok();
        assert_eq!(made.data("dealCreate.deal.lead"), &json!({ "stage": "OPPORTUNITY", "version": 2 }));
        let id = made.data("dealCreate.deal.id").as_str().expect("an id");
        assert_eq!(moved(&admin, id, json!({ "stageId": lost })).await["lead"], json!({ "stage": "OPPORTUNITY", "version": 2 }));
        assert_eq!(moved(&admin, id, json!({ "stageId": won })).await["lead"], json!({ "stage": "WON", "version": 3 }));
        assert_eq!(moved(&admin, id, json!({ "name": "Wheels 2" })).await["lead"], json!({ "stage": "WON", "version": 3 }));
        let later = create(&admin, "lead", json!({ "name": "Bob", "stage": "DISQUALIFIED" })).await;
        assert_eq!(moved(&admin, id, json!({ "stageId": open, "leadId": later })).await["lead"], json!({ "stage": "DISQUALIFIED", "version": 1 }));
    }

    async fn the_event_of_a_lead_that_follows_names_who_moved_the_deal_and_the_same_request(world: World) {
        let admin = world.admin().await;
        let (_, [open, won, _]) = pipeline(&admin, "New business").await;
        let seller = user_id(&admin, world::SELLER.email).await;
        // The seller may change the deal, and not the lead, which is another's.
        let account = create(&admin, "account", json!({ "name": "Acme" })).await;
        let lead = create(&admin, "lead", json!({ "name": "Ann", "accountId": account })).await;
        let deal = create(&admin, "deal", json!({ "name": "Wheels", "stageId": open, "ownerId": seller, "accountId": account, "leadId": lead })).await;
        let client = world.seller().await;
        mutate(&client, "deal", "Update", json!({ "id": deal, "stageId": won }), "").await.expect_ok();
        let log = admin.query("{ audit(last: 2) { nodes { action actor { name } requestId subject { __typename ... on Lead { stage } } account { name } } } }").await.expect_ok();
        let nodes = log.data("audit.nodes").as_array().expect("a list");
        for (node, subject) in nodes.iter().zip([json!({ "__typename": "Deal" }), json!({ "__typename": "Lead", "stage": "WON" })]) {
            assert_eq!((&node["action"], &node["actor"]["name"], &node["account"]["name"]), (&json!("UPDATED"), &json!("Sam Seller"), &json!("Acme")));
            assert_eq!(node["subject"], subject);
        }
        assert!(nodes[0]["requestId"].is_string());
        assert_eq!(nodes[0]["requestId"], nodes[1]["requestId"]);
    }

    async fn a_stage_or_pipeline_in_use_cannot_be_archived(world: World) {
        let admin = world.admin().await;
        let (line, [open, won, _]) = pipeline(&admin, "New business").await;
        let deal = create(&admin, "deal", json!({ "name": "Wheels", "stageId": open })).await;
        for (noun, id) in [("stage", &open), ("pipeline", &line)] {
            let refused = mutate(&admin, noun, "Archive", json!({ "id": id }), "").await;
            assert_eq!(refused.user_errors(&format!("{noun}Archive")), ["IN_USE id"]);
        }
        update(&admin, "deal", json!({ "id": deal, "stageId": won })).await;
        archive(&admin, "stage", &open).await;
        let gone = mutate(&admin, "deal", "Update", json!({ "id": deal, "stageId": open }), "").await;
        assert_eq!(gone.user_errors("dealUpdate"), ["NOT_FOUND stageId"]);
        archive(&admin, "deal", &deal).await;
        archive(&admin, "stage", &won).await;
        archive(&admin, "pipeline", &line).await;
    }

    async fn a_deal_does_not_come_back_into_a_stage_that_is_gone(world: World) {
        let admin = world.admin().await;
        let (_, [open, ..]) = pipeline(&admin, "New business").await;
        let deal = create(&admin, "deal", json!({ "name": "Wheels", "stageId": open })).await;
        archive(&admin, "deal", &deal).await;
        archive(&admin, "stage", &open).await;
        let refused = mutate(&admin, "deal", "Restore", json!({ "id": deal }), "").await;
        assert_eq!(refused.user_errors("dealRestore"), ["NOT_FOUND stageId"]);
    }

    async fn a_closed_deal_keeps_when_it_was_closed_until_it_is_reopened_or_told_otherwise(world: World) {
        let admin = world.admin().await;
        let (_, [open, won, lost]) = pipeline(&admin, "New business").await;
        let (_, [_, also_won, _]) = pipeline(&admin, "Renewals").await;
        let id = create(&admin, "deal", json!({ "name": "Wheels", "stageId": won, "closedAt": "2025-05-05T12:00:00Z" })).await;
        let then = "2025-05-05T12:00:00.000Z";
        for input in [
            json!({ "stageId": also_won }), json!({ "stageId": lost }), json!({ "stageId": won, "closedAt": then }),
            json!({ "stageId": lost, "closedAt": null }), json!({ "closedAt": then }),
        ] {
            assert_eq!(moved(&admin, &id, input.clone()).await["closedAt"], then, "{input}");
        }
        assert_eq!(moved(&admin, &id, json!({ "stageId": won, "closedAt": "2025-06-01T00:00:00Z" })).await["closedAt"], "2025-06-01T00:00:00.000Z");
        let both = mutate(&admin, "deal", "Update", json!({ "id": id, "stageId": open, "closedAt": "2025-06-01T00:00:00Z" }), "").await;
        assert_eq!(both.user_errors("dealUpdate"), ["INVALID closedAt"]);
        assert_eq!(moved(&admin, &id, json!({ "stageId": open })).await["closedAt"], Value::Null);
    }

    async fn no_deal_comes_into_an_archived_pipeline(world: World) {
        let admin = world.admin().await;
        let (line, [open, ..]) = pipeline(&admin, "Old business").await;
        let (_, [elsewhere, ..]) = pipeline(&admin, "New business").await;
        let before = create(&admin, "deal", json!({ "name": "Before", "stageId": open })).await;
        let other = create(&admin, "deal", json!({ "name": "Other", "stageId": elsewhere })).await;
        archive(&admin, "deal", &before).await;
        archive(&admin, "pipeline", &line).await;
        for (verb, input) in [
            ("Create", json!({ "name": "New", "stageId": open })),
            ("Update", json!({ "id": other, "stageId": open })),
            ("Restore", json!({ "id": before })),
        ] {
            let refused = mutate(&admin, "deal", verb, input, "").await;
            let field = format!("deal{verb}");
            assert_eq!(refused.user_errors(&field), ["INVALID stageId"]);
            assert_eq!(refused.data(&format!("{field}.userErrors.0.reason")), "PIPELINE_ARCHIVED");
        }
        let bulk = "mutation ($stage: ID!) { dealBulkUpsert(input: { items: [{ name: \"Bulk\", stageId: $stage }] }) { results { status userErrors { code reason } } userErrors { code } } }";
        let answer = admin.query_with(bulk, json!({ "stage": open })).await;
        assert_eq!(answer.data("dealBulkUpsert.results.0.userErrors.0.reason"), "PIPELINE_ARCHIVED");
    }

    async fn a_won_stage_is_certain_and_a_lost_one_hopeless(world: World) {
        let admin = world.admin().await;
        let line = create(&admin, "pipeline", json!({ "name": "New business" })).await;
        for (category, probability, good) in [("WON", 90, false), ("LOST", 1, false), ("OPEN", 101, false), ("WON", 100, true), ("LOST", 0, true), ("OPEN", 0, true), ("OPEN", 100, true)] {
            let name = format!("{category} {probability}");
            let answer = mutate(&admin, "stage", "Create", json!({ "pipelineId": line, "name": name, "position": 1, "category": category, "probability": probability }), "").await;
            let expected: &[&str] = match (good, probability) {
                (true, _) => &[],
                (false, 101) => &["OUT_OF_RANGE probability"],
                (false, _) => &["INVALID probability"],
            };
            assert_eq!(answer.user_errors("stageCreate"), expected, "{name}");
        }
    }

    async fn an_amount_below_nothing_is_refused(world: World) {
        let admin = world.admin().await;
        let (_, [open, ..]) = pipeline(&admin, "New business").await;
        let refused = mutate(&admin, "deal", "Create", json!({ "name": "Wheels", "stageId": open, "amount": { "amount": "-0.01", "currency": "EUR" } }), "").await;
        assert_eq!(refused.user_errors("dealCreate"), ["OUT_OF_RANGE amount"]);
    }
}
