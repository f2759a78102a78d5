//! Lists of target accounts: static ones have members, dynamic ones follow their filter.

use serde_json::{Value, json};

use crate::{
    shared::{archive, create, create_all, mutate, update},
    support::client::Client,
};

/// The names on each list.
async fn on_lists(client: &Client) -> Vec<(String, String, i64)> {
    let document = "{ targetAccountLists(orderBy: { field: NAME }) { nodes { name accounts(orderBy: { field: NAME }) { totalCount nodes { name } } } } }";
    let answer = client.query(document).await.expect_ok();
    let one = |list: &Value| {
        let names: Vec<&str> = list["accounts"]["nodes"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|account| account["name"].as_str())
            .collect();
        (
            list["name"].as_str().expect("a name").to_owned(),
            names.join(" "),
            list["accounts"]["totalCount"].as_i64().expect("a count"),
        )
    };
    answer.data("targetAccountLists.nodes").as_array().expect("a list").iter().map(one).collect()
}

fn list(name: &str, names: &str) -> (String, String, i64) {
    (name.to_owned(), names.to_owned(), i64::try_from(names.split_whitespace().count()).expect("few"))
}

on_both_engines! {
    async fn static_lists_have_their_members_and_dynamic_ones_what_their_filter_finds(world: World) {
        let admin = world.admin().await;
        let ids = create_all(&admin, "account", vec![json!({ "name": "Acme", "tier": "TIER_1" }), json!({ "name": "Globex", "tier": "TIER_2" }), json!({ "name": "Initech", "tier": "TIER_1", "city": "Köln" })]).await;
        let fixed = create(&admin, "targetAccountList", json!({ "name": "A fixed", "kind": "STATIC" })).await;
        create(&admin, "targetAccountList", json!({ "name": "B first", "kind": "DYNAMIC", "filter": { "tier": { "eq": "TIER_1" } } })).await;
        create(&admin, "targetAccountList", json!({ "name": "C all", "kind": "DYNAMIC", "filter": {} })).await;
        create(&admin, "targetAccountList", json!({ "name": "D empty", "kind": "STATIC" })).await;
        let member = create(&admin, "targetAccountListMember", json!({ "listId": fixed, "accountId": ids[1], "reason": "asked" })).await;
        create(&admin, "targetAccountListMember", json!({ "listId": fixed, "accountId": ids[2] })).await;
        assert_eq!(on_lists(&admin).await, [list("A fixed", "Globex Initech"), list("B first", "Acme Initech"), list("C all", "Acme Globex Initech"), list("D empty", "")]);
        // Evaluated when it is read, never before.
        update(&admin, "account", json!({ "id": ids[1], "tier": "TIER_1" })).await;
        archive(&admin, "account", &ids[0]).await;
        archive(&admin, "targetAccountListMember", &member).await;
        create(&admin, "account", json!({ "name": "Hooli", "tier": "TIER_1" })).await;
        assert_eq!(on_lists(&admin).await, [list("A fixed", "Initech"), list("B first", "Globex Hooli Initech"), list("C all", "Globex Hooli Initech"), list("D empty", "")]);
        let lists = admin.query("{ accounts(filter: { name: { eq: \"Initech\" } }) { nodes { lists { nodes { name } } } } }").await.expect_ok();
        assert_eq!(lists.data("accounts.nodes.0.lists.nodes"), &json!([{ "name": "A fixed" }]));
    }

    async fn the_accounts_of_a_list_are_paged_ordered_and_filtered_like_any(world: World) {
        let admin = world.admin().await;
        let ids = create_all(&admin, "account", (0..7).map(|n| json!({ "name": format!("A{n}"), "employeeCount": n % 3 })).collect()).await;
        let fixed = create(&admin, "targetAccountList", json!({ "name": "A fixed", "kind": "STATIC" })).await;
        create_all(&admin, "targetAccountListMember", ids.iter().skip(1).map(|id| json!({ "listId": fixed, "accountId": id })).collect()).await;
        create(&admin, "targetAccountList", json!({ "name": "B dynamic", "kind": "DYNAMIC", "filter": { "name": { "ne": "A0" } } })).await;
        let document = "query ($after: String, $before: String, $first: Int, $last: Int) { targetAccountLists(orderBy: { field: NAME }) { nodes {
            accounts(first: $first, after: $after, last: $last, before: $before, filter: { employeeCount: { lte: 1 } }, orderBy: { field: EMPLOYEE_COUNT, direction: DESC }) {
                totalCount nodes { name } pageInfo { hasNextPage hasPreviousPage endCursor startCursor } } } } }";
        let page = async |variables: Value| {
            let answer = admin.query_with(document, variables).await.expect_ok();
            let lists = answer.data("targetAccountLists.nodes").as_array().expect("a list").clone();
            assert_eq!(lists[0], lists[1], "both lists have the same accounts");
            let page = lists[0]["accounts"].clone();
            assert_eq!(page["totalCount"], 4);
            let names: Vec<String> = page["nodes"].as_array().expect("a list").iter().filter_map(|node| node["name"].as_str().map(str::to_owned)).collect();
            (names.join(" "), page["pageInfo"].clone())
        };
        let (names, info) = page(json!({ "first": 3 })).await;
        assert_eq!((names.as_str(), &info["hasNextPage"], &info["hasPreviousPage"]), ("A4 A1 A6", &json!(true), &json!(false)));
        let (names, info) = page(json!({ "first": 3, "after": info["endCursor"] })).await;
        assert_eq!((names.as_str(), &info["hasNextPage"], &info["hasPreviousPage"]), ("A3", &json!(false), &json!(true)));
        let (names, info) = page(json!({ "last": 2, "before": info["startCursor"] })).await;
        assert_eq!((names.as_str(), &info["hasNextPage"], &info["hasPreviousPage"]), ("A1 A6", &json!(true), &json!(true)));
    }

    async fn a_filter_reaches_through_relations_and_follows_the_clients_words(world: World) {
        let admin = world.admin().await;
        let acme = create(&admin, "account", json!({ "name": "Acme" })).await;
        create(&admin, "account", json!({ "name": "Globex" })).await;
        create(&admin, "lead", json!({ "name": "hot", "score": 90, "accountId": acme })).await;
        let filter = json!({ "or": [{ "leads": { "some": { "score": { "gte": 50 } } } }, { "name": { "eq": "HOOLI", "ignoreCase": true } }] });
        let made = mutate(&admin, "targetAccountList", "Create", json!({ "name": "Hot", "kind": "DYNAMIC", "filter": filter }), "filter").await.expect_ok();
        assert_eq!(made.data("targetAccountListCreate.targetAccountList.filter"), &filter);
        assert_eq!(on_lists(&admin).await, [list("Hot", "Acme")]);
        let id = made.data("targetAccountListCreate.targetAccountList.id");
        update(&admin, "targetAccountList", json!({ "id": id, "filter": { "name": { "eq": "Globex" } } })).await;
        assert_eq!(on_lists(&admin).await, [list("Hot", "Globex")]);
    }

    async fn a_bad_filter_is_refused_when_the_list_is_made(world: World) {
        let admin = world.admin().await;
        for filter in [
            json!({ "nonsense": {} }), json!({ "name": { "like": "x" } }), json!({ "name": "x" }), json!([]), json!("x"), json!(7),
            json!({ "employeeCount": { "eq": "many" } }), json!({ "tier": { "eq": "TIER_9" } }), json!({ "leads": { "any": {} } }),
            json!({ "leads": { "some": { "nonsense": {} } } }), json!({ "name": null }), json!({ "id": { "eq": "lead_00000000000000000000000000" } }),
        ] {
            let refused = mutate(&admin, "targetAccountList", "Create", json!({ "name": "Bad", "kind": "DYNAMIC", "filter": filter }), "").await;
            assert_eq!(refused.user_errors("targetAccountListCreate"), ["INVALID filter"], "{filter}");
        }
        let none = mutate(&admin, "targetAccountList", "Create", json!({ "name": "Bad", "kind": "DYNAMIC" }), "").await;
        assert_eq!(none.user_errors("targetAccountListCreate"), ["REQUIRED filter"]);
        let fixed = mutate(&admin, "targetAccountList", "Create", json!({ "name": "Bad", "kind": "STATIC", "filter": {} }), "").await;
        assert_eq!(fixed.user_errors("targetAccountListCreate"), ["INVALID filter"]);
        let list = create(&admin, "targetAccountList", json!({ "name": "Good", "kind": "DYNAMIC", "filter": {} })).await;
        let cleared = mutate(&admin, "targetAccountList", "Update", json!({ "id": list, "filter": null }), "").await;
        assert_eq!(cleared.user_errors("targetAccountListUpdate"), ["REQUIRED filter"]);
    }

    async fn an_account_is_on_a_list_from_its_first_day_to_its_last(world: World) {
        let admin = world.admin().await;
        let fixed = create(&admin, "targetAccountList", json!({ "name": "Fixed", "kind": "STATIC" })).await;
        let times = [
            ("Always", Value::Null, Value::Null), ("Ended", Value::Null, json!("2026-03-01")), ("Ends today", Value::Null, json!("2026-03-02")),
            ("Begins today", json!("2026-03-02"), Value::Null), ("Begins tomorrow", json!("2026-03-03"), Value::Null),
        ];
        for (name, since, until) in times {
            let account = create(&admin, "account", json!({ "name": name.replace(' ', "-") })).await;
            create(&admin, "targetAccountListMember", json!({ "listId": fixed, "accountId": account, "since": since, "until": until })).await;
        }
        let holds = async |on: &str, off: &str| {
            assert_eq!(on_lists(&admin).await, [list("Fixed", on)]);
            for (test, names) in [("some", on), ("none", off)] {
                let document = format!("{{ accounts(orderBy: {{ field: NAME }}, filter: {{ lists: {{ {test}: {{ name: {{ eq: \"Fixed\" }} }} }} }}) {{ totalCount nodes {{ name lists {{ totalCount nodes {{ name }} }} }} }} }}");
                let answer = admin.query(&document).await.expect_ok();
                let found = crate::shared::names(&answer, "accounts", "name").join(" ");
                assert_eq!(found, names, "{test}");
                let nodes = answer.data("accounts.nodes").as_array().expect("a list");
                assert!(nodes.iter().all(|node| node["lists"]["totalCount"] == i32::from(test == "some")), "{test}");
            }
        };
        holds("Always Begins-today Ends-today", "Begins-tomorrow Ended").await;
        world.clock.advance(std::time::Duration::from_hours(16));
        let admin = world.admin().await;
        assert_eq!(on_lists(&admin).await, [list("Fixed", "Always Begins-today Begins-tomorrow")]);
    }

    async fn a_dynamic_list_takes_no_members(world: World) {
        let admin = world.admin().await;
        let account = create(&admin, "account", json!({ "name": "Acme" })).await;
        let list = create(&admin, "targetAccountList", json!({ "name": "All", "kind": "DYNAMIC", "filter": {} })).await;
        let refused = mutate(&admin, "targetAccountListMember", "Create", json!({ "listId": list, "accountId": account }), "").await;
        assert_eq!(refused.user_errors("targetAccountListMemberCreate"), ["INVALID listId"]);
        assert_eq!(refused.data("targetAccountListMemberCreate.userErrors.0.reason"), "LIST_IS_DYNAMIC");
    }
}
