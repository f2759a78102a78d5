//! How many statements an answer costs: one per level, whatever the number of parents.
//!
//! The numbers are exact, so that a regression shows.

use serde_json::json;

use crate::{
    shared::{create, create_all, pipeline},
    support::{client::Client, database::Engine, world::World},
};

/// Accounts with leads, each with a persona and a deal; returns who made them and one account's id.
async fn company(world: &World, accounts: usize) -> (Client, String) {
    let admin = world.admin().await;
    let personas = create_all(&admin, "persona", (0..3).map(|n| json!({ "name": format!("P{n}") })).collect()).await;
    let (_, [open, ..]) = pipeline(&admin, &format!("Of {accounts}")).await;
    let ids = create_all(&admin, "account", (0..accounts).map(|n| json!({ "name": format!("A{n}") })).collect()).await;
    let lead =
        |n: usize| json!({ "name": format!("L{n}"), "accountId": ids[n % accounts], "personaId": personas[n % 3] });
    let leads = create_all(&admin, "lead", (0..accounts * 2).map(lead).collect()).await;
    create_all(
        &admin,
        "deal",
        leads.iter().map(|lead| json!({ "name": "D", "stageId": open, "leadId": lead, "accountId": ids[0] })).collect(),
    )
    .await;
    (admin, ids[0].clone())
}

/// Asserts what each document costs.
///
/// The news of a sign-in may reach the server late, which then reads the roles anew; so a query
/// costs the least of three runs. A mutation runs once.
async fn costs(world: &World, client: &Client, cases: &[(u64, &str)]) {
    for (expected, document) in cases {
        let mut least = u64::MAX;
        for _ in 0..if document.starts_with("mutation") { 1 } else { 3 } {
            least = least.min(world.statements(async || drop(client.query(document).await.expect_ok())).await);
        }
        assert_eq!(least, *expected, "{document}");
    }
}

const DEEP: &str = "{ accounts(first: 20) { nodes { name leads { nodes { name persona { name } deals { nodes { name stage { name } } } } } } } }";

on_both_engines! {
    async fn a_level_costs_one_statement_whatever_the_number_of_parents(world: World) {
        for accounts in [1, 20] {
            let (admin, _) = company(&world, accounts).await;
            costs(&world, &admin, &[
                (1, "{ accounts(first: 20) { nodes { name } } }"),
                (2, "{ accounts(first: 20) { nodes { owner { id } leads { nodes { name } } } } }"),
                (5, DEEP),
            ]).await;
        }
    }

    async fn a_lookup_costs_one_statement_and_one_for_each_thing_that_hangs_off_it(world: World) {
        let (admin, id) = company(&world, 2).await;
        costs(&world, &admin, &[
            (1, &format!("{{ account(by: {{ id: \"{id}\" }}) {{ name tier }} }}")),
            (1, "{ account(by: { domain: \"nobody.example\" }) { name leads { nodes { name } } } }"),
            (1, &format!("{{ node(id: \"{id}\") {{ id }} }}")),
            (1, &format!("{{ nodes(ids: [\"{id}\", \"{id}\"]) {{ id }} }}")),
            (2, &format!("{{ account(by: {{ id: \"{id}\" }}) {{ leads {{ nodes {{ name }} }} }} }}")),
            (4, &format!("{{ account(by: {{ id: \"{id}\" }}) {{ leads {{ nodes {{ name }} }} deals {{ nodes {{ name }} }} externalIds {{ id }} }} }}")),
        ]).await;
    }

    async fn a_count_costs_one_statement_where_it_is_selected_and_rows_where_they_are(world: World) {
        let (admin, _) = company(&world, 5).await;
        costs(&world, &admin, &[
            (1, "{ accounts { totalCount } }"),
            (2, "{ accounts { totalCount nodes { name } } }"),
            (2, "{ accounts { nodes { name leads { totalCount } } } }"),
            (3, "{ accounts { nodes { name leads { totalCount nodes { name } } } } }"),
            (4, "{ accounts { totalCount nodes { name leads { totalCount nodes { name } } } } }"),
            (2, "{ a: accounts { totalCount } b: leads { totalCount } }"),
        ]).await;
    }

    async fn figures_cost_one_statement_and_one_for_bounds_and_keys_each(world: World) {
        let (admin, _) = company(&world, 5).await;
        costs(&world, &admin, &[
            (1, "{ dealAggregate { count } }"),
            (1, "{ leadAggregate(groupBy: [{ field: STAGE }, { field: SOURCE }]) { count sum { score } avg { score } key { stage source } } }"),
            (1, "{ dealAggregate { count sum { amount { amount } } avg { amount { amount } } min { amount { amount } } } }"),
            (2, "{ dealAggregate(groupBy: { field: CREATED_AT, bucket: MONTH }) { count } }"),
            (2, "{ dealAggregate(groupBy: { field: STAGE }) { count key { stage { name } } } }"),
        ]).await;
    }

    async fn the_accounts_of_lists_cost_two_statements_for_all_lists(world: World) {
        let (admin, _) = company(&world, 5).await;
        for n in 0..3 {
            create(&admin, "targetAccountList", json!({ "name": format!("D{n}"), "kind": "DYNAMIC", "filter": { "name": { "ne": format!("A{n}") } } })).await;
            create(&admin, "targetAccountList", json!({ "name": format!("S{n}"), "kind": "STATIC" })).await;
        }
        costs(&world, &admin, &[(3, "{ targetAccountLists { nodes { accounts { nodes { name } } } } }")]).await;
    }

    async fn a_change_costs_a_handful_of_statements(world: World) {
        let (admin, id) = company(&world, 2).await;
        // PostgreSQL writes the row and its event in one statement, SQLite in two.
        let write = if world.engine == Engine::Postgres { 1 } else { 2 };
        let returned = "account { id name } userErrors { code }";
        // Where there are several writers, the domain's lock keeps others from taking it at the same moment.
        let lock = u64::from(world.engine == Engine::Postgres);
        costs(&world, &admin, &[
            // Write, and the answer.
            (write + 1, &format!("mutation {{ accountCreate(input: {{ name: \"New\" }}) {{ {returned} }} }}")),
            // The same, and whether the domain is free as a first and as a further one.
            (write + 3 + lock, &format!("mutation {{ accountCreate(input: {{ name: \"New\", domain: \"new.example\" }}) {{ {returned} }} }}")),
            // Load, write, and the answer.
            (write + 2, &format!("mutation {{ accountUpdate(input: {{ id: \"{id}\", city: \"Bonn\" }}) {{ {returned} }} }}")),
            // Load, and the answer.
            (2, &format!("mutation {{ accountUpdate(input: {{ id: \"{id}\", city: \"Bonn\" }}) {{ {returned} }} }}")),
            (write + 2, &format!("mutation {{ accountArchive(input: {{ id: \"{id}\" }}) {{ {returned} }} }}")),
        ]).await;
    }
}
