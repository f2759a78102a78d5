//! The databases that are measured: built once, cached, and copied for every run.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::ValueEnum;
use migration::Migrator;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, SqlxPostgresConnector, SqlxSqliteConnector, Statement,
    sqlx::{
        ConnectOptions,
        postgres::{PgConnectOptions, PgPoolOptions},
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
    },
};
use sea_orm_migration::MigratorTrait;
use serde::Serialize;

use crate::{
    Outcome,
    cluster::Cluster,
    data::{VERSION, World},
    process, rows,
};

/// A database engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// Embedded.
    Sqlite,
    /// Served.
    Postgres,
}

impl Engine {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];

    /// On the command line.
    pub fn key(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// A copy of the cached database, this run's to change.
pub struct Database {
    /// Which engine.
    pub engine: Engine,
    /// Where it is.
    pub url: String,
    /// The server that holds it, where it is ours.
    cluster: Option<Cluster>,
    file: Option<PathBuf>,
}

impl Database {
    /// Builds the cached database unless it is there, and copies it.
    pub async fn prepare(engine: Engine, world: &World) -> Outcome<Self> {
        let directory = cache()?;
        let key = format!("v{VERSION}_{}_{:016x}", world.accounts, schema().await?);
        match engine {
            Engine::Sqlite => sqlite(&directory, &key, world).await,
            Engine::Postgres => postgres(&directory, &key, world).await,
        }
    }

    /// The engine's own words on its version.
    pub async fn version(&self) -> Outcome<String> {
        let connection = connect(self.engine, &self.url, false).await?;
        let sql = match self.engine {
            Engine::Sqlite => "SELECT sqlite_version()",
            Engine::Postgres => "SHOW server_version",
        };
        let row = connection.query_one_raw(Statement::from_string(connection.get_database_backend(), sql)).await?;
        Ok(row.ok_or("no version")?.try_get_by_index(0)?)
    }

    /// CPU time that the database's own processes have used; zero for an embedded one, unknown for a
    /// server that is not ours.
    pub fn cpu_milliseconds(&self) -> Option<u64> {
        match (self.engine, &self.cluster) {
            (Engine::Sqlite, _) => Some(0),
            (Engine::Postgres, Some(cluster)) => process::cpu_milliseconds_with_children(cluster.pid()).ok(),
            (Engine::Postgres, None) => None,
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            remove(file);
        }
    }
}

/// Removes a database file and what stands beside it.
fn remove(file: &Path) {
    for end in ["", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(end);
        let _ = std::fs::remove_file(name);
    }
}

/// Beside the build's own output, so that `cargo clean` takes it away.
fn cache() -> Outcome<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().ok_or("no target directory")?;
    let directory = target.join("bench-data");
    std::fs::create_dir_all(&directory)?;
    Ok(directory)
}

/// A connection of its own, for building and for looking.
pub async fn connect(engine: Engine, url: &str, filling: bool) -> Outcome<DatabaseConnection> {
    Ok(match engine {
        Engine::Sqlite => {
            let options = url.parse::<SqliteConnectOptions>()?.create_if_missing(true).foreign_keys(!filling);
            let options = if filling {
                options
                    .journal_mode(SqliteJournalMode::Off)
                    .synchronous(SqliteSynchronous::Off)
                    .pragma("cache_size", "-1000000")
            } else {
                options
            };
            let pool =
                SqlitePoolOptions::new().max_connections(1).connect_with(options.disable_statement_logging()).await?;
            SqlxSqliteConnector::from_sqlx_sqlite_pool(pool)
        }
        Engine::Postgres => {
            let options: PgConnectOptions = url.parse()?;
            let options = if filling { options.options([("synchronous_commit", "off")]) } else { options };
            let pool =
                PgPoolOptions::new().max_connections(1).connect_with(options.disable_statement_logging()).await?;
            SqlxPostgresConnector::from_sqlx_postgres_pool(pool)
        }
    })
}

/// Whether a cached database has this size: one of another schema or of an interrupted run gives way.
fn is_of(name: &str, world: &World) -> bool {
    name.contains(&format!("_{}_", world.accounts))
}

