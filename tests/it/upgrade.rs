//! A database of an earlier version comes along with what it holds.

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, Statement};
use serde_json::{Value, json};
use tandem::store::{self, Backend};

use crate::{
    crew::behind_the_back,
    shared::{create, mutate},
    support::{
        database::{self, Engine},
        world::World,
    },
};

/// Roles were kept in tables beside them up to here.
const BEFORE: u32 = 10;

/// An empty database of the world's engine, and a connection to it.
#[expect(clippy::disallowed_methods, reason = "a database that no server of this version serves yet")]
async fn empty(world: &World) -> (String, DatabaseConnection) {
    let url = match world.engine {
        Engine::Sqlite => world.database_url.replace("?mode", ".old?mode"),
        Engine::Postgres => {
            behind_the_back(world, "DROP SCHEMA public CASCADE; CREATE SCHEMA public").await;
            world.database_url.clone()
        }
    };
    let connection = Database::connect(database::plain(&url)).await.expect("the database answers");
    (url, connection)
}

async fn texts(connection: &DatabaseConnection, column: &str, key: &str) -> Value {
    let backend = connection.get_database_backend();
    let query = format!("SELECT CAST({column} AS text) AS found FROM role WHERE key = '{key}'");
    let row = connection.query_one_raw(Statement::from_string(backend, query)).await.expect("it can be read");
    let text: String = row.expect("the role is there").try_get("", "found").expect("a text");
    serde_json::from_str(&text).expect("JSON")
}

on_both_engines! {
    async fn roles_keep_what_they_permit(world: World) {
        let (url, connection) = empty(&world).await;
        Migrator::up(&connection, Some(BEFORE)).await.expect("the earlier version");
        let id = match world.engine {
            Engine::Sqlite => "x'018f0000000070008000000000000001'",
            Engine::Postgres => "'018f0000-0000-7000-8000-000000000001'",
        };
        for statement in [
            format!("INSERT INTO role (id, key, name, name_fold, built_in, version, created_at, updated_at) VALUES ({id}, 'own', 'Own', 'own', FALSE, 3, 0, 0)"),
            format!("INSERT INTO role_permission (role_id, resource, action, reach) VALUES ({id}, 'Deal', 'READ', 'ALL'), ({id}, 'Account', 'READ', 'TEAM')"),
            format!("INSERT INTO role_field (role_id, resource, field, rule) VALUES ({id}, 'Deal', 'amount', 'HIDDEN')"),
        ] {
            connection.execute_unprepared(&statement).await.expect("the statement holds");
        }
        let backend = Backend::open(&url, world.clock.clone(), tandem::api::NOUNS).await.expect("the database answers");
        store::migrate(&backend).await.expect("it is brought up to date");
        backend.db().close().await.expect("it closes");
        assert_eq!(texts(&connection, "grants", "own").await, json!(["Account:READ:TEAM", "Deal:READ:ALL"]));
        assert_eq!(texts(&connection, "field_rules", "own").await, json!(["Deal:amount:HIDDEN"]));
        let admin = texts(&connection, "grants", "admin").await;
        assert!(admin.as_array().expect("a list").contains(&json!("ApiKey:ASSIGN:ALL")), "{admin}");
        connection.close().await.expect("it closes");
    }

    async fn texts_and_their_keys_follow_the_rules_of_this_version(world: World) {
        let admin = world.admin().await;
        let account = create(&admin, "account", json!({ "name": "Muller", "domain": "acme.example", "externalIds": [{ "system": "crm", "id": "1" }] })).await;
        let contact = create(&admin, "contact", json!({ "name": "Ann", "email": "ann@acme.example" })).await;
        create(&admin, "contact", json!({ "name": "Twin", "email": "twin@acme.example" })).await;
        let line = create(&admin, "pipeline", json!({ "name": "Gold" })).await;
        for statement in [
            "UPDATE account SET name = 'Mu\u{308}ller\u{200b}', name_fold = 'x' WHERE name = 'Muller'",
            "UPDATE contact SET email = 'ANN@acme.example\u{feff}' WHERE name = 'Ann'",
            // The address that this one has under the rules is another's: it stays as it is.
            "UPDATE contact SET email = 'ANN@Acme.example' WHERE name = 'Twin'",
            "UPDATE pipeline SET name = 'ゴールド', name_fold = 'コルト', name_key = 'コルト' WHERE name = 'Gold'",
            "UPDATE external_id SET external_id = '1\u{200b}' WHERE system = 'crm'",
            "UPDATE text_form SET version = 0",
        ] {
            behind_the_back(&world, statement).await;
        }
        let backend = Backend::open(&world.database_url, world.clock.clone(), tandem::api::NOUNS).await.expect("the database answers");
        store::migrate(&backend).await.expect("it is brought up to date");
        backend.db().close().await.expect("it closes");
        let document = "{ account(by: { external: { system: \"crm\", id: \"1\" } }) { id name }
            accounts(filter: { name: { eq: \"MULLER\", ignoreCase: true } }) { nodes { id } }
            contact(by: { email: \"ann@acme.example\" }) { id email }
            twins: contacts(filter: { name: { eq: \"Twin\" } }) { nodes { email } } }";
        assert_eq!(admin.query(document).await.expect_ok().body["data"], json!({
            "account": { "id": account, "name": "Müller" },
            "accounts": { "nodes": [{ "id": account }] },
            "contact": { "id": contact, "email": "ann@acme.example" },
            "twins": { "nodes": [{ "email": "ANN@Acme.example" }] },
        }));
        let taken = mutate(&admin, "pipeline", "Create", json!({ "name": "ｺﾞｰﾙﾄﾞ" }), "").await;
        assert_eq!(taken.data("pipelineCreate.userErrors.0.conflict.id"), &json!(line));
        create(&admin, "pipeline", json!({ "name": "コルト" })).await;
    }
}
