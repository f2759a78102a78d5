//! Imports over the API: the mutation, the file beside it, and the way until all rows are dealt with.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use reqwest::{Body, Method};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::{
    crew,
    support::{
        client::{Answer, Client},
        world::World,
    },
};

const MAP: &str =
    "resource = \"Lead\"\n[identity]\nsystem = \"crm\"\ncolumn = \"id\"\n[fields.name]\ncolumn = \"name\"\n";
const FILE: &str = "id,name\n1,Ann\n2,Ben\n3,\n";

pub async fn start(client: &Client, map: &str, dry_run: bool) -> Answer {
    let document = "mutation ($map: String!, $dry: Boolean!) { importStart(input: { map: $map, fileName: \"leads.csv\", dryRun: $dry }) {
        job { id status } uploadPath userErrors { code field message }
    } }";
    client.query_with(document, json!({ "map": map, "dry": dry_run })).await
}

/// The id of a new import and where its file goes.
async fn begin(client: &Client) -> (String, String) {
    begin_with(client, MAP, false).await
}

/// The same by another map.
pub async fn begin_with(client: &Client, map: &str, dry_run: bool) -> (String, String) {
    let begun = start(client, map, dry_run).await.expect_ok();
    assert_eq!(begun.data("importStart.job.status"), "WAITING");
    (crew::text(&begun, "importStart.job.id"), crew::text(&begun, "importStart.uploadPath"))
}

pub async fn put(client: &Client, path: &str, content_type: &str, body: impl Into<Body>) -> Answer {
    client.send(client.request(Method::PUT, path).header("content-type", content_type).body(body)).await
}

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status.as_u16(), answer.error_code()), (status, Some(code)), "{answer}");
    assert!(answer.headers.contains_key("x-request-id") && answer.body["errors"][0]["message"].is_string(), "{answer}");
}

pub async fn job(client: &Client, id: &str) -> Value {
    let document = "query ($id: ID!) { importJob(by: { id: $id }) { status rows processed created updated unchanged failed message } }";
    client.query_with(document, json!({ "id": id })).await.expect_ok().data("importJob").clone()
}

