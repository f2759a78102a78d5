//! Fields that are no columns: what follows from others, what the reader may do, what a record is called.

use entity::Department;
use serde_json::{Value, json};

use crate::{
    crew,
    shared::{column, create, create_all, mutate, names, pipeline, user_id},
    support::{client::Client, world::SELLER},
};

const SELECT: &str = "openedAt closedAt cycleDays";

async fn deal(client: &Client, input: Value) -> Value {
    let made = mutate(client, "deal", "Create", input, SELECT).await.expect_ok();
    made.data("dealCreate.deal").clone()
}

on_both_engines! {
    async fn a_deal_knows_how_long_its_sales_cycle_was(world: World) {
        let admin = world.admin().await;
        let (_, [open, won, _]) = pipeline(&admin, "New business").await;
        let made = deal(&admin, json!({ "name": "A", "stageId": open })).await;
        assert_eq!((&made["openedAt"], &made["cycleDays"]), (&json!("2026-03-02T09:00:00.000Z"), &Value::Null));
        world.clock.advance(std::time::Duration::from_hours(24 * 3 + 23));
        let admin = world.admin().await;
        let closed = mutate(&admin, "deal", "Update", json!({ "id": made["id"], "stageId": won }), SELECT).await.expect_ok();
        assert_eq!(closed.data("dealUpdate.deal.cycleDays"), 3);
        // One that was closed before it came here: only where it is said when it was opened.
        let past = deal(&admin, json!({ "name": "B", "stageId": won, "closedAt": "2025-05-05T12:00:00Z" })).await;
        assert_eq!((&past["openedAt"], &past["cycleDays"]), (&Value::Null, &Value::Null));
        let told = deal(&admin, json!({ "name": "C", "stageId": won, "openedAt": "2025-01-05T12:00:00Z", "closedAt": "2025-05-05T12:00:00Z" })).await;
        assert_eq!(told["cycleDays"], 120);
        for input in [
            json!({ "name": "D", "stageId": won, "openedAt": "2025-06-05T12:00:00Z", "closedAt": "2025-05-05T12:00:00Z" }),
            json!({ "name": "D", "stageId": open, "openedAt": "2027-06-05T12:00:00Z" }),
        ] {
            let refused = mutate(&admin, "deal", "Create", input, "").await;
            assert_eq!(refused.user_errors("dealCreate"), ["INVALID openedAt"]);
        }
        // A close that lies before leaves open when it was opened.
        let other = deal(&admin, json!({ "name": "E", "stageId": open })).await;
        let closed = mutate(&admin, "deal", "Update", json!({ "id": other["id"], "stageId": won, "closedAt": "2025-05-05T12:00:00Z" }), SELECT).await.expect_ok();
        assert_eq!(closed.data("dealUpdate.deal.openedAt"), &Value::Null);
    }

    async fn a_computed_field_is_filtered_ordered_paged_and_aggregated_like_any_other(world: World) {
        let admin = world.admin().await;
        let (_, [open, won, _]) = pipeline(&admin, "New business").await;
        let closed = |name: &str, from: &str, to: &str| json!({ "name": name, "stageId": won, "openedAt": from, "closedAt": to });
        create_all(&admin, "deal", vec![
            closed("Long", "2025-01-01T00:00:00Z", "2025-04-11T00:00:00Z"),
            closed("Short", "2025-01-01T00:00:00Z", "2025-01-02T12:00:00Z"),
            closed("Middle", "2025-01-01T00:00:00Z", "2025-01-31T00:00:00Z"),
            json!({ "name": "Open", "stageId": open }),
        ]).await;
        let answer = admin.query("{ deals(orderBy: [{ field: CYCLE_DAYS, direction: DESC }]) { nodes { name cycleDays } } }").await.expect_ok();
        assert_eq!(names(&answer, "deals", "name"), ["Long", "Middle", "Short", "Open"]);
        assert_eq!(column(&answer, "deals", "cycleDays"), [json!(100), json!(30), json!(1), Value::Null]);
        let filtered = admin.query("{ deals(filter: { cycleDays: { gte: 30 } }, orderBy: [{ field: NAME }]) { nodes { name } } }").await.expect_ok();
        assert_eq!(names(&filtered, "deals", "name"), ["Long", "Middle"]);
        let figures = admin.query("{ dealAggregate { count avg { cycleDays } min { cycleDays } max { cycleDays } sum { cycleDays } } }").await.expect_ok();
        assert_eq!(figures.data("dealAggregate.0"), &json!({
            "count": 4, "avg": { "cycleDays": 131.0 / 3.0 }, "min": { "cycleDays": 1 }, "max": { "cycleDays": 100 }, "sum": { "cycleDays": "131" },
        }));
        let mut after = Value::Null;
        let mut walked = Vec::new();
        loop {
            let page = admin.query_with(
                "query ($after: String) { deals(first: 1, after: $after, orderBy: [{ field: CYCLE_DAYS, nulls: FIRST }]) { nodes { name } pageInfo { hasNextPage endCursor } } }",
                json!({ "after": after }),
            ).await.expect_ok();
            walked.extend(names(&page, "deals", "name"));
            if page.data("deals.pageInfo.hasNextPage") == false {
                break;
            }
            after = page.data("deals.pageInfo.endCursor").clone();
        }
        assert_eq!(walked, ["Open", "Short", "Middle", "Long"]);
    }

    async fn what_follows_from_a_hidden_field_is_hidden_too(world: World) {
        let admin = world.admin().await;
        let (_, [_, won, _]) = pipeline(&admin, "New business").await;
        deal(&admin, json!({ "name": "A", "stageId": won, "openedAt": "2025-01-01T00:00:00Z", "closedAt": "2025-04-11T00:00:00Z" })).await;
        mutate(&admin, "role", "Create", json!({
            "key": "reader", "name": "Reader", "grants": [
                { "resource": "Deal", "action": "READ", "reach": "ALL" }, { "resource": "User", "action": "READ", "reach": "OWN" },
            ],
            "fieldRules": [{ "resource": "Deal", "field": "closedAt", "rule": "HIDDEN" }],
        }), "").await.expect_ok();
        let reader = crew::hire(&world, "reader@tandem.test", "reader", Department::It).await.client;
        let answer = reader.query("{ deals { nodes { name openedAt cycleDays hiddenFields } } }").await.expect_ok();
        assert_eq!(answer.data("deals.nodes.0"), &json!({
            "name": "A", "openedAt": "2025-01-01T00:00:00.000Z", "cycleDays": null, "hiddenFields": ["closedAt", "cycleDays"],
        }));
        for refused in [
            "{ deals(filter: { cycleDays: { gt: 1 } }) { totalCount } }",
            "{ deals(orderBy: [{ field: CYCLE_DAYS }]) { nodes { name } } }",
            "{ dealAggregate { max { cycleDays } } }",
        ] {
            assert_eq!(reader.query(refused).await.error_code(), Some("FORBIDDEN"), "{refused}");
        }
    }

    async fn every_record_says_what_its_reader_may_do_to_it_in_the_statement_that_reads_it(world: World) {
        let (admin, seller) = (world.admin().await, world.seller().await);
        let mine = user_id(&admin, SELLER.email).await;
        create_all(&admin, "account", vec![json!({ "name": "Mine", "ownerId": mine })]).await;
        let document = "{ accounts(orderBy: [{ field: NAME }]) { nodes { name viewerCan { update delete assign manage } } } viewer { user { viewerCan { update manage } } } }";
        let answer = admin.query(document).await.expect_ok();
        assert_eq!(answer.data("accounts.nodes.0.viewerCan"), &json!({ "update": true, "delete": true, "assign": true, "manage": false }));
        assert_eq!(answer.data("viewer.user.viewerCan"), &json!({ "update": true, "manage": true }));
        let answer = seller.query(document).await.expect_ok();
        let can = answer.data("accounts.nodes.0.viewerCan").clone();
        // What the answer says is what the mutations do.
        let id = seller.query("{ accounts { nodes { id } } }").await.expect_ok().data("accounts.nodes.0.id").clone();
        let renamed = mutate(&seller, "account", "Update", json!({ "id": id, "name": "Mine 2" }), "").await;
        assert_eq!(can["update"], json!(renamed.user_errors("accountUpdate").is_empty()));
        let gone = mutate(&seller, "account", "Archive", json!({ "id": id }), "").await;
        assert_eq!(can["delete"], json!(gone.user_errors("accountArchive").is_empty()));
        let cost = world.statements(async || drop(admin.query("{ accounts { nodes { name viewerCan { update } } } }").await)).await;
        assert_eq!(cost, 1);
    }

    async fn every_record_says_what_it_is_called(world: World) {
        let admin = world.admin().await;
        let account = create(&admin, "account", json!({ "name": "Acme" })).await;
        let list = create(&admin, "targetAccountList", json!({ "name": "Named", "kind": "STATIC" })).await;
        let member = create(&admin, "targetAccountListMember", json!({ "listId": list, "accountId": account })).await;
        let domain = create(&admin, "accountDomain", json!({ "accountId": account, "domain": "acme.test" })).await;
        let story = create(&admin, "story", json!({ "title": "Why now" })).await;
        let answer = admin.query_with(
            "query ($ids: [ID!]!) { nodes(ids: $ids) { displayName } audit(first: 1) { nodes { displayName subject { displayName } } } }",
            json!({ "ids": [account, list, member, domain, story] }),
        ).await.expect_ok();
        let called: Vec<&Value> = answer.data("nodes").as_array().expect("nodes").iter().map(|node| &node["displayName"]).collect();
        assert_eq!(called, ["Acme", "Named", "Acme", "acme.test", "Why now"]);
        assert_eq!(answer.data("audit.nodes.0.displayName"), &Value::Null);
    }
}
