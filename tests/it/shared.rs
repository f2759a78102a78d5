//! What the tests of records share: making records, and reading one field of many.

use serde_json::{Value, json};

use crate::support::client::{Answer, Client};

/// `accountCreate`'s type name: `Account`.
fn type_name(noun: &str) -> String {
    let mut name = noun.to_owned();
    name[..1].make_ascii_uppercase();
    name
}

/// Runs one of a noun's mutations, reading what every test may want to know.
pub async fn mutate(client: &Client, noun: &str, verb: &str, input: Value, select: &str) -> Answer {
    let (field, of) = (format!("{noun}{verb}"), type_name(noun));
    let document = format!(
        "mutation ($input: {of}{verb}Input!) {{
            {field}(input: $input) {{
                {noun} {{ id version {select} }}
                userErrors {{ code reason message field conflict {{ __typename id }} }}
            }}
        }}"
    );
    client.query_with(&document, json!({ "input": input })).await
}

/// Creates a record and answers its id.
#[track_caller]
pub fn id_of(answer: &Answer, noun: &str) -> String {
    let created =
        answer.body["data"].as_object().and_then(|data| data.values().next()).map(|payload| &payload[noun]["id"]);
    created.and_then(Value::as_str).unwrap_or_else(|| panic!("nothing was made: {answer}")).to_owned()
}

/// Creates a record and answers its id.
pub async fn create(client: &Client, noun: &str, input: Value) -> String {
    id_of(&mutate(client, noun, "Create", input, "").await.expect_ok(), noun)
}

/// Changes a record, which must succeed.
pub async fn update(client: &Client, noun: &str, input: Value) -> Answer {
    mutate(client, noun, "Update", input, "").await.expect_ok()
}

/// Archives a record, which must succeed.
pub async fn archive(client: &Client, noun: &str, id: &str) {
    mutate(client, noun, "Archive", json!({ "id": id }), "").await.expect_ok();
}

/// Creates many records in one call and answers their ids in order.
pub async fn create_all(client: &Client, noun: &str, items: Vec<Value>) -> Vec<String> {
    let of = type_name(noun);
    let document = format!(
        "mutation ($input: {of}BulkUpsertInput!) {{
            {noun}BulkUpsert(input: $input) {{ results {{ node {{ id }} userErrors {{ code field message }} }} userErrors {{ code message }} }}
        }}"
    );
    let answer = client.query_with(&document, json!({ "input": { "items": items } })).await.expect_ok();
    let results = answer.data(&format!("{noun}BulkUpsert.results")).as_array().expect("a list").clone();
    let id = |result: &Value| result["node"]["id"].as_str().unwrap_or_else(|| panic!("not made: {result}")).to_owned();
    results.iter().map(id).collect()
}

/// One field of each of a list's nodes.
#[track_caller]
pub fn column(answer: &Answer, list: &str, field: &str) -> Vec<Value> {
    let nodes = answer.data(&format!("{list}.nodes")).as_array().expect("a list").clone();
    nodes.iter().map(|node| node[field].clone()).collect()
}

/// One text field of each of a list's nodes.
#[track_caller]
pub fn names(answer: &Answer, list: &str, field: &str) -> Vec<String> {
    column(answer, list, field).iter().map(|name| name.as_str().unwrap_or("null").to_owned()).collect()
}

/// The id of the person of this e-mail address.
pub async fn user_id(client: &Client, email: &str) -> String {
    let answer = client
        .query_with("query ($email: EmailAddress!) { user(by: { email: $email }) { id } }", json!({ "email": email }))
        .await;
    answer.expect_ok().data("user.id").as_str().expect("an id").to_owned()
}

/// A pipeline with the stages Open, Won and Lost, whose ids are answered in that order.
pub async fn pipeline(client: &Client, name: &str) -> (String, [String; 3]) {
    let pipeline = create(client, "pipeline", json!({ "name": name })).await;
    let mut stages = Vec::new();
    for (position, (name, category, probability)) in
        [("Open", "OPEN", 40), ("Won", "WON", 100), ("Lost", "LOST", 0)].into_iter().enumerate()
    {
        let input = json!({ "pipelineId": pipeline, "name": name, "position": position, "category": category, "probability": probability });
        stages.push(create(client, "stage", input).await);
    }
    (pipeline, stages.try_into().expect("three stages"))
}
