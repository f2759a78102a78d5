//! Hand-overs of the program itself whose process is killed or asked to end.

use entity::Kind;
use serde_json::{Value, json};

use crate::{
    command_line::{Place, on_an_empty_database},
    crew,
    people::leaving::{deactivate, ended, multiply, under_way},
    shared::create,
    support::{client::Client, database::Engine},
};

const LEADS: usize = 30_000;

/// Begins to hand over the leads of somebody who leaves; answers the hand-over's id.
async fn leave(place: &Place, admin: &Client) -> Value {
    let me = crew::text(&admin.query("{ viewer { user { id } } }").await.expect_ok(), "viewer.user.id");
    let gone = create(admin, "user", json!({ "name": "Gone", "department": "SALES" })).await;
    create(admin, "lead", json!({ "name": "Ann", "ownerId": gone })).await;
    multiply(&place.url, Kind::Lead, LEADS - 1).await;
    let left = deactivate(admin, json!({ "id": gone, "newOwnerId": me })).await.expect_ok();
    assert_eq!(left.data("userDeactivate.handover.total"), LEADS);
    left.data("userDeactivate.handover.id").clone()
}

/// Every lead went over once: by the counts told, the records and the audit trail.
async fn every_lead_once(place: &Place, ended: &Value) {
    let all = json!(LEADS);
    assert_eq!((&ended["status"], &ended["done"], &ended["handedOver"]), (&json!("DONE"), &all, &all), "{ended}");
    let count = async |sql: &str| usize::try_from(place.counted(sql).await).expect("a count");
    for (expected, sql) in [
        (
            LEADS,
            "SELECT COUNT(*) AS found FROM lead l JOIN \"user\" u ON u.id = l.owner_id WHERE l.version = 2 AND u.status = 'ACTIVE'",
        ),
        (
            LEADS,
            "SELECT COUNT(DISTINCT subject_id) AS found FROM event WHERE subject_kind = 'Lead' AND action = 'UPDATED'",
        ),
        (LEADS, "SELECT COUNT(*) AS found FROM event WHERE subject_kind = 'Lead' AND action = 'UPDATED'"),
        (0, "SELECT COUNT(*) AS found FROM job WHERE kind IN ('import', 'user_handover') AND finished_at IS NULL"),
    ] {
        assert_eq!(count(sql).await, expected, "{sql}");
    }
}

on_an_empty_database! {
    async fn a_hand_over_whose_process_is_killed_is_finished_by_the_next_start(place: Place) {
        let mut serving = place.serve("1");
        let id = leave(place, &serving.admin().await).await;
        let mut done = 0;
        for _ in 0..2 {
            done = under_way(&serving.admin().await, &id, done).await["done"].as_i64().expect("a count");
            serving.child.kill().expect("it can be killed");
            serving.child.wait().expect("it is gone");
            assert_eq!(place.counted("SELECT COUNT(*) AS found FROM user_handover WHERE status = 'RUNNING'").await, 1);
            serving = place.serve("1");
        }
        every_lead_once(place, &ended(&serving.admin().await, &id).await).await;
        assert_eq!(serving.end(), Some(0));
    }

    async fn a_process_that_is_asked_to_end_hands_its_hand_over_to_the_next(place: Place) {
        // Nobody could wait for the end of this lease.
        let serving = place.serve("3600");
        let client = serving.admin().await;
        let id = leave(place, &client).await;
        under_way(&client, &id, 0).await;
        assert_eq!(serving.end(), Some(0));
        let serving = place.serve("3600");
        every_lead_once(place, &ended(&serving.admin().await, &id).await).await;
        assert_eq!(serving.end(), Some(0));
    }
}
