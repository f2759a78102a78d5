//! SQLite's one writer: turns in the order of arrival, and one wait for the disk for all who have committed.
//!
//! SQLite lets one connection write at a time. A commit is written to the write-ahead log and can be read at once, but
//! it survives a loss of power only once the log has been flushed to the disk, which takes longer than the change
//! itself. So the next change does not wait for that: whoever has committed waits outside of the turn, one flush serves
//! all who wait, and nobody is told of success before it.
//!
//! Some errors (a full disk, say) end SQLite's transaction without a word. After any such error, and after a failed
//! commit or rollback, the connection is closed, which undoes what was not committed, and the next turn opens another.

use std::{
    fs::File,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use sea_orm::{QueryResult, SqlxError, Statement, sqlx::SqliteConnection};
use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    time::{Instant, timeout_at},
};

use super::{
    fault::{Fault, outcome_unknown},
    file::DatabaseFile,
    health::Health,
    pool::Source,
    raw::Raw,
    sqlite_source::SqliteSource,
};
use crate::error::{Error, Result};

/// The one writer.
#[derive(Debug)]
pub struct Writer {
    slot: Arc<Mutex<Option<SqliteConnection>>>,
    source: SqliteSource,
    file: Arc<DatabaseFile>,
    health: Arc<Health>,
    log: Arc<File>,
    /// How many changes were committed.
    committed: AtomicU64,
    /// How many of them are known to be on the disk. Whoever holds it flushes for all who wait.
    flushed: Mutex<u64>,
    /// Whether a flush has failed: the log may have a gap, so it is written back before anything is added to it.
    gap: AtomicBool,
    wait: Duration,
}

impl Writer {
    /// A writer whose turns are waited for no longer than `wait`.
    pub fn new(
        source: SqliteSource,
        (file, health): (Arc<DatabaseFile>, Arc<Health>),
        wait: Duration,
    ) -> Result<Arc<Self>> {
        let log = Arc::new(File::open(file.log()).map_err(Error::internal)?);
        Ok(Arc::new(Self {
            slot: Arc::default(),
            source,
            file,
            health,
            log,
            committed: AtomicU64::new(0),
            flushed: Mutex::new(0),
            gap: AtomicBool::new(false),
            wait,
        }))
    }

    /// Waits for a turn and opens a transaction.
    pub async fn begin(self: &Arc<Self>) -> Result<Turn> {
        let until = Instant::now() + self.wait;
        let Ok(slot) = timeout_at(until, Arc::clone(&self.slot).lock_owned()).await else {
            tracing::warn!("the writer was not free in time");
            return Err(Fault::Busy.error());
        };
        let mut turn = Turn { slot: Some(slot), writer: Arc::clone(self), undoing: false };
        turn.open(until).await?;
        Ok(turn)
    }

    /// Writes the write-ahead log back and cuts it off, between two turns; readers under way are waited for.
    pub async fn write_log_back(self: &Arc<Self>) -> Result<()> {
        let mut slot = Arc::clone(&self.slot).lock_owned().await;
        self.file.must_be_there()?;
        self.connect(&mut slot).await?;
        self.truncate(&mut slot).await
    }

    async fn truncate(&self, slot: &mut Option<SqliteConnection>) -> Result<()> {
        let done = command(slot, "PRAGMA wal_checkpoint(TRUNCATE)").await;
        done.map_err(|error| {
            let fault = Fault::of(&error);
            if fault.ends_connection() {
                self.health.failed(fault);
                *slot = None;
            }
            fault.error_for(error)
        })
    }

