//! What changed somebody's rights: everything these hang on, the newest first, with who and when and in words.

use entity::Department;
use serde_json::{Value, json};

use super::{role, texts};
use crate::{
    crew,
    shared::{create, mutate, user_id},
    support::{
        client::{Answer, Client},
        world::SELLER,
    },
};

const HISTORY: &str = "query ($user: ID!, $first: Int!, $after: String) { userAccessHistory(user: $user, first: $first, after: $after) {
    nodes { eventId occurredAt summary resource actorName apiKeyName } edges { cursor node { eventId } } pageInfo { hasNextPage endCursor } } }";

async fn history(client: &Client, user: &str, first: usize, after: Option<&str>) -> Answer {
    client.query_with(HISTORY, json!({ "user": user, "first": first, "after": after })).await
}

/// The newest sentences about somebody, oldest of them first.
async fn said(admin: &Client, user: &str, newest: usize) -> Vec<String> {
    let answer = history(admin, user, newest, None).await.expect_ok();
    let nodes = answer.data("userAccessHistory.nodes").as_array().expect("changes").clone();
    nodes.iter().rev().map(|node| node["summary"].as_str().expect("a sentence").to_owned()).collect()
}

async fn verb(client: &Client, verb: &str, input: Value, select: &str) -> Answer {
    let of = format!("{}{}", verb[..1].to_uppercase(), &verb[1..]);
    let document = format!(
        "mutation ($input: {of}Input!) {{ {verb}(input: $input) {{ {select} userErrors {{ code message }} }} }}"
    );
    client.query_with(&document, json!({ "input": input })).await.expect_ok()
}

