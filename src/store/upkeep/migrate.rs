//! Bringing the database to this program's schema: migrations under a lock, and the built-in roles.

use std::collections::HashSet;

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement};

use super::{months, seed, texts};
use crate::{
    error::{Error, Result},
    store::{Backend, db::migrating, events::history, json, sql::Engine},
};

/// The migrations of this binary that the database does not have yet.
pub async fn pending(backend: &Backend) -> Result<Vec<String>> {
    let connection = backend.db.migrator().await?;
    let tx = migrating::begin(&connection, backend.db.engine()).await?;
    let applied = applied(backend.db.engine(), &tx).await?;
    tx.rollback().await?;
    connection.close().await?;
    Ok(known().into_iter().filter(|name| !applied.contains(name)).collect())
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
    let tx = migrating::begin(&connection, engine).await?;
    if engine == Engine::Postgres {
        migrating::lock(&tx).await?;
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

/// Refuses a database with migrations that this program does not know.
pub(in crate::store) fn not_newer(applied: &HashSet<String>) -> Result<()> {
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
    let tx = migrating::begin(&connection, backend.db.engine()).await?;
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
