//! Who makes a record for somebody else gives it away: that takes ASSIGN, by every way to make one.

use entity::Kind;
use serde_json::{Value, json};

use super::{grants, officer, role_id, save};
use crate::{
    crew,
    shared::{create, create_all, mutate, pipeline, user_id},
    support::{
        client::Client,
        world::{MARKETER, OTHER_SELLER, SELLER, TEAM_MATE, World},
    },
    uploads,
};

/// The nouns that have an owner, how each is made, and where the owner stands.
const OWNED: [(&str, &str, &str); 6] = [
    ("account", "name", "ownerId"),
    ("lead", "name", "ownerId"),
    ("deal", "name", "ownerId"),
    ("persona", "name", "ownerId"),
    ("story", "title", "ownerId"),
    ("targetAccountList", "name", "salesOwnerId"),
];

/// Whoever may read and make everything that has an owner, and do this besides.
async fn maker(world: &World, key: &str, more: &[&str]) -> crew::Hand {
    let mut permits = vec!["User:READ:ALL".to_owned(), "Stage:READ:ALL".to_owned(), "Pipeline:READ:ALL".to_owned()];
    for kind in ["Account", "Lead", "Deal", "Persona", "Story", "TargetAccountList"] {
        permits.extend(["READ", "CREATE", "UPDATE"].map(|action| format!("{kind}:{action}:ALL")));
    }
    permits.extend(more.iter().map(|text| (*text).to_owned()));
    let permits: Vec<&str> = permits.iter().map(String::as_str).collect();
    officer(world, key, &permits).await
}

fn input(noun: (&str, &str, &str), owner: &Value, stage: &str) -> Value {
    let mut input = json!({ noun.1: "Made", noun.2: owner });
    match noun.0 {
        "deal" => input["stageId"] = json!(stage),
        "targetAccountList" => input["kind"] = json!("STATIC"),
        _ => {}
    }
    input
}

/// Tries to make one record; the message of the refusal.
async fn refusal(client: &Client, noun: (&str, &str, &str), input: Value) -> String {
    let answer = mutate(client, noun.0, "Create", input, "").await;
    let field = format!("{}Create", noun.0);
    assert_eq!(answer.user_errors(&field), [format!("FORBIDDEN {}", noun.2)], "{answer}");
    assert_eq!(answer.data(&format!("{field}.userErrors.0.reason")), "PERMISSION_MISSING");
    crew::text(&answer, &format!("{field}.userErrors.0.message"))
}

/// What became of the items of a bulk call: `CREATED`, or the first mistake's code and field.
async fn upserted(client: &Client, noun: &str, items: Value) -> Vec<String> {
    let of = format!("{}{}", noun[..1].to_uppercase(), &noun[1..]);
    let document = format!(
        "mutation ($input: {of}BulkUpsertInput!) {{ {noun}BulkUpsert(input: $input) {{ results {{ status userErrors {{ code field }} }} }} }}"
    );
    let answer = client.query_with(&document, json!({ "input": { "items": items } })).await.expect_ok();
    let results = answer.data(&format!("{noun}BulkUpsert.results")).as_array().expect("a list").clone();
    let one = |result: &Value| match result["userErrors"].get(0) {
        Some(error) => format!("{} {}", error["code"].as_str().unwrap(), error["field"][0].as_str().unwrap_or("")),
        None => result["status"].as_str().expect("a status").to_owned(),
    };
    results.iter().map(one).collect()
}

