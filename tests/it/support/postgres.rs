//! A throw-away PostgreSQL, made of the machine's own binaries and gone after the last test process.
//!
//! Processes of one build share a server (`cargo test` is one process, nextest one per test): a
//! lock file in the target directory is held shared by those who use it, and the watchdog that
//! stops the server must hold it alone. The kernel gives locks back however a process ends.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::Write,
    os::unix::{
        fs::{MetadataExt, chown},
        net::UnixStream,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use reqwest::Url;

use super::scratch;

/// The variable that names a server to use instead of a throw-away one.
const GIVEN: &str = "TANDEM_TEST_POSTGRES_URL";
const SOCKET: &str = ".s.PGSQL.5432";

/// Durability is what a test does not need; autovacuum would run into templates being copied.
const SETTINGS: &str = "listen_addresses = ''
port = 5432
max_connections = 200
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
wal_level = minimal
max_wal_senders = 0
min_wal_size = 32MB
max_wal_size = 128MB
";

/// Stops the server and removes its directory once nobody holds the lock. Under nextest the gap
/// between two tests is not the end of the run.
const STOP: &str = r#"
[ -z "$NEXTEST" ] || sleep 10
exec 9>>"$1"
flock -x 9
if pid=$(head -n 1 "$2/data/postmaster.pid"); then
    kill -QUIT "$pid"
    tries=0
    while [ -e "$2/data/postmaster.pid" ] && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
fi
rm -rf "$2"
"#;

/// The server that tests use, started by the first who asks; none where the machine has none.
///
/// # Errors
/// When a server that ought to be there cannot be started, and where `CI=true` and there is none:
/// a run that counts must not leave out half of its tests.
pub fn server() -> Result<Option<Url>, String> {
    static SERVER: OnceLock<Result<Option<Lease>, String>> = OnceLock::new();
    let lease = SERVER.get_or_init(find).as_ref().map_err(Clone::clone)?;
    Ok(lease.as_ref().map(|lease| lease.url.clone()))
}

/// The use of a server, for as long as this process lives.
struct Lease {
    url: Url,
    _held: Option<(File, Option<Child>)>,
}

/// A cluster of one test's own, stopped and removed after this process.
pub struct Another {
    /// Its database.
    pub url: Url,
    _watchdog: Child,
}

/// Another cluster than that of the tests; none, with a word, where the machine has no programs for it.
pub fn another() -> Option<Another> {
    let there = |program: &&str| Command::new(program).arg("--version").stdout(Stdio::null()).status().is_ok();
    let binaries = binaries().filter(|_| ["pg_dump", "psql"].iter().all(there));
    let Some(binaries) = binaries else {
        std::io::stderr().write_all(b"\nNo pg_dump: what needs a second cluster is not tested.\n").ok();
        return None;
    };
    let directory = scratch::new_directory().expect("a directory");
    let watchdog = scratch::after_this_process(STOP, &[&directory.join("lock"), &directory]).expect("a shell");
    start(&binaries, &directory).unwrap_or_else(|error| panic!("{error}"));
    Some(Another { url: url(&directory).expect("a URL"), _watchdog: watchdog })
}

fn find() -> Result<Option<Lease>, String> {
    if let Ok(url) = std::env::var(GIVEN) {
        let url = Url::parse(&url).map_err(|error| format!("{GIVEN} is not a URL: {error}"))?;
        return Ok(Some(Lease { url, _held: None }));
    }
    if let Some(binaries) = binaries() {
        return share(&binaries).map(Some);
    }
    let missing = format!("no initdb and pg_ctl on PATH or in /usr/lib/postgresql/*/bin, and no {GIVEN}");
    if std::env::var("CI").is_ok_and(|ci| ci == "true") {
        return Err(format!("{missing}; with CI=true the tests need both engines"));
    }
    // Past libtest, which keeps the output of tests that pass.
    let line = format!("\nSQLite alone: {missing}. Tests named ::postgres do nothing.\n");
    std::io::stderr().write_all(line.as_bytes()).map_err(|error| error.to_string())?;
    Ok(None)
}

/// The directory of `initdb` and `pg_ctl`: on PATH, else the newest that Debian has.
fn binaries() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut debian: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|version| {
            let version = version.ok()?;
            Some((version.file_name().to_str()?.parse().ok()?, version.path().join("bin")))
        })
        .collect();
    debian.sort_unstable_by(|a, b| b.cmp(a));
    std::env::split_paths(&path)
        .chain(debian.into_iter().map(|(_, bin)| bin))
        .find(|bin| bin.join("initdb").is_file() && bin.join("pg_ctl").is_file())
}

