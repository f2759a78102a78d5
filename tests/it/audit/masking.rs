//! What the trail tells whom: nothing of hidden fields, no id of a record out of reach, no event of what is unseen.

use serde_json::{Value, json};

use super::{change, count, events};
use crate::{
    crew,
    shared::{archive, create, pipeline, update, user_id},
    support::{
        client::Client,
        database::Engine,
        world::{OTHER_SELLER, SELLER, SERVICE},
    },
};

/// What the trail says to a reader in every way there is: rows, counts, groups, orders, cursors, timelines.
async fn told(reader: &Client) -> Vec<Value> {
    let mut told = Vec::new();
    for document in [
        "{ audit(first: 200) { totalCount pageInfo { startCursor endCursor } edges { cursor node { id occurredAt action subjectType subjectId
            changedFields changes { field before after } subject { id } actor { id } account { id } requestId } } } }",
        "{ audit(first: 50, orderBy: [{ field: OCCURRED_AT, direction: DESC }]) { edges { cursor node { id } } } }",
        "{ eventAggregate(groupBy: [{ field: SUBJECT_TYPE }, { field: ACTION }, { field: ACTOR }]) { count min { occurredAt } max { occurredAt } key { subjectType action actor { id } } } }",
        "{ eventAggregate(groupBy: { field: OCCURRED_AT, bucket: DAY }) { count key { occurredAt } } }",
        "{ a: audit(filter: { field: { eq: \"amount\" } }) { totalCount } b: audit(filter: { not: { field: { in: [\"amount\", \"annualRevenue\"] } } }) { totalCount }
           c: audit(filter: { field: { in: [\"amount\", \"name\"] } }) { totalCount nodes { id } } d: eventAggregate(filter: { field: { eq: \"amount\" } }) { count } }",
        "{ accounts { nodes { timeline { totalCount nodes { id changedFields changes { field after } } } } } }",
    ] {
        let answer = reader.query(document).await.expect_ok();
        told.push(answer.body["data"].clone());
    }
    told
}

on_both_engines! {
    async fn who_may_not_see_amounts_never_hears_that_one_changed(world: World) {
        let (admin, service) = (world.admin().await, world.sign_in(&SERVICE).await);
        let (_, [open, ..]) = pipeline(&admin, "New").await;
        let euros = |amount: u32| json!({ "amount": amount.to_string(), "currency": "EUR" });
        let account = create(&admin, "account", json!({ "name": "Acme", "annualRevenue": euros(5) })).await;
        let deal = create(&admin, "deal", json!({ "name": "Wheels", "stageId": open, "accountId": account, "amount": euros(77) })).await;
        update(&admin, "deal", json!({ "id": deal, "amount": euros(78) })).await;
        update(&admin, "deal", json!({ "id": deal, "amount": euros(79), "name": "More wheels" })).await;
        let about = json!({ "subject": { "in": [deal, account] } });
        let seen = events(&service, about.clone()).await;
        assert_eq!(seen.len(), 4, "the events themselves are no secret");
        assert!(!json!(seen).to_string().contains("mount") && !json!(seen).to_string().contains("Revenue"), "{seen:?}");
        assert_eq!((&seen[2]["changedFields"], &seen[2]["changes"]), (&json!([]), &json!([])));
        assert_eq!(seen[3]["changes"], json!([{ "field": "name", "before": "Wheels", "after": "More wheels" }]));
        let known = events(&admin, about).await;
        assert_eq!(change(&known[3], "amount"), Some((&json!({ "amount": "78.00", "currency": "EUR" }), &json!({ "amount": "79.00", "currency": "EUR" }))));
        for (field, service_finds, admin_finds) in [("amount", 0, 3), ("annualRevenue", 0, 1)] {
            let filter = json!({ "field": { "eq": field } });
            assert_eq!((count(&service, filter.clone()).await, count(&admin, filter).await), (service_finds, admin_finds), "{field}");
        }
        assert_eq!(count(&service, json!({ "subject": { "eq": deal }, "field": { "in": ["amount", "name"] } })).await, 2);
        assert_eq!(count(&service, json!({ "subject": { "eq": deal }, "not": { "field": { "eq": "amount" } } })).await, 3);
        // Who follows hears the same.
        let follow = "subscription ($filter: EventSubscriptionFilter) { events(filter: $filter, after: \"ev_0_0\") { changedFields } }";
        let mut heard = service.subscribe(follow, json!({ "filter": { "subjects": [deal] } })).await;
        for event in seen.iter().filter(|event| event["subjectId"] == deal) {
            assert_eq!(heard.next().await["data"]["events"], json!({ "changedFields": event["changedFields"] }));
        }
        // What changes of it behind the back moves no answer.
        let before = told(&service).await;
        let known = told(&admin).await;
        let put = if world.engine == Engine::Postgres { "jsonb_set(changes, '{amount}', '{\"before\": null, \"after\": null}')" } else { "json_set(changes, '$.amount', json('{\"before\": null, \"after\": null}'))" };
        crew::behind_the_back(&world, &format!("UPDATE event SET changes = {put} WHERE subject_kind = 'Deal'")).await;
        assert_eq!(told(&service).await, before);
        assert_ne!(told(&admin).await, known, "it did change");
    }

    async fn a_rep_reads_no_id_of_a_record_out_of_reach(world: World) {
        let (admin, seller) = (world.admin().await, world.seller().await);
        let (sam, otto) = (user_id(&admin, SELLER.email).await, user_id(&admin, OTHER_SELLER.email).await);
        let (_, [open, ..]) = pipeline(&admin, "New").await;
        let mine = create(&admin, "account", json!({ "name": "Mine", "ownerId": sam })).await;
        let child = create(&admin, "account", json!({ "name": "Child", "ownerId": sam, "parentId": mine })).await;
        let secret = create(&admin, "account", json!({ "name": "Secret", "ownerId": otto })).await;
        update(&admin, "account", json!({ "id": child, "parentId": secret, "city": "Bonn" })).await;
        let deal = create(&admin, "deal", json!({ "name": "Mine there", "ownerId": sam, "stageId": open, "accountId": secret })).await;
        let list = json!({ "name": "Some", "kind": "DYNAMIC", "filter": { "id": { "in": [mine, secret] } } });
        let list = create(&admin, "targetAccountList", list).await;
        let seen = events(&seller, json!({ "subject": { "in": [child, deal, list, secret] } })).await;
        assert_eq!(seen.len(), 4, "nothing of the secret's own");
        assert!(!json!(seen).to_string().contains(&secret), "{seen:#?}");
        let of = |id: &str, n: usize| seen.iter().filter(|event| event["subjectId"] == id).nth(n).expect("an event");
        let null = Value::Null;
        assert_eq!(change(of(&child, 0), "parent"), Some((&null, &json!(mine))));
        assert_eq!(change(of(&child, 1), "parent"), Some((&json!(mine), &null)), "as the record shows it");
        assert_eq!(change(of(&deal, 0), "account"), Some((&null, &null)));
        assert_eq!(change(of(&deal, 0), "owner"), Some((&null, &json!(sam))));
        assert_eq!(change(of(&list, 0), "filter"), Some((&null, &json!({ "id": { "in": [mine, null] } }))));
        let known = events(&admin, json!({ "subject": { "eq": deal } })).await;
        assert_eq!(change(&known[0], "account"), Some((&null, &json!(secret))));
    }

    async fn a_list_s_filter_by_what_is_hidden_is_blanked(world: World) {
        let (admin, service) = (world.admin().await, world.sign_in(&SERVICE).await);
        let rich = json!({ "annualRevenue": { "gt": "1000", "currency": "EUR" } });
        let list = create(&admin, "targetAccountList", json!({ "name": "Rich", "kind": "DYNAMIC", "filter": rich })).await;
        update(&admin, "targetAccountList", json!({ "id": list, "filter": { "city": { "eq": "Bonn" } } })).await;
        let seen = events(&service, json!({ "subject": { "eq": list } })).await;
        assert_eq!(change(&seen[0], "filter"), Some((&Value::Null, &Value::Null)));
        assert_eq!(change(&seen[1], "filter"), Some((&Value::Null, &json!({ "city": { "eq": "Bonn" } }))));
        let known = events(&admin, json!({ "subject": { "eq": list } })).await;
        assert_eq!(change(&known[1], "filter"), Some((&rich, &json!({ "city": { "eq": "Bonn" } }))));
    }

    async fn what_a_rep_cannot_see_changes_nothing_of_the_trail(world: World) {
        let (admin, seller) = (world.admin().await, world.seller().await);
        let (sam, otto) = (user_id(&admin, SELLER.email).await, user_id(&admin, OTHER_SELLER.email).await);
        let (_, [open, ..]) = pipeline(&admin, "New").await;
        let mut unseen = Vec::new();
        for (owner, word) in [(&sam, "Mine"), (&otto, "Secret")] {
            let account = create(&admin, "account", json!({ "name": word, "ownerId": owner })).await;
            let contact = create(&admin, "contact", json!({ "name": word, "accountId": account })).await;
            let deal = create(&admin, "deal", json!({ "name": word, "accountId": account, "ownerId": owner, "stageId": open })).await;
            let lead = create(&admin, "lead", json!({ "name": word, "accountId": account, "ownerId": owner })).await;
            // Of a record out of sight in the archive, too.
            archive(&admin, "lead", &lead).await;
            let seen = count(&seller, json!({ "subject": { "in": [account, contact, deal, lead] } })).await;
            assert_eq!(seen, if owner == &sam { 5 } else { 0 }, "{word}");
            unseen = vec![account, contact, deal, lead];
        }
        let before = told(&seller).await;
        assert!(unseen.iter().all(|id| !json!(before).to_string().contains(id)));
        let known = told(&admin).await;
        for id in &unseen {
            let id = super::literal(&world, id);
            crew::behind_the_back(&world, &format!("UPDATE event SET occurred_at = occurred_at - 34560000000, action = 'RESTORED', changes = '{{}}' WHERE subject_id = {id}")).await;
        }
        crew::behind_the_back(&world, &format!("DELETE FROM event WHERE subject_id = {}", super::literal(&world, &unseen[2]))).await;
        update(&admin, "account", json!({ "id": unseen[0], "name": "Aaa", "city": "Bonn" })).await;
        assert_eq!(told(&seller).await, before);
        assert_ne!(told(&admin).await, known, "it did change");
    }

    async fn the_values_of_a_page_cost_one_statement_for_all_ids_however_many(world: World) {
        let (admin, seller) = (world.admin().await, world.seller().await);
        let (sam, otto) = (user_id(&admin, SELLER.email).await, user_id(&admin, OTHER_SELLER.email).await);
        let (_, [open, ..]) = pipeline(&admin, "New").await;
        for n in 0..4 {
            let account = create(&admin, "account", json!({ "name": format!("A{n}"), "ownerId": otto })).await;
            let contact = create(&admin, "contact", json!({ "name": "C", "accountId": account })).await;
            let lead = create(&admin, "lead", json!({ "name": "L", "ownerId": sam, "accountId": account, "contactId": contact })).await;
            create(&admin, "deal", json!({ "name": "D", "ownerId": sam, "stageId": open, "accountId": account, "leadId": lead })).await;
            for (reader, cost, document) in [
                (&admin, 1, "{ audit(last: 20) { nodes { subjectType subjectId changedFields changes { field before after } } } }"),
                (&seller, 2, "{ audit(last: 20) { nodes { subjectType subjectId changedFields changes { field before after } } } }"),
                (&seller, 1, "{ audit(last: 20) { nodes { subjectType subjectId changedFields changes { field } } } }"),
                (&seller, 4, "{ leads(first: 5) { nodes { account { id } } } audit(last: 5) { nodes { changes { after } } } }"),
            ] {
                let mut least = u64::MAX;
                for _ in 0..3 {
                    least = least.min(world.statements(async || drop(reader.query(document).await.expect_ok())).await);
                }
                assert_eq!(least, cost, "{document}");
            }
        }
    }
}
