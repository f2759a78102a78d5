//! Imports of the program itself whose process is killed, asked to end, or not alone.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    command_line::{EMAIL, PASSWORD, Place, Serving, on_an_empty_database},
    support::{client::Client, database::Engine},
    uploads::{begin_with, ended, put, under_way},
};

const ROWS: usize = 6_000;
const LEADS: &str =
    "resource = \"Lead\"\n[identity]\nsystem = \"crm\"\ncolumn = \"id\"\n[fields.name]\ncolumn = \"name\"\n";

fn file(prefix: &str, rows: usize) -> String {
    (0..rows).fold("id,name\n".to_owned(), |file, row| file + &format!("{prefix}{row},{prefix}{row}\n"))
}

async fn import(client: &Client, file: String) -> String {
    let (id, path) = begin_with(client, LEADS, false).await;
    assert_eq!(put(client, &path, "text/csv", file).await.status.as_u16(), 202);
    id
}

/// Every row has made its record, once: by the job's counts, the rows told, the records and the audit trail.
async fn every_row_once(place: &Place, ended: &Value, rows: usize) {
    let all = json!(rows);
    assert_eq!(
        (&ended["status"], &ended["rows"], &ended["processed"], &ended["created"]),
        (&json!("DONE"), &all, &all, &all)
    );
    let count = async |sql: &str| usize::try_from(place.counted(sql).await).expect("a count");
    for sql in [
        "SELECT COUNT(*) AS found FROM lead",
        "SELECT COUNT(DISTINCT name) AS found FROM lead",
        "SELECT COUNT(*) AS found FROM external_id WHERE resource = 'Lead'",
        "SELECT COUNT(*) AS found FROM event WHERE subject_kind = 'Lead'",
        "SELECT COUNT(DISTINCT record_id) AS found FROM import_row WHERE status = 'CREATED'",
    ] {
        assert_eq!(count(sql).await, rows, "{sql}");
    }
    assert_eq!(count("SELECT COUNT(*) AS found FROM import_file").await, 0, "no file is left");
    assert_eq!(
        count("SELECT COUNT(*) AS found FROM job WHERE kind IN ('import', 'user_handover') AND finished_at IS NULL")
            .await,
        0,
        "no job is left"
    );
}

on_an_empty_database! {
    async fn an_import_whose_process_is_killed_is_finished_by_the_next_start(place: Place) {
        let mut serving = place.serve("1");
        let id = import(&serving.admin().await, file("a", ROWS)).await;
        let mut done = 0;
        for _ in 0..2 {
            done = under_way(&serving.admin().await, &id, done).await;
            serving.child.kill().expect("it can be killed");
            serving.child.wait().expect("it is gone");
            assert!(usize::try_from(done).expect("a count") < ROWS);
            assert_eq!(place.counted("SELECT COUNT(*) AS found FROM import_job WHERE status = 'RUNNING'").await, 1);
            serving = place.serve("1");
        }
        let client = serving.admin().await;
        every_row_once(place, &ended(&client, &id).await, ROWS).await;
        assert_eq!(serving.end(), Some(0));
    }

    async fn a_process_that_is_asked_to_end_hands_its_import_over_at_once(place: Place) {
        // Nobody could wait for the end of this lease.
        let serving = place.serve("3600");
        let client = serving.admin().await;
        let id = import(&client, file("b", ROWS)).await;
        under_way(&client, &id, 0).await;
        assert_eq!(serving.end(), Some(0));
        let held = "SELECT COUNT(*) AS found FROM job WHERE kind IN ('import', 'user_handover') AND finished_at IS NULL AND lease_until IS NULL AND attempts = 0";
        assert_eq!(place.counted(held).await, 1, "the lease is given back");
        let serving = place.serve("3600");
        every_row_once(place, &ended(&serving.admin().await, &id).await, ROWS).await;
    }

    async fn two_processes_share_imports_and_do_none_twice(place: Place) {
        let (one, other) = (place.serve("30"), place.serve("30"));
        let client = one.admin().await;
        let mut ids = BTreeSet::new();
        for name in ["c", "d", "e", "f", "g", "h"] {
            ids.insert(import(&client, file(name, 200)).await);
        }
        let other = other.admin().await;
        for id in &ids {
            let ended = ended(&other, id).await;
            assert_eq!((&ended["status"], &ended["created"]), (&json!("DONE"), &json!(200)), "{ended}");
        }
        let count = async |sql: &str| place.counted(sql).await;
        assert_eq!(count("SELECT COUNT(*) AS found FROM lead").await, 1_200);
        assert_eq!(count("SELECT COUNT(*) AS found FROM event WHERE subject_kind = 'Lead'").await, 1_200);
        assert_eq!(count("SELECT COUNT(*) AS found FROM import_row").await, 1_200);
    }

    async fn a_process_that_works_does_the_jobs_of_one_that_only_serves(place: Place) {
        let mut command = place.command(&["serve", "--rate-limit", "off", "--jobs", "false"]);
        command.env("TANDEM_ADMIN_EMAIL", EMAIL).env("TANDEM_ADMIN_PASSWORD", PASSWORD);
        let serving = Serving::start(&mut command);
        let client = serving.admin().await;
        let id = import(&client, file("w", 300)).await;
        let mut working = place.command(&["work", "--job-lease", "5"]).spawn().expect("the program starts");
        every_row_once(place, &ended(&client, &id).await, 300).await;
        let asked = std::process::Command::new("kill").args(["-TERM", &working.id().to_string()]).status().expect("kill is there");
        assert!(asked.success());
        assert_eq!(working.wait().expect("it ends").code(), Some(0));
        // Without one, jobs wait.
        let waits = import(&client, file("x", 3)).await;
        assert_eq!(place.counted("SELECT COUNT(*) AS found FROM job WHERE kind = 'import' AND finished_at IS NULL AND attempts = 0").await, 1);
        let mut working = place.command(&["work"]).spawn().expect("the program starts");
        assert_eq!(ended(&client, &waits).await["created"], 3);
        working.kill().expect("it can be killed");
        working.wait().expect("it is gone");
    }
}
