//! Backups of a SQLite database, made while it is served, and their restoring.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sea_orm::sqlx::{self, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::NamedTempFile;

use super::migrate;
use crate::{
    clock::Clock,
    error::{Error, Result},
    store::{
        Backend,
        db::private_file::{self, InUse, beside},
    },
};

/// Copies the database at a URL, as it is at one moment, into a file that only its owner reads; answers its size.
/// What was acknowledged before this began is in it, and the file is there only when it is whole.
pub async fn backup(database: &Path, target: &Path, force: bool) -> Result<u64> {
    let cannot = |error: &dyn std::fmt::Display| cannot("write", target, error);
    if target.is_dir() {
        return Err(cannot(&"it is a folder"));
    }
    if same(database, target) {
        return Err(cannot(&"it is the database itself"));
    }
    if target.exists() && !force {
        return Err(cannot(&"it exists already; --force replaces it"));
    }
    let copy = temporary(target).map_err(|error| cannot(&error))?;
    let from = options(database).busy_timeout(Duration::from_secs(10));
    let mut connection = connect(from).await.map_err(|error| self::cannot("read", database, &error))?;
    check_tandem(&mut connection, database).await?;
    let name = copy.path().to_str().ok_or_else(|| cannot(&"its name is not text"))?.to_owned();
    sqlx::query("VACUUM INTO ?").bind(name).execute(&mut connection).await.map_err(|error| cannot(&error))?;
    connection.close().await.map_err(|error| cannot(&error))?;
    check_whole(copy.path(), target).await?;
    let size = sync(copy.path()).map_err(|error| cannot(&error))?;
    let named = if force { copy.persist(target) } else { copy.persist_noclobber(target) };
    named.map_err(|error| cannot(&error.error))?;
    private_file::sync_folder(target).map_err(|error| cannot(&error))?;
    Ok(size)
}

/// Puts a backup in the place of the database at a URL, which nobody may have open; brings it to this program's schema
/// and begins a new history of events.
pub async fn restore(database: &Path, from: &Path, clock: Arc<dyn Clock>) -> Result<()> {
    let cannot = |error: &dyn std::fmt::Display| cannot("restore", database, error);
    if same(database, from) {
        return Err(cannot(&"the backup is the database itself"));
    }
    let in_use = InUse::alone(database).map_err(|error| cannot(&error))?;
    if fs::metadata(beside(from, "-wal")).is_ok_and(|log| log.len() > 0) {
        let message = "it has a write-ahead log beside it: it is a database in use and no backup";
        return Err(self::cannot("read", from, &message));
    }
    // Everything is tried on a copy: the database stays as it is until the backup is known to be good.
    let copy = temporary(database).map_err(|error| cannot(&error))?;
    let source = File::open(from).map_err(|error| self::cannot("read", from, &error))?;
    io::copy(&mut &source, &mut copy.as_file()).map_err(|error| self::cannot("read", from, &error))?;
    check_whole(copy.path(), from).await?;
    let made_ready = make_ready(copy.path(), clock).await;
    for suffix in ["-wal", "-shm", "-lock"] {
        private_file::remove(&beside(copy.path(), suffix)).map_err(|error| cannot(&error))?;
    }
    made_ready?;
    sync(copy.path()).map_err(|error| cannot(&error))?;
    leave(database).await.map_err(|error| cannot(&error))?;
    for suffix in ["-wal", "-shm"] {
        private_file::remove(&beside(database, suffix)).map_err(|error| cannot(&error))?;
    }
    copy.persist(database).map_err(|error| cannot(&error.error))?;
    private_file::sync_folder(database).map_err(|error| cannot(&error))?;
    drop(in_use);
    Ok(())
}

/// Migrates the copy and begins a new history in it.
async fn make_ready(copy: &Path, clock: Arc<dyn Clock>) -> Result<()> {
    let backend = Backend::open(&format!("sqlite://{}", copy.display()), clock, crate::store::Nouns::NONE).await?;
    let ready = async {
        migrate::migrate(&backend).await?;
        backend.renew_history().await
    };
    let ready = ready.await;
    backend.close().await?;
    ready
}

/// Writes the log of the database that is to be replaced back into it, which SQLite does only for whoever is alone:
/// programs that know nothing of our lock are noticed here. One that cannot be read has nothing to lose.
async fn leave(database: &Path) -> Result<()> {
    if !database.exists() {
        return Ok(());
    }
    let Ok(mut connection) = connect(options(database).busy_timeout(Duration::ZERO)).await else { return Ok(()) };
    let left = sqlx::query("PRAGMA journal_mode = DELETE").execute(&mut connection).await;
    let busy = left.err().filter(|error| error.to_string().contains("locked"));
    connection.close().await.ok();
    match busy {
        Some(_) => Err(Error::internal("another program has it open")),
        None => Ok(()),
    }
}

/// Refuses a file that SQLite finds fault with, or that is no database of this program's or of an earlier version.
async fn check_whole(file: &Path, named: &Path) -> Result<()> {
    let cannot = |error: &dyn std::fmt::Display| cannot("use", named, error);
    let mut connection =
        connect(options(file).read_only(true).immutable(true)).await.map_err(|error| cannot(&error))?;
    check_tandem(&mut connection, named).await?;
    let found: String = sqlx::query_scalar("PRAGMA integrity_check(1)")
        .fetch_one(&mut connection)
        .await
        .map_err(|error| cannot(&error))?;
    let applied: Vec<String> = sqlx::query_scalar("SELECT version FROM seaql_migrations")
        .fetch_all(&mut connection)
        .await
        .map_err(|error| cannot(&error))?;
    connection.close().await.map_err(|error| cannot(&error))?;
    if found != "ok" {
        return Err(cannot(&format!("it is damaged: {found}")));
    }
    migrate::not_newer(&applied.into_iter().collect())
}

async fn check_tandem(connection: &mut SqliteConnection, named: &Path) -> Result<()> {
    let tables =
        "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('seaql_migrations', 'event', 'role')";
    let tables: i64 = sqlx::query_scalar(tables)
        .fetch_one(connection)
        .await
        .map_err(|error| cannot("use", named, &format!("it is no SQLite database ({error})")))?;
    if tables == 3 { Ok(()) } else { Err(cannot("use", named, &"it is no database of Tandem")) }
}

fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(file).create_if_missing(false)
}

async fn connect(options: SqliteConnectOptions) -> sqlx::Result<SqliteConnection> {
    SqliteConnection::connect_with(&options).await
}

/// A file in the folder of another, its owner's alone, and gone where it is not given its name.
fn temporary(target: &Path) -> io::Result<NamedTempFile> {
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    tempfile::Builder::new().prefix(".tandem-").suffix(".part").tempfile_in(folder)
}

fn sync(file: &Path) -> io::Result<u64> {
    let file = File::options().write(true).open(file)?;
    file.sync_all()?;
    Ok(file.metadata()?.len())
}

fn same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| -> Option<PathBuf> { path.canonicalize().ok() };
    real(one).is_some_and(|one| real(other) == Some(one))
}

fn cannot(what: &str, file: &Path, why: &dyn std::fmt::Display) -> Error {
    Error::internal(format!("cannot {what} {}: {why}", file.display()))
}
