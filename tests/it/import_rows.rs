//! Rows of imported files: what a dry run foretells, rows that mean one record, ids that a spreadsheet
//! has rounded, and text that a terminal would take for a command.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::{
    support::client::Client,
    uploads::{begin_with, ended, put, start},
};

/// Imports a file; how it ended, with what became of each row.
async fn import(client: &Client, map: &str, dry_run: bool, file: &str) -> (Value, Vec<(i64, String, String)>) {
    let (id, path) = begin_with(client, map, dry_run).await;
    assert_eq!(put(client, &path, "text/csv", file.to_owned()).await.status.as_u16(), 202);
    let ended = ended(client, &id).await;
    let (mut rows, mut after) = (Vec::new(), Value::Null);
    loop {
        let document = "query ($id: ID!, $after: String) { importRows(jobId: $id, first: 200, after: $after) {
            nodes { line status message } pageInfo { hasNextPage endCursor } } }";
        let page = client.query_with(document, json!({ "id": id, "after": after })).await.expect_ok();
        for row in page.data("importRows.nodes").as_array().expect("rows") {
            let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
            rows.push((row["line"].as_i64().expect("a line"), text("status"), text("message")));
        }
        if page.data("importRows.pageInfo.hasNextPage") == false {
            return (ended, rows);
        }
        after = page.data("importRows.pageInfo.endCursor").clone();
    }
}

fn by_domain() -> &'static str {
    "resource = \"Account\"\n[identity]\nby = \"domain\"\n[fields.name]\ncolumn = \"name\"\n[fields.domain]\ncolumn = \"site\"\n"
}

fn leads() -> &'static str {
    "resource = \"Lead\"\n[identity]\nsystem = \"crm\"\ncolumn = \"id\"\n[fields.name]\nvalue = \"Lead\"\n"
}

#[track_caller]
fn statuses(rows: &[(i64, String, String)]) -> Vec<&str> {
    rows.iter().map(|(_, status, _)| status.as_str()).collect()
}

