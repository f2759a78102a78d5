//! Nobody grants what they do not hold, and nobody takes over who holds more.

use entity::Department;
use serde_json::json;

use super::{assign, encode, field_rules, grants, officer, role, role_id, said, save, unassign, verb};
use crate::{
    crew,
    shared::{self, user_id},
    support::{
        client::Client,
        world::{ADMIN, PASSWORD, SELLER, SERVICE},
    },
};

/// May keep roles and people, and sees accounts of the own team; no more.
const KEEPER: [&str; 17] = [
    "User:READ:ALL",
    "User:UPDATE:ALL",
    "User:MANAGE:ALL",
    "Role:READ:ALL",
    "Role:CREATE:ALL",
    "Role:UPDATE:ALL",
    "Role:DELETE:ALL",
    "Role:IMPORT:ALL",
    "Role:EXPORT:ALL",
    "RoleAssignment:READ:ALL",
    "RoleAssignment:CREATE:ALL",
    "RoleAssignment:DELETE:ALL",
    "Account:READ:TEAM",
    "Deal:READ:ALL",
    "Deal:UPDATE:ALL",
    "Session:READ:OWN",
    "Session:DELETE:OWN",
];

const BEYOND: &str = "FORBIDDEN EXCEEDS_OWN_PERMISSIONS";

async fn set_password(client: &Client, user: &str) -> Vec<String> {
    let input = json!({ "id": user, "password": "another correct horse" });
    said(&verb(client, "userSetPassword", input, "user { id }").await, "userSetPassword")
}

