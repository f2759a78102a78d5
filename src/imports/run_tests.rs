//! Imports against a database: what is made, refused, resumed, and left alone.

mod rights;
mod trial;

use std::{
    future::{Future, poll_fn},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
};

use async_graphql::Request;
use entity::{
    Department, Instant, Kind, Record, UserStatus, account, account_domain, persona, role, role_assignment, user,
};
use serde_json::{Value as Json, json};

use super::{save::Saver, *};
use crate::{
    access::{Action, Actor, FieldRule, Grant, Policy, Purpose, Reach},
    api::{self, NOUNS},
    clock::ManualClock,
    deals::seed,
    error::{Error, UserCode},
    store::{self, Backend, Draft, JobRow, Store},
};

struct Desk {
    backend: Arc<Backend>,
    clock: Arc<ManualClock>,
    admin: Store,
    _folder: tempfile::TempDir,
}

async fn person(backend: &Arc<Backend>, name: &str, role: &str) -> Store {
    let mut change = backend.as_system(Purpose::CommandLine).begin().await.unwrap();
    let mut draft = Draft::default();
    let table = user::Entity::table();
    draft.set(table, "name", name);
    draft.set(table, "email", format!("{name}@tandem.example"));
    draft.set(table, "department", Department::Marketing.as_str());
    draft.set(table, "status", UserStatus::Active.as_str());
    let user = change.create::<user::Entity>(draft).await.unwrap();
    let role = change.unscoped_rows::<role::Entity>("key", role).await.unwrap().remove(0);
    let mut draft = Draft::default();
    draft.set(role_assignment::Entity::table(), "role_id", role.id);
    draft.set(role_assignment::Entity::table(), "user_id", user.id);
    change.create::<role_assignment::Entity>(draft).await.unwrap();
    change.commit().await.unwrap();
    let known = backend.known(user.id, None).await.unwrap();
    backend.store(Actor::person(user.id, None, known.department, known.policy), None)
}

impl Desk {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Instant::parse("2026-11-21T09:00:00Z").unwrap()));
        let url = format!("sqlite://{}", folder.path().join("tandem.db").display());
        let backend = Backend::open(&url, clock.clone(), NOUNS).await.unwrap();
        store::migrate(&backend).await.unwrap();
        seed::default_pipeline(&backend).await.unwrap();
        let admin = person(&backend, "ada", "admin").await;
        Self { backend, clock, admin, _folder: folder }
    }

    async fn import(&self, map: &str, data: &str) -> Summary {
        let summary = run(&self.admin, &Map::parse(map, NOUNS).unwrap(), data.to_owned().into(), small(false), |_| {})
            .await
            .unwrap();
        self.clock.advance(std::time::Duration::from_mins(1));
        summary
    }

    async fn ask(&self, store: &Store, document: &str, variables: Json) -> Json {
        let request =
            Request::new(document).variables(async_graphql::Variables::from_json(variables)).data(store.clone());
        let response = api::strict().execute(request).await;
        json!({ "data": plain(response.data), "errors": response.errors })
    }

    /// All leads and the number of all events, to compare before and after.
    async fn state(&self) -> Json {
        let leads = "{ leads(first: 200, orderBy: [{ field: NAME }]) { nodes { name stage source version updatedAt owner { name } } } audit { totalCount } }";
        self.ask(&self.admin, leads, json!({})).await
    }
}

/// An answer's data, records written out.
fn plain(value: async_graphql::Value) -> Json {
    match value {
        async_graphql::Value::Binary(json) => serde_json::from_slice(&json).unwrap(),
        async_graphql::Value::List(list) => list.into_iter().map(plain).collect(),
        async_graphql::Value::Object(object) => {
            object.into_iter().map(|(name, value)| (name.to_string(), plain(value))).collect()
        }
        other => other.into_json().unwrap(),
    }
}

/// Three rows to a chunk, so that a small file has several.
fn small(dry_run: bool) -> Options {
    Options { chunk: 3, dry_run, ..Options::new("leads.csv") }
}

fn counts(summary: &Summary) -> [i32; 5] {
    [summary.processed, summary.created, summary.updated, summary.unchanged, summary.failed]
}

const LEADS: &str = r#"
resource = "Lead"
time_zone = "UTC"
[identity]
system = "crm"
column = "id"
[fields.name]
template = "Lead {id}"
[fields.stage]
value = "MQL"
once = true
[fields.source]
column = "origin"
[fields.receivedAt]
column = "date"
format = "%Y-%m-%d"
[links.owner]
system = "crm"
column = "rep"
create = { name = "Rep {rep}", department = "SALES" }
"#;

