//! What happened, found by record, type, field, person, key, action, request and time.

use reqwest::Method;
use sea_orm::{ConnectionTrait, Database, sqlx::Row as _};
use serde_json::{Value, json};
use tandem::{
    access::{Actor, Purpose},
    store::{
        filter::Filter,
        sql::{Engine as Dialect, Sql},
    },
};

use super::{change, count, events, history, literal};
use crate::{
    crew,
    shared::{archive, create, mutate, pipeline, update, user_id},
    support::{
        database::{self, Engine},
        world::{ADMIN, SELLER, World},
    },
};

on_both_engines! {
    async fn every_type_of_value_is_told_before_and_after_as_the_api_spells_it(world: World) {
        let admin = world.admin().await;
        let (ada, sam) = (user_id(&admin, ADMIN.email).await, user_id(&admin, SELLER.email).await);
        let (_, [open, won, _]) = pipeline(&admin, "New").await;
        let account = create(&admin, "account", json!({ "name": "Acme" })).await;
        let deal = json!({ "name": "Wheels", "stageId": open, "accountId": account, "closeDate": "2026-06-30", "amount": { "amount": "1", "currency": "JPY" } });
        let deal = create(&admin, "deal", deal).await;
        update(&admin, "deal", json!({ "id": deal, "stageId": won, "closeDate": "2026-07-01", "kind": "RENEWAL", "ownerId": sam,
            "amount": { "amount": "1234.5", "currency": "EUR" }, "closeReason": "Price, \"at last\"" })).await;
        let told = events(&admin, json!({ "subject": { "eq": deal } })).await;
        assert_eq!(told.len(), 2);
        let (born, moved) = (&told[0], &told[1]);
        assert_eq!((&born["action"], &born["subjectType"], &born["subjectId"]), (&json!("CREATED"), &json!("Deal"), &json!(deal)));
        assert_eq!(born["actor"], json!({ "id": ada, "name": "Ada Admin" }));
        assert_eq!(born["apiKey"], Value::Null);
        let null = Value::Null;
        let expected = [
            (born, "name", &null, &json!("Wheels")),
            (born, "account", &null, &json!(account)),
            (born, "amount", &null, &json!({ "amount": "1", "currency": "JPY" })),
            (moved, "amount", &json!({ "amount": "1", "currency": "JPY" }), &json!({ "amount": "1234.50", "currency": "EUR" })),
            (moved, "closeDate", &json!("2026-06-30"), &json!("2026-07-01")),
            (moved, "closedAt", &null, &json!("2026-03-02T09:00:00.000Z")),
            (moved, "kind", &json!("NEW"), &json!("RENEWAL")),
            (moved, "stage", &json!(open), &json!(won)),
            (moved, "owner", &null, &json!(sam)),
            (moved, "closeReason", &null, &json!("Price, \"at last\"")),
        ];
        for (event, field, before, after) in expected {
            assert_eq!(change(event, field), Some((before, after)), "{field} in {event:#}");
        }
        // In the order of the record's fields, on both engines.
        assert_eq!(moved["changedFields"], json!(["amount", "kind", "closeDate", "closedAt", "closeReason", "stage", "owner"]));
        let persona = create(&admin, "persona", json!({ "name": "CFO", "goals": ["less cost"] })).await;
        let team = crew::team(&admin, "West", &[&sam]).await;
        let told = events(&admin, json!({ "subject": { "eq": persona } })).await;
        assert_eq!(change(&told[0], "goals"), Some((&null, &json!(["less cost"]))));
        let places = events(&admin, json!({ "subjectType": { "eq": "TeamMembership" }, "actor": { "id": { "eq": ada } } })).await;
        let place = places.iter().find(|place| change(place, "team").is_some_and(|(_, after)| after == &json!(team))).expect("the place");
        assert_eq!(change(place, "leads"), Some((&null, &json!(false))));
        let score = create(&admin, "account", json!({ "name": "Scored", "fitScore": 7, "tier": "TIER_1" })).await;
        let told = events(&admin, json!({ "subject": { "eq": score } })).await;
        assert_eq!(change(&told[0], "fitScore"), Some((&null, &json!(7))));
    }

    async fn events_are_found_by_record_type_field_person_action_request_and_time(world: World) {
        let (admin, seller) = (world.admin().await, world.seller().await);
        let sam = user_id(&admin, SELLER.email).await;
        let acme = create(&admin, "account", json!({ "name": "Acme", "ownerId": sam })).await;
        let lead = create(&admin, "lead", json!({ "name": "Ann", "accountId": acme, "ownerId": sam })).await;
        let start = count(&admin, json!({})).await;
        world.clock.advance(std::time::Duration::from_mins(1));
        update(&seller, "account", json!({ "id": acme, "city": "Bonn" })).await;
        let body = json!({ "query": "mutation ($id: ID!) { leadUpdate(input: { id: $id, name: \"Anna\" }) { userErrors { code } } }", "variables": { "id": lead } });
        admin.send(admin.request(Method::POST, "/graphql").header("x-request-id", "audit-1").json(&body)).await.expect_ok();
        world.clock.advance(std::time::Duration::from_mins(1));
        archive(&admin, "lead", &lead).await;
        mutate(&admin, "lead", "Restore", json!({ "id": lead }), "").await.expect_ok();
        let forged = lead.replace("lead_", "acct_");
        let since = |at: &str| json!({ "occurredAt": { "gte": format!("2026-03-02T09:{at}:00Z") } });
        for (expected, filter) in [
            (start + 4, json!({})),
            (2, json!({ "subject": { "eq": acme } })),
            (6, json!({ "subject": { "in": [acme, lead] } })),
            (2, json!({ "subject": { "in": [acme, lead] }, "subjectType": { "eq": "Account" } })),
            (start + 2, json!({ "subject": { "ne": acme } })),
            (start - 2, json!({ "subject": { "notIn": [acme, lead] } })),
            (0, json!({ "subject": { "in": [] } })),
            (0, json!({ "subject": { "eq": forged } })),
            (6, json!({ "subjectType": { "in": ["Account", "Lead"] } })),
            (0, json!({ "subjectType": { "eq": "Deal" } })),
            (1, json!({ "field": { "eq": "city" } })),
            (2, json!({ "subject": { "eq": lead }, "field": { "eq": "name" } })),
            (2, json!({ "subject": { "in": [acme, lead] }, "field": { "eq": "owner" } })),
            (3, json!({ "subject": { "in": [acme, lead] }, "field": { "in": ["city", "name"] }, "occurredAt": { "lt": "2026-03-02T09:02:00Z" }, "not": { "requestId": { "eq": "audit-1" } } })),
            (3, json!({ "subject": { "in": [acme, lead] }, "not": { "field": { "in": ["name"] } } , "or": [{ "field": { "eq": "city" } }, { "action": { "in": ["ARCHIVED", "RESTORED", "CREATED"] } }] })),
            (1, json!({ "actor": { "email": { "eq": SELLER.email } }, "subjectType": { "eq": "Account" } })),
            (1, json!({ "requestId": { "eq": "audit-1" } })),
            (1, json!({ "action": { "eq": "ARCHIVED" } })),
            (4, since("01")),
            (2, since("02")),
            (0, since("03")),
            (0, json!({ "apiKeyId": { "isNull": false } })),
        ] {
            let told = count(&admin, filter.clone()).await;
            // Of the account and the lead, neither archiving nor restoring tells of a field.
            assert_eq!(told, expected, "{filter}");
        }
        let groups = admin.query("{ eventAggregate(filter: { subjectType: { in: [\"Account\", \"Lead\"] } }, groupBy: [{ field: SUBJECT_TYPE }, { field: ACTION }]) { count key { subjectType action } } }").await.expect_ok();
        let counts: i64 = groups.data("eventAggregate").as_array().unwrap().iter().map(|group| group["count"].as_i64().unwrap()).sum();
        assert_eq!((groups.data("eventAggregate").as_array().unwrap().len(), counts), (6, 6), "{groups}");
    }

    async fn events_are_found_by_the_key_that_did_it(world: World) {
        let admin = world.admin().await;
        let acme = create(&admin, "account", json!({ "name": "Acme" })).await;
        let key = entity::id::global(entity::Kind::ApiKey, sea_orm::prelude::Uuid::from_u128(0x0193_4b6e_0000_7000_8000_0000_0000_0001));
        let sql = format!("INSERT INTO api_key (id, name, name_fold, role_id, owner_id, prefix, expires_at, allowed_networks, version, created_at, updated_at)
            SELECT {}, 'Sync', 'sync', r.id, u.id, 'tdk_x', 9000000000000, '[]', 1, 0, 0 FROM role r, \"user\" u WHERE r.key = 'integration' AND u.email = '{}'", literal(&world, &key), ADMIN.email);
        crew::behind_the_back(&world, &sql).await;
        let sql = format!("UPDATE event SET api_key_id = {} WHERE subject_id = {}", literal(&world, &key), literal(&world, &acme));
        crew::behind_the_back(&world, &sql).await;
        for filter in [json!({ "apiKey": { "id": { "eq": key } } }), json!({ "apiKey": { "name": { "eq": "sync", "ignoreCase": true } } }), json!({ "apiKeyId": { "eq": key } }), json!({ "apiKeyId": { "isNull": false } })] {
            let told = events(&admin, filter).await;
            assert_eq!(told.len(), 1);
            assert_eq!((&told[0]["subjectId"], &told[0]["apiKey"]), (&json!(acme), &json!({ "id": key, "name": "Sync" })));
        }
        // Who may not see keys sees what was done, and not by which.
        let marketer = world.marketer().await;
        assert_eq!(count(&marketer, json!({ "apiKeyId": { "isNull": false } })).await, 0);
        assert_eq!(events(&marketer, json!({ "subject": { "eq": acme } })).await[0]["apiKey"], Value::Null);
    }

    async fn an_unknown_name_or_id_is_refused_and_the_known_ones_are_told(world: World) {
        let admin = world.admin().await;
        for (filter, told) in [
            (json!({ "subjectType": { "eq": "Invoice" } }), "Account, AccountDomain"),
            (json!({ "subjectType": { "eq": "Event" } }), "Account, AccountDomain"),
            (json!({ "field": { "in": ["name", "ownerId"] } }), "annualRevenue"),
            (json!({ "field": { "eq": "name\"; DROP TABLE event; --" } }), "annualRevenue"),
            (json!({ "subject": { "eq": "acct_1" } }), "global"),
            (json!({ "subject": null }), "is not allowed"),
            (json!({ "field": { "eq": null } }), "is not allowed"),
        ] {
            let answer = admin.query_with(super::AUDIT, json!({ "filter": filter })).await;
            assert_eq!(answer.error_code(), Some("BAD_USER_INPUT"), "{filter}: {answer}");
            assert!(answer.body["errors"][0]["message"].as_str().unwrap().contains(told), "{answer}");
        }
        let answer = admin.query_with(super::AUDIT, json!({ "filter": { "field": { "ne": "name" } } })).await;
        assert_eq!(answer.error_code(), Some("BAD_USER_INPUT"), "{answer}");
    }

    async fn a_password_that_was_set_is_told_without_being_told(world: World) {
        let admin = world.admin().await;
        let told = events(&admin, json!({ "field": { "eq": "password" } })).await;
        assert!(!told.is_empty());
        for event in told {
            assert_eq!(event["changes"], json!([{ "field": "password", "before": null, "after": null }]));
        }
    }

    async fn a_record_and_a_time_lead_to_their_events_by_an_index(world: World) {
        let admin = world.admin().await;
        let acme = create(&admin, "account", json!({ "name": "Acme" })).await;
        let other = create(&admin, "account", json!({ "name": "Other" })).await;
        history(&world, &other, 5_000).await;
        for (filter, order, index) in [
            (json!({ "subject": { "eq": acme }, "field": { "eq": "city" } }), "t.occurred_at, t.id", "subject"),
            (json!({ "subject": { "in": [acme] }, "subjectType": { "eq": "Account" } }), "t.id", "subject"),
            (json!({ "occurredAt": { "gte": "2026-03-02T09:00:00Z" }, "field": { "eq": "name" } }), "t.occurred_at, t.id", "occurred"),
        ] {
            let plan = plan(&world, &filter, order).await;
            let (indexed, whole) = match (world.engine, index) {
                (Engine::Sqlite, "subject") => ("event_subject", "SCAN t"),
                (Engine::Sqlite, _) => ("event_occurred", "SCAN t"),
                (Engine::Postgres, "subject") => ("event_2026_03_subject_id", "Seq Scan on event_2026_03"),
                (Engine::Postgres, _) => ("event_2026_03_pkey", "Seq Scan on event_2026_03"),
            };
            assert!(plan.contains(indexed) && !plan.contains(whole), "{filter}\n{plan}");
        }
    }
}

