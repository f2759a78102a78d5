//! Values that only one live record may have, also when records come back.

use serde_json::{Value, json};

use crate::{
    shared::{archive, create, id_of, mutate, pipeline, user_id},
    support::{client::Client, world},
};

/// What stands in the way of bringing a record back.
async fn restoring(admin: &Client, noun: &str, id: &str) -> (Vec<String>, Value) {
    let answer = mutate(admin, noun, "Restore", json!({ "id": id }), "").await;
    let payload = format!("{noun}Restore");
    let conflict = answer.data(&payload)["userErrors"][0]["conflict"]["id"].clone();
    (answer.user_errors(&payload), conflict)
}

on_both_engines! {
    async fn a_taken_domain_is_refused_with_the_account_that_has_it(world: World) {
        let admin = world.admin().await;
        let id = create(&admin, "account", json!({ "name": "Acme", "domain": "acme.example" })).await;
        let other = create(&admin, "account", json!({ "name": "Other" })).await;
        for (verb, input) in [
            ("Create", json!({ "name": "Copy", "domain": "https://WWW.Acme.Example" })),
            ("Update", json!({ "id": other, "domain": "www.acme.example" })),
        ] {
            let taken = mutate(&admin, "account", verb, input, "").await;
            let payload = format!("account{verb}");
            assert_eq!(taken.user_errors(&payload), ["TAKEN domain"]);
            assert_eq!(taken.data(&format!("{payload}.userErrors.0.conflict")), &json!({ "__typename": "Account", "id": id }));
        }
        let same = mutate(&admin, "account", "Update", json!({ "id": id, "domain": "www.acme.example", "name": "Acme 2" }), "domain").await.expect_ok();
        assert_eq!(same.data("accountUpdate.account.domain"), "acme.example");
    }

    async fn an_archived_account_frees_its_domain_and_cannot_come_back_into_a_taken_one(world: World) {
        let admin = world.admin().await;
        let old = create(&admin, "account", json!({ "name": "Old", "domain": "acme.example" })).await;
        archive(&admin, "account", &old).await;
        let new = create(&admin, "account", json!({ "name": "New", "domain": "acme.example" })).await;
        assert_eq!(restoring(&admin, "account", &old).await, (vec!["TAKEN domain".to_owned()], json!(new)));
        mutate(&admin, "account", "Update", json!({ "id": new, "domain": null }), "").await.expect_ok();
        assert_eq!(restoring(&admin, "account", &old).await.0, Vec::<String>::new());
    }

    async fn a_domain_is_either_an_accounts_first_or_a_further_one(world: World) {
        let admin = world.admin().await;
        let acme = create(&admin, "account", json!({ "name": "Acme", "domain": "acme.example" })).await;
        let globex = create(&admin, "account", json!({ "name": "Globex", "domain": "globex.example" })).await;
        create(&admin, "accountDomain", json!({ "accountId": acme, "domain": "acme.de" })).await;
        for (account, domain) in [(&acme, "acme.example"), (&globex, "acme.example"), (&globex, "www.acme.de")] {
            let taken = mutate(&admin, "accountDomain", "Create", json!({ "accountId": account, "domain": domain }), "").await;
            assert_eq!(taken.user_errors("accountDomainCreate"), ["TAKEN domain"], "{domain}");
            assert!(taken.data("accountDomainCreate.userErrors.0.conflict.id").is_string(), "{taken}");
        }
        let taken = mutate(&admin, "account", "Update", json!({ "id": globex, "domain": "acme.de" }), "").await;
        assert_eq!(taken.user_errors("accountUpdate"), ["TAKEN domain"]);
        assert_eq!(taken.data("accountUpdate.userErrors.0.conflict.id"), &json!(acme));
    }

    async fn an_account_does_not_come_back_into_a_domain_that_is_anothers_further_one(world: World) {
        let admin = world.admin().await;
        let old = create(&admin, "account", json!({ "name": "Old", "domain": "acme.example" })).await;
        archive(&admin, "account", &old).await;
        let new = create(&admin, "account", json!({ "name": "New" })).await;
        create(&admin, "accountDomain", json!({ "accountId": new, "domain": "acme.example" })).await;
        assert_eq!(restoring(&admin, "account", &old).await, (vec!["TAKEN domain".to_owned()], json!(new)));
        let found = admin.query("{ account(by: { domain: \"acme.example\" }) { id } }").await.expect_ok();
        assert_eq!(found.data("account.id"), &json!(new));
    }

    async fn a_further_domain_does_not_come_back_into_an_accounts_first(world: World) {
        let admin = world.admin().await;
        let acme = create(&admin, "account", json!({ "name": "Acme" })).await;
        let alias = create(&admin, "accountDomain", json!({ "accountId": acme, "domain": "acme.example" })).await;
        archive(&admin, "accountDomain", &alias).await;
        create(&admin, "account", json!({ "name": "New", "domain": "acme.example" })).await;
        assert_eq!(restoring(&admin, "accountDomain", &alias).await.0, ["TAKEN domain"]);
    }

    async fn a_pair_that_exists_does_not_come_back_a_second_time(world: World) {
        let admin = world.admin().await;
        let account = create(&admin, "account", json!({ "name": "Acme" })).await;
        let contact = create(&admin, "contact", json!({ "name": "Ann" })).await;
        let list = create(&admin, "targetAccountList", json!({ "name": "Top", "kind": "STATIC" })).await;
        let team = create(&admin, "team", json!({ "name": "West", "department": "SALES" })).await;
        let user = user_id(&admin, world::MARKETER.email).await;
        for (noun, input, field) in [
            ("accountTeamMember", json!({ "accountId": account, "userId": user }), "userId"),
            ("accountContact", json!({ "accountId": account, "contactId": contact }), "contactId"),
            ("targetAccountListMember", json!({ "listId": list, "accountId": account }), "accountId"),
            ("teamMembership", json!({ "teamId": team, "userId": user }), "userId"),
        ] {
            let first = create(&admin, noun, input.clone()).await;
            let twice = mutate(&admin, noun, "Create", input.clone(), "").await;
            assert_eq!(twice.user_errors(&format!("{noun}Create")), [format!("TAKEN {field}")]);
            assert_eq!(twice.data(&format!("{noun}Create.userErrors.0.conflict.id")), &json!(first));
            archive(&admin, noun, &first).await;
            let second = create(&admin, noun, input).await;
            assert_eq!(restoring(&admin, noun, &first).await, (vec![format!("TAKEN {field}")], json!(second)), "{noun}");
        }
    }

    async fn a_persons_address_is_theirs_alone_whatever_its_case(world: World) {
        let admin = world.admin().await;
        let ann = create(&admin, "contact", json!({ "name": "Ann", "email": "ann@acme.example" })).await;
        let taken = mutate(&admin, "contact", "Create", json!({ "name": "Copy", "email": "ANN@acme.example" }), "").await;
        assert_eq!(taken.user_errors("contactCreate"), ["TAKEN email"]);
        assert_eq!(taken.data("contactCreate.userErrors.0.conflict.id"), &json!(ann));
        archive(&admin, "contact", &ann).await;
        let heir = create(&admin, "contact", json!({ "name": "Heir", "email": "Ann@Acme.example" })).await;
        assert_eq!(restoring(&admin, "contact", &ann).await, (vec!["TAKEN email".to_owned()], json!(heir)));
        let found = admin.query("{ contact(by: { email: \"aNN@acme.example\" }) { name } }").await.expect_ok();
        assert_eq!(found.data("contact.name"), "Heir");
    }

    async fn addresses_that_differ_by_an_accent_are_two(world: World) {
        let admin = world.admin().await;
        let plain = create(&admin, "contact", json!({ "name": "Muller", "email": "ann@muller.example" })).await;
        let accent = create(&admin, "contact", json!({ "name": "Müller", "email": "ann@müller.example" })).await;
        let by = "query ($email: EmailAddress!) { contact(by: { email: $email }) { id } }";
        for (email, id) in [("ann@muller.example", &plain), ("ANN@MÜLLER.example", &accent), ("ann@xn--mller-kva.example", &accent)] {
            assert_eq!(admin.query_with(by, json!({ "email": email })).await.expect_ok().data("contact.id"), &json!(id), "{email}");
        }
        let taken = mutate(&admin, "contact", "Create", json!({ "name": "Copy", "email": "Ann@Müller.example" }), "").await;
        assert_eq!(taken.data("contactCreate.userErrors.0.conflict.id"), &json!(accent));
        let none = mutate(&admin, "contact", "Create", json!({ "name": "Copy", "email": "müller@acme.example" }), "").await;
        assert_eq!(none.user_errors("contactCreate"), ["INVALID email"]);
    }

    async fn a_pipelines_name_is_its_own_in_every_case_and_no_other_word(world: World) {
        let admin = world.admin().await;
        let id = create(&admin, "pipeline", json!({ "name": "Größe" })).await;
        let taken = mutate(&admin, "pipeline", "Create", json!({ "name": " gRÖßE " }), "").await;
        assert_eq!(taken.user_errors("pipelineCreate"), ["TAKEN name"]);
        assert_eq!(taken.data("pipelineCreate.userErrors.0.conflict.id"), &json!(id));
        for other in ["Grosse", "Große", "ハス", "バス"] {
            create(&admin, "pipeline", json!({ "name": other })).await;
        }
    }

    async fn a_stages_name_is_its_own_within_its_pipeline(world: World) {
        let admin = world.admin().await;
        let (one, [open, ..]) = pipeline(&admin, "One").await;
        pipeline(&admin, "Two").await;
        let stage = |name: &str| json!({ "pipelineId": one, "name": name, "position": 9, "category": "OPEN", "probability": 10 });
        let taken = mutate(&admin, "stage", "Create", stage("OPEN "), "").await;
        assert_eq!(taken.user_errors("stageCreate"), ["TAKEN name"]);
        archive(&admin, "stage", &open).await;
        let heir = id_of(&mutate(&admin, "stage", "Create", stage("open"), "").await.expect_ok(), "stage");
        assert_eq!(restoring(&admin, "stage", &open).await, (vec!["TAKEN name".to_owned()], json!(heir)));
    }
}
