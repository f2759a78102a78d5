//! What a change of roles would mean, told before it is made: compared with what then happens.

use entity::{Department, Kind};
use serde_json::{Value, json};

use super::{assign, delete, events, field_rules, grants, officer, role, role_id, said, save, unassign};
use crate::{
    crew,
    shared::{self, user_id},
    support::{
        client::{Answer, Client},
        world::{OTHER_SELLER, SELLER, TEAM_MATE, World},
    },
};

async fn preview(client: &Client, changes: Value, first: i32) -> Answer {
    let document =
        "query ($changes: [RoleChangeInput!]!, $first: Int!) { rolePreview(changes: $changes, first: $first) {
        totalHolders userErrors { code reason field index }
        holders {
            user { id email } apiKey { name }
            gains { resource action from to records } losses { resource action from to records }
            uncovered { resource field } hidden { resource field } unlocked { resource field } locked { resource field }
        } } }";
    client.query_with(document, json!({ "changes": changes, "first": first })).await
}

/// What the preview tells of somebody.
fn of<'a>(answer: &'a Answer, email: &str) -> &'a Value {
    let holders = answer.data("rolePreview.holders").as_array().expect("a list");
    holders
        .iter()
        .find(|holder| holder["user"]["email"] == email)
        .unwrap_or_else(|| panic!("{email} is not told of: {answer}"))
}

fn records(holder: &Value, list: &str, resource: &str, action: &str) -> i64 {
    let found = holder[list]
        .as_array()
        .expect("a list")
        .iter()
        .find(|one| one["resource"] == resource && one["action"] == action);
    found.and_then(|one| one["records"].as_i64()).unwrap_or_else(|| panic!("no {resource} {action} in {holder}"))
}

/// How many records of each kind somebody sees.
async fn seen(client: &Client) -> [i64; 3] {
    let answer =
        client.query("{ accounts { totalCount } deals { totalCount } personas { totalCount } }").await.expect_ok();
    ["accounts", "deals", "personas"].map(|list| answer.data(&format!("{list}.totalCount")).as_i64().expect("a number"))
}

/// Accounts, deals and personas of several owners.
async fn stock(world: &World) -> Client {
    let admin = world.admin().await;
    let (_, [open, ..]) = shared::pipeline(&admin, "P").await;
    for (person, number) in [(&SELLER, 1), (&TEAM_MATE, 2), (&OTHER_SELLER, 3)] {
        let owner = user_id(&admin, person.email).await;
        for n in 0..number {
            let account =
                crew::create(&admin, Kind::Account, json!({ "name": format!("{n}"), "ownerId": owner })).await;
            crew::create(
                &admin,
                Kind::Deal,
                json!({ "name": "D", "stageId": open, "accountId": account, "ownerId": owner }),
            )
            .await;
            let department = if person.email == OTHER_SELLER.email { "SALES" } else { "PRODUCT" };
            crew::create(&admin, Kind::Persona, json!({ "name": "P", "ownerId": owner, "department": department }))
                .await;
        }
    }
    admin
}

