//! Keeping the database: migrations under a lock, the built-in roles, and hearing of other processes' changes.

use std::{collections::HashSet, sync::Arc};

use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait,
};

use super::{Backend, history, json, months, seed, sql::Engine, texts};
use crate::error::{Error, Result};

/// The key of the lock under which one process at a time migrates.
const LOCK: i64 = 0x7461_6e64_656d;

/// The migrations of this binary that the database does not have yet.
pub async fn pending(backend: &Backend) -> Result<Vec<String>> {
    let connection = backend.db.migrator().await?;
    let tx = begin(&connection, backend.db.engine()).await?;
    let applied = applied(backend.db.engine(), &tx).await?;
    tx.rollback().await?;
    connection.close().await?;
    Ok(known().into_iter().filter(|name| !applied.contains(name)).collect())
}

/// Opens a transaction that writes from its first statement on.
pub(super) async fn begin(connection: &DatabaseConnection, engine: Engine) -> Result<DatabaseTransaction> {
    let mode = (engine == Engine::Sqlite).then_some(SqliteTransactionMode::Immediate);
    let options = TransactionOptions { sqlite_transaction_mode: mode, ..TransactionOptions::default() };
    Ok(connection.begin_with_options(options).await?)
}

fn known() -> Vec<String> {
    Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect()
}

async fn applied(engine: Engine, tx: &DatabaseTransaction) -> Result<HashSet<String>> {
    let there = match engine {
        Engine::Sqlite => "SELECT 1 FROM sqlite_master WHERE name = 'seaql_migrations'",
        Engine::Postgres => {
            "SELECT 1 FROM pg_tables WHERE tablename = 'seaql_migrations' AND schemaname = current_schema()"
        }
    };
    if tx.query_one_raw(Statement::from_string(engine.backend(), there)).await?.is_none() {
        return Ok(HashSet::new());
    }
    let rows =
        tx.query_all_raw(Statement::from_string(engine.backend(), "SELECT version FROM seaql_migrations")).await?;
    rows.iter().map(|row| Ok(json::text(row, 0)?.unwrap_or_default().to_owned())).collect()
}

/// Brings the database to this binary's schema and seeds what every database has. One process at a
/// time does it; a database newer than the binary is refused.
pub async fn migrate(backend: &Backend) -> Result<()> {
    let engine = backend.db.engine();
    let connection = backend.db.migrator().await?;
    let tx = begin(&connection, engine).await?;
    if engine == Engine::Postgres {
        lock(&tx).await?;
    }
    not_newer(&applied(engine, &tx).await?)?;
    Migrator::up(&tx, None).await?;
    texts::follow(engine, &tx).await?;
    seed::roles(backend, &tx).await?;
    if engine == Engine::Postgres {
        months::add(&tx, backend.now()).await?;
        history::follow_cluster(backend, &tx).await?;
    }
    tx.commit().await?;
    connection.close().await?;
    backend.forget_policies();
    Ok(())
}

/// Waits until no other process migrates.
pub(super) async fn lock(tx: &DatabaseTransaction) -> Result<()> {
    let lock = format!("SELECT pg_advisory_xact_lock({LOCK})");
    tx.execute_raw(Statement::from_string(Engine::Postgres.backend(), lock)).await?;
    Ok(())
}

/// Refuses a database with migrations that this program does not know.
pub(super) fn not_newer(applied: &HashSet<String>) -> Result<()> {
    let known = known();
    match applied.iter().filter(|name| !known.contains(name)).max() {
        Some(name) => Err(Error::internal(format!(
            "the database is newer than this program: it has the migration {name}; start a newer program"
        ))),
        None => Ok(()),
    }
}

/// Refuses a database that is not of this program's schema, and leaves it as it is.
pub async fn require_current(backend: &Backend) -> Result<()> {
    let connection = backend.db.migrator().await?;
    let tx = begin(&connection, backend.db.engine()).await?;
    let applied = applied(backend.db.engine(), &tx).await?;
    tx.rollback().await?;
    connection.close().await?;
    not_newer(&applied)?;
    match known().iter().find(|name| !applied.contains(*name)) {
        Some(name) => Err(Error::internal(format!(
            "the database is older than this program: it does not have the migration {name}; run tandem migrate first"
        ))),
        None => Ok(()),
    }
}

impl Backend {
    /// Hears of other processes' changes until the end of the program; on SQLite there are none.
    pub async fn listen(self: Arc<Self>) {
        if self.db.engine() != Engine::Postgres {
            return;
        }
        loop {
            if let Err(error) = self.hear().await {
                tracing::warn!(error = %error, "lost the database's notifications; trying again");
            }
            // What was missed meanwhile is read from the table, which is the truth.
            self.forget_policies();
            self.wake();
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
    }

    async fn hear(&self) -> Result<()> {
        let Some(mut listener) = self.db.listener().await? else { return Ok(()) };
        listener.listen("tandem").await?;
        loop {
            let heard = listener.recv().await?;
            match heard.payload() {
                "access" => self.forget_policies(),
                "job" => {
                    self.look_for_jobs();
                    continue;
                }
                _ => {}
            }
            self.wake();
        }
    }
}
