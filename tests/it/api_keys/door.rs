//! A key is an actor: what people do through the API it does too, within its role, and some things are for people alone.

use entity::{Department, Kind};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tandem::http::{Settings, settings::Rate};

use super::{IN_A_MONTH, change, key, key_with, once, role};
use crate::{
    crew,
    shared::user_id,
    support::{
        client::Client,
        world::{OTHER_SELLER, SELLER, TEAM_MATE},
    },
};

async fn names(client: &Client, plural: &str) -> Vec<String> {
    let answer =
        client.query(&format!("{{ {plural}(orderBy: [{{ field: NAME }}]) {{ nodes {{ name }} }} }}")).await.expect_ok();
    crate::shared::names(&answer, plural, "name")
}

on_both_engines! {
    async fn a_key_may_what_its_role_says_whatever_its_owner_may(world: World) {
        let admin = world.admin().await;
        for (name, owner) in [("Mate", TEAM_MATE), ("Other", OTHER_SELLER), ("Sam", SELLER)] {
            crew::create(&admin, Kind::Account, json!({ "name": name, "ownerId": user_id(&admin, owner.email).await })).await;
        }
        for reach in ["OWN", "TEAM", "ALL"] {
            role(&world, &reach.to_lowercase(), &[&format!("Account:READ:{reach}"), &format!("Persona:READ:{reach}")]).await;
        }
        for (name, department) in [("Buyer", "SALES"), ("Reader", "MARKETING")] {
            crew::create(&admin, Kind::Persona, json!({ "name": name, "department": department })).await;
        }
        let owner = json!({ "ownerId": user_id(&admin, SELLER.email).await });
        for (role, accounts, personas) in [
            ("own", vec!["Sam"], vec![]), ("team", vec!["Mate", "Sam"], vec!["Buyer"]),
            ("all", vec!["Mate", "Other", "Sam"], vec!["Buyer", "Reader"]), ("it", vec![], vec!["Buyer", "Reader"]),
        ] {
            let key = key_with(&world, &admin, role, owner.clone()).await.client;
            assert_eq!((names(&key, "accounts").await, names(&key, "personas").await), (accounts.iter().map(ToString::to_string).collect(), personas.iter().map(ToString::to_string).collect()), "{role}");
        }
        let narrow = key(&world, &admin, "own").await.client;
        let who = narrow.query("{ viewer { permissions session { id } sessions { id } } accounts { totalCount } users { totalCount } }").await.expect_ok();
        assert_eq!(who.data("viewer"), &json!({ "permissions": ["Account:READ:OWN", "Persona:READ:OWN"], "session": null, "sessions": [] }));
        assert_eq!((who.data("accounts.totalCount"), who.data("users.totalCount")), (&json!(0), &json!(0)), "its owner is the administrator");
        let refused = crew::mutate(&narrow, "Create", vec![(Kind::Account, json!({ "name": "A" }))]).await;
        assert_eq!(refused, [Err(vec!["FORBIDDEN".to_owned()])]);
    }

    async fn events_name_the_owner_and_the_key(world: World) {
        let admin = world.admin().await;
        let owner = user_id(&admin, SELLER.email).await;
        let key = key_with(&world, &admin, "integration", json!({ "ownerId": owner })).await;
        let account = crew::create(&key.client, Kind::Account, json!({ "name": "Acme" })).await;
        crew::create(&admin, Kind::Account, json!({ "name": "By hand" })).await;
        let told = admin.query("{ audit(filter: { action: { eq: CREATED } }, first: 2, orderBy: [{ field: ID, direction: DESC }]) { nodes { actor { id } apiKey { id prefix } } } }").await.expect_ok();
        assert_eq!(told.data("audit.nodes.1"), &json!({ "actor": { "id": owner }, "apiKey": { "id": key.id, "prefix": key.secret[..12] } }));
        assert_eq!(told.data("audit.nodes.0.apiKey"), &Value::Null);
        let document = "subscription { events(after: \"ev_0_0\", filter: { subjectTypes: [\"Account\"] }) { subject { id } actor { id } apiKey { id } } }";
        let mut events = admin.subscribe(document, json!({})).await;
        assert_eq!(events.next().await["data"]["events"], json!({ "subject": { "id": account }, "actor": { "id": owner }, "apiKey": { "id": key.id } }));
        assert_eq!(events.next().await["data"]["events"]["apiKey"], Value::Null);
        // Who may not see keys learns of none.
        let mut events = key.client.subscribe(document, json!({})).await;
        let event = &events.next().await["data"]["events"];
        assert_eq!((&event["actor"]["id"], &event["apiKey"]), (&json!(owner), &Value::Null));
    }

    async fn what_is_for_people_is_not_for_keys(world: World) {
        let (admin, seller) = (world.admin().await, world.seller().await);
        let owner = user_id(&admin, SELLER.email).await;
        let session = crew::text(&seller.query("{ viewer { session { id } } }").await.expect_ok(), "viewer.session.id");
        for role in ["integration", "admin"] {
            let key = key_with(&world, &admin, role, json!({ "ownerId": owner })).await.client;
            let password = json!(crate::support::world::PASSWORD);
            for (mutation, input) in [
                ("signOut", String::new()),
                ("sessionRevoke", format!("(input: {{ id: \"{session}\" }})")),
                ("passwordChange", format!("(input: {{ currentPassword: {password}, newPassword: \"another good password\" }})")),
            ] {
                let document = format!("mutation {{ {mutation}{input} {{ userErrors {{ code reason message }} }} }}");
                let answer = key.query(&document).await;
                assert_eq!(answer.user_errors(mutation), ["FORBIDDEN"]);
                assert_eq!(answer.data(&format!("{mutation}.userErrors.0.reason")), "PERSON_ONLY");
            }
        }
        seller.query("{ viewer { user { id } } }").await.expect_ok();
    }

    async fn two_keys_of_one_owner_are_two_clients(world: World) {
        let admin = world.admin().await;
        let (one, two) = (key(&world, &admin, "integration").await, key(&world, &admin, "integration").await);
        let make = |name: &str| format!("mutation {{ accountCreate(input: {{ name: \"{name}\" }}) {{ account {{ id name }} userErrors {{ code reason }} }} }}");
        let first = once(&one.client, "night-1", &make("One")).await.expect_ok();
        let other = once(&two.client, "night-1", &make("Two")).await.expect_ok();
        let own = once(&admin, "night-1", &make("Three")).await.expect_ok();
        assert_eq!([first.data("accountCreate.account.name"), other.data("accountCreate.account.name"), own.data("accountCreate.account.name")], ["One", "Two", "Three"]);
        let again = once(&one.client, "night-1", &make("One")).await.expect_ok();
        assert_eq!(again.data("accountCreate.account.id"), first.data("accountCreate.account.id"), "done once");
        assert_eq!(once(&one.client, "night-1", &make("Two")).await.user_errors("accountCreate"), ["IDEMPOTENCY_KEY_REUSED"]);
        assert_eq!(names(&admin, "accounts").await, ["One", "Three", "Two"]);
    }

    async fn each_key_spends_its_own_allowance(world: World) {
        let admin = world.admin().await;
        let (one, two) = (key(&world, &admin, "integration").await, key(&world, &admin, "integration").await);
        let settings = Settings { rate: Rate { maximum: 10, restore: 10 }, ..crew::generous() };
        let (client, running) = crew::second_server(&world, settings).await;
        let ask = async |secret: &str| client.clone().with_token(secret).query("{ accounts(first: 1) { nodes { name } } }").await;
        let mut left = 20;
        while ask(&one.secret).await.status == StatusCode::OK {
            left -= 1;
            assert!(left > 0, "the allowance has no end");
        }
        assert_eq!(ask(&one.secret).await.error_code(), Some("RATE_LIMITED"));
        ask(&two.secret).await.expect_ok();
        running.stop().await.unwrap();
    }

    async fn a_key_that_may_makes_others_for_its_owner(world: World) {
        role(&world, "vault", &["ApiKey:READ:OWN", "ApiKey:CREATE:OWN", "ApiKey:UPDATE:OWN", "Role:READ:ALL", "User:READ:ALL"]).await;
        let admin = world.admin().await;
        let owner = crew::hire(&world, "vic@tandem.test", "vault", Department::It).await.id;
        let vault = key_with(&world, &admin, "vault", json!({ "ownerId": owner })).await;
        let made = key(&world, &vault.client, "vault").await;
        let shown = vault.client.query_with("query($id: ID!) { apiKey(by: { id: $id }) { name owner { id } expiresAt } }", json!({ "id": made.id })).await;
        assert_eq!(shown.expect_ok().data("apiKey"), &json!({ "name": "Sync", "owner": { "id": owner }, "expiresAt": IN_A_MONTH }));
        let beyond = change(&vault.client, json!({ "id": made.id, "roleId": super::role_id(&admin, "integration").await })).await;
        assert_eq!(beyond.user_errors("apiKeyUpdate"), ["FORBIDDEN roleId"]);
        // It changes its own secret, as integrations do that look after themselves.
        let rotated = super::rotate(&vault.client, json!({ "id": vault.id, "overlapMinutes": 0 })).await.expect_ok();
        super::turned_away(&vault.client.query("{ __typename }").await, "API_KEY_ROTATED");
        world.anonymous().with_token(crew::text(&rotated, "apiKeyRotate.secret")).query("{ __typename }").await.expect_ok();
    }
}
