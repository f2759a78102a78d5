//! What an actor may do to what, and the mutation.

use bytes::Bytes;
use futures_util::{StreamExt, stream::iter};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    api::{JOBS, NOUNS},
    error::Code,
    worker,
};

#[tokio::test]
async fn links_are_found_by_name_address_and_domain_or_refused() {
    let desk = Desk::open().await;
    let mut change = desk.backend.as_system(Purpose::CommandLine).begin().await.unwrap();
    let mut draft = Draft::default();
    draft.set(account::Entity::table(), "name", "Acme");
    draft.set(account::Entity::table(), "domain", "acme.example");
    let acme = change.create::<account::Entity>(draft).await.unwrap();
    let mut draft = Draft::default();
    draft.set(account_domain::Entity::table(), "account_id", acme.id);
    draft.set(account_domain::Entity::table(), "domain", "acme-labs.example");
    change.create::<account_domain::Entity>(draft).await.unwrap();
    for name in ["Buyer", "Chief", "chief"] {
        let mut draft = Draft::default();
        draft.set(persona::Entity::table(), "name", name);
        change.create::<persona::Entity>(draft).await.unwrap();
    }
    change.commit().await.unwrap();
    let map = "resource = \"Lead\"\n[identity]\nsystem = \"crm\"\ncolumn = \"id\"\n[fields.name]\ncolumn = \"id\"\n[links.account]\nby = \"domain\"\ncolumn = \"site\"\n\
        [links.owner]\nby = \"email\"\ncolumn = \"mail\"\n[links.persona]\nby = \"name\"\ncolumn = \"persona\"\n";
    let data = "id,site,mail,persona\n1,https://www.ACME.example/x,ADA@tandem.example,buyer\n2,acme-labs.example,,\n3,nobody.example,,\n4,,eve@tandem.example,Chief\n5,localhost,,\n";
    let summary = desk.import(map, data).await;
    assert_eq!(counts(&summary), [5, 2, 0, 0, 3]);
    let told: Vec<(i32, &str)> = summary.refusals.iter().map(|(line, why)| (*line, why.as_str())).collect();
    assert_eq!(
        told,
        [
            (4, "site: \"nobody.example\" leads nowhere: no Account that you may see has this domain"),
            (
                5,
                "mail: \"eve@tandem.example\" leads nowhere: no User that you may see has this email; persona: \"Chief\" is the name of several Persona records"
            ),
            (6, "site: \"localhost\" leads nowhere: no Account that you may see has this domain"),
        ]
    );
    let answer = desk
        .ask(
            &desk.admin,
            "{ leads(orderBy: [{ field: NAME }]) { nodes { account { name } owner { name } persona { name } } } }",
            json!({}),
        )
        .await;
    assert_eq!(
        answer["data"]["leads"]["nodes"],
        json!([
            { "account": { "name": "Acme" }, "owner": { "name": "ada" }, "persona": { "name": "Buyer" } },
            { "account": { "name": "Acme" }, "owner": null, "persona": null },
        ])
    );
}

#[tokio::test]
async fn who_may_not_import_is_refused_and_reads_no_others_import() {
    let desk = Desk::open().await;
    let marketer = person(&desk.backend, "mia", "marketer").await;
    let refused = run(&marketer, &Map::parse(LEADS, NOUNS).unwrap(), ROWS.to_owned().into(), small(false), |_| {})
        .await
        .unwrap_err();
    assert!(matches!(&refused, Error::Input(mistakes) if mistakes[0].code == UserCode::Forbidden), "{refused}");
    let job = desk.import(LEADS, ROWS).await.job;
    let rows = "query($id: ID!) { importRows(jobId: $id) { nodes { line } } }";
    let answer = desk.ask(&marketer, rows, json!({ "id": job.to_string() })).await;
    assert!(answer["errors"][0]["message"].as_str().unwrap().contains("There is no import with this id."), "{answer}");
    // Who may import leads but not create users gets those rows refused, and nothing is left of them.
    let manager = person(&desk.backend, "max", "marketing_manager").await;
    let others = ROWS.replace("r2", "r3").replace("a,", "x,").replace("b,", "y,");
    let summary = run(&manager, &Map::parse(LEADS, NOUNS).unwrap(), others.into(), small(false), |_| {}).await.unwrap();
    assert_eq!(counts(&summary), [5, 1, 0, 1, 3]);
    assert_eq!(
        summary.refusals[0],
        (3, "rep: \"r3\" leads nowhere, and its User cannot be created: You may not create this User.".to_owned())
    );
}

