//! Backups of a database that is served, and what is restored from them.

use std::{
    collections::HashSet,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use sea_orm::sqlx::{self, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use serde_json::json;

use super::{admin_at, cursor_of, follow, lost, next_account};
use crate::{
    command_line::{fine, program, refused},
    shared::create,
    support::{database::Engine, tandem::start_server, world::World},
};

fn file(world: &World) -> PathBuf {
    world.database_url.trim_start_matches("sqlite://").trim_end_matches("?mode=rwc").into()
}

fn url(file: &Path) -> String {
    format!("sqlite://{}", file.display())
}

fn command(database: &Path, arguments: &[&str]) -> Command {
    let mut command = program(arguments);
    command.env("TANDEM_DATABASE_URL", url(database));
    command
}

fn mode(file: &Path) -> u32 {
    std::fs::metadata(file).expect("it is there").permissions().mode() & 0o777
}

async fn sql(file: &Path, sql: &'static str) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await.expect("it opens");
    sqlx::raw_sql(sql).execute(&mut connection).await.expect("the statement holds");
    connection
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_writers_has_all_that_was_acknowledged_before_it() {
    World::run(Engine::Sqlite, |world| async move {
        let admin = world.admin().await;
        let acknowledged = Arc::new(Mutex::new(HashSet::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let (admin, acknowledged, stop) = (admin.clone(), acknowledged.clone(), stop.clone());
                tokio::spawn(async move {
                    for n in 0.. {
                        if stop.load(Ordering::SeqCst) {
                            break;
                        }
                        let name = format!("W{writer} {n}");
                        create(&admin, "account", json!({ "name": name })).await;
                        acknowledged.lock().unwrap().insert(name);
                    }
                })
            })
            .collect();
        while acknowledged.lock().unwrap().len() < 40 {
            tokio::task::yield_now().await;
        }
        let before = acknowledged.lock().unwrap().clone();
        let target = file(&world).with_file_name("backup.db");
        let name = target.to_str().unwrap();
        let mut backup = command(&file(&world), &["backup", name]);
        let told = tokio::task::spawn_blocking(move || fine(&mut backup)).await.unwrap();
        assert!(told.contains("bytes written to"), "{told}");
        stop.store(true, Ordering::SeqCst);
        for writer in writers {
            writer.await.unwrap();
        }
        let mut connection = sql(&target, "SELECT 1").await;
        let names: Vec<String> =
            sqlx::query_scalar("SELECT name FROM account").fetch_all(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        let names: HashSet<String> = names.into_iter().collect();
        assert!(before.is_subset(&names), "{} of {} are missing", before.difference(&names).count(), before.len());
        assert!(names.is_subset(&*acknowledged.lock().unwrap()), "nothing else is in it");
        assert_eq!(mode(&target), 0o600);
        refused(&mut command(&file(&world), &["backup", name]), "--force");
        fine(&mut command(&file(&world), &["backup", "--force", name]));
        refused(&mut command(&file(&world), &["backup", "--force", file(&world).to_str().unwrap()]), "itself");
        refused(&mut command(&file(&world), &["backup", "/no/such/folder/x.db"]), "cannot write");
        let left = std::fs::read_dir(target.parent().unwrap()).unwrap();
        let left = left.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains(".part"));
        assert_eq!(left.count(), 0, "nothing unfinished stays");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_database_is_served_and_a_cursor_of_what_was_lost_is_refused_for_good() {
    World::run(Engine::Sqlite, |world| async move {
        let admin = world.admin().await;
        create(&admin, "account", json!({ "name": "Kept" })).await;
        let kept = cursor_of(&mut follow(&admin, "ev_0_0").await, "Kept").await;
        let (backup, database) = (file(&world).with_file_name("backup.db"), file(&world).with_file_name("other.db"));
        let name = backup.to_str().unwrap();
        fine(&mut command(&file(&world), &["backup", name]));
        create(&admin, "account", json!({ "name": "Lost" })).await;
        let beyond = cursor_of(&mut follow(&admin, &kept).await, "Lost").await;
        refused(&mut command(&file(&world), &["restore", name]), "in use");
        fine(&mut command(&database, &["restore", name]));
        for _ in 0..2 {
            assert_eq!(mode(&database), 0o600);
            let server = start_server(&url(&database), world.clock.clone(), None).await;
            let admin = admin_at(server.address).await;
            lost(&admin, &beyond).await;
            for name in ["New", "Newer"] {
                create(&admin, "account", json!({ "name": name })).await;
            }
            lost(&admin, &beyond).await;
            let found = admin.query("{ accounts(orderBy: [{ field: NAME }]) { nodes { name } } }").await.expect_ok();
            let expected = json!([{ "name": "Kept" }, { "name": "New" }, { "name": "Newer" }]);
            assert_eq!(found.data("accounts.nodes"), &expected);
            assert_eq!(next_account(&mut follow(&admin, &kept).await).await, "New");
            refused(&mut command(&database, &["restore", name]), "in use");
            server.stop().await;
            // Again, over the one that was written to.
            fine(&mut command(&database, &["restore", name]));
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_no_backup_is_refused_and_the_database_stays() {
    let folder = tempfile::tempdir_in(crate::support::scratch::directory()).unwrap();
    let at = |name: &str| folder.path().join(name);
    let database = at("tandem.db");
    fine(&mut command(&database, &["migrate"]));
    let restore = |file: &str| command(&database, &["restore", at(file).to_str().unwrap()]);
    std::fs::write(at("junk"), "not a database, not at all").unwrap();
    std::fs::write(at("empty"), "").unwrap();
    sql(&at("foreign"), "CREATE TABLE t (x)").await.close().await.unwrap();
    fine(&mut command(&database, &["backup", at("newer").to_str().unwrap()]));
    let later = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m29991231_000001_tomorrow', 0)";
    sql(&at("newer"), later).await.close().await.unwrap();
    fine(&mut command(&database, &["backup", at("cut").to_str().unwrap()]));
    let whole = std::fs::read(at("cut")).unwrap();
    std::fs::write(at("cut"), &whole[..whole.len() / 2]).unwrap();
    let was = std::fs::read(&database).unwrap();
    refused(&mut restore("missing"), "cannot read");
    for file in ["junk", "empty", "foreign", "cut"] {
        refused(&mut restore(file), "cannot use");
    }
    refused(&mut restore("newer"), "newer");
    refused(&mut restore("tandem.db"), "itself");
    assert!(std::fs::read(&database).unwrap() == was, "the database was changed");
    // A program that does not know of Tandem's lock has it open.
    fine(&mut command(&database, &["backup", at("good").to_str().unwrap()]));
    let other = sql(&database, "SELECT count(*) FROM role").await;
    refused(&mut restore("good"), "another program");
    other.close().await.unwrap();
    fine(&mut restore("good"));
}
