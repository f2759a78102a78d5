//! Comparisons of every type, and their logic.

use serde_json::{Value, json};

use crate::{
    shared::{archive, create, create_all, names, pipeline},
    support::client::Client,
};

/// The names of the rows that a filter finds, in order of their making.
async fn found(client: &Client, list: &str, of: &str, filter: &Value) -> String {
    let document = format!(
        "query ($filter: {of}Filter) {{ {list}(filter: $filter, orderBy: {{ field: ID }}) {{ totalCount nodes {{ name }} }} }}"
    );
    let answer = client.query_with(&document, json!({ "filter": filter })).await.expect_ok();
    let names = names(&answer, list, "name");
    assert_eq!(answer.data(&format!("{list}.totalCount")), names.len());
    names.join(" ")
}

async fn check(client: &Client, list: &str, of: &str, cases: &[(Value, &str)]) {
    for (filter, expected) in cases {
        assert_eq!(found(client, list, of, filter).await, *expected, "{filter}");
    }
}

async fn accounts(admin: &Client) {
    create_all(admin, "account", vec![
        json!({ "name": "Alpha", "employeeCount": 10, "city": "Köln", "tier": "TIER_1", "stage": "AWARE", "domain": "alpha.example", "annualRevenue": { "amount": "100", "currency": "EUR" } }),
        json!({ "name": "Beta", "employeeCount": 20, "city": "Bonn", "tier": "TIER_2", "domain": "beta.example", "annualRevenue": { "amount": "200.50", "currency": "EUR" } }),
        json!({ "name": "Gamma", "employeeCount": 30, "city": "köln", "annualRevenue": { "amount": "150", "currency": "USD" } }),
        json!({ "name": "Delta" }),
    ]).await;
}

