//! The commands' refusals, and whose files they make.

use std::{os::unix::fs::PermissionsExt, path::Path};

use crate::{
    command_line::{fine, program, refused, told},
    support::scratch,
};

fn mode(file: &Path) -> u32 {
    std::fs::metadata(file).expect("it is there").permissions().mode() & 0o777
}

#[test]
fn a_command_that_makes_nothing_new_makes_no_database_of_a_mistyped_name() {
    let folder = tempfile::tempdir_in(scratch::directory()).unwrap();
    let url = format!("sqlite://{}/typo.db", folder.path().display());
    for arguments in [
        &["user", "list"][..],
        &["user", "set-password", "a@b.example"],
        &["export", "audit", "--as", "a@b.example"],
        &["import", "--as", "a@b.example", "--map", "m.toml", "d.csv"],
        &["backup", "copy.db"],
    ] {
        let mut command = program(arguments);
        command.env("TANDEM_DATABASE_URL", &url).env("TANDEM_PASSWORD", "correct horse battery staple");
        refused(&mut command, "there is no database");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{arguments:?}");
    }
}

#[test]
fn a_database_that_would_be_gone_at_the_end_is_refused() {
    for url in ["sqlite://", "sqlite:", "sqlite::memory:", "sqlite:///tmp", "sqlite://x/", "sqlite://x.db?mode=memory"]
    {
        for command in ["serve", "migrate"] {
            let mut command = program(&[command]);
            refused(command.env("TANDEM_DATABASE_URL", url).env("TANDEM_LISTEN", "127.0.0.1:0"), "sqlite://tandem.db");
        }
    }
}

#[test]
fn no_password_of_a_malformed_url_is_told() {
    for url in [
        "postgres:/u:sekret@127.0.0.1/x",
        "postgresql//u:sekret@h/x",
        "mysql://u:sekret@h/x",
        "postgres://u:sekret@[::1/x",
        "postgres://u:sekret@h:port/x",
        "postgres://u:12/sekret@h:port/x",
        "Postgres://u:sekret@h/x",
        "sqlite://u:sekret@h/x",
    ] {
        let output = program(&["migrate"]).env("TANDEM_DATABASE_URL", url).output().unwrap();
        assert!(!output.status.success());
        assert!(!told(&output).contains("sekret"), "{url}: {}", told(&output));
    }
}

#[test]
fn the_database_is_its_owners_alone_and_a_wider_mode_is_told() {
    let folder = tempfile::tempdir_in(scratch::directory()).unwrap();
    let file = folder.path().join("tandem.db");
    let migrate = || {
        let mut command = program(&["migrate"]);
        command.env("TANDEM_DATABASE_URL", format!("sqlite://{}", file.display()));
        command
    };
    let umask = std::process::Command::new("sh")
        .args(["-c", "umask 022; exec \"$0\" migrate", env!("CARGO_BIN_EXE_tandem")])
        .env("TANDEM_DATABASE_URL", format!("sqlite://{}", file.display()))
        .output()
        .unwrap();
    assert!(umask.status.success(), "{}", told(&umask));
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        assert_eq!(mode(&entry.as_ref().unwrap().path()), 0o600, "{entry:?}");
    }
    assert!(!told(&migrate().output().unwrap()).contains("chmod"));
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
    let output = migrate().output().unwrap();
    let lines = told(&output).lines().filter(|line| line.contains("chmod 600") && line.contains("tandem.db")).count();
    assert!(output.status.success() && lines == 1, "{}", told(&output));
}

#[test]
fn a_single_address_is_a_trusted_proxy() {
    let serve = |proxies: &str| {
        let mut command = program(&["serve", "--listen", "127.0.0.1:0", "--trusted-proxies", proxies]);
        command.env("TANDEM_DATABASE_URL", "sqlite:///no/such/folder/x.db");
        command
    };
    refused(&mut serve("127.0.0.1,::1,10.0.0.0/8"), "does not exist");
    assert!(told(&serve("localhost").output().unwrap()).contains("must be addresses like 127.0.0.1"));
}

#[test]
fn health_says_why_it_fails() {
    refused(&mut program(&["health", "--url", "http://127.0.0.1:1/health/ready"]), "is not ready");
    refused(&mut program(&["health", "--url", "https://127.0.0.1:1/"]), "http://");
}

#[test]
fn for_postgresql_the_command_to_use_is_told() {
    for (arguments, how) in [(["backup", "x"], "pg_dump"), (["restore", "x"], "pg_restore")] {
        let mut command = program(&arguments);
        command.env("TANDEM_DATABASE_URL", "postgres://u:sekret@127.0.0.1:1/x");
        refused(&mut command, how);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(!told(&output).contains("sekret"));
    }
}

#[test]
fn text_of_a_file_reaches_no_terminal_raw() {
    let folder = tempfile::tempdir_in(scratch::directory()).unwrap();
    let url = format!("sqlite://{}/tandem.db", folder.path().display());
    let command = |arguments: &[&str]| {
        let mut command = program(arguments);
        command.env("TANDEM_DATABASE_URL", &url).env("TANDEM_PASSWORD", "correct horse battery staple");
        command
    };
    let create = ["user", "create", "ann@tandem.test", "--role", "admin", "--name", "Ann"];
    fine(&mut command(&create));
    let (map, data) = (folder.path().join("map.toml"), folder.path().join("data.csv"));
    std::fs::write(&map, "kind = \"\\u001B]0;owned\\u0007\\u001B[2J\"\n").unwrap();
    std::fs::write(&data, "name\nx\n").unwrap();
    let output =
        command(&["import", "--as", "ann@tandem.test", "--map", map.to_str().unwrap(), data.to_str().unwrap()])
            .output()
            .unwrap();
    assert!(!output.status.success());
    let all = [output.stdout, output.stderr].concat();
    assert!(!all.iter().any(|byte| byte.is_ascii_control() && *byte != b'\n'), "{}", String::from_utf8_lossy(&all));
}