/// How the engine goes about the events that meet a filter.
#[expect(clippy::disallowed_methods, reason = "a connection that ends with the call")]
async fn plan(world: &World, filter: &Value, order: &str) -> String {
    let postgres = world.engine == Engine::Postgres;
    let mut sql = Sql::new(if postgres { Dialect::Postgres } else { Dialect::Sqlite });
    sql.push(if postgres { "EXPLAIN " } else { "EXPLAIN QUERY PLAN " }).push("SELECT t.id FROM event t WHERE ");
    let filter = Filter::read(entity::Kind::Event, filter).expect("a filter");
    let system = Actor::system(Purpose::CommandLine);
    filter.check(&system, entity::Kind::Event).expect("nothing is hidden").push(&mut sql, &system, "t");
    sql.push(" ORDER BY ").push(order).push(" LIMIT 26");
    let connection = Database::connect(database::plain(&world.database_url)).await.expect("the database answers");
    connection.execute_unprepared("ANALYZE event").await.expect("figures");
    let rows = connection.query_all_raw(sql.finish()).await.expect("a plan");
    connection.close().await.expect("the connection closes");
    let line = |row: &sea_orm::QueryResult| match (row.try_as_sqlite_row(), row.try_as_pg_row()) {
        (Some(row), _) => row.get::<String, _>("detail"),
        (_, Some(row)) => row.get::<String, _>(0),
        _ => String::new(),
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
