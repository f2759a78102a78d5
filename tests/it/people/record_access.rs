//! Who can see or change a record: the same as each of them is told by the door.

use entity::{Department, Kind};
use serde_json::{Value, json};
use tandem::access::{Action, has_effect};

use super::{role, texts};
use crate::{
    crew::{self, Hand},
    shared::{pipeline, user_id},
    support::{
        client::{Answer, Client},
        world::World,
    },
};

async fn access(client: &Client, id: &str, first: usize, after: Option<&str>) -> Answer {
    let document =
        "query ($id: ID!, $first: Int!, $after: String) { recordAccess(id: $id, first: $first, after: $after) {
        nodes { user { id name } cursor actions through { key name actions } } pageInfo { hasNextPage endCursor } } }";
    client.query_with(document, json!({ "id": id, "first": first, "after": after })).await
}

/// What is told of everybody who sees a record, page by page.
async fn everybody(client: &Client, id: &str, first: usize) -> Vec<Value> {
    let (mut people, mut after) = (Vec::new(), None);
    loop {
        let page = access(client, id, first, after.as_deref()).await.expect_ok();
        people.extend(page.data("recordAccess.nodes").as_array().expect("people").clone());
        if page.data("recordAccess.pageInfo.hasNextPage") == false {
            return people;
        }
        after = Some(crew::text(&page, "recordAccess.pageInfo.endCursor"));
    }
}

/// What somebody may do to a record, as the door tells themselves.
async fn told(hand: &Hand, kind: Kind, id: &str) -> Vec<String> {
    let actions = Action::ALL.into_iter().filter(|action| has_effect(kind, *action));
    let actions: Vec<Action> = actions.filter(|action| !matches!(action, Action::Create | Action::Import)).collect();
    let asked: Vec<String> = actions
        .iter()
        .map(|action| {
            format!(
                "{}: can(resource: {}, action: {}, ids: [$id]) {{ allowed }}",
                action.as_str(),
                kind.name(),
                action.as_str()
            )
        })
        .collect();
    let document = format!("query ($id: ID!) {{ {} }}", asked.join(" "));
    let answer = hand.client.query_with(&document, json!({ "id": id })).await.expect_ok();
    let may =
        actions.iter().map(|action| action.as_str()).filter(|name| answer.data(&format!("{name}.0.allowed")) == true);
    may.map(str::to_owned).collect()
}

/// People of every built-in role and some of their own, in two teams; and records of many kinds that belong to them.
async fn house(world: &World) -> (Vec<Hand>, Vec<(Kind, String)>) {
    let admin = world.admin().await;
    role(
        &admin,
        "parts",
        &texts(&["User:READ:ALL", "AccountDomain:READ:ALL", "AccountDomain:DELETE:OWN", "Account:READ:TEAM"]),
        &[],
    )
    .await;
    role(&admin, "authors", &texts(&["User:READ:ALL", "Story:READ:TEAM", "Story:UPDATE:OWN", "Lead:READ:OWN"]), &[])
        .await;
    let mut hands = Vec::new();
    let roles = [
        "admin",
        "marketer",
        "sales_manager",
        "rep",
        "rep",
        "rep",
        "service",
        "it",
        "executive",
        "parts",
        "authors",
        "authors",
    ];
    for (n, key) in roles.into_iter().enumerate() {
        let department = if n % 2 == 0 { Department::Sales } else { Department::Marketing };
        hands.push(crew::hire(world, &format!("hand{n}@tandem.test"), key, department).await);
    }
    crew::team(&admin, "One", &[&hands[3].id, &hands[4].id]).await;
    crew::team(&admin, "Two", &[&hands[5].id, &hands[9].id, &hands[10].id]).await;
    let (_, [stage, ..]) = pipeline(&admin, "Sales").await;
    let account = crew::create(&admin, Kind::Account, json!({ "name": "A", "ownerId": hands[3].id })).await;
    let inputs = vec![
        (Kind::AccountTeamMember, json!({ "accountId": account, "userId": hands[5].id })),
        (Kind::AccountDomain, json!({ "accountId": account, "domain": "a.example" })),
        (Kind::Contact, json!({ "name": "C", "accountId": account })),
        (Kind::Lead, json!({ "name": "L", "ownerId": hands[10].id })),
        (Kind::Lead, json!({ "name": "Nobody's" })),
        (Kind::Deal, json!({ "name": "D", "stageId": stage, "accountId": account })),
        (Kind::Story, json!({ "title": "S", "ownerId": hands[10].id, "department": "MARKETING" })),
        (Kind::TargetAccountList, json!({ "name": "T", "kind": "STATIC", "salesOwnerId": hands[4].id })),
    ];
    let kinds: Vec<Kind> = inputs.iter().map(|(kind, _)| *kind).collect();
    let ids = crew::create_all(&admin, inputs).await;
    let mut records: Vec<(Kind, String)> = kinds.into_iter().zip(ids).collect();
    records.extend([(Kind::Account, account), (Kind::User, hands[0].id.clone()), (Kind::Stage, stage)]);
    (hands, records)
}

