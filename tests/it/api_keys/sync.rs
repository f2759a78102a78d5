//! A CRM that keeps its accounts, contacts and leads here, by one key with the built-in role for it.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{key, once};
use crate::{
    crew,
    shared::{names, update},
    support::client::{Answer, Client},
};

const MAP: &str =
    "resource = \"Lead\"\n[identity]\nsystem = \"crm\"\ncolumn = \"id\"\n[fields.name]\ncolumn = \"name\"\n";

async fn upsert(crm: &Client, noun: &str, kind: &str, items: Value) -> Answer {
    let document = format!(
        "mutation($input: {kind}BulkUpsertInput!) {{ {noun}BulkUpsert(input: $input) {{
            results {{ status node {{ id }} userErrors {{ code field message }} }} userErrors {{ code message }} }} }}"
    );
    crm.query_with(&document, json!({ "input": { "items": items, "onError": "ROLLBACK_ALL" } })).await.expect_ok()
}

fn statuses(answer: &Answer, noun: &str) -> Vec<String> {
    let results = answer.data(&format!("{noun}BulkUpsert.results")).as_array().expect("a list");
    results
        .iter()
        .map(|result| {
            format!(
                "{}{}",
                result["status"].as_str().unwrap(),
                if result["userErrors"] == json!([]) { "" } else { "!" }
            )
        })
        .collect()
}

fn named(id: &str) -> Value {
    json!([{ "system": "crm", "id": id }])
}

on_both_engines! {
    async fn a_crm_is_kept_in_step_by_a_key(world: World) {
        let admin = world.admin().await;
        let crm = key(&world, &admin, "integration").await.client;
        // Accounts, contacts and leads come by the names that the CRM has for them, and come again.
        let accounts = json!([
            { "name": "Acme", "domain": "acme.example", "externalIds": named("a1") },
            { "name": "Bolt", "externalIds": named("a2") },
        ]);
        let first = upsert(&crm, "account", "Account", accounts.clone()).await;
        assert_eq!(statuses(&first, "account"), ["CREATED", "CREATED"]);
        assert_eq!(statuses(&upsert(&crm, "account", "Account", accounts).await, "account"), ["UNCHANGED", "UNCHANGED"]);
        let moved = upsert(&crm, "account", "Account", json!([{ "city": "Ulm", "externalIds": named("a2") }])).await;
        assert_eq!(statuses(&moved, "account"), ["UPDATED"]);
        let acme = crew::text(&first, "accountBulkUpsert.results.0.node.id");
        let contacts = json!([{ "name": "Ann", "email": "ann@acme.example", "accountId": acme, "externalIds": named("c1") }]);
        assert_eq!(statuses(&upsert(&crm, "contact", "Contact", contacts).await, "contact"), ["CREATED"]);
        let leads = json!([{ "name": "Interest", "accountId": acme, "externalIds": named("l1") }]);
        let lead = upsert(&crm, "lead", "Lead", leads).await;
        assert_eq!(statuses(&lead, "lead"), ["CREATED"]);
        let found = crm.query("{ account(by: { external: { system: \"crm\", id: \"a1\" } }) { name contacts { nodes { name } } leads { nodes { name } } } }").await.expect_ok();
        assert_eq!(found.data("account"), &json!({ "name": "Acme", "contacts": { "nodes": [{ "name": "Ann" }] }, "leads": { "nodes": [{ "name": "Interest" }] } }));
        // A night's file, which the key itself brings and whose rows it reads.
        let start = format!("mutation {{ importStart(input: {{ map: {MAP:?}, fileName: \"leads.csv\" }}) {{ job {{ id }} uploadPath userErrors {{ code message }} }} }}");
        let begun = crm.query(&start).await.expect_ok();
        let (job, path) = (crew::text(&begun, "importStart.job.id"), crew::text(&begun, "importStart.uploadPath"));
        let file = crm.request(Method::PUT, &path).header("content-type", "text/csv").body("id,name\nl1,Interest\nl2,More\nl3,\n");
        assert_eq!(crm.send(file).await.status.as_u16(), 202);
        let counts = json!({ "status": "DONE", "created": 1, "unchanged": 1, "failed": 1 });
        let mut came = Value::Null;
        for _ in 0..3_000 {
            let document = "query($id: ID!) { importJob(by: { id: $id }) { status created unchanged failed } }";
            came = crm.query_with(document, json!({ "id": job })).await.expect_ok().data("importJob").clone();
            if came == counts {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(came, counts);
        let rows = crm.query_with("query($id: ID!) { importRows(jobId: $id, status: FAILED) { nodes { line } } }", json!({ "id": job })).await.expect_ok();
        assert_eq!(rows.data("importRows.nodes"), &json!([{ "line": 4 }]));
        // What people change here goes back, over either way.
        let after = "subscription { events(after: \"ev_0_0\", filter: { subjectTypes: [\"Lead\"], actions: [UPDATED] }) { kind changedFields apiKey { id } actor { name } } }";
        let (mut socket, mut stream) = (crm.subscribe(after, json!({})).await, crm.stream(after, json!({})).await);
        update(&admin, "lead", json!({ "id": crew::text(&lead, "leadBulkUpsert.results.0.node.id"), "score": 80 })).await;
        let told = json!({ "kind": "lead.updated", "changedFields": ["score"], "apiKey": null, "actor": { "name": "Ada Admin" } });
        assert_eq!((&socket.next().await["data"]["events"], &stream.next().await["data"]["events"]), (&told, &told));
        assert_eq!(names(&admin.query("{ leads(orderBy: [{ field: NAME }]) { nodes { name } } }").await, "leads", "name"), ["Interest", "More"]);
    }

    async fn a_crm_that_repeats_a_night_does_nothing_twice_and_deletes_nothing(world: World) {
        let crm = key(&world, &world.admin().await, "integration").await.client;
        let night = "mutation { accountBulkUpsert(input: { items: [{ name: \"Acme\" }, { name: \"Bolt\" }] }) { results { node { id } } userErrors { code } } }";
        let first = once(&crm, "night", night).await.expect_ok();
        let again = once(&crm, "night", night).await.expect_ok();
        assert_eq!(first.data("accountBulkUpsert.results"), again.data("accountBulkUpsert.results"));
        let id = crew::text(&first, "accountBulkUpsert.results.0.node.id");
        let gone = crew::mutate(&crm, "Archive", vec![(entity::Kind::Account, json!({ "id": id }))]).await;
        assert_eq!(gone, [Err(vec!["FORBIDDEN".to_owned()])]);
        for closed in ["roles", "sessions", "apiKeys"] {
            let answer = crm.query(&format!("{{ {closed} {{ nodes {{ id }} }} }}")).await.expect_ok();
            assert_eq!(answer.data(&format!("{closed}.nodes")), &json!([]), "{closed}");
        }
    }
}
