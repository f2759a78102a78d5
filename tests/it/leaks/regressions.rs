//! Leaks that were found once, by name.

use std::time::Duration;

use entity::{Department, Kind};
use serde_json::{Value, json};
use tandem::access::{
    Action::{self, Create, Read, Update},
    Reach::{All, Own},
};

use super::roles::{Person, Roles};
use crate::{crew, support::world::World};

/// Somebody who holds one role.
async fn somebody(world: &World, roles: &Roles) -> Person {
    let person = Person::hire(world, 0, Department::Sales).await;
    person.hold(world, roles).await;
    person
}

on_both_engines! {
    async fn a_place_that_has_ended_gives_no_reach_over_the_person(world: World) {
        let own = [Kind::Account, Kind::Contact, Kind::AccountContact].map(|kind| (kind, Read, Own));
        let me = somebody(&world, &Roles::reading(&[], &[], &own)).await;
        let admin = world.admin().await;
        let account = crew::create(&admin, Kind::Account, json!({ "name": "Mine", "ownerId": me.hand.id })).await;
        let mut seen = Vec::new();
        // It is the 2nd of March.
        for (name, until) in [("Left", json!("2026-03-01")), ("Leaves today", json!("2026-03-02")), ("Stays", Value::Null)] {
            let contact = crew::create(&admin, Kind::Contact, json!({ "name": name })).await;
            let place = json!({ "accountId": account, "contactId": contact, "since": "2025-01-01", "until": until });
            crew::create(&admin, Kind::AccountContact, place).await;
            seen.push(contact);
        }
        let names = async || {
            let document = "{ contacts { totalCount nodes { name } } accounts { nodes { contacts { totalCount } contactRoles { totalCount } } } }";
            let answer = me.hand.client.query(document).await.expect_ok();
            let names: Vec<String> = answer.data("contacts.nodes").as_array().unwrap().iter().map(|node| node["name"].as_str().unwrap().to_owned()).collect();
            let count = json!({ "totalCount": names.len() });
            assert_eq!(*answer.data("accounts.nodes.0"), json!({ "contacts": count, "contactRoles": count }));
            assert_eq!(answer.data("contacts.totalCount"), names.len());
            names
        };
        assert_eq!(names().await, ["Leaves today", "Stays"]);
        let gone = me.hand.client.query_with("query($id: ID!) { node(id: $id) { id } }", json!({ "id": seen[0] })).await.expect_ok();
        assert_eq!(*gone.data("node"), Value::Null);
        // Fourteen hours and 59 minutes later it is still the 2nd, in UTC; then it is the 3rd.
        world.clock.advance(Duration::from_mins(14 * 60 + 59));
        let me = Person { hand: crew::Hand { client: crew::sign_in(&world, "person0@tandem.test", crate::support::world::PASSWORD).await, ..me.hand }, ..me };
        let names = async || me.hand.client.query("{ contacts { nodes { name } } }").await.expect_ok().data("contacts.nodes").as_array().unwrap().len();
        assert_eq!(names().await, 2);
        world.clock.advance(Duration::from_mins(1));
        assert_eq!(names().await, 1);
    }

    async fn a_place_that_begins_later_gives_no_reach_over_the_person_yet(world: World) {
        let own = [Kind::Account, Kind::Contact, Kind::AccountContact].map(|kind| (kind, Read, Own));
        let me = somebody(&world, &Roles::reading(&[], &[], &own)).await;
        let admin = world.admin().await;
        let account = crew::create(&admin, Kind::Account, json!({ "name": "Mine", "ownerId": me.hand.id })).await;
        let mut later = String::new();
        // It is the 2nd of March.
        for (name, since) in [("Begins today", "2026-03-02"), ("Begins tomorrow", "2026-03-03")] {
            later = crew::create(&admin, Kind::Contact, json!({ "name": name })).await;
            crew::create(&admin, Kind::AccountContact, json!({ "accountId": account, "contactId": later, "since": since })).await;
        }
        let seen = async |client: &crate::support::client::Client| {
            let document = "query($id: ID!) { contacts { nodes { name } } accounts { nodes { contacts { totalCount } } } node(id: $id) { id } }";
            let answer = client.query_with(document, json!({ "id": later })).await.expect_ok();
            let names: Vec<String> = answer.data("contacts.nodes").as_array().unwrap().iter().map(|node| node["name"].as_str().unwrap().to_owned()).collect();
            assert_eq!(*answer.data("accounts.nodes.0.contacts.totalCount"), names.len());
            assert_eq!(answer.data("node").is_null(), names.len() == 1);
            names
        };
        assert_eq!(seen(&me.hand.client).await, ["Begins today"]);
        let explain = "query($user: ID!, $id: ID!) { explainAccess(user: $user, record: $id, action: READ) { allowed } }";
        let allowed = async || {
            let answer = admin.query_with(explain, json!({ "user": me.hand.id, "id": later })).await.expect_ok();
            answer.data("explainAccess.allowed").clone()
        };
        assert_eq!(allowed().await, false);
        world.clock.advance(Duration::from_hours(15));
        let client = crew::sign_in(&world, "person0@tandem.test", crate::support::world::PASSWORD).await;
        assert_eq!(seen(&client).await, ["Begins today", "Begins tomorrow"]);
    }

    async fn a_list_that_tests_a_hidden_field_fails_alone(world: World) {
        let admin = world.admin().await;
        crew::create(&admin, Kind::Account, json!({ "name": "Rich", "industry": "Steel", "annualRevenue": { "amount": "5", "currency": "EUR" } })).await;
        crew::create_all(&admin, vec![
            (Kind::TargetAccountList, json!({ "name": "A", "kind": "DYNAMIC", "filter": { "industry": { "eq": "Steel" } } })),
            (Kind::TargetAccountList, json!({ "name": "B", "kind": "DYNAMIC", "filter": { "annualRevenue": { "currency": "EUR", "gte": "5" } } })),
            (Kind::TargetAccountList, json!({ "name": "C", "kind": "STATIC" })),
        ]).await;
        let hidden = [(Kind::Account, "annualRevenue")];
        let me = somebody(&world, &Roles::reading(&Kind::ALL, &hidden, &[])).await;
        let document = "{ lists: targetAccountLists(orderBy: { field: NAME }) { edges { node { name on: accounts { totalCount nodes { name } } } } } }";
        let answer = me.hand.client.query(document).await;
        assert_eq!(*answer.data("lists.edges"), json!([
            { "node": { "name": "A", "on": { "totalCount": 1, "nodes": [{ "name": "Rich" }] } } },
            { "node": { "name": "B", "on": null } },
            { "node": { "name": "C", "on": { "totalCount": 0, "nodes": [] } } },
        ]));
        let errors = answer.body["errors"].as_array().expect("it says why");
        assert_eq!((errors.len(), answer.error_code()), (1, Some("FORBIDDEN")));
        assert_eq!(errors[0]["path"], json!(["lists", "edges", 1, "node", "on"]));
        // Who may not see the filters does not see what they find either.
        me.hold(&world, &Roles::reading(&Kind::ALL, &[(Kind::TargetAccountList, "filter")], &[])).await;
        let answer = me.hand.client.query(document).await;
        let on = |n: usize| answer.data(&format!("lists.edges.{n}.node.on"));
        assert_eq!((on(0), on(1), &on(2)["totalCount"]), (&Value::Null, &Value::Null, &json!(0)));
        assert!(!answer.body["errors"].to_string().contains("annualRevenue"), "{answer}");
    }

    async fn a_further_domain_out_of_sight_leads_to_no_account(world: World) {
        let admin = world.admin().await;
        let account = crew::create(&admin, Kind::Account, json!({ "name": "Acme", "domain": "acme.example" })).await;
        crew::create(&admin, Kind::AccountDomain, json!({ "accountId": account, "domain": "hidden.example" })).await;
        let changes = [(Kind::Account, Create, All), (Kind::Account, Update, All)];
        let me = somebody(&world, &Roles::reading(&[Kind::Account], &[], &changes)).await;
        let by = "query($domain: String!) { account(by: { domain: $domain }) { name } }";
        for (domain, found) in [("acme.example", json!({ "name": "Acme" })), ("hidden.example", Value::Null)] {
            let answer = me.hand.client.query_with(by, json!({ "domain": domain })).await.expect_ok();
            assert_eq!(*answer.data("account"), found);
        }
        let document = "mutation { accountCreate(input: { name: \"X\", domain: \"hidden.example\" }) { userErrors { code conflict { id } } } }";
        let taken = json!([{ "code": "TAKEN", "conflict": null }]);
        assert_eq!(*me.hand.client.query(document).await.data("accountCreate.userErrors"), taken, "whose it is, is not told");
        let document = "mutation { accountBulkUpsert(input: { matchOn: \"domain\", items: [{ name: \"X\", domain: \"hidden.example\" }] }) {
            results { status node { id } userErrors { code conflict { id } } } } }";
        let answer = me.hand.client.query(document).await;
        assert_eq!(*answer.data("accountBulkUpsert.results"), json!([{ "status": "FAILED", "node": null, "userErrors": taken }]));
    }

    async fn a_hidden_value_that_is_taken_names_nobody(world: World) {
        let admin = world.admin().await;
        let one = json!({ "name": "One", "email": "same@secret.example" });
        let [old] = crew::create_all(&admin, vec![(Kind::Contact, one.clone())]).await.try_into().unwrap();
        assert!(crew::mutate(&admin, "Archive", vec![(Kind::Contact, json!({ "id": old }))]).await[0].is_ok());
        crew::create_all(&admin, vec![(Kind::Contact, one), (Kind::Account, json!({ "name": "Acme", "domain": "acme.example" }))]).await;
        let hidden = [(Kind::Contact, "email"), (Kind::Account, "domain")];
        let more = [(Kind::Contact, Action::Delete, All), (Kind::AccountDomain, Create, All)];
        let me = somebody(&world, &Roles::reading(&Kind::ALL, &hidden, &more)).await;
        let document = "mutation($id: ID!) { contactRestore(input: { id: $id }) { userErrors { code conflict { id } } } }";
        let taken = json!([{ "code": "TAKEN", "conflict": null }]);
        let answer = me.hand.client.query_with(document, json!({ "id": old })).await;
        assert_eq!(*answer.data("contactRestore.userErrors"), taken);
        let account = crew::create(&admin, Kind::Account, json!({ "name": "Other" })).await;
        let document = "mutation($id: ID!) { accountDomainCreate(input: { accountId: $id, domain: \"acme.example\" }) { userErrors { code conflict { id } } } }";
        let answer = me.hand.client.query_with(document, json!({ "id": account })).await;
        assert_eq!(*answer.data("accountDomainCreate.userErrors"), taken);
    }

    async fn how_many_deals_are_in_a_stage_is_told_to_nobody(world: World) {
        let admin = world.admin().await;
        let pipeline = crew::create(&admin, Kind::Pipeline, json!({ "name": "P" })).await;
        let open = json!({ "pipelineId": pipeline, "name": "Open", "position": 1, "category": "OPEN", "probability": 1 });
        let stage = crew::create(&admin, Kind::Stage, open).await;
        crew::create_all(&admin, vec![(Kind::Deal, json!({ "name": "D", "stageId": stage })); 3]).await;
        let more = [(Kind::Pipeline, Action::Delete, All)];
        let me = somebody(&world, &Roles::reading(&[Kind::Pipeline], &[], &more)).await;
        let document = "mutation($id: ID!) { pipelineArchive(input: { id: $id }) { userErrors { code message } } }";
        let answer = me.hand.client.query_with(document, json!({ "id": pipeline })).await;
        assert_eq!(answer.user_errors("pipelineArchive"), ["IN_USE"]);
        assert!(!answer.data("pipelineArchive.userErrors.0.message").to_string().contains(char::is_numeric), "{answer}");
    }
}
