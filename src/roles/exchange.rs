//! Roles taken out as a document and brought in from one, the difference shown first.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use entity::{
    Kind, id,
    role::{self, RoleId},
};
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use super::document::{self, Entry, Misspelt, Said};
use crate::{
    access::Action,
    error::{Code, Error, Result, UserCode, UserError},
    store::{Change, Draft, Saved, Store, value::short},
};

/// What a document would change of one role, or has changed.
#[derive(Clone, Debug)]
pub struct Difference {
    /// Its place in the document.
    at: usize,
    /// The role's key.
    pub key: String,
    /// What becomes of it.
    pub saved: Saved,
    /// Permissions that it gets.
    pub added_permissions: Vec<String>,
    /// Permissions that it loses.
    pub removed_permissions: Vec<String>,
    /// Field rules that it gets.
    pub added_field_rules: Vec<String>,
    /// Field rules that it loses.
    pub removed_field_rules: Vec<String>,
    /// Its texts that change: member, before, after.
    pub texts: Vec<(&'static str, Option<String>, Option<String>)>,
    /// What the role was before: its id and version.
    was: Option<(RoleId, i32)>,
}

/// What became of an import.
#[derive(Debug, Default)]
pub struct Imported {
    /// The difference, in the document's order.
    pub differences: Vec<Difference>,
    /// Names this difference.
    pub fingerprint: Option<String>,
    /// Whether it was made.
    pub applied: bool,
    /// What is wrong.
    pub mistakes: Vec<UserError>,
}

/// The live roles of these keys, or all, as a document.
pub async fn export(store: &Store, keys: Option<&[String]>) -> Result<Json> {
    store.require_sign_in()?;
    for action in [Action::Read, Action::Export] {
        store.require(Kind::Role, action, "export roles").map_err(|_| {
            Error::refused_because(Code::Forbidden, "PERMISSION_MISSING", "You do not have permission to export roles.")
        })?;
    }
    let roles = store.roles().await?;
    let known: HashMap<RoleId, String> = roles.iter().map(|role| (role.id, role.key.clone())).collect();
    if let Some(key) = keys.into_iter().flatten().find(|key| !known.values().any(|known| known == *key)) {
        let message = format!("There is no role with the key {}.", short(key));
        return Err(Error::refused_because(Code::NotFound, "ROLE_UNKNOWN", message));
    }
    let wanted: Vec<role::Model> =
        roles.into_iter().filter(|role| keys.is_none_or(|keys| keys.contains(&role.key))).collect();
    Ok(document::write(&wanted, |role| known.get(&role.copied_from_id?).cloned()))
}

/// Tells what a document would change, and changes it where the fingerprint is of this very
/// difference: all of it or nothing.
pub async fn import(store: &Store, document: &Json, fingerprint: Option<&str>) -> Result<Imported> {
    store.require_sign_in()?;
    for action in [Action::Import, Action::Read] {
        store.require(Kind::Role, action, "import roles")?;
    }
    let entries = document::read(document)?;
    let mut change = store.begin().await?;
    let (mut differences, mut mistakes) = (Vec::with_capacity(entries.len()), Vec::new());
    lock(&mut change, &entries).await?;
    for entry in &entries {
        match change.attempt(async |change| bring(change, entry).await).await {
            Ok(difference) => differences.push(difference),
            Err(Error::Input(errors)) => mistakes.extend(errors.into_iter().map(|error| placed(error, entry.at))),
            Err(error) => return Err(error),
        }
    }
    if !mistakes.is_empty() {
        change.roll_back().await?;
        return Err(Error::Input(mistakes));
    }
    differences.sort_unstable_by_key(|difference| difference.at);
    let now = fingerprint_of(&differences);
    let applied = fingerprint == Some(&*now);
    if applied {
        change.commit().await?;
    } else {
        change.roll_back().await?;
    }
    if fingerprint.is_some() && !applied {
        let message = "The roles have changed since this fingerprint was returned; review the new difference.";
        mistakes.push(UserError::new(UserCode::Conflict, "fingerprint", message).because("DIFF_CHANGED"));
    }
    Ok(Imported { differences, fingerprint: Some(now), applied, mistakes })
}

/// Locks the roles that a document names in the order of their ids, so that two who bring roles in at once wait
/// for each other and not both for ever.
async fn lock(change: &mut Change, entries: &[Entry]) -> Result<()> {
    let mut ids = Vec::with_capacity(entries.len());
    for entry in entries {
        ids.extend(by_key(change, &entry.key).await?.map(|role| role.id.0));
    }
    ids.sort_unstable();
    for id in ids {
        change.find::<role::Entity>(id).await?;
    }
    Ok(())
}

/// Makes one role what the document says.
async fn bring(change: &mut Change, entry: &Entry) -> Result<Difference> {
    let before = match by_key(change, &entry.key).await? {
        // Locked until the end, so that what is compared is what is changed.
        Some(role) => Some(change.find::<role::Entity>(role.id.0).await?),
        None => None,
    };
    let original = match entry.copy_of.text() {
        None => None,
        Some(key) => Some(by_key(change, key).await?.ok_or_else(|| {
            let message = format!("There is no role with the key {}.", short(key));
            Error::from(UserError::new(UserCode::NotFound, "copyOf", message).because("ROLE_UNKNOWN"))
        })?),
    };
    let input = input(entry, original.as_ref(), before.as_ref())?;
    let policy = change.store().actor().policy.clone();
    let draft = Draft::read(Kind::Role, &input, before.is_none(), (&policy, &[]))?;
    let (after, saved) = match &before {
        Some(before) if input.is_empty() => (before.clone(), Saved::Unchanged),
        Some(before) => change.update::<role::Entity>(before.id.0, None, draft).await?,
        None => (change.create::<role::Entity>(draft).await?, Saved::Created),
    };
    let (was, becomes) = (original_of(change, before.as_ref()).await?, original_of(change, Some(&after)).await?);
    let texts = [
        ("name", before.as_ref().map(|role| role.name.clone()), Some(after.name.clone())),
        ("description", before.as_ref().and_then(|role| role.description.clone()), after.description.clone()),
        ("copyOf", was, becomes),
    ];
    let hidden = |name: &str| policy.hides(Kind::Role, if name == "copyOf" { "copiedFrom" } else { name });
    let lacks = |all: &[String], part: Option<&[String]>| -> Vec<String> {
        all.iter().filter(|text| part.is_none_or(|part| !part.contains(text))).cloned().collect()
    };
    let (grants, rules) =
        (before.as_ref().map(|role| &*role.grants.0), before.as_ref().map(|role| &*role.field_rules.0));
    Ok(Difference {
        at: entry.at,
        key: after.key,
        saved,
        added_permissions: lacks(&after.grants.0, grants),
        removed_permissions: lacks(grants.unwrap_or_default(), Some(&after.grants.0)),
        added_field_rules: lacks(&after.field_rules.0, rules),
        removed_field_rules: lacks(rules.unwrap_or_default(), Some(&after.field_rules.0)),
        texts: texts.into_iter().filter(|(name, before, after)| before != after && !hidden(name)).collect(),
        was: before.map(|role| (role.id, role.version)),
    })
}

/// What of the document differs from the role as it is, as a client would give it.
fn input(entry: &Entry, original: Option<&role::Model>, before: Option<&role::Model>) -> Result<Map<String, Json>> {
    let mut input = Map::new();
    let mut give = |name: &str, json: Json| drop(input.insert(name.to_owned(), json));
    if before.is_none() {
        give("key", entry.key.as_str().into());
    }
    if let Some(name) = entry.name.as_ref().filter(|name| before.is_none_or(|before| before.name != **name)) {
        give("name", name.as_str().into());
    }
    if let Said::This(text) = &entry.description
        && before.is_none_or(|before| before.description != *text)
    {
        give("description", text.as_deref().into());
    }
    let original = original.map(|role| role.id);
    if matches!(entry.copy_of, Said::This(_)) && before.is_none_or(|before| before.copied_from_id != original) {
        give("copiedFromId", original.map(|role| id::global(Kind::Role, role.0)).into());
    }
    // A new role has what the document says and nothing of its original's besides.
    let list = |texts: &Option<Vec<String>>, had: Option<&[String]>| match texts {
        Some(texts) => (had != Some(&**texts)).then(|| texts.clone()),
        None => had.is_none().then(Vec::new),
    };
    if let Some(grants) = list(&entry.grants, before.map(|role| &*role.grants.0)) {
        give("grants", parted(&grants, "grants", ["resource", "action", "reach"])?);
    }
    if let Some(rules) = list(&entry.field_rules, before.map(|role| &*role.field_rules.0)) {
        give("fieldRules", parted(&rules, "fieldRules", ["resource", "field", "rule"])?);
    }
    Ok(input)
}

fn parted(texts: &[String], member: &str, names: [&str; 3]) -> Result<Json> {
    document::parted(texts, names).map_err(|Misspelt(text)| {
        let message = format!("“{}” must have the format {}.", short(&text), names.join(":"));
        UserError::new(UserCode::Invalid, member, message).because("DOCUMENT_FORM").into()
    })
}

async fn by_key(change: &Change, key: &str) -> Result<Option<role::Model>> {
    Ok(change.unscoped_rows::<role::Entity>("key", key).await?.into_iter().next())
}

/// The key of the role that a role was copied from.
async fn original_of(change: &Change, role: Option<&role::Model>) -> Result<Option<String>> {
    let Some(original) = role.and_then(|role| role.copied_from_id) else { return Ok(None) };
    Ok(change.unscoped_rows::<role::Entity>("id", original).await?.into_iter().next().map(|role| role.key))
}

/// A mistake with its place in the document.
fn placed(mut error: UserError, at: usize) -> UserError {
    if let Some(member) = error.field.first_mut()
        && member == "copiedFromId"
    {
        "copyOf".clone_into(member);
    }
    let place = ["document".to_owned(), "roles".to_owned(), at.to_string()];
    error.field.splice(0..0, place);
    error
}

/// Names a difference: the roles as they were, and what is to become of them.
fn fingerprint_of(differences: &[Difference]) -> String {
    let all: Vec<Json> = differences
        .iter()
        .map(|one| {
            let was = one.was.map(|(role, version)| json!([id::global(Kind::Role, role.0), version]));
            json!([
                one.key,
                was,
                one.added_permissions,
                one.removed_permissions,
                one.added_field_rules,
                one.removed_field_rules,
                one.texts
            ])
        })
        .collect();
    URL_SAFE_NO_PAD.encode(Sha256::digest(Json::from(all).to_string()))
}