#[tokio::test]
async fn a_field_kept_from_the_actor_refuses_the_row() {
    let desk = Desk::open().await;
    let grants = [Action::Read, Action::Create, Action::Update, Action::Import].map(|action| Grant {
        kind: Kind::Lead,
        action,
        reach: Reach::All,
    });
    let policy = Policy::of(&grants, &[(Kind::Lead, "source".to_owned(), FieldRule::ReadOnly)]);
    let store = desk.backend.store(Actor { policy, ..desk.admin.actor().clone() }, None);
    let map = Map::parse("resource = \"Lead\"\n[identity]\nsystem = \"crm\"\ncolumn = \"id\"\n[fields.name]\ncolumn = \"id\"\n[fields.source]\ncolumn = \"origin\"\n", NOUNS).unwrap();
    let items: Vec<Row> =
        rows(&map, "id,origin\na,web\n".as_bytes(), store.now()).unwrap().collect::<Result<_>>().unwrap();
    let mut change = store.begin().await.unwrap();
    let saved = Saver::new(NOUNS.of(Kind::Lead).unwrap(), None).save(&mut change, all(&items)).await.unwrap();
    assert_eq!((saved[0].row.saved, saved[0].row.message.as_deref()), (None, Some("You may not set source.")));
}

#[tokio::test]
async fn a_record_beyond_the_reach_of_the_permission_to_import_is_refused() {
    let desk = Desk::open().await;
    let grant = |action, reach| Grant { kind: Kind::Lead, action, reach };
    let mut grants = vec![
        grant(Action::Read, Reach::All),
        grant(Action::Create, Reach::All),
        grant(Action::Update, Reach::All),
        grant(Action::Assign, Reach::All),
        grant(Action::Import, Reach::Own),
    ];
    grants.push(Grant { kind: Kind::User, action: Action::Read, reach: Reach::All });
    let store = desk.backend.store(Actor { policy: Policy::of(&grants, &[]), ..desk.admin.actor().clone() }, None);
    person(&desk.backend, "eva", "marketer").await;
    let map = Map::parse("resource = \"Lead\"\n[identity]\nsystem = \"crm\"\ncolumn = \"id\"\n[fields.name]\ncolumn = \"id\"\n[links.owner]\nby = \"email\"\ncolumn = \"mail\"\n", NOUNS).unwrap();
    let items: Vec<Row> = rows(&map, "id,mail\na,ada@tandem.example\nb,eva@tandem.example\n".as_bytes(), store.now())
        .unwrap()
        .collect::<Result<_>>()
        .unwrap();
    let mut change = store.begin().await.unwrap();
    let saved = Saver::new(NOUNS.of(Kind::Lead).unwrap(), None).save(&mut change, all(&items)).await.unwrap();
    change.commit().await.unwrap();
    assert_eq!(saved[0].row.saved, Some(store::Saved::Created));
    assert_eq!(
        (saved[1].row.saved, saved[1].row.message.as_deref()),
        (None, Some("Your permission to import Lead records does not reach this one."))
    );
    assert_eq!(desk.state().await["data"]["leads"]["nodes"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_import_started_by_the_api_goes_on_by_itself() {
    let desk = Desk::open().await;
    let start = "mutation($input: ImportStartInput!) { importStart(input: $input) { job { id fileName status } uploadPath userErrors { code field message } } }";
    let wrong = desk
        .ask(
            &desk.admin,
            start,
            json!({ "input": { "map": LEADS.replace("receivedAt", "receivedOn"), "fileName": "leads.csv" } }),
        )
        .await;
    let mistake = &wrong["data"]["importStart"]["userErrors"][0];
    assert_eq!((&mistake["code"], &mistake["field"]), (&json!("INVALID"), &json!(["map"])));
    assert!(mistake["message"].as_str().unwrap().starts_with("line 14, column 1: fields.receivedOn:"), "{mistake}");
    let begun = desk.ask(&desk.admin, start, json!({ "input": { "map": LEADS, "fileName": "leads.csv" } })).await;
    let job = &begun["data"]["importStart"]["job"];
    assert_eq!((&job["fileName"], &job["status"]), (&json!("leads.csv"), &json!("WAITING")), "{begun}");
    let id = job["id"].as_str().unwrap();
    assert_eq!(begun["data"]["importStart"]["uploadPath"], format!("/uploads/{id}"));
    let pieces = |end: Result<Bytes>| iter([Ok(Bytes::from("\u{feff}")), Ok(Bytes::from(ROWS)), end]).boxed();
    let broken = pieces(Err(Error::refused(Code::BadRequest, "The body broke off.")));
    assert!(upload::receive(&desk.admin, id, broken).await.is_err());
    let (sent, status) = upload::receive(&desk.admin, id, pieces(Ok(Bytes::new()))).await.unwrap();
    assert_eq!((sent.to_string().as_str(), status.as_str()), (id, "RUNNING"));
    let stop = CancellationToken::new();
    let working =
        tokio::spawn(worker::work(desk.backend.clone(), JOBS, std::time::Duration::from_secs(30), stop.clone()));
    let progress =
        "query($id: ID!) { importJob(by: { id: $id }) { status rows processed created failed user { name } } }";
    let mut answer = Json::Null;
    for _ in 0..500 {
        answer = desk.ask(&desk.admin, progress, json!({ "id": job["id"] })).await;
        if answer["data"]["importJob"]["status"] != "RUNNING" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(
        answer["data"]["importJob"],
        json!({ "status": "DONE", "rows": 5, "processed": 5, "created": 4, "failed": 1, "user": { "name": "ada" } })
    );
    let rows = "query($id: ID!, $after: String) { importRows(jobId: $id, first: 3, after: $after) { nodes { line status recordId message } pageInfo { hasNextPage hasPreviousPage endCursor } } }";
    let page = desk.ask(&desk.admin, rows, json!({ "id": job["id"] })).await;
    let connection = &page["data"]["importRows"];
    assert_eq!((&connection["nodes"][0]["line"], &connection["nodes"][0]["status"]), (&json!(2), &json!("CREATED")));
    assert_eq!(connection["pageInfo"]["hasNextPage"], true);
    let rest =
        desk.ask(&desk.admin, rows, json!({ "id": job["id"], "after": connection["pageInfo"]["endCursor"] })).await;
    let rest = &rest["data"]["importRows"];
    assert_eq!(rest["nodes"].as_array().unwrap().len(), 2);
    assert_eq!((&rest["pageInfo"]["hasNextPage"], &rest["pageInfo"]["hasPreviousPage"]), (&json!(false), &json!(true)));
    assert!(
        rest["nodes"][0]["recordId"].is_null() && rest["nodes"][0]["message"].as_str().unwrap().contains("2026-13-04")
    );
    let lead = desk
        .ask(
            &desk.admin,
            "query($id: ID!) { node(id: $id) { ... on Lead { name } } }",
            json!({ "id": connection["nodes"][0]["recordId"] }),
        )
        .await;
    assert_eq!(lead["data"]["node"]["name"], "Lead a");
    stop.cancel();
    working.await.unwrap();
}

fn all(rows: &[Row]) -> super::save::Rows<'_> {
    super::save::Rows { earlier: &[], new: rows, limit: std::time::Duration::MAX }
}
