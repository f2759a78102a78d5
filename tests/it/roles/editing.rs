//! Making, editing and copying roles, and every mistake in one.

use serde_json::{Value, json};

use super::{encode, events, field_rules, grants, role, role_id, said, save};
use crate::shared;

/// What a role permits, in alphabetical order.
fn sorted(role: &Value) -> (Vec<String>, Vec<String>) {
    let (mut grants, mut rules) = encode(role);
    grants.sort_unstable();
    rules.sort_unstable();
    (grants, rules)
}

on_both_engines! {
    async fn a_role_is_made_and_edited_and_shows_what_it_permits(world: World) {
        let admin = world.admin().await;
        let input = json!({
            "name": "Field marketing", "description": "On the road.",
            "grants": grants(&["Deal:READ:ALL", "Account:UPDATE:OWN", "Lead:READ:NONE", "Account:READ:TEAM"]),
            "fieldRules": field_rules(&["Deal:closeReason:READ_ONLY", "Deal:amount:HIDDEN"]),
        });
        let id = shared::id_of(&save(&admin, "Create", input).await.expect_ok(), "role");
        let made = role(&admin, "field_marketing").await;
        assert_eq!((&made["id"], &made["builtIn"], &made["version"]), (&json!(id), &json!(false), &json!(1)));
        let permits = ["Account:READ:TEAM", "Account:UPDATE:OWN", "Deal:READ:ALL"].map(str::to_owned).to_vec();
        let rules = ["Deal:amount:HIDDEN", "Deal:closeReason:READ_ONLY"].map(str::to_owned).to_vec();
        assert_eq!(encode(&made), (permits, rules.clone()), "in order, without what reaches nothing");

        save(&admin, "Update", json!({ "id": id, "grants": grants(&["Lead:READ:ALL"]), "expectedVersion": 1 })).await.expect_ok();
        let edited = role(&admin, "field_marketing").await;
        assert_eq!(encode(&edited), (vec!["Lead:READ:ALL".to_owned()], rules), "a list given replaces the whole list, one left out stays");
        let stale = save(&admin, "Update", json!({ "id": id, "name": "Other", "expectedVersion": 1 })).await;
        assert_eq!(said(&stale, "roleUpdate"), ["CONFLICT STALE_VERSION expectedVersion"]);

        let before = events(&admin).await;
        let same = json!({ "id": id, "grants": grants(&["Lead:READ:ALL"]), "fieldRules": field_rules(&["Deal:amount:HIDDEN", "Deal:closeReason:READ_ONLY"]) });
        save(&admin, "Update", same).await.expect_ok();
        assert_eq!((role(&admin, "field_marketing").await["version"].clone(), events(&admin).await), (json!(2), before), "what is so already is no change");
        let nothing = save(&admin, "Update", json!({ "id": id, "grants": [], "fieldRules": null })).await;
        assert_eq!(said(&nothing, "roleUpdate"), ["REQUIRED fieldRules"], "an empty list clears, null does not");
    }

    async fn a_key_is_made_from_the_name_and_is_nobody_elses(world: World) {
        let admin = world.admin().await;
        for expected in ["buro_sud", "buro_sud_2", "buro_sud_3"] {
            let made = save(&admin, "Create", json!({ "name": "Büro Süd" })).await.expect_ok();
            assert_eq!(made.data("roleCreate.role.key"), expected);
        }
        let taken = save(&admin, "Create", json!({ "name": "R", "key": "rep" })).await;
        assert_eq!(said(&taken, "roleCreate"), ["TAKEN key"]);
        assert_eq!(taken.data("roleCreate.userErrors.0.conflict.id"), &json!(role_id(&admin, "rep").await));
        for key in ["Admin", "a b", "1st", "_x", "ü"] {
            let refused = save(&admin, "Create", json!({ "name": "R", "key": key })).await;
            assert_eq!(said(&refused, "roleCreate"), ["INVALID KEY_FORM key"], "{key}");
        }
        assert_eq!(said(&save(&admin, "Create", json!({ "name": "R", "key": " " })).await, "roleCreate"), ["REQUIRED key"]);
    }

    async fn a_copy_permits_what_its_original_does_unless_it_says_otherwise(world: World) {
        let admin = world.admin().await;
        let original = role(&admin, "service").await;
        let copy = json!({ "name": "Support", "copiedFromId": original["id"] });
        save(&admin, "Create", copy).await.expect_ok();
        let copy = role(&admin, "support").await;
        assert_eq!(sorted(&copy), sorted(&original));
        assert_eq!((&copy["copiedFrom"]["key"], &copy["builtIn"]), (&json!("service"), &json!(false)));
        let less = json!({ "name": "Less", "copiedFromId": original["id"], "grants": grants(&["Deal:READ:OWN"]) });
        save(&admin, "Create", less).await.expect_ok();
        assert_eq!(sorted(&role(&admin, "less").await), (vec!["Deal:READ:OWN".to_owned()], sorted(&original).1));
        // The original goes its own way from then on.
        save(&admin, "Update", json!({ "id": original["id"], "grants": [] })).await.expect_ok();
        assert_eq!(sorted(&role(&admin, "support").await), sorted(&original));
    }

    async fn a_role_is_no_copy_of_itself_by_any_way(world: World) {
        let admin = world.admin().await;
        let first = shared::create(&admin, "role", json!({ "name": "First" })).await;
        let second = shared::create(&admin, "role", json!({ "name": "Second", "copiedFromId": first })).await;
        let third = shared::create(&admin, "role", json!({ "name": "Third", "copiedFromId": second })).await;
        for original in [&first, &second, &third] {
            let refused = save(&admin, "Update", json!({ "id": first, "copiedFromId": original })).await;
            assert_eq!(said(&refused, "roleUpdate"), ["INVALID ROLE_CYCLE copiedFromId"]);
        }
        save(&admin, "Update", json!({ "id": third, "copiedFromId": first })).await.expect_ok();
    }

    async fn each_mistake_in_a_role_has_its_code_its_reason_and_says_what_is_known(world: World) {
        let admin = world.admin().await;
        let rep = role_id(&admin, "rep").await;
        let listed: [(&str, &[&str], &str, &str); 8] = [
            ("grants", &["Account:MERGE:ALL"], "GRANT_WITHOUT_EFFECT", "READ, CREATE"),
            ("grants", &["Account:READ:ALL", "Account:READ:NONE"], "GRANT_TWICE", "READ on Account"),
            ("grants", &["Pipeline:READ:OWN"], "REACH_MEANINGLESS", "Pipeline:READ:OWN"),
            ("grants", &["Stage:READ:TEAM"], "REACH_MEANINGLESS", "must be NONE or ALL"),
            ("fieldRules", &["Deal:amuont:HIDDEN"], "FIELD_UNKNOWN", "amount"),
            ("fieldRules", &["Deal:name:HIDDEN"], "FIELD_NOT_HIDABLE", "amount"),
            ("fieldRules", &["Deal:createdAt:READ_ONLY"], "FIELD_NOT_WRITABLE", "amount"),
            ("fieldRules", &["Deal:amount:HIDDEN", "Deal:amount:READ_ONLY"], "FIELD_TWICE", "Deal.amount"),
        ];
        let before = events(&admin).await;
        for (field, texts, reason, word) in listed {
            let list = if field == "grants" { grants(texts) } else { field_rules(texts) };
            for (verb, mut input) in [("Create", json!({ "name": "Mistaken" })), ("Update", json!({ "id": rep }))] {
                input[field] = list.clone();
                let refused = save(&admin, verb, input).await;
                let payload = format!("role{verb}");
                assert_eq!(said(&refused, &payload), [format!("INVALID {reason} {field}")], "{texts:?}");
                let message = crate::crew::text(&refused, &format!("{payload}.userErrors.0.message"));
                assert!(message.contains(word) && message.contains(texts[0].split(':').next().unwrap()), "{message}");
                assert_eq!(refused.data(&payload)["role"], Value::Null);
            }
        }
        let both = save(&admin, "Create", json!({ "name": "M", "grants": grants(&["Deal:MERGE:ALL", "Lead:ERASE:ALL"]) })).await;
        assert_eq!(said(&both, "roleCreate"), ["INVALID GRANT_WITHOUT_EFFECT grants"; 2]);
        for (resource, action) in [("Acount", "READ"), ("Ac count", "READ"), ("Account", "FLY")] {
            let unknown = json!([{ "resource": resource, "action": action, "reach": "ALL" }]);
            let refused = save(&admin, "Create", json!({ "name": "M", "grants": unknown })).await;
            assert_eq!(refused.error_code(), Some("BAD_USER_INPUT"), "{refused}");
        }
        let dael = save(&admin, "Create", json!({ "name": "M", "fieldRules": field_rules(&["Dael:amount:HIDDEN"]) })).await;
        assert_eq!(dael.error_code(), Some("BAD_USER_INPUT"), "{dael}");
        assert_eq!(said(&save(&admin, "Create", json!({ "name": "  " })).await, "roleCreate"), ["REQUIRED name"]);
        let nowhere = save(&admin, "Create", json!({ "name": "M", "copiedFromId": "role_00000000000000000000000000" })).await;
        assert_eq!(said(&nowhere, "roleCreate"), ["NOT_FOUND copiedFromId"]);
        assert_eq!(events(&admin).await, before, "nothing of it is kept");
    }

    async fn the_administrators_role_permits_everything_for_ever_and_the_other_built_in_ones_can_be_edited(world: World) {
        let admin = world.admin().await;
        let id = role_id(&admin, "admin").await;
        let fewer = save(&admin, "Update", json!({ "id": id, "grants": grants(&["Account:READ:ALL"]) })).await;
        assert_eq!(said(&fewer, "roleUpdate"), ["INVALID_TRANSITION ADMIN_ROLE_FIXED grants"]);
        let hidden = save(&admin, "Update", json!({ "id": id, "fieldRules": field_rules(&["Deal:amount:HIDDEN"]) })).await;
        assert_eq!(said(&hidden, "roleUpdate"), ["INVALID_TRANSITION ADMIN_ROLE_FIXED fieldRules"]);
        save(&admin, "Update", json!({ "id": id, "name": "Boss", "description": "All." })).await.expect_ok();
        let rep = role_id(&admin, "rep").await;
        save(&admin, "Update", json!({ "id": rep, "grants": grants(&["Account:READ:ALL"]) })).await.expect_ok();
        assert_eq!(encode(&role(&admin, "rep").await).0, ["Account:READ:ALL"]);
        let upsert = "mutation { roleBulkUpsert(input: { matchOn: \"key\", items: [{ key: \"rep\", name: \"Hunter\" }, { key: \"closer\", name: \"Closer\" }] }) { results { status } userErrors { code } } }";
        let upserted = admin.query(upsert).await.expect_ok();
        assert_eq!(upserted.data("roleBulkUpsert.results"), &json!([{ "status": "UPDATED" }, { "status": "CREATED" }]));
    }
}
