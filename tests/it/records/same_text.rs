//! Texts that look alike are one text at every door, and words that differ stay apart.

use serde_json::{Value, json};

use crate::{
    crew,
    shared::{create, create_all, mutate, names, pipeline},
    support::{client::Client, world::SELLER},
    uploads::{begin_with, ended, put},
};

/// Writings of one address; nobody could tell them apart.
const ONE_ADDRESS: [&str; 6] = [
    "info@firma.com.tr",
    "info\u{200b}@firma.com.tr",
    "\u{feff}info@firma.com.tr",
    "in\u{ad}fo@firma.com.tr",
    "  INFO@Firma.com.TR ",
    "info@firma.com.tr\u{2060}",
];

/// Imports a file; how many records it made and how many rows it refused.
async fn imported(client: &Client, map: &str, file: String) -> (i64, i64) {
    let (id, path) = begin_with(client, map, false).await;
    assert_eq!(put(client, &path, "text/csv", file).await.status.as_u16(), 202);
    let job = ended(client, &id).await;
    assert_eq!(job["status"], "DONE", "{job}");
    (job["created"].as_i64().expect("a count"), job["failed"].as_i64().expect("a count"))
}

/// What a bulk call says of each item.
async fn upserted(client: &Client, noun: &str, match_on: &str, items: Vec<Value>) -> Vec<String> {
    let (field, of) = (format!("{noun}BulkUpsert"), noun[..1].to_uppercase() + &noun[1..]);
    let document = format!(
        "mutation ($input: {of}BulkUpsertInput!) {{ {field}(input: $input) {{ results {{ status userErrors {{ code }} }} userErrors {{ message }} }} }}"
    );
    let mut said = Vec::new();
    // One at a time, as a sync sends what it meets.
    for item in items {
        let answer = client
            .query_with(&document, json!({ "input": { "items": [item], "matchOn": match_on } }))
            .await
            .expect_ok();
        said.push(answer.data(&format!("{field}.results.0.status")).as_str().expect("a status").to_owned());
    }
    said
}

