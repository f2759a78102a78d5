//! Roles by the API: made, given, taken, previewed, exchanged, and who may do so.

mod assigning;
mod at_once;
mod brought;
mod catalogue;
mod collisions;
mod editing;
mod exchange;
mod holders;
mod holding;
mod limits;
mod preview;

use entity::Department;
use serde_json::{Value, json};

use crate::{
    crew::{self, Hand},
    shared,
    support::{
        client::{Answer, Client},
        world::World,
    },
};

/// Permissions as the API takes them, from `Account:READ:ALL`.
fn grants(texts: &[&str]) -> Value {
    objects(texts, ["resource", "action", "reach"])
}

/// Field rules as the API takes them, from `Deal:amount:HIDDEN`.
fn field_rules(texts: &[&str]) -> Value {
    objects(texts, ["resource", "field", "rule"])
}

fn objects(texts: &[&str], names: [&str; 3]) -> Value {
    let object = |text: &&str| -> Value {
        Value::Object(names.iter().zip(text.split(':')).map(|(name, part)| ((*name).to_owned(), json!(part))).collect())
    };
    texts.iter().map(object).collect()
}

/// A role's permissions and field rules as texts.
fn encode(role: &Value) -> (Vec<String>, Vec<String>) {
    let texts = |list: &str, names: [&str; 3]| -> Vec<String> {
        let spell = |one: &Value| names.map(|name| one[name].as_str().expect("a word").to_owned()).join(":");
        role[list].as_array().expect("a list").iter().map(spell).collect()
    };
    (texts("grants", ["resource", "action", "reach"]), texts("fieldRules", ["resource", "field", "rule"]))
}

const ROLE: &str = "id key name description builtIn version archivedAt copiedFrom { key }
    grants { resource action reach } fieldRules { resource field rule } holders { nodes { id } }";

/// The live role of a key.
async fn role(client: &Client, key: &str) -> Value {
    let document = format!("query ($key: String!) {{ role(by: {{ key: $key }}) {{ {ROLE} }} }}");
    client.query_with(&document, json!({ "key": key })).await.expect_ok().data("role").clone()
}

async fn role_id(client: &Client, key: &str) -> String {
    role(client, key).await["id"].as_str().expect("there is such a role").to_owned()
}

/// Runs `roleCreate` or `roleUpdate`.
async fn save(client: &Client, verb: &str, input: Value) -> Answer {
    shared::mutate(client, "role", verb, input, "key").await
}

async fn verb(client: &Client, verb: &str, input: Value, select: &str) -> Answer {
    let of = format!("{}{}", verb[..1].to_uppercase(), &verb[1..]);
    let document = format!(
        "mutation ($input: {of}Input!) {{ {verb}(input: $input) {{ {select} userErrors {{ code reason field message }} }} }}"
    );
    client.query_with(&document, json!({ "input": input })).await
}

async fn assign(client: &Client, role: &str, user: &str) -> Answer {
    verb(client, "roleAssign", json!({ "roleId": role, "userId": user }), "assignment { id version archivedAt }").await
}

async fn unassign(client: &Client, role: &str, user: &str) -> Answer {
    verb(client, "roleUnassign", json!({ "roleId": role, "userId": user }), "assignment { id archivedAt }").await
}

async fn delete(client: &Client, input: Value) -> Answer {
    verb(client, "roleDelete", input, "role { id archivedAt }").await
}

/// The user errors of a mutation, each as `CODE REASON field.path`.
#[track_caller]
fn said(answer: &Answer, field: &str) -> Vec<String> {
    let errors = answer.data(field)["userErrors"].as_array().unwrap_or_else(|| panic!("no userErrors: {answer}"));
    let one = |error: &Value| {
        let path: Vec<&str> = error["field"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let path = path.join(".");
        let parts = [error["code"].as_str(), error["reason"].as_str(), Some(path.as_str())];
        parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    };
    errors.iter().map(one).collect()
}

/// Somebody with a role of their own that permits this, and to see themselves.
async fn officer(world: &World, key: &str, permits: &[&str]) -> Hand {
    let admin = world.admin().await;
    let sees = permits.iter().any(|text| text.starts_with("User:READ:"));
    let permits = [permits, if sees { &[] } else { &["User:READ:OWN"] }].concat();
    save(&admin, "Create", json!({ "key": key, "name": key, "grants": grants(&permits) })).await.expect_ok();
    crew::hire(world, &format!("{key}@tandem.test"), key, Department::It).await
}

/// How many events there are.
async fn events(admin: &Client) -> i64 {
    admin.query("{ audit { totalCount } }").await.expect_ok().data("audit.totalCount").as_i64().expect("a number")
}
