//! The trail as a file: the same as in lists, whole or visibly not, and noted itself.

use reqwest::Method;
use serde_json::{Value, json};
use tandem::{
    access::Actor,
    audit::{Export, Format},
    error::{Code, Error},
    people::admin,
};

use super::{AUDIT, count, events, fetch, filtered, history, refused};
use crate::{
    crew,
    shared::{create, pipeline, update, user_id},
    support::{
        client::Client,
        database::Engine,
        world::{ADMIN, EXECUTIVE, OTHER_SELLER, SERVICE, World},
    },
};

/// Some accounts and deals of several owners with something to hide.
async fn business(world: &World) -> Client {
    let admin = world.admin().await;
    let otto = user_id(&admin, OTHER_SELLER.email).await;
    let (_, [open, won, _]) = pipeline(&admin, "New").await;
    for n in 0..3 {
        world.clock.advance(std::time::Duration::from_millis(1_500));
        let account = create(
            &admin,
            "account",
            json!({ "name": format!("A{n}"), "ownerId": otto, "annualRevenue": { "amount": "9", "currency": "EUR" } }),
        )
        .await;
        let deal = json!({ "name": "=SUM(A1)", "stageId": open, "accountId": account, "amount": { "amount": "5", "currency": "EUR" } });
        let deal = create(&admin, "deal", deal).await;
        update(&admin, "deal", json!({ "id": deal, "stageId": won, "closeReason": "many,\n\"lines\"" })).await;
        update(&admin, "deal", json!({ "id": deal, "amount": { "amount": "7", "currency": "EUR" } })).await;
    }
    admin
}

/// All events that meet a filter, page by page over the API.
async fn listed(client: &Client, filter: &Value) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), Value::Null);
    loop {
        let answer =
            client.query_with(AUDIT, json!({ "filter": filter, "first": 7, "after": after })).await.expect_ok();
        all.extend(answer.data("audit.nodes").as_array().expect("a list").iter().cloned());
        if answer.data("audit.pageInfo.hasNextPage") == false {
            break;
        }
        after = answer.data("audit.pageInfo.endCursor").clone();
    }
    for event in &mut all {
        event.as_object_mut().expect("an event").shift_remove("changedFields");
    }
    all
}

