//! A role is edited only as far as each of those who hold it might be given, or lose, what changes: attacks by a
//! narrow administrator through every way to edit a role.

use entity::Department;
use serde_json::{Value, json};

use super::{assign, delete, encode, field_rules, grants, officer, role, role_id, said, save, verb};
use crate::{
    crew,
    shared::{self, user_id},
    support::{
        client::Client,
        world::{ADMIN, SERVICE},
    },
};

/// Keeps roles and nothing else, but for deals of the own team, with their amounts.
const NARROW: [&str; 9] = [
    "User:READ:ALL",
    "Role:READ:ALL",
    "Role:CREATE:ALL",
    "Role:UPDATE:ALL",
    "Role:DELETE:ALL",
    "Role:IMPORT:ALL",
    "RoleAssignment:READ:ALL",
    "RoleAssignment:CREATE:ALL",
    "Deal:READ:TEAM",
];

/// What is answered to an edit of the role of this key by each of the ways there are.
async fn edit(by: &Client, key: &str, permits: &[&str], rules: &[&str]) -> Vec<(&'static str, Vec<String>)> {
    let id = role_id(by, key).await;
    let input = json!({ "id": id, "grants": grants(permits), "fieldRules": field_rules(rules) });
    let update = said(&save(by, "Update", input.clone()).await, "roleUpdate");

    let document =
        "mutation ($items: [RoleBulkUpsertItem!]!) { roleBulkUpsert(input: { items: $items, matchOn: \"key\" }) {
        results { status userErrors { code reason field } } userErrors { code reason field } } }";
    let item = json!({ "key": key, "name": key, "grants": grants(permits), "fieldRules": field_rules(rules) });
    let bulk = by.query_with(document, json!({ "items": [item] })).await.expect_ok();
    let errors = bulk.data("roleBulkUpsert.results.0.userErrors").as_array().expect("a list").clone();
    let bulk = errors.iter().map(|e| format!("{} {}", word(e, "code"), word(e, "reason"))).collect();

    let entry = json!({ "key": key, "name": key, "grants": permits, "fieldRules": rules });
    let document = json!({ "format": "tandem-roles/1", "roles": [entry] });
    let import = said(&verb(by, "roleImport", json!({ "document": document }), "fingerprint").await, "roleImport");

    let document = "query ($changes: [RoleChangeInput!]!) { rolePreview(changes: $changes) {
        totalHolders userErrors { code reason field } } }";
    let preview = by.query_with(document, json!({ "changes": [{ "update": input }] })).await;
    let preview = said(&preview, "rolePreview");
    vec![("roleUpdate", update), ("roleBulkUpsert", bulk), ("roleImport", import), ("rolePreview", preview)]
}

fn word(error: &Value, member: &str) -> String {
    error[member].as_str().unwrap_or_default().to_owned()
}

