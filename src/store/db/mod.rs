//! The database: its connections, what its errors mean, and the count of statements.

mod fault;
mod file;
mod health;
pub(in crate::store) mod migrating;
mod pool;
mod postgres;
pub(in crate::store) mod private_file;
mod raw;
mod redact;
mod sqlite;
mod sqlite_source;
mod transaction;
mod writer;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sea_orm::{
    DatabaseConnection, QueryResult, SqlxPostgresConnector, SqlxSqliteConnector,
    sqlx::{pool::PoolOptions, postgres::PgListener},
};

pub use self::{fault::Fault, private_file::sqlite_file, redact::redact, transaction::Transaction};
use self::{health::Health, pool::Source, postgres::Postgres, sqlite::Sqlite};
use crate::error::{Error, Result};
use crate::store::sql::{Engine, Sql};

/// How connections are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// On PostgreSQL the most connections for reading, and as many again for writing.
    pub connections: u32,
    /// How long a request waits for a connection, for its turn to write, or for a lock.
    pub wait: Duration,
    /// How long SQLite's write-ahead log may grow, in bytes, before writers wait for it to be written back.
    pub log: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { connections: 8, wait: Duration::from_secs(5), log: 32 * 1024 * 1024 }
    }
}

/// The connections to one database.
#[derive(Debug)]
pub struct Db {
    place: Place,
    health: Arc<Health>,
    statements: AtomicU64,
}

#[derive(Debug)]
enum Place {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Db {
    /// Opens the database at a URL, `sqlite://tandem.db` or `postgres://…`.
    pub async fn open(url: &str, settings: Settings) -> Result<Self> {
        let health = Arc::<Health>::default();
        let place = if is_postgres(url) {
            let postgres = Postgres::open(url, &settings)?;
            // Whoever starts the program is told at once where the server is not to be had.
            postgres.writers.source().open().await.map_err(Error::internal)?;
            Place::Postgres(postgres)
        } else {
            Place::Sqlite(Sqlite::open(path(url)?, &settings, &health).await?)
        };
        Ok(Self { place, health, statements: AtomicU64::new(0) })
    }