const ROWS: &str = "id,date,origin,rep\na,2026-01-01,web,r1\nb,2026-01-02,,r2\nc,2026-01-03,unknown,r1\nd,2026-13-04,web,r1\ne,2026-01-05,web,r2\n";

#[tokio::test]
async fn rows_become_records_and_a_second_run_changes_nothing() {
    let desk = Desk::open().await;
    let first = desk.import(LEADS, ROWS).await;
    assert_eq!(counts(&first), [5, 4, 0, 0, 1]);
    assert!(
        first.refusals.len() == 1 && first.refusals[0].0 == 5 && first.refusals[0].1.contains("2026-13-04"),
        "{first}"
    );
    let after = desk.state().await;
    let leads = &after["data"]["leads"]["nodes"];
    assert_eq!(
        (&leads[0]["source"], &leads[1]["source"], &leads[2]["source"]),
        (&json!("web"), &Json::Null, &json!("unknown"))
    );
    assert_eq!((&leads[0]["owner"]["name"], &leads[1]["owner"]["name"]), (&json!("Rep r1"), &json!("Rep r2")));
    assert_eq!(leads[0]["stage"], "MQL");
    let second = desk.import(LEADS, ROWS).await;
    assert_eq!(counts(&second), [5, 0, 0, 4, 1]);
    assert!(second.job != first.job && second.resumed == 0);
    assert_eq!(desk.state().await, after);
}

#[tokio::test]
async fn what_a_row_says_anew_changes_its_record_and_what_is_for_new_ones_does_not() {
    let desk = Desk::open().await;
    desk.import(LEADS, ROWS).await;
    let moved = LEADS.replace("value = \"MQL\"", "value = \"SAL\"");
    let summary = desk.import(&moved, &ROWS.replace("unknown", "email")).await;
    assert_eq!(counts(&summary), [5, 0, 1, 3, 1]);
    let leads = &desk.state().await["data"]["leads"]["nodes"];
    assert_eq!(
        (&leads[2]["source"], &leads[2]["stage"], &leads[2]["version"]),
        (&json!("email"), &json!("MQL"), &json!(2))
    );
    assert_eq!(leads[0]["version"], 1);
}

#[tokio::test]
async fn a_dry_run_changes_nothing_and_foretells_the_real_one() {
    let desk = Desk::open().await;
    // The parent stands in another chunk, which a dry run has to see all the same.
    let map = "resource = \"Account\"\n[identity]\nsystem = \"crm\"\ncolumn = \"id\"\n[fields.name]\ncolumn = \"name\"\n[fields.domain]\ncolumn = \"domain\"\n\
        [links.parent]\nsystem = \"crm\"\ncolumn = \"parent\"\n";
    let data = "id,name,domain,parent\n1,One,one.example,\n2,Two,two.example,1\n3,Three,www.one.example,\n4,Four,,1\n5,Five,,9\n6,Six,six.example,4\n";
    let before = desk.ask(&desk.admin, "{ accounts { totalCount } audit { totalCount } }", json!({})).await;
    let checked = Map::parse(map, NOUNS).unwrap();
    let dry = run(&desk.admin, &checked, data.to_owned().into(), small(true), |_| {}).await.unwrap();
    assert!(dry.dry_run);
    assert_eq!(desk.ask(&desk.admin, "{ accounts { totalCount } audit { totalCount } }", json!({})).await, before);
    let real = desk.import(map, data).await;
    assert_eq!(counts(&real), [6, 4, 0, 0, 2]);
    assert_eq!((counts(&dry), &dry.refusals), (counts(&real), &real.refusals));
    assert!(real.refusals[0].0 == 4 && real.refusals[0].1.contains("domain"), "{real}");
    assert_eq!(
        real.refusals[1],
        (6, "parent: \"9\" leads nowhere: no Account that you may see has this id in crm".to_owned())
    );
    let job = "query($id: ID!) { importJob(by: { id: $id }) { dryRun status processed failed } importRows(jobId: $id, status: FAILED) { nodes { line } } }";
    let answer = desk.ask(&desk.admin, job, json!({ "id": dry.job.to_string() })).await;
    assert_eq!(answer["data"]["importJob"], json!({ "dryRun": true, "status": "DONE", "processed": 6, "failed": 2 }));
    assert_eq!(answer["data"]["importRows"]["nodes"], json!([{ "line": 4 }, { "line": 6 }]));
}