/// The import once it has ended.
pub async fn ended(client: &Client, id: &str) -> Value {
    for _ in 0..10_000 {
        let job = job(client, id).await;
        if job["status"] != "RUNNING" {
            return job;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{id} does not come to its end");
}

/// How many rows are dealt with, as soon as there are more than these.
pub async fn under_way(client: &Client, id: &str, past: i64) -> i64 {
    for _ in 0..10_000 {
        let job = job(client, id).await;
        let done = job["processed"].as_i64().expect("a count");
        if done > past {
            assert_eq!(job["status"], "RUNNING", "it has ended before anybody could look");
            return done;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("{id} does not begin");
}

/// How many pieces of files are kept for imports.
async fn pieces(world: &World) -> i64 {
    crew::counted(world, "SELECT COUNT(*) AS found FROM import_file").await
}

async fn until_pieces(world: &World, wanted: i64) {
    for _ in 0..3_000 {
        if pieces(world).await == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never {wanted} pieces of files");
}

on_both_engines! {
    async fn the_name_of_a_file_is_a_text_like_any_other(world: World) {
        let admin = world.admin().await;
        let map = "resource = \"Lead\"\n[identity]\nsystem = \"crm\"\ncolumn = \"id\"\n[fields.name]\ncolumn = \"name\"\n";
        let document = "mutation ($input: ImportStartInput!) { importStart(input: $input) { job { fileName } userErrors { code field } } }";
        for (given, stored) in [(" le\u{200b}ads.csv\u{feff} ", Some("leads.csv")), ("a\u{1b}[31mb\nforged.csv", None), ("\u{200b}", None)] {
            let answer = admin.query_with(document, json!({ "input": { "map": map, "fileName": given } })).await;
            assert_eq!(answer.data("importStart.job")["fileName"].as_str(), stored, "{given:?}");
            if stored.is_none() {
                assert_eq!(answer.user_errors("importStart").len(), 1, "{answer}");
                assert!(answer.user_errors("importStart")[0].ends_with(" fileName"), "{answer}");
            }
        }
    }

    async fn a_file_goes_beside_the_mutation_and_is_imported(world: World) {
        let client = world.admin().await;
        let (id, path) = begin(&client).await;
        let answer = put(&client, &path, "text/csv", FILE).await;
        assert_eq!((answer.status.as_u16(), &answer.body), (202, &json!({ "job": id, "status": "RUNNING" })));
        assert!(answer.headers.contains_key("x-request-id"));
        let counts = json!({ "status": "DONE", "rows": 3, "processed": 3, "created": 2, "updated": 0, "unchanged": 0, "failed": 1, "message": null });
        assert_eq!(ended(&client, &id).await, counts);
        let rows = "query ($id: ID!) { importRows(jobId: $id, status: FAILED) { nodes { line } } }";
        let rows = client.query_with(rows, json!({ "id": id })).await.expect_ok();
        assert_eq!(rows.data("importRows.nodes"), &json!([{ "line": 4 }]));
        until_pieces(&world, 0).await;
        // Who did not hear the answer sends the file again and is told how far it is; another file is refused.
        let answer = put(&client, &path, "text/csv", FILE).await;
        assert_eq!((answer.status.as_u16(), &answer.body), (202, &json!({ "job": id, "status": "DONE" })));
        refused(&put(&client, &path, "text/csv", "id,name\n1,Zoe\n").await, 409, "CONFLICT");
        assert_eq!((ended(&client, &id).await, pieces(&world).await), (counts, 0));
        // The same again is another import, which finds nothing new.
        let (id, path) = begin(&client).await;
        put(&client, &path, "application/octet-stream", FILE).await;
        let again = ended(&client, &id).await;
        assert_eq!((&again["status"], &again["created"], &again["unchanged"]), (&json!("DONE"), &json!(0), &json!(2)));
        // A file of another kind ends it.
        let (id, path) = begin(&client).await;
        put(&client, &path, "text/plain", "number;label\n1;x\n").await;
        let failed = ended(&client, &id).await;
        assert!(failed["status"] == "FAILED" && failed["message"].is_string(), "{failed}");
    }

    async fn only_who_began_an_import_sends_its_file(world: World) {
        let (marketer, admin) = (world.marketer().await, world.admin().await);
        let (id, path) = begin(&admin).await;
        refused(&put(&world.anonymous(), &path, "text/csv", FILE).await, 401, "UNAUTHENTICATED");
        let stranger = world.anonymous().with_token("of.nobody.known");
        refused(&put(&stranger, &path, "text/csv", FILE).await, 401, "UNAUTHENTICATED");
        refused(&put(&marketer, &path, "text/csv", FILE).await, 404, "NOT_FOUND");
        let unknown = format!("/uploads/impj_{}1", "0".repeat(25));
        for path in [unknown.as_str(), "/uploads/of-no-meaning"] {
            refused(&put(&admin, path, "text/csv", FILE).await, 404, "NOT_FOUND");
        }
        for content_type in ["application/json", "multipart/form-data; boundary=x"] {
            refused(&put(&admin, &path, content_type, FILE).await, 415, "UNSUPPORTED_MEDIA_TYPE");
        }
        assert_eq!(job(&admin, &id).await["status"], "WAITING");
        assert_eq!(pieces(&world).await, 0);
    }

    async fn a_wrong_map_is_told_with_its_place(world: World) {
        let client = world.admin().await;
        let answer = start(&client, &MAP.replace("fields.name", "fields.nom"), false).await;
        assert_eq!(answer.user_errors("importStart"), ["INVALID map"]);
        let message = crew::text(&answer, "importStart.userErrors.0.message");
        assert!(message.starts_with("line 5, column 1: fields.nom:"), "{message}");
        assert!(answer.data("importStart.job").is_null() && answer.data("importStart.uploadPath").is_null(), "{answer}");
    }

    async fn an_upload_that_breaks_off_leaves_the_import_waiting_and_no_file(world: World) {
        let client = world.admin().await;
        let (id, path) = begin(&client).await;
        let (cut, when_cut) = oneshot::channel::<()>();
        // A piece is kept once it is whole.
        let long = format!("id,name\n1,Ann\n{}", "\n".repeat(300 * 1024));
        let first = stream::iter([Ok::<_, std::io::Error>(long)]);
        let end = stream::once(async move {
            drop(when_cut.await);
            Err(std::io::Error::other("the line is cut"))
        });
        let request = client.request(Method::PUT, &path).header("content-type", "text/csv");
        let sending = tokio::spawn(request.body(Body::wrap_stream(first.chain(end))).send());
        until_pieces(&world, 1).await;
        cut.send(()).expect("the upload waits");
        assert!(sending.await.expect("the task ends").is_err(), "a request that is cut has no answer");
        until_pieces(&world, 0).await;
        assert_eq!(job(&client, &id).await["status"], "WAITING");
        assert_eq!(put(&client, &path, "text/csv", FILE).await.status.as_u16(), 202);
        assert_eq!(ended(&client, &id).await["created"], 2);
    }
}