/// Joins the server of this build, or starts it.
fn share(binaries: &Path) -> Result<Lease, String> {
    let told = |error: std::io::Error| error.to_string();
    let home = Path::new(env!("CARGO_TARGET_TMPDIR"));
    fs::create_dir_all(home).map_err(told)?;
    let lock_path = home.join("postgres.lock");
    let whereabouts = home.join("postgres.directory");
    let lock = File::options().create(true).append(true).open(&lock_path).map_err(told)?;
    let running = || {
        let directory = PathBuf::from(fs::read_to_string(&whereabouts).ok()?);
        UnixStream::connect(directory.join(SOCKET)).is_ok().then_some(directory)
    };
    let mut watchdog = None;
    loop {
        lock.lock_shared().map_err(told)?;
        if let Some(directory) = running() {
            return Ok(Lease { url: url(&directory)?, _held: Some((lock, watchdog)) });
        }
        lock.unlock().map_err(told)?;
        lock.lock().map_err(told)?;
        if running().is_none() {
            let directory = scratch::new_directory().map_err(told)?;
            watchdog = Some(scratch::after_this_process(STOP, &[&lock_path, &directory]).map_err(told)?);
            start(binaries, &directory)?;
            fs::write(&whereabouts, directory.as_os_str().as_encoded_bytes()).map_err(told)?;
        }
        // Another may take the lock before we share it; our watchdog cannot, while we live.
        lock.unlock().map_err(told)?;
    }
}

fn url(directory: &Path) -> Result<Url, String> {
    let mut url = Url::parse("postgres://postgres@localhost/postgres").map_err(|error| error.to_string())?;
    url.query_pairs_mut().append_pair("host", &directory.to_string_lossy());
    Ok(url)
}

fn start(binaries: &Path, directory: &Path) -> Result<(), String> {
    let told = |error: std::io::Error| error.to_string();
    let root = fs::metadata(directory).map_err(told)?.uid() == 0;
    if root {
        // PostgreSQL refuses to run as root.
        chown(directory, Some(postgres_id("-u")?), Some(postgres_id("-g")?)).map_err(told)?;
    }
    let run = |program: &str, arguments: &[&OsStr]| {
        let output = File::options().create(true).append(true).open(directory.join("log")).map_err(told)?;
        let mut command =
            if root { as_postgres(&binaries.join(program))? } else { Command::new(binaries.join(program)) };
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"PG")) {
            command.env_remove(name);
        }
        let status = command
            .args(arguments)
            .current_dir(directory)
            .env("HOME", directory)
            .stdin(Stdio::null())
            .stdout(output.try_clone().map_err(told)?)
            .stderr(output)
            .status()
            .map_err(told)?;
        if status.success() {
            return Ok(());
        }
        let log = fs::read_to_string(directory.join("log")).unwrap_or_default();
        Err(format!("{program} ended with {status}:\n{log}"))
    };
    let data = directory.join("data");
    let data = data.as_os_str();
    let log = directory.join("server.log");
    let initdb = |more: &[&str]| {
        let fixed = ["--username=postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--pgdata"];
        let arguments: Vec<&OsStr> = more.iter().chain(&fixed).map(OsStr::new).chain([data]).collect();
        run("initdb", &arguments)
    };
    // A default order unlike SQLite's shows where a statement forgot to name its own; ICU came with 15.
    initdb(&["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"])
        .or_else(|_| initdb(&["--locale=C"]))?;
    File::options()
        .append(true)
        .open(Path::new(data).join("postgresql.conf"))
        .and_then(|mut file| writeln!(file, "{SETTINGS}unix_socket_directories = '{}'", directory.display()))
        .map_err(told)?;
    run("pg_ctl", &["start".as_ref(), "-w".as_ref(), "-D".as_ref(), data, "-l".as_ref(), log.as_os_str()])
        .map_err(|error| format!("{error}\n{}", fs::read_to_string(&log).unwrap_or_default()))
}

fn postgres_id(which: &str) -> Result<u32, String> {
    let output = Command::new("id").args([which, "postgres"]).output().map_err(|error| error.to_string())?;
    String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .map_err(|_| "PostgreSQL does not run as root, and there is no user postgres".to_owned())
}

/// A command that gives up root for the user postgres, by whichever tool the machine has.
fn as_postgres(program: &Path) -> Result<Command, String> {
    const WAYS: [(&str, &[&str]); 3] = [
        ("setpriv", &["--reuid=postgres", "--regid=postgres", "--init-groups", "--"]),
        ("runuser", &["-u", "postgres", "--"]),
        ("su", &["-s", "/bin/sh", "-c", r#"exec "$0" "$@""#, "--", "postgres"]),
    ];
    for (tool, arguments) in WAYS {
        if Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok() {
            let mut command = Command::new(tool);
            command.args(arguments).arg(program);
            return Ok(command);
        }
    }
    Err("root can be given up neither by setpriv nor by runuser nor by su".to_owned())
}
