//! Imports of the program itself whose process is killed, asked to end, or not alone.

use std::{collections::BTreeSet, process::Command, time::Duration};

use serde_json::{Value, json};

use crate::{
    command_line::{PASSWORD, Place, Serving, on_an_empty_database},
    crew,
    support::{client::Client, database::Engine},
    uploads::{begin_with, ended, job, put},
};

const EMAIL: &str = "root@tandem.test";
const ROWS: usize = 6_000;
const LEADS: &str =
    "resource = \"Lead\"\n[identity]\nsystem = \"crm\"\ncolumn = \"id\"\n[fields.name]\ncolumn = \"name\"\n";

fn file(prefix: &str, rows: usize) -> String {
    (0..rows).fold("id,name\n".to_owned(), |file, row| file + &format!("{prefix}{row},{prefix}{row}\n"))
}

/// A server whose jobs stay with it for so many seconds after it is gone.
fn serve(place: &Place, lease: &str) -> Serving {
    let mut command: Command = place.command(&["serve", "--rate-limit", "off"]);
    command.env("TANDEM_ADMIN_EMAIL", EMAIL).env("TANDEM_ADMIN_PASSWORD", PASSWORD).env("TANDEM_JOB_LEASE", lease);
    Serving::start(&mut command)
}

async fn admin(serving: &Serving) -> Client {
    let answer = crew::try_sign_in(&serving.client(), EMAIL, PASSWORD).await.expect_ok();
    serving.client().with_token(crew::text(&answer, "signIn.accessToken"))
}

async fn import(client: &Client, file: String) -> String {
    let (id, path) = begin_with(client, LEADS, false).await;
    assert_eq!(put(client, &path, "text/csv", file).await.status.as_u16(), 202);
    id
}

/// How many rows are dealt with, as soon as there are some.
async fn under_way(client: &Client, id: &str) -> i64 {
    for _ in 0..10_000 {
        let job = job(client, id).await;
        if job["processed"] != 0 {
            assert_eq!(job["status"], "RUNNING", "it has ended before anybody could look");
            return job["processed"].as_i64().expect("a count");
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("{id} does not begin");
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
    assert_eq!(count("SELECT COUNT(*) AS found FROM job WHERE finished_at IS NULL").await, 0, "no job is left");
}

on_an_empty_database! {
    async fn an_import_whose_process_is_killed_is_finished_by_the_next_start(place: Place) {
        let mut serving = serve(place, "1");
        let id = import(&admin(&serving).await, file("a", ROWS)).await;
        for _ in 0..2 {
            let done = under_way(&admin(&serving).await, &id).await;
            serving.child.kill().expect("it can be killed");
            serving.child.wait().expect("it is gone");
            assert!(usize::try_from(done).expect("a count") < ROWS);
            assert_eq!(place.counted("SELECT COUNT(*) AS found FROM import_job WHERE status = 'RUNNING'").await, 1);
            serving = serve(place, "1");
        }
        let client = admin(&serving).await;
        every_row_once(place, &ended(&client, &id).await, ROWS).await;
        assert_eq!(serving.end(), Some(0));
    }

    async fn a_process_that_is_asked_to_end_hands_its_import_over_at_once(place: Place) {
        // Nobody could wait for the end of this lease.
        let serving = serve(place, "3600");
        let client = admin(&serving).await;
        let id = import(&client, file("b", ROWS)).await;
        under_way(&client, &id).await;
        assert_eq!(serving.end(), Some(0));
        let held = "SELECT COUNT(*) AS found FROM job WHERE finished_at IS NULL AND lease_until IS NULL AND attempts = 0";
        assert_eq!(place.counted(held).await, 1, "the lease is given back");
        let serving = serve(place, "3600");
        every_row_once(place, &ended(&admin(&serving).await, &id).await, ROWS).await;
    }

    async fn two_processes_share_imports_and_do_none_twice(place: Place) {
        let (one, other) = (serve(place, "30"), serve(place, "30"));
        let client = admin(&one).await;
        let mut ids = BTreeSet::new();
        for name in ["c", "d", "e", "f", "g", "h"] {
            ids.insert(import(&client, file(name, 200)).await);
        }
        let other = admin(&other).await;
        for id in &ids {
            let ended = ended(&other, id).await;
            assert_eq!((&ended["status"], &ended["created"]), (&json!("DONE"), &json!(200)), "{ended}");
        }
        let count = async |sql: &str| place.counted(sql).await;
        assert_eq!(count("SELECT COUNT(*) AS found FROM lead").await, 1_200);
        assert_eq!(count("SELECT COUNT(*) AS found FROM event WHERE subject_kind = 'Lead'").await, 1_200);
        assert_eq!(count("SELECT COUNT(*) AS found FROM import_row").await, 1_200);
    }
}
