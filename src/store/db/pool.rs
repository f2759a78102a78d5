//! Connections on loan: whoever borrows one gives it back whole, or it is closed.
//!
//! A connection goes back to its pool only after an answered statement and outside of any transaction. One that was
//! dropped in the middle of a statement, or whose error says that the server or the file behind it is gone, is closed
//! at once, so that what it left open can never reach another request.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use deadpool::{
    Runtime,
    managed::{Manager, Metrics, Object, Pool, PoolError, QueueMode, RecycleError, RecycleResult, TimeoutType},
};
use sea_orm::{QueryResult, SqlxError, Statement};

use super::{fault::Fault, raw::Raw};
use crate::error::{Error, Result};

/// A connection that was idle for longer answers a ping before it is used again.
const IDLE: Duration = Duration::from_secs(30);

/// How long a ping may take.
const PING: Duration = Duration::from_secs(2);

/// Where connections come from.
pub trait Source: Send + Sync + 'static {
    /// What it opens.
    type Connection: Raw;

    /// Opens a connection.
    fn open(&self) -> impl Future<Output = Result<Self::Connection, SqlxError>> + Send;
}

/// A connection in a pool.
#[derive(Debug)]
pub struct Link<C> {
    connection: C,
    generation: u64,
    /// Since when it lies in the pool as it was lent; nothing while it is in use.
    idle_since: Option<Instant>,
}

/// The pool's side of a source.
#[derive(Debug)]
pub struct Keeper<S> {
    source: S,
    /// Connections of an earlier one are used no more.
    generation: AtomicU64,
}

impl<S: Source> Manager for Keeper<S> {
    type Type = Link<S::Connection>;
    type Error = SqlxError;

    async fn create(&self) -> Result<Self::Type, SqlxError> {
        let generation = self.generation.load(Ordering::Acquire);
        // Boxed: it is rare and large, and the way to it is deep.
        Ok(Link { connection: Box::pin(self.source.open()).await?, generation, idle_since: None })
    }

    async fn recycle(&self, link: &mut Self::Type, _: &Metrics) -> RecycleResult<SqlxError> {
        if link.generation != self.generation.load(Ordering::Acquire) {
            return Err(RecycleError::message("connections as old as this one have failed"));
        }
        let Some(since) = link.idle_since.take() else {
            return Err(RecycleError::message("it came back in the middle of something"));
        };
        if since.elapsed() > IDLE {
            link.connection.ping().await?;
        }
        Ok(())
    }
}

/// A bounded number of connections to one source.
#[derive(Debug)]
pub struct Connections<S: Source>(Pool<Keeper<S>>);

impl<S: Source> Connections<S> {
    /// So many at most, each request waiting for one no longer than `wait`.
    pub fn new(source: S, most: u32, wait: Duration) -> Result<Self> {
        let keeper = Keeper { source, generation: AtomicU64::new(0) };
        let pool = Pool::builder(keeper)
            .max_size(usize::try_from(most).unwrap_or(usize::MAX))
            .wait_timeout(Some(wait))
            .create_timeout(Some(wait))
            .recycle_timeout(Some(PING))
            // The one used last is the one whose statements and pages are still warm.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .build();
        pool.map(Self).map_err(Error::internal)
    }

    /// Borrows a connection.
    pub async fn lease(&self) -> Result<Lease<S>> {
        match self.0.get().await {
            Ok(object) => Ok(Lease { object: Some(object), state: State::Whole }),
            Err(error) => Err(self.error_for(error)),
        }
    }

    fn error_for(&self, error: PoolError<SqlxError>) -> Error {
        match error {
            PoolError::Backend(error) => Fault::of(&error).error_for(error),
            PoolError::Timeout(TimeoutType::Wait) => {
                let status = self.0.status();
                tracing::warn!(status.size, status.waiting, "all connections to the database are in use");
                Fault::Busy.error()
            }
            error => Fault::OutOfReach.error_for(error),
        }
    }

    /// Runs a reading statement. Where the connection turns out to be cut, another one is tried once: nothing was
    /// changed, so nothing is done twice.
    pub async fn read(&self, statement: &Statement) -> Result<Vec<QueryResult>> {
        let mut lease = self.lease().await?;
        match lease.run(async |connection| connection.rows(statement).await).await {
            Ok(rows) => return Ok(rows),
            Err(error) if Fault::of(&error) == Fault::OutOfReach => {
                tracing::info!(%error, "a connection to the database was lost; trying another one");
                drop(lease);
                self.distrust();
            }
            Err(error) => return Err(error.into()),
        }
        let mut lease = self.lease().await?;
        Ok(lease.run(async |connection| connection.rows(statement).await).await?)
    }

    /// Uses none of the connections that are open now again: the server behind them has gone or changed.
    pub fn distrust(&self) {
        self.0.manager().generation.fetch_add(1, Ordering::AcqRel);
        // Those in use are closed when they come back.
        drop(self.0.retain(|_, _| false));
    }

    /// Where the connections come from.
    pub fn source(&self) -> &S {
        &self.0.manager().source
    }

    /// Opens no more connections and closes those that are idle; those in use are closed when they come back.
    pub async fn close(&self) {
        let idle = self.0.retain(|_, _| false).removed;
        self.0.close();
        for link in idle {
            link.connection.close().await;
        }
    }
}

/// A connection on loan.
#[derive(Debug)]
pub struct Lease<S: Source> {
    object: Option<Object<Keeper<S>>>,
    state: State,
}

/// In what state a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// As it was lent.
    Whole,
    /// In a transaction, its last statement answered.
    InTransaction,
    /// In the middle of a statement, or lost.
    Broken,
}

impl<S: Source> Lease<S> {
    /// Runs one statement that leaves no transaction open.
    pub async fn run<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut S::Connection) -> Result<T, SqlxError>,
    ) -> Result<T, SqlxError> {
        self.leaving(State::Whole, work).await
    }

    /// Runs one statement that opens a transaction or goes on with one; [`Lease::run`] ends it.
    pub async fn hold<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut S::Connection) -> Result<T, SqlxError>,
    ) -> Result<T, SqlxError> {
        self.leaving(State::InTransaction, work).await
    }

    async fn leaving<T>(
        &mut self,
        state: State,
        work: impl AsyncFnOnce(&mut S::Connection) -> Result<T, SqlxError>,
    ) -> Result<T, SqlxError> {
        // What is dropped from here on until the answer is there was cut off.
        self.state = State::Broken;
        let link = self.object.as_mut().ok_or(SqlxError::PoolClosed)?;
        let done = work(&mut link.connection).await;
        if done.as_ref().err().is_none_or(|error| !Fault::of(error).ends_connection()) {
            self.state = state;
        }
        done
    }
}

impl<S: Source> Drop for Lease<S> {
    fn drop(&mut self) {
        let Some(mut object) = self.object.take() else { return };
        match (self.state, tokio::runtime::Handle::try_current()) {
            (State::Whole, _) => object.idle_since = Some(Instant::now()),
            (State::InTransaction, Ok(runtime)) => drop(runtime.spawn(async move {
                let undone = tokio::time::timeout(PING, object.connection.command("ROLLBACK")).await;
                if matches!(undone, Ok(Ok(()))) {
                    object.idle_since = Some(Instant::now());
                } else {
                    drop(Object::take(object));
                }
            })),
            _ => drop(Object::take(object)),
        }
    }
}
