//! The audit trail: what happened, to whom it is told, and as a file.

mod export;
mod masking;
mod sealed;
mod trail;

use serde_json::{Value, json};

use crate::support::{
    client::{Answer, Client},
    database::Engine,
    world::{MORNING, World},
};

/// Asks for events with what an auditor wants to know of them.
const AUDIT: &str = "query ($filter: EventFilter, $first: Int, $after: String) {
    audit(filter: $filter, first: $first, after: $after, orderBy: { field: OCCURRED_AT }) {
        totalCount pageInfo { endCursor hasNextPage }
        nodes { occurredAt id action subjectType subjectId changedFields changes { field before after }
            actor { id name } apiKey { id name } requestId } } }";

/// The events that meet a filter.
async fn events(client: &Client, filter: Value) -> Vec<Value> {
    let answer = client.query_with(AUDIT, json!({ "filter": filter, "first": 200 })).await.expect_ok();
    answer.data("audit.nodes").as_array().expect("a list").clone()
}

/// How many events meet a filter.
async fn count(client: &Client, filter: Value) -> i64 {
    let answer = client.query_with(AUDIT, json!({ "filter": filter, "first": 0 })).await.expect_ok();
    answer.data("audit.totalCount").as_i64().expect("a number")
}

/// What an event tells of a field: its values before and after.
fn change<'a>(event: &'a Value, field: &str) -> Option<(&'a Value, &'a Value)> {
    let changes = event["changes"].as_array().expect("a list");
    let change = changes.iter().find(|change| change["field"] == field)?;
    Some((&change["before"], &change["after"]))
}

/// A file of the audit trail, whole.
async fn fetch(client: &Client, path: &str) -> (u16, String) {
    let request = client.request(reqwest::Method::GET, path).timeout(std::time::Duration::from_mins(2));
    let response = request.send().await.expect("the server answers");
    (response.status().as_u16(), response.text().await.expect("the file is whole"))
}

/// The path of a file with a filter.
fn filtered(name: &str, filter: &Value) -> String {
    let mut url = reqwest::Url::parse("http://x").expect("an address");
    url.set_path(&format!("/exports/{name}"));
    url.query_pairs_mut().append_pair("filter", &filter.to_string());
    format!("{}?{}", url.path(), url.query().unwrap_or_default())
}

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status.as_u16(), answer.error_code()), (status, Some(code)), "{answer}");
    assert!(answer.headers.contains_key("x-request-id") && answer.body["errors"][0]["message"].is_string(), "{answer}");
}

/// An id as this engine's SQL writes it.
fn literal(world: &World, id: &str) -> String {
    let (_, id) = entity::id::parse(id).expect("a global id");
    if world.engine == Engine::Postgres { format!("'{id}'::uuid") } else { format!("x'{}'", id.simple()) }
}

/// Writes many events about an account behind the server's back, one each second before the test began.
async fn history(world: &World, account: &str, events: u32) {
    let account = literal(world, account);
    let end = MORNING.0;
    let (series, id, changes) = if world.engine == Engine::Postgres {
        (format!("generate_series(1, {events}) AS n(n)"), "gen_random_uuid()", "::jsonb")
    } else {
        let series =
            "(WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {events}) SELECT n FROM n) n";
        (series.replace("{events}", &events.to_string()), "randomblob(16)", "")
    };
    let sql = format!(
        "INSERT INTO event (id, occurred_at, action, subject_kind, subject_id, account_id, changes)
         SELECT {id}, {end} - n.n * 1000, 'UPDATED', 'Account', {account}, {account},
           '{{\"city\": {{\"before\": \"Bonn\", \"after\": \"=Köln\"}}}}'{changes} FROM {series}"
    );
    crate::crew::behind_the_back(world, &sql).await;
}
