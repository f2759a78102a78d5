//! The files of an SQLite database: whether they are still those that were opened.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::error::{Code, Error, Result};

/// How long what was seen may be relied on by readers.
const FRESH: Duration = Duration::from_secs(1);

/// The file of a database and its write-ahead log.
#[derive(Debug)]
pub struct DatabaseFile {
    path: PathBuf,
    /// What the two were when they were opened.
    opened: Mutex<Option<[Identity; 2]>>,
    seen: Mutex<Instant>,
    moved: AtomicBool,
}

/// What a file is, whatever its name.
type Identity = (u64, u64);

impl DatabaseFile {
    /// The database at a path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            opened: Mutex::new(None),
            seen: Mutex::new(Instant::now()),
            moved: AtomicBool::new(false),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its write-ahead log.
    pub fn log(&self) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push("-wal");
        name.into()
    }

    /// How long its write-ahead log is, in bytes.
    pub fn log_length(&self) -> u64 {
        std::fs::metadata(self.log()).map_or(0, |log| log.len())
    }

    /// Remembers what the files are now, with a connection open on them.
    pub fn remember(&self) -> Result<()> {
        let now = self.identities().map_err(Error::internal)?;
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        Ok(())
    }

    /// Refuses where the database was removed, moved or replaced: what is written to a file without a name is lost.
    pub fn must_be_there(&self) -> Result<()> {
        let opened = *self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let there = opened.is_none_or(|opened| self.identities().is_ok_and(|now| now == opened));
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        if self.moved.swap(!there, Ordering::AcqRel) == there {
            if there {
                tracing::info!(path = %self.path.display(), "the database file is in its place again");
            } else {
                tracing::error!(
                    path = %self.path.display(),
                    "the database file was removed, moved or replaced; nothing is read or written until it is back or the server is started again"
                );
            }
        }
        if there { Ok(()) } else { Err(moved()) }
    }

    /// The same, looked at once a second: for reading.
    pub fn was_there(&self) -> Result<()> {
        let stale = self.seen.lock().unwrap_or_else(PoisonError::into_inner).elapsed() > FRESH;
        if stale {
            return self.must_be_there();
        }
        if self.moved.load(Ordering::Acquire) { Err(moved()) } else { Ok(()) }
    }

    fn identities(&self) -> io::Result<[Identity; 2]> {
        Ok([identity(&self.path)?, identity(&self.log())?])
    }
}

fn moved() -> Error {
    Error::refused_because(
        Code::ServiceUnavailable,
        "DATABASE_FILE_MOVED",
        "The database file was removed, moved or replaced; nothing can be read or stored.",
    )
}

#[cfg(unix)]
fn identity(path: &Path) -> io::Result<Identity> {
    use std::os::unix::fs::MetadataExt;
    let file = std::fs::metadata(path)?;
    Ok((file.dev(), file.ino()))
}

/// Elsewhere an open file cannot be moved or replaced; that it is there is all there is to see.
#[cfg(not(unix))]
fn identity(path: &Path) -> io::Result<Identity> {
    std::fs::metadata(path).map(|_| (0, 0))
}