#[tokio::test]
async fn an_import_that_broke_off_goes_on_where_it_stopped() {
    let desk = Desk::open().await;
    let map = Map::parse(LEADS, NOUNS).unwrap();
    let import = Import::begin(&desk.admin, map.clone(), ROWS.to_owned().into(), small(false)).await.unwrap();
    let job = import.id();
    let broken = AtomicBool::new(false);
    let mut running = Box::pin(import.run(|progress| {
        if progress.counts.processed >= 3 {
            broken.store(true, Ordering::SeqCst);
        }
    }));
    // Dropped in the midst of the second chunk, as if the power had failed.
    poll_fn(
        |context| {
            if broken.load(Ordering::SeqCst) { Poll::Ready(()) } else { running.as_mut().poll(context).map(drop) }
        },
    )
    .await;
    drop(running);
    let folder = tempfile::tempdir().unwrap();
    let result = folder.path().join("leads.result.csv");
    let options = Options { result_file: Some(result.clone()), ..small(false) };
    let summary = run(&desk.admin, &map, ROWS.to_owned().into(), options, |_| {}).await.unwrap();
    assert_eq!((summary.job, counts(&summary)), (job, [5, 4, 0, 0, 1]));
    // The chunk that was under way may have been kept before anybody looked.
    assert!((3..5).contains(&summary.resumed), "{}", summary.resumed);
    let text = std::fs::read_to_string(result).unwrap();
    let lines: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert_eq!(
        lines.iter().map(|line| (line[0], line[1], line[2])).collect::<Vec<_>>(),
        [
            ("2", "a", "CREATED"),
            ("3", "b", "CREATED"),
            ("4", "c", "CREATED"),
            ("5", "d", "FAILED"),
            ("6", "e", "CREATED"),
        ]
    );
    assert!(lines[0][3].starts_with("lead_"));
    let answer = desk.ask(&desk.admin, "query($id: ID!) { importJob(by: { id: $id }) { status rows processed created failed } leads { totalCount } }", json!({ "id": job.to_string() })).await;
    assert_eq!(
        answer["data"],
        json!({ "importJob": { "status": "DONE", "rows": 5, "processed": 5, "created": 4, "failed": 1 }, "leads": { "totalCount": 4 } })
    );
}

