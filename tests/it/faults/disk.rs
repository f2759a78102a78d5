//! A disk that is full, or takes no writes for a while.

use std::process::Command;

use reqwest::Method;
use tempfile::TempDir;

use super::{Outcome, Writers, assert_kept, create, names};
use crate::{
    command_line::{EMAIL, PASSWORD, Place, Serving, program},
    crew,
    support::{client::Client, database::Engine, scratch},
};

/// The program, serving a database at this URL; where a write beyond the limit of its files fails instead of
/// ending it.
fn serve(command: &Command, url: &str) -> Serving {
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.env("TANDEM_DATABASE_URL", url).env("TANDEM_RATE_LIMIT", "off");
    shell.env("TANDEM_ADMIN_EMAIL", EMAIL).env("TANDEM_ADMIN_PASSWORD", PASSWORD);
    shell.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped());
    Serving::start(&mut shell)
}

async fn readiness(client: &Client) -> u16 {
    client.send(client.request(Method::GET, "/health/ready")).await.status.as_u16()
}

/// Limits how long the program's files may grow, from now on: a full disk that needs no mount.
fn limit(serving: &Serving, bytes: &str) {
    let limit = format!("--fsize={bytes}:");
    let status = Command::new("prlimit").args(["--pid", &serving.id().to_string(), &limit]).status();
    assert!(status.expect("prlimit is there").success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_writes_outlive_a_disk_that_takes_none_by_turns() {
    let place = Place::new(Engine::Sqlite).await.expect("SQLite is there");
    let serving = serve(&place.command(&["serve"]), &place.url);
    let admin = serving.admin().await;
    let mut writers = Writers::start(&admin, 4);
    for _ in 0..3 {
        writers.until_acknowledged(10).await;
        limit(&serving, "0");
        writers.until_refused(20).await;
        assert_eq!(readiness(&admin).await, 503, "it is not ready while it stores nothing");
        let refused = admin.query_with(super::CREATE, serde_json::json!({ "name": "Not now" })).await;
        assert_eq!(refused.error_code(), Some("SERVICE_UNAVAILABLE"), "{refused}");
        assert_eq!(refused.error_reason(), Some("STORAGE_FULL"), "{refused}");
        let sign_in = crew::try_sign_in(&serving.client(), EMAIL, PASSWORD).await;
        assert_eq!(sign_in.error_code(), Some("SERVICE_UNAVAILABLE"), "{sign_in}");
        let metrics = admin.send(admin.request(Method::GET, "/metrics")).await;
        assert!(metrics.body.to_string().contains("tandem_database_writable 0"), "{metrics}");
        limit(&serving, "unlimited");
        writers.until_acknowledged(10).await;
        assert_eq!(readiness(&admin).await, 200, "it is ready again by itself");
    }
    let written = writers.stop().await;
    assert!(!written.refused.is_empty());
    assert_kept(&written, &names(&admin, "Written").await);
    // Of the refused change and of what is refused for other reasons nothing stays in the way of the next ones.
    limit(&serving, "0");
    assert_eq!(create(&admin, "Refused").await, Outcome::Refused("STORAGE_FULL".to_owned()));
    limit(&serving, "unlimited");
    let mistake = admin.query("mutation { accountCreate(input: { name: \"\" }) { userErrors { code } } }").await;
    assert!(!mistake.user_errors("accountCreate").is_empty(), "{mistake}");
    for n in 0..50 {
        assert_eq!(create(&admin, &format!("After {n}")).await, Outcome::Acknowledged);
    }
    drop(serving);
    let serving = serve(&place.command(&["serve"]), &place.url);
    let admin = serving.admin().await;
    assert_eq!(names(&admin, "After").await.len(), 50, "what was acknowledged is there after another start");
    assert_kept(&written, &names(&admin, "Written").await);
}

/// A small file system in memory; none where mounting is not permitted.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let directory = tempfile::tempdir_in(scratch::directory()).expect("a directory");
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"]).arg(directory.path()).output();
        if mount.is_ok_and(|output| output.status.success()) {
            return Some(Self(directory));
        }
        eprintln!("mounting is not permitted here: a full file system is not tried");
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        Command::new("umount").args(["-l"]).arg(self.0.path()).status().ok();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_writes_outlive_a_file_system_that_is_full_by_turns() {
    let Some(disk) = SmallDisk::mount() else { return };
    let url = format!("sqlite://{}", disk.0.path().join("tandem.db").display());
    let serving = serve(&program(&["serve"]), &url);
    let admin = serving.admin().await;
    let ballast = disk.0.path().join("ballast");
    let mut writers = Writers::start(&admin, 4);
    for _ in 0..3 {
        writers.until_acknowledged(10).await;
        // Written until there is no room for more.
        let full =
            Command::new("dd").args(["if=/dev/zero", "bs=4096"]).arg(format!("of={}", ballast.display())).output();
        assert!(!full.expect("dd is there").status.success());
        writers.until_refused(20).await;
        std::fs::remove_file(&ballast).expect("the ballast is there");
        writers.until_acknowledged(10).await;
    }
    let written = writers.stop().await;
    assert_kept(&written, &names(&admin, "Written").await);
    assert_eq!(readiness(&admin).await, 200);
}
