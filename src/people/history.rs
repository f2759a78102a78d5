//! What changed somebody's rights, in words.

use entity::{Department, EventAction, Instant, Kind, id, user::UserId};
use sea_orm::{Value, prelude::Uuid};
use serde_json::{Value as Json, json};

use crate::{
    access::{Action, Purpose, Reach},
    error::{Code, Error, Result},
    store::{
        RightsEvent, Store,
        page::{Order, invalid_cursor, most},
        value::short,
    },
    text::words,
};

/// Permissions of a role that one sentence lists.
const LISTED: usize = 5;

/// What decides about rights: who asks for their history sees all of it.
const TOLD: [Kind; 7] =
    [Kind::User, Kind::Role, Kind::RoleAssignment, Kind::Team, Kind::TeamMembership, Kind::ApiKey, Kind::Event];

/// A page of what changed somebody's rights.
#[derive(Debug)]
pub struct History {
    /// The changes, the newest first.
    pub events: Vec<RightsEvent>,
    /// Whether there are older ones.
    pub more: bool,
}

/// What changed the rights of somebody, the newest first; nothing where the caller does not see them. For whoever
/// administers people and sees all that rights hang on.
pub async fn read(store: &Store, user: UserId, first: i32, after: Option<&str>) -> Result<Option<History>> {
    store.require_sign_in()?;
    let policy = &store.actor().policy;
    let missing = |kind: Kind, action: Action| (policy.reach(kind, action) < Reach::All).then_some((kind, action));
    let lacks = TOLD.into_iter().find_map(|kind| missing(kind, Action::Read));
    if let Some((kind, action)) = missing(Kind::User, Action::Manage).or(lacks) {
        let (kind, action) = (kind.name(), action.as_str());
        let message = format!("You do not have permission to see access changes: {kind}:{action}:ALL is required.");
        return Err(Error::refused_because(Code::Forbidden, "PERMISSION_MISSING", message));
    }
    let most = most(first)?;
    let after = after.map(place).transpose()?;
    if store.reachable(Kind::User, Action::Read, &[user.0]).await?.is_empty() {
        return Ok(None);
    }
    let mut events = store.as_system(Purpose::Oversight).access_history(user, after, most + 1).await?;
    let more = events.len() > most;
    events.truncate(most);
    for event in &mut events {
        event.changes.retain(|field, _| !policy.hides(event.kind, field));
    }
    Ok(Some(History { events, more }))
}

fn order() -> Result<Order> {
    Order::read(Kind::Event, Some(&json!([{ "field": "OCCURRED_AT", "direction": "DESC" }])))
}

/// The place of a change in the list.
pub fn cursor(event: &RightsEvent) -> Result<String> {
    Ok(order()?.cursor(&[Value::BigInt(Some(event.at.0)), Value::Uuid(Some(event.id))]))
}

fn place(cursor: &str) -> Result<(Instant, Uuid)> {
    match order()?.read_cursor(cursor)?.as_slice() {
        [Value::BigInt(Some(at)), Value::Uuid(Some(id))] => Ok((Instant(*at), *id)),
        _ => Err(invalid_cursor("cannot be read")),
    }
}

/// What happened, as a sentence about the person: pure.
#[must_use]
pub fn summary(event: &RightsEvent) -> String {
    let name = event.name.as_deref().map_or_else(|| "that no longer exists".to_owned(), quoted);
    let after = |field| value(event, field, "after");
    match (event.kind, event.action) {
        (Kind::RoleAssignment, Some(EventAction::Created)) if after("fromIssuer") == true => {
            format!("Was assigned the role {name} through groups at the OpenID issuer.")
        }
        (Kind::RoleAssignment, Some(EventAction::Created)) => format!("Got the role {name}."),
        (Kind::RoleAssignment, Some(EventAction::Archived)) => format!("Lost the role {name}."),
        (Kind::RoleAssignment, _) => format!("Keeps the role {name} regardless of groups at the OpenID issuer."),
        (Kind::Role, _) => format!("The role {name}, which they held, was changed: {}.", edited(event)),
        (Kind::TeamMembership, Some(EventAction::Archived)) => format!("Left the team {name}."),
        (Kind::TeamMembership, _) => format!("Joined the team {name}."),
        (Kind::Team, Some(EventAction::Archived)) => {
            format!("The team {name}, one of their teams or below one, was archived.")
        }
        (Kind::Team, Some(EventAction::Restored)) => {
            format!("The team {name}, one of their teams or below one, was restored.")
        }
        (Kind::Team, _) => format!("The team {name} was moved in the tree of teams, below theirs or away from there."),
        (Kind::ApiKey, action) => api_key(event, &name, action),
        (_, Some(EventAction::Created)) => format!("Joined the company, in {}.", department(&after("department"))),
        _ => person(event),
    }
}