    /// Waits until all that was committed so far is on the disk.
    pub async fn flush(&self) -> Result<()> {
        let upto = self.committed.load(Ordering::Acquire);
        let mut flushed = self.flushed.lock().await;
        if *flushed >= upto {
            return Ok(());
        }
        let covered = self.committed.load(Ordering::Acquire);
        let log = Arc::clone(&self.log);
        match tokio::task::spawn_blocking(move || log.sync_data()).await {
            Ok(Ok(())) => {
                *flushed = covered;
                self.health.stored();
                Ok(())
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "what was committed could not be flushed to the disk");
                self.gap.store(true, Ordering::Release);
                self.health.failed(Fault::StorageFull);
                Err(outcome_unknown())
            }
            Err(error) => Err(Error::internal(error)),
        }
    }

    /// Waits for the turn that runs and closes the connection.
    pub async fn close(&self) {
        if let Some(connection) = self.slot.lock().await.take() {
            connection.close().await;
        }
    }

    async fn connect(&self, slot: &mut Option<SqliteConnection>) -> Result<()> {
        if slot.is_some() {
            return Ok(());
        }
        // Boxed: it is rare and large, and the way to it is deep.
        let opened = Box::pin(self.source.open()).await.map_err(|error| {
            let fault = Fault::of(&error);
            self.health.failed(fault);
            fault.error_for(error)
        })?;
        *slot = Some(opened);
        Ok(())
    }
}

async fn command(slot: &mut Option<SqliteConnection>, text: &str) -> Result<(), SqlxError> {
    slot.as_mut().ok_or(SqlxError::WorkerCrashed)?.command(text).await
}

/// A turn of the writer: one change, until it is committed or dropped.
#[derive(Debug)]
pub struct Turn {
    /// Nothing once the turn is over, or its connection was closed after a fault.
    slot: Option<OwnedMutexGuard<Option<SqliteConnection>>>,
    writer: Arc<Writer>,
    /// Whether it is being undone already; a runtime that ends drops that too.
    undoing: bool,
}

impl Turn {
    async fn open(&mut self, until: Instant) -> Result<()> {
        let writer = Arc::clone(&self.writer);
        let Some(slot) = self.slot.as_deref_mut() else { return Err(Error::internal("a turn without a writer")) };
        let ready = async {
            writer.file.must_be_there()?;
            writer.connect(slot).await?;
            if writer.gap.load(Ordering::Acquire) {
                writer.truncate(slot).await?;
                writer.gap.store(false, Ordering::Release);
            }
            Ok(())
        };
        if let Err(error) = ready.await {
            // Nothing was begun.
            self.slot = None;
            return Err(error);
        }
        loop {
            // Another program may hold the file's lock; each attempt waits for it for a moment.
            match command(slot, "BEGIN IMMEDIATE").await {
                Ok(()) => return Ok(()),
                Err(error) if Fault::of(&error) == Fault::Busy && Instant::now() < until => {}
                Err(error) => {
                    let fault = Fault::of(&error);
                    self.give_up(fault);
                    return Err(fault.error_for(error));
                }
            }
        }
    }

    fn connection(&mut self) -> Result<&mut SqliteConnection, SqlxError> {
        self.slot.as_deref_mut().and_then(Option::as_mut).ok_or(SqlxError::WorkerCrashed)
    }

    /// Runs a statement and reads its rows.
    pub async fn rows(&mut self, statement: &Statement) -> Result<Vec<QueryResult>, SqlxError> {
        let done = self.connection()?.rows(statement).await;
        self.check(done)
    }

    /// Runs a statement; how many rows it changed.
    pub async fn execute(&mut self, statement: &Statement) -> Result<u64, SqlxError> {
        let done = self.connection()?.execute(statement).await;
        self.check(done)
    }

    /// Runs commands that begin or end something; where one fails nobody knows what is open, so the connection is
    /// closed.
    pub async fn command(&mut self, text: &str) -> Result<(), SqlxError> {
        let done = self.connection()?.command(text).await;
        done.inspect_err(|error| self.give_up(Fault::of(error)))
    }

    /// Keeps the change: returns once it is on the disk.
    pub async fn commit(mut self) -> Result<()> {
        if let Err(error) = self.writer.file.must_be_there() {
            self.give_up(Fault::OutOfReach);
            return Err(error);
        }
        self.command("COMMIT").await?;
        self.writer.committed.fetch_add(1, Ordering::AcqRel);
        // The next change may begin.
        self.slot = None;
        self.writer.flush().await
    }

