//! People: what they may do and why, seen through their eyes, how they join, and the teams they form.

mod can;
mod explain;
mod explain_random;
mod history;
mod invitations;
pub mod leaving;
mod leaving_plans;
mod passwords;
mod preview;
mod record_access;
mod resets;
mod teams;
mod viewer;

use serde_json::{Value, json};

use crate::support::client::{Answer, Client};

/// Creates a role with these permissions, encoded `Account:READ:OWN`, and field rules, encoded
/// `Deal:amount:HIDDEN`; answers its id.
async fn role(admin: &Client, key: &str, grants: &[String], rules: &[String]) -> String {
    let parted = |texts: &[String], names: [&str; 3]| -> Value {
        let object = |text: &String| -> Value {
            names.iter().zip(text.split(':')).map(|(name, part)| ((*name).to_owned(), json!(part))).collect()
        };
        texts.iter().map(object).collect()
    };
    let document = "mutation($input: RoleCreateInput!) { roleCreate(input: $input) { role { id } userErrors { code field message } } }";
    let input = json!({
        "key": key, "name": key, "grants": parted(grants, ["resource", "action", "reach"]),
        "fieldRules": parted(rules, ["resource", "field", "rule"]),
    });
    let made = admin.query_with(document, json!({ "input": input })).await.expect_ok();
    crate::crew::text(&made, "roleCreate.role.id")
}

/// Permissions as texts.
fn texts(encoded: &[&str]) -> Vec<String> {
    encoded.iter().map(|text| (*text).to_owned()).collect()
}

/// Gives somebody a role.
async fn assign(admin: &Client, role: &str, user: &str) {
    let document = "mutation($role: ID!, $user: ID!) { roleAssign(input: { roleId: $role, userId: $user }) { userErrors { code message } } }";
    admin.query_with(document, json!({ "role": role, "user": user })).await.expect_ok();
}

/// The reason of a mutation's first user error.
fn user_reason<'a>(answer: &'a Answer, mutation: &str) -> &'a str {
    let reason = &answer.data(mutation)["userErrors"][0]["reason"];
    reason.as_str().unwrap_or_else(|| panic!("{mutation} tells no reason: {answer}"))
}
