//! What a role may say: keys, permissions and field rules, read and put in order.

use std::{collections::BTreeMap, fmt::Write};

use entity::{
    Kind,
    table::{EXTERNAL_IDS, Input},
};

use crate::{
    access::{Action, FieldRule, Grant, Reach, has_effect},
    error::{Error, Result, UserCode, UserError},
    store::{fold, value::short},
};

/// How many mistakes of one list are told at a time.
const TOLD: usize = 20;

/// A key for a role of this name: `Marketing manager` becomes `marketing_manager`.
pub(super) fn key_of(name: &str) -> String {
    let mut key = String::new();
    for word in fold(name).split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        let _ = write!(key, "{}{word}", if key.is_empty() { "" } else { "_" });
    }
    key.truncate(80);
    if key.starts_with(|c: char| c.is_ascii_lowercase()) { key } else { format!("role_{key}") }
}

/// Whether a text is a key: lower-case letters, digits and underscores, a letter first.
pub(super) fn is_key(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_lowercase())
        && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Permissions in order, without those that reach nothing.
pub(super) fn grants(texts: &[String]) -> Result<Vec<String>> {
    let (mut read, mut mistakes) = (BTreeMap::new(), Vec::new());
    for text in texts {
        match grant(text) {
            Ok(grant) if read.insert((grant.kind, grant.action), grant).is_some() => mistakes.push(mistake(
                ("grants", "GRANT_TWICE"),
                format!("{}: {} on {} is given more than once.", short(text), grant.action.as_str(), grant.kind.name()),
            )),
            Ok(_) => {}
            Err(error) => mistakes.push(error),
        }
    }
    whole(mistakes)?;
    Ok(read.values().filter(|grant| grant.reach > Reach::None).map(Grant::encode).collect())
}

/// Field rules in order.
pub(super) fn field_rules(texts: &[String]) -> Result<Vec<String>> {
    let (mut read, mut mistakes) = (BTreeMap::new(), Vec::new());
    for text in texts {
        match field_rule(text) {
            Ok((kind, field, rule)) => {
                if read.insert((kind, field.clone()), rule).is_some() {
                    let message = format!("{}: there are two rules for {}.{field}.", short(text), kind.name());
                    mistakes.push(mistake(("fieldRules", "FIELD_TWICE"), message));
                }
            }
            Err(error) => mistakes.push(error),
        }
    }
    whole(mistakes)?;
    Ok(read.into_iter().map(|((kind, field), rule)| rule.encode(kind, &field)).collect())
}

fn whole(mut mistakes: Vec<UserError>) -> Result<()> {
    mistakes.truncate(TOLD);
    if mistakes.is_empty() { Ok(()) } else { Err(Error::Input(mistakes)) }
}

