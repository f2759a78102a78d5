//! What somebody who leaves hands over to whom, seen before and refused before.

use entity::Department;
use serde_json::{Value, json};

use super::leaving::deactivate;
use crate::{
    crew,
    shared::{archive, create, create_all, mutate, pipeline, user_id},
    support::{
        client::Client,
        world::{MARKETER, SALES_MANAGER, SELLER},
    },
};

async fn preview(client: &Client, input: Value) -> Value {
    let document = "query($input: UserDeactivateInput!) { userDeactivatePreview(input: $input) {
        user { id } holdings { type count archived unassigned } teams teamsLed sessions outlivesRequest
        userErrors { code field reason } } }";
    client.query_with(document, json!({ "input": input })).await.data("userDeactivatePreview").clone()
}

fn holding(preview: &Value, of: &str) -> Value {
    let all = preview["holdings"].as_array().expect("holdings");
    let found = all.iter().find(|holding| holding["type"] == of).expect("every type is told");
    json!([found["count"], found["archived"], found["unassigned"]])
}

async fn owner(client: &Client, noun: &str, id: &str) -> Value {
    let document = format!("query($id: ID!) {{ {noun}(by: {{ id: $id }}) {{ owner {{ id }} }} }}");
    client.query_with(&document, json!({ "id": id })).await.expect_ok().data(&format!("{noun}.owner.id")).clone()
}