on_both_engines! {
    async fn a_dry_run_of_many_chunks_counts_as_the_real_run_does(world: World) {
        let admin = world.admin().await;
        let map = "resource = \"Account\"\n[identity]\nsystem = \"crm\"\ncolumn = \"id\"\n[fields.name]\ncolumn = \"name\"\n\
            [fields.domain]\ncolumn = \"site\"\n[links.parent]\nsystem = \"crm\"\ncolumn = \"parent\"\n";
        // Every row's parent and every seventh domain stand far before it; a few parents are nowhere.
        let mut file = "id,name,site,parent\n".to_owned();
        for row in 0..700 {
            let site = if row % 7 == 0 { format!("www.d{}.example", row % 343) } else { String::new() };
            let parent = match row % 50 { 0 => String::new(), 49 => "nowhere".to_owned(), _ => (row / 3).to_string() };
            writeln!(file, "{row},N{row},{site},{parent}").expect("a text grows");
        }
        let (dry, foretold) = import(&admin, map, true, &file).await;
        let (real, came) = import(&admin, map, false, &file).await;
        assert_eq!((&dry, foretold), (&real, came));
        assert_eq!((&real["status"], &real["processed"]), (&json!("DONE"), &json!(700)));
        let (created, failed) = (real["created"].as_i64().expect("a count"), real["failed"].as_i64().expect("a count"));
        assert!(created > 500 && failed > 40 && created + failed == 700, "{real}");
        // And again, when all of it is there.
        let (dry, foretold) = import(&admin, map, true, &file).await;
        let (real, came) = import(&admin, map, false, &file).await;
        assert_eq!((&dry, foretold), (&real, came));
        assert_eq!(real["unchanged"], created);
    }

    async fn rows_of_one_record_written_differently_do_not_overwrite_each_other(world: World) {
        let admin = world.admin().await;
        let file = "name,site\nAcme,acme.de\nAcme GmbH,https://www.acme.de/\nAcme AG,shop.acme.de\nAcme,ACME.DE\n";
        for dry_run in [true, false] {
            let (_, rows) = import(&admin, by_domain(), dry_run, file).await;
            assert_eq!(statuses(&rows), ["CREATED", "FAILED", "FAILED", "UNCHANGED"], "{rows:?}");
            for (_, status, message) in &rows {
                assert_eq!(status == "FAILED", message.contains("line 2"), "{message}");
            }
        }
        let found = admin.query("{ accounts { nodes { name domain } } }").await.expect_ok();
        assert_eq!(found.data("accounts.nodes"), &json!([{ "name": "Acme", "domain": "acme.de" }]));
    }

    async fn the_domain_by_which_a_row_finds_an_account_does_not_become_its_domain(world: World) {
        let admin = world.admin().await;
        import(&admin, by_domain(), false, "name,site\nAcme,acme.com\n").await;
        let further = "resource = \"AccountDomain\"\n[identity]\nby = \"domain\"\n[fields.domain]\ncolumn = \"site\"\n\
            [links.account]\nby = \"domain\"\ncolumn = \"of\"\n";
        import(&admin, further, false, "site,of\nacme.de,acme.com\n").await;
        let (_, rows) = import(&admin, by_domain(), false, "name,site\nAcme SE,www.acme.de\nAcme AG,acme.com\n").await;
        assert_eq!(statuses(&rows), ["UPDATED", "FAILED"], "{rows:?}");
        assert!(rows[1].2.contains("line 2"), "{rows:?}");
        let found = admin.query("{ accounts { nodes { name domain } } }").await.expect_ok();
        assert_eq!(found.data("accounts.nodes"), &json!([{ "name": "Acme SE", "domain": "acme.com" }]));
    }

    async fn an_id_that_a_spreadsheet_has_rounded_is_refused_in_a_file(world: World) {
        let admin = world.admin().await;
        let ids = ["1.234568e+15", "1.23E15", "\"1,23E+15\"", "1E+15", "1e15", "-4.5E-7", "1234567890123456", "12e34"];
        let file = ids.iter().fold("id\n".to_owned(), |file, id| file + id + "\n");
        let (_, rows) = import(&admin, leads(), false, &file).await;
        assert_eq!(statuses(&rows)[..6], ["FAILED"; 6], "{rows:?}");
        assert_eq!(statuses(&rows)[6..], ["CREATED"; 2], "{rows:?}");
        assert!(rows[..6].iter().all(|(_, _, message)| message.contains("rounded")), "{rows:?}");
        // A link's id is an id as well.
        let map = leads().to_owned() + "[links.owner]\nsystem = \"hr\"\ncolumn = \"rep\"\n";
        let (_, rows) = import(&admin, &map, false, "id,rep\n7,1.5e9\n8,1.5E+09\n").await;
        assert!(rows.iter().all(|(_, status, message)| status == "FAILED" && message.contains("rounded")), "{rows:?}");
    }

    async fn nothing_of_a_map_or_a_file_reaches_messages_unseen(world: World) {
        let admin = world.admin().await;
        let escape = "\u{1b}]0;owned\u{7}\u{202e}\u{200b}";
        let maps = [
            leads().replace("Lead\"", "Le\\u001b[31mad\""),
            leads().replace("[fields.name]", "[fields.\"na\\u001b[31mme\\u202e\"]"),
            leads().replace("\"crm\"", "\"c\\u001b[2Jrm\""),
            format!("{}[file]\nencoding = \"\\u001b[31m\"\n", leads()),
            format!("{}[checks.\"\\u009b31m\"]\n", leads()),
            format!("{}[\"\\u001b[31m\"]\nx = 1\n", leads()),
        ];
        for map in &maps {
            let answer = start(&admin, map, false).await;
            let errors = answer.data("importStart.userErrors").as_array().expect("errors").clone();
            assert!(!errors.is_empty(), "{map}");
            for error in errors {
                assert!(is_printable(&error["message"]), "{error:?}");
            }
        }
        let map = format!("{}[fields.score]\ncolumn = \"sc\\u001bore\"\n", leads());
        let (job, _) = import(&admin, &map, false, "id,other\n1,2\n").await;
        assert!(job["status"] == "FAILED" && is_printable(&job["message"]), "{job:?}");
        let map = format!("{}[fields.source]\ncolumn = \"source\"\n[fields.score]\ncolumn = \"score\"\n", leads());
        let (_, rows) = import(&admin, &map, false, &format!("id,source,score\n1,{escape},{escape}\n")).await;
        assert_eq!(statuses(&rows), ["FAILED"]);
        assert!(is_printable(&json!(rows[0].2)) && rows[0].2.contains("\\u{1b}"), "{rows:?}");
    }
}

fn is_printable(message: &Value) -> bool {
    let text = message.as_str().expect("a message");
    !text.chars().any(|c| c.is_control() || "\u{202e}\u{200b}".contains(c))
}