on_both_engines! {
    async fn whoever_is_named_may_do_what_the_door_tells_them_and_nobody_else_may(world: World) {
        let admin = world.admin().await;
        let (hands, records) = house(&world).await;
        for (kind, id) in records {
            let people = everybody(&admin, &id, 100).await;
            assert_eq!(everybody(&admin, &id, 2).await, people, "page by page");
            for hand in &hands {
                let named = people.iter().find(|one| one["user"]["id"] == json!(hand.id));
                let actions = named.map_or(json!([]), |one| one["actions"].clone());
                let sees = told(hand, kind, &id).await;
                let expected = if sees.iter().any(|action| action == "READ") { json!(sees) } else { json!([]) };
                assert_eq!(actions, expected, "{kind:?} of {}", hand.id);
                for through in named.map(|one| one["through"].as_array().expect("roles").clone()).unwrap_or_default() {
                    assert!(!through["actions"].as_array().expect("actions").is_empty(), "{through}");
                }
            }
        }
    }

    async fn the_roles_by_which_somebody_may_are_told_and_each_for_its_own_part(world: World) {
        let admin = world.admin().await;
        let (hands, _) = house(&world).await;
        let seller = &hands[3];
        let reader = role(&admin, "reader", &texts(&["Account:READ:ALL", "Account:UPDATE:TEAM"]), &[]).await;
        super::assign(&admin, &reader, &seller.id).await;
        let account = crew::create(&admin, Kind::Account, json!({ "name": "B", "ownerId": seller.id })).await;
        let people = everybody(&admin, &account, 100).await;
        let one = people.iter().find(|one| one["user"]["id"] == json!(seller.id)).expect("they see it");
        assert_eq!(one["actions"], json!(["READ", "UPDATE"]));
        assert_eq!(one["through"], json!([
            { "key": "reader", "name": "reader", "actions": ["READ", "UPDATE"] },
            { "key": "rep", "name": "Sales representative", "actions": ["READ", "UPDATE"] },
        ]));
        // Who leaves is not named any more.
        let leave = "mutation($id: ID!) { userDeactivate(input: { id: $id }) { userErrors { code message } } }";
        let boss = people.iter().find(|one| one["user"]["id"] == json!(hands[8].id)).expect("an executive sees it");
        assert_eq!(boss["actions"], json!(["READ"]));
        admin.query_with(leave, json!({ "id": hands[8].id })).await.expect_ok();
        assert!(!everybody(&admin, &account, 100).await.iter().any(|one| one["user"]["id"] == json!(hands[8].id)));
    }

    async fn the_number_of_statements_does_not_depend_on_how_many_people_there_are(world: World) {
        let admin = world.admin().await;
        let account = crew::create(&admin, Kind::Account, json!({ "name": "A" })).await;
        let cost = async || {
            let mut least = u64::MAX;
            for _ in 0..3 {
                least = least.min(world.statements(async || drop(access(&admin, &account, 100, None).await.expect_ok())).await);
            }
            least
        };
        let few = cost().await;
        house(&world).await;
        assert_eq!(cost().await, few);
        // That it is seen, roles and who holds them, who sees it, what they may do, and the people as they are selected.
        assert_eq!(few, 6);
    }

    async fn nothing_is_told_of_a_record_that_the_asker_does_not_see_nor_to_who_does_not_administer_people(world: World) {
        let admin = world.admin().await;
        let needed = ["User:READ:ALL", "User:MANAGE:ALL", "Role:READ:ALL", "RoleAssignment:READ:ALL"];
        let account = crew::create(&admin, Kind::Account, json!({ "name": "A" })).await;
        role(&admin, "keeper", &texts(&needed), &[]).await;
        let keeper = crew::hire(&world, "keeper@tandem.test", "keeper", Department::It).await.client;
        let nowhere = format!("acct_{}", "0".repeat(26));
        let (unseen, unheard) = (access(&keeper, &account, 5, None).await.expect_ok(), access(&keeper, &nowhere, 5, None).await.expect_ok());
        assert_eq!((unseen.body["data"].clone(), unheard.body["data"].clone()), (json!({ "recordAccess": null }), json!({ "recordAccess": null })));
        let me = user_id(&admin, "keeper@tandem.test").await;
        assert!(!everybody(&keeper, &me, 50).await.is_empty());
        for without in 0..needed.len() {
            let some: Vec<&str> = needed.iter().copied().filter(|text| *text != needed[without]).chain(["Account:READ:ALL"]).chain(["User:READ:OWN"].into_iter().filter(|_| without == 0)).collect();
            let key = format!("clerk{without}");
            role(&admin, &key, &texts(&some), &[]).await;
            let clerk = crew::hire(&world, &format!("{key}@tandem.test"), &key, Department::It).await.client;
            let refused = access(&clerk, &account, 5, None).await;
            assert_eq!(refused.error_reason(), Some("PERMISSION_MISSING"), "{refused}");
            assert!(refused.body["errors"][0]["message"].as_str().expect("a message").contains(needed[without]), "{refused}");
        }
        for (id, first, code) in [("nonsense", 5, "BAD_USER_INPUT"), (&*account, 201, "BAD_USER_INPUT"), (&format!("evnt_{}", "0".repeat(26)), 5, "BAD_USER_INPUT")] {
            assert_eq!(access(&admin, id, first, None).await.error_code(), Some(code), "{id} {first}");
        }
        assert_eq!(access(&admin, &account, 5, Some("nonsense")).await.error_code(), Some("INVALID_CURSOR"));
    }
}
