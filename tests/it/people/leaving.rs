//! Somebody leaves who owns more than one request can hand over.

use std::time::Duration;

use entity::Kind;
use serde_json::{Value, json};

use crate::{
    crew,
    shared::{create, user_id},
    support::{
        client::{Answer, Client},
        world::{MARKETER, SALES_MANAGER, SELLER},
    },
};

const PARTS: &str =
    "id status total done handedOver failed message startedAt finishedAt user { id } startedBy { email }
    failures { recordId reason message }";

/// Copies the only live record of a kind so many times, behind the server's back.
pub async fn multiply(url: &str, kind: Kind, times: usize) {
    let table = kind.table();
    let others: Vec<&str> = table.fields.iter().map(|field| field.column).filter(|column| *column != "id").collect();
    let (others, name) = (others.join(", "), table.table);
    let sql = if url.starts_with("sqlite:") {
        format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {times})
             INSERT INTO {name} (id, {others}) SELECT randomblob(16), {others} FROM {name}, n WHERE archived_at IS NULL"
        )
    } else {
        format!(
            "INSERT INTO {name} (id, {others}) SELECT gen_random_uuid(), {others} FROM {name}, generate_series(1, {times})
             WHERE archived_at IS NULL"
        )
    };
    crew::run_sql(url, &sql).await;
}

pub async fn deactivate(client: &Client, input: Value) -> Answer {
    let document = format!(
        "mutation($input: UserDeactivateInput!) {{ userDeactivate(input: $input) {{
            user {{ id status }} handedOver handover {{ {PARTS} }} userErrors {{ code field reason message }} }} }}"
    );
    client.query_with(&document, json!({ "input": input })).await
}

pub async fn handover(client: &Client, id: &Value) -> Value {
    let document = format!("query($id: ID!) {{ userHandover(id: $id) {{ {PARTS} }} }}");
    client.query_with(&document, json!({ "id": id })).await.expect_ok().data("userHandover").clone()
}

