//! People and records for tests of who may do what: hired, put in teams, and written by the administrator.

use std::sync::Arc;

use entity::{Department, Kind};
use sea_orm::{
    ConnectionTrait, Database, Statement,
    sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection},
};
use serde_json::{Map, Value, json};
use tandem::{
    access::password::{Cost, Passwords},
    app::Running,
    http::{Settings, settings::Rate},
    people::{admin, authority::Authority},
    store::Backend,
};
use tokio::net::TcpListener;

use crate::support::{
    client::{Answer, Client},
    database::Engine,
    tandem::SIGNING_KEY,
    world::{PASSWORD, World},
};

/// Somebody who was hired for a test: their client and their global id.
#[derive(Clone)]
pub struct Hand {
    pub client: Client,
    pub id: String,
}

/// The database of this world, opened beside its server, as another process would.
pub async fn backend(world: &World) -> Arc<Backend> {
    Backend::open(&world.database_url, world.clock.clone(), tandem::api::NOUNS)
        .await
        .expect("the world's database opens")
}

/// Settings under which nobody runs out of allowance while the clock stands still.
pub fn generous() -> Settings {
    let rate = Rate { maximum: 1_000_000_000, restore: 1_000_000_000 };
    Settings { rate, grace: std::time::Duration::from_millis(200), ..Settings::default() }
}

/// A second server over the same database, by the same clock, with settings of its own.
pub async fn second_server(world: &World, settings: Settings) -> (Client, Running) {
    serve(backend(world).await, settings).await
}

/// A server over an opened database.
pub async fn serve(backend: Arc<Backend>, settings: Settings) -> (Client, Running) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let authority = Authority::new(backend.clone(), Some(SIGNING_KEY), Cost::LEAST).expect("the key is long enough");
    let running = Running::start(listener, backend, authority, settings).expect("the server starts");
    (Client::new(running.address), running)
}

/// Does something to the database behind the server's back.
pub async fn behind_the_back(world: &World, sql: &str) {
    run_sql(&world.database_url, sql).await;
}

/// Runs statements over a connection that ends with the call.
pub async fn run_sql(url: &str, sql: &str) {
    let sql = AssertSqlSafe(sql);
    if url.starts_with("sqlite:") {
        let mut connection = SqliteConnection::connect(url).await.expect("the database answers");
        connection.execute(sql).await.expect("the statement holds");
        connection.close().await.expect("the connection closes");
    } else {
        let mut connection = PgConnection::connect(url).await.expect("the database answers");
        connection.execute(sql).await.expect("the statement holds");
        connection.close().await.expect("the connection closes");
    }
}

/// A connection of somebody else, in a transaction that holds what others need.
pub enum Holding {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Holding {
    /// Runs statements that begin a transaction.
    pub async fn start(url: &str, sql: &str) -> Self {
        let sql = AssertSqlSafe(sql);
        if url.starts_with("sqlite:") {
            let mut connection = SqliteConnection::connect(url).await.expect("the database answers");
            connection.execute(sql).await.expect("the lock is free");
            Self::Sqlite(connection)
        } else {
            let mut connection = PgConnection::connect(url).await.expect("the database answers");
            connection.execute(sql).await.expect("the lock is free");
            Self::Postgres(connection)
        }
    }

