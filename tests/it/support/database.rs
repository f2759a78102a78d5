//! A fresh, migrated database for each test, copied from one that was migrated once.

use std::{
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    path::Path,
    sync::{OnceLock, mpsc},
};

use reqwest::Url;
use sea_orm::{
    ConnectOptions,
    sqlx::{self, AssertSqlSafe, Connection, PgConnection},
};
use tempfile::TempDir;
use tokio::sync::{OnceCell, oneshot};

use super::{postgres, scratch, tandem};

/// What a database runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Embedded, in a file.
    Sqlite,
    /// The server of `postgres.rs`.
    Postgres,
}

/// A database of one test's own, removed when it is dropped.
pub struct Database {
    url: String,
    home: Home,
}

enum Home {
    Sqlite { _directory: TempDir },
    Postgres { name: String },
}

impl Database {
    /// A fresh one; none where the machine has no such engine.
    pub async fn fresh(engine: Engine) -> Option<Self> {
        match engine {
            Engine::Sqlite => Some(sqlite().await),
            Engine::Postgres => {
                let (reply, answer) = oneshot::channel();
                order(Order::Create(reply));
                let made = answer.await.expect("the keeper lives as long as the process");
                let (name, url) = made.unwrap_or_else(|reason| panic!("no PostgreSQL database: {reason}"))?;
                Some(Self { url, home: Home::Postgres { name } })
            }
        }
    }

    /// Where Tandem finds it.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Home::Postgres { name } = &mut self.home {
            let (reply, done) = mpsc::channel();
            order(Order::Drop(std::mem::take(name), reply));
            // Waited for, so that a run that has ended has left nothing on a server that stays.
            done.recv().ok();
        }
    }
}

async fn sqlite() -> Database {
    static TEMPLATE: OnceCell<Vec<u8>> = OnceCell::const_new();
    let template = TEMPLATE
        .get_or_init(|| async {
            let directory = tempfile::tempdir_in(scratch::directory()).expect("a directory for the template");
            let file = directory.path().join("template.db");
            prepare(&sqlite_url(&file)).await.expect("an empty database can be migrated and peopled");
            let log = file.with_extension("db-wal");
            assert!(!log.exists(), "a connection is open or the log was not written back: {}", log.display());
            std::fs::read(file).expect("the template was written")
        })
        .await;
    let directory = tempfile::tempdir_in(scratch::directory()).expect("a directory for the database");
    let file = directory.path().join("tandem.db");
    std::fs::write(&file, template).expect("the template is copied");
    Database { url: sqlite_url(&file), home: Home::Sqlite { _directory: directory } }
}

fn sqlite_url(file: &Path) -> String {
    format!("sqlite://{}?mode=rwc", file.display())
}

/// Makes a template of an empty database.
async fn prepare(url: &str) -> Outcome<()> {
    tandem::migrate(url).await?;
    Ok(tandem::populate(url).await?)
}

/// How to reach a database with one connection, without the upkeep of sqlx's pools, which may spin for ever
/// (sqlx#3645).
pub fn plain(url: &str) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).min_connections(0).idle_timeout(None).max_lifetime(None).sqlx_logging(false);
    options
}

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
/// Name and address of a new database; none where there is no PostgreSQL.
type Created = Result<Option<(String, String)>, String>;

enum Order {
    Create(oneshot::Sender<Created>),
    Drop(String, mpsc::Sender<()>),
}

/// Sends an order to the keeper, a thread with the one connection that makes and drops databases.
///
/// A thread, because each test has a runtime of its own, and a connection dies with its runtime.
fn order(order: Order) {
    static KEEPER: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
    let keeper = KEEPER.get_or_init(|| {
        let (sender, orders) = mpsc::channel();
        std::thread::Builder::new()
            .name("keeper of databases".to_owned())
            .spawn(move || keep(&orders))
            .expect("a thread can be started");
        sender
    });
    keeper.send(order).expect("the keeper lives as long as the process");
}

fn keep(orders: &mpsc::Receiver<Order>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let told = |error: Box<dyn std::error::Error + Send + Sync>| error.to_string();
    let mut keeper = postgres::server()
        .and_then(|server| server.map(|url| runtime.block_on(Keeper::start(url)).map_err(told)).transpose());
    for order in orders {
        match (order, &mut keeper) {
            (Order::Create(reply), Ok(Some(keeper))) => {
                reply.send(runtime.block_on(keeper.create()).map(Some).map_err(told)).ok();
            }
            (Order::Create(reply), Ok(None)) => drop(reply.send(Ok(None))),
            (Order::Create(reply), Err(reason)) => drop(reply.send(Err(reason.clone()))),
            (Order::Drop(name, reply), Ok(Some(keeper))) => {
                if let Err(error) = runtime.block_on(drop_database(&mut keeper.connection, &name)) {
                    eprintln!("{name} stays: {error}");
                }
                reply.send(()).ok();
            }
            (Order::Drop(..), _) => {}
        }
    }
}

