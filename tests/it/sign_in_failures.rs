//! Failed sign-ins in the audit, and what ends the waiting for them.

use std::time::Duration;

use entity::Department;
use serde_json::{Value, json};

use crate::{
    crew,
    shared::user_id,
    sign_in_slowed::Door,
    support::{
        client::Client,
        world::{PASSWORD, SELLER},
    },
};

const ELSEWHERE: &str = "198.51.100.1";
const UNLOCK: &str = "mutation($input: UserUnlockInput!) { userUnlock(input: $input) { user { id } forgotten userErrors { code reason } } }";

/// What the audit tells of failed sign-ins of a person, once it tells this often.
async fn told(admin: &Client, user: &str, times: usize) -> Vec<Value> {
    let document = "query($user: ID!) { audit(filter: { subject: { eq: $user }, field: { eq: \"failedSignIns\" } }) {
        nodes { action actor { id } changes { field before after } } } }";
    // Events are written beside the answers that they tell of.
    for _ in 0..3_000 {
        let answer = admin.query_with(document, json!({ "user": user })).await;
        let nodes = answer.data("audit.nodes").as_array().unwrap_or_else(|| panic!("{answer}")).clone();
        if nodes.len() >= times {
            assert_eq!(nodes.len(), times, "{answer}");
            return nodes;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the audit does not tell of {times} events");
}

fn failures(after: u32) -> Value {
    json!({ "action": "SIGN_IN_FAILED", "actor": null, "changes": [{ "field": "failedSignIns", "before": null, "after": after }] })
}

on_both_engines! {
    async fn the_audit_tells_of_the_first_failure_at_once_and_of_others_once_a_minute(world: World) {
        let (admin, door) = (world.admin().await, Door::open(&world).await);
        let sam = user_id(&admin, SELLER.email).await;
        door.fail(ELSEWHERE, SELLER.email, 5).await;
        assert_eq!(told(&admin, &sam, 1).await, [failures(1)]);
        world.clock.advance(Duration::from_mins(1));
        assert_eq!(told(&admin, &sam, 2).await, [failures(1), failures(4)]);
        // Refusals to try are no failures, and names that nobody has stand nowhere.
        door.fail(ELSEWHERE, "nobody@tandem.test", 3).await;
        door.fail(ELSEWHERE, SELLER.email, 1).await;
        assert_eq!(door.try_from(ELSEWHERE, SELLER.email, PASSWORD).await.error_code(), Some("RATE_LIMITED"));
        door.running.stop().await.unwrap();
        assert_eq!(told(&admin, &sam, 3).await[2], failures(1), "a process that ends tells of the rest");
    }

    async fn a_wrong_current_password_is_told_too_and_holds_up_its_own_session_alone(world: World) {
        let (admin, seller) = (world.admin().await, world.seller().await);
        let sam = user_id(&admin, SELLER.email).await;
        let change = "mutation { passwordChange(input: { currentPassword: \"not my password\", newPassword: \"snow on seven roofs\" }) { userErrors { code } } }";
        for _ in 0..5 {
            assert_eq!(seller.query(change).await.user_errors("passwordChange"), ["INVALID"]);
        }
        assert_eq!(seller.query(change).await.error_code(), Some("RATE_LIMITED"));
        assert_eq!(told(&admin, &sam, 1).await, [failures(1)]);
        let other = world.seller().await;
        assert_eq!(other.query(change).await.user_errors("passwordChange"), ["INVALID"]);
    }

    async fn a_right_password_ends_the_counting_even_where_it_must_be_changed(world: World) {
        let (admin, door) = (world.admin().await, Door::open(&world).await);
        let sam = user_id(&admin, SELLER.email).await;
        let given = "seven green bridges";
        let input = json!({ "id": sam, "password": given, "mustChangePassword": true });
        let set = "mutation($input: UserSetPasswordInput!) { userSetPassword(input: $input) { userErrors { code } } }";
        admin.query_with(set, json!({ "input": input })).await.expect_ok();
        for _ in 0..3 {
            door.fail(ELSEWHERE, SELLER.email, 4).await;
            let refused = door.try_from(ELSEWHERE, SELLER.email, given).await;
            assert_eq!(refused.data("signIn.userErrors.0.reason"), "PASSWORD_CHANGE_REQUIRED", "{refused}");
        }
        door.running.stop().await.unwrap();
    }

    async fn an_administrator_unlocks_a_person_and_the_audit_tells_of_it(world: World) {
        let (admin, door) = (world.admin().await, Door::open(&world).await);
        let sam = user_id(&admin, SELLER.email).await;
        for n in 0..4 {
            door.fail(&format!("198.51.100.{n}"), SELLER.email, 5).await;
        }
        assert_eq!(door.try_from("192.0.2.1", SELLER.email, PASSWORD).await.error_code(), Some("RATE_LIMITED"));
        assert_eq!(door.try_from("198.51.100.1", SELLER.email, PASSWORD).await.error_code(), Some("RATE_LIMITED"));
        let unlocked = admin.query_with(UNLOCK, json!({ "input": { "id": sam } })).await.expect_ok();
        assert_eq!((unlocked.data("userUnlock.forgotten"), unlocked.data("userUnlock.user.id")), (&json!(20), &json!(sam)));
        door.fail("198.51.100.1", SELLER.email, 1).await;
        door.try_from("198.51.100.1", SELLER.email, PASSWORD).await.expect_ok();
        let events = told(&admin, &sam, 2).await;
        let unlock = events.iter().find(|event| event["action"] == "UPDATED").unwrap_or_else(|| panic!("{events:?}"));
        assert_eq!(unlock["changes"], json!([{ "field": "failedSignIns", "before": 20, "after": 0 }]));
        let again = admin.query_with(UNLOCK, json!({ "input": { "id": sam } })).await.expect_ok();
        assert_eq!(again.data("userUnlock.forgotten"), 0);
        told(&admin, &sam, 2).await;
        door.running.stop().await.unwrap();
    }

    async fn who_may_not_administer_people_unlocks_nobody(world: World) {
        let (admin, seller) = (world.admin().await, world.seller().await);
        let sam = user_id(&admin, SELLER.email).await;
        let refused = seller.query_with(UNLOCK, json!({ "input": { "id": sam } })).await;
        assert_eq!(refused.data("userUnlock.userErrors.0.reason"), "PERMISSION_MISSING");
        let service = crew::hire(&world, "it@tandem.test", "it", Department::It).await;
        let strange = json!({ "input": { "id": "user_00000000000000000000000001" } });
        assert_eq!(service.client.query_with(UNLOCK, strange).await.user_errors("userUnlock"), ["NOT_FOUND"]);
        assert_eq!(world.anonymous().query_with(UNLOCK, json!({ "input": { "id": sam } })).await.error_code(), Some("UNAUTHENTICATED"));
    }

    async fn another_password_ends_the_waiting_whoever_sets_it(world: World) {
        let (admin, door) = (world.admin().await, Door::open(&world).await);
        let sam = user_id(&admin, SELLER.email).await;
        let locked = async || {
            door.fail(ELSEWHERE, SELLER.email, 5).await;
            assert_eq!(door.try_from(ELSEWHERE, SELLER.email, PASSWORD).await.error_code(), Some("RATE_LIMITED"));
        };
        locked().await;
        let set = "mutation($id: ID!, $password: String!) { userSetPassword(input: { id: $id, password: $password }) { userErrors { message } } }";
        admin.query_with(set, json!({ "id": sam, "password": "snow on seven roofs" })).await.expect_ok();
        door.try_from(ELSEWHERE, SELLER.email, "snow on seven roofs").await.expect_ok();
        locked().await;
        let create = "mutation($id: ID!) { userPasswordResetCreate(input: { id: $id }) { token userErrors { message } } }";
        let token = crew::text(&admin.query_with(create, json!({ "id": sam })).await.expect_ok(), "userPasswordResetCreate.token");
        let reset = "mutation($input: PasswordResetInput!) { passwordReset(input: $input) { userErrors { message } } }";
        door.ask(ELSEWHERE, reset, json!({ "token": token, "password": "rain on seven roofs" })).await.expect_ok();
        door.try_from(ELSEWHERE, SELLER.email, "rain on seven roofs").await.expect_ok();
        door.running.stop().await.unwrap();
    }
}
