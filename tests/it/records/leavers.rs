//! Work is given only to people who work here, through whatever door it comes.

use entity::Department;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    crew,
    people::leaving::deactivate,
    shared::{archive, create, mutate, pipeline, user_id},
    support::{
        client::{Answer, Client},
        world::SELLER,
    },
    uploads::{begin_with, ended, put},
};

/// Somebody who has left.
async fn leaver(world: &crate::support::world::World, admin: &Client) -> String {
    let gone = crew::hire(world, "gone@tandem.test", "rep", Department::Sales).await.id;
    deactivate(admin, json!({ "id": gone })).await.expect_ok();
    gone
}

#[track_caller]
fn refused(answer: &Answer, mutation: &str, field: &str) {
    let reason = if field == "userId" { "USER_DEACTIVATED" } else { "OWNER_DEACTIVATED" };
    assert_eq!(answer.user_errors(mutation), [format!("INVALID {field}")], "{answer}");
    assert_eq!(answer.data(&format!("{mutation}.userErrors.0.reason")), reason);
}

on_both_engines! {
    async fn no_owner_or_member_is_somebody_who_has_left(world: World) {
        let admin = world.admin().await;
        let (gone, sam) = (leaver(&world, &admin).await, user_id(&admin, SELLER.email).await);
        let (_, [open, ..]) = pipeline(&admin, "New business").await;
        let account = create(&admin, "account", json!({ "name": "Acme" })).await;
        let team = create(&admin, "team", json!({ "name": "North", "department": "SALES" })).await;
        for (noun, field, input) in [
            ("account", "ownerId", json!({ "name": "A" })),
            ("lead", "ownerId", json!({ "name": "L" })),
            ("deal", "ownerId", json!({ "name": "D", "stageId": open })),
            ("persona", "ownerId", json!({ "name": "P" })),
            ("story", "ownerId", json!({ "title": "S" })),
            ("targetAccountList", "marketingOwnerId", json!({ "name": "M", "kind": "STATIC" })),
            ("targetAccountList", "salesOwnerId", json!({ "name": "S", "kind": "STATIC" })),
            ("accountTeamMember", "userId", json!({ "accountId": account })),
            ("teamMembership", "userId", json!({ "teamId": team })),
        ] {
            let with = |user: &str| {
                let mut input = input.clone();
                input[field] = json!(user);
                input
            };
            refused(&mutate(&admin, noun, "Create", with(&gone), "").await, &format!("{noun}Create"), field);
            let of = format!("{}{}", noun[..1].to_uppercase(), &noun[1..]);
            let bulk = format!("mutation($input: {of}BulkUpsertInput!) {{ bulk: {noun}BulkUpsert(input: $input) {{ results {{ status userErrors {{ reason }} }} }} }}");
            let answer = admin.query_with(&bulk, json!({ "input": { "items": [with(&gone), with(&sam)] } })).await;
            let told: Vec<&Value> = answer.data("bulk.results").as_array().expect("results").iter().map(|result| &result["status"]).collect();
            assert_eq!(told, ["FAILED", "CREATED"], "{noun}: {answer}");
            let id = create(&admin, noun, if field == "userId" { with(&user_id(&admin, "ada@tandem.test").await) } else { with(&sam) }).await;
            if field != "userId" {
                refused(&mutate(&admin, noun, "Update", json!({ "id": id, (field): gone }), "").await, &format!("{noun}Update"), field);
            }
        }
        let key = json!({ "name": "Sync", "roleId": role(&admin).await, "ownerId": gone, "expiresAt": "2026-12-01T00:00:00Z" });
        refused(&mutate(&admin, "apiKey", "Create", key, "").await, "apiKeyCreate", "ownerId");
    }

    async fn what_comes_back_or_is_reopened_comes_to_nobody_who_has_left(world: World) {
        let admin = world.admin().await;
        let sam = user_id(&admin, SELLER.email).await;
        let (_, [open, won, _]) = pipeline(&admin, "New business").await;
        let account = create(&admin, "account", json!({ "name": "Acme" })).await;
        let place = create(&admin, "accountTeamMember", json!({ "accountId": account, "userId": sam })).await;
        let lead = create(&admin, "lead", json!({ "name": "Ann", "ownerId": sam })).await;
        let old = create(&admin, "deal", json!({ "name": "Old", "stageId": won, "ownerId": sam })).await;
        for (noun, id) in [("accountTeamMember", &place), ("lead", &lead), ("deal", &old)] {
            archive(&admin, noun, id).await;
        }
        // Nothing live is theirs, so nobody need be named; what is archived waits for the next hand-over.
        deactivate(&admin, json!({ "id": sam })).await.expect_ok();
        refused(&mutate(&admin, "accountTeamMember", "Restore", json!({ "id": place }), "").await, "accountTeamMemberRestore", "userId");
        refused(&mutate(&admin, "lead", "Restore", json!({ "id": lead }), "").await, "leadRestore", "ownerId");
        mutate(&admin, "deal", "Restore", json!({ "id": old }), "").await.expect_ok();

        // Past work may name them: it is theirs, and comes in from other systems as theirs.
        let past = json!({ "name": "Older", "stageId": won, "ownerId": sam, "closedAt": "2024-05-05T12:00:00Z" });
        let past = create(&admin, "deal", past).await;
        create(&admin, "lead", json!({ "name": "Bob", "stage": "DISQUALIFIED", "ownerId": sam })).await;
        refused(&mutate(&admin, "lead", "Create", json!({ "name": "Cy", "stage": "RECYCLED", "ownerId": sam }), "").await, "leadCreate", "ownerId");
        mutate(&admin, "deal", "Update", json!({ "id": past, "name": "Oldest", "ownerId": sam }), "").await.expect_ok();
        refused(&mutate(&admin, "deal", "Update", json!({ "id": past, "stageId": open }), "").await, "dealUpdate", "ownerId");
        let ada = user_id(&admin, "ada@tandem.test").await;
        mutate(&admin, "deal", "Update", json!({ "id": past, "stageId": open, "ownerId": ada }), "").await.expect_ok();

        // Another hand-over takes what is archived along; then it can come back.
        deactivate(&admin, json!({ "id": sam, "newOwnerId": ada })).await.expect_ok();
        let back = mutate(&admin, "lead", "Restore", json!({ "id": lead }), "owner { id }").await.expect_ok();
        assert_eq!(back.data("leadRestore.lead.owner.id"), ada.as_str());
    }

    async fn what_was_theirs_before_they_left_can_still_be_changed(world: World) {
        let admin = world.admin().await;
        let sam = user_id(&admin, SELLER.email).await;
        let lead = create(&admin, "lead", json!({ "name": "Ann", "ownerId": sam })).await;
        // As a version before this one left it.
        crew::behind_the_back(&world, "UPDATE \"user\" SET status = 'DEACTIVATED' WHERE email = 'sam@tandem.test'").await;
        mutate(&admin, "lead", "Update", json!({ "id": lead, "name": "Anna", "ownerId": sam }), "").await.expect_ok();
        mutate(&admin, "lead", "Update", json!({ "id": lead, "ownerId": null }), "").await.expect_ok();
        refused(&mutate(&admin, "lead", "Update", json!({ "id": lead, "ownerId": sam }), "").await, "leadUpdate", "ownerId");
    }

    async fn an_import_gives_them_past_work_only(world: World) {
        let admin = world.admin().await;
        leaver(&world, &admin).await;
        let map = "resource = \"Lead\"\n[identity]\nsystem = \"crm\"\ncolumn = \"id\"\n[fields.name]\ncolumn = \"name\"\n\
            [fields.stage]\ncolumn = \"stage\"\n[links.owner]\ncolumn = \"owner\"\nby = \"email\"\n";
        let (id, path) = begin_with(&admin, map, false).await;
        let file = "id,name,stage,owner\n1,Ann,REJECTED,gone@tandem.test\n2,Bob,RAW,gone@tandem.test\n3,Cy,RAW,sam@tandem.test\n";
        assert_eq!(put(&admin, &path, "text/csv", file).await.status.as_u16(), 202);
        let done = ended(&admin, &id).await;
        assert_eq!(json!([done["status"], done["created"], done["failed"]]), json!(["DONE", 2, 1]), "{done}");
        let rows = admin.query_with("query($id: ID!) { importRows(jobId: $id, status: FAILED) { nodes { line message } } }", json!({ "id": id })).await;
        let row = rows.expect_ok().data("importRows.nodes.0").clone();
        assert_eq!(row["line"], 3);
        assert!(row["message"].as_str().expect("a message").contains("deactivated"), "{row}");
    }

    async fn who_leaves_while_they_are_given_work_ends_with_none(world: World) {
        let admin = world.admin().await;
        let sam = user_id(&admin, SELLER.email).await;
        let ada = user_id(&admin, "ada@tandem.test").await;
        let mut giving = JoinSet::new();
        for n in 0..12 {
            let (admin, sam) = (admin.clone(), sam.clone());
            giving.spawn(async move {
                let answer = mutate(&admin, "lead", "Create", json!({ "name": format!("L{n}"), "ownerId": sam }), "").await;
                answer.user_errors("leadCreate")
            });
        }
        let left = deactivate(&admin, json!({ "id": sam, "newOwnerId": ada })).await.expect_ok();
        let mut given = 0;
        while let Some(errors) = giving.join_next().await {
            match errors.expect("it ends").as_slice() {
                [] => given += 1,
                [error] => assert_eq!(error, "INVALID ownerId"),
                errors => panic!("{errors:?}"),
            }
        }
        assert_eq!(left.data("userDeactivate.handedOver"), given);
        let open = "query($id: ID!) { leads(filter: { owner: { id: { eq: $id } } }) { totalCount } }";
        assert_eq!(admin.query_with(open, json!({ "id": sam })).await.expect_ok().data("leads.totalCount"), 0);
    }
}

async fn role(admin: &Client) -> String {
    create(admin, "role", json!({ "name": "Nothing" })).await
}
