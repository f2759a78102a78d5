//! Transactions that change the schema or the whole of a table, one process at a time.

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait,
};

use crate::{error::Result, store::sql::Engine};

/// The key of the lock under which one process at a time migrates.
const LOCK: i64 = 0x7461_6e64_656d;

/// Opens a transaction that writes from its first statement on.
pub(in crate::store) async fn begin(connection: &DatabaseConnection, engine: Engine) -> Result<DatabaseTransaction> {
    let mode = (engine == Engine::Sqlite).then_some(SqliteTransactionMode::Immediate);
    let options = TransactionOptions { sqlite_transaction_mode: mode, ..TransactionOptions::default() };
    Ok(connection.begin_with_options(options).await?)
}

/// Waits until no other process migrates.
pub(in crate::store) async fn lock(tx: &DatabaseTransaction) -> Result<()> {
    let lock = format!("SELECT pg_advisory_xact_lock({LOCK})");
    tx.execute_raw(Statement::from_string(Engine::Postgres.backend(), lock)).await?;
    Ok(())
}
