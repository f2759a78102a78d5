//! Pages and orders.

use std::cmp::Ordering;

use serde_json::{Value, json};
use tandem::store::fold;

use crate::{
    shared::{create, create_all},
    support::client::Client,
};

/// Names in whose order the engines' own collations would differ.
const NAMES: [&str; 12] =
    ["Zebra", "äther", "Ärger", "apfel", "Österreich", "ostern", "Straße", "STRASSE", "_low", "10", "9", "ø"];
const TIERS: [Option<&str>; 4] = [Some("TIER_3"), None, Some("TIER_1"), Some("TIER_2")];

/// 57 accounts with many equal and many empty values, in the order of their making.
async fn fifty_seven(admin: &Client) -> Vec<Value> {
    let account = |n: usize| {
        let mut account =
            json!({ "name": NAMES[n * 7 % 12], "employeeCount": null, "city": null, "tier": TIERS[n % 4] });
        if !n.is_multiple_of(3) {
            account["employeeCount"] = json!((n * 31) % 9);
        }
        if !n.is_multiple_of(5) {
            account["city"] = json!(["Köln", "Koblenz", "köln", "Zürich"][n % 4]);
        }
        account
    };
    let mut accounts: Vec<Value> = (0..57).map(account).collect();
    let ids = create_all(admin, "account", accounts.clone()).await;
    for (account, id) in accounts.iter_mut().zip(ids) {
        account["id"] = json!(id);
    }
    accounts
}

/// One key of an order: the enum value, the field, descending, empty values first.
type Key = (&'static str, &'static str, bool, bool);

fn sorted(accounts: &[Value], keys: &[Key]) -> Vec<String> {
    let compare = |a: &Value, b: &Value, (_, field, descending, nulls_first): &Key| match (&a[*field], &b[*field]) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => {
            if *nulls_first {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
        (_, Value::Null) => {
            if *nulls_first {
                Ordering::Greater
            } else {
                Ordering::Less
            }
        }
        (a, b) => {
            let ordering = match (a, b) {
                (Value::Number(a), Value::Number(b)) => a.as_i64().cmp(&b.as_i64()),
                (Value::String(a), Value::String(b)) if *field == "name" => fold(a).cmp(&fold(b)),
                (a, b) => a.as_str().cmp(&b.as_str()),
            };
            if *descending { ordering.reverse() } else { ordering }
        }
    };
    let mut sorted = accounts.to_vec();
    sorted.sort_by(|a, b| {
        let by_keys = keys.iter().map(|key| compare(a, b, key)).find(|ordering| ordering.is_ne());
        by_keys.unwrap_or_else(|| {
            // The id goes the way of the last key.
            let by_id = a["id"].as_str().cmp(&b["id"].as_str());
            if keys.last().is_some_and(|key| key.2) { by_id.reverse() } else { by_id }
        })
    });
    sorted.iter().map(|account| account["id"].as_str().expect("an id").to_owned()).collect()
}

fn order_by(keys: &[Key]) -> Value {
    let key = |(name, _, descending, first): &Key| json!({ "field": name, "direction": if *descending { "DESC" } else { "ASC" }, "nulls": if *first { "FIRST" } else { "LAST" } });
    keys.iter().map(key).collect()
}

const PAGE: &str = "query ($first: Int, $last: Int, $after: String, $before: String, $orderBy: [AccountOrder!]) {
    accounts(first: $first, last: $last, after: $after, before: $before, orderBy: $orderBy) {
        totalCount edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
}";

/// All ids, page by page, forwards or backwards, checking each page's claims.
async fn walked(admin: &Client, order: &Value, size: usize, backwards: bool) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let variables = if backwards {
            json!({ "last": size, "before": cursor, "orderBy": order })
        } else {
            json!({ "first": size, "after": cursor, "orderBy": order })
        };
        let answer = admin.query_with(PAGE, variables).await.expect_ok();
        let page = answer.data("accounts");
        let edges = page["edges"].as_array().expect("a list");
        let info = &page["pageInfo"];
        assert_eq!(page["totalCount"], 57);
        assert_eq!(info["startCursor"], edges[0]["cursor"]);
        assert_eq!(info["endCursor"], edges[edges.len() - 1]["cursor"]);
        assert_eq!(info[if backwards { "hasNextPage" } else { "hasPreviousPage" }], !cursor.is_null());
        let page_ids = edges.iter().map(|edge| edge["node"]["id"].as_str().expect("an id").to_owned());
        if backwards {
            ids.splice(0..0, page_ids)
        } else {
            ids.splice(ids.len().., page_ids)
        };
        let more = &info[if backwards { "hasPreviousPage" } else { "hasNextPage" }];
        assert_eq!(*more, ids.len() < 57, "after {} rows of {order}", ids.len());
        if *more == false {
            return ids;
        }
        assert_eq!(edges.len(), size);
        cursor = info[if backwards { "startCursor" } else { "endCursor" }].clone();
    }
}

