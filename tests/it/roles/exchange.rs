//! Roles as a document: taken out, brought in, the difference shown first.

use entity::Department;
use serde_json::{Value, json};

use super::{delete, encode, events, grants, role, role_id, said, save};
use crate::{
    crew, shared,
    support::client::{Answer, Client},
};

async fn export(client: &Client, keys: Value) -> Answer {
    client.query_with("query ($keys: [String!]) { roleExport(keys: $keys) }", json!({ "keys": keys })).await
}

async fn import(client: &Client, document: &Value, fingerprint: Option<&str>) -> Answer {
    let select = "applied fingerprint diff { key status addedPermissions removedPermissions addedFieldRules removedFieldRules texts { member before after } }";
    super::verb(client, "roleImport", json!({ "document": document, "fingerprint": fingerprint }), select).await
}

fn document(roles: Value) -> Value {
    let mut document = json!({ "format": "tandem-roles/1" });
    document["roles"] = roles;
    document
}

fn fingerprint(answer: &Answer) -> String {
    crew::text(answer, "roleImport.fingerprint")
}

fn statuses(answer: &Answer) -> Vec<String> {
    let diff = answer.data("roleImport.diff").as_array().expect("a list");
    diff.iter().map(|one| format!("{} {}", one["key"].as_str().unwrap(), one["status"].as_str().unwrap())).collect()
}