    /// Which engine it is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match self.place {
            Place::Sqlite(_) => Engine::Sqlite,
            Place::Postgres(_) => Engine::Postgres,
        }
    }

    /// How many statements were run so far, without BEGIN and COMMIT.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Runs a reading statement.
    pub(super) async fn fetch(&self, sql: Sql) -> Result<Vec<QueryResult>> {
        self.count();
        self.fetch_uncounted(sql).await
    }

    /// Runs a reading statement that belongs to no request.
    pub(super) async fn fetch_uncounted(&self, sql: Sql) -> Result<Vec<QueryResult>> {
        let statement = sql.finish();
        match &self.place {
            Place::Sqlite(sqlite) => {
                sqlite.file.was_there()?;
                sqlite.readers.read(&statement).await
            }
            Place::Postgres(postgres) => postgres.readers.read(&statement).await,
        }
    }

    /// Opens a writing transaction. On SQLite it takes the write lock at once: one that took it
    /// only on its first write would fail where it has read before.
    pub(super) async fn begin(&self) -> Result<Transaction> {
        match &self.place {
            Place::Sqlite(sqlite) => Ok(Transaction::of_turn(sqlite.writer.begin().await?)),
            Place::Postgres(postgres) => Transaction::on(&postgres.writers).await,
        }
    }

    /// Waits until all that could be read so far would survive a loss of power.
    pub async fn settled(&self) -> Result<()> {
        match &self.place {
            Place::Sqlite(sqlite) => sqlite.writer.flush().await,
            // PostgreSQL shows nothing to others before that.
            Place::Postgres(_) => Ok(()),
        }
    }

    /// Counts a statement run elsewhere.
    pub(super) fn count(&self) {
        self.statements.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection of its own for migrations, which no limit of time holds for.
    pub(super) async fn migrator(&self) -> Result<DatabaseConnection> {
        Ok(match &self.place {
            Place::Sqlite(sqlite) => {
                let options = sqlite::options(&sqlite.file.path().to_string_lossy()).busy_timeout(MIGRATING);
                let pool = one().connect_with(options).await.map_err(Error::internal)?;
                SqlxSqliteConnector::from_sqlx_sqlite_pool(pool)
            }
            Place::Postgres(postgres) => {
                let pool = one().connect_with(postgres.patient().await?).await.map_err(Error::internal)?;
                SqlxPostgresConnector::from_sqlx_postgres_pool(pool)
            }
        })
    }

    /// Hears what other processes tell; nothing on SQLite, where there are none.
    pub(super) async fn listener(&self) -> Result<Option<PgListener>> {
        let Place::Postgres(postgres) = &self.place else { return Ok(None) };
        let pool = one().connect_with(postgres.patient().await?).await?;
        Ok(Some(PgListener::connect_with(&pool).await?))
    }

    /// Whether the database answers and takes changes.
    pub async fn ready(&self) -> Result<()> {
        match &self.place {
            Place::Sqlite(sqlite) if self.health.is_failing() => sqlite.probe().await,
            Place::Sqlite(sqlite) => sqlite.file.must_be_there(),
            Place::Postgres(postgres) => postgres.probe().await,
        }?;
        self.ping().await
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        let mut sql = Sql::new(self.engine());
        sql.push("SELECT 1");
        self.fetch_uncounted(sql).await.map(|_| ())
    }

    /// Keeps the database in order beside its use, until it is dropped.
    pub async fn upkeep(&self) {
        let mut tick = tokio::time::interval(UPKEEP);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            if let Err(error) = self.tidy().await {
                tracing::debug!(%error, "the database could not be looked after now");
            }
        }
    }

    /// One round of it: SQLite's write-ahead log is written back where it has grown long, and where nothing could be
    /// stored it is tried again.
    pub async fn tidy(&self) -> Result<()> {
        match &self.place {
            Place::Sqlite(sqlite) if self.health.is_failing() => {
                // The log itself may be what has filled the disk.
                if let Err(error) = sqlite.writer.write_log_back().await {
                    tracing::debug!(%error, "the write-ahead log could not be written back");
                }
                sqlite.probe().await
            }
            Place::Sqlite(sqlite) => sqlite.shorten_log().await,
            Place::Postgres(_) => Ok(()),
        }
    }

    /// Waits for what runs and closes the connections.
    pub async fn close(&self) -> Result<()> {
        match &self.place {
            Place::Sqlite(sqlite) => sqlite.close().await,
            Place::Postgres(postgres) => postgres.close().await,
        }
        Ok(())
    }
}

/// How long a migration waits for another one.
const MIGRATING: Duration = Duration::from_mins(1);

/// How often the database is looked after.
const UPKEEP: Duration = Duration::from_secs(1);

/// A pool of sqlx with one connection that is kept for as long as the pool is. It has no time limits and no minimum,
/// since sqlx's upkeep of pools that have any may spin for ever (sqlx#3645, mended by sqlx#4289 in a release after
/// 0.9.0; until then no other pool of sqlx may be made here or in tests).
fn one<DB: sea_orm::sqlx::Database>() -> PoolOptions<DB> {
    PoolOptions::new().max_connections(1).min_connections(0).idle_timeout(None).max_lifetime(None)
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// The path of an SQLite database.
fn path(url: &str) -> Result<&str> {
    let Some(path) = url.strip_prefix("sqlite:") else {
        return Err(Error::internal(format!(
            "“{}” is no database URL; use sqlite://FILE or postgres://…",
            redact(url)
        )));
    };
    let path = path.strip_prefix("//").unwrap_or(path).split('?').next().unwrap_or_default();
    if Path::new(path).parent().is_some_and(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        // Its name stands in the URL, which whoever tells this shows without what could be a password.
        return Err(Error::internal("the folder of the database does not exist"));
    }
    Ok(path)
}
