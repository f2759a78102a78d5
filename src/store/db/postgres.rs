//! Opening PostgreSQL: which of several servers, how its connections are set, and whether it takes changes.

use std::{str::FromStr, time::Duration};

use sea_orm::{
    DbBackend, QueryResult, SqlxError, Statement,
    sqlx::{ConnectOptions, PgConnection, postgres::PgConnectOptions},
};
use tokio::time::timeout;

use super::{
    Settings,
    fault::Fault,
    pool::{Connections, Source},
    raw::Raw,
};
use crate::{
    error::{Error, Result},
    store::json,
};

/// How long one server may take to let us in before the next one is tried.
const CONNECT: Duration = Duration::from_secs(3);

/// How long a statement may run: longer than any request may take, so that the request's own limit comes first.
const STATEMENT: &str = "60s";

/// How long a transaction may do nothing, before the server ends it with all its locks.
const IDLE: &str = "60s";

/// A PostgreSQL database. Readers and writers have connections of their own, so that neither keeps the other out.
#[derive(Debug)]
pub struct Postgres {
    /// Reads.
    pub readers: Connections<Servers>,
    /// Writes.
    pub writers: Connections<Servers>,
}

/// The servers of a URL, in their order.
#[derive(Clone, Debug)]
pub struct Servers {
    servers: Vec<PgConnectOptions>,
    /// Whether one that takes no changes will do where there is no other.
    standby: bool,
}

impl Source for Servers {
    type Connection = PgConnection;

    async fn open(&self) -> Result<PgConnection, SqlxError> {
        self.enter().await.map(|(connection, _)| connection)
    }
}

impl Servers {
    /// The server that takes changes now.
    async fn primary(&self) -> Result<PgConnectOptions, SqlxError> {
        let (connection, server) = self.enter().await?;
        Raw::close(connection).await;
        Ok(server.clone())
    }

    /// A connection to the first server that takes changes, or will do.
    async fn enter(&self) -> Result<(PgConnection, &PgConnectOptions), SqlxError> {
        let (mut standby, mut failure) = (None, None);
        for server in &self.servers {
            let name = (server.get_host(), server.get_port());
            match timeout(CONNECT, enter(server)).await {
                Ok(Ok((connection, false))) => return Ok((connection, server)),
                Ok(Ok((connection, true))) => {
                    tracing::debug!(server = ?name, "this server is a standby");
                    standby = standby.or(Some((connection, server)));
                }
                Ok(Err(error)) => failure = Some(error),
                Err(_) => {
                    failure = Some(std::io::Error::new(std::io::ErrorKind::TimedOut, format!("{name:?}")).into());
                }
            }
        }
        match standby {
            Some(found) if self.standby => Ok(found),
            Some(_) => Err(SqlxError::Io(std::io::Error::new(
                std::io::ErrorKind::ReadOnlyFilesystem,
                "the PostgreSQL server is a read-only standby; use the primary server",
            ))),
            None => Err(failure.unwrap_or(SqlxError::PoolClosed)),
        }
    }
}

/// Opens a connection; with whether the server takes no changes.
async fn enter(server: &PgConnectOptions) -> Result<(PgConnection, bool), SqlxError> {
    let mut connection = server.connect().await?;
    let standby = is_standby(&connection.rows(&ask_standby()).await?);
    Ok((connection, standby))
}

/// Asks whether a server takes no changes.
fn ask_standby() -> Statement {
    let ask = "SELECT (pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on')::int";
    Statement::from_string(DbBackend::Postgres, ask)
}

/// The answer to it.
fn is_standby(rows: &[QueryResult]) -> bool {
    rows.first().and_then(|row| json::int(row, 0).ok().flatten()) == Some(1)
}

impl Postgres {
    /// Opens the database at a URL, which may name several servers: `postgres://one,two:5433/name`.
    pub fn open(url: &str, settings: &Settings) -> Result<Self> {
        let servers = servers(url, settings.wait)?;
        let source = |standby| Servers { servers: servers.clone(), standby };
        Ok(Self {
            readers: Connections::new(source(true), settings.connections, settings.wait)?,
            writers: Connections::new(source(false), settings.connections, settings.wait)?,
        })
    }

    /// How to reach the server that takes changes without any limit of time.
    pub async fn patient(&self) -> Result<PgConnectOptions> {
        let none = [("statement_timeout", "0"), ("lock_timeout", "0"), ("idle_in_transaction_session_timeout", "0")];
        let server = self.writers.source().primary().await.map_err(Error::internal)?;
        Ok(server.options(none))
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writers.close().await;
    }

    /// Whether the server that changes go to takes them.
    pub async fn probe(&self) -> Result<()> {
        if is_standby(&self.writers.read(&ask_standby()).await?) {
            self.writers.distrust();
            return Err(Fault::ReadOnly.error());
        }
        Ok(())
    }
}

/// One set of options for each server that a URL names.
fn servers(url: &str, wait: Duration) -> Result<Vec<PgConnectOptions>> {
    split(url).iter().map(|url| options(url, wait)).collect()
}

fn options(url: &str, wait: Duration) -> Result<PgConnectOptions> {
    let options = PgConnectOptions::from_str(url).map_err(Error::internal)?;
    Ok(options
        .statement_cache_capacity(256)
        // PostgreSQL compiles what looks dear, and long statements look so: seconds to save milliseconds.
        .options([
            ("jit", "off"),
            ("statement_timeout", STATEMENT),
            ("lock_timeout", &format!("{}ms", wait.as_millis())),
            ("idle_in_transaction_session_timeout", IDLE),
        ])
        .disable_statement_logging())
}

/// The URL of each server where a URL names several.
fn split(url: &str) -> Vec<String> {
    let Some((scheme, rest)) = url.split_once("://") else { return vec![url.to_owned()] };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (user, hosts) = authority.rsplit_once('@').map_or(("", authority), |(user, hosts)| (user, hosts));
    let at = if user.is_empty() { "" } else { "@" };
    hosts.split(',').map(|host| format!("{scheme}://{user}{at}{host}{path}")).collect()
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn each_server_of_a_url_gets_its_own() {
        assert_eq!(split("postgres://u:p@one/db"), ["postgres://u:p@one/db"]);
        assert_eq!(
            split("postgres://u:p,w@one:5433,two/db?sslmode=require"),
            ["postgres://u:p,w@one:5433/db?sslmode=require", "postgres://u:p,w@two/db?sslmode=require"]
        );
        assert_eq!(split("postgresql:///db?host=/run/postgresql"), ["postgresql:///db?host=/run/postgresql"]);
    }
}