/// The hand-over once it has ended.
pub async fn ended(client: &Client, id: &Value) -> Value {
    for _ in 0..10_000 {
        let kept = handover(client, id).await;
        if kept["status"] != "RUNNING" {
            return kept;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{id} does not come to its end");
}

/// The hand-over once it has dealt with more records than these, and no longer.
pub async fn under_way(client: &Client, id: &Value, past: i64) -> Value {
    for _ in 0..10_000 {
        let kept = handover(client, id).await;
        if kept["done"].as_i64() > Some(past) {
            assert_eq!(kept["status"], "RUNNING", "it has ended before anybody could look");
            return kept;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("{id} does not begin");
}

async fn owns(client: &Client, user: &str) -> Value {
    let document = "query($of: UserFilter) { users(filter: $of) { nodes { accounts { totalCount } leads { totalCount } deals { totalCount } } } }";
    let answer = client.query_with(document, json!({ "of": { "id": { "eq": user } } })).await.expect_ok();
    let counts = |of: &str| answer.data(&format!("users.nodes.0.{of}.totalCount")).clone();
    json!([counts("accounts"), counts("leads"), counts("deals")])
}

on_both_engines! {
    async fn more_than_a_request_can_do_goes_over_beside_the_requests(world: World) {
        let admin = world.admin().await;
        let (sam, max) = (user_id(&admin, SELLER.email).await, user_id(&admin, SALES_MANAGER.email).await);
        let account = create(&admin, "account", json!({ "name": "Acme", "ownerId": sam })).await;
        create(&admin, "lead", json!({ "name": "Ann", "ownerId": sam, "accountId": account })).await;
        multiply(&world.database_url, Kind::Lead, 2_998).await;
        create(&admin, "accountTeamMember", json!({ "accountId": account, "userId": sam })).await;
        let sams = world.seller().await;
        let left = deactivate(&admin, json!({ "id": sam, "newOwnerId": max })).await.expect_ok();
        assert_eq!(left.data("userDeactivate.user.status"), "DEACTIVATED");
        assert_eq!(left.data("userDeactivate.handover.total"), 3_001);
        assert_eq!(sams.query("{ viewer { user { id } } }").await.error_code(), Some("UNAUTHENTICATED"), "access ends at once");
        let id = left.data("userDeactivate.handover.id").clone();
        // Others write meanwhile; each time the hand-over stands in no one's way for longer than a step.
        while handover(&admin, &id).await["status"] == "RUNNING" {
            create(&admin, "account", json!({ "name": "Meanwhile" })).await;
        }
        let mut done = ended(&admin, &id).await;
        assert!(done["startedAt"].is_string() && done["finishedAt"].is_string(), "{done}");
        let parts = done.as_object_mut().expect("an object");
        parts.retain(|name, _| !["id", "startedAt", "finishedAt"].contains(&name.as_str()));
        assert_eq!(done, json!({
            "status": "DONE", "total": 3_001, "done": 3_001, "handedOver": 3_000, "failed": 0, "message": null,
            "user": { "id": sam }, "startedBy": { "email": "ada@tandem.test" }, "failures": [],
        }));
        assert_eq!((owns(&admin, &sam).await, owns(&admin, &max).await), (json!([0, 0, 0]), json!([1, 2_999, 0])));
        for (expected, sql) in [
            (3_000, "SELECT COUNT(*) AS found FROM event WHERE action = 'UPDATED' AND subject_kind IN ('Lead', 'Account') AND actor_id IS NOT NULL"),
            (2_999, "SELECT COUNT(*) AS found FROM event WHERE action = 'UPDATED' AND subject_kind = 'Lead' AND account_id IS NOT NULL"),
            (2_999, "SELECT COUNT(*) AS found FROM lead WHERE version = 2"),
            (0, "SELECT COUNT(*) AS found FROM account_team_member WHERE archived_at IS NULL"),
            (0, "SELECT COUNT(*) AS found FROM job WHERE kind IN ('import', 'user_handover') AND finished_at IS NULL"),
        ] {
            assert_eq!(crew::counted(&world, sql).await, expected, "{sql}");
        }
        let told = admin.query_with("query($id: ID!) { account(by: { id: $id }) { version timeline(last: 3) { nodes { actor { email } changes { field before after } } } } }", json!({ "id": account })).await.expect_ok();
        let events = told.data("account.timeline.nodes").as_array().expect("events").clone();
        assert!(events.contains(&json!({ "actor": { "email": "ada@tandem.test" }, "changes": [{ "field": "owner", "before": sam, "after": max }] })), "{told}");
        // Who began it and who keeps people see it, and nobody else.
        assert_eq!(handover(&world.sign_in(&MARKETER).await, &id).await, Value::Null);
        let listed = "query($id: ID) { userHandovers(userId: $id) { id status } }";
        let mine = admin.query_with(listed, json!({ "id": sam })).await.expect_ok();
        assert_eq!(mine.data("userHandovers"), &json!([{ "id": id, "status": "DONE" }]));
        assert_eq!(world.sign_in(&MARKETER).await.query_with(listed, json!({})).await.expect_ok().data("userHandovers"), &json!([]));
    }

    async fn a_successor_who_leaves_meanwhile_stops_it_and_another_continues(world: World) {
        let admin = world.admin().await;
        let (sam, max, mia) = (user_id(&admin, SELLER.email).await, user_id(&admin, SALES_MANAGER.email).await, user_id(&admin, "ada@tandem.test").await);
        create(&admin, "lead", json!({ "name": "Ann", "ownerId": sam })).await;
        multiply(&world.database_url, Kind::Lead, 29_999).await;
        let left = deactivate(&admin, json!({ "id": sam, "newOwnerId": max })).await.expect_ok();
        let first = left.data("userDeactivate.handover.id").clone();
        under_way(&admin, &first, 0).await;
        let gone = deactivate(&admin, json!({ "id": max, "newOwnerId": mia })).await.expect_ok();
        let stopped = ended(&admin, &first).await;
        assert_eq!(stopped["status"], "FAILED", "{stopped}");
        assert!(stopped["message"].as_str().expect("a message").contains("deactivated"), "{stopped}");
        let kept = crew::counted(&world, "SELECT COUNT(*) AS found FROM lead WHERE version = 1").await;
        assert!(kept > 0, "what has not gone over stays");
        let again = deactivate(&admin, json!({ "id": sam, "newOwnerId": mia })).await.expect_ok();
        assert_eq!(again.data("userDeactivate.handover.total"), kept);
        assert_eq!(ended(&admin, again.data("userDeactivate.handover.id")).await["status"], "DONE");
        assert_eq!(ended(&admin, gone.data("userDeactivate.handover.id")).await["status"], "DONE");
        assert_eq!(owns(&admin, &mia).await, json!([0, 30_000, 0]));
        let none = deactivate(&admin, json!({ "id": sam })).await.expect_ok();
        assert_eq!((none.data("userDeactivate.handover"), none.data("userDeactivate.handedOver")), (&Value::Null, &json!(0)));
    }

    async fn who_comes_back_keeps_what_has_not_gone_yet(world: World) {
        let admin = world.admin().await;
        let (sam, max) = (user_id(&admin, SELLER.email).await, user_id(&admin, SALES_MANAGER.email).await);
        create(&admin, "lead", json!({ "name": "Ann", "ownerId": sam })).await;
        multiply(&world.database_url, Kind::Lead, 29_999).await;
        let left = deactivate(&admin, json!({ "id": sam, "newOwnerId": max })).await.expect_ok();
        let id = left.data("userDeactivate.handover.id").clone();
        under_way(&admin, &id, 0).await;
        let back = "mutation($id: ID!) { userReactivate(input: { id: $id }) { user { status } userErrors { code } } }";
        admin.query_with(back, json!({ "id": sam })).await.expect_ok();
        let ended = ended(&admin, &id).await;
        assert_eq!(ended["status"], "CANCELLED", "{ended}");
        let moved = ended["handedOver"].as_i64().expect("a count");
        assert_eq!((owns(&admin, &sam).await, owns(&admin, &max).await), (json!([0, 30_000 - moved, 0]), json!([0, moved, 0])));
        create(&admin, "lead", json!({ "name": "Bob", "ownerId": sam })).await;
    }
}