on_both_engines! {
    async fn each_type_goes_to_a_successor_of_its_own(world: World) {
        let admin = world.admin().await;
        let sam = user_id(&admin, SELLER.email).await;
        let (max, mia) = (user_id(&admin, SALES_MANAGER.email).await, user_id(&admin, MARKETER.email).await);
        let eve = crew::hire(&world, "ned@tandem.test", "rep", Department::Sales).await.id;
        let (_, [open, won, _]) = pipeline(&admin, "New business").await;
        let mut ids = Vec::new();
        for (noun, input) in [
            ("account", json!({ "name": "Acme", "ownerId": sam })),
            ("account", json!({ "name": "Beta", "ownerId": sam })),
            ("account", json!({ "name": "Others'" })),
            ("deal", json!({ "name": "Open", "stageId": open, "ownerId": sam })),
            ("deal", json!({ "name": "Won", "stageId": won, "ownerId": sam })),
            ("lead", json!({ "name": "Ann", "ownerId": sam })),
            ("story", json!({ "title": "Why", "ownerId": sam })),
        ] {
            ids.push(create(&admin, noun, input).await);
        }
        let [acme, beta, other, deal, won, lead, story] = ids.try_into().expect("all of them");
        let at_acme = create(&admin, "lead", json!({ "name": "At Acme", "ownerId": sam, "accountId": acme })).await;
        archive(&admin, "lead", &lead).await;
        for account in [&acme, &other] {
            create(&admin, "accountTeamMember", json!({ "accountId": account, "userId": sam, "role": "Closer" })).await;
        }
        // The successor is in one of these teams already.
        create(&admin, "accountTeamMember", json!({ "accountId": acme, "userId": eve, "role": "Coach" })).await;
        let team = create(&admin, "team", json!({ "name": "Key accounts", "department": "SALES" })).await;
        create(&admin, "teamMembership", json!({ "teamId": team, "userId": sam, "leads": true })).await;
        world.seller().await;

        let alone = preview(&admin, json!({ "id": sam })).await;
        let held = ["ACCOUNT", "LEAD", "DEAL", "STORY", "PERSONA", "ACCOUNT_TEAM_MEMBER"].map(|of| holding(&alone, of));
        assert_eq!(json!(held), json!([[2, 0, 2], [1, 1, 1], [2, 0, 2], [1, 0, 1], [0, 0, 0], [2, 0, 2]]));
        assert_eq!((&alone["user"]["id"], &alone["teams"], &alone["teamsLed"], &alone["sessions"], &alone["outlivesRequest"]), (&json!(sam), &json!(2), &json!(1), &json!(1), &json!(false)));
        assert_eq!(alone["userErrors"], json!([{ "code": "REQUIRED", "field": ["newOwnerId"], "reason": "NEW_OWNER_REQUIRED" }]));

        let plan = json!({ "id": sam, "newOwnerId": mia, "handover": [
            { "accountIds": [acme], "toId": eve }, { "type": "DEAL", "toId": max }, { "type": "ACCOUNT_TEAM_MEMBER", "toId": eve },
        ] });
        let before = preview(&admin, plan.clone()).await;
        assert_eq!((&before["userErrors"], holding(&before, "DEAL")), (&json!([]), json!([2, 0, 0])));
        assert_eq!(owner(&admin, "deal", &deal).await, sam.as_str(), "a preview changes nothing");
        let left = deactivate(&admin, plan).await.expect_ok();
        let handover = left.data("userDeactivate.handover");
        assert_eq!(json!([handover["status"], handover["total"], handover["done"], handover["handedOver"]]), json!(["DONE", 9, 9, 8]));
        for (noun, id, to) in [
            ("account", &acme, &eve), ("lead", &at_acme, &eve), ("account", &beta, &mia), ("deal", &deal, &max), ("deal", &won, &max),
            ("lead", &lead, &mia), ("story", &story, &mia),
        ] {
            assert_eq!(owner(&admin, noun, id).await, to.as_str(), "{noun} {id}");
        }
        for (account, role) in [(&acme, "Coach"), (&other, "Closer")] {
            let document = "query($id: ID!) { account(by: { id: $id }) { team { nodes { role user { id } } } } }";
            let answer = admin.query_with(document, json!({ "id": account })).await.expect_ok();
            assert_eq!(answer.data("account.team.nodes"), &json!([{ "role": role, "user": { "id": eve } }]));
        }
        let members = admin.query_with("query($id: ID!) { team(by: { id: $id }) { members { totalCount } } }", json!({ "id": team })).await;
        assert_eq!(members.expect_ok().data("team.members.totalCount"), 0);
    }

    async fn what_cannot_be_given_is_refused_before_anything_happens(world: World) {
        let admin = world.admin().await;
        let (sam, max) = (user_id(&admin, SELLER.email).await, user_id(&admin, SALES_MANAGER.email).await);
        let account = create(&admin, "account", json!({ "name": "Acme", "ownerId": sam })).await;
        create(&admin, "lead", json!({ "name": "Ann", "ownerId": sam })).await;
        let gone = crew::hire(&world, "gone@tandem.test", "rep", Department::Sales).await.id;
        deactivate(&admin, json!({ "id": gone })).await.expect_ok();
        let nobody = create(&admin, "user", json!({ "name": "Without a role", "department": "SALES" })).await;
        let story = create(&admin, "story", json!({ "title": "Why", "ownerId": max })).await;
        for (input, code, reason) in [
            (json!({}), "REQUIRED newOwnerId", "NEW_OWNER_REQUIRED"),
            (json!({ "handover": [{ "type": "LEAD", "toId": max }] }), "REQUIRED newOwnerId", "NEW_OWNER_REQUIRED"),
            (json!({ "handover": [{ "accountIds": [account], "toId": max }] }), "REQUIRED newOwnerId", "NEW_OWNER_REQUIRED"),
            (json!({ "newOwnerId": sam }), "INVALID newOwnerId", ""),
            (json!({ "newOwnerId": gone }), "INVALID newOwnerId", "OWNER_DEACTIVATED"),
            (json!({ "newOwnerId": nobody }), "INVALID newOwnerId", "OWNER_WITHOUT_ACCESS"),
            (json!({ "newOwnerId": max, "handover": [{ "type": "LEAD", "toId": gone }] }), "INVALID handover.0.toId", "OWNER_DEACTIVATED"),
            (json!({ "newOwnerId": max, "handover": [{ "type": "LEAD", "toId": account }] }), "INVALID handover.0.toId", ""),
            (json!({ "newOwnerId": max, "handover": [{ "type": "STORY", "accountIds": [account], "toId": max }] }), "INVALID handover.0.accountIds", ""),
            (json!({ "newOwnerId": max, "handover": [{ "accountIds": [], "toId": max }] }), "OUT_OF_RANGE handover.0.accountIds", ""),
            (json!({ "newOwnerId": max, "handover": [{ "accountIds": ["acct_00000000000000000000000000"], "toId": max }] }), "NOT_FOUND handover.0.accountIds", ""),
        ] {
            let mut input = input;
            input["id"] = json!(sam);
            let refused = deactivate(&admin, input.clone()).await;
            assert_eq!(refused.user_errors("userDeactivate"), [code], "{input}");
            let told = refused.data("userDeactivate.userErrors.0.reason").as_str().unwrap_or_default().to_owned();
            assert_eq!(told, reason, "{input}");
            let seen = preview(&admin, input.clone()).await;
            let seen = seen["userErrors"][0]["code"].as_str().unwrap_or_default().to_owned();
            assert!(code.starts_with(&seen) && !seen.is_empty(), "{input}: {seen}");
        }
        assert_eq!(owner(&admin, "account", &account).await, sam.as_str());
        assert_eq!(owner(&admin, "story", &story).await, max.as_str());
        world.seller().await;
        // Whoever may not decide about people learns nothing by asking.
        let asked = preview(&world.seller().await, json!({ "id": max })).await;
        assert_eq!((&asked["holdings"], &asked["userErrors"][0]["reason"]), (&json!([]), &json!("PERMISSION_MISSING")));
        let last = preview(&admin, json!({ "id": user_id(&admin, "ada@tandem.test").await })).await;
        assert_eq!(last["userErrors"][0]["reason"], "LAST_ADMIN");
        let stale = mutate(&admin, "user", "Update", json!({ "id": sam, "title": "Rep" }), "").await.expect_ok();
        let version = stale.data("userUpdate.user.version").as_i64().expect("a version") - 1;
        assert_eq!(preview(&admin, json!({ "id": sam, "newOwnerId": max, "expectedVersion": version })).await["userErrors"][0]["reason"], "STALE_VERSION");
    }

    async fn a_plan_of_many_entries_is_looked_at_in_no_more_statements_than_one_of_few(world: World) {
        let admin = world.admin().await;
        let (sam, max) = (user_id(&admin, SELLER.email).await, user_id(&admin, SALES_MANAGER.email).await);
        let items = (0..40).map(|n| json!({ "name": format!("Account {n}"), "ownerId": sam })).collect();
        let accounts = create_all(&admin, "account", items).await;
        let mut costs = Vec::new();
        for entries in [2, 40] {
            let handover: Vec<Value> = accounts[..entries].iter().map(|id| json!({ "accountIds": [id], "toId": max })).collect();
            let input = json!({ "id": sam, "handover": handover, "newOwnerId": max });
            let mut least = u64::MAX;
            // Who calls is read once a second, and other statements may fall into one try.
            for _ in 0..5 {
                least = least.min(world.statements(async || assert_eq!(preview(&admin, input.clone()).await["userErrors"], json!([]))).await);
            }
            costs.push(least);
        }
        assert_eq!(costs[0], costs[1], "{costs:?}");
    }
}
