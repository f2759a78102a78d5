//! Sums, means and bounds; groups by names, records and calendar periods.

use serde_json::{Value, json};

use crate::{
    shared::{archive, create, create_all, pipeline, user_id},
    support::{client::Client, world},
};

fn money(amount: &str, currency: &str) -> Value {
    json!({ "amount": amount, "currency": currency })
}

async fn figures(client: &Client, document: &str) -> Value {
    client.query(document).await.expect_ok().body["data"]
        .as_object()
        .and_then(|data| data.values().next().cloned())
        .expect("an answer")
}

async fn accounts(admin: &Client) -> Vec<String> {
    create_all(admin, "account", vec![
        json!({ "name": "A", "employeeCount": 10, "tier": "TIER_1", "industry": "Wheels", "annualRevenue": money("0.01", "EUR") }),
        json!({ "name": "B", "employeeCount": 21, "tier": "TIER_1", "industry": "wheels", "annualRevenue": money("0.02", "EUR") }),
        json!({ "name": "C", "employeeCount": 30, "tier": "TIER_2", "industry": "Wheels", "annualRevenue": money("100", "JPY") }),
        json!({ "name": "D", "tier": "TIER_2", "annualRevenue": money("1000", "EUR") }),
        json!({ "name": "E", "industry": "Ärzte" }),
    ]).await
}

/// Deals that close on these days and closed at these instants.
async fn closed(admin: &Client, at: &[&str]) {
    let (_, [_, won, _]) = pipeline(admin, "New").await;
    create_all(admin, "deal", at.iter().map(|at| json!({ "name": at, "stageId": won, "closedAt": at })).collect())
        .await;
}

