//! What can be granted, which permissions do nothing, the role for a CRM, and ending somebody's sessions.

use entity::Department;
use serde_json::{Value, json};
use tandem::store;

use super::{field_rules, grants, officer, role, role_id, said, save, verb};
use crate::{
    crew,
    shared::{self, user_id},
    support::{
        client::Client,
        world::{PASSWORD, SELLER, TEAM_MATE},
    },
};

async fn warned(client: &Client, key: &str) -> Vec<String> {
    let document = "query ($keys: [String!]) { roleWarnings(keys: $keys) { roleKey reason resource action } }";
    let answer = client.query_with(document, json!({ "keys": [key] })).await.expect_ok();
    let warnings = answer.data("roleWarnings").as_array().expect("a list").clone();
    let word = |one: &Value, member: &str| one[member].as_str().expect("a word").to_owned();
    warnings
        .iter()
        .map(|one| format!("{} {}:{}", word(one, "reason"), word(one, "resource"), word(one, "action")))
        .collect()
}

on_both_engines! {
    async fn the_catalogue_tells_what_can_be_granted_and_hidden(world: World) {
        let seller = world.seller().await;
        let document = "{ accessCatalogue { resources { resource label actions { action verbs reaches description } hidableFields { field label } } } }";
        let answer = seller.query(document).await.expect_ok();
        let resources = answer.data("accessCatalogue.resources").as_array().expect("a list").clone();
        let of = |name: &str| resources.iter().find(|one| one["resource"] == name).expect("it is there").clone();
        let deal = of("Deal");
        let actions: Vec<&str> = deal["actions"].as_array().expect("a list").iter().filter_map(|one| one["action"].as_str()).collect();
        assert_eq!(actions, ["READ", "CREATE", "UPDATE", "DELETE", "ASSIGN", "IMPORT"]);
        assert_eq!(deal["actions"][2]["verbs"], json!(["dealUpdate", "dealBulkUpsert", "externalIdMove"]));
        assert_eq!(deal["actions"][0]["reaches"], json!(["OWN", "TEAM", "ALL"]));
        assert_eq!(of("Stage")["actions"][0]["reaches"], json!(["ALL"]));
        assert_eq!(of("TargetAccountList")["label"], "Target account list");
        let hidable = of("Account")["hidableFields"].clone();
        assert!(hidable.as_array().expect("a list").contains(&json!({ "field": "annualRevenue", "label": "Annual revenue" })), "{hidable}");
        let refused = world.anonymous().query(document).await;
        assert_eq!(refused.body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    }

    async fn every_field_that_the_catalogue_names_can_be_hidden_and_every_permission_given(world: World) {
        let admin = world.admin().await;
        let answer = admin.query("{ accessCatalogue { resources { resource actions { action reaches } hidableFields { field } } } }").await.expect_ok();
        let (mut permits, mut rules) = (Vec::new(), Vec::new());
        for resource in answer.data("accessCatalogue.resources").as_array().expect("a list") {
            let name = resource["resource"].as_str().expect("a name");
            for action in resource["actions"].as_array().expect("a list") {
                let widest = action["reaches"].as_array().expect("a list").last().expect("a reach");
                permits.push(format!("{name}:{}:{}", action["action"].as_str().unwrap(), widest.as_str().unwrap()));
            }
            for field in resource["hidableFields"].as_array().expect("a list") {
                rules.push(format!("{name}:{}:HIDDEN", field["field"].as_str().unwrap()));
            }
        }
        let permits: Vec<&str> = permits.iter().map(String::as_str).collect();
        let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
        let input = json!({ "name": "Whole", "key": "whole", "grants": grants(&permits), "fieldRules": field_rules(&rules) });
        save(&admin, "Create", input).await.expect_ok();
        assert_eq!(warned(&admin, "whole").await, Vec::<String>::new(), "what the catalogue names has an effect");
    }

    async fn permissions_that_do_nothing_are_told_where_a_role_is_saved_and_previewed(world: World) {
        let admin = world.admin().await;
        let permits = ["Deal:READ:ALL", "Lead:UPDATE:OWN", "Account:READ:OWN", "Account:UPDATE:ALL"];
        let input = json!({ "name": "Odd", "key": "odd", "grants": grants(&permits) });
        let preview = "query ($changes: [RoleChangeInput!]!) { rolePreview(changes: $changes) { warnings { index reason resource action reach message roleKey } userErrors { code } } }";
        let preview = admin.query_with(preview, json!({ "changes": [{ "create": input }] })).await.expect_ok();
        let warnings = preview.data("rolePreview.warnings").as_array().expect("a list").clone();
        assert!(warnings.iter().all(|one| one["index"] == 0 && one["roleKey"].is_null()), "{preview}");
        assert_eq!(warnings.len(), 2, "{preview}");
        save(&admin, "Create", input).await.expect_ok();
        let told = warned(&admin, "odd").await;
        for expected in ["READ_MISSING Lead:UPDATE", "READ_NARROWER Account:UPDATE"] {
            assert!(told.iter().any(|one| one == expected), "{expected}: {told:?}");
        }
        assert_eq!(told.len(), 2, "{told:?}");
        let unknown = admin.query("{ roleWarnings(keys: [\"nobody\"]) { reason } }").await;
        assert_eq!(unknown.error_reason(), Some("ROLE_UNKNOWN"));
        let blind = officer(&world, "blind", &["Account:READ:ALL"]).await.client;
        let refused = blind.query("{ roleWarnings { reason } }").await;
        assert_eq!(refused.error_reason(), Some("PERMISSION_MISSING"));
    }

    async fn a_permission_that_nothing_takes_is_refused_and_the_answer_says_what_is_possible(world: World) {
        let admin = world.admin().await;
        let held = json!({ "id": role_id(&admin, "rep").await, "grants": grants(&["Lead:READ:ALL", "Lead:ERASE:OWN"]) });
        let preview = json!({ "name": "Odd", "grants": grants(&["Deal:MERGE:ALL"]) });
        let document = "query ($changes: [RoleChangeInput!]!) { rolePreview(changes: $changes) { userErrors { code reason } } }";
        let previewed = admin.query_with(document, json!({ "changes": [{ "create": preview }] })).await;
        assert_eq!(previewed.data("rolePreview.userErrors.0.reason"), "GRANT_WITHOUT_EFFECT");
        let odd = json!({ "name": "Odd", "grants": grants(&["Deal:MERGE:ALL", "Session:APPROVE:OWN", "Deal:READ:ALL"]) });
        let refused = save(&admin, "Create", odd).await;
        assert_eq!(said(&refused, "roleCreate"), ["INVALID GRANT_WITHOUT_EFFECT grants"; 2]);
        let message = refused.data("roleCreate.userErrors.0.message").to_string();
        for word in ["Deal:MERGE:ALL", "READ, CREATE, UPDATE, DELETE, ASSIGN, IMPORT"] {
            assert!(message.contains(word), "{message}");
        }
        assert_eq!(said(&save(&admin, "Update", held).await, "roleUpdate"), ["INVALID GRANT_WITHOUT_EFFECT grants"]);
        let bulk = json!({ "items": [{ "key": "rep", "name": "Rep", "grants": grants(&["Event:DELETE:ALL"]) }], "matchOn": "key" });
        let document = "mutation($input: RoleBulkUpsertInput!) { roleBulkUpsert(input: $input) { results { userErrors { reason } } } }";
        let answer = admin.query_with(document, json!({ "input": bulk })).await;
        assert_eq!(answer.data("roleBulkUpsert.results.0.userErrors.0.reason"), "GRANT_WITHOUT_EFFECT");
        let document = json!({ "format": "tandem-roles/1", "roles": [{ "key": "odd", "name": "Odd", "grants": ["Contact:ASSIGN:ALL", "Ghost:READ:ALL"] }] });
        let refused = verb(&admin, "roleImport", json!({ "document": document }), "applied").await;
        let place = "document.roles.0.grants";
        assert_eq!(said(&refused, "roleImport"), [format!("INVALID GRANT_WITHOUT_EFFECT {place}"), format!("INVALID RESOURCE_UNKNOWN {place}")]);
        for (at, name) in ["Contact:ASSIGN:ALL", "Ghost"].into_iter().enumerate() {
            let message = refused.data(&format!("roleImport.userErrors.{at}.message")).to_string();
            assert!(message.contains(name), "{message}");
        }
        // NONE permits nothing of anything.
        save(&admin, "Create", json!({ "name": "None", "grants": grants(&["Deal:MERGE:NONE"]) })).await.expect_ok();
    }

    async fn a_role_names_a_record_type_of_an_enum(world: World) {
        let admin = world.admin().await;
        let document = "{ __type(name: \"RecordType\") { kind enumValues { name description } } }";
        let answer = admin.query(document).await.expect_ok();
        let values = answer.data("__type.enumValues").as_array().expect("a list").clone();
        let names: Vec<&str> = values.iter().filter_map(|value| value["name"].as_str()).collect();
        assert_eq!(names, entity::Kind::ALL.map(entity::Kind::name));
        let by_word = "mutation { roleCreate(input: { name: \"A\", grants: [{ resource: Deal, action: READ, reach: ALL }] }) { role { grants { resource } } } }";
        let made = admin.query(by_word).await.expect_ok();
        assert_eq!(made.data("roleCreate.role.grants.0.resource"), "Deal");
        let odd = save(&admin, "Create", json!({ "name": "B", "grants": grants(&["Ghost:READ:ALL"]) })).await;
        assert_eq!(odd.error_code(), Some("BAD_USER_INPUT"), "{odd}");
        assert_eq!(admin.query("{ can(resource: Ghost, action: READ, ids: []) { id } }").await.error_code(), Some("GRAPHQL_VALIDATION_FAILED"));
    }

    async fn the_role_for_a_crm_archives_and_sets_external_ids_of_people_but_not_who_they_are(world: World) {
        let admin = world.admin().await;
        let input = json!({ "name": "CRM", "roleId": role_id(&admin, "crm_sync").await, "expiresAt": "2026-04-01T00:00:00Z" });
        let made = verb(&admin, "apiKeyCreate", input, "secret").await.expect_ok();
        let crm = world.anonymous().with_token(crew::text(&made, "apiKeyCreate.secret"));
        let account = shared::create(&crm, "account", json!({ "name": "Acme" })).await;
        shared::archive(&crm, "account", &account).await;
        let sam = user_id(&admin, SELLER.email).await;
        shared::update(&crm, "user", json!({ "id": sam, "externalIds": [{ "system": "crm", "id": "005A" }] })).await;
        for (field, value) in [("name", "Mallory"), ("email", "m@tandem.test"), ("department", "IT")] {
            let refused = shared::mutate(&crm, "user", "Update", json!({ "id": sam, field: value }), "").await;
            assert!(said(&refused, "userUpdate")[0].starts_with("FORBIDDEN"), "{field}: {refused}");
        }
        let leave = verb(&crm, "userDeactivate", json!({ "id": sam }), "user { id }").await;
        assert!(said(&leave, "userDeactivate")[0].starts_with("FORBIDDEN"), "{leave}");
    }

    async fn a_database_of_before_gets_the_role_for_a_crm_unless_it_has_one_of_that_key(world: World) {
        let admin = world.admin().await;
        crew::behind_the_back(&world, "DELETE FROM role WHERE key = 'crm_sync'").await;
        let again = async || {
            let backend = crew::backend(&world).await;
            store::migrate(&backend).await.expect("it migrates");
            backend.db().close().await.expect("it closes");
        };
        again().await;
        assert_eq!(role(&admin, "crm_sync").await["builtIn"], true);
        crew::behind_the_back(&world, "DELETE FROM role WHERE key = 'crm_sync'").await;
        save(&admin, "Create", json!({ "name": "Ours", "key": "crm_sync" })).await.expect_ok();
        again().await;
        let ours = role(&admin, "crm_sync").await;
        assert_eq!((&ours["name"], &ours["builtIn"]), (&json!("Ours"), &json!(false)), "what the company made stays");
    }

    async fn all_sessions_of_a_person_are_ended_by_whoever_may(world: World) {
        let admin = world.admin().await;
        let sam = user_id(&admin, SELLER.email).await;
        let (one, two) = (crew::sign_in(&world, SELLER.email, PASSWORD).await, crew::sign_in(&world, SELLER.email, PASSWORD).await);
        let mate = crew::sign_in(&world, TEAM_MATE.email, PASSWORD).await;
        let end = async |by: &Client, who: &str| verb(by, "sessionsRevoke", json!({ "userId": who }), "ended user { id }").await;
        assert_eq!(said(&end(&mate, &sam).await, "sessionsRevoke"), ["FORBIDDEN PERMISSION_MISSING"]);
        let it = crew::hire(&world, "ira@tandem.test", "it", Department::It).await.client;
        assert_eq!(said(&end(&it, &sam).await, "sessionsRevoke"), ["FORBIDDEN PERMISSION_MISSING"]);
        one.query("{ viewer { user { id } } }").await.expect_ok();
        let ended = end(&admin, &sam).await.expect_ok();
        assert!(ended.data("sessionsRevoke.ended").as_i64().expect("a number") >= 2, "{ended}");
        for client in [&one, &two] {
            let refused = client.query("{ viewer { user { id } } }").await;
            assert_eq!(refused.body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{refused}");
        }
        mate.query("{ viewer { user { id } } }").await.expect_ok();
        assert_eq!(said(&end(&admin, "nonsense").await, "sessionsRevoke"), ["INVALID userId"]);
        assert_eq!(said(&end(&admin, &format!("user_{}", "0".repeat(26))).await, "sessionsRevoke"), ["NOT_FOUND userId"]);
        // One's own end as well.
        let again = crew::sign_in(&world, SELLER.email, PASSWORD).await;
        let me = verb(&again, "sessionsRevoke", json!({ "userId": sam }), "ended").await;
        assert!(said(&me, "sessionsRevoke").is_empty(), "{me}");
    }
}