    /// Gives it back.
    pub async fn end(self) {
        match self {
            Self::Sqlite(connection) => connection.close().await,
            Self::Postgres(connection) => connection.close().await,
        }
        .expect("the connection closes");
    }
}

/// The number that a statement finds, as `found`.
#[expect(clippy::disallowed_methods, reason = "a connection that ends with the call")]
pub async fn counted(world: &World, sql: &str) -> i64 {
    let connection =
        Database::connect(crate::support::database::plain(&world.database_url)).await.expect("the database answers");
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let row = connection.query_one_raw(statement).await.expect("the statement holds");
    let found = row.expect("there is a row").try_get("", "found").expect("a number");
    connection.close().await.expect("the connection closes");
    found
}

/// An id of 32 hexadecimal digits as a literal of the world's engine.
pub fn sql_id(world: &World, hex: &str) -> String {
    if world.engine == Engine::Sqlite { format!("X'{hex}'") } else { format!("'{hex}'::uuid") }
}

/// Creates a person with this role and signs them in.
pub async fn hire(world: &World, email: &str, role: &str, department: Department) -> Hand {
    let backend = backend(world).await;
    let passwords = Passwords::new(Cost::LEAST).expect("argon2 takes its least");
    let created = admin::create_user(&backend, &passwords, (email, email), (department, role), PASSWORD).await;
    created.expect("the person can be created");
    backend.db().close().await.expect("the second connection closes");
    let client = sign_in(world, email, PASSWORD).await;
    let id = text(&client.query("{ viewer { user { id } } }").await.expect_ok(), "viewer.user.id");
    Hand { client, id }
}

/// A client with the token of a new session.
pub async fn sign_in(world: &World, email: &str, password: &str) -> Client {
    let answer = try_sign_in(&world.anonymous(), email, password).await.expect_ok();
    world.anonymous().with_token(text(&answer, "signIn.accessToken"))
}

/// The answer to an attempt to sign in.
pub async fn try_sign_in(client: &Client, email: &str, password: &str) -> Answer {
    let document = "mutation($email: String!, $password: String!) {
        signIn(input: { email: $email, password: $password }) {
            accessToken refreshToken expiresAt userErrors { code message }
        }
    }";
    client.query_with(document, json!({ "email": email, "password": password })).await
}

/// Creates a record and answers its id.
pub async fn create(as_whom: &Client, kind: Kind, input: Value) -> String {
    create_all(as_whom, vec![(kind, input)]).await.remove(0)
}

/// Creates records in few requests and answers their ids.
pub async fn create_all(as_whom: &Client, records: Vec<(Kind, Value)>) -> Vec<String> {
    let done = mutate(as_whom, "Create", records).await;
    done.into_iter().map(|done| done.unwrap_or_else(|errors| panic!("a fixture was refused: {errors:?}"))).collect()
}

/// Runs one verb on many records, each with its own input: the id of what was done, or the user errors.
pub async fn mutate(as_whom: &Client, verb: &str, records: Vec<(Kind, Value)>) -> Vec<Result<String, Vec<String>>> {
    let mut outcomes = Vec::with_capacity(records.len());
    for part in records.chunks(40) {
        let (mut heads, mut fields, mut variables) = (Vec::new(), Vec::new(), Map::new());
        for (n, (kind, input)) in part.iter().enumerate() {
            let (name, noun) = (kind.name(), kind.table().singular());
            heads.push(format!("$v{n}: {name}{verb}Input!"));
            fields.push(format!(
                "m{n}: {noun}{verb}(input: $v{n}) {{ record: {noun} {{ id }} userErrors {{ code field message }} }}"
            ));
            variables.insert(format!("v{n}"), input.clone());
        }
        let document = format!("mutation({}) {{ {} }}", heads.join(", "), fields.join("\n"));
        let answer = as_whom.query_with(&document, variables.into()).await;
        assert!(answer.body.get("errors").is_none(), "{answer}\n{document}");
        for n in 0..part.len() {
            let payload = answer.data(&format!("m{n}"));
            let errors = answer.user_errors(&format!("m{n}"));
            outcomes.push(match payload["record"]["id"].as_str() {
                Some(id) if errors.is_empty() => Ok(id.to_owned()),
                Some(id) => panic!("{id} is answered beside {errors:?}"),
                None => {
                    assert!(!errors.is_empty(), "neither a record nor an error: {answer}");
                    Err(errors)
                }
            });
        }
    }
    outcomes
}

/// A team of these people.
pub async fn team(admin: &Client, name: &str, members: &[&str]) -> String {
    let team = create(admin, Kind::Team, json!({ "name": name, "department": "SALES" })).await;
    let places = members.iter().map(|user| (Kind::TeamMembership, json!({ "teamId": team, "userId": user }))).collect();
    create_all(admin, places).await;
    team
}

/// A person without a login.
pub async fn stranger(admin: &Client, name: &str) -> String {
    create(admin, Kind::User, json!({ "name": name, "department": "SALES" })).await
}

/// The text at a path of an answer.
#[track_caller]
pub fn text(answer: &Answer, path: &str) -> String {
    answer.data(path).as_str().unwrap_or_else(|| panic!("no text at {path} in {answer}")).to_owned()
}

/// An access token of a new session.
pub async fn token(world: &World, email: &str) -> String {
    text(&try_sign_in(&world.anonymous(), email, PASSWORD).await.expect_ok(), "signIn.accessToken")
}