on_both_engines! {
    async fn what_is_taken_out_comes_back_as_it_was(world: World) {
        let admin = world.admin().await;
        let original = role_id(&admin, "service").await;
        let copy = json!({ "name": "Support", "description": "Helps.", "copiedFromId": original });
        let support = shared::create(&admin, "role", copy).await;
        let taken = export(&admin, Value::Null).await.expect_ok().data("roleExport").clone();
        assert_eq!(taken["roles"].as_array().map(Vec::len), Some(11));
        let same = import(&admin, &taken, None).await.expect_ok();
        assert!(statuses(&same).iter().all(|status| status.ends_with(" UNCHANGED")), "{same}");
        let before = events(&admin).await;
        assert_eq!(import(&admin, &taken, Some(&fingerprint(&same))).await.expect_ok().data("roleImport.applied"), &json!(true));
        assert_eq!(events(&admin).await, before, "what is so already makes no event");

        let was = role(&admin, "support").await;
        delete(&admin, json!({ "id": support })).await.expect_ok();
        let one = export(&admin, json!(["rep"])).await.expect_ok().data("roleExport").clone();
        assert_eq!(one["roles"][0]["key"], "rep");
        let shown = import(&admin, &taken, None).await.expect_ok();
        assert_eq!(statuses(&shown).iter().filter(|status| !status.ends_with("UNCHANGED")).collect::<Vec<_>>(), ["support CREATED"]);
        assert_eq!((shown.data("roleImport.applied"), role(&admin, "support").await), (&json!(false), Value::Null), "it is only shown");
        import(&admin, &taken, Some(&fingerprint(&shown))).await.expect_ok();
        let is = role(&admin, "support").await;
        assert_eq!((encode(&is), &is["name"], &is["description"], &is["copiedFrom"]), (encode(&was), &was["name"], &was["description"], &was["copiedFrom"]));
        assert_eq!(export(&admin, Value::Null).await.expect_ok().data("roleExport"), &taken);
    }

    async fn the_difference_names_what_is_added_and_what_goes(world: World) {
        let admin = world.admin().await;
        shared::create(&admin, "role", json!({ "name": "Old", "grants": grants(&["Lead:READ:ALL", "Deal:READ:ALL"]) })).await;
        let wanted = document(json!([
            { "key": "young", "name": "Young", "copyOf": "fresh", "grants": [], "fieldRules": ["Deal:amount:HIDDEN"] },
            { "key": "fresh", "name": "Fresh", "copyOf": "rep", "grants": ["Deal:READ:OWN"] },
            { "key": "old", "name": "Older", "grants": ["Deal:READ:OWN", "Lead:READ:ALL"], "fieldRules": ["Deal:amount:READ_ONLY"] },
        ]));
        let shown = import(&admin, &wanted, None).await.expect_ok();
        assert_eq!(statuses(&shown), ["young CREATED", "fresh CREATED", "old UPDATED"]);
        let old = shown.data("roleImport.diff.2");
        assert_eq!(old, &json!({
            "key": "old", "status": "UPDATED", "addedPermissions": ["Deal:READ:OWN"], "removedPermissions": ["Deal:READ:ALL"],
            "addedFieldRules": ["Deal:amount:READ_ONLY"], "removedFieldRules": [], "texts": [{ "member": "name", "before": "Old", "after": "Older" }],
        }));
        assert_eq!(shown.data("roleImport.diff.0.texts.1"), &json!({ "member": "copyOf", "before": null, "after": "fresh" }));
        import(&admin, &wanted, Some(&fingerprint(&shown))).await.expect_ok();
        assert_eq!(encode(&role(&admin, "young").await), (vec![], vec!["Deal:amount:HIDDEN".to_owned()]), "a list left out of a new role is empty, copy or not");
        assert_eq!(role(&admin, "young").await["version"], 1);
        // What is left out of a role that is there stays.
        let shown = import(&admin, &document(json!([{ "key": "old", "name": "Old" }])), None).await.expect_ok();
        assert_eq!(shown.data("roleImport.diff.0.removedPermissions"), &json!([]));
    }

    async fn a_difference_that_is_no_longer_the_one_shown_is_not_made(world: World) {
        let admin = world.admin().await;
        let id = shared::create(&admin, "role", json!({ "name": "Old" })).await;
        let wanted = document(json!([{ "key": "old", "name": "Older" }, { "key": "new", "name": "New" }]));
        let shown = fingerprint(&import(&admin, &wanted, None).await.expect_ok());
        save(&admin, "Update", json!({ "id": id, "description": "Moved on." })).await.expect_ok();
        for print in [shown.as_str(), "nonsense"] {
            let refused = import(&admin, &wanted, Some(print)).await;
            assert_eq!(said(&refused, "roleImport"), ["CONFLICT DIFF_CHANGED fingerprint"]);
            assert_eq!((refused.data("roleImport.applied"), role(&admin, "new").await), (&json!(false), Value::Null));
        }
        let now = import(&admin, &wanted, Some(&shown)).await;
        import(&admin, &wanted, Some(&fingerprint(&now))).await.expect_ok();
        let again = import(&admin, &wanted, Some(&fingerprint(&now))).await;
        assert_eq!(said(&again, "roleImport"), ["CONFLICT DIFF_CHANGED fingerprint"], "it is made once");
    }

    async fn a_document_that_will_not_do_says_where(world: World) {
        let admin = world.admin().await;
        let role = |more: Value| {
            let mut role = json!({ "key": "x", "name": "X" });
            role.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            role
        };
        let cases = [
            (json!({}), vec!["INVALID FORMAT_UNKNOWN document.format"]),
            (json!("nonsense"), vec!["INVALID FORMAT_UNKNOWN document.format"]),
            (json!({ "format": "tandem-roles/2", "roles": [] }), vec!["INVALID FORMAT_UNKNOWN document.format"]),
            (json!({ "format": "tandem-roles/1", "roles": {} }), vec!["INVALID DOCUMENT_FORM document.roles"]),
            (document(json!([7])), vec!["INVALID DOCUMENT_FORM document.roles.0"]),
            (document(json!([{ "name": "X" }])), vec!["REQUIRED document.roles.0.key"]),
            (document(json!([{ "key": "x" }])), vec!["REQUIRED document.roles.0.name"]),
            (document(json!([role(json!({ "key": "X Y" }))])), vec!["INVALID KEY_FORM document.roles.0.key"]),
            (document(json!([role(json!({ "power": 1 }))])), vec!["INVALID MEMBER_UNKNOWN document.roles.0.power"]),
            (document(json!([role(json!({ "grants": "all" }))])), vec!["INVALID DOCUMENT_FORM document.roles.0.grants"]),
            (document(json!([role(json!({ "grants": ["Account:READ"] }))])), vec!["INVALID DOCUMENT_FORM document.roles.0.grants"]),
            (document(json!([role(json!({ "grants": ["Acount:READ:ALL"] }))])), vec!["INVALID RESOURCE_UNKNOWN document.roles.0.grants"]),
            (document(json!([role(json!({ "grants": ["Account:FLY:ALL"] }))])), vec!["INVALID ACTION_UNKNOWN document.roles.0.grants"]),
            (document(json!([role(json!({ "grants": ["Account:READ:FAR"] }))])), vec!["INVALID REACH_UNKNOWN document.roles.0.grants"]),
            (document(json!([role(json!({ "fieldRules": ["Deal:amount:GREEN"] }))])), vec!["INVALID RULE_UNKNOWN document.roles.0.fieldRules"]),
            (document(json!([role(json!({ "fieldRules": ["Deal:nonsense:HIDDEN"] }))])), vec!["INVALID FIELD_UNKNOWN document.roles.0.fieldRules"]),
            (document(json!([role(json!({})), role(json!({ "copyOf": "nobody", "key": "y" }))])), vec!["NOT_FOUND ROLE_UNKNOWN document.roles.1.copyOf"]),
            (document(json!([role(json!({})), role(json!({}))])), vec!["INVALID ROLE_TWICE document.roles.1.key"]),
            (document(json!([role(json!({ "copyOf": "y" })), { "key": "y", "name": "Y", "copyOf": "x" }])), vec!["INVALID ROLE_CYCLE document.roles.0.copyOf", "INVALID ROLE_CYCLE document.roles.1.copyOf"]),
            (document(json!([role(json!({ "copyOf": "x" }))])), vec!["INVALID ROLE_CYCLE document.roles.0.copyOf"]),
            (document(json!([{ "key": "admin", "grants": [] }])), vec!["INVALID_TRANSITION ADMIN_ROLE_FIXED document.roles.0.grants"]),
        ];
        let before = events(&admin).await;
        for (document, expected) in cases {
            assert_eq!(said(&import(&admin, &document, None).await, "roleImport"), expected, "{document}");
        }
        let many: Vec<Value> = (0..201).map(|n| json!({ "key": format!("k{n}"), "name": "K" })).collect();
        assert_eq!(said(&import(&admin, &document(json!(many)), None).await, "roleImport"), ["LIMIT_REACHED document.roles"]);
        // One bad role keeps the good ones out as well.
        let mixed = document(json!([{ "key": "good", "name": "Good" }, { "key": "bad", "name": "" }]));
        assert_eq!(said(&import(&admin, &mixed, Some("x")).await, "roleImport"), ["REQUIRED document.roles.1.name"]);
        assert_eq!(events(&admin).await, before);
    }

    async fn who_may_not_take_roles_out_or_bring_them_in_does_not(world: World) {
        let (admin, seller) = (world.admin().await, world.seller().await);
        assert_eq!(export(&seller, Value::Null).await.error_code(), Some("FORBIDDEN"));
        assert_eq!(said(&import(&seller, &document(json!([])), None).await, "roleImport"), ["FORBIDDEN PERMISSION_MISSING"]);
        let it = crew::hire(&world, "ira@tandem.test", "it", Department::It).await.client;
        assert_eq!(export(&it, Value::Null).await.error_code(), Some("FORBIDDEN"));
        assert_eq!(said(&import(&it, &document(json!([])), None).await, "roleImport"), ["FORBIDDEN PERMISSION_MISSING"]);
        assert_eq!(export(&admin, json!(["nobody"])).await.error_code(), Some("NOT_FOUND"));
        let reader = super::officer(&world, "reader", &["Role:READ:ALL", "Role:IMPORT:ALL"]).await.client;
        let rename = document(json!([{ "key": "rep", "name": "Hunter" }]));
        assert_eq!(said(&import(&reader, &rename, None).await, "roleImport"), ["FORBIDDEN PERMISSION_MISSING document.roles.0"]);
    }
}
