//! API keys: who may make them, when they are good, and that they go through the same door as people.

mod authenticate;
mod create;
mod door;
mod endings;
mod guessed;
mod open;
mod rotate;
mod sync;

use entity::{Record, permission::Grants, role};
use reqwest::Method;
use sea_orm::{ConnectionTrait, Database, Statement};
use serde_json::{Value, json};
use tandem::{access::Purpose, store::Draft};

use crate::{
    crew,
    support::{
        client::{Answer, Client},
        database::{self, Engine},
        world::World,
    },
};

/// Thirty days after the morning on which every test begins.
const IN_A_MONTH: &str = "2026-04-01T09:00:00.000Z";

/// A key that was made for a test.
struct Key {
    id: String,
    secret: String,
    client: Client,
}

/// Creates a key of the built-in role, or of one made for the test.
async fn key(world: &World, by: &Client, role: &str) -> Key {
    key_with(world, by, role, json!({})).await
}

/// The same with more in the input.
async fn key_with(world: &World, by: &Client, role: &str, more: Value) -> Key {
    let mut input = json!({ "name": "Sync", "roleId": role_id(by, role).await, "expiresAt": IN_A_MONTH });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = create(by, input).await.expect_ok();
    let secret = crew::text(&answer, "apiKeyCreate.secret");
    let client = world.anonymous().with_token(&secret);
    Key { id: crew::text(&answer, "apiKeyCreate.apiKey.id"), secret, client }
}

async fn create(by: &Client, input: Value) -> Answer {
    let document = "mutation($input: ApiKeyCreateInput!) { apiKeyCreate(input: $input) {
        apiKey { id prefix version } secret userErrors { code field reason message } } }";
    by.query_with(document, json!({ "input": input })).await
}

async fn change(by: &Client, input: Value) -> Answer {
    let document = "mutation($input: ApiKeyUpdateInput!) { apiKeyUpdate(input: $input) {
        apiKey { id version allowedNetworks owner { id } role { key } } userErrors { code field reason message } } }";
    by.query_with(document, json!({ "input": input })).await
}

async fn rotate(by: &Client, input: Value) -> Answer {
    let document = "mutation($input: ApiKeyRotateInput!) { apiKeyRotate(input: $input) {
        apiKey { id prefix rotatedAt version } secret userErrors { code field reason message } } }";
    by.query_with(document, json!({ "input": input })).await
}

async fn revoke(by: &Client, input: Value) -> Answer {
    let document = "mutation($input: ApiKeyRevokeInput!) { apiKeyRevoke(input: $input) {
        apiKey { id revokedAt archivedAt version } userErrors { code field reason message } } }";
    by.query_with(document, json!({ "input": input })).await
}

async fn role_id(by: &Client, key: &str) -> String {
    let document = "query($key: String!) { role(by: { key: $key }) { id } }";
    crew::text(&by.query_with(document, json!({ "key": key })).await.expect_ok(), "role.id")
}

/// A role of exactly these permissions, each as `Account:READ:ALL`.
async fn role(world: &World, key: &str, grants: &[&str]) {
    let backend = crew::backend(world).await;
    let mut change = backend.as_system(Purpose::CommandLine).begin().await.expect("a transaction");
    let (table, mut draft) = (role::Entity::table(), Draft::default());
    draft.set(table, "key", key);
    draft.set(table, "name", key);
    draft.set(table, "built_in", false);
    draft.set(table, "grants", Grants(grants.iter().map(|grant| (*grant).to_owned()).collect()));
    change.create::<role::Entity>(draft).await.expect("the role can be made");
    change.commit().await.expect("the role is kept");
    backend.db().close().await.expect("the second connection closes");
}

/// The first user error's reason.
#[track_caller]
fn reason<'a>(answer: &'a Answer, mutation: &str) -> &'a str {
    answer.data(&format!("{mutation}.userErrors.0.reason")).as_str().unwrap_or("none")
}

/// The key is refused: 401, and why.
#[track_caller]
fn turned_away(answer: &Answer, reason: &str) {
    assert_eq!((answer.status.as_u16(), answer.error_code()), (401, Some("UNAUTHENTICATED")), "{answer}");
    assert_eq!(answer.error_reason(), Some(reason), "{answer}");
    assert!(answer.headers.contains_key("www-authenticate") && answer.body.get("data").is_none(), "{answer}");
}

/// Asks with the idempotency key of a request.
async fn once(client: &Client, key: &str, document: &str) -> Answer {
    let request = client.request(Method::POST, "/graphql").header("idempotency-key", key);
    client.send(request.json(&json!({ "query": document }))).await
}

/// The texts that a statement finds in the database.
#[expect(clippy::disallowed_methods, reason = "a connection that ends with the call")]
async fn texts(world: &World, sql: &str) -> Vec<String> {
    let connection = Database::connect(database::plain(&world.database_url)).await.expect("the database answers");
    let rows = connection.query_all_raw(Statement::from_string(connection.get_database_backend(), sql)).await;
    let texts = rows.expect("the statement holds").iter().map(|row| row.try_get_by_index(0).expect("a text")).collect();
    connection.close().await.expect("the connection closes");
    texts
}

/// Every row of every table that tells of keys, as text.
async fn everything_stored(world: &World) -> Vec<String> {
    let mut all = texts(world, "SELECT CAST(changes AS TEXT) FROM event").await;
    let tables = ["api_key", "api_key_secret", "idempotency_key"];
    for table in tables {
        let row = match world.engine {
            Engine::Postgres => format!("SELECT CAST(t AS TEXT) FROM {table} t"),
            Engine::Sqlite if table == "api_key" => {
                "SELECT name || prefix || allowed_networks || hex(id) FROM api_key".to_owned()
            }
            Engine::Sqlite if table == "api_key_secret" => "SELECT hash || created_at FROM api_key_secret".to_owned(),
            Engine::Sqlite => "SELECT key || answer FROM idempotency_key".to_owned(),
        };
        all.extend(texts(world, &row).await);
    }
    all
}
