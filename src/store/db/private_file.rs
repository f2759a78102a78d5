//! The database as a file of its owner: SQLite keeps the signing key and the hashes of passwords in it.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    str::FromStr,
};

use sea_orm::sqlx::sqlite::SqliteConnectOptions;

use crate::error::{Error, Result};

/// What may be read and written by the owner alone.
#[cfg(unix)]
const PRIVATE: u32 = 0o600;

/// The file of a `sqlite:` URL, none for another one; a URL that names no file is refused.
///
/// SQLite itself takes an empty name for a file that is gone at the end, which an unset variable in
/// `sqlite://$FILE` must not become.
pub fn sqlite_file(url: &str) -> Result<Option<PathBuf>> {
    let Some(rest) = url.strip_prefix("sqlite:") else { return Ok(None) };
    let path = rest.strip_prefix("//").unwrap_or(rest);
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let refused = |why: &str| Err(Error::internal(format!("{why}; a database URL is like sqlite://tandem.db")));
    if path.trim().is_empty() {
        return refused("sqlite:// has no file name");
    }
    if path.contains(":memory:") || path.starts_with("file:") || path.contains('\0') {
        return refused("the database has to be a file: one in memory would be gone at the end");
    }
    if query.split('&').any(|option| !matches!(option, "" | "mode=rwc" | "mode=rw")) {
        return refused("of the options behind “?” only mode=rwc is taken");
    }
    let options = SqliteConnectOptions::from_str(&format!("sqlite://{path}"));
    let path = match options {
        Ok(options) => options.get_filename().to_owned(),
        Err(_) => return refused("the name of the database file cannot be read"),
    };
    if path.as_os_str().to_string_lossy().ends_with(['/', '\\']) || path.is_dir() {
        return refused("the database has to be a file, and this is a folder");
    }
    Ok(Some(path))
}

/// A file of this name beside another.
pub(in crate::store) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// That a process has a database open. The lock is on a file beside it, because closing any handle of the database
/// file itself would give SQLite's own locks back.
#[derive(Debug)]
pub(in crate::store) struct InUse {
    _lock: File,
}

impl InUse {
    /// Shared with others that use it.
    fn shared(path: &Path) -> Result<Self> {
        let lock = lock_file(path)?;
        match lock.try_lock_shared() {
            Ok(()) => Ok(Self { _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(Error::internal("it is being restored; try again")),
            Err(TryLockError::Error(error)) => Err(cannot_lock(&error)),
        }
    }

    /// Alone; refused while anybody uses it.
    pub(in crate::store) fn alone(path: &Path) -> Result<Self> {
        let lock = lock_file(path)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(Error::internal("it is in use: stop the server first")),
            Err(TryLockError::Error(error)) => Err(cannot_lock(&error)),
        }
    }
}

fn cannot_lock(error: &io::Error) -> Error {
    Error::internal(format!("its lock file cannot be locked: {error}"))
}

fn lock_file(path: &Path) -> Result<File> {
    let path = beside(path, "-lock");
    let mut options = private();
    let file = options.create(true).truncate(false).open(&path);
    file.map_err(|error| Error::internal(format!("cannot open {}: {error}", path.display())))
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, PRIVATE);
    options
}

/// Makes a SQLite database's file its owner's alone where it does not exist yet, tells of one that others may read, and
/// holds it as in use. SQLite gives its log and its index the mode of the file.
pub(in crate::store) fn prepare(url: &str) -> Result<Option<InUse>> {
    let Some(path) = sqlite_file(url)? else { return Ok(None) };
    if path.parent().is_some_and(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        // Its name may be what was meant as a password.
        return Err(Error::internal("the folder of the database does not exist"));
    }
    let in_use = InUse::shared(&path)?;
    match private().create_new(true).open(&path) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => warn_of_wide_modes(&path),
        Err(error) => return Err(Error::internal(error)),
    }
    Ok(Some(in_use))
}

/// One line of warning where others than the owner may read the database.
fn warn_of_wide_modes(path: &Path) {
    let wide: Vec<String> = ["", "-wal", "-shm"]
        .into_iter()
        .map(|suffix| beside(path, suffix))
        .filter(|file| is_wide(file))
        .map(|file| file.display().to_string())
        .collect();
    if !wide.is_empty() {
        let files = wide.join(" ");
        tracing::warn!("others may read the database, which holds the signing key: run chmod 600 {files}");
    }
}

#[cfg(unix)]
fn is_wide(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_wide(_path: &Path) -> bool {
    false
}

/// A write of a folder's list of names that survives a power cut.
pub(in crate::store) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// Removes a file, where there is one.
pub(in crate::store) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_names_no_file_is_refused() {
        for url in [
            "sqlite:",
            "sqlite://",
            "sqlite:// ",
            "sqlite://?mode=rwc",
            "sqlite::memory:",
            "sqlite://:memory:",
            "sqlite:///tmp",
            "sqlite:///tmp/",
            "sqlite://.",
            "sqlite://none/",
            "sqlite://x.db?mode=memory",
            "sqlite://x.db?mode=ro",
            "sqlite://x.db?cache=shared",
            "sqlite:file:x?mode=memory",
        ] {
            assert!(sqlite_file(url).is_err(), "{url}");
        }
        for (url, file) in [
            ("sqlite://x.db", "x.db"),
            ("sqlite:x.db?mode=rwc", "x.db"),
            ("sqlite:///a/b.db", "/a/b.db"),
            ("sqlite://a%20b.db", "a b.db"),
        ] {
            assert_eq!(sqlite_file(url).unwrap().as_deref(), Some(Path::new(file)), "{url}");
        }
        assert!(sqlite_file("postgres://localhost/x").unwrap().is_none());
    }

    #[test]
    fn who_is_alone_keeps_others_out_and_the_other_way_round() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let first = InUse::shared(&path).unwrap();
        let second = InUse::shared(&path).unwrap();
        drop(first);
        assert!(InUse::alone(&path).is_err());
        drop(second);
        let alone = InUse::alone(&path).unwrap();
        assert!(InUse::shared(&path).is_err());
        drop(alone);
        assert!(InUse::shared(&path).is_ok());
    }
}
