//! `explainAccess`: decisions in words, with what made them.

use entity::{Department, Kind};
use serde_json::{Value, json};

use super::{assign, role, texts};
use crate::{
    crew,
    shared::user_id,
    support::{
        client::{Answer, Client},
        world::{OTHER_SELLER, SELLER, SERVICE, TEAM_MATE},
    },
};

const WHAT: &str = "allowed summary reach obstacles roles { name reach covers because }
    ties { how name department isPerson inTeams } hiddenFields { field rule roles { name } } readOnlyFields { field rule roles { name } }";

async fn ask(client: &Client, user: &str, record: &str, action: &str, select: &str) -> Answer {
    let document = format!(
        "query($user: ID!, $record: ID!, $action: PermissionAction!) {{
        explainAccess(user: $user, record: $record, action: $action) {{ {select} }} }}"
    );
    client.query_with(&document, json!({ "user": user, "record": record, "action": action })).await
}

async fn explain(client: &Client, user: &str, record: &str, action: &str) -> Value {
    ask(client, user, record, action, WHAT).await.expect_ok().data("explainAccess").clone()
}

on_both_engines! {
    async fn an_admin_reads_aloud_why_somebody_may_and_may_not(world: World) {
        let admin = world.admin().await;
        let (sam, tia, otto) = (user_id(&admin, SELLER.email).await, user_id(&admin, TEAM_MATE.email).await, user_id(&admin, OTHER_SELLER.email).await);
        let account = crew::create(&admin, Kind::Account, json!({ "name": "Acme", "ownerId": otto })).await;
        let rep = "the role Sales representative lets them";

        let unseen = explain(&admin, &sam, &account, "UPDATE").await;
        assert_eq!(unseen["summary"], format!(
            "Sam Seller may not change the account “Acme”: {rep} change their own accounts, but it belongs to Otto Other. They may not see it either."));
        assert_eq!((&unseen["allowed"], &unseen["reach"]), (&json!(false), &json!("OWN")));
        assert_eq!(unseen["obstacles"], json!(["OUT_OF_REACH", "NOT_READABLE"]));
        assert_eq!(unseen["ties"], json!([{ "how": "OWNER", "name": "Otto Other", "department": null, "isPerson": false, "inTeams": false }]));

        crew::create(&admin, Kind::AccountTeamMember, json!({ "accountId": account, "userId": tia })).await;
        let seen = explain(&admin, &sam, &account, "READ").await;
        assert_eq!(seen["summary"], format!(
            "Sam Seller may see the account “Acme”: {rep} see the accounts of their teams, and Tia Teammate, of their teams, is on its team."));
        assert_eq!((&seen["allowed"], &seen["obstacles"]), (&json!(true), &json!([])));
        assert_eq!(seen["ties"][0], json!({ "how": "ACCOUNT_TEAM", "name": "Tia Teammate", "department": null, "isPerson": false, "inTeams": true }));
        assert_eq!(seen["roles"], json!([{ "name": "Sales representative", "reach": "TEAM", "covers": true,
            "because": "It lets them see the accounts of their teams, and Tia Teammate, of their teams, is on its team." }]));
        let denied = explain(&admin, &sam, &account, "UPDATE").await;
        assert_eq!(denied["obstacles"], json!(["OUT_OF_REACH"]), "they see it now: {denied}");
        let never = explain(&admin, &sam, &account, "DELETE").await;
        assert_eq!(never["summary"], "Sam Seller may not archive the account “Acme”: their only role, Sales representative, does not let them archive accounts.");
        assert_eq!(never["obstacles"], json!(["NO_PERMISSION"]));

        let lead = crew::create(&admin, Kind::Lead, json!({ "name": "Pump", "accountId": account })).await;
        let lead = explain(&admin, &tia, &lead, "UPDATE").await;
        assert_eq!(lead["summary"], format!("Tia Teammate may change the lead “Pump”: {rep} change their own leads, and they are on its account's team."));
    }

    async fn two_roles_are_weighed_and_the_one_that_decides_is_named(world: World) {
        let admin = world.admin().await;
        let otto = user_id(&admin, OTHER_SELLER.email).await;
        let own = role(&admin, "narrow", &texts(&["User:READ:ALL", "Deal:READ:ALL", "Deal:UPDATE:OWN"]), &texts(&["Deal:amount:HIDDEN", "Deal:closeDate:READ_ONLY"])).await;
        let wide = role(&admin, "wide", &texts(&["Deal:UPDATE:ALL"]), &texts(&["Deal:closeDate:READ_ONLY", "Deal:closeReason:READ_ONLY"])).await;
        let nina = crew::hire(&world, "nina@tandem.test", "narrow", Department::Sales).await;
        assign(&admin, &wide, &nina.id).await;
        let (_, [open, ..]) = crate::shared::pipeline(&admin, "P").await;
        let deal = crew::create(&admin, Kind::Deal, json!({ "name": "Big", "stageId": open, "ownerId": otto })).await;
        let told = explain(&admin, &nina.id, &deal, "UPDATE").await;
        assert_eq!(told["summary"], "nina@tandem.test may change the deal “Big”: the role wide lets them change all deals.");
        let roles: Vec<(&str, bool)> = told["roles"].as_array().unwrap().iter().map(|role| (role["name"].as_str().unwrap(), role["covers"].as_bool().unwrap())).collect();
        assert_eq!(roles, [("narrow", false), ("wide", true)]);
        // One role sees, both change: a field is kept only where each of those keeps it.
        assert_eq!(told["hiddenFields"], json!([{ "field": "amount", "rule": "HIDDEN", "roles": [{ "name": "narrow" }] }]));
        assert_eq!(told["readOnlyFields"], json!([{ "field": "closeDate", "rule": "READ_ONLY", "roles": [{ "name": "narrow" }, { "name": "wide" }] }]));
        let answer = ask(&admin, &nina.id, &deal, "UPDATE", "roles { role { id } } ties { user { email } }").await.expect_ok();
        assert_eq!(*answer.data("explainAccess.roles"), json!([{ "role": { "id": own } }, { "role": { "id": wide } }]));
        assert_eq!(*answer.data("explainAccess.ties"), json!([{ "user": { "email": OTHER_SELLER.email } }]));
    }

    async fn a_permission_alone_is_not_enough(world: World) {
        let admin = world.admin().await;
        let otto = user_id(&admin, OTHER_SELLER.email).await;
        role(&admin, "blind", &texts(&["User:READ:ALL", "Account:UPDATE:ALL", "AccountDomain:READ:ALL", "AccountDomain:DELETE:ALL"]), &[]).await;
        let hand = crew::hire(&world, "blind@tandem.test", "blind", Department::Sales).await;
        let account = crew::create(&admin, Kind::Account, json!({ "name": "Acme", "ownerId": otto })).await;
        let domain = crew::create(&admin, Kind::AccountDomain, json!({ "accountId": account, "domain": "acme.example" })).await;
        let unseen = explain(&admin, &hand.id, &account, "UPDATE").await;
        assert_eq!((&unseen["obstacles"], &unseen["roles"][0]["covers"]), (&json!(["NOT_READABLE"]), &json!(true)));
        assert!(unseen["summary"].as_str().unwrap().ends_with("but they may not see it. In Tandem, what they may not see they may not change."), "{unseen}");
        let part = explain(&admin, &hand.id, &domain, "READ").await;
        assert_eq!(part["obstacles"], json!(["PARENT_NOT_SEEN"]));
        assert!(part["summary"].as_str().unwrap().ends_with("it is a part of an account that they may not see."), "{part}");
        assert_eq!(part["ties"][0]["name"], "Otto Other", "a part belongs to whom the whole belongs: {part}");
        let leave = "mutation($id: ID!) { userDeactivate(input: { id: $id }) { userErrors { code message } } }";
        admin.query_with(leave, json!({ "id": hand.id })).await.expect_ok();
        let gone = explain(&admin, &hand.id, &domain, "READ").await;
        assert_eq!(gone["obstacles"][0], "PERSON_DEACTIVATED");
        assert!(gone["summary"].as_str().unwrap().ends_with("they are deactivated and may do nothing."), "{gone}");
    }

    async fn works_belong_to_their_author_and_their_department(world: World) {
        let admin = world.admin().await;
        let mia = user_id(&admin, "mia@tandem.test").await;
        let story = crew::create(&admin, Kind::Story, json!({ "title": "Why", "department": "MARKETING", "ownerId": user_id(&admin, SELLER.email).await })).await;
        let told = explain(&admin, &mia, &story, "UPDATE").await;
        assert_eq!(told["summary"], "Mia Marketer may change the story “Why”: the role Marketer lets them change their own stories and those of their department, and it belongs to their department.");
        let ties: Vec<(&Value, &Value, &Value)> = told["ties"].as_array().unwrap().iter().map(|tie| (&tie["how"], &tie["department"], &tie["inTeams"])).collect();
        assert_eq!(ties, [(&json!("DEPARTMENT"), &json!("MARKETING"), &json!(true)), (&json!("AUTHOR"), &Value::Null, &json!(false))]);
    }

    async fn a_record_of_nobody_is_told_from_one_whose_owners_the_reader_may_not_see(world: World) {
        let admin = world.admin().await;
        let (sam, otto) = (user_id(&admin, SELLER.email).await, user_id(&admin, OTHER_SELLER.email).await);
        let sees = texts(&["User:READ:ALL", "Role:READ:ALL", "RoleAssignment:READ:ALL", "Account:READ:ALL"]);
        role(&admin, "auditor", &sees, &texts(&["Account:owner:HIDDEN"])).await;
        let auditor = crew::hire(&world, "auditor@tandem.test", "auditor", Department::It).await.client;
        let owned = crew::create(&admin, Kind::Account, json!({ "name": "Owned", "ownerId": otto })).await;
        let free = crew::create(&admin, Kind::Account, json!({ "name": "Free" })).await;
        let end = |told: &Value| told["summary"].as_str().expect("a summary").split(", but ").last().expect("a reason").to_owned();
        assert_eq!(end(&explain(&admin, &sam, &owned, "UPDATE").await), "it belongs to Otto Other. They may not see it either.");
        assert_eq!(end(&explain(&admin, &sam, &free, "UPDATE").await), "it belongs to nobody. They may not see it either.");
        let (one, other) = (explain(&auditor, &sam, &owned, "UPDATE").await, explain(&auditor, &sam, &free, "UPDATE").await);
        let unknown = "it does not belong to them; to whom it belongs, if anybody, you may not see. They may not see it either.";
        assert_eq!((end(&one).as_str(), end(&other).as_str()), (unknown, unknown), "whether it has an owner is not told");
    }

    async fn who_may_not_see_roles_is_refused_and_what_is_not_seen_is_null(world: World) {
        let (admin, seller) = (world.admin().await, world.seller().await);
        let sam = user_id(&admin, SELLER.email).await;
        let account = crew::create(&admin, Kind::Account, json!({ "name": "Secret" })).await;
        let refused = ask(&seller, &sam, &account, "READ", WHAT).await;
        assert_eq!((refused.error_code(), refused.error_reason()), (Some("FORBIDDEN"), Some("PERMISSION_MISSING")), "{refused}");
        assert_eq!(refused.body["data"], json!({ "explainAccess": null }));
        let it = crew::hire(&world, "ira@tandem.test", "it", Department::It).await;
        let nobody = format!("user_{}", "0".repeat(25) + "1");
        let nowhere = format!("acct_{}", "0".repeat(25) + "1");
        for (client, user, record) in [(&it.client, &sam, &account), (&admin, &nobody, &account), (&admin, &sam, &nowhere)] {
            assert_eq!(explain(client, user, record, "READ").await, Value::Null, "{user} {record}");
        }
        assert_eq!(explain(&it.client, &sam, &sam, "READ").await["allowed"], true, "the directory is everybody's");
        for (user, record) in [(&account, &account), (&sam, &"nonsense".to_owned())] {
            assert_eq!(ask(&admin, user, record, "READ", WHAT).await.error_code(), Some("BAD_USER_INPUT"));
        }
        assert_eq!(ask(&world.anonymous(), &sam, &account, "READ", WHAT).await.error_code(), Some("UNAUTHENTICATED"));
    }

    async fn what_is_hidden_from_the_reader_is_not_told_by_an_explanation(world: World) {
        let admin = world.admin().await;
        let grants = texts(&["Role:READ:ALL", "RoleAssignment:READ:ALL", "User:READ:ALL", "Deal:READ:ALL", "Stage:READ:ALL"]);
        role(&admin, "auditor", &grants, &texts(&["Deal:owner:HIDDEN"])).await;
        let auditor = crew::hire(&world, "aud@tandem.test", "auditor", Department::It).await;
        let (sam, tia) = (user_id(&admin, SELLER.email).await, user_id(&admin, TEAM_MATE.email).await);
        let account = crew::create(&admin, Kind::Account, json!({ "name": "Acme", "ownerId": tia })).await;
        let (_, [open, ..]) = crate::shared::pipeline(&admin, "P").await;
        let deal = json!({ "name": "Big", "stageId": open, "ownerId": tia, "accountId": account });
        let deal = crew::create(&admin, Kind::Deal, deal).await;
        let told = explain(&auditor.client, &sam, &deal, "READ").await;
        // Neither the owner, which is hidden, nor the account, which they may not see.
        assert_eq!((&told["allowed"], &told["ties"]), (&json!(true), &json!([])));
        assert!(told["summary"].as_str().unwrap().ends_with("and it belongs to their teams."), "{told}");
        assert!(!told.to_string().contains("Tia"), "{told}");
        let whole = explain(&admin, &sam, &deal, "READ").await;
        assert_eq!(whole["ties"].as_array().unwrap().len(), 2, "{whole}");
    }

    async fn an_explanation_costs_four_statements(world: World) {
        let admin = world.admin().await;
        let sue = user_id(&admin, SERVICE.email).await;
        let account = crew::create(&admin, Kind::Account, json!({ "name": "Acme", "ownerId": sue })).await;
        let domain = crew::create(&admin, Kind::AccountDomain, json!({ "accountId": account, "domain": "acme.example" })).await;
        for record in [&account, &domain, &sue] {
            let mut least = u64::MAX;
            for _ in 0..3 {
                least = least.min(world.statements(async || drop(explain(&admin, &sue, record, "UPDATE").await)).await);
            }
            assert_eq!(least, 4, "the pair, the roles, the decision, the ties: {record}");
        }
    }
}