#[tokio::test]
async fn of_two_runs_of_one_import_the_later_goes_on_and_the_earlier_stops() {
    let desk = Desk::open().await;
    let map = Map::parse(LEADS, NOUNS).unwrap();
    let first = Import::begin(&desk.admin, map.clone(), ROWS.to_owned().into(), small(false)).await.unwrap();
    let second = Import::begin(&desk.admin, map, ROWS.to_owned().into(), small(false)).await.unwrap();
    assert_eq!(first.id(), second.id());
    let stopped = first.run(|_| {}).await.unwrap_err();
    assert!(
        matches!(&stopped, Error::Input(mistakes) if mistakes[0].reason.as_deref() == Some("IMPORT_TAKEN_UP")),
        "{stopped}"
    );
    assert_eq!(counts(&second.run(|_| {}).await.unwrap()), [5, 4, 0, 0, 1]);
    assert_eq!(desk.state().await["data"]["leads"]["nodes"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn a_quote_that_is_never_closed_fails_the_import_after_the_rows_before_it() {
    let desk = Desk::open().await;
    let data = "id,date,origin,rep\na,2026-01-01,web,r1\nb,2026-01-02,\"web,r1\nc,2026-01-03,web,r1\n";
    let import = Import::begin(&desk.admin, Map::parse(LEADS, NOUNS).unwrap(), data.to_owned().into(), small(false))
        .await
        .unwrap();
    let job = import.id();
    assert!(import.run(|_| {}).await.unwrap_err().to_string().contains("line 3"));
    let answer = desk
        .ask(
            &desk.admin,
            "query($id: ID!) { importJob(by: { id: $id }) { status created message } }",
            json!({ "id": job.to_string() }),
        )
        .await;
    let job = &answer["data"]["importJob"];
    assert_eq!((&job["status"], &job["created"]), (&json!("FAILED"), &json!(1)));
    assert!(job["message"].as_str().unwrap().contains("line 3"));
}

#[tokio::test]
async fn a_won_deal_wins_its_lead_and_the_leads_imported_again_leave_it_won() {
    let desk = Desk::open().await;
    desk.import(LEADS, ROWS).await;
    let deals = "resource = \"Deal\"\ntime_zone = \"UTC\"\n[identity]\nsystem = \"crm\"\ncolumn = \"id\"\n[fields.name]\ncolumn = \"id\"\n[fields.closedAt]\ncolumn = \"won\"\nformat = \"%Y-%m-%d\"\n\
        [links.stage]\nby = \"name\"\nvalue = \"New Business / won\"\n[links.lead]\nsystem = \"crm\"\ncolumn = \"id\"\n";
    let data = "id,won\na,2026-02-01\nz,2026-02-02\n";
    let summary = desk.import(deals, data).await;
    assert_eq!(counts(&summary), [2, 1, 0, 0, 1]);
    assert_eq!(counts(&desk.import(deals, data).await), [2, 0, 0, 1, 1]);
    assert_eq!(counts(&desk.import(LEADS, ROWS).await), [5, 0, 0, 4, 1]);
    let state = desk.state().await;
    assert_eq!(
        (&state["data"]["leads"]["nodes"][0]["stage"], &state["data"]["leads"]["nodes"][0]["version"]),
        (&json!("WON"), &json!(2))
    );
    let deal =
        desk.ask(&desk.admin, "{ deals { nodes { closedAt stage { name } pipeline { name } } } }", json!({})).await;
    assert_eq!(
        deal["data"]["deals"]["nodes"],
        json!([{ "closedAt": "2026-02-01T00:00:00.000Z", "stage": { "name": "Won" }, "pipeline": { "name": "New business" } }])
    );
}

#[tokio::test]
async fn what_is_set_on_creation_may_be_said_again_but_not_otherwise() {
    let desk = Desk::open().await;
    desk.import("resource = \"Account\"\n[identity]\nby = \"domain\"\n[fields.name]\ncolumn = \"domain\"\n[fields.domain]\ncolumn = \"domain\"\n", "domain\nacme.example\nzeta.example\n").await;
    let map = "resource = \"AccountDomain\"\n[identity]\nby = \"domain\"\n[fields.domain]\ncolumn = \"further\"\n[links.account]\nby = \"domain\"\ncolumn = \"domain\"\n";
    assert_eq!(counts(&desk.import(map, "further,domain\nacme-labs.example,acme.example\n").await), [1, 1, 0, 0, 0]);
    assert_eq!(
        counts(&desk.import(map, "further,domain\nwww.acme-labs.example,acme.example\n").await),
        [1, 0, 0, 1, 0]
    );
    let other = desk.import(map, "further,domain\nacme-labs.example,zeta.example\n").await;
    assert_eq!(other.refusals, [(2, "accountId is set on creation and never changes.".to_owned())]);
}

#[tokio::test]
async fn rows_that_differ_in_writing_alone_are_one_record() {
    let desk = Desk::open().await;
    let map = "resource = \"Account\"\n[identity]\nby = \"domain\"\n[fields.name]\ncolumn = \"name\"\n[fields.domain]\ncolumn = \"site\"\n";
    let summary =
        desk.import(map, "name,site\nAcme,acme.example\nAcme,https://www.acme.example\nAcme Inc,ACME.example\n").await;
    assert_eq!(summary.failed, 1, "{summary}");
    assert!(summary.refusals[0].1.contains("line 2"), "{summary}");
    assert_eq!((summary.created, summary.unchanged), (1, 1));
}

#[tokio::test]
async fn a_database_begins_with_one_pipeline_and_gets_no_second() {
    let desk = Desk::open().await;
    seed::default_pipeline(&desk.backend).await.unwrap();
    let answer = desk.ask(&desk.admin, "{ pipelines { nodes { name stages(orderBy: [{ field: POSITION }]) { nodes { name probability category } } } } }", json!({})).await;
    let pipelines = answer["data"]["pipelines"]["nodes"].as_array().unwrap();
    assert_eq!((pipelines.len(), &pipelines[0]["name"]), (1, &json!("New business")));
    let stages = &pipelines[0]["stages"]["nodes"];
    assert_eq!(stages[4], json!({ "name": "Won", "probability": 100, "category": "WON" }));
    assert_eq!(stages[5], json!({ "name": "Lost", "probability": 0, "category": "LOST" }));
}
