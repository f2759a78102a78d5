//! Accounts in depth.

use serde_json::{Value, json};

use crate::{
    shared::{archive, create, mutate, names, update, user_id},
    support::world,
};

on_both_engines! {
    async fn what_an_update_leaves_out_stays_and_what_it_nulls_is_cleared(world: World) {
        let admin = world.admin().await;
        let owner = user_id(&admin, world::SELLER.email).await;
        let parent = create(&admin, "account", json!({ "name": "Holding" })).await;
        let id = create(&admin, "account", json!({
            "name": "Acme", "domain": "acme.example", "industry": "Bicycles", "city": "Köln", "employeeCount": 12,
            "tier": "TIER_2", "ownerId": owner, "parentId": parent,
        })).await;
        let select = "name domain industry city employeeCount tier stage owner { name } parent { name }";
        let changed = mutate(&admin, "account", "Update", json!({ "id": id, "city": "Bonn", "industry": null, "parentId": null }), select).await.expect_ok();
        assert_eq!(changed.data("accountUpdate.account"), &json!({
            "id": id, "version": 2, "name": "Acme", "domain": "acme.example", "industry": null, "city": "Bonn",
            "employeeCount": 12, "tier": "TIER_2", "stage": "UNAWARE", "owner": { "name": "Sam Seller" }, "parent": null,
        }));
        let cleared = mutate(&admin, "account", "Update", json!({ "id": id, "domain": null, "employeeCount": null, "tier": null, "ownerId": null }), select).await.expect_ok();
        assert_eq!(cleared.data("accountUpdate.account"), &json!({
            "id": id, "version": 3, "name": "Acme", "domain": null, "industry": null, "city": "Bonn",
            "employeeCount": null, "tier": null, "stage": "UNAWARE", "owner": null, "parent": null,
        }));
    }

    async fn a_variable_that_is_not_given_leaves_its_field_alone(world: World) {
        let admin = world.admin().await;
        let id = create(&admin, "account", json!({ "name": "Acme", "city": "Köln", "tier": "TIER_1" })).await;
        let document = "mutation ($id: ID!, $city: String, $tier: AccountTier, $name: String = \"Named\") {
            accountUpdate(input: { id: $id, city: $city, tier: $tier, name: $name }) { account { name city tier } userErrors { code } } }";
        let changed = admin.query_with(document, json!({ "id": id, "tier": null })).await.expect_ok();
        assert_eq!(changed.data("accountUpdate.account"), &json!({ "name": "Named", "city": "Köln", "tier": null }));
    }

    async fn a_domain_comes_down_to_what_a_company_registers(world: World) {
        let admin = world.admin().await;
        for (given, stored) in [
            ("https://www.Acme.co.uk/path?x=1", "acme.co.uk"),
            ("shop.eu.globex.com.", "globex.com"),
            ("www.müller.de:8080", "xn--mller-kva.de"),
            ("ann@mail.initech.example", "initech.example"),
        ] {
            let made = mutate(&admin, "account", "Create", json!({ "name": given, "domain": given }), "domain").await.expect_ok();
            assert_eq!(made.data("accountCreate.account.domain"), stored);
        }
        let by = "query ($domain: String!) { account(by: { domain: $domain }) { name } }";
        for host in ["acme.co.uk", "HTTPS://ACME.CO.UK", "mail.acme.co.uk"] {
            let found = admin.query_with(by, json!({ "domain": host })).await.expect_ok();
            assert_eq!(found.data("account.name"), "https://www.Acme.co.uk/path?x=1", "{host}");
        }
        for host in ["acme.uk", "müller.com", "co.uk", "", "%"] {
            assert_eq!(admin.query_with(by, json!({ "domain": host })).await.expect_ok().data("account"), &Value::Null, "{host}");
        }
        for given in ["co.uk", "localhost", "10.0.0.1", "acme..example", "acme example", "com"] {
            let refused = mutate(&admin, "account", "Create", json!({ "name": "X", "domain": given }), "").await;
            assert_eq!(refused.user_errors("accountCreate"), ["INVALID domain"], "{given}");
        }
    }

    async fn an_account_is_found_by_its_further_domains(world: World) {
        let admin = world.admin().await;
        let id = create(&admin, "account", json!({ "name": "Acme", "domain": "acme.example" })).await;
        let alias = mutate(&admin, "accountDomain", "Create", json!({ "accountId": id, "domain": "www.acme.de/impressum" }), "domain account { name }").await.expect_ok();
        assert_eq!(alias.data("accountDomainCreate.accountDomain.domain"), "acme.de");
        let by = "{ account(by: { domain: \"shop.acme.de\" }) { name domain domains { nodes { domain } } } }";
        let expected = json!({ "name": "Acme", "domain": "acme.example", "domains": { "nodes": [{ "domain": "acme.de" }] } });
        assert_eq!(admin.query(by).await.expect_ok().data("account"), &expected);
        archive(&admin, "accountDomain", alias.data("accountDomainCreate.accountDomain.id").as_str().expect("an id")).await;
        assert_eq!(admin.query(by).await.expect_ok().data("account"), &Value::Null);
    }

    async fn an_archived_account_is_found_by_id_and_not_by_domain(world: World) {
        let admin = world.admin().await;
        let id = create(&admin, "account", json!({ "name": "Acme", "domain": "acme.example" })).await;
        archive(&admin, "account", &id).await;
        let seen = admin.query_with("query ($id: ID!) { id: account(by: { id: $id }) { name } domain: account(by: { domain: \"acme.example\" }) { name } }", json!({ "id": id }));
        assert_eq!(seen.await.expect_ok().body["data"], json!({ "id": { "name": "Acme" }, "domain": null }));
    }

    async fn companies_form_a_tree_and_never_a_ring(world: World) {
        let admin = world.admin().await;
        let top = create(&admin, "account", json!({ "name": "Top" })).await;
        let middle = create(&admin, "account", json!({ "name": "Middle", "parentId": top })).await;
        let bottom = create(&admin, "account", json!({ "name": "Bottom", "parentId": middle })).await;
        for parent in [&top, &middle, &bottom] {
            let refused = mutate(&admin, "account", "Update", json!({ "id": top, "parentId": parent }), "").await;
            assert_eq!(refused.user_errors("accountUpdate"), ["INVALID parentId"]);
            assert_eq!(refused.data("accountUpdate.userErrors.0.reason"), "ACCOUNT_CYCLE");
        }
        update(&admin, "account", json!({ "id": bottom, "parentId": top })).await;
        let tree = admin.query("{ accounts(filter: { parent: { name: { eq: \"Top\" } } }) { nodes { name parent { name } children { totalCount } } } }").await.expect_ok();
        assert_eq!(names(&tree, "accounts", "name"), ["Middle", "Bottom"]);
    }

    async fn a_reference_leads_to_a_live_record_of_its_type(world: World) {
        let admin = world.admin().await;
        let contact = create(&admin, "contact", json!({ "name": "Ann" })).await;
        let gone = create(&admin, "account", json!({ "name": "Gone" })).await;
        archive(&admin, "account", &gone).await;
        for (parent, error) in [(contact.as_str(), "INVALID parentId"), (&gone, "NOT_FOUND parentId"), ("acct_00000000000000000000000000", "NOT_FOUND parentId"), ("top", "INVALID parentId")] {
            let refused = mutate(&admin, "account", "Create", json!({ "name": "Acme", "parentId": parent }), "").await;
            assert_eq!(refused.user_errors("accountCreate"), [error], "{parent}");
        }
    }

    async fn a_lookup_by_the_id_of_another_type_is_refused_and_an_unknown_id_is_null(world: World) {
        let admin = world.admin().await;
        let contact = create(&admin, "contact", json!({ "name": "Ann" })).await;
        let account = create(&admin, "account", json!({ "name": "Acme" })).await;
        let by = "query ($id: ID!) { account(by: { id: $id }) { name } }";
        assert_eq!(admin.query_with(by, json!({ "id": contact })).await.error_code(), Some("BAD_USER_INPUT"));
        let unknown = "acct_00000000000000000000000000";
        assert_eq!(admin.query_with(by, json!({ "id": unknown })).await.expect_ok().data("account"), &Value::Null);
        let nodes = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Account { name } ... on Contact { title: name } } }";
        let found = admin.query_with(nodes, json!({ "ids": [contact, unknown, account, contact] })).await.expect_ok();
        let ann = json!({ "__typename": "Contact", "id": contact, "title": "Ann" });
        assert_eq!(found.data("nodes"), &json!([ann, null, { "__typename": "Account", "id": account, "name": "Acme" }, ann]));
        assert_eq!(admin.query_with(nodes, json!({ "ids": [] })).await.expect_ok().data("nodes"), &json!([]));
        assert_eq!(admin.query_with(nodes, json!({ "ids": vec![account.as_str(); 100] })).await.expect_ok().data("nodes").as_array().map(Vec::len), Some(100));
        let many = admin.query_with(nodes, json!({ "ids": vec![account.as_str(); 101] })).await;
        assert_eq!(many.error_code(), Some("BAD_USER_INPUT"), "{many}");
        assert_eq!(admin.query("{ node(id: \"nonsense\") { id } }").await.error_code(), Some("BAD_USER_INPUT"));
    }

    async fn a_lookup_takes_exactly_one_way(world: World) {
        let admin = world.admin().await;
        for by in ["{}", "{ id: \"acct_00000000000000000000000000\", domain: \"acme.example\" }", "{ domain: null }"] {
            let answer = admin.query(&format!("{{ account(by: {by}) {{ id }} }}")).await;
            assert!(matches!(answer.error_code(), Some("GRAPHQL_VALIDATION_FAILED" | "BAD_USER_INPUT")), "{by}: {answer}");
        }
    }

    async fn a_stale_version_is_refused_with_the_record_as_it_is_now(world: World) {
        let admin = world.admin().await;
        let id = create(&admin, "account", json!({ "name": "Acme" })).await;
        update(&admin, "account", json!({ "id": id, "expectedVersion": 1, "name": "Acme 2" })).await;
        let document = "mutation ($input: AccountUpdateInput!) { accountUpdate(input: $input) {
            account { id } userErrors { code reason field conflict { ... on Account { id name version } } } query { accounts { totalCount } } } }";
        let stale = admin.query_with(document, json!({ "input": { "id": id, "expectedVersion": 1, "name": "Mine" } })).await;
        assert_eq!(stale.data("accountUpdate"), &json!({
            "account": null,
            "userErrors": [{ "code": "CONFLICT", "reason": "STALE_VERSION", "field": ["expectedVersion"], "conflict": { "id": id, "name": "Acme 2", "version": 2 } }],
            "query": { "accounts": { "totalCount": 1 } },
        }));
        assert!(stale.status.is_success());
    }

    async fn external_ids_add_up_and_belong_to_one_record_each(world: World) {
        let admin = world.admin().await;
        let crm = |id: &str| json!({ "system": "crm", "id": id });
        let id = create(&admin, "account", json!({ "name": "Acme", "externalIds": [crm("1")] })).await;
        let more = mutate(&admin, "account", "Update", json!({ "id": id, "externalIds": [crm("2"), { "system": "erp", "id": "1" }, crm("1")] }), "externalIds { system id }").await.expect_ok();
        assert_eq!(more.data("accountUpdate.account.externalIds"), &json!([crm("1"), crm("2"), { "system": "erp", "id": "1" }]));
        let other = create(&admin, "account", json!({ "name": "Other" })).await;
        for (verb, input) in [("Create", json!({ "name": "New", "externalIds": [crm("2")] })), ("Update", json!({ "id": other, "externalIds": [crm("1")] }))] {
            let taken = mutate(&admin, "account", verb, input, "").await;
            assert_eq!(taken.user_errors(&format!("account{verb}")), ["TAKEN externalIds"]);
            assert_eq!(taken.data(&format!("account{verb}.userErrors.0.conflict.id")), &json!(id));
        }
        let names = admin.query("{ accounts { nodes { name } } }").await.expect_ok();
        assert_eq!(crate::shared::names(&names, "accounts", "name"), ["Acme", "Other"]);
        let contact = create(&admin, "contact", json!({ "name": "Ann", "externalIds": [crm("1")] })).await;
        let by = "{ account(by: { external: { system: \"crm\", id: \"1\" } }) { id } contact(by: { external: { system: \"crm\", id: \"1\" } }) { id } lead(by: { external: { system: \"crm\", id: \"1\" } }) { id } }";
        assert_eq!(admin.query(by).await.expect_ok().body["data"], json!({ "account": { "id": id }, "contact": { "id": contact }, "lead": null }));
    }
}