fn lines(file: &str) -> Vec<Value> {
    file.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

/// Lets a built-in role export events, behind the back.
async fn let_export(world: &World, role: &str) {
    let put = if world.engine == Engine::Postgres {
        "grants || '[\"Event:EXPORT:ALL\"]'::jsonb"
    } else {
        "json_insert(grants, '$[#]', 'Event:EXPORT:ALL')"
    };
    crew::behind_the_back(
        world,
        &format!("UPDATE role SET grants = {put}, version = version + 1 WHERE key = '{role}'"),
    )
    .await;
}

on_both_engines! {
    async fn a_file_tells_what_the_list_tells(world: World) {
        let admin = business(&world).await;
        let_export(&world, "service").await;
        let readers = [admin, world.sign_in(&EXECUTIVE).await, world.sign_in(&SERVICE).await];
        for reader in &readers {
            for filter in [json!({}), json!({ "subjectType": { "in": ["Deal", "Account"] } }), json!({ "field": { "eq": "amount" } })] {
                let expected = listed(reader, &filter).await;
                let (status, jsonl) = fetch(reader, &filtered("audit.jsonl", &filter)).await;
                assert_eq!((status, lines(&jsonl)), (200, expected.clone()), "{filter}");
                let before = listed(reader, &filter).await;
                let (status, csv) = fetch(reader, &filtered("audit.csv", &filter)).await;
                assert_eq!((status, told_by(&csv)), (200, told_in(&before)), "{filter}");
            }
        }
        let (_, csv) = fetch(&readers[2], "/exports/audit.csv").await;
        assert!(!csv.contains(",amount,") && !csv.contains("annualRevenue"), "what is hidden is in no file");
        let (_, csv) = fetch(&readers[0], "/exports/audit.csv").await;
        assert!(csv.contains(",amount,") && csv.contains(",name,,'=SUM(A1)\n"), "{csv}");
    }

    async fn an_export_is_an_event_with_its_format_and_filter(world: World) {
        let admin = business(&world).await;
        let ada = user_id(&admin, ADMIN.email).await;
        let filter = json!({ "subjectType": { "eq": "Deal" } });
        let request = admin.request(Method::GET, &filtered("audit.csv", &filter)).header("x-request-id", "take-out");
        let response = request.send().await.expect("an answer");
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-disposition"), "attachment; filename=\"tandem-audit-2026-03-02.csv\"");
        assert_eq!(header("content-type"), "text/csv; charset=utf-8; header=present");
        assert_eq!((header("cache-control"), header("x-request-id")), ("private, no-store".to_owned(), "take-out".to_owned()));
        assert!(!response.text().await.expect("a whole file").contains("EXPORTED"), "an export does not tell of itself");
        fetch(&admin, "/exports/audit.jsonl").await;
        let told = events(&admin, json!({ "action": { "eq": "EXPORTED" } })).await;
        assert_eq!(told.len(), 2);
        assert_eq!((&told[0]["subjectId"], &told[0]["actor"]["id"], &told[0]["requestId"]), (&json!(ada), &json!(ada), &json!("take-out")));
        let change = |field: &str, after: Value| json!({ "field": field, "before": null, "after": after });
        assert_eq!(told[0]["changes"], json!([change("format", json!("csv")), change("filter", filter)]));
        assert_eq!(told[1]["changes"], json!([change("format", json!("jsonl")), change("filter", json!({}))]));
        // The words of a filter may be those of any record; who sees but some of them does not read it.
        let seen = events(&world.seller().await, json!({ "action": { "eq": "EXPORTED" } })).await;
        assert_eq!(seen[0]["changes"], json!([change("format", json!("csv")), change("filter", Value::Null)]));
    }

    async fn who_may_read_may_not_therefore_export(world: World) {
        let admin = business(&world).await;
        let get = async |client: &Client, path: &str| client.send(client.request(Method::GET, path)).await;
        for name in ["audit.csv", "audit.jsonl"] {
            let path = format!("/exports/{name}");
            refused(&get(&world.anonymous(), &path).await, 401, "UNAUTHENTICATED");
            refused(&get(&world.anonymous().with_token("of.nobody.known"), &path).await, 401, "UNAUTHENTICATED");
            for client in [world.seller().await, world.marketer().await, world.sign_in(&SERVICE).await] {
                let answer = get(&client, &path).await;
                refused(&answer, 403, "FORBIDDEN");
                assert_eq!(answer.error_reason(), Some("PERMISSION_MISSING"));
            }
            for method in [Method::HEAD, Method::POST, Method::DELETE, Method::PUT] {
                let answer = admin.send(admin.request(method.clone(), &path)).await;
                assert_eq!((answer.status.as_u16(), &answer.headers["allow"]), (405, &"GET".parse().unwrap()), "{method}");
            }
            for query in ["filter=%7B", "filter=%5B%5D", "order=asc", "filter=%7B%7D&filter=%7B%7D"] {
                refused(&get(&admin, &format!("{path}?{query}")).await, 400, "BAD_USER_INPUT");
            }
            for filter in [json!({ "colour": { "eq": "red" } }), json!({ "field": { "eq": "colour" } }), json!({ "subjectType": { "eq": "Invoice" } }), json!({ "action": "CREATED" })] {
                refused(&get(&admin, &filtered(name, &filter)).await, 400, "BAD_USER_INPUT");
            }
        }
        for path in ["/exports/accounts.csv", "/exports/audit", "/exports/audit.xml"] {
            refused(&get(&admin, path).await, 404, "NOT_FOUND");
        }
        let_export(&world, "service").await;
        let hidden = filtered("audit.csv", &json!({ "account": { "annualRevenue": { "gt": "1", "currency": "EUR" } } }));
        let answer = get(&world.sign_in(&SERVICE).await, &hidden).await;
        refused(&answer, 403, "FORBIDDEN");
        assert_eq!(answer.error_reason(), Some("FIELD_HIDDEN"));
        assert_eq!(count(&admin, json!({ "action": { "eq": "EXPORTED" } })).await, 0, "what is refused is no export");
    }

    async fn who_sees_as_somebody_else_exports_nothing(world: World) {
        let backend = crew::backend(&world).await;
        let actor = admin::actor_for(&backend, EXECUTIVE.email).await.expect("she is there");
        let ada = admin::actor_for(&backend, ADMIN.email).await.expect("she is there").user();
        let preview = Actor { previewed_by: ada, ..actor };
        let refused = Export::begin(&backend.store(preview, None), Format::Csv, None).await;
        let Err(Error::Refused(refusal)) = refused else { panic!("it was begun") };
        assert_eq!((refusal.code, refusal.reason.as_deref()), (Code::Forbidden, Some("PREVIEW_READ_ONLY")));
        backend.db().close().await.expect("the second connection closes");
    }

    async fn ten_thousand_events_cost_as_many_statements_a_page_as_a_few(world: World) {
        let admin = business(&world).await;
        let account = create(&admin, "account", json!({ "name": "Busy" })).await;
        let export = async |path: &str| {
            let mut events = 0;
            let mut least = u64::MAX;
            for _ in 0..2 {
                least = least.min(world.statements(async || events = fetch(&admin, path).await.1.lines().count()).await);
            }
            (events, least)
        };
        let path = filtered("audit.jsonl", &json!({ "subject": { "eq": account } }));
        let (few, base) = export(&path).await;
        assert_eq!(few, 1);
        history(&world, &account, 10_000).await;
        let (many, statements) = export(&path).await;
        assert_eq!(many, 10_001);
        // Pages of 500: the rows of a page in one statement, its actors in another where there are any.
        assert_eq!(statements - base, 20, "each page costs what the first did");
        let (status, csv) = fetch(&admin, &filtered("audit.csv", &json!({ "subject": { "eq": account }, "field": { "eq": "city" } }))).await;
        assert_eq!((status, csv.lines().count()), (200, 10_001));
        assert!(csv.lines().nth(1).unwrap().ends_with(",city,Bonn,'=Köln"), "{:?}", csv.lines().nth(1));
        let times: Vec<&str> = csv.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
        assert!(times.is_sorted() && times[0] == "2026-03-02T06:13:20.000Z");
    }
}

/// What a CSV file tells, without its head: event, field, before, after.
fn told_by(csv: &str) -> Vec<[String; 12]> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let rows = reader.records().map(|row| row.expect("a line").iter().map(str::to_owned).collect::<Vec<_>>());
    rows.map(|row| row.try_into().expect("twelve columns")).collect()
}

/// The same of a list.
fn told_in(events: &[Value]) -> Vec<[String; 12]> {
    let cell = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) if text.starts_with('=') => format!("'{text}"),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut rows = Vec::new();
    for event in events {
        let nothing = vec![json!({})];
        let changes = event["changes"].as_array().filter(|changes| !changes.is_empty()).unwrap_or(&nothing);
        for change in changes {
            let cells = [
                &event["occurredAt"],
                &event["id"],
                &event["action"],
                &event["subjectType"],
                &event["subjectId"],
                &event["actor"]["id"],
                &event["actor"]["name"],
                &event["apiKey"]["id"],
                &event["requestId"],
                &change["field"],
                &change["before"],
                &change["after"],
            ];
            rows.push(cells.map(cell));
        }
    }
    rows
}
