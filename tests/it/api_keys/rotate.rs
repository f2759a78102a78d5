//! Another secret for a key, and the time in which both are good.

use std::time::Duration;

use serde_json::{Value, json};

use super::{key, reason, revoke, rotate, turned_away};
use crate::{crew, support::client::Client};

const ASK: &str = "{ viewer { permissions } }";

async fn is_good(client: &Client) {
    client.query(ASK).await.expect_ok();
}

on_both_engines! {
    async fn both_secrets_are_good_while_the_integration_changes_over(world: World) {
        let admin = world.admin().await;
        let made = key(&world, &admin, "integration").await;
        world.clock.advance(Duration::from_mins(1));
        let answer = rotate(&admin, json!({ "id": made.id, "overlapMinutes": 10 })).await.expect_ok();
        let next = crew::text(&answer, "apiKeyRotate.secret");
        let shown = json!({ "id": made.id, "prefix": next[..12], "rotatedAt": "2026-03-02T09:01:00.000Z", "version": 2 });
        assert_eq!(answer.data("apiKeyRotate.apiKey"), &shown);
        assert_ne!(next, made.secret);
        let new = world.anonymous().with_token(next);
        is_good(&made.client).await;
        is_good(&new).await;
        world.clock.advance(Duration::from_millis(10 * 60_000 - 1));
        is_good(&made.client).await;
        world.clock.advance(Duration::from_millis(1));
        turned_away(&made.client.query(ASK).await, "API_KEY_ROTATED");
        is_good(&new).await;
    }

    async fn an_old_secret_is_good_for_a_day_unless_said_otherwise(world: World) {
        let key = key(&world, &world.admin().await, "integration").await;
        let admin = world.admin().await;
        rotate(&admin, json!({ "id": key.id })).await.expect_ok();
        world.clock.advance(Duration::from_millis(24 * 60 * 60_000 - 1));
        is_good(&key.client).await;
        world.clock.advance(Duration::from_millis(1));
        turned_away(&key.client.query(ASK).await, "API_KEY_ROTATED");
    }

    async fn a_second_rotation_ends_older_secrets_at_once(world: World) {
        let admin = world.admin().await;
        let made = key(&world, &admin, "integration").await;
        let first = rotate(&admin, json!({ "id": made.id })).await.expect_ok();
        let first = world.anonymous().with_token(crew::text(&first, "apiKeyRotate.secret"));
        is_good(&made.client).await;
        let second = rotate(&admin, json!({ "id": made.id })).await.expect_ok();
        let second = world.anonymous().with_token(crew::text(&second, "apiKeyRotate.secret"));
        turned_away(&made.client.query(ASK).await, "API_KEY_ROTATED");
        is_good(&first).await;
        is_good(&second).await;
        let third = rotate(&admin, json!({ "id": made.id, "overlapMinutes": 0 })).await.expect_ok();
        for ended in [&made.client, &first, &second] {
            turned_away(&ended.query(ASK).await, "API_KEY_ROTATED");
        }
        is_good(&world.anonymous().with_token(crew::text(&third, "apiKeyRotate.secret"))).await;
    }

    async fn a_rotation_that_cannot_be_gives_no_secret(world: World) {
        let admin = world.admin().await;
        let made = key(&world, &admin, "integration").await;
        for (more, expected) in [
            (json!({ "overlapMinutes": -1 }), "OUT_OF_RANGE overlapMinutes"),
            (json!({ "overlapMinutes": 10_081 }), "OUT_OF_RANGE overlapMinutes"),
            (json!({ "expectedVersion": 7 }), "CONFLICT expectedVersion"),
            (json!({ "id": "akey_00000000000000000000000001" }), "NOT_FOUND id"),
        ] {
            let mut input = json!({ "id": made.id });
            input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let answer = rotate(&admin, input).await;
            assert_eq!(answer.user_errors("apiKeyRotate"), [expected]);
            assert_eq!(*answer.data("apiKeyRotate.secret"), Value::Null);
        }
        is_good(&made.client).await;
        world.clock.advance(Duration::from_hours(31 * 24));
        let admin = world.admin().await;
        let expired = rotate(&admin, json!({ "id": made.id })).await;
        assert_eq!((expired.user_errors("apiKeyRotate"), reason(&expired, "apiKeyRotate")), (vec!["INVALID_TRANSITION id".to_owned()], "API_KEY_EXPIRED"));
        revoke(&admin, json!({ "id": made.id })).await.expect_ok();
        let revoked = rotate(&admin, json!({ "id": made.id })).await;
        assert_eq!((revoked.user_errors("apiKeyRotate"), reason(&revoked, "apiKeyRotate")), (vec!["INVALID_TRANSITION id".to_owned()], "API_KEY_REVOKED"));
    }
}