on_both_engines! {
    async fn a_whole_list_has_one_row_of_figures(world: World) {
        let admin = world.admin().await;
        let document = "{ accountAggregate { count sum { employeeCount annualRevenue { amount currency } } avg { employeeCount annualRevenue { currency amount } } min { employeeCount annualRevenue { amount } createdAt } max { employeeCount annualRevenue { amount } fitScore } } }";
        let empty = json!([{
            "count": 0, "sum": { "employeeCount": null, "annualRevenue": [] }, "avg": { "employeeCount": null, "annualRevenue": [] },
            "min": { "employeeCount": null, "annualRevenue": [], "createdAt": null }, "max": { "employeeCount": null, "annualRevenue": [], "fitScore": null },
        }]);
        assert_eq!(figures(&admin, document).await, empty);
        accounts(&admin).await;
        assert_eq!(figures(&admin, document).await, json!([{
            "count": 5,
            "sum": { "employeeCount": "61", "annualRevenue": [money("1000.03", "EUR"), money("100", "JPY")] },
            "avg": { "employeeCount": 61.0 / 3.0, "annualRevenue": [{ "currency": "EUR", "amount": "333.34" }, { "currency": "JPY", "amount": "100" }] },
            "min": { "employeeCount": 10, "annualRevenue": [{ "amount": "0.01" }, { "amount": "100" }], "createdAt": "2026-03-02T09:00:00.000Z" },
            "max": { "employeeCount": 30, "annualRevenue": [{ "amount": "1000.00" }, { "amount": "100" }], "fitScore": null },
        }]));
    }

    async fn groups_come_in_order_and_the_empty_one_last(world: World) {
        let admin = world.admin().await;
        let ids = accounts(&admin).await;
        assert_eq!(figures(&admin, "{ accountAggregate(groupBy: { field: TIER }) { key { tier stage } count sum { annualRevenue { amount currency } } } }").await, json!([
            { "key": { "tier": "TIER_1", "stage": null }, "count": 2, "sum": { "annualRevenue": [money("0.03", "EUR")] } },
            { "key": { "tier": "TIER_2", "stage": null }, "count": 2, "sum": { "annualRevenue": [money("1000.00", "EUR"), money("100", "JPY")] } },
            { "key": { "tier": null, "stage": null }, "count": 1, "sum": { "annualRevenue": [] } },
        ]));
        assert_eq!(figures(&admin, "{ accountAggregate(groupBy: { field: INDUSTRY }) { key { industry } count } }").await, json!([
            { "key": { "industry": "Wheels" }, "count": 2 }, { "key": { "industry": "wheels" }, "count": 1 }, { "key": { "industry": "Ärzte" }, "count": 1 }, { "key": { "industry": null }, "count": 1 },
        ]));
        assert_eq!(figures(&admin, "{ accountAggregate(groupBy: [{ field: TIER }, { field: INDUSTRY }], filter: { tier: { isNull: false } }) { key { industry tier } count } }").await, json!([
            { "key": { "industry": "Wheels", "tier": "TIER_1" }, "count": 1 }, { "key": { "industry": "wheels", "tier": "TIER_1" }, "count": 1 },
            { "key": { "industry": "Wheels", "tier": "TIER_2" }, "count": 1 }, { "key": { "industry": null, "tier": "TIER_2" }, "count": 1 },
        ]));
        archive(&admin, "account", &ids[0]).await;
        assert_eq!(figures(&admin, "{ accountAggregate(filter: { employeeCount: { gte: 20 } }) { count } }").await, json!([{ "count": 2 }]));
        assert_eq!(figures(&admin, "{ accountAggregate(includeArchived: true, search: \"a\") { count } }").await, json!([{ "count": 1 }]));
        assert_eq!(figures(&admin, "{ accountAggregate(groupBy: { field: TIER }, filter: { name: { eq: \"nobody\" } }) { count } }").await, json!([]));
    }

    async fn groups_by_record_show_the_record(world: World) {
        let admin = world.admin().await;
        let (sam, otto) = (user_id(&admin, world::SELLER.email).await, user_id(&admin, world::OTHER_SELLER.email).await);
        let acme = create(&admin, "account", json!({ "name": "Acme", "ownerId": sam })).await;
        create_all(&admin, "account", vec![json!({ "name": "B", "ownerId": sam }), json!({ "name": "C", "ownerId": otto }), json!({ "name": "D" })]).await;
        create_all(&admin, "lead", vec![json!({ "name": "L", "accountId": acme, "score": 4 }), json!({ "name": "M", "accountId": acme, "score": 7 })]).await;
        assert_eq!(figures(&admin, "{ accountAggregate(groupBy: { field: OWNER }) { key { owner { name teams { nodes { name } } } } count } }").await, json!([
            { "key": { "owner": { "name": "Sam Seller", "teams": { "nodes": [{ "name": "North" }] } } }, "count": 2 },
            { "key": { "owner": { "name": "Otto Other", "teams": { "nodes": [{ "name": "South" }] } } }, "count": 1 },
            { "key": { "owner": null }, "count": 1 },
        ]));
        assert_eq!(figures(&admin, "{ leadAggregate(groupBy: { field: ACCOUNT }) { avg { score } key { account { name } } } }").await, json!([{ "avg": { "score": 5.5 }, "key": { "account": { "name": "Acme" } } }]));
    }

    async fn months_begin_at_local_midnight_through_summer_time_and_new_year(world: World) {
        let admin = world.admin().await;
        // Berlin is one hour ahead of UTC in winter and two in summer; the clocks change on 30 March and 26 October 2025.
        closed(&admin, &[
            "2024-12-31T22:59:59.999Z", "2024-12-31T23:00:00Z", "2025-01-31T22:59:59.999Z", "2025-03-31T21:59:59.999Z",
            "2025-03-31T22:00:00Z", "2025-10-31T22:59:59.999Z", "2025-10-31T23:00:00Z", "2025-12-31T23:00:00Z",
        ]).await;
        let by = async |bucket: &str, zone: &str| {
            let document = format!("{{ dealAggregate(groupBy: {{ field: CLOSED_AT, bucket: {bucket}, timeZone: \"{zone}\" }}) {{ key {{ closedAt }} count }} }}");
            let rows = figures(&admin, &document).await;
            let row = |row: &Value| format!("{} {}", row["key"]["closedAt"].as_str().expect("a time").trim_end_matches(":00.000Z"), row["count"]);
            rows.as_array().expect("a list").iter().map(row).collect::<Vec<_>>()
        };
        assert_eq!(by("MONTH", "Europe/Berlin").await, ["2024-11-30T23:00 1", "2024-12-31T23:00 2", "2025-02-28T23:00 1", "2025-03-31T22:00 1", "2025-09-30T22:00 1", "2025-10-31T23:00 1", "2025-12-31T23:00 1"]);
        assert_eq!(by("MONTH", "UTC").await, ["2024-12-01T00:00 2", "2025-01-01T00:00 1", "2025-03-01T00:00 2", "2025-10-01T00:00 2", "2025-12-01T00:00 1"]);
        assert_eq!(by("YEAR", "Europe/Berlin").await, ["2023-12-31T23:00 1", "2024-12-31T23:00 6", "2025-12-31T23:00 1"]);
        assert_eq!(by("QUARTER", "Europe/Berlin").await, ["2024-09-30T22:00 1", "2024-12-31T23:00 3", "2025-03-31T22:00 1", "2025-09-30T22:00 2", "2025-12-31T23:00 1"]);
        assert_eq!(by("DAY", "America/New_York").await, ["2024-12-31T05:00 2", "2025-01-31T05:00 1", "2025-03-31T04:00 2", "2025-10-31T04:00 2", "2025-12-31T05:00 1"]);
    }

    async fn weeks_begin_on_monday_and_days_of_change_are_shorter_and_longer(world: World) {
        let admin = world.admin().await;
        closed(&admin, &["2025-03-29T23:00:00Z", "2025-03-30T21:59:59Z", "2025-03-30T22:00:00Z", "2025-10-25T22:00:00Z", "2025-10-26T22:59:59Z", "2025-10-26T23:00:00Z"]).await;
        let document = |bucket: &str| format!("{{ dealAggregate(groupBy: {{ field: CLOSED_AT, bucket: {bucket}, timeZone: \"Europe/Berlin\" }}) {{ key {{ closedAt }} count }} }}");
        assert_eq!(figures(&admin, &document("DAY")).await, json!([
            { "key": { "closedAt": "2025-03-29T23:00:00.000Z" }, "count": 2 }, { "key": { "closedAt": "2025-03-30T22:00:00.000Z" }, "count": 1 },
            { "key": { "closedAt": "2025-10-25T22:00:00.000Z" }, "count": 2 }, { "key": { "closedAt": "2025-10-26T23:00:00.000Z" }, "count": 1 },
        ]));
        assert_eq!(figures(&admin, &document("WEEK")).await, json!([
            { "key": { "closedAt": "2025-03-23T23:00:00.000Z" }, "count": 2 }, { "key": { "closedAt": "2025-03-30T22:00:00.000Z" }, "count": 1 },
            { "key": { "closedAt": "2025-10-19T22:00:00.000Z" }, "count": 2 }, { "key": { "closedAt": "2025-10-26T23:00:00.000Z" }, "count": 1 },
        ]));
    }

    async fn days_fall_into_periods_and_deals_without_one_into_none(world: World) {
        let admin = world.admin().await;
        let (_, [open, ..]) = pipeline(&admin, "New").await;
        let deal = |date: Value, amount: &str| json!({ "name": "D", "stageId": open, "closeDate": date, "amount": money(amount, "EUR") });
        create_all(&admin, "deal", vec![deal(json!("2024-02-29"), "1"), deal(json!("2024-03-01"), "2"), deal(json!("2024-03-31"), "3"), deal(json!("2024-12-30"), "4"), deal(json!(null), "5")]).await;
        let document = |bucket: &str| format!("{{ dealAggregate(groupBy: {{ field: CLOSE_DATE, bucket: {bucket}, timeZone: \"Asia/Tokyo\" }}) {{ key {{ closeDate }} sum {{ amount {{ amount }} }} }} }}");
        let row = |date: Value, amount: &str| json!({ "key": { "closeDate": date }, "sum": { "amount": [{ "amount": amount }] } });
        assert_eq!(figures(&admin, &document("MONTH")).await, json!([row(json!("2024-02-01"), "1.00"), row(json!("2024-03-01"), "5.00"), row(json!("2024-12-01"), "4.00"), row(json!(null), "5.00")]));
        assert_eq!(figures(&admin, &document("WEEK")).await, json!([row(json!("2024-02-26"), "3.00"), row(json!("2024-03-25"), "3.00"), row(json!("2024-12-30"), "4.00"), row(json!(null), "5.00")]));
        assert_eq!(figures(&admin, &document("DAY")).await, json!([row(json!("2024-02-29"), "1.00"), row(json!("2024-03-01"), "2.00"), row(json!("2024-03-31"), "3.00"), row(json!("2024-12-30"), "4.00"), row(json!(null), "5.00")]));
    }

    async fn a_deal_far_from_the_others_is_a_group_of_its_own(world: World) {
        let admin = world.admin().await;
        let (_, [open, ..]) = pipeline(&admin, "New").await;
        create_all(&admin, "deal", ["2024-02-29", "2206-07-15", "0001-01-01", "9999-12-31"].map(|date| json!({ "name": "D", "stageId": open, "closeDate": date })).to_vec()).await;
        for (bucket, keys) in [("DAY", ["0001-01-01", "2024-02-29", "2206-07-15", "9999-12-31"]), ("MONTH", ["0001-01-01", "2024-02-01", "2206-07-01", "9999-12-01"]), ("YEAR", ["0001-01-01", "2024-01-01", "2206-01-01", "9999-01-01"])] {
            let rows = figures(&admin, &format!("{{ dealAggregate(groupBy: {{ field: CLOSE_DATE, bucket: {bucket} }}) {{ key {{ closeDate }} count }} }}")).await;
            assert_eq!(rows, Value::from(keys.map(|key| json!({ "key": { "closeDate": key }, "count": 1 })).to_vec()), "{bucket}");
        }
    }

    async fn a_day_that_a_zone_skipped_is_no_group(world: World) {
        let admin = world.admin().await;
        // Samoa went from the end of 29 December 2011 to the start of the 31st at 10:00 UTC.
        closed(&admin, &["2011-12-30T09:59:59Z", "2011-12-30T10:00:00Z", "2011-12-31T09:59:59Z", "1970-01-01T00:00:00Z"]).await;
        let rows = figures(&admin, "{ dealAggregate(groupBy: { field: CLOSED_AT, bucket: DAY, timeZone: \"Pacific/Apia\" }) { key { closedAt } count } }").await;
        assert_eq!(rows, json!([
            { "key": { "closedAt": "1969-12-31T11:00:00.000Z" }, "count": 1 }, { "key": { "closedAt": "2011-12-29T10:00:00.000Z" }, "count": 1 },
            { "key": { "closedAt": "2011-12-30T10:00:00.000Z" }, "count": 2 },
        ]));
    }

    async fn sums_beyond_64_bits_are_exact(world: World) {
        let admin = world.admin().await;
        let most = json!({ "name": "A", "annualRevenue": money("92233720368547758.07", "EUR") });
        create_all(&admin, "account", vec![most.clone(), most.clone(), most, json!({ "name": "B", "annualRevenue": money("0.01", "EUR") }), json!({ "name": "C", "annualRevenue": money("1.234", "KWD") })]).await;
        let rows = figures(&admin, "{ accountAggregate { sum { annualRevenue { amount currency } } avg { annualRevenue { amount } } min { annualRevenue { amount } } max { annualRevenue { amount } } } }").await;
        let both = |eur: &str| json!({ "annualRevenue": [{ "amount": eur }, { "amount": "1.234" }] });
        assert_eq!(rows, json!([{
            "sum": { "annualRevenue": [money("276701161105643274.22", "EUR"), money("1.234", "KWD")] },
            "avg": both("69175290276410818.56"), "min": both("0.01"), "max": both("92233720368547758.07"),
        }]));
    }

    async fn what_cannot_be_grouped_is_refused(world: World) {
        let admin = world.admin().await;
        closed(&admin, &["2020-01-01T00:00:00Z", "2026-01-01T00:00:00Z"]).await;
        for group in [
            "{ field: CLOSED_AT }", "{ field: STAGE, bucket: DAY }", "{ field: CLOSED_AT, bucket: DAY, timeZone: \"Mars/Base\" }",
            "[{ field: STAGE }, { field: STAGE }]", "[{ field: STAGE }, { field: KIND }, { field: OWNER }, { field: ACCOUNT }, { field: LEAD }]",
        ] {
            let refused = admin.query(&format!("{{ dealAggregate(groupBy: {group}) {{ count }} }}")).await;
            assert_eq!(refused.error_code(), Some("BAD_USER_INPUT"), "{group}");
        }
        assert_eq!(figures(&admin, "{ dealAggregate(groupBy: []) { count } }").await, json!([{ "count": 2 }]));
    }

    async fn a_thousand_groups_are_told_and_one_more_is_refused(world: World) {
        let admin = world.admin().await;
        create_all(&admin, "account", (0..1_000).map(|n| json!({ "name": "A", "city": format!("C{n}") })).collect()).await;
        let document = "{ accountAggregate(groupBy: { field: CITY }) { key { city } count } }";
        assert_eq!(figures(&admin, document).await.as_array().map(Vec::len), Some(1_000));
        create(&admin, "account", json!({ "name": "A", "city": "one more" })).await;
        assert_eq!(admin.query(document).await.error_code(), Some("BAD_USER_INPUT"));
    }
}