fn mistake((field, reason): (&str, &'static str), message: String) -> UserError {
    UserError::new(UserCode::Invalid, field, message).because(reason)
}

fn grant(text: &str) -> Result<Grant, UserError> {
    let wrong = |reason, message| mistake(("grants", reason), format!("{}: {message}", short(text)));
    let [resource, action, reach] = parts(text)
        .ok_or_else(|| wrong("PERMISSION_FORM", "a permission has a resource, an action and a reach.".to_owned()))?;
    let kind = Kind::named(resource).ok_or_else(|| wrong("RESOURCE_UNKNOWN", unknown_resource(resource)))?;
    let action = Action::parse(action).ok_or_else(|| {
        let known = listed(Action::ALL.map(Action::as_str));
        wrong("ACTION_UNKNOWN", format!("there is no action {}; known are {known}.", short(action)))
    })?;
    let reach = Reach::parse(reach).ok_or_else(|| {
        let known = listed(Reach::ALL.map(Reach::as_str));
        wrong("REACH_UNKNOWN", format!("there is no reach {}; known are {known}.", short(reach)))
    })?;
    if reach > Reach::None && !has_effect(kind, action) {
        let known = listed(Action::ALL.into_iter().filter(|action| has_effect(kind, *action)).map(Action::as_str));
        let (name, action) = (kind.name(), action.as_str());
        let message = format!("the permission to {action} {name} records has no effect; valid actions are {known}.");
        return Err(wrong("GRANT_WITHOUT_EFFECT", message));
    }
    if matches!(reach, Reach::Own | Reach::Team) && !kind.table().has_owner() {
        let message = format!("{} records have no owner, so the reach must be NONE or ALL.", kind.name());
        return Err(wrong("REACH_MEANINGLESS", message));
    }
    Ok(Grant { kind, action, reach })
}

fn field_rule(text: &str) -> Result<(Kind, String, FieldRule), UserError> {
    let wrong = |reason, message| mistake(("fieldRules", reason), format!("{}: {message}", short(text)));
    let [resource, field, rule] = parts(text)
        .ok_or_else(|| wrong("FIELD_RULE_FORM", "a field rule has a resource, a field and a rule.".to_owned()))?;
    let kind = Kind::named(resource).ok_or_else(|| wrong("RESOURCE_UNKNOWN", unknown_resource(resource)))?;
    let rule = FieldRule::parse(rule).ok_or_else(|| {
        let message = format!("unknown rule {}; valid rules are HIDDEN and READ_ONLY.", short(rule));
        wrong("RULE_UNKNOWN", message)
    })?;
    let table = kind.table();
    let columns = || {
        let shown = table.readable().filter(|field| !field.physical);
        let named = table.is_named_elsewhere().then_some((EXTERNAL_IDS, Input::Write));
        shown.map(|field| (field.link_name.as_deref().unwrap_or(&field.name), field.input)).chain(named)
    };
    let column = columns().find(|(name, _)| *name == field);
    if column.is_none() && table.link(field).is_none() {
        let known = listed(columns().map(|(name, _)| name));
        let message = format!("{resource} has no field {}; valid fields are {known}.", short(field));
        return Err(wrong("FIELD_UNKNOWN", message));
    }
    if rule == FieldRule::Hidden && !table.hidable().any(|name| name == field) {
        let known = listed(table.hidable());
        return Err(wrong(
            "FIELD_NOT_HIDABLE",
            format!("{field} cannot be hidden; the fields of {resource} that can are {known}."),
        ));
    }
    if rule == FieldRule::ReadOnly && column.is_none_or(|(_, input)| input == Input::Server) {
        let known = listed(columns().filter(|(_, input)| *input != Input::Server).map(|(name, _)| name));
        let message = format!("{field} is always read-only; the fields of {resource} that can be set are {known}.");
        return Err(wrong("FIELD_NOT_WRITABLE", message));
    }
    Ok((kind, field.to_owned(), rule))
}

fn parts(text: &str) -> Option<[&str; 3]> {
    text.split(':').collect::<Vec<_>>().try_into().ok()
}

fn unknown_resource(resource: &str) -> String {
    format!("there is no resource {}; known are {}.", short(resource), listed(Kind::ALL.map(Kind::name)))
}

fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::builtin::ROLES;

    #[test]
    fn names_become_keys() {
        assert_eq!(key_of("Marketing manager"), "marketing_manager");
        assert_eq!(key_of("  Büro & Straße (2) "), "buro_strasse_2");
        assert_eq!(key_of("2nd level"), "role_2nd_level");
        assert_eq!(key_of("経理"), "role_");
        for name in ["Marketing manager", "2nd", "経理", "é", &"x".repeat(300)] {
            assert!(is_key(&key_of(name)), "{name}");
        }
        assert!(!is_key("") && !is_key("Admin") && !is_key("a b") && !is_key("_a") && !is_key("1a"));
    }

    #[test]
    fn the_built_in_roles_are_in_order_and_break_no_rule() {
        for role in ROLES {
            let encoded: Vec<String> = role.grants().iter().map(Grant::encode).collect();
            assert_eq!(grants(&encoded).expect("a good role"), encoded, "{}", role.key);
            let fields: Vec<String> =
                role.fields().iter().map(|(kind, field, rule)| rule.encode(*kind, field)).collect();
            assert_eq!(field_rules(&fields).expect("a good role").len(), fields.len(), "{}", role.key);
        }
    }

    #[test]
    fn what_reaches_nothing_is_left_out_and_the_rest_is_put_in_order() {
        let texts = ["Deal:READ:ALL", "Account:UPDATE:NONE", "Account:READ:OWN"].map(str::to_owned);
        assert_eq!(grants(&texts).expect("good"), ["Account:READ:OWN", "Deal:READ:ALL"]);
    }
}
