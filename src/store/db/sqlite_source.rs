//! Where connections to a SQLite file come from.

use sea_orm::{
    SqlxError,
    sqlx::{ConnectOptions, SqliteConnection, sqlite::SqliteConnectOptions},
};

use super::pool::Source;

/// Where connections come from, the writer's and the readers' alike.
#[derive(Clone, Debug)]
pub struct SqliteSource(pub SqliteConnectOptions);

impl Source for SqliteSource {
    type Connection = SqliteConnection;

    async fn open(&self) -> Result<SqliteConnection, SqlxError> {
        self.0.connect().await
    }
}