    /// Undoes the change.
    pub async fn roll_back(mut self) -> Result<()> {
        self.command("ROLLBACK").await?;
        self.slot = None;
        Ok(())
    }

    fn check<T>(&mut self, done: Result<T, SqlxError>) -> Result<T, SqlxError> {
        done.inspect_err(|error| {
            let fault = Fault::of(error);
            // Each but the statement's own may have ended the transaction.
            if fault != Fault::Statement {
                self.give_up(fault);
            }
        })
    }

    /// Closes the connection, which undoes what was not committed.
    fn give_up(&mut self, fault: Fault) {
        self.writer.health.failed(fault);
        if let Some(mut slot) = self.slot.take() {
            *slot = None;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(slot) = self.slot.take() else { return };
        let mut turn = Self { slot: Some(slot), writer: Arc::clone(&self.writer), undoing: true };
        match tokio::runtime::Handle::try_current() {
            // A statement that was cut off ends first.
            Ok(runtime) if !self.undoing => drop(runtime.spawn(async move {
                if let Err(error) = turn.command("ROLLBACK").await {
                    tracing::warn!(%error, "a change that was given up could not be undone; its connection is closed");
                }
                drop(turn.slot.take());
            })),
            _ => turn.give_up(Fault::OutOfReach),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::super::{Settings, sqlite::Sqlite};
    use super::*;

    /// How long each way is measured.
    const MEASURED: Duration = Duration::from_secs(3);

    /// What a commit waits for.
    #[derive(Clone, Copy, Debug)]
    enum Wait {
        /// Nothing: a loss of power takes what was acknowledged.
        Nothing,
        /// A flush of its own, inside of its turn, as `synchronous=FULL` has it.
        OwnFlush,
        /// The flush that all share who wait.
        SharedFlush,
    }

    async fn write(writer: &Arc<Writer>, wait: Wait) -> Result<()> {
        let mut turn = writer.begin().await?;
        let row = "INSERT INTO probe (name, city) VALUES (hex(randomblob(16)), hex(randomblob(8)))";
        for _ in 0..2 {
            turn.command(row).await?;
        }
        if let Wait::SharedFlush = wait {
            return turn.commit().await;
        }
        turn.command("COMMIT").await?;
        turn.slot = None;
        Ok(())
    }

    async fn committed(wait: Wait, writers: usize) -> (u32, Duration) {
        let directory = tempfile::tempdir_in(".").unwrap();
        let path = directory.path().join("probe.db");
        let database = Sqlite::open(path.to_str().unwrap(), &Settings::default(), &Arc::default()).await.unwrap();
        let writer = &database.writer;
        let mut turn = writer.begin().await.unwrap();
        turn.command("CREATE TABLE probe (id INTEGER PRIMARY KEY, name TEXT, city TEXT)").await.unwrap();
        turn.command("CREATE INDEX probe_name ON probe (name)").await.unwrap();
        turn.commit().await.unwrap();
        if let Wait::OwnFlush = wait {
            command(&mut *writer.slot.lock().await, "PRAGMA synchronous = FULL").await.unwrap();
        }
        let begun = Instant::now();
        let work = (0..writers).map(|_| async {
            let mut times = Vec::new();
            while begun.elapsed() < MEASURED {
                let sent = Instant::now();
                write(writer, wait).await.unwrap();
                times.push(sent.elapsed());
            }
            times
        });
        let mut times = join_all(work).await.concat();
        times.sort_unstable();
        database.close().await;
        let seconds = u32::try_from(MEASURED.as_secs()).unwrap();
        (u32::try_from(times.len()).unwrap() / seconds, times[times.len() / 2])
    }

    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "a measurement: cargo test --release --lib -- --ignored --nocapture a_commit_waits"]
    async fn changes_a_second_by_what_a_commit_waits_for() {
        for writers in [1, 16] {
            for wait in [Wait::Nothing, Wait::OwnFlush, Wait::SharedFlush] {
                let (rate, middle) = committed(wait, writers).await;
                println!("{writers} writers, {wait:?}: {rate} changes a second, p50 {middle:?}");
            }
        }
    }
}