/// A fingerprint of all migrations: they differ in types alone between the engines.
async fn schema() -> Outcome<u64> {
    let connection = connect(Engine::Sqlite, "sqlite::memory:", false).await?;
    Migrator::up(&connection, None).await?;
    let sql = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name";
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let mut hasher = DefaultHasher::new();
    for row in connection.query_all_raw(statement).await? {
        row.try_get_by_index::<String>(0)?.hash(&mut hasher);
    }
    Ok(hasher.finish())
}

async fn build(engine: Engine, url: &str, world: &World) -> Outcome<()> {
    eprintln!(
        "building {} accounts, {} leads, {} deals on {}",
        world.accounts,
        world.leads(),
        world.deals(),
        engine.name()
    );
    let connection = connect(engine, url, true).await?;
    Migrator::up(&connection, None).await?;
    rows::fill(engine, &connection, world).await?;
    connection.execute_unprepared(if engine == Engine::Sqlite { "ANALYZE" } else { "VACUUM (ANALYZE)" }).await?;
    connection.close().await?;
    Ok(())
}

async fn sqlite(directory: &Path, key: &str, world: &World) -> Outcome<Database> {
    let cached = directory.join(format!("sqlite_{key}.db"));
    if !cached.exists() {
        let building = directory.join(format!("sqlite_{key}_building.db"));
        let _ = std::fs::remove_file(&building);
        build(Engine::Sqlite, &format!("sqlite://{}", building.display()), world).await?;
        for entry in directory.read_dir()?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with("sqlite_v") && is_of(&name, world) && entry.path() != building {
                std::fs::remove_file(entry.path())?;
            }
        }
        std::fs::rename(&building, &cached)?;
    }
    let file = directory.join("sqlite_run.db");
    // An interrupted run may have left its own.
    remove(&file);
    std::fs::copy(&cached, &file)?;
    let url = format!("sqlite://{}", file.display());
    Ok(Database { engine: Engine::Sqlite, url, cluster: None, file: Some(file) })
}

async fn postgres(directory: &Path, key: &str, world: &World) -> Outcome<Database> {
    let (cluster, server) = if let Ok(url) = std::env::var("TANDEM_BENCH_POSTGRES_URL") {
        (None, url)
    } else {
        let cluster = Cluster::start(directory).await?;
        let url = cluster.url("postgres");
        (Some(cluster), url)
    };
    let (cached, run) = (format!("bench_{key}"), "bench_run".to_owned());
    let at = |database: &str| -> Outcome<String> {
        // The path of the URL names the database; what follows it names the socket.
        let (address, query) = server.split_once('?').map_or((server.as_str(), None), |(a, q)| (a, Some(q)));
        let (before, _) = address.rsplit_once('/').ok_or("the URL names no database")?;
        Ok(format!("{before}/{database}{}", query.map(|query| format!("?{query}")).unwrap_or_default()))
    };
    let maintenance = connect(Engine::Postgres, &server, false).await?;
    let exists = format!("SELECT 1 FROM pg_database WHERE datname = '{cached}'");
    let exists = Statement::from_string(maintenance.get_database_backend(), exists);
    if maintenance.query_one_raw(exists).await?.is_none() {
        let building = format!("{cached}_building");
        let all = "SELECT datname FROM pg_database WHERE datname LIKE 'bench\\_v%'";
        for row in maintenance.query_all_raw(Statement::from_string(maintenance.get_database_backend(), all)).await? {
            let name: String = row.try_get_by_index(0)?;
            if is_of(&name, world) {
                maintenance.execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)")).await?;
            }
        }
        maintenance.execute_unprepared(&format!("CREATE DATABASE {building}")).await?;
        build(Engine::Postgres, &at(&building)?, world).await?;
        maintenance.execute_unprepared(&format!("ALTER DATABASE {building} RENAME TO {cached}")).await?;
    }
    maintenance.execute_unprepared(&format!("DROP DATABASE IF EXISTS {run} WITH (FORCE)")).await?;
    maintenance.execute_unprepared(&format!("CREATE DATABASE {run} TEMPLATE {cached} STRATEGY file_copy")).await?;
    maintenance.execute_unprepared("CHECKPOINT").await.ok();
    maintenance.close().await?;
    // The statistics collector and the checkpointer come to rest before anything is counted.
    tokio::time::sleep(Duration::from_secs(1)).await;
    Ok(Database { engine: Engine::Postgres, url: at(&run)?, cluster, file: None })
}
