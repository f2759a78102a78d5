//! Filters across relations.

use serde_json::{Value, json};

use crate::{
    shared::{create, create_all, names, pipeline, user_id},
    support::{client::Client, world},
};

async fn company(admin: &Client) {
    let owner = user_id(admin, world::SELLER.email).await;
    let (_, [open, won, _]) = pipeline(admin, "New").await;
    let accounts = create_all(
        admin,
        "account",
        vec![
            json!({ "name": "Acme", "ownerId": owner }),
            json!({ "name": "Globex" }),
            json!({ "name": "Initech", "ownerId": owner }),
        ],
    )
    .await;
    let leads = create_all(
        admin,
        "lead",
        vec![
            json!({ "name": "hot", "score": 90, "accountId": accounts[0] }),
            json!({ "name": "cold", "score": 10, "accountId": accounts[0] }),
            json!({ "name": "unscored", "accountId": accounts[1] }),
        ],
    )
    .await;
    create(admin, "deal", json!({ "name": "open", "stageId": open, "accountId": accounts[0], "leadId": leads[1] }))
        .await;
    create(admin, "deal", json!({ "name": "won", "stageId": won, "accountId": accounts[1] })).await;
    let ann = create(admin, "contact", json!({ "name": "Ann", "accountId": accounts[0] })).await;
    create(admin, "accountContact", json!({ "contactId": ann, "accountId": accounts[2] })).await;
}

async fn found(admin: &Client, filter: &Value) -> String {
    let answer = admin
        .query_with(
            "query ($filter: AccountFilter) { accounts(filter: $filter, orderBy: { field: NAME }) { nodes { name } } }",
            json!({ "filter": filter }),
        )
        .await
        .expect_ok();
    names(&answer, "accounts", "name").join(" ")
}

on_both_engines! {
    async fn some_every_and_none_count_the_rows_at_the_other_end(world: World) {
        let admin = world.admin().await;
        company(&admin).await;
        let good = json!({ "score": { "gte": 50 } });
        for (filter, expected) in [
            (json!({ "leads": { "some": good } }), "Acme"),
            (json!({ "leads": { "every": good } }), "Initech"),
            (json!({ "leads": { "none": good } }), "Globex Initech"),
            (json!({ "leads": { "some": {} } }), "Acme Globex"),
            (json!({ "leads": { "none": {} } }), "Initech"),
            (json!({ "leads": { "every": {} } }), "Acme Globex Initech"),
            (json!({ "leads": {} }), "Acme Globex Initech"),
            (json!({ "leads": { "some": { "score": { "isNull": true } } } }), "Globex"),
            (json!({ "leads": { "some": good, "none": { "score": { "lt": 50 } } } }), ""),
            (json!({ "not": { "leads": { "some": good } } }), "Globex Initech"),
        ] {
            assert_eq!(found(&admin, &filter).await, expected, "{filter}");
        }
    }

    async fn filters_reach_through_several_relations(world: World) {
        let admin = world.admin().await;
        company(&admin).await;
        for (filter, expected) in [
            (json!({ "leads": { "some": { "deals": { "some": { "stage": { "category": { "eq": "OPEN" } } } } } } }), "Acme"),
            (json!({ "deals": { "some": { "stage": { "category": { "eq": "WON" } }, "pipeline": { "name": { "eq": "new", "ignoreCase": true } } } } }), "Globex"),
            (json!({ "contacts": { "some": { "name": { "eq": "Ann" } } } }), "Acme Initech"),
            (json!({ "contactRoles": { "some": { "isPrimary": { "eq": true } } } }), "Acme"),
            (json!({ "contacts": { "some": { "accounts": { "some": { "name": { "eq": "Acme" } } } } } }), "Acme Initech"),
            (json!({ "owner": { "email": { "eq": "sam@tandem.test" } } }), "Acme Initech"),
            (json!({ "owner": { "teams": { "some": { "name": { "eq": "North" } } } } }), "Acme Initech"),
        ] {
            assert_eq!(found(&admin, &filter).await, expected, "{filter}");
        }
    }

    async fn an_empty_filter_on_one_record_tests_nothing_and_its_id_asks_whether_there_is_one(world: World) {
        let admin = world.admin().await;
        company(&admin).await;
        for nothing in [json!({ "owner": {} }), json!({ "owner": { "name": {} } }), json!({ "not": { "owner": {} } }), json!({ "contacts": {} })] {
            assert_eq!(found(&admin, &nothing).await, "Acme Globex Initech", "{nothing}");
        }
        assert_eq!(found(&admin, &json!({ "ownerId": { "isNull": false } })).await, "Acme Initech");
        assert_eq!(found(&admin, &json!({ "ownerId": { "isNull": true } })).await, "Globex");
        let owner = user_id(&admin, world::SELLER.email).await;
        assert_eq!(found(&admin, &json!({ "owner": { "id": { "eq": owner } } })).await, "Acme Initech");
        assert_eq!(found(&admin, &json!({ "owner": { "id": { "ne": owner } } })).await, "");
        assert_eq!(found(&admin, &json!({ "not": { "owner": { "id": { "eq": owner } } } })).await, "Globex");
    }

    async fn nested_lists_take_filters_of_their_own(world: World) {
        let admin = world.admin().await;
        company(&admin).await;
        let seen = admin.query("{ accounts { nodes { leads(filter: { score: { gte: 50 } }) { totalCount nodes { name } } contacts(search: \"ann\") { totalCount } } } }").await.expect_ok();
        let leads = |n: usize, names: &[&str]| json!({
            "leads": { "totalCount": names.len(), "nodes": names.iter().map(|name| json!({ "name": name })).collect::<Vec<_>>() },
            "contacts": { "totalCount": i32::from(n != 1) },
        });
        assert_eq!(seen.data("accounts.nodes"), &json!([leads(0, &["hot"]), leads(1, &[]), leads(2, &[])]));
    }
}