on_both_engines! {
    async fn nobody_makes_a_role_that_permits_what_they_may_not(world: World) {
        let keeper = officer(&world, "keeper", &KEEPER).await.client;
        for (permits, lacks) in [
            (&["Account:READ:ALL"][..], "Account:READ:ALL"),
            (&["Lead:READ:OWN"], "Lead:READ:OWN"),
            (&["Deal:READ:ALL", "Deal:DELETE:OWN"], "Deal:DELETE:OWN"),
        ] {
            let refused = save(&keeper, "Create", json!({ "name": "Wide", "grants": grants(permits) })).await;
            assert_eq!(said(&refused, "roleCreate"), [format!("{BEYOND} grants")], "{permits:?}");
            let message = crew::text(&refused, "roleCreate.userErrors.0.message");
            assert!(message.ends_with(&format!("do not have: {lacks}.")), "{message}");
        }
        let copy = save(&keeper, "Create", json!({ "name": "Copy", "copiedFromId": role_id(&keeper, "admin").await })).await;
        assert_eq!(said(&copy, "roleCreate"), [format!("{BEYOND} grants")]);
        let message = crew::text(&copy, "roleCreate.userErrors.0.message");
        assert_eq!(message.matches(":ALL").count(), 5, "five are listed: {message}");
        assert!(message.contains(" more."), "and the others counted: {message}");
        let bulk = "mutation { roleBulkUpsert(input: { items: [{ name: \"B\", grants: [{ resource: Lead, action: READ, reach: ALL }] }] }) { results { status userErrors { code reason } } userErrors { code } } }";
        let bulk = keeper.query(bulk).await.expect_ok();
        assert_eq!(bulk.data("roleBulkUpsert.results.0.userErrors"), &json!([{ "code": "FORBIDDEN", "reason": "EXCEEDS_OWN_PERMISSIONS" }]));
        for name in ["Same", "Less"] {
            let permits = if name == "Same" { &KEEPER[..] } else { &["Account:READ:OWN"] };
            save(&keeper, "Create", json!({ "name": name, "grants": grants(permits) })).await.expect_ok();
        }
    }

    async fn nobody_widens_a_role_beyond_their_own_but_may_narrow_it_and_leave_what_was(world: World) {
        let admin = world.admin().await;
        let keeper = officer(&world, "keeper", &KEEPER).await.client;
        let wide = shared::create(&admin, "role", json!({ "name": "Wide", "grants": grants(&["Lead:READ:ALL", "Lead:UPDATE:OWN"]) })).await;
        let edit = async |permits: &[&str]| said(&save(&keeper, "Update", json!({ "id": wide, "grants": grants(permits) })).await, "roleUpdate");
        assert_eq!(edit(&["Lead:READ:ALL", "Lead:UPDATE:TEAM"]).await, [format!("{BEYOND} grants")]);
        let own = role_id(&keeper, "keeper").await;
        let more = [&KEEPER[..], &["Lead:READ:OWN"]].concat();
        assert_eq!(said(&save(&keeper, "Update", json!({ "id": own, "grants": grants(&more) })).await, "roleUpdate"), [format!("{BEYOND} grants")]);
        assert!(edit(&["Lead:READ:ALL", "Account:READ:TEAM"]).await.is_empty(), "what it permitted before is not granted anew");
        assert!(edit(&["Lead:READ:OWN"]).await.is_empty());
        assert_eq!(edit(&["Lead:READ:ALL"]).await, [format!("{BEYOND} grants")], "what was taken away is");
    }

    async fn nobody_uncovers_a_field_that_is_hidden_from_them(world: World) {
        let admin = world.admin().await;
        let keeper = officer(&world, "keeper", &KEEPER).await.client;
        let own = role_id(&admin, "keeper").await;
        save(&admin, "Update", json!({ "id": own, "fieldRules": field_rules(&["Deal:amount:HIDDEN", "Deal:closeDate:READ_ONLY"]) })).await.expect_ok();
        for (permits, rules, lacks) in [
            (&["Deal:READ:ALL"][..], &["Deal:closeDate:READ_ONLY"][..], "read access to Deal.amount"),
            (&["Deal:READ:ALL", "Deal:UPDATE:ALL"], &["Deal:amount:HIDDEN"], "write access to Deal.closeDate"),
        ] {
            let input = json!({ "name": "Open", "grants": grants(permits), "fieldRules": field_rules(rules) });
            let refused = save(&keeper, "Create", input).await;
            assert_eq!(said(&refused, "roleCreate"), [format!("{BEYOND} grants")]);
            assert!(crew::text(&refused, "roleCreate.userErrors.0.message").contains(lacks), "{refused}");
        }
        let open = save(&keeper, "Update", json!({ "id": own, "fieldRules": [] })).await;
        assert_eq!(said(&open, "roleUpdate"), [format!("{BEYOND} grants")]);
        let fine = json!({ "name": "Closed", "grants": grants(&["Deal:READ:ALL"]), "fieldRules": field_rules(&["Deal:amount:HIDDEN"]) });
        save(&keeper, "Create", fine).await.expect_ok();
    }

    async fn nobody_gives_a_role_that_permits_more_than_they_may_not_even_to_themselves(world: World) {
        let keeper = officer(&world, "keeper", &KEEPER).await;
        let sam = user_id(&keeper.client, SELLER.email).await;
        for key in ["admin", "sales_manager", "executive"] {
            let role = role_id(&keeper.client, key).await;
            for who in [&keeper.id, &sam] {
                assert_eq!(said(&assign(&keeper.client, &role, who).await, "roleAssign"), [format!("{BEYOND} roleId")], "{key}");
            }
        }
        let less = shared::create(&keeper.client, "role", json!({ "name": "Less", "grants": grants(&["Deal:READ:OWN"]) })).await;
        assign(&keeper.client, &less, &sam).await.expect_ok();
    }

    async fn nobody_brings_in_or_gives_by_document_what_they_may_not(world: World) {
        let keeper = officer(&world, "keeper", &KEEPER).await.client;
        let document = json!({ "format": "tandem-roles/1", "roles": [{ "key": "x", "name": "X", "grants": ["Lead:READ:ALL"] }] });
        let refused = verb(&keeper, "roleImport", json!({ "document": document }), "fingerprint").await;
        assert_eq!(said(&refused, "roleImport"), [format!("{BEYOND} document.roles.0.grants")]);
    }

    async fn nobody_takes_over_the_account_of_somebody_who_may_do_more(world: World) {
        let admin = world.admin().await;
        let keeper = officer(&world, "keeper", &KEEPER).await;
        let (boss, by) = (user_id(&admin, ADMIN.email).await, &keeper.client);
        let second = crew::hire(&world, "second@tandem.test", "admin", Department::It).await;
        assert_eq!(set_password(by, &boss).await, [BEYOND]);
        let address = shared::mutate(by, "user", "Update", json!({ "id": boss, "email": "mine@tandem.test" }), "").await;
        assert_eq!(said(&address, "userUpdate"), [BEYOND]);
        let leave = async |by: &Client, who: &str| said(&verb(by, "userDeactivate", json!({ "id": who }), "user { id }").await, "userDeactivate");
        assert_eq!(leave(by, &boss).await, [BEYOND]);
        assert_eq!(said(&unassign(by, &role_id(by, "admin").await, &boss).await, "roleUnassign"), [BEYOND]);
        assert!(leave(&admin, &second.id).await.is_empty());
        let back = verb(by, "userReactivate", json!({ "id": second.id }), "user { id }").await;
        assert_eq!(said(&back, "userReactivate"), [BEYOND]);
        let message = crew::text(&back, "userReactivate.userErrors.0.message");
        assert!(message.contains("that you do not have"), "{message}");
        let title = shared::mutate(by, "user", "Update", json!({ "id": boss, "title": "Boss" }), "").await;
        assert_eq!(said(&title, "userUpdate"), [BEYOND]);
        assert!(crew::try_sign_in(&world.anonymous(), ADMIN.email, PASSWORD).await.data("signIn.accessToken").is_string());
    }

    async fn what_is_somebody_elses_own_is_not_covered_by_ones_own(world: World) {
        let admin = world.admin().await;
        let keeper = officer(&world, "keeper", &["User:READ:ALL", "User:UPDATE:ALL", "User:MANAGE:ALL", "Deal:READ:OWN"]).await;
        save(&admin, "Create", json!({ "name": "Same", "grants": grants(&["User:READ:OWN", "Deal:READ:OWN"]) })).await.expect_ok();
        let same = crew::hire(&world, "same@tandem.test", "same", Department::It).await;
        assert_eq!(set_password(&keeper.client, &same.id).await, [BEYOND]);
    }

    async fn a_role_that_brings_a_field_to_sight_takes_sight_of_it_as_far(world: World) {
        let admin = world.admin().await;
        let lead = officer(&world, "lead", &["User:READ:ALL", "Role:READ:ALL", "RoleAssignment:READ:ALL", "RoleAssignment:CREATE:ALL", "Deal:READ:TEAM"]).await;
        save(&admin, "Create", json!({ "name": "Deals", "grants": grants(&["Deal:READ:TEAM"]) })).await.expect_ok();
        let sue = user_id(&admin, SERVICE.email).await;
        // She sees all deals without their amounts; the role alone shows amounts, of the team's deals.
        let given = assign(&lead.client, &role_id(&lead.client, "deals").await, &sue).await;
        assert_eq!(said(&given, "roleAssign"), [format!("{BEYOND} roleId")]);
        assert!(crew::text(&given, "roleAssign.userErrors.0.message").contains("Deal.amount"), "{given}");
    }

    async fn nobody_takes_another_address_for_their_own(world: World) {
        let own = officer(&world, "own", &["User:READ:ALL", "User:UPDATE:OWN"]).await;
        let address = shared::mutate(&own.client, "user", "Update", json!({ "id": own.id, "email": "cfo@tandem.test" }), "").await;
        assert_eq!(said(&address, "userUpdate"), ["FORBIDDEN OWN_ADDRESS email"]);
        shared::update(&own.client, "user", json!({ "id": own.id, "title": "Cook" })).await;
    }

    async fn an_administrator_who_cannot_sign_in_is_not_the_last_one(world: World) {
        let admin = world.admin().await;
        let (ada, role) = (user_id(&admin, ADMIN.email).await, role_id(&admin, "admin").await);
        let invite = json!({ "name": "Nora", "email": "nora@tandem.test", "department": "IT", "roleIds": [role] });
        verb(&admin, "userInvite", invite, "user { id }").await.expect_ok();
        assert_eq!(said(&unassign(&admin, &role, &ada).await, "roleUnassign"), ["IN_USE LAST_ADMIN userId"]);
        let address = shared::mutate(&admin, "user", "Update", json!({ "id": ada, "email": null }), "").await;
        assert_eq!(said(&address, "userUpdate"), ["IN_USE LAST_ADMIN email"]);
    }

    async fn who_holds_less_can_be_kept_and_everybody_keeps_their_own(world: World) {
        let admin = world.admin().await;
        let keeper = officer(&world, "keeper", &KEEPER).await;
        save(&admin, "Create", json!({ "name": "Less", "grants": grants(&["Deal:READ:OWN", "User:READ:OWN"]) })).await.expect_ok();
        let less = crew::hire(&world, "less@tandem.test", "less", Department::It).await;
        let by = &keeper.client;
        assert!(set_password(by, &less.id).await.is_empty());
        shared::update(by, "user", json!({ "id": less.id, "email": "lesser@tandem.test" })).await;
        for verb_name in ["userDeactivate", "userReactivate"] {
            assert!(said(&verb(by, verb_name, json!({ "id": less.id }), "user { id }").await, verb_name).is_empty());
        }
        unassign(by, &role_id(by, "less").await, &less.id).await.expect_ok();
        shared::update(by, "user", json!({ "id": keeper.id, "email": "me@tandem.test" })).await;
        assert_eq!(encode(&role(by, "keeper").await).0.len(), KEEPER.len());
    }
}