on_both_engines! {
    async fn numbers_compare(world: World) {
        let admin = world.admin().await;
        accounts(&admin).await;
        let test = |test: Value| json!({ "employeeCount": test });
        check(&admin, "accounts", "Account", &[
            (test(json!({ "eq": 20 })), "Beta"),
            (test(json!({ "ne": 20 })), "Alpha Gamma Delta"),
            (test(json!({ "in": [10, 30, 99] })), "Alpha Gamma"),
            (test(json!({ "in": [] })), ""),
            (test(json!({ "notIn": [10, 30] })), "Beta Delta"),
            (test(json!({ "notIn": [] })), "Alpha Beta Gamma Delta"),
            (test(json!({ "lt": 20 })), "Alpha"),
            (test(json!({ "lte": 20 })), "Alpha Beta"),
            (test(json!({ "gt": 20 })), "Gamma"),
            (test(json!({ "gte": 20 })), "Beta Gamma"),
            (test(json!({ "gt": 10, "lt": 30 })), "Beta"),
            (test(json!({ "isNull": true })), "Delta"),
            (test(json!({ "isNull": false })), "Alpha Beta Gamma"),
            (test(json!({})), "Alpha Beta Gamma Delta"),
        ]).await;
    }

    async fn texts_compare_to_the_letter(world: World) {
        let admin = world.admin().await;
        accounts(&admin).await;
        let test = |test: Value| json!({ "city": test });
        check(&admin, "accounts", "Account", &[
            (test(json!({ "eq": "Köln" })), "Alpha"),
            (test(json!({ "ne": "Köln" })), "Beta Gamma Delta"),
            (test(json!({ "in": ["Köln", "Bonn"] })), "Alpha Beta"),
            (test(json!({ "notIn": ["Köln", "Bonn"] })), "Gamma Delta"),
            (test(json!({ "contains": "öl" })), "Alpha Gamma"),
            (test(json!({ "contains": "ÖL" })), ""),
            (test(json!({ "contains": "%" })), ""),
            (test(json!({ "contains": "_" })), ""),
            (test(json!({ "contains": "" })), "Alpha Beta Gamma"),
            (test(json!({ "startsWith": "Kö" })), "Alpha"),
            (test(json!({ "startsWith": "k" })), "Gamma"),
            (test(json!({ "endsWith": "ln" })), "Alpha Gamma"),
            (test(json!({ "endsWith": "a very long ending than which every city is shorter" })), ""),
            (test(json!({ "lt": "Köln" })), "Beta"),
            (test(json!({ "gte": "Köln" })), "Alpha Gamma"),
            (test(json!({ "isNull": true })), "Delta"),
        ]).await;
    }

    async fn names_compare_without_case_and_accents_when_asked(world: World) {
        let admin = world.admin().await;
        create_all(&admin, "account", ["Straße", "STRASSE", "Müller", "muller", "SØN", "son", "Ünal"].map(|name| json!({ "name": name })).into()).await;
        let test = |test: Value| json!({ "name": test });
        check(&admin, "accounts", "Account", &[
            (test(json!({ "eq": "strasse", "ignoreCase": true })), "Straße STRASSE"),
            (test(json!({ "eq": "straße", "ignoreCase": true })), "Straße STRASSE"),
            (test(json!({ "eq": "STRASSE" })), "STRASSE"),
            (test(json!({ "eq": "strasse", "ignoreCase": false })), ""),
            (test(json!({ "ne": "MÜLLER", "ignoreCase": true })), "Straße STRASSE SØN son Ünal"),
            (test(json!({ "in": ["Muller", "SON"], "ignoreCase": true })), "Müller muller SØN son"),
            (test(json!({ "notIn": ["Muller", "SON"], "ignoreCase": true })), "Straße STRASSE Ünal"),
            (test(json!({ "contains": "ÜLL", "ignoreCase": true })), "Müller muller"),
            (test(json!({ "startsWith": "u", "ignoreCase": true })), "Ünal"),
            (test(json!({ "endsWith": "ØN", "ignoreCase": true })), "SØN son"),
            (test(json!({ "ignoreCase": true })), "Straße STRASSE Müller muller SØN son Ünal"),
        ]).await;
    }

    async fn domains_compare_as_they_are_stored_however_they_are_written(world: World) {
        let admin = world.admin().await;
        let ids = create_all(&admin, "account", vec![json!({ "name": "First", "domain": "bücher.example" }), json!({ "name": "Further" })]).await;
        create(&admin, "accountDomain", json!({ "accountId": ids[1], "domain": "käse.example" })).await;
        for test in [json!({ "eq": "BÜCHER.example" }), json!({ "in": ["Bu\u{308}cher.Example"] }), json!({ "eq": "xn--bcher-kva.example" })] {
            check(&admin, "accounts", "Account", &[(json!({ "domain": test }), "First")]).await;
        }
        for test in [json!({ "eq": "KÄSE.example" }), json!({ "in": ["Ka\u{308}se.Example"] }), json!({ "contains": "XN--KSE", "ignoreCase": true })] {
            check(&admin, "accounts", "Account", &[(json!({ "domains": { "some": { "domain": test } } }), "Further")]).await;
        }
    }

    async fn amounts_compare_within_their_currency(world: World) {
        let admin = world.admin().await;
        accounts(&admin).await;
        let test = |test: Value| json!({ "annualRevenue": test });
        check(&admin, "accounts", "Account", &[
            (test(json!({ "gt": "100", "currency": "EUR" })), "Beta"),
            (test(json!({ "gte": "100.00", "currency": "EUR" })), "Alpha Beta"),
            (test(json!({ "lt": "200.51", "gt": "100", "currency": "EUR" })), "Beta"),
            (test(json!({ "lte": "150", "currency": "USD" })), "Gamma"),
            (test(json!({ "eq": "200.5", "currency": "EUR" })), "Beta"),
            (test(json!({ "currency": "USD" })), "Gamma"),
            (test(json!({ "isNull": true })), "Delta"),
        ]).await;
        let refused = admin.query("{ accounts(filter: { annualRevenue: { gt: \"1\" } }) { totalCount } }").await;
        assert_eq!(refused.error_code(), Some("BAD_USER_INPUT"));
    }

    async fn enums_ids_times_dates_and_truths_compare(world: World) {
        let admin = world.admin().await;
        accounts(&admin).await;
        check(&admin, "accounts", "Account", &[
            (json!({ "tier": { "eq": "TIER_1" } }), "Alpha"),
            (json!({ "tier": { "ne": "TIER_1" } }), "Beta Gamma Delta"),
            (json!({ "tier": { "in": ["TIER_1", "TIER_2"] } }), "Alpha Beta"),
            (json!({ "tier": { "notIn": ["TIER_1"] } }), "Beta Gamma Delta"),
            (json!({ "tier": { "isNull": true } }), "Gamma Delta"),
            (json!({ "stage": { "eq": "UNAWARE" } }), "Beta Gamma Delta"),
            (json!({ "createdAt": { "eq": "2026-03-02T10:00:00+01:00" } }), "Alpha Beta Gamma Delta"),
            (json!({ "createdAt": { "gt": "2026-03-02T09:00:00.000Z" } }), ""),
            (json!({ "createdAt": { "lte": "2026-03-02T09:00:00.000Z" } }), "Alpha Beta Gamma Delta"),
            (json!({ "version": { "eq": 1 } }), "Alpha Beta Gamma Delta"),
        ]).await;
        let ids = admin.query("{ accounts { nodes { id } } }").await.expect_ok();
        let id = ids.data("accounts.nodes.1.id");
        check(&admin, "accounts", "Account", &[
            (json!({ "id": { "eq": id } }), "Beta"),
            (json!({ "id": { "ne": id } }), "Alpha Gamma Delta"),
            (json!({ "id": { "in": [id] } }), "Beta"),
            (json!({ "id": { "notIn": [id] } }), "Alpha Gamma Delta"),
        ]).await;
        let (_, [open, won, _]) = pipeline(&admin, "New").await;
        create_all(&admin, "deal", vec![
            json!({ "name": "early", "stageId": open, "closeDate": "2026-01-31" }),
            json!({ "name": "late", "stageId": open, "closeDate": "2026-02-01" }),
            json!({ "name": "never", "stageId": won }),
        ]).await;
        check(&admin, "deals", "Deal", &[
            (json!({ "closeDate": { "lt": "2026-02-01" } }), "early"),
            (json!({ "closeDate": { "gte": "2026-02-01" } }), "late"),
            (json!({ "closeDate": { "ne": "2026-02-01" } }), "early never"),
            (json!({ "closeDate": { "in": ["2026-01-31", "2026-02-01"] } }), "early late"),
            (json!({ "closedAt": { "isNull": false } }), "never"),
        ]).await;
        let role = admin.query("{ roles(filter: { builtIn: { ne: true } }) { totalCount } ones: roles(filter: { builtIn: { eq: true } }) { totalCount } }").await.expect_ok();
        assert_eq!((role.data("roles.totalCount"), role.data("ones.totalCount")), (&json!(0), &json!(10)));
    }

    async fn what_is_unknown_is_neither_true_nor_left_out_by_not(world: World) {
        let admin = world.admin().await;
        accounts(&admin).await;
        check(&admin, "accounts", "Account", &[
            (json!({ "not": { "employeeCount": { "gt": 15 } } }), "Alpha Delta"),
            (json!({ "not": { "not": { "employeeCount": { "gt": 15 } } } }), "Beta Gamma"),
            (json!({ "not": { "city": { "contains": "Bo" } } }), "Alpha Gamma Delta"),
            (json!({ "or": [{ "employeeCount": { "gt": 25 } }, { "city": { "isNull": true } }] }), "Gamma Delta"),
            (json!({ "and": [{ "employeeCount": { "gt": 5 } }, { "not": { "tier": { "eq": "TIER_1" } } }] }), "Beta Gamma"),
            (json!({ "or": [] }), ""),
            (json!({ "and": [] }), "Alpha Beta Gamma Delta"),
            (json!({ "not": {} }), "Alpha Beta Gamma Delta"),
            (json!({}), "Alpha Beta Gamma Delta"),
            (json!({ "not": { "or": [{ "employeeCount": { "lt": 15 } }, { "employeeCount": { "gt": 25 } }] } }), "Beta Delta"),
            (json!({ "name": { "startsWith": "A" }, "or": [{ "tier": { "eq": "TIER_1" } }, { "tier": { "eq": "TIER_2" } }] }), "Alpha"),
        ]).await;
    }

    async fn a_null_in_a_filter_is_a_mistake(world: World) {
        let admin = world.admin().await;
        for filter in [json!({ "name": null }), json!({ "name": { "eq": null } }), json!({ "and": null })] {
            let refused = admin.query_with("query ($filter: AccountFilter) { accounts(filter: $filter) { totalCount } }", json!({ "filter": filter })).await;
            assert_eq!(refused.error_code(), Some("BAD_USER_INPUT"), "{filter}");
        }
        let none = admin.query_with("query ($filter: AccountFilter) { accounts(filter: $filter) { totalCount } }", json!({ "filter": null })).await.expect_ok();
        assert_eq!(none.data("accounts.totalCount"), 0);
    }

    async fn search_finds_each_word_in_names_and_addresses(world: World) {
        let admin = world.admin().await;
        create_all(&admin, "account", vec![
            json!({ "name": "Müller Söhne", "domain": "mueller.example" }), json!({ "name": "Sohn & Co", "domain": "muller.example" }), json!({ "name": "Größe", "city": "Müllheim" }),
        ]).await;
        for (words, expected) in [("muller", "Müller Söhne Sohn & Co"), ("SÖHNE müller", "Müller Söhne"), ("co muller.ex", "Sohn & Co"), ("grosse", "Größe"), ("müll heim", ""), ("", "Müller Söhne Sohn & Co Größe"), ("  ", "Müller Söhne Sohn & Co Größe"), ("%", "")] {
            let answer = admin.query_with("query ($search: String) { accounts(search: $search) { totalCount nodes { name } } }", json!({ "search": words })).await.expect_ok();
            assert_eq!(names(&answer, "accounts", "name").join(" "), expected, "{words:?}");
        }
    }

    async fn archived_rows_count_only_when_asked_for(world: World) {
        let admin = world.admin().await;
        let account = create(&admin, "account", json!({ "name": "Acme" })).await;
        let ids = create_all(&admin, "lead", ["one", "two"].map(|name| json!({ "name": name, "accountId": account })).into()).await;
        archive(&admin, "lead", &ids[0]).await;
        let seen = admin.query("{ leads { totalCount nodes { name } } all: leads(includeArchived: true) { totalCount nodes { name } } accounts(filter: { leads: { some: { name: { eq: \"one\" } } } }) { totalCount } every: accounts(filter: { leads: { every: { name: { eq: \"two\" } } } }) { nodes { leads { totalCount } all: leads(includeArchived: true) { totalCount } } } }").await.expect_ok();
        assert_eq!(seen.body["data"], json!({
            "leads": { "totalCount": 1, "nodes": [{ "name": "two" }] },
            "all": { "totalCount": 2, "nodes": [{ "name": "one" }, { "name": "two" }] },
            "accounts": { "totalCount": 0 },
            "every": { "nodes": [{ "leads": { "totalCount": 1 }, "all": { "totalCount": 2 } }] },
        }));
    }
}
