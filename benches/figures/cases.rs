//! What is asked of both sides.

use clap::ValueEnum;
use entity::{Instant, Kind, id};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    data::{EMPLOYEES, INDUSTRIES, LEADS_SINCE, World, account_name, noise, scaled},
    http::request,
};

/// One kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Case {
    /// One account by its id.
    Account,
    /// Fifty accounts, filtered and ordered.
    Filtered,
    /// Twenty accounts with ten leads each, their personas, and five deals each.
    Nested,
    /// All deals by stage.
    Aggregate,
    /// A page from the middle of all accounts.
    Page,
    /// A new lead.
    Create,
    /// A new description of an account.
    Update,
}

const ACCOUNT: &str = "query($id: ID!) { account(by: { id: $id }) \
    { id name domain industry employeeCount country stage updatedAt } }";
const FILTERED: &str = "query($industry: String!, $employees: Int!) { accounts(first: 50, \
    filter: { industry: { eq: $industry }, employeeCount: { gte: $employees } }, orderBy: [{ field: NAME }]) \
    { nodes { id name domain industry employeeCount country stage updatedAt } } }";
const NESTED: &str = "{ accounts(first: 20, orderBy: [{ field: NAME }]) { nodes { id name leads(first: 10) \
    { nodes { id name stage receivedAt persona { id name } deals(first: 5) \
    { nodes { id name amount { amount currency } closeDate } } } } } } }";
const AGGREGATE: &str = "{ dealAggregate(groupBy: [{ field: STAGE }]) \
    { key { stage { id name } } count sum { amount { amount currency } } } }";
const PAGE: &str = "query($cursor: String!) { accounts(first: 50, after: $cursor, orderBy: [{ field: NAME }]) \
    { nodes { id name domain industry employeeCount country stage updatedAt } } }";
const CREATE: &str = "mutation($input: LeadCreateInput!) { leadCreate(input: $input) \
    { lead { id name stage } userErrors { code message } } }";
const UPDATE: &str = "mutation($input: AccountUpdateInput!) { accountUpdate(input: $input) \
    { account { id version } userErrors { code } } }";

impl Case {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Account, Self::Filtered, Self::Nested, Self::Aggregate, Self::Page, Self::Create, Self::Update];

    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Account => "account by id",
            Self::Filtered => "50 accounts, filtered and ordered",
            Self::Nested => "20 accounts × 10 leads × persona × 5 deals",
            Self::Aggregate => "deals by stage",
            Self::Page => "page from the middle",
            Self::Create => "create a lead",
            Self::Update => "update an account",
        }
    }

    /// Whether it changes the database.
    pub fn writes(self) -> bool {
        matches!(self, Self::Create | Self::Update)
    }

    /// The floor's `number`th request of this kind.
    pub fn floor_request(self, world: &World, number: u32) -> Vec<u8> {
        let place = place(self, world, number);
        let account = world.account_at(place);
        let get = |path: &str| request("GET", path, None, "");
        match self {
            Self::Account => get(&format!("/account?id={account}")),
            Self::Filtered => get(&format!("/accounts/filtered?industry={}&employees={EMPLOYEES}", industry(number))),
            Self::Nested => get("/accounts/nested"),
            Self::Aggregate => get("/deals/by-stage"),
            Self::Page => {
                let name = account_name(world.page_after() - 1).to_lowercase().replace(' ', "%20");
                get(&format!("/accounts/page?name={name}&id={}", world.account_at(world.page_after() - 1)))
            }
            Self::Create => {
                let lead = json!({ "name": lead_name(number), "accountId": account, "source": "bench",
                    "receivedAt": LEADS_SINCE });
                request("POST", "/leads", None, &lead.to_string())
            }
            Self::Update => {
                let change = json!({ "id": account, "description": description(number) });
                request("POST", "/accounts", None, &change.to_string())
            }
        }
    }

    /// Tandem's `number`th request of this kind.
    pub fn tandem_request(self, world: &World, number: u32, token: &str, cursor: &str) -> Vec<u8> {
        let account = id::global(Kind::Account, world.account_at(place(self, world, number)));
        let (query, variables) = match self {
            Self::Account => (ACCOUNT, json!({ "id": account })),
            Self::Filtered => (FILTERED, json!({ "industry": industry(number), "employees": EMPLOYEES })),
            Self::Nested => (NESTED, json!({})),
            Self::Aggregate => (AGGREGATE, json!({})),
            Self::Page => (PAGE, json!({ "cursor": cursor })),
            Self::Create => {
                let lead = json!({ "name": lead_name(number), "accountId": account, "source": "bench",
                    "receivedAt": Instant(LEADS_SINCE).rfc3339() });
                (CREATE, json!({ "input": lead }))
            }
            Self::Update => (UPDATE, json!({ "input": { "id": account, "description": description(number) } })),
        };
        graphql(query, &variables, Some(token))
    }
}

/// A GraphQL request as it goes over the wire.
pub fn graphql(query: &str, variables: &Value, token: Option<&str>) -> Vec<u8> {
    request("POST", "/graphql", token, &json!({ "query": query, "variables": variables }).to_string())
}

/// Reads go to accounts everywhere; writes leave the first page and the middle alone, so that what the
/// other cases return stays the same.
fn place(case: Case, world: &World, number: u32) -> u32 {
    let spread = scaled(noise(u64::from(number)), world.accounts / 4);
    if case.writes() { world.accounts / 2 + world.accounts / 4 + spread } else { spread * 4 }
}

fn industry(number: u32) -> &'static str {
    INDUSTRIES[number as usize % INDUSTRIES.len()]
}

fn lead_name(number: u32) -> String {
    format!("Lead of the bench {number}")
}

fn description(number: u32) -> String {
    format!("Described by the bench, text {number}.")
}
