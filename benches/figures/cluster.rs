//! A throw-away Postgres server from the machine's own binaries, reached over a Unix socket.

use std::{
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::{Outcome, engine::Engine};

/// A running server; it stops when this is dropped.
pub struct Cluster {
    binaries: PathBuf,
    data: PathBuf,
    socket: tempfile::TempDir,
    account: Option<(u32, u32)>,
    child: Child,
}

impl Cluster {
    /// Starts the server, after making its data directory if need be.
    pub async fn start(directory: &Path) -> Outcome<Self> {
        let binaries = binaries().ok_or("no PostgreSQL binaries found; set TANDEM_BENCH_POSTGRES_URL")?;
        // PostgreSQL refuses to run as root.
        let account = if is_root()? { Some(postgres_account()?) } else { None };
        let data = directory.join("postgres");
        let socket = tempfile::Builder::new().prefix("tandem-bench-").tempdir()?;
        if let Some((user, group)) = account {
            chown(socket.path(), Some(user), Some(group))?;
        }
        if !data.join("PG_VERSION").exists() {
            std::fs::create_dir_all(&data)?;
            if let Some((user, group)) = account {
                chown(&data, Some(user), Some(group))?;
            }
            let mut initdb = command(&binaries.join("initdb"), account);
            initdb.arg("-D").arg(&data).args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]);
            if !initdb.stdout(Stdio::null()).status()?.success() {
                return Err("initdb failed".into());
            }
        }
        stop(&binaries, &data, account);
        let mut postgres = command(&binaries.join("postgres"), account);
        postgres.arg("-D").arg(&data).arg("-k").arg(socket.path());
        for setting in ["listen_addresses=", "shared_buffers=1GB", "max_wal_size=4GB", "log_min_messages=fatal"] {
            postgres.args(["-c", setting]);
        }
        let child = postgres.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let cluster = Self { binaries, data, socket, account, child };
        for _ in 0..600 {
            if let Ok(connection) = crate::engine::connect(Engine::Postgres, &cluster.url("postgres"), false).await {
                connection.close().await?;
                return Ok(cluster);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err("PostgreSQL did not start within a minute".into())
    }

    /// Where a database of it is.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@localhost/{database}?host={}", self.socket.path().display())
    }

    /// Its first process, the parent of all others.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        stop(&self.binaries, &self.data, self.account);
        let _ = self.child.wait();
    }
}

/// Stops the server of this data directory, if one runs: an interrupted run may have left it.
fn stop(binaries: &Path, data: &Path, account: Option<(u32, u32)>) {
    let mut stop = command(&binaries.join("pg_ctl"), account);
    stop.arg("stop").arg("-D").arg(data).args(["-m", "fast", "-w"]);
    let _ = stop.stdout(Stdio::null()).stderr(Stdio::null()).status();
}

fn command(program: &Path, account: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/");
    if let Some((user, group)) = account {
        command.uid(user).gid(group);
    }
    command
}

/// On the path, or the newest of Debian's places.
fn binaries() -> Option<PathBuf> {
    let on_path = std::env::var_os("PATH")?;
    if let Some(found) = std::env::split_paths(&on_path).find(|directory| directory.join("initdb").is_file()) {
        return Some(found);
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let newest = versions.filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())));
    newest.max().map(|(_, path)| path.join("bin"))
}

fn is_root() -> Outcome<bool> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let effective = status.lines().find_map(|line| line.strip_prefix("Uid:")?.split_whitespace().nth(1));
    Ok(effective == Some("0"))
}

fn postgres_account() -> Outcome<(u32, u32)> {
    let accounts = std::fs::read_to_string("/etc/passwd")?;
    let line = accounts.lines().find(|line| line.starts_with("postgres:")).ok_or("no user `postgres`")?;
    let mut fields = line.split(':').skip(2);
    let mut number = || fields.next().and_then(|field| field.parse().ok()).ok_or("unreadable /etc/passwd");
    Ok((number()?, number()?))
}