#[track_caller]
fn all_refused(answers: &[(&'static str, Vec<String>)]) {
    for (way, errors) in answers {
        assert!(
            errors.len() == 1 && errors[0].starts_with("FORBIDDEN EXCEEDS_OWN_PERMISSIONS"),
            "{way} must be refused: {errors:?}"
        );
    }
}

on_both_engines! {
    async fn no_way_to_edit_a_role_brings_to_sight_what_another_role_of_a_holder_hides(world: World) {
        let admin = world.admin().await;
        let narrow = officer(&world, "narrow", &NARROW).await.client;
        let helper = shared::create(&admin, "role", json!({ "name": "Helper", "key": "helper", "grants": grants(&["Lead:READ:OWN"]) })).await;
        assign(&admin, &helper, &user_id(&admin, SERVICE.email).await).await.expect_ok();
        // She sees all deals without their amounts. By a role that shows deals of her team she would see all amounts.
        all_refused(&edit(&narrow, "helper", &["Lead:READ:OWN", "Deal:READ:TEAM"], &[]).await);
        let refused = save(&narrow, "Update", json!({ "id": helper, "grants": grants(&["Lead:READ:OWN", "Deal:READ:TEAM"]) })).await;
        assert!(crew::text(&refused, "roleUpdate.userErrors.0.message").contains("read access to Deal.amount"), "{refused}");
        // The same where the field is hidden by this role too, until somebody removes the rule.
        let hidden = json!({ "id": helper, "grants": grants(&["Lead:READ:OWN", "Deal:READ:TEAM"]), "fieldRules": field_rules(&["Deal:amount:HIDDEN"]) });
        save(&narrow, "Update", hidden).await.expect_ok();
        all_refused(&edit(&narrow, "helper", &["Lead:READ:OWN", "Deal:READ:TEAM"], &[]).await);
        assert_eq!(encode(&role(&admin, "helper").await).1, ["Deal:amount:HIDDEN"], "what is refused changes nothing");
        // For somebody who holds no other role it is no more than the editor has.
        let other = shared::create(&admin, "role", json!({ "name": "Other", "key": "other", "grants": grants(&["User:READ:OWN"]) })).await;
        crew::hire(&world, "olaf@tandem.test", "other", Department::Sales).await;
        save(&narrow, "Update", json!({ "id": other, "grants": grants(&["User:READ:OWN", "Deal:READ:TEAM"]) })).await.expect_ok();
    }

    async fn no_way_to_edit_a_role_takes_permissions_from_those_who_may_do_more(world: World) {
        let admin = world.admin().await;
        let narrow = officer(&world, "narrow", &NARROW).await.client;
        let before = encode(&role(&admin, "marketer").await);
        let fewer = ["User:READ:ALL", "Session:READ:OWN"];
        all_refused(&edit(&narrow, "marketer", &fewer, &[]).await);
        all_refused(&edit(&narrow, "marketer", &[], &[]).await);
        let same: Vec<&str> = before.0.iter().map(String::as_str).collect();
        all_refused(&edit(&narrow, "marketer", &same, &["Deal:amount:HIDDEN"]).await);
        all_refused(&edit(&narrow, "marketer", &same, &["Account:name:READ_ONLY"]).await);
        assert_eq!(encode(&role(&admin, "marketer").await), before);
        // Whoever may do all that the holders may narrows it, and so does anybody where nothing is lost.
        save(&narrow, "Update", json!({ "id": role_id(&admin, "marketer").await, "description": "Other words." })).await.expect_ok();
        save(&admin, "Update", json!({ "id": role_id(&admin, "marketer").await, "grants": grants(&fewer) })).await.expect_ok();
    }

    async fn a_narrow_administrator_neither_narrows_nor_deletes_the_role_of_a_key_that_may_do_more(world: World) {
        let admin = world.admin().await;
        let narrow = officer(&world, "narrow", &NARROW).await.client;
        let sync = shared::create(&admin, "role", json!({ "name": "Sync", "key": "sync", "grants": grants(&["Account:READ:ALL", "Account:UPDATE:ALL"]) })).await;
        let input = json!({ "name": "Nightly", "roleId": sync, "expiresAt": "2026-04-01T00:00:00Z" });
        let key = verb(&admin, "apiKeyCreate", input, "apiKey { id }").await.expect_ok();
        all_refused(&edit(&narrow, "sync", &["Account:READ:ALL"], &[]).await);
        let gone = delete(&narrow, json!({ "id": sync, "evenIfInUse": true })).await;
        assert_eq!(said(&gone, "roleDelete"), ["FORBIDDEN EXCEEDS_OWN_PERMISSIONS"]);
        let revoke = json!({ "id": key.data("apiKeyCreate.apiKey.id") });
        verb(&admin, "apiKeyRevoke", revoke, "apiKey { id }").await.expect_ok();
        delete(&narrow, json!({ "id": sync })).await.expect_ok();
    }

    async fn a_department_is_changed_by_those_alone_who_keep_all_people(world: World) {
        let admin = world.admin().await;
        let own = officer(&world, "own", &["User:READ:ALL", "User:UPDATE:OWN", "Story:UPDATE:TEAM"]).await;
        let moves = |user: &str, department: &str| json!({ "id": user, "department": department });
        let refused = shared::mutate(&own.client, "user", "Update", moves(&own.id, "MARKETING"), "").await;
        assert_eq!(said(&refused, "userUpdate"), ["FORBIDDEN OWN_DEPARTMENT department"]);
        let team = officer(&world, "mates", &["User:READ:ALL", "User:UPDATE:TEAM"]).await;
        crew::team(&admin, "Mates", &[&team.id, &own.id]).await;
        let refused = shared::mutate(&team.client, "user", "Update", moves(&team.id, "MARKETING"), "").await;
        assert_eq!(said(&refused, "userUpdate"), ["FORBIDDEN OWN_DEPARTMENT department"]);
        let document = "mutation ($items: [UserBulkUpsertItem!]!) { userBulkUpsert(input: { items: $items, matchOn: \"email\" }) { results { userErrors { code reason } } userErrors { code } } }";
        let item = json!({ "email": "own@tandem.test", "name": "own@tandem.test", "department": "MARKETING" });
        let bulk = own.client.query_with(document, json!({ "items": [item] })).await.expect_ok();
        assert_eq!(bulk.data("userBulkUpsert.results.0.userErrors"), &json!([{ "code": "FORBIDDEN", "reason": "OWN_DEPARTMENT" }]));
        shared::update(&admin, "user", moves(&own.id, "MARKETING")).await;
    }

    async fn who_somebody_is_is_not_changed_by_whoever_may_do_less(world: World) {
        let admin = world.admin().await;
        let clerk = officer(&world, "clerk", &["User:READ:ALL", "User:UPDATE:ALL"]).await.client;
        let boss = user_id(&admin, ADMIN.email).await;
        let fields = [("name", "Mallory"), ("title", "Nobody"), ("department", "SALES"), ("email", "m@tandem.test")];
        for (field, value) in fields {
            let refused = shared::mutate(&clerk, "user", "Update", json!({ "id": boss, field: value }), "").await;
            assert_eq!(said(&refused, "userUpdate"), ["FORBIDDEN EXCEEDS_OWN_PERMISSIONS"], "{field}");
        }
        let stranger = crew::stranger(&admin, "Nils").await;
        for (field, value) in fields {
            shared::update(&clerk, "user", json!({ "id": stranger, field: value })).await;
        }
    }
}
