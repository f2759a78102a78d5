//! The shape of answers: keys, their order, fragments and directives.

use serde_json::json;

use crate::{
    shared::{create, create_all},
    support::client::Client,
};

async fn acme(admin: &Client) -> String {
    let id = create(admin, "account", json!({ "name": "Acme", "city": "Köln", "annualRevenue": { "amount": "1", "currency": "EUR" }, "externalIds": [{ "system": "crm", "id": "1" }] })).await;
    create_all(admin, "lead", ["one", "two"].map(|name| json!({ "name": name, "accountId": id })).into()).await;
    id
}

/// The `data` of an answer as text: the order of keys counts.
async fn data(admin: &Client, document: &str) -> String {
    admin.query(document).await.expect_ok().body["data"].to_string()
}

on_both_engines! {
    async fn keys_come_in_the_order_asked_for_under_the_names_asked_for(world: World) {
        let admin = world.admin().await;
        let id = acme(&admin).await;
        assert_eq!(data(&admin, "{ b: accounts { count: totalCount rows: nodes { where: city id what: name city } } a: accounts { totalCount } }").await,
            format!(r#"{{"b":{{"count":1,"rows":[{{"where":"Köln","id":"{id}","what":"Acme","city":"Köln"}}]}},"a":{{"totalCount":1}}}}"#));
    }

    async fn the_same_field_twice_is_one_with_both_selections(world: World) {
        let admin = world.admin().await;
        acme(&admin).await;
        assert_eq!(data(&admin, "{ accounts { nodes { leads { nodes { name } } city leads { totalCount nodes { stage name } } } } accounts { totalCount nodes { name } } }").await,
            r#"{"accounts":{"nodes":[{"leads":{"nodes":[{"name":"one","stage":"RAW"},{"name":"two","stage":"RAW"}],"totalCount":2},"city":"Köln","name":"Acme"}],"totalCount":1}}"#);
    }

    async fn fragments_spread_where_they_stand(world: World) {
        let admin = world.admin().await;
        let id = acme(&admin).await;
        let document = "{ accounts { ...page } }
            fragment page on AccountConnection { nodes { ...core ... on Account { city } ... on Node { id } ... { tier } ...core } edges { node { ...core } } }
            fragment core on Account { name leads(first: 1) { ...leads } }
            fragment leads on LeadConnection { nodes { ... on Lead { name } } }";
        assert_eq!(data(&admin, document).await, format!(
            r#"{{"accounts":{{"nodes":[{{"name":"Acme","leads":{{"nodes":[{{"name":"one"}}]}},"city":"Köln","id":"{id}","tier":null}}],"edges":[{{"node":{{"name":"Acme","leads":{{"nodes":[{{"name":"one"}}]}}}}}}]}}}}"#));
        let node = format!("{{ node(id: \"{id}\") {{ ... on Contact {{ email }} __typename ...n ... on Account {{ name }} }} }} fragment n on Node {{ id }}");
        assert_eq!(data(&admin, &node).await, format!(r#"{{"node":{{"__typename":"Account","id":"{id}","name":"Acme"}}}}"#));
    }

    async fn skip_and_include_decide_with_literals_and_variables(world: World) {
        let admin = world.admin().await;
        acme(&admin).await;
        let document = "query ($yes: Boolean!, $no: Boolean = false) { accounts { totalCount @skip(if: $yes) nodes { name @include(if: $yes) city @include(if: $no) tier @skip(if: true) ... on Account @include(if: $yes) { stage } ...x @skip(if: $yes) } } }
            fragment x on Account { industry }";
        let answer = admin.query_with(document, json!({ "yes": true })).await.expect_ok();
        assert_eq!(answer.body["data"].to_string(), r#"{"accounts":{"nodes":[{"name":"Acme","stage":"UNAWARE"}]}}"#);
    }

    async fn everything_tells_its_type(world: World) {
        let admin = world.admin().await;
        acme(&admin).await;
        let document = "{ __typename accounts { __typename nodes { __typename annualRevenue { __typename } externalIds { __typename } leads(first: 1) { __typename edges { __typename node { __typename } } pageInfo { __typename } } } }
            accountAggregate(groupBy: { field: TIER }) { __typename key { __typename tier } sum { __typename annualRevenue { __typename amount } } } }";
        assert_eq!(data(&admin, document).await,
            r#"{"__typename":"Query","accounts":{"__typename":"AccountConnection","nodes":[{"__typename":"Account","annualRevenue":{"__typename":"Money"},"externalIds":[{"__typename":"ExternalId"}],"leads":{"__typename":"LeadConnection","edges":[{"__typename":"LeadEdge","node":{"__typename":"Lead"}}],"pageInfo":{"__typename":"PageInfo"}}}]},"accountAggregate":[{"__typename":"AccountAggregate","key":{"__typename":"AccountGroupKey","tier":null},"sum":{"__typename":"AccountSum","annualRevenue":[{"__typename":"Money","amount":"1.00"}]}}]}"#);
        let mutation = "mutation { __typename accountCreate(input: { name: \" \" }) { __typename userErrors { __typename code } query { __typename accounts { totalCount } } } }";
        assert_eq!(admin.query(mutation).await.body["data"].to_string(),
            r#"{"__typename":"Mutation","accountCreate":{"__typename":"AccountCreatePayload","userErrors":[{"__typename":"UserError","code":"REQUIRED"}],"query":{"__typename":"Query","accounts":{"totalCount":1}}}}"#);
    }

    async fn arguments_come_from_variables_with_defaults(world: World) {
        let admin = world.admin().await;
        create_all(&admin, "account", ["A", "B", "C"].map(|name| json!({ "name": name })).into()).await;
        let document = "query ($n: Int = 1, $names: [String!], $direction: SortDirection! = DESC) { accounts(first: $n, filter: { name: { in: $names } }, orderBy: { field: NAME, direction: $direction }) { nodes { name } } }";
        for (variables, expected) in [
            (json!({ "names": ["A", "B"] }), json!([{ "name": "B" }])),
            (json!({ "names": ["A", "B"], "n": 5, "direction": "ASC" }), json!([{ "name": "A" }, { "name": "B" }])),
            (json!({ "names": "C" }), json!([{ "name": "C" }])),
            (json!({}), json!([{ "name": "C" }])),
        ] {
            assert_eq!(admin.query_with(document, variables).await.expect_ok().data("accounts.nodes"), &expected);
        }
    }
}
