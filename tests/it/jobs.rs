//! Work that outlives a request: imports that go on whatever becomes of the process, the lease under
//! which one process holds them, and everybody else who writes meanwhile.

use std::time::Duration;

use entity::Department;
use serde_json::json;
use tandem::{
    access::Purpose,
    error::Error,
    store::{
        Backend,
        jobs::{Claim, Release},
    },
};

use crate::{
    crew,
    support::world::World,
    uploads::{begin_with, ended, job, put, under_way},
};

const LEASE: Duration = Duration::from_secs(30);

const LEADS: &str =
    "resource = \"Lead\"\n[identity]\nsystem = \"crm\"\ncolumn = \"id\"\n[fields.name]\ncolumn = \"name\"\n";

fn leads(rows: usize) -> String {
    (0..rows).fold("id,name\n".to_owned(), |file, row| file + &format!("{row},Lead {row}\n"))
}

async fn enqueue(backend: &std::sync::Arc<Backend>, kind: &str) {
    let mut change = backend.as_system(Purpose::Jobs).begin().await.expect("the database answers");
    change.enqueue(kind, &json!({ "about": 1 })).await.expect("it is queued");
    change.commit().await.expect("it is kept");
}

async fn claim(backend: &std::sync::Arc<Backend>) -> Option<Claim> {
    backend.claim_job(&["probe"], LEASE).await.expect("the queue can be read")
}

async fn step(backend: &std::sync::Arc<Backend>, claim: &Claim, progress: i32) -> Result<(), Error> {
    let mut change = backend.as_system(Purpose::Jobs).begin().await?;
    change.hold_job(claim, Some(&json!(progress))).await?;
    change.commit().await
}

async fn release(backend: &std::sync::Arc<Backend>, claim: &Claim, release: Release<'_>) -> Result<(), Error> {
    let mut change = backend.as_system(Purpose::Jobs).begin().await?;
    change.release_job(claim, release).await?;
    change.commit().await
}

#[track_caller]
fn taken_over(result: Result<(), Error>) {
    let Err(Error::Input(mistakes)) = result else { panic!("{result:?}") };
    assert_eq!(mistakes[0].reason.as_deref(), Some("JOB_TAKEN_OVER"));
}

