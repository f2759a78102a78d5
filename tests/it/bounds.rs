//! What one request may cost the database, and what one permitted change may drag along.

use entity::{Department, Kind};
use serde_json::json;

use crate::{
    crew,
    shared::{create, mutate, pipeline, user_id},
    support::world::{OTHER_SELLER, SELLER, TEAM_MATE},
};

const LIST: &str = "query($filter: AccountFilter) { accounts(filter: $filter) { totalCount } }";

on_both_engines! {
    async fn a_filter_that_asks_too_much_is_refused_with_its_limit(world: World) {
        let admin = world.admin().await;
        let mut deep = json!({ "name": { "eq": "x" } });
        for _ in 0..2 {
            deep = json!({ "owner": { "accounts": { "some": deep } } });
        }
        let wide = json!({ "or": vec![json!({ "name": { "eq": "x" } }); 300] });
        let many = json!({ "and": vec![json!({ "name": { "in": vec!["x"; 900] } }); 10] });
        for (filter, words) in [(deep, "3 relations deep"), (wide, "200 conditions"), (many, "5000 values")] {
            let answer = admin.query_with(LIST, json!({ "filter": filter })).await;
            assert_eq!(answer.error_code(), Some("BAD_USER_INPUT"));
            assert!(answer.body.to_string().contains(words), "{words}: {}", answer.body);
        }
        let words = vec!["x"; 2_000].join(" ");
        let answer = admin.query_with("query($words: String) { accounts(search: $words) { totalCount } }", json!({ "words": words })).await;
        assert!(answer.body.to_string().contains("at most 10 words"), "{answer}");
    }

    async fn a_dynamic_list_takes_no_filter_that_could_not_be_read(world: World) {
        let admin = world.admin().await;
        for filter in [
            json!({ "lists": { "some": { "accounts": { "some": {} } } } }),
            json!({ "employeeCount": { "contains": "1" } }),
            json!({ "name": { "startsWith": 5 } }),
        ] {
            let input = json!({ "name": "L", "kind": "DYNAMIC", "filter": filter });
            let answer = mutate(&admin, "targetAccountList", "Create", input, "").await;
            assert_eq!(answer.user_errors("targetAccountListCreate"), ["INVALID filter"]);
        }
    }

    async fn a_deal_drags_no_lead_along_that_its_maker_may_not_change(world: World) {
        let (admin, seller) = (world.admin().await, world.seller().await);
        let (me, mate) = (user_id(&admin, SELLER.email).await, user_id(&admin, TEAM_MATE.email).await);
        let (_, [open, ..]) = pipeline(&admin, "P").await;
        let account = create(&admin, "account", json!({ "name": "A", "ownerId": me })).await;
        let lead = create(&admin, "lead", json!({ "name": "L", "ownerId": mate })).await;
        let input = json!({ "name": "D", "stageId": open, "accountId": account, "leadId": lead });
        let answer = mutate(&seller, "deal", "Create", input, "").await;
        assert_eq!(answer.user_errors("dealCreate"), ["FORBIDDEN"]);
        let stage = admin.query_with("query($id: ID!) { lead(by: { id: $id }) { stage } }", json!({ "id": lead })).await.expect_ok();
        assert_eq!(stage.data("lead.stage"), "RAW");
    }

    async fn a_contact_cannot_be_made_ones_own_by_giving_it_a_place(world: World) {
        let (admin, seller) = (world.admin().await, world.seller().await);
        let (me, mate) = (user_id(&admin, SELLER.email).await, user_id(&admin, TEAM_MATE.email).await);
        let mine = create(&admin, "account", json!({ "name": "Mine", "ownerId": me })).await;
        let theirs = create(&admin, "account", json!({ "name": "Theirs", "ownerId": mate })).await;
        let contact = create(&admin, "contact", json!({ "name": "C", "accountId": theirs })).await;
        let place = json!({ "accountId": mine, "contactId": contact, "isPrimary": true });
        let done = crew::mutate(&seller, "Create", vec![(Kind::AccountContact, place)]).await;
        assert_eq!(done[0].clone().map(drop), Err(vec!["FORBIDDEN".to_owned()]));
        let renamed = crew::mutate(&seller, "Update", vec![(Kind::Contact, json!({ "id": contact, "title": "CEO" }))]).await;
        assert_eq!(renamed[0].clone().map(drop), Err(vec!["FORBIDDEN".to_owned()]));
    }

    async fn an_answer_that_cannot_be_given_changes_nothing(world: World) {
        let admin = world.admin().await;
        let document = "mutation { accountCreate(input: { name: \"X\" }) {
            account { deals(orderBy: [{ field: NAME }, { field: NAME }]) { totalCount } } } }";
        assert_eq!(admin.query(document).await.error_code(), Some("BAD_USER_INPUT"));
        let count = admin.query("{ accounts { totalCount } }").await.expect_ok();
        assert_eq!(count.data("accounts.totalCount"), &json!(0));
    }

    async fn a_bulk_call_that_is_rolled_back_says_so_of_each_item(world: World) {
        let admin = world.admin().await;
        let items = json!([{ "name": "A" }, { "name": " " }]);
        let document = "mutation($items: [AccountBulkUpsertItem!]!) {
            accountBulkUpsert(input: { items: $items, onError: ROLLBACK_ALL }) { results { status a: node { id } } } }";
        let answer = admin.query_with(document, json!({ "items": items })).await.expect_ok();
        assert_eq!(answer.data("accountBulkUpsert.results"), &json!([{ "status": "ROLLED_BACK", "a": null }, { "status": "FAILED", "a": null }]));
    }

    async fn a_deal_that_moves_from_won_to_lost_stays_closed_when_it_was(world: World) {
        let admin = world.admin().await;
        let (_, [_, won, lost]) = pipeline(&admin, "P").await;
        let deal = create(&admin, "deal", json!({ "name": "D", "stageId": won, "closedAt": "2020-01-01T00:00:00Z" })).await;
        world.clock.advance(std::time::Duration::from_mins(1));
        let moved = mutate(&admin, "deal", "Update", json!({ "id": deal, "stageId": lost }), "closedAt").await.expect_ok();
        assert_eq!(moved.data("dealUpdate.deal.closedAt"), "2020-01-01T00:00:00.000Z");
    }

    async fn who_may_not_assign_may_change_no_owner_of_a_list(world: World) {
        let admin = world.admin().await;
        let grants = json!([
            { "resource": "TargetAccountList", "action": "READ", "reach": "ALL" },
            { "resource": "TargetAccountList", "action": "UPDATE", "reach": "ALL" },
            { "resource": "User", "action": "READ", "reach": "ALL" },
        ]);
        create(&admin, "role", json!({ "name": "Lists", "key": "lists", "grants": grants })).await;
        let marketer = crew::hire(&world, "lists@tandem.test", "lists", Department::Marketing).await;
        let (me, marketer, other) = (marketer.id, marketer.client, user_id(&admin, OTHER_SELLER.email).await);
        let list = create(&admin, "targetAccountList", json!({ "name": "L", "kind": "STATIC", "marketingOwnerId": me })).await;
        let done = crew::mutate(&marketer, "Update", vec![(Kind::TargetAccountList, json!({ "id": list, "salesOwnerId": other }))]).await;
        assert_eq!(done[0].clone().map(drop), Err(vec!["FORBIDDEN salesOwnerId".to_owned()]));
    }
}