/// Databases are named `tandem_test_KEY_…`. Whoever uses them holds the advisory lock of their KEY, which
/// the server gives back when the session ends; what nobody holds was left by a run that was killed.
struct Keeper {
    connection: PgConnection,
    server: Url,
    template: String,
    run: u32,
    made: u32,
}

/// First half of the advisory locks' keys.
const LOCKS: &str = "hashtext('tandem_test')";

impl Keeper {
    async fn start(server: Url) -> Outcome<Self> {
        let mut connection = PgConnection::connect(server.as_str()).await?;
        let (build, run) = (build()?, run());
        for statement in [
            format!("SELECT pg_advisory_lock_shared({LOCKS}, {})", build.cast_signed()),
            format!("SELECT pg_advisory_lock({LOCKS}, {})", run.cast_signed()),
            // One process at a time sweeps and makes the template.
            format!("SELECT pg_advisory_lock({LOCKS}, 0)"),
        ] {
            execute(&mut connection, &statement).await?;
        }
        sweep(&mut connection, build).await?;
        let template = format!("tandem_test_{build:08x}_template");
        let made: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            .bind(&template)
            .fetch_one(&mut connection)
            .await?;
        if !made {
            // Under its name only when it is whole.
            let draft = format!("tandem_test_{run:08x}_draft");
            execute(&mut connection, &format!("CREATE DATABASE {draft}")).await?;
            prepare(url_of(&server, &draft).as_str()).await?;
            execute(&mut connection, &format!("ALTER DATABASE {draft} RENAME TO {template}")).await?;
        }
        execute(&mut connection, &format!("SELECT pg_advisory_unlock({LOCKS}, 0)")).await?;
        Ok(Self { connection, server, template, run, made: 0 })
    }

    async fn create(&mut self) -> Outcome<(String, String)> {
        self.made += 1;
        let name = format!("tandem_test_{:08x}_{}", self.run, self.made);
        execute(&mut self.connection, &format!("CREATE DATABASE {name} TEMPLATE {}", self.template)).await?;
        let url = url_of(&self.server, &name).into();
        Ok((name, url))
    }
}

/// Drops what runs and builds before us left behind.
async fn sweep(connection: &mut PgConnection, build: u32) -> Outcome<()> {
    let names: Vec<String> =
        sqlx::query_scalar("SELECT datname::text FROM pg_database WHERE datname ~ '^tandem_test_[0-9a-f]{8}_'")
            .fetch_all(&mut *connection)
            .await?;
    for name in names {
        let key = name.get(12..20).and_then(|key| u32::from_str_radix(key, 16).ok());
        let Some(key) = key.filter(|key| *key != build) else { continue };
        let abandoned: bool = sqlx::query_scalar(AssertSqlSafe(format!("SELECT pg_try_advisory_lock({LOCKS}, $1)")))
            .bind(key.cast_signed())
            .fetch_one(&mut *connection)
            .await?;
        if abandoned {
            drop_database(connection, &name).await?;
            execute(connection, &format!("SELECT pg_advisory_unlock({LOCKS}, {})", key.cast_signed())).await?;
        }
    }
    Ok(())
}

async fn drop_database(connection: &mut PgConnection, name: &str) -> Outcome<()> {
    execute(connection, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await
}

async fn execute(connection: &mut PgConnection, statement: &str) -> Outcome<()> {
    let outcome = sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await;
    outcome.map(drop).map_err(|error| format!("{statement}: {error}").into())
}

fn url_of(server: &Url, database: &str) -> Url {
    let mut url = server.clone();
    url.set_path(database);
    url
}

/// Differs between builds, so that a template never outlives the migrations it was made by.
fn build() -> std::io::Result<u32> {
    let program = std::env::current_exe()?;
    let built = std::fs::metadata(&program)?.modified()?;
    Ok(digest(&(program, built)))
}

/// Differs between runs, also where two processes have one number.
fn run() -> u32 {
    digest(&(std::process::id(), std::time::Instant::now()))
}

fn digest(value: &impl std::hash::Hash) -> u32 {
    let digest = BuildHasherDefault::<DefaultHasher>::default().hash_one(value);
    u32::try_from(digest >> 32).unwrap_or_default()
}