fn quoted(name: &str) -> String {
    format!("“{}”", short(name))
}

fn value(event: &RightsEvent, field: &str, side: &str) -> Json {
    event.changes.get(field).and_then(|change| change.get(side)).cloned().unwrap_or_default()
}

fn department(department: &Json) -> String {
    let known = department.as_str().and_then(Department::parse);
    known.map_or_else(
        || "a department that is hidden from you".to_owned(),
        |known| format!("the department {}", known.as_str()),
    )
}

fn person(event: &RightsEvent) -> String {
    let mut said = Vec::new();
    match value(event, "status", "after").as_str() {
        Some("DEACTIVATED") => said.push("Was deactivated.".to_owned()),
        Some(_) => said.push("Was reactivated.".to_owned()),
        None => {}
    }
    if event.changes.contains_key("department") {
        let (from, to) = (value(event, "department", "before"), value(event, "department", "after"));
        said.push(format!("Moved from {} to {}.", department(&from), department(&to)));
    }
    if event.changes.contains_key("issuer") {
        said.push("Was linked to the OpenID issuer.".to_owned());
    }
    if said.is_empty() { "A field that is hidden from you was changed.".to_owned() } else { said.join(" ") }
}

fn api_key(event: &RightsEvent, name: &str, action: Option<EventAction>) -> String {
    let role = event.key_role.as_deref().map_or_else(|| "one that no longer exists".to_owned(), quoted);
    let what = if action == Some(EventAction::Created) {
        format!("was created; its role is {role}")
    } else if event.changes.contains_key("revokedAt") {
        "was revoked".to_owned()
    } else if event.changes.contains_key("owner") {
        let theirs = id::global(Kind::User, event.whose.0);
        let now = value(event, "owner", "after") == theirs.as_str();
        if now { "was assigned to them" } else { "was given to somebody else" }.to_owned()
    } else if event.changes.contains_key("role") {
        format!("was given the role {role}")
    } else if event.changes.is_empty() {
        "was archived or restored".to_owned()
    } else {
        let fields: Vec<String> = event.changes.keys().map(|field| words(field)).collect();
        format!("was changed: {}", fields.join(", "))
    };
    format!("The API key {name}, which acts for them or did, {what}.")
}

/// What a role gained and lost.
fn edited(event: &RightsEvent) -> String {
    let lists = [("grants", "permits", "no longer permits"), ("fieldRules", "restricts", "no longer restricts")];
    let mut said = Vec::new();
    for (field, gains, loses) in lists {
        let texts = |side| -> Vec<String> {
            let list = value(event, field, side);
            list.as_array().into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect()
        };
        let (before, after) = (texts("before"), texts("after"));
        for (word, here, there) in [(gains, &after, &before), (loses, &before, &after)] {
            let only: Vec<&str> = here.iter().filter(|text| !there.contains(text)).map(String::as_str).collect();
            if !only.is_empty() {
                let rest = only.len().saturating_sub(LISTED);
                let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
                said.push(format!("it {word} {}{more}", only[..only.len().min(LISTED)].join(", ")));
            }
        }
    }
    if said.is_empty() { "in what is hidden from you".to_owned() } else { said.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: Kind, action: EventAction, changes: Json) -> RightsEvent {
        let Json::Object(changes) = changes else { panic!("changes are an object") };
        RightsEvent {
            id: Uuid::nil(),
            whose: UserId(Uuid::nil()),
            at: Instant(0),
            action: Some(action),
            kind,
            name: Some("North".to_owned()),
            key_role: None,
            actor: None,
            actor_name: None,
            api_key_name: None,
            changes,
        }
    }

    #[test]
    fn a_role_that_was_changed_tells_what_it_permits_now_and_what_no_longer() {
        let grants = json!({ "before": ["Deal:READ:OWN"], "after": ["Deal:READ:ALL"] });
        let rules = json!({ "before": [], "after": ["Deal:amount:HIDDEN"] });
        let told = summary(&event(Kind::Role, EventAction::Updated, json!({ "grants": grants, "fieldRules": rules })));
        assert_eq!(
            told,
            "The role “North”, which they held, was changed: it permits Deal:READ:ALL; it no longer permits Deal:READ:OWN; it restricts Deal:amount:HIDDEN."
        );
    }

    #[test]
    fn what_is_hidden_is_not_told() {
        assert!(summary(&event(Kind::User, EventAction::Updated, json!({}))).contains("hidden from you"));
        assert!(summary(&event(Kind::Role, EventAction::Updated, json!({}))).contains("hidden from you"));
    }
}
