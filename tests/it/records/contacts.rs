//! Contacts in depth: names, and the places people hold.

use serde_json::{Value, json};

use crate::{
    shared::{archive, column, create, mutate},
    support::client::Client,
};

/// A contact's places: account, whether it is the main one, version.
async fn places(admin: &Client, contact: &str) -> Vec<(String, bool, i64)> {
    let document = "query ($id: ID!) { contact(by: { id: $id }) { accountRoles { nodes { account { name } isPrimary version } } } }";
    let answer = admin.query_with(document, json!({ "id": contact })).await.expect_ok();
    let nodes = answer.data("contact.accountRoles.nodes").as_array().expect("a list").clone();
    let place = |node: &Value| {
        let name = node["account"]["name"].as_str().expect("a name").to_owned();
        (name, node["isPrimary"].as_bool().expect("a truth"), node["version"].as_i64().expect("a number"))
    };
    nodes.iter().map(place).collect()
}

fn place(name: &str, primary: bool, version: i64) -> (String, bool, i64) {
    (name.to_owned(), primary, version)
}

on_both_engines! {
    async fn a_name_follows_from_its_parts_unless_it_is_given(world: World) {
        let admin = world.admin().await;
        for (input, name) in [
            (json!({ "firstName": "Ann", "lastName": "Smith" }), "Ann Smith"),
            (json!({ "lastName": "Smith" }), "Smith"),
            (json!({ "firstName": "Ann", "lastName": "Smith", "name": "Dr. Ann Smith" }), "Dr. Ann Smith"),
        ] {
            let made = mutate(&admin, "contact", "Create", input, "name").await.expect_ok();
            assert_eq!(made.data("contactCreate.contact.name"), name);
        }
    }

    async fn a_contact_made_at_an_account_has_its_main_place_there(world: World) {
        let admin = world.admin().await;
        let acme = create(&admin, "account", json!({ "name": "Acme" })).await;
        let ann = create(&admin, "contact", json!({ "name": "Ann", "accountId": acme })).await;
        assert_eq!(places(&admin, &ann).await, [place("Acme", true, 1)]);
        let seen = admin.query_with("query ($id: ID!) { account(by: { id: $id }) { contacts { totalCount nodes { name } } } }", json!({ "id": acme })).await.expect_ok();
        assert_eq!(seen.data("account.contacts"), &json!({ "totalCount": 1, "nodes": [{ "name": "Ann" }] }));
    }

    async fn a_contact_at_no_real_account_is_not_made(world: World) {
        let admin = world.admin().await;
        let gone = create(&admin, "account", json!({ "name": "Gone" })).await;
        archive(&admin, "account", &gone).await;
        let lead = create(&admin, "lead", json!({ "name": "Lead" })).await;
        for (account, error) in [(gone.as_str(), "NOT_FOUND accountId"), (&lead, "INVALID accountId"), ("acct_00000000000000000000000000", "NOT_FOUND accountId")] {
            let refused = mutate(&admin, "contact", "Create", json!({ "name": "Ann", "accountId": account }), "").await;
            assert_eq!(refused.user_errors("contactCreate"), [error]);
        }
        assert_eq!(admin.query("{ contacts(includeArchived: true) { totalCount } }").await.expect_ok().data("contacts.totalCount"), 0);
    }

    async fn the_main_place_gives_way_to_the_next_one(world: World) {
        let admin = world.admin().await;
        let acme = create(&admin, "account", json!({ "name": "Acme" })).await;
        let globex = create(&admin, "account", json!({ "name": "Globex" })).await;
        let ann = create(&admin, "contact", json!({ "name": "Ann", "accountId": acme })).await;
        let second = create(&admin, "accountContact", json!({ "contactId": ann, "accountId": globex })).await;
        assert_eq!(places(&admin, &ann).await, [place("Acme", true, 1), place("Globex", false, 1)]);
        mutate(&admin, "accountContact", "Update", json!({ "id": second, "isPrimary": true }), "").await.expect_ok();
        assert_eq!(places(&admin, &ann).await, [place("Acme", false, 2), place("Globex", true, 2)]);
        let third = create(&admin, "account", json!({ "name": "Initech" })).await;
        create(&admin, "accountContact", json!({ "contactId": ann, "accountId": third, "isPrimary": true })).await;
        assert_eq!(places(&admin, &ann).await, [place("Acme", false, 2), place("Globex", false, 3), place("Initech", true, 1)]);
    }

    async fn a_main_place_that_comes_back_is_the_only_one(world: World) {
        let admin = world.admin().await;
        let acme = create(&admin, "account", json!({ "name": "Acme" })).await;
        let globex = create(&admin, "account", json!({ "name": "Globex" })).await;
        let ann = create(&admin, "contact", json!({ "name": "Ann" })).await;
        let first = create(&admin, "accountContact", json!({ "contactId": ann, "accountId": acme, "isPrimary": true })).await;
        archive(&admin, "accountContact", &first).await;
        create(&admin, "accountContact", json!({ "contactId": ann, "accountId": globex, "isPrimary": true })).await;
        mutate(&admin, "accountContact", "Restore", json!({ "id": first }), "").await.expect_ok();
        let main: Vec<String> = places(&admin, &ann).await.into_iter().filter(|place| place.1).map(|place| place.0).collect();
        assert_eq!(main, ["Acme"]);
    }

    async fn an_archived_place_ties_nobody_to_an_account(world: World) {
        let admin = world.admin().await;
        let acme = create(&admin, "account", json!({ "name": "Acme" })).await;
        let ann = create(&admin, "contact", json!({ "name": "Ann" })).await;
        let place = create(&admin, "accountContact", json!({ "contactId": ann, "accountId": acme })).await;
        let at_acme = "{ contacts(filter: { accounts: { some: { name: { eq: \"Acme\" } } } }) { nodes { name } } accounts { nodes { contacts { totalCount } } } }";
        let seen = admin.query(at_acme).await.expect_ok();
        assert_eq!((column(&seen, "contacts", "name"), seen.data("accounts.nodes.0.contacts.totalCount")), (vec![json!("Ann")], &json!(1)));
        archive(&admin, "accountContact", &place).await;
        let seen = admin.query(at_acme).await.expect_ok();
        assert_eq!((column(&seen, "contacts", "name"), seen.data("accounts.nodes.0.contacts.totalCount")), (vec![], &json!(0)));
    }
}