/// Waits until a statement finds no more.
async fn until_none(world: &World, sql: &str) {
    for _ in 0..10_000 {
        if crew::counted(world, sql).await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{sql} still finds some");
}

on_both_engines! {
    async fn what_is_past_its_time_is_removed_by_a_job_that_comes_round(world: World) {
        let (admin, keys) = (world.admin().await, "SELECT COUNT(*) AS found FROM idempotency_key");
        let create = "mutation { accountCreate(input: { name: \"Acme\", idempotencyKey: \"k\" }) { account { id } userErrors { code } } }";
        admin.query(create).await.expect_ok();
        assert_eq!(crew::counted(&world, keys).await, 1);
        world.clock.advance(Duration::from_hours(25));
        until_none(&world, keys).await;
        // It waits for its next turn, and so do the others that come round.
        let waiting = "SELECT COUNT(*) AS found FROM job WHERE finished_at IS NULL AND attempts = 0 AND error IS NULL AND kind IN ('expire', 'partitions', 'import-leftovers')";
        for _ in 0..1_000 {
            if crew::counted(&world, waiting).await == 3 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(crew::counted(&world, waiting).await, 3);
        // Refresh tokens follow after their 30 days.
        world.clock.advance(Duration::from_hours(31 * 24));
        until_none(&world, "SELECT COUNT(*) AS found FROM refresh_token").await;
    }

    async fn a_key_past_its_time_that_is_not_removed_yet_is_new_again(world: World) {
        let admin = world.admin().await;
        let create = |name: &str| format!("mutation {{ accountCreate(input: {{ name: \"{name}\", idempotencyKey: \"k\" }}) {{ account {{ name }} userErrors {{ code }} }} }}");
        admin.query(&create("Acme")).await.expect_ok();
        crew::behind_the_back(&world, "UPDATE idempotency_key SET created_at = created_at - 86400001").await;
        let again = admin.query(&create("Globex")).await.expect_ok();
        assert_eq!(again.data("accountCreate.account.name"), "Globex");
        let replayed = admin.query(&create("Globex")).await.expect_ok();
        assert_eq!(replayed.data("accountCreate.account.name"), "Globex");
        assert_eq!(crew::counted(&world, "SELECT COUNT(*) AS found FROM account").await, 2);
    }

    async fn of_two_processes_each_takes_jobs_of_its_own(world: World) {
        let (one, other) = (crew::backend(&world).await, crew::backend(&world).await);
        for _ in 0..12 {
            enqueue(&one, "probe").await;
        }
        let mut ids = Vec::new();
        for _ in 0..7 {
            let (first, second) = tokio::join!(claim(&one), claim(&other));
            ids.extend(first.into_iter().chain(second).map(|claim| claim.id));
        }
        let claimed = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!((claimed, ids.len()), (12, 12), "each job once");
        assert!(claim(&one).await.is_none() && claim(&other).await.is_none(), "all are held");
    }

    async fn a_lease_that_ends_gives_the_job_to_another_and_the_first_can_commit_nothing_more(world: World) {
        let (one, other) = (crew::backend(&world).await, crew::backend(&world).await);
        enqueue(&one, "probe").await;
        let first = claim(&one).await.expect("a job");
        step(&one, &first, 1).await.expect("it holds the job");
        world.clock.advance(LEASE / 2);
        assert!(one.extend_lease(&first).await.expect("the database answers"));
        world.clock.advance(LEASE / 2);
        assert!(claim(&other).await.is_none(), "the lease was extended");
        world.clock.advance(LEASE / 2);
        let second = claim(&other).await.expect("the lease has ended");
        assert_eq!((second.id, &second.progress, &second.payload), (first.id, &json!(1), &json!({ "about": 1 })));
        taken_over(step(&one, &first, 2).await);
        taken_over(release(&one, &first, Release::Ended(None)).await);
        assert!(!one.extend_lease(&first).await.expect("the database answers"));
        // Handed over, it is free at once, with what its last step noted.
        step(&other, &second, 3).await.expect("it holds the job");
        release(&other, &second, Release::HandedOver).await.expect("it holds the job");
        let third = claim(&one).await.expect("it was handed over");
        assert_eq!(third.progress, json!(3));
        release(&one, &third, Release::Ended(Some("why"))).await.expect("it holds the job");
        world.clock.advance(LEASE * 2);
        assert!(claim(&one).await.is_none(), "it has ended");
    }

    async fn the_import_of_somebody_who_was_deactivated_ends_with_a_word(world: World) {
        let admin = world.admin().await;
        let ines = crew::hire(&world, "ines@tandem.test", "admin", Department::Marketing).await;
        let (id, path) = begin_with(&ines.client, LEADS, false).await;
        assert_eq!(put(&ines.client, &path, "text/csv", leads(6_000)).await.status.as_u16(), 202);
        under_way(&ines.client, &id, 0).await;
        let leave = "mutation ($id: ID!) { userDeactivate(input: { id: $id }) { userErrors { code message } } }";
        admin.query_with(leave, json!({ "id": ines.id })).await.expect_ok();
        let ended = ended(&admin, &id).await;
        assert_eq!(ended["status"], "FAILED", "{ended}");
        assert!(ended["message"].as_str().expect("a message").contains("deactivated"), "{ended}");
        let made = crew::counted(&world, "SELECT COUNT(*) AS found FROM lead").await;
        assert_eq!(ended["created"].as_i64(), Some(made), "what was imported until then stays");
        assert!(made < 6_000);
        assert_eq!(crew::counted(&world, "SELECT COUNT(*) AS found FROM import_file").await, 0, "the file is removed");
    }

    async fn others_write_between_the_chunks_of_a_dry_run(world: World) {
        let admin = world.admin().await;
        let (id, path) = begin_with(&admin, LEADS, true).await;
        assert_eq!(put(&admin, &path, "text/csv", leads(6_000)).await.status.as_u16(), 202);
        under_way(&admin, &id, 0).await;
        let mut written = 0;
        while job(&admin, &id).await["status"] == "RUNNING" {
            let create = "mutation ($name: String!) { accountCreate(input: { name: $name }) { userErrors { code } } }";
            admin.query_with(create, json!({ "name": format!("A{written}") })).await.expect_ok();
            written += 1;
        }
        assert!(written > 3, "{written} writes while it ran");
        let ended = ended(&admin, &id).await;
        assert_eq!((&ended["status"], &ended["created"]), (&json!("DONE"), &json!(6_000)));
        assert_eq!(crew::counted(&world, "SELECT COUNT(*) AS found FROM lead").await, 0);
    }
}