on_both_engines! {
    async fn what_a_preview_tells_is_what_then_happens(world: World) {
        let admin = stock(&world).await;
        let rep = role_id(&admin, "rep").await;
        let people = [&SELLER, &TEAM_MATE, &OTHER_SELLER];
        let mut clients = Vec::new();
        for person in people {
            clients.push(world.sign_in(person).await);
        }
        for permits in [
            &["Account:READ:ALL", "Deal:READ:OWN", "Persona:READ:TEAM"][..],
            &["Account:READ:OWN", "Deal:READ:ALL"],
            &["Account:READ:TEAM", "Deal:READ:TEAM", "Persona:READ:OWN"],
        ] {
            let change = json!({ "id": rep, "grants": grants(permits) });
            let (before, version) = (events(&admin).await, role(&admin, "rep").await);
            let told = preview(&admin, json!([{ "update": change }]), 50).await;
            assert_eq!(said(&told, "rolePreview"), Vec::<String>::new());
            assert_eq!((events(&admin).await, role(&admin, "rep").await), (before, version), "it changes nothing");
            assert_eq!(told.data("rolePreview.totalHolders"), 3);
            let mut had = Vec::new();
            for client in &clients {
                had.push(seen(client).await);
            }
            save(&admin, "Update", change).await.expect_ok();
            for ((person, client), had) in people.iter().zip(&clients).zip(had) {
                let (holder, has) = (of(&told, person.email), seen(client).await);
                for (n, resource) in ["Account", "Deal", "Persona"].into_iter().enumerate() {
                    let shift = ["gains", "losses"].iter().find_map(|list| {
                        let found = holder[*list].as_array().unwrap().iter().any(|one| one["resource"] == resource && one["action"] == "READ");
                        found.then(|| records(holder, list, resource, "READ") * if *list == "gains" { 1 } else { -1 })
                    });
                    assert_eq!(has[n] - had[n], shift.unwrap_or(0), "{} {resource} by {permits:?}", person.email);
                }
            }
        }
    }

    async fn a_preview_takes_all_kinds_of_change_together(world: World) {
        let admin = stock(&world).await;
        let (sam, otto) = (user_id(&admin, SELLER.email).await, user_id(&admin, OTHER_SELLER.email).await);
        let hunter = shared::create(&admin, "role", json!({
            "name": "Hunter", "grants": grants(&["Deal:READ:ALL", "Deal:UPDATE:ALL", "Lead:CREATE:ALL"]), "fieldRules": field_rules(&["Deal:amount:HIDDEN"]),
        })).await;
        let (rep, service) = (role_id(&admin, "rep").await, role_id(&admin, "service").await);
        assign(&admin, &hunter, &otto).await.expect_ok();
        let changes = json!([
            { "create": { "name": "New", "grants": grants(&["Account:READ:ALL"]), "idempotencyKey": "c" } },
            { "assign": { "roleId": hunter, "userId": sam } },
            { "unassign": { "roleId": rep, "userId": sam } },
            { "delete": { "id": hunter, "evenIfInUse": true } },
            // A key is of no use for what is undone again, and does no harm.
            { "update": { "id": service, "fieldRules": [], "description": "Sees amounts.", "idempotencyKey": "u" } },
        ]);
        let told = preview(&admin, changes, 50).await;
        assert_eq!(said(&told, "rolePreview"), Vec::<String>::new());
        let sam_told = of(&told, SELLER.email);
        assert_eq!(records(sam_told, "losses", "Account", "READ"), 3, "the own team's");
        assert_eq!(sam_told["gains"], json!([]));
        let otto_told = of(&told, OTHER_SELLER.email);
        assert_eq!(records(otto_told, "losses", "Deal", "READ"), 3, "all but the own team's");
        let lead = otto_told["losses"].as_array().unwrap().iter().find(|one| one["action"] == "CREATE" && one["resource"] == "Lead");
        if let Some(lead) = lead {
            assert_eq!(lead["records"], Value::Null, "no record that is there comes or goes");
        }
        let sue = of(&told, "sue@tandem.test");
        let amount = json!([{ "resource": "Account", "field": "annualRevenue" }, { "resource": "Deal", "field": "amount" }]);
        assert_eq!((&sue["uncovered"], &sue["gains"], &sue["hidden"]), (&amount, &json!([]), &json!([])));
        assert_eq!(told.data("rolePreview.totalHolders"), 3);
        let short = preview(&admin, json!([{ "update": { "id": rep, "grants": [] } }]), 1).await.expect_ok();
        assert_eq!(short.data("rolePreview.holders").as_array().map(Vec::len), Some(1));
        assert_eq!(short.data("rolePreview.totalHolders"), 3);
        for made in ["new", "hunter"] {
            assert_eq!(role(&admin, made).await.is_null(), made == "new", "nothing was made and nothing deleted");
        }
        unassign(&admin, &hunter, &otto).await.expect_ok();
        delete(&admin, json!({ "id": hunter })).await.expect_ok();
    }

    async fn what_could_not_be_done_is_told_with_its_place(world: World) {
        let admin = world.admin().await;
        let (rep, boss) = (role_id(&admin, "rep").await, role_id(&admin, "admin").await);
        let me = user_id(&admin, "ada@tandem.test").await;
        let changes = json!([
            { "update": { "id": rep, "name": "Fine" } },
            { "update": { "id": rep, "grants": grants(&["Account:MERGE:ALL"]) } },
            { "delete": { "id": rep } },
            { "unassign": { "roleId": boss, "userId": me } },
            { "update": { "id": "nonsense" } },
            { "create": { "name": " " } },
            { "assign": { "roleId": me, "userId": me } },
        ]);
        let told = preview(&admin, changes, 10).await;
        let errors = told.data("rolePreview.userErrors").as_array().unwrap().clone();
        let errors: Vec<String> = errors.iter().map(|error| format!("{} {}", error["index"], error["reason"].as_str().or(error["code"].as_str()).unwrap())).collect();
        assert_eq!(errors, ["1 GRANT_WITHOUT_EFFECT", "2 ROLE_BUILT_IN", "3 LAST_ADMIN", "4 INVALID", "5 REQUIRED", "6 INVALID"]);
        assert_eq!((told.data("rolePreview.holders"), told.data("rolePreview.totalHolders")), (&json!([]), &json!(0)));
        assert_eq!(role(&admin, "rep").await["name"], "Sales representative");
        let many: Vec<Value> = (0..51).map(|_| json!({ "create": { "name": "N" } })).collect();
        assert_eq!(said(&preview(&admin, json!(many), 10).await, "rolePreview"), ["LIMIT_REACHED changes"]);
        for first in [-1, 51, 201] {
            assert_eq!(preview(&admin, json!([]), first).await.error_code(), Some("BAD_USER_INPUT"), "{first}");
        }
        let two = json!([{ "create": { "name": "N" }, "delete": { "id": rep } }]);
        assert!(preview(&admin, two, 1).await.body["errors"].is_array());
    }

    async fn a_preview_tells_nobody_what_they_may_not_see(world: World) {
        let admin = stock(&world).await;
        let rep = role_id(&admin, "rep").await;
        let change = json!([{ "update": { "id": rep, "grants": [] } }]);
        let seller = world.seller().await;
        assert_eq!(said(&preview(&seller, change.clone(), 9).await, "rolePreview"), ["FORBIDDEN PERMISSION_MISSING"]);
        let it = crew::hire(&world, "ira@tandem.test", "it", Department::It).await.client;
        assert_eq!(said(&preview(&it, change.clone(), 9).await, "rolePreview"), ["FORBIDDEN PERMISSION_MISSING"], "who may not change roles");
        let blind = officer(&world, "blind", &["Role:READ:ALL", "Role:UPDATE:ALL"]).await.client;
        assert_eq!(said(&preview(&blind, change.clone(), 9).await, "rolePreview"), ["FORBIDDEN PERMISSION_MISSING"], "who may not see who holds them");
        let keeper = officer(&world, "keeper", &["Role:READ:ALL", "Role:UPDATE:ALL", "RoleAssignment:READ:ALL", "User:READ:OWN", "Deal:READ:ALL"]).await.client;
        let deals = shared::create(&admin, "role", json!({ "name": "Deals", "grants": grants(&["Deal:READ:ALL"]) })).await;
        assign(&admin, &deals, &crew::stranger(&admin, "Nils").await).await.expect_ok();
        let own = json!([{ "update": { "id": role_id(&admin, "keeper").await, "grants": grants(&["Deal:READ:OWN"]) } }, { "update": { "id": deals, "grants": [] } }]);
        let told = preview(&keeper, own, 9).await.expect_ok();
        assert_eq!(told.data("rolePreview.totalHolders"), 1, "holders out of sight are not even counted");
        assert_eq!(records(of(&told, "keeper@tandem.test"), "losses", "Deal", "READ"), 6);
        let roles = of(&told, "keeper@tandem.test")["losses"].as_array().unwrap().iter().find(|one| one["resource"] == "User").unwrap();
        assert_eq!(roles["records"], Value::Null, "no count of what one does not see oneself");
    }

    async fn what_is_the_same_for_all_is_counted_once_and_the_rest_in_one_statement_each(world: World) {
        let admin = stock(&world).await;
        let rep = role_id(&admin, "rep").await;
        let cost = async |permits: &[&str]| {
            let change = json!([{ "update": { "id": rep, "grants": grants(permits) } }]);
            world.statements(async || drop(preview(&admin, change.clone(), 50).await.expect_ok())).await
        };
        // Warm: who is calling, and what they may do.
        cost(&[]).await;
        let (few, many) = (cost(&["Account:READ:TEAM"]).await, cost(&["Account:READ:ALL", "Deal:READ:OWN", "Persona:READ:ALL"]).await);
        assert_eq!(few, many, "whatever the number of permissions");
        let (write, lock) = if world.engine == crate::support::database::Engine::Postgres { (1, 1) } else { (2, 0) };
        // Holders, keys and people; who holds what, before and after; the role and its event; all
        // records; one for each of three holders; users as they are selected, and no keys, as there are none. For who
        // may decide it: its holders, what they hold, its keys; what those hold who lose; the invitations of who gains.
        // On PostgreSQL those who decide about rights take a lock.
        assert_eq!(few, 3 + 2 + 1 + write + 1 + 3 + 1 + 5 + lock);
        let sam = user_id(&admin, SELLER.email).await;
        let executive = role_id(&admin, "executive").await;
        let given = world.statements(async || drop(assign(&admin, &executive, &sam).await.expect_ok())).await;
        // Role and person seen, both locked, what they hold, the role's permissions twice and what
        // it adds to what they hold, invitations; the answer.
        assert!(given <= 11 + write + lock, "{given}");
    }
}
