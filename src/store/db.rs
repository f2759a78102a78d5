//! The database: its connections, and the count of statements.

use std::{
    path::Path,
    str::FromStr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, QueryResult,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
    sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::{
    redact,
    sql::{Engine, Sql},
};
use crate::error::{Error, Result};

/// The connections to one database.
#[derive(Debug)]
pub struct Db {
    engine: Engine,
    read: DatabaseConnection,
    write: DatabaseConnection,
    statements: AtomicU64,
}

impl Db {
    /// Opens the database at a URL, `sqlite://tandem.db` or `postgres://…`.
    ///
    /// SQLite has one writer connection, since it lets only one write anyway and a second would
    /// only fail, and four readers.
    pub async fn open(url: &str) -> Result<Self> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let mut options = ConnectOptions::new(url);
            options.max_connections(8).acquire_timeout(Duration::from_secs(10)).sqlx_logging(false);
            // PostgreSQL compiles what looks dear, and long statements look so: seconds to save milliseconds.
            options.test_before_acquire(false);
            options.map_sqlx_postgres_opts(|options| options.statement_cache_capacity(256).options([("jit", "off")]));
            let pool = connect(options).await?;
            return Ok(Self::of(Engine::Postgres, pool.clone(), pool));
        }
        let Some(path) = url.strip_prefix("sqlite:") else {
            return Err(Error::internal(format!(
                "“{}” is no database URL; use sqlite://FILE or postgres://…",
                redact(url)
            )));
        };
        let path = path.strip_prefix("//").unwrap_or(path).split('?').next().unwrap_or_default();
        if let Some(folder) =
            Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir())
        {
            return Err(Error::internal(format!("the folder {} of the database does not exist", folder.display())));
        }
        let write = connect(sqlite(path, 1)).await?;
        let read = connect(sqlite(path, 4)).await?;
        Ok(Self::of(Engine::Sqlite, read, write))
    }

    fn of(engine: Engine, read: DatabaseConnection, write: DatabaseConnection) -> Self {
        Self { engine, read, write, statements: AtomicU64::new(0) }
    }

    /// Which engine it is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// How many statements were run so far, without BEGIN and COMMIT.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// The connection that writes, for migrations and listeners.
    pub(super) fn writer(&self) -> &DatabaseConnection {
        &self.write
    }

    /// Runs a reading statement.
    pub(super) async fn fetch(&self, sql: Sql) -> Result<Vec<QueryResult>> {
        self.count();
        Ok(self.read.query_all_raw(sql.finish()).await?)
    }

    /// Opens a writing transaction. On SQLite it takes the write lock at once: one that took it
    /// only on its first write would fail where it has read before.
    pub(super) async fn begin(&self) -> Result<DatabaseTransaction> {
        let mode = (self.engine == Engine::Sqlite).then_some(SqliteTransactionMode::Immediate);
        let options = TransactionOptions { sqlite_transaction_mode: mode, ..TransactionOptions::default() };
        Ok(self.write.begin_with_options(options).await?)
    }

    /// Counts a statement run elsewhere.
    pub(super) fn count(&self) {
        self.statements.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        Ok(self.read.ping().await?)
    }

    /// Waits for what runs and closes the connections.
    pub async fn close(&self) -> Result<()> {
        self.read.clone().close().await?;
        self.write.clone().close().await?;
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one way to a database")]
async fn connect(options: ConnectOptions) -> Result<DatabaseConnection> {
    // Whoever starts the program can put it right, so they are told why.
    Database::connect(options).await.map_err(Error::internal)
}

fn sqlite(path: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(format!("sqlite://{path}"));
    let file = path.to_owned();
    options
        .max_connections(connections)
        .min_connections(connections)
        .acquire_timeout(Duration::from_secs(10))
        .sqlx_logging(false);
    options.idle_timeout(None).max_lifetime(None).test_before_acquire(false);
    options.map_sqlx_sqlite_opts(move |defaults| {
        let options = SqliteConnectOptions::from_str(&format!("sqlite://{file}")).unwrap_or(defaults);
        options
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10))
            .row_buffer_size(512)
            .statement_cache_capacity(256)
            // Pages come through a cache of our own size: mapped ones would count as the process's memory.
            .pragma("cache_size", "-8000")
            .pragma("temp_store", "MEMORY")
    });
    options
}