on_both_engines! {
    async fn every_order_gives_each_row_once_forwards_and_backwards(world: World) {
        let admin = world.admin().await;
        let accounts = fifty_seven(&admin).await;
        let mut orders: Vec<Vec<Key>> = vec![vec![]];
        for (name, field) in [("NAME", "name"), ("EMPLOYEE_COUNT", "employeeCount"), ("CITY", "city"), ("ID", "id")] {
            for descending in [false, true] {
                for nulls_first in [false, true] {
                    orders.push(vec![(name, field, descending, nulls_first)]);
                }
            }
        }
        orders.push(vec![("CITY", "city", true, true), ("EMPLOYEE_COUNT", "employeeCount", false, false), ("NAME", "name", true, false)]);
        orders.push(vec![("TIER", "tier", false, true), ("NAME", "name", true, false)]);
        orders.push(vec![("NAME", "name", false, false), ("EMPLOYEE_COUNT", "employeeCount", true, false), ("TIER", "tier", true, true), ("CITY", "city", false, true)]);
        for keys in orders {
            let order = order_by(&keys);
            let expected = sorted(&accounts, &keys);
            for (size, backwards) in [(10, false), (10, true), (56, false), (57, true)] {
                assert_eq!(walked(&admin, &order, size, backwards).await, expected, "{order} by {size}, backwards: {backwards}");
            }
        }
    }

    async fn a_cursor_keeps_its_place_while_rows_come_and_go(world: World) {
        let admin = world.admin().await;
        let ids = create_all(&admin, "account", ["B", "D", "F", "H"].map(|name| json!({ "name": name })).into()).await;
        let order = json!([{ "field": "NAME" }]);
        let page = admin.query_with(PAGE, json!({ "first": 2, "orderBy": order })).await.expect_ok();
        let cursor = page.data("accounts.pageInfo.endCursor").clone();
        create_all(&admin, "account", ["A", "C", "E", "Z"].map(|name| json!({ "name": name })).into()).await;
        crate::shared::archive(&admin, "account", &ids[1]).await;
        let next = admin.query_with("query ($after: String) { accounts(after: $after, orderBy: { field: NAME }) { nodes { name } } }", json!({ "after": cursor })).await.expect_ok();
        assert_eq!(crate::shared::names(&next, "accounts", "name"), ["E", "F", "H", "Z"]);
    }

    async fn both_cursors_together_cut_a_window(world: World) {
        let admin = world.admin().await;
        create_all(&admin, "account", ["A", "B", "C", "D", "E"].map(|name| json!({ "name": name })).into()).await;
        let all = admin.query_with(PAGE, json!({})).await.expect_ok();
        let cursor = |n: usize| all.data(&format!("accounts.edges.{n}.cursor")).clone();
        let window = "query ($after: String, $before: String, $first: Int, $last: Int) { accounts(after: $after, before: $before, first: $first, last: $last) { nodes { name } } }";
        for (sizes, expected) in [(json!({}), vec!["B", "C", "D"]), (json!({ "first": 2 }), vec!["B", "C"]), (json!({ "last": 2 }), vec!["C", "D"]), (json!({ "first": 0 }), vec![])] {
            let mut variables = sizes;
            variables["after"] = cursor(0);
            variables["before"] = cursor(4);
            let answer = admin.query_with(window, variables).await.expect_ok();
            assert_eq!(crate::shared::names(&answer, "accounts", "name"), expected);
        }
    }

    async fn a_cursor_of_another_list_or_order_is_refused(world: World) {
        let admin = world.admin().await;
        create(&admin, "account", json!({ "name": "A" })).await;
        create(&admin, "contact", json!({ "name": "A" })).await;
        let seen = admin.query("{ accounts { pageInfo { endCursor } } sorted: accounts(orderBy: { field: NAME }) { pageInfo { endCursor } } down: accounts(orderBy: { field: NAME, direction: DESC }) { pageInfo { endCursor } } contacts { pageInfo { endCursor } } }").await.expect_ok();
        let cursors = ["sorted", "down", "contacts"].map(|list| seen.data(&format!("{list}.pageInfo.endCursor")).as_str().expect("a cursor").to_owned());
        let bad = ["", "nonsense", "W10", "eyJhIjoxfQ"].map(str::to_owned);
        for cursor in cursors.iter().chain(&bad) {
            let refused = admin.query_with("query ($after: String) { accounts(after: $after) { nodes { id } } }", json!({ "after": cursor })).await;
            assert_eq!(refused.error_code(), Some("INVALID_CURSOR"), "{cursor}");
        }
    }

    async fn a_page_beyond_the_limits_is_refused_and_never_cut(world: World) {
        let admin = world.admin().await;
        for (page, good) in [
            ("first: 200", true), ("first: 201", false), ("last: 200", true), ("last: 201", false), ("first: -1", false), ("last: -1", false),
            ("first: 0", true), ("first: 1, last: 1", false), ("first: null, last: null", true), ("orderBy: []", true),
            ("orderBy: [{ field: NAME }, { field: NAME }]", false),
            ("orderBy: [{ field: NAME }, { field: CITY }, { field: TIER }, { field: STAGE }, { field: ID }, { field: DOMAIN }]", false),
        ] {
            let answer = admin.query(&format!("{{ accounts({page}) {{ nodes {{ id }} }} }}")).await;
            assert_eq!(answer.body.get("errors").is_none(), good, "{page}: {answer}");
        }
        for (page, good) in [("first: 50", true), ("first: 51", false), ("last: 51", false), ("first: -1", false)] {
            let answer = admin.query(&format!("{{ accounts {{ nodes {{ leads({page}) {{ nodes {{ id }} }} }} }} }}")).await;
            assert_eq!(answer.body.get("errors").is_none(), good, "{page}: {answer}");
        }
    }

    async fn nested_lists_are_paged_for_each_parent_by_itself(world: World) {
        let admin = world.admin().await;
        let accounts = create_all(&admin, "account", ["A", "B", "C"].map(|name| json!({ "name": name })).into()).await;
        let mut leads = Vec::new();
        for n in 0..7 {
            leads.push(json!({ "name": format!("A{n}"), "accountId": accounts[0], "score": n % 3 }));
            if n < 2 {
                leads.push(json!({ "name": format!("B{n}"), "accountId": accounts[1] }));
            }
        }
        create_all(&admin, "lead", leads).await;
        let document = "query ($after: String) { accounts { nodes { name leads(first: 3, after: $after, orderBy: { field: SCORE, direction: DESC }) { totalCount nodes { name } pageInfo { hasNextPage hasPreviousPage endCursor } } } } }";
        let first = admin.query_with(document, json!({})).await.expect_ok();
        let leads = |answer: &crate::support::client::Answer, n: usize| {
            let leads = answer.data(&format!("accounts.nodes.{n}.leads"));
            let names: Vec<String> = leads["nodes"].as_array().expect("a list").iter().map(|lead| lead["name"].as_str().expect("a name").to_owned()).collect();
            (names.join(" "), leads["totalCount"].as_i64(), leads["pageInfo"]["hasNextPage"].as_bool(), leads["pageInfo"]["hasPreviousPage"].as_bool())
        };
        assert_eq!(leads(&first, 0), ("A5 A2 A4".into(), Some(7), Some(true), Some(false)));
        assert_eq!(leads(&first, 1), ("B1 B0".into(), Some(2), Some(false), Some(false)));
        assert_eq!(leads(&first, 2), (String::new(), Some(0), Some(false), Some(false)));
        let after = first.data("accounts.nodes.0.leads.pageInfo.endCursor");
        let second = admin.query_with(document, json!({ "after": after })).await.expect_ok();
        assert_eq!(leads(&second, 0), ("A1 A6 A3".into(), Some(7), Some(true), Some(true)));
        let last = admin.query("{ accounts { nodes { leads(last: 2) { nodes { name } pageInfo { hasPreviousPage } } } } }").await.expect_ok();
        assert_eq!(last.data("accounts.nodes.0.leads"), &json!({ "nodes": [{ "name": "A5" }, { "name": "A6" }], "pageInfo": { "hasPreviousPage": true } }));
    }
}
