//! `can`: which of several records one may do something to.

use entity::Kind;
use serde_json::{Value, json};

use crate::{
    crew,
    shared::user_id,
    support::{
        client::{Answer, Client},
        world::{OTHER_SELLER, SELLER, TEAM_MATE},
    },
};

async fn can(client: &Client, resource: &str, action: &str, ids: &[String]) -> Answer {
    let document = "query($resource: RecordType!, $action: PermissionAction!, $ids: [ID!]!) {
        can(resource: $resource, action: $action, ids: $ids) { id allowed } }";
    client.query_with(document, json!({ "resource": resource, "action": action, "ids": ids })).await
}

#[track_caller]
fn allowed(answer: &Answer) -> Vec<bool> {
    answer
        .data("can")
        .as_array()
        .expect("a list")
        .iter()
        .map(|can| can["allowed"].as_bool().expect("a truth"))
        .collect()
}

on_both_engines! {
    async fn a_front_end_asks_for_a_page_of_buttons_at_once(world: World) {
        let (admin, seller) = (world.admin().await, world.seller().await);
        let mut owners = Vec::new();
        for person in [SELLER, TEAM_MATE, OTHER_SELLER] {
            owners.push(user_id(&admin, person.email).await);
        }
        let accounts = owners.iter().map(|owner| (Kind::Account, json!({ "name": "A", "ownerId": owner })));
        let [mine, mates, others]: [String; 3] = crew::create_all(&admin, accounts.collect()).await.try_into().unwrap();
        let nowhere = format!("acct_{}", "0".repeat(25) + "1");
        let ids = [mates.clone(), mine.clone(), others.clone(), nowhere.clone(), mine.clone()];
        let answer = can(&seller, "Account", "READ", &ids).await.expect_ok();
        assert_eq!(allowed(&answer), [true, true, false, false, true]);
        let asked: Vec<&str> = answer.data("can").as_array().unwrap().iter().map(|can| can["id"].as_str().unwrap()).collect();
        assert_eq!(asked, ids.each_ref().map(String::as_str), "in their order");
        assert_eq!(allowed(&can(&seller, "Account", "UPDATE", &ids).await.expect_ok()), [false, true, false, false, true]);
        assert_eq!(allowed(&can(&seller, "Account", "ASSIGN", &ids).await.expect_ok()), [false; 5]);
        assert_eq!(allowed(&can(&admin, "Account", "DELETE", &ids).await.expect_ok()), [true, true, true, false, true]);
        assert_eq!(allowed(&can(&seller, "Account", "READ", &[]).await.expect_ok()), Vec::<bool>::new());
        // A record out of reach and one that never was: the same answer, to the letter.
        let unseen = can(&seller, "Account", "READ", std::slice::from_ref(&others)).await.body["data"].to_string();
        let unheard = can(&seller, "Account", "READ", std::slice::from_ref(&nowhere)).await.body["data"].to_string();
        assert_eq!(unseen.replace(&others, "ID"), unheard.replace(&nowhere, "ID"));
    }

    async fn a_hundred_records_cost_one_statement(world: World) {
        let (admin, seller) = (world.admin().await, world.seller().await);
        let me = user_id(&admin, SELLER.email).await;
        let leads = (0..100).map(|n| (Kind::Lead, json!({ "name": format!("L{n}"), "ownerId": if n % 2 == 0 { json!(me) } else { Value::Null } })));
        let leads = crew::create_all(&admin, leads.collect()).await;
        for action in ["READ", "UPDATE", "DELETE"] {
            let (mut least, mut seen) = (u64::MAX, vec![]);
            for _ in 0..3 {
                let cost = world.statements(async || seen = allowed(&can(&seller, "Lead", action, &leads).await.expect_ok())).await;
                least = least.min(cost);
            }
            assert_eq!(least, 1, "{action}");
            let expected: Vec<bool> = (0..100).map(|n| n % 2 == 0 && action != "DELETE").collect();
            assert_eq!(seen, expected, "{action}");
        }
    }

    async fn a_strange_question_is_told_what_is_wrong_with_it(world: World) {
        let seller = world.seller().await;
        let account = format!("acct_{}", "0".repeat(25) + "1");
        let unknown = can(&seller, "Customer", "READ", &[]).await;
        assert_eq!(unknown.error_code(), Some("BAD_USER_INPUT"), "{unknown}");
        for ids in [vec![account.clone(); 101], vec!["nonsense".to_owned()]] {
            assert_eq!(can(&seller, "Account", "READ", &ids).await.error_code(), Some("BAD_USER_INPUT"));
        }
        assert_eq!(can(&seller, "Lead", "READ", std::slice::from_ref(&account)).await.error_code(), Some("BAD_USER_INPUT"));
        assert_eq!(can(&seller, "Lead", "STEAL", &[]).await.error_code(), Some("BAD_USER_INPUT"));
        assert_eq!(can(&world.anonymous(), "Account", "READ", &[account]).await.error_code(), Some("UNAUTHENTICATED"));
    }
}
