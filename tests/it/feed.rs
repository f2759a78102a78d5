//! What happened: the feed that is followed, and the timeline that is read.

use serde_json::{Value, json};

use crate::{
    shared::{archive, create, mutate, pipeline, update},
    support::{client::Client, subscription::Subscription},
};

const EVENTS: &str =
    "subscription ($filter: EventSubscriptionFilter, $after: String) { events(filter: $filter, after: $after) {
    cursor kind occurredAt actor { name } subject { __typename id ... on Account { name } } changedFields } }";

/// Before all events. A subscription without a cursor begins when the server takes it up, of which
/// nothing tells: what is done right after may come before.
const BEGINNING: &str = "ev_0_0";

/// The next event, without its cursor.
async fn next(subscription: &mut Subscription) -> (String, Value) {
    let mut result = subscription.next().await;
    assert!(result.get("errors").is_none(), "{result}");
    let mut event = result["data"]["events"].take();
    let cursor = event.as_object_mut().and_then(|event| event.shift_remove("cursor")).expect("a cursor");
    (cursor.as_str().expect("a text").to_owned(), event)
}

/// The kind of the next event.
async fn kind(subscription: &mut Subscription) -> String {
    next(subscription).await.1["kind"].as_str().expect("a kind").to_owned()
}

on_both_engines! {
    async fn a_change_is_told_with_who_did_what_to_which_fields(world: World) {
        let admin = world.admin().await;
        create(&admin, "account", json!({ "name": "Before" })).await;
        let mut events = admin.subscribe(EVENTS, json!({ "after": BEGINNING })).await;
        let id = first_seen(&admin, &mut events).await;
        update(&admin, "account", json!({ "id": id, "city": "Köln", "annualRevenue": { "amount": "1", "currency": "EUR" } })).await;
        update(&admin, "account", json!({ "id": id, "city": "Köln" })).await;
        archive(&admin, "account", &id).await;
        mutate(&admin, "account", "Restore", json!({ "id": id }), "").await.expect_ok();
        let subject = json!({ "__typename": "Account", "id": id, "name": "First" });
        for (kind, fields) in [("account.updated", json!(["annualRevenue", "city"])), ("account.archived", json!([])), ("account.restored", json!([]))] {
            let (_, mut event) = next(&mut events).await;
            let mut changed: Vec<String> = serde_json::from_value(event["changedFields"].take()).expect("texts");
            changed.sort_unstable();
            event["changedFields"] = json!(changed);
            assert_eq!(event, json!({ "kind": kind, "occurredAt": "2026-03-02T09:00:00.000Z", "actor": { "name": "Ada Admin" }, "subject": subject, "changedFields": fields }));
        }
    }

    async fn a_feed_without_a_cursor_begins_with_what_happens_from_then_on(world: World) {
        let admin = world.admin().await;
        create(&admin, "account", json!({ "name": "Before" })).await;
        let mut events = admin.subscribe(EVENTS, json!({})).await;
        let first = next(&mut events);
        tokio::pin!(first);
        let (_, event) = loop {
            tokio::select! {
                biased;
                event = &mut first => break event,
                _ = create(&admin, "account", json!({ "name": "After" })) => {}
            }
        };
        assert_eq!((&event["kind"], &event["subject"]["name"]), (&json!("account.created"), &json!("After")));
    }

    async fn a_feed_goes_on_after_a_cursor_without_gap_or_repetition(world: World) {
        let admin = world.admin().await;
        let mut events = admin.subscribe(EVENTS, json!({ "after": BEGINNING })).await;
        let id = first_seen(&admin, &mut events).await;
        update(&admin, "account", json!({ "id": id, "name": "Second" })).await;
        let (cursor, event) = next(&mut events).await;
        assert_eq!(event["changedFields"], json!(["name"]));
        drop(events);
        let mut names = Vec::new();
        for n in 0..5 {
            names.push(format!("N{n}"));
            create(&admin, "account", json!({ "name": format!("N{n}") })).await;
        }
        let mut resumed = admin.subscribe(EVENTS, json!({ "after": cursor })).await;
        let mut cursors = vec![cursor];
        for name in &names {
            let (cursor, event) = next(&mut resumed).await;
            assert_eq!((&event["kind"], &event["subject"]["name"]), (&json!("account.created"), &json!(name)));
            assert!(!cursors.contains(&cursor));
            cursors.push(cursor);
        }
        let mut middle = admin.subscribe(EVENTS, json!({ "after": cursors[3] })).await;
        assert_eq!(next(&mut middle).await.0, cursors[4]);
        let refused = admin.subscribe(EVENTS, json!({ "after": "nonsense" })).await.message().await;
        assert!(refused.to_string().contains("INVALID_CURSOR"), "{refused}");
    }

    async fn a_feed_may_be_narrowed_to_types_records_and_actions(world: World) {
        let admin = world.admin().await;
        let mut all = admin.subscribe(EVENTS, json!({ "after": BEGINNING })).await;
        let acme = first_seen(&admin, &mut all).await;
        let (start, _) = {
            update(&admin, "account", json!({ "id": acme, "city": "Köln" })).await;
            next(&mut all).await
        };
        create(&admin, "lead", json!({ "name": "Lead" })).await;
        let other = create(&admin, "account", json!({ "name": "Other" })).await;
        update(&admin, "account", json!({ "id": acme, "city": "Bonn" })).await;
        update(&admin, "account", json!({ "id": other, "city": "Bonn" })).await;
        for (filter, expected) in [
            (json!({}), vec!["lead.created", "account.created", "account.updated", "account.updated"]),
            (json!({ "subjectTypes": ["Lead"] }), vec!["lead.created"]),
            (json!({ "subjectTypes": ["Account", "Lead"], "actions": ["CREATED"] }), vec!["lead.created", "account.created"]),
            (json!({ "subjects": [acme] }), vec!["account.updated"]),
            (json!({ "subjects": [other], "actions": ["UPDATED"] }), vec!["account.updated"]),
        ] {
            let mut narrowed = admin.subscribe(EVENTS, json!({ "filter": filter, "after": start })).await;
            for kind_expected in expected {
                assert_eq!(kind(&mut narrowed).await, kind_expected, "{filter}");
            }
        }
        for filter in [json!({ "subjectTypes": ["Nonsense"] }), json!({ "subjects": ["nonsense"] }), json!({ "subjects": vec![acme.as_str(); 101] })] {
            let refused = admin.subscribe(EVENTS, json!({ "filter": filter })).await.message().await;
            assert!(refused.to_string().contains("BAD_USER_INPUT"), "{refused}");
        }
    }

    async fn a_bulk_call_tells_of_each_record_and_an_undone_one_of_none(world: World) {
        let admin = world.admin().await;
        let mut events = admin.subscribe(EVENTS, json!({ "after": BEGINNING })).await;
        first_seen(&admin, &mut events).await;
        let document = "mutation ($input: AccountBulkUpsertInput!) { accountBulkUpsert(input: $input) { results { status } userErrors { code } } }";
        let undone = json!({ "input": { "items": [{ "name": "A" }, { "name": "" }], "onError": "ROLLBACK_ALL" } });
        admin.query_with(document, undone).await.expect_ok();
        admin.query_with(document, json!({ "input": { "items": [{ "name": "dry" }], "dryRun": true } })).await.expect_ok();
        admin.query_with(document, json!({ "input": { "items": [{ "name": "B" }, { "name": "" }, { "name": "C" }] } })).await.expect_ok();
        for name in ["B", "C"] {
            assert_eq!(next(&mut events).await.1["subject"]["name"], name);
        }
    }

    async fn an_accounts_timeline_has_what_happened_to_its_leads_and_deals_in_order(world: World) {
        let admin = world.admin().await;
        let (_, [open, won, _]) = pipeline(&admin, "New").await;
        let account = create(&admin, "account", json!({ "name": "Acme" })).await;
        create(&admin, "account", json!({ "name": "Other" })).await;
        let lead = create(&admin, "lead", json!({ "name": "Ann", "accountId": account })).await;
        world.clock.advance(std::time::Duration::from_secs(1));
        let deal = create(&admin, "deal", json!({ "name": "Wheels", "accountId": account, "leadId": lead, "stageId": open })).await;
        update(&admin, "deal", json!({ "id": deal, "stageId": won })).await;
        create(&admin, "contact", json!({ "name": "Ann", "accountId": account })).await;
        archive(&admin, "lead", &lead).await;
        let document = "query ($id: ID!, $first: Int, $after: String, $filter: EventFilter) { account(by: { id: $id }) { timeline(first: $first, after: $after, filter: $filter) { totalCount pageInfo { endCursor hasNextPage }
            nodes { action occurredAt subject { __typename } account { name } } } } }";
        let expected = [
            ("CREATED", "Account"), ("CREATED", "Lead"), ("CREATED", "Deal"), ("UPDATED", "Lead"), ("UPDATED", "Deal"), ("UPDATED", "Lead"), ("CREATED", "AccountContact"), ("ARCHIVED", "Lead"),
        ];
        let (mut seen, mut after) = (Vec::new(), Value::Null);
        loop {
            let answer = admin.query_with(document, json!({ "id": account, "first": 3, "after": after })).await.expect_ok();
            let timeline = answer.data("account.timeline");
            assert_eq!(timeline["totalCount"], 8);
            for node in timeline["nodes"].as_array().expect("a list") {
                assert_eq!(node["account"]["name"], "Acme");
                seen.push((node["action"].as_str().expect("an action").to_owned(), node["subject"]["__typename"].as_str().expect("a type").to_owned()));
            }
            after = timeline["pageInfo"]["endCursor"].clone();
            if timeline["pageInfo"]["hasNextPage"] == false {
                break;
            }
        }
        assert_eq!(seen, expected.map(|(action, subject)| (action.to_owned(), subject.to_owned())));
        let archived = admin.query_with(document, json!({ "id": account, "filter": { "action": { "eq": "ARCHIVED" }, "actor": { "email": { "eq": "ada@tandem.test" } } } })).await.expect_ok();
        assert_eq!(archived.data("account.timeline.totalCount"), 1);
        assert_eq!(archived.data("account.timeline.nodes.0.occurredAt"), "2026-03-02T09:00:01.000Z");
    }
}

/// Makes the account `First` and reads the feed, which began before it, up to its event; answers its id.
async fn first_seen(admin: &Client, events: &mut Subscription) -> String {
    let id = create(admin, "account", json!({ "name": "First" })).await;
    while next(events).await.1["subject"]["id"] != json!(id) {}
    id
}