on_both_engines! {
    async fn an_address_is_one_contact_however_it_is_written_at_every_door(world: World) {
        let admin = world.admin().await;
        let id = create(&admin, "contact", json!({ "name": "Info", "email": ONE_ADDRESS[1] })).await;
        for email in ONE_ADDRESS {
            let again = mutate(&admin, "contact", "Create", json!({ "name": "Info", "email": email }), "").await;
            assert_eq!(again.user_errors("contactCreate"), ["TAKEN email"], "{email:?}");
            let found = "query ($by: EmailAddress!, $is: String!) { one: contact(by: { email: $by }) { id email } of: contacts(filter: { email: { eq: $is } }) { nodes { id } } in: contacts(filter: { email: { in: [$is] } }) { nodes { id } } }";
            let found = admin.query_with(found, json!({ "by": email, "is": email })).await.expect_ok();
            assert_eq!(found.body["data"], json!({ "one": { "id": id, "email": "info@firma.com.tr" }, "of": { "nodes": [{ "id": id }] }, "in": { "nodes": [{ "id": id }] } }), "{email:?}");
        }
        let items = ONE_ADDRESS.map(|email| json!({ "email": email, "name": "Info" }));
        assert_eq!(upserted(&admin, "contact", "email", items.into()).await, ["UNCHANGED"; 6]);
        let map = "resource = \"Contact\"\n[identity]\nby = \"email\"\n[fields.name]\ncolumn = \"name\"\n[fields.email]\ncolumn = \"mail\"\n";
        let file = |mails: &[&str]| mails.iter().fold("name,mail\n".to_owned(), |file, mail| file + &format!("Info,{mail}\n"));
        for email in ONE_ADDRESS {
            assert_eq!(imported(&admin, map, file(&[email])).await, (0, 0), "{email:?}");
        }
        // A capital with a dot is no letter of an address.
        let refused = mutate(&admin, "contact", "Create", json!({ "name": "Info", "email": "İnfo@firma.com.tr" }), "").await;
        assert_eq!(refused.user_errors("contactCreate"), ["INVALID email"]);
    }

    async fn a_name_in_another_system_is_one_however_it_is_written(world: World) {
        let admin = world.admin().await;
        let named = |system: &str, id: &str| json!({ "name": "Acme", "externalIds": [{ "system": system, "id": id }] });
        let id = create(&admin, "account", named("crm", "e\u{301}1")).await;
        let alike = [("crm", "é1"), ("crm", "é1\u{200b}"), (" crm", "\u{feff}é1 "), ("c\u{ad}rm", "e\u{301}1")];
        for (system, other) in alike {
            let again = mutate(&admin, "account", "Create", named(system, other), "").await;
            assert_eq!(again.user_errors("accountCreate"), ["TAKEN externalIds"], "{other:?}");
            let found = admin.query_with("query ($of: ExternalIdInput!) { account(by: { external: $of }) { id } }", json!({ "of": { "system": system, "id": other } })).await.expect_ok();
            assert_eq!(found.data("account.id"), &json!(id), "{other:?}");
            assert_eq!(upserted(&admin, "account", "externalId", vec![named(system, other)]).await, ["UNCHANGED"], "{other:?}");
            let map = "resource = \"Account\"\n[identity]\nsystem = \"crm\"\ncolumn = \"id\"\n[fields.name]\ncolumn = \"name\"\n";
            assert_eq!(imported(&admin, map, format!("id,name\n{other},Acme\n")).await, (0, 0), "{other:?}");
        }
        // Case tells names in other systems apart: they are not ours to read.
        create(&admin, "account", named("crm", "É1")).await;
    }

    async fn people_sign_in_by_their_address_however_it_is_written(world: World) {
        let (anyone, admin) = (world.anonymous(), world.admin().await);
        let (local, domain) = SELLER.email.split_once('@').expect("an address");
        for email in [SELLER.email.to_uppercase(), format!("{local}\u{200b}@{domain}"), format!(" \u{feff}{local}@{domain}\u{2060} ")] {
            crew::try_sign_in(&anyone, &email, crate::support::world::PASSWORD).await.expect_ok();
            let taken = mutate(&admin, "user", "Create", json!({ "name": "Twin", "department": "SALES", "email": email }), "").await;
            assert_eq!(taken.user_errors("userCreate"), ["TAKEN email"], "{email:?}");
        }
    }

    async fn words_of_every_script_are_found_by_their_letters_and_by_no_others(world: World) {
        let admin = world.admin().await;
        let words = ["ゴールド", "コールド", "कुमार", "कमार", "กิน", "กัน", "мой", "мои", "Παπαδόπουλος", "Straße", "각", "가"];
        create_all(&admin, "account", words.map(|name| json!({ "name": name })).into()).await;
        let document = "query ($one: String!, $search: String) {
            eq: accounts(filter: { name: { eq: $one, ignoreCase: true } }) { nodes { name } }
            contains: accounts(filter: { name: { contains: $one, ignoreCase: true } }) { nodes { name } }
            search: accounts(search: $search) { nodes { name } } }";
        let written = words.map(|word| (word, word)).into_iter().chain([("ΠΑΠΑΔΟΠΟΥΛΟΣ", "Παπαδόπουλος"), ("STRASSE", "Straße"), ("ｺﾞｰﾙﾄﾞ", "ゴールド"), ("コ\u{3099}ールト\u{3099}", "ゴールド"), ("МОЙ", "мой")]);
        for (written, word) in written {
            let answer = admin.query_with(document, json!({ "one": written, "search": written })).await.expect_ok();
            for list in ["eq", "contains", "search"] {
                assert_eq!(names(&answer, list, "name"), [word], "{list} {written}");
            }
        }
        for nothing in ["\u{200b}", "\u{ad}\u{2060}"] {
            let answer = admin.query_with(document, json!({ "one": nothing, "search": "Straße" })).await.expect_ok();
            assert_eq!((names(&answer, "eq", "name"), names(&answer, "contains", "name")), (vec![], vec![]), "{nothing:?}");
        }
    }

    async fn an_imported_stage_is_found_by_its_name_and_by_no_other_word(world: World) {
        let admin = world.admin().await;
        let (line, _) = pipeline(&admin, "Q").await;
        for (position, name) in (5..).zip(["ハス", "バス"]) {
            create(&admin, "stage", json!({ "pipelineId": line, "name": name, "position": position, "category": "OPEN", "probability": 10 })).await;
        }
        let map = "resource = \"Deal\"\n[identity]\nsystem = \"crm\"\ncolumn = \"id\"\n[fields.name]\ncolumn = \"name\"\n[links.stage]\nby = \"name\"\ncolumn = \"stage\"\n";
        assert_eq!(imported(&admin, map, "id,name,stage\n1,Bus,Q / バス\n2,Lotus,q / ﾊｽ\n3,None,Q / パス\n".to_owned()).await, (2, 1));
        let document = "{ deals(orderBy: [{ field: NAME }]) { nodes { name stage { name } } } }";
        let found = admin.query(document).await.expect_ok();
        assert_eq!(found.data("deals.nodes"), &json!([{ "name": "Bus", "stage": { "name": "バス" } }, { "name": "Lotus", "stage": { "name": "ハス" } }]));
    }
}
