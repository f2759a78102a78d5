//! Opening SQLite: how its connections are set, and keeping its write-ahead log short.

use std::{str::FromStr, sync::Arc, time::Duration};

use metrics::gauge;
use sea_orm::sqlx::{
    ConnectOptions, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use tokio::sync::Mutex;

use super::{
    Settings, file::DatabaseFile, health::Health, pool::Connections, raw::Raw, sqlite_source::SqliteSource,
    writer::Writer,
};
use crate::error::{Error, Result};

/// How long a connection waits for the file's lock, which only another program can hold. The writer tries again
/// until its own time is over.
const LOCKED: Duration = Duration::from_millis(500);

/// Readers at once: more only compete for the processor.
const READERS: u32 = 4;

/// An SQLite database.
#[derive(Debug)]
pub struct Sqlite {
    /// Reads.
    pub readers: Connections<SqliteSource>,
    /// Writes.
    pub writer: Arc<Writer>,
    /// The files.
    pub file: Arc<DatabaseFile>,
    /// Keeps the write-ahead log in its place while the others come and go, so that it stays the same file.
    anchor: Mutex<Option<SqliteConnection>>,
    /// How long the write-ahead log may grow.
    log: u64,
}

impl Sqlite {
    /// Opens the database at a path, which is made where there is none.
    pub async fn open(path: &str, settings: &Settings, health: &Arc<Health>) -> Result<Self> {
        let options = options(path);
        // Whoever starts the program can put it right, so they are told why.
        let mut anchor = options.connect().await.map_err(Error::internal)?;
        anchor.command("SELECT 1 FROM sqlite_master").await.map_err(Error::internal)?;
        let file = Arc::new(DatabaseFile::new(path));
        file.remember()?;
        let (source, wait) = (SqliteSource(options), settings.wait);
        Ok(Self {
            readers: Connections::new(source.clone(), READERS, wait)?,
            writer: Writer::new(source, (Arc::clone(&file), Arc::clone(health)), wait)?,
            file,
            anchor: Mutex::new(Some(anchor)),
            log: settings.log,
        })
    }

    /// Writes the write-ahead log back and cuts it off where it has grown long: without it, readers that follow each
    /// other closely would let it grow for ever. Writers wait meanwhile; readers that are under way are waited for.
    pub async fn shorten_log(&self) -> Result<()> {
        let length = self.file.log_length();
        #[expect(clippy::cast_precision_loss, reason = "a metric")]
        gauge!("tandem_database_wal_bytes").set(length as f64);
        if length > self.log {
            self.writer.write_log_back().await?;
            tracing::debug!(before = length, after = self.file.log_length(), "the write-ahead log was written back");
        }
        Ok(())
    }

    /// Stores something that changes nothing: whether the database can be written to.
    pub async fn probe(&self) -> Result<()> {
        self.file.must_be_there()?;
        let mut turn = self.writer.begin().await?;
        // The version is for applications; to set it to what it is writes a page all the same.
        turn.command("PRAGMA user_version = 0").await?;
        turn.commit().await
    }

    /// Waits for what runs and closes all connections; the last one takes the write-ahead log away.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
        if let Some(anchor) = self.anchor.lock().await.take() {
            Raw::close(anchor).await;
        }
    }
}

/// How every connection is set.
pub fn options(path: &str) -> SqliteConnectOptions {
    let named = SqliteConnectOptions::from_str(&format!("sqlite://{path}")).unwrap_or_default();
    named
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // Commits are flushed by the writer, one flush for all who wait; checkpoints flush by themselves.
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(true)
        .busy_timeout(LOCKED)
        .row_buffer_size(512)
        .statement_cache_capacity(256)
        // Pages come through a cache of our own size: mapped ones would count as the process's memory.
        .pragma("cache_size", "-8000")
        .pragma("temp_store", "MEMORY")
        .disable_statement_logging()
}