on_both_engines! {
    async fn a_record_for_somebody_else_takes_assign_and_one_for_oneself_or_nobody_does_not(world: World) {
        let admin = world.admin().await;
        let (_, [stage, ..]) = pipeline(&admin, "Sales").await;
        let other = json!(user_id(&admin, OTHER_SELLER.email).await);
        let without = maker(&world, "without", &[]).await;
        let permits = OWNED.map(|(noun, ..)| format!("{}{}:ASSIGN:ALL", noun[..1].to_uppercase(), &noun[1..]));
        let permits: Vec<&str> = permits.iter().map(String::as_str).collect();
        let with = maker(&world, "with", &permits).await;
        for noun in OWNED {
            let kind = Kind::ALL.into_iter().find(|kind| kind.table().singular() == noun.0).expect("a noun");
            let message = refusal(&without.client, noun, input(noun, &other, &stage)).await;
            assert!(message.contains(&format!("you lack the permission ASSIGN on {} records", kind.name())), "{message}");
            create(&without.client, noun.0, input(noun, &json!(without.id), &stage)).await;
            if !matches!(noun.0, "persona" | "story") {
                create(&without.client, noun.0, input(noun, &Value::Null, &stage)).await;
            }
            let said = upserted(&without.client, noun.0, json!([input(noun, &other, &stage), input(noun, &json!(without.id), &stage)])).await;
            assert_eq!(said, [format!("FORBIDDEN {}", noun.2), "CREATED".to_owned()]);
            create(&with.client, noun.0, input(noun, &other, &stage)).await;
        }
        // A list has two owners, and each counts.
        let list = json!({ "name": "Two", "kind": "STATIC", "salesOwnerId": without.id, "marketingOwnerId": other });
        let answer = mutate(&without.client, "targetAccountList", "Create", list, "").await;
        assert_eq!(answer.user_errors("targetAccountListCreate"), ["FORBIDDEN marketingOwnerId"]);
        // Nothing was left by what was refused.
        let answer = admin.query_with(
            "query ($who: ID!) { leads(filter: { owner: { id: { eq: $who } } }) { totalCount } }",
            json!({ "who": other }),
        ).await.expect_ok();
        assert_eq!(answer.data("leads.totalCount"), 1);
    }

    async fn assign_reaches_as_far_for_a_new_record_as_for_one_that_is_there(world: World) {
        let admin = world.admin().await;
        let (mate, other) = (user_id(&admin, TEAM_MATE.email).await, user_id(&admin, OTHER_SELLER.email).await);
        let team = officer(&world, "team", &["Lead:READ:ALL", "Lead:CREATE:ALL", "Lead:ASSIGN:TEAM", "User:READ:ALL"]).await;
        crew::team(&admin, "Makers", &[&team.id, &mate]).await;
        create(&team.client, "lead", json!({ "name": "L", "ownerId": mate })).await;
        let message = refusal(&team.client, ("lead", "name", "ownerId"), json!({ "name": "L", "ownerId": other })).await;
        assert!(message.contains("reaches TEAM, and not this one"), "{message}");
        // A seller's own account makes its deals theirs to see; not to give to anybody.
        let (_, [stage, ..]) = pipeline(&admin, "Sales").await;
        let (seller, me) = (world.seller().await, user_id(&admin, SELLER.email).await);
        let account = create(&admin, "account", json!({ "name": "A", "ownerId": me })).await;
        let deal = |owner: &str| json!({ "name": "D", "stageId": stage, "accountId": account, "ownerId": owner });
        refusal(&seller, ("deal", "name", "ownerId"), deal(&mate)).await;
        create(&seller, "deal", deal(&me)).await;
    }

    async fn built_in_roles_whose_trade_it_is_make_records_for_sellers(world: World) {
        let admin = world.admin().await;
        let sam = user_id(&admin, SELLER.email).await;
        let marketer = world.marketer().await;
        create(&marketer, "lead", json!({ "name": "L", "ownerId": sam })).await;
        create(&marketer, "account", json!({ "name": "A", "ownerId": sam })).await;
        let mia = user_id(&admin, MARKETER.email).await;
        create(&marketer, "targetAccountList", json!({ "name": "T", "kind": "STATIC", "marketingOwnerId": mia, "salesOwnerId": sam })).await;
        for role in ["marketing_manager", "sales_manager", "integration", "crm_sync"] {
            let hand = crew::hire(&world, &format!("{role}@tandem.test"), role, entity::Department::Sales).await;
            create_all(&hand.client, "lead", vec![json!({ "name": "L", "ownerId": sam })]).await;
        }
    }

    async fn a_row_of_a_file_whose_owner_may_not_be_assigned_is_refused_as_that_row(world: World) {
        let admin = world.admin().await;
        let permits = ["Lead:READ:ALL", "Lead:CREATE:ALL", "Lead:UPDATE:ALL", "Lead:IMPORT:ALL", "User:READ:ALL", "ImportJob:READ:OWN"];
        let clerk = officer(&world, "clerk", &permits).await;
        let map = "resource = \"Lead\"\n[identity]\nsystem = \"crm\"\ncolumn = \"id\"\n[fields.name]\ncolumn = \"id\"\n[links.owner]\nby = \"email\"\ncolumn = \"mail\"\n";
        let file = format!("id,mail\na,clerk@tandem.test\nb,{}\nc,\n", SELLER.email);
        let import = async |client: &Client| {
            let (id, path) = uploads::begin_with(client, map, false).await;
            assert_eq!(uploads::put(client, &path, "text/csv", file.clone()).await.status.as_u16(), 202);
            uploads::ended(client, &id).await;
            let rows = "query ($id: ID!) { importRows(jobId: $id) { nodes { line status message } } }";
            client.query_with(rows, json!({ "id": id })).await.expect_ok().data("importRows.nodes").clone()
        };
        let rows = import(&clerk.client).await;
        let statuses: Vec<&str> = rows.as_array().expect("rows").iter().filter_map(|row| row["status"].as_str()).collect();
        assert_eq!(statuses, ["CREATED", "FAILED", "CREATED"], "{rows}");
        let message = rows[1]["message"].as_str().expect("a message");
        assert!(message.contains("ASSIGN on Lead records"), "{message}");
        let permits = [&permits[..], &["Lead:ASSIGN:ALL"]].concat();
        save(&admin, "Update", json!({ "id": role_id(&admin, "clerk").await, "grants": grants(&permits) })).await.expect_ok();
        assert_eq!(import(&clerk.client).await[1]["status"], "CREATED");
    }
}
