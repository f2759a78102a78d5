//! A transaction on either engine. Dropped without [`Transaction::commit`], it is undone.

use sea_orm::{QueryResult, SqlxError, Statement};
use tokio::sync::Mutex;

use super::{
    fault::{Fault, outcome_unknown},
    pool::{Connections, Lease},
    postgres::Servers,
    raw::Raw,
    writer::Turn,
};
use crate::error::{Error, Result};

/// An open transaction.
#[derive(Debug)]
pub struct Transaction {
    /// Locked for one statement at a time; a rule may ask while the change is only borrowed.
    place: Mutex<Place>,
    savepoints: u32,
}

/// PostgreSQL answers COMMIT with success even where it rolled back because a statement had failed; so that is
/// remembered here.
#[derive(Debug)]
struct Server {
    lease: Lease<Servers>,
    failed: bool,
}

#[derive(Debug)]
enum Place {
    Sqlite(Turn),
    Postgres(Server),
}

impl Place {
    async fn command(&mut self, text: &str) -> Result<(), SqlxError> {
        match self {
            Self::Sqlite(turn) => turn.command(text).await,
            Self::Postgres(server) => server.hold(async |connection| connection.command(text).await).await,
        }
    }
}

impl Server {
    async fn hold<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut sea_orm::sqlx::PgConnection) -> Result<T, SqlxError>,
    ) -> Result<T, SqlxError> {
        let done = self.lease.hold(work).await;
        self.failed |= done.is_err();
        done
    }
}

impl Transaction {
    /// In a turn of SQLite's writer.
    pub(super) fn of_turn(turn: Turn) -> Self {
        Self { place: Mutex::new(Place::Sqlite(turn)), savepoints: 0 }
    }

    /// On a connection to PostgreSQL. One that turns out to be cut, or to lead to a server that takes no changes, is
    /// replaced once.
    pub(super) async fn on(connections: &Connections<Servers>) -> Result<Self> {
        let begin = async |lease: &mut Lease<Servers>| lease.hold(async |raw| raw.command("BEGIN").await).await;
        let mut lease = connections.lease().await?;
        if let Err(error) = begin(&mut lease).await {
            if !Fault::of(&error).ends_connection() {
                return Err(error.into());
            }
            tracing::info!(%error, "a connection to the database was lost; trying another one");
            drop(lease);
            connections.distrust();
            lease = connections.lease().await?;
            begin(&mut lease).await?;
        }
        Ok(Self { place: Mutex::new(Place::Postgres(Server { lease, failed: false })), savepoints: 0 })
    }

    /// Runs a statement and reads its rows.
    pub async fn rows(&self, statement: &Statement) -> Result<Vec<QueryResult>, SqlxError> {
        match &mut *self.place.lock().await {
            Place::Sqlite(turn) => turn.rows(statement).await,
            Place::Postgres(server) => server.hold(async |connection| connection.rows(statement).await).await,
        }
    }

    /// Runs a statement; how many rows it changed.
    pub async fn execute(&self, statement: &Statement) -> Result<u64, SqlxError> {
        match &mut *self.place.lock().await {
            Place::Sqlite(turn) => turn.execute(statement).await,
            Place::Postgres(server) => server.hold(async |connection| connection.execute(statement).await).await,
        }
    }

    /// Begins a part that can be undone by itself.
    pub async fn save(&mut self) -> Result<()> {
        self.savepoints += 1;
        let text = format!("SAVEPOINT s{}", self.savepoints);
        Ok(self.place.get_mut().command(&text).await?)
    }

    /// Ends the last part that was begun, and undoes it where it failed.
    pub async fn settle(&mut self, keep: bool) -> Result<()> {
        let n = self.savepoints;
        self.savepoints = n.saturating_sub(1);
        let text =
            if keep { format!("RELEASE SAVEPOINT s{n}") } else { format!("ROLLBACK TO s{n}; RELEASE SAVEPOINT s{n}") };
        let place = self.place.get_mut();
        place.command(&text).await?;
        if let (Place::Postgres(server), false) = (place, keep) {
            server.failed = false;
        }
        Ok(())
    }

    /// Keeps everything: returns once it is stored for good.
    pub async fn commit(self) -> Result<()> {
        match self.place.into_inner() {
            Place::Sqlite(turn) => turn.commit().await,
            Place::Postgres(server) if server.failed => {
                Err(Error::internal("a transaction in which a statement had failed was to be committed"))
            }
            Place::Postgres(Server { mut lease, .. }) => {
                match lease.run(async |connection| connection.command("COMMIT").await).await {
                    Ok(()) => Ok(()),
                    Err(error) if Fault::of(&error) == Fault::OutOfReach => {
                        tracing::error!(%error, "a commit was not confirmed");
                        Err(outcome_unknown())
                    }
                    Err(error) => Err(error.into()),
                }
            }
        }
    }

    /// Undoes everything.
    pub async fn roll_back(self) -> Result<()> {
        match self.place.into_inner() {
            Place::Sqlite(turn) => turn.roll_back().await,
            Place::Postgres(Server { mut lease, .. }) => {
                lease.run(async |connection| connection.command("ROLLBACK").await).await.map_err(Error::from)
            }
        }
    }
}