on_both_engines! {
    async fn all_that_changed_somebody_s_rights_is_told_with_who_and_when(world: World) {
        let admin = world.admin().await;
        let pat = crew::hire(&world, "pat@tandem.test", "it", Department::It).await.id;
        let begun = said(&admin, &pat, 10).await;
        assert_eq!(begun, ["Joined the company, in the department IT.", "Got the role “IT”."]);
        let spare = role(&admin, "spare", &texts(&["Deal:READ:OWN"]), &[]).await;
        let pair = json!({ "roleId": spare, "userId": pat });
        let edit = async |reach: &str| {
            let grants = json!([{ "resource": "Deal", "action": "READ", "reach": reach }]);
            verb(&admin, "roleUpdate", json!({ "id": spare, "grants": grants }), "role { id }").await;
        };
        let step = || world.clock.advance(std::time::Duration::from_secs(1));
        // Before it is theirs, and after it was, a role is nobody's business of theirs.
        edit("TEAM").await;
        step();
        verb(&admin, "roleAssign", pair.clone(), "assignment { id }").await;
        step();
        edit("ALL").await;
        verb(&admin, "roleUpdate", json!({ "id": spare, "description": "Says nothing of rights" }), "role { id }").await;
        step();
        verb(&admin, "roleUnassign", pair, "assignment { id }").await;
        step();
        edit("OWN").await;
        assert_eq!(said(&admin, &pat, 3).await, [
            "Got the role “spare”.",
            "The role “spare”, which they held, was changed: it permits Deal:READ:ALL; it no longer permits Deal:READ:TEAM.",
            "Lost the role “spare”.",
        ]);
        // Teams: their own, what stands below it, and what is put there or taken away.
        let (north, south) = (crew::team(&admin, "North pole", &[]).await, crew::team(&admin, "South pole", &[]).await);
        let place = create(&admin, "teamMembership", json!({ "teamId": north, "userId": pat })).await;
        step();
        mutate(&admin, "team", "Update", json!({ "id": south, "parentId": north }), "").await.expect_ok();
        step();
        mutate(&admin, "team", "Update", json!({ "id": south, "parentId": null, "name": "Pole of the south" }), "").await.expect_ok();
        step();
        mutate(&admin, "team", "Update", json!({ "id": north, "name": "Pole of the north" }), "").await.expect_ok();
        mutate(&admin, "teamMembership", "Archive", json!({ "id": place }), "").await.expect_ok();
        assert_eq!(said(&admin, &pat, 4).await, [
            "Joined the team “Pole of the north”.",
            "The team “Pole of the south” was moved in the tree of teams, below theirs or away from there.",
            "The team “Pole of the south” was moved in the tree of teams, below theirs or away from there.",
            "Left the team “Pole of the north”.",
        ]);
        // API keys that act for them, and those that did.
        step();
        let key = json!({ "name": "Sync", "roleId": spare, "ownerId": pat, "expiresAt": "2026-04-01T00:00:00Z" });
        let key = crew::text(&verb(&admin, "apiKeyCreate", key, "apiKey { id }").await, "apiKeyCreate.apiKey.id");
        step();
        let me = user_id(&admin, "ada@tandem.test").await;
        verb(&admin, "apiKeyUpdate", json!({ "id": key, "ownerId": me }), "apiKey { id }").await;
        step();
        verb(&admin, "apiKeyRevoke", json!({ "id": key }), "apiKey { id }").await;
        assert_eq!(said(&admin, &pat, 2).await, [
            "The API key “Sync”, which acts for them or did, was created; its role is “spare”.",
            "The API key “Sync”, which acts for them or did, was given to somebody else.",
        ]);
        step();
        verb(&admin, "userUpdate", json!({ "id": pat, "department": "SALES", "title": "Seller" }), "user { id }").await;
        verb(&admin, "userUpdate", json!({ "id": pat, "title": "Says nothing of rights" }), "user { id }").await;
        step();
        verb(&admin, "userDeactivate", json!({ "id": pat }), "user { id }").await;
        let answer = history(&admin, &pat, 2, None).await.expect_ok();
        assert_eq!(said(&admin, &pat, 2).await, ["Moved from the department IT to the department SALES.", "Was deactivated."]);
        let newest = answer.data("userAccessHistory.nodes.0").clone();
        assert_eq!((&newest["actorName"], &newest["resource"], &newest["apiKeyName"]), (&json!("Ada Admin"), &json!("User"), &Value::Null));
        assert!(newest["occurredAt"].as_str().expect("a time").starts_with("2026-03-02T09:00:"), "{newest}");
        // Nothing of it concerns anybody else.
        assert!(!said(&admin, &user_id(&admin, SELLER.email).await, 50).await.iter().any(|text| text.contains("spare")));
    }

    async fn a_history_is_read_page_by_page_in_few_statements(world: World) {
        let admin = world.admin().await;
        let sam = user_id(&admin, SELLER.email).await;
        let spare = role(&admin, "spare", &texts(&["Deal:READ:OWN"]), &[]).await;
        for _ in 0..4 {
            verb(&admin, "roleAssign", json!({ "roleId": spare, "userId": sam }), "assignment { id }").await;
            verb(&admin, "roleUnassign", json!({ "roleId": spare, "userId": sam }), "assignment { id }").await;
        }
        let whole = history(&admin, &sam, 100, None).await.expect_ok();
        let whole = whole.data("userAccessHistory.nodes").as_array().expect("changes").clone();
        let (mut read, mut after) = (Vec::new(), None);
        loop {
            let page = history(&admin, &sam, 3, after.as_deref()).await.expect_ok();
            read.extend(page.data("userAccessHistory.nodes").as_array().expect("changes").clone());
            if page.data("userAccessHistory.pageInfo.hasNextPage") == false {
                break;
            }
            after = Some(crew::text(&page, "userAccessHistory.pageInfo.endCursor"));
        }
        assert_eq!(read, whole);
        assert!(whole.len() >= 10, "{whole:?}");
        let mut least = u64::MAX;
        for first in [1, 100, 100] {
            least = least.min(world.statements(async || drop(history(&admin, &sam, first, None).await.expect_ok())).await);
        }
        // That they are seen, their teams, and the page.
        assert_eq!(least, 3);
        assert_eq!(history(&admin, &sam, 3, Some("nonsense")).await.error_code(), Some("INVALID_CURSOR"));
        assert_eq!(history(&admin, &sam, 201, None).await.error_code(), Some("BAD_USER_INPUT"));
    }

    async fn who_does_not_administer_people_reads_nobody_s_history(world: World) {
        let admin = world.admin().await;
        let sam = user_id(&admin, SELLER.email).await;
        let all = ["User:READ:ALL", "User:MANAGE:ALL", "Role:READ:ALL", "RoleAssignment:READ:ALL", "Team:READ:ALL", "TeamMembership:READ:ALL", "ApiKey:READ:ALL", "Event:READ:ALL"];
        for without in 0..all.len() {
            let some: Vec<&str> = all.iter().copied().filter(|text| *text != all[without]).chain(["User:READ:OWN"].into_iter().filter(|_| without == 0)).collect();
            let key = format!("clerk{without}");
            role(&admin, &key, &texts(&some), &[]).await;
            let hand = crew::hire(&world, &format!("{key}@tandem.test"), &key, Department::It).await;
            let refused = history(&hand.client, &sam, 5, None).await;
            assert_eq!(refused.error_reason(), Some("PERMISSION_MISSING"), "{refused}");
            assert!(refused.body["errors"][0]["message"].as_str().expect("a message").contains(all[without]), "{refused}");
        }
        role(&admin, "clerk", &texts(&all), &[]).await;
        let clerk = crew::hire(&world, "clerk@tandem.test", "clerk", Department::It).await.client;
        assert_eq!(said(&clerk, &sam, 50).await[0], "Joined the company, in the department SALES.");
        let nobody = history(&admin, &format!("user_{}", "0".repeat(26)), 5, None).await.expect_ok();
        assert!(nobody.data("userAccessHistory").is_null());
    }
}
