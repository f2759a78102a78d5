//! What the connections of both engines do, without a word about which one it is.

use sea_orm::{QueryResult, SqlxError, Statement, sea_query::Values, sqlx};
use sea_query_sqlx::SqlxValues;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};

/// An open connection.
pub trait Raw: std::fmt::Debug + Send + 'static {
    /// Runs a statement and reads its rows.
    fn rows(&mut self, statement: &Statement) -> impl Future<Output = Result<Vec<QueryResult>, SqlxError>> + Send;

    /// Runs a statement; how many rows it changed.
    fn execute(&mut self, statement: &Statement) -> impl Future<Output = Result<u64, SqlxError>> + Send;

    /// Runs commands without values, `BEGIN` say; several are separated by `;`.
    fn command(&mut self, text: &str) -> impl Future<Output = Result<(), SqlxError>> + Send;

    /// Whether it answers.
    fn ping(&mut self) -> impl Future<Output = Result<(), SqlxError>> + Send;

    /// Ends it in order.
    fn close(self) -> impl Future<Output = ()> + Send;
}

fn values(statement: &Statement) -> SqlxValues {
    SqlxValues(statement.values.clone().unwrap_or(Values(Vec::new())))
}

macro_rules! raw {
    ($connection:ty) => {
        impl Raw for $connection {
            async fn rows(&mut self, statement: &Statement) -> Result<Vec<QueryResult>, SqlxError> {
                let query = sqlx::query_with(AssertSqlSafe(statement.sql.as_str()), values(statement));
                Ok(query.fetch_all(self).await?.into_iter().map(QueryResult::from).collect())
            }

            async fn execute(&mut self, statement: &Statement) -> Result<u64, SqlxError> {
                let query = sqlx::query_with(AssertSqlSafe(statement.sql.as_str()), values(statement));
                Ok(query.execute(self).await?.rows_affected())
            }

            async fn command(&mut self, text: &str) -> Result<(), SqlxError> {
                Executor::execute(self, AssertSqlSafe(text)).await.map(|_| ())
            }

            async fn ping(&mut self) -> Result<(), SqlxError> {
                Connection::ping(self).await
            }

            async fn close(self) {
                if let Err(error) = Connection::close(self).await {
                    tracing::debug!(%error, "a connection did not end in order");
                }
            }
        }
    };
}

raw!(PgConnection);
raw!(SqliteConnection);
