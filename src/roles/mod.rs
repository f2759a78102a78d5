//! Roles: what the people and keys that hold them may see and do, and who may decide that.

pub mod administrators;
pub mod affected;
mod answers;
pub mod catalogue;
mod document;
pub mod effect;
pub mod exchange;
pub mod graphql;
pub mod holding;
mod impact;
mod inputs;
pub mod known;
mod limits;
pub mod preview;
mod rules;

use entity::{Instant, Record, role, role_assignment};
use futures_util::future::BoxFuture;

pub use limits::{must_cover, must_cover_all, must_hold, must_hold_for, must_hold_role};

use crate::{
    access::{Actor, Policy, Purpose},
    error::{Error, Result, UserCode, UserError},
    store::{Change, Draft, Lock, Rules, Slice, Verbs},
};

/// Roles. They are not archived by a standard verb: `roleDelete` asks more.
pub static ROLE: Slice<role::Entity> = Slice::new(Verbs { archive: false, ..Verbs::ALL });

impl Rules for role::Entity {
    fn complete(draft: &mut Draft, _: &Actor, _: Instant) {
        if draft.get(Self::table(), "key").is_none() {
            // Made from the name once it is known which keys are free.
            draft.set(Self::table(), "key", "");
        }
    }

    fn completes(column: &str) -> bool {
        column == "key"
    }

    fn settle<'a>(
        change: &'a mut Change,
        row: &'a mut role::Model,
        before: Option<&'a role::Model>,
        draft: &'a Draft,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            match before {
                None => begin(change, row, draft).await?,
                Some(before) => stay_a_tree(change, row, before).await?,
            }
            let had = |list: fn(&role::Model) -> &Vec<String>| before.map(list).map(Vec::as_slice);
            row.grants.0 = in_order(had(|role| &role.grants.0), &row.grants.0, rules::grants)?;
            row.field_rules.0 = in_order(had(|role| &role.field_rules.0), &row.field_rules.0, rules::field_rules)?;
            if let Some(before) = before.filter(|before| before.key == administrators::ADMIN) {
                stay_complete(row, before)?;
            }
            let had = before.map_or_else(Policy::nothing, limits::policy);
            let has = limits::policy(row);
            must_hold(change, (&had, &has), "grants")?;
            if before.is_some() && had != has {
                // Of two who edit two roles of one person, the second sees what the first has made of them.
                change.lock(Lock::Rights).await?;
                let impacts = impact::of_edit(change, row.id, &has).await?;
                impact::must_be_allowed(change, &impacts, "grants").await?;
                // As where a role is given: whoever has the token was trusted with less.
                let gain = impact::who_gains(&impacts);
                let withdraw = async |change: &mut Change| change.withdraw_invitations(&gain).await;
                change.as_system(Purpose::SignIn, withdraw).await?;
            }
            Ok(())
        })
    }

    fn before_archive<'a>(change: &'a mut Change, row: &'a role::Model) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if row.built_in {
                let message = "Built-in roles cannot be deleted; they can be copied and edited.";
                return Err(UserError::new(UserCode::InvalidTransition, "id", message).because("ROLE_BUILT_IN").into());
            }
            match change.unscoped_rows::<role_assignment::Entity>("role_id", row.id).await?.len() {
                0 => Ok(()),
                held => Err(holding::in_use(held, 0)),
            }
        })
    }
}

impl Rules for role_assignment::Entity {
    fn settle<'a>(
        change: &'a mut Change,
        row: &'a mut role_assignment::Model,
        before: Option<&'a role_assignment::Model>,
        _: &'a Draft,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            match before {
                None => {
                    change.lock(Lock::Rights).await?;
                    impact::must_hold_with(change, (row.user_id, row.role_id), "roleId").await
                }
                Some(_) => Ok(()),
            }
        })
    }

    fn after<'a>(
        change: &'a mut Change,
        row: &'a role_assignment::Model,
        before: Option<&'a role_assignment::Model>,
        _: &'a Draft,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if before.is_some() {
                return Ok(());
            }
            // Whoever still has the token of an invitation was trusted with less than the person may do now.
            let withdraw = async |change: &mut Change| change.withdraw_invitations(&[row.user_id]).await;
            change.as_system(Purpose::SignIn, withdraw).await
        })
    }

    fn before_archive<'a>(change: &'a mut Change, row: &'a role_assignment::Model) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            change.lock(Lock::Rights).await?;
            must_cover(change, row.user_id, "remove roles from this user").await?;
            let roles = change.unscoped_rows::<role::Entity>("id", row.role_id).await?;
            if roles.iter().any(|role| role.key == administrators::ADMIN) {
                administrators::must_remain(change, row.user_id, "userId").await?;
            }
            Ok(())
        })
    }
}

/// A new role gets a key, and what the original permits where it is a copy that says nothing else.
async fn begin(change: &mut Change, row: &mut role::Model, draft: &Draft) -> Result<()> {
    if row.key.is_empty() {
        let key = rules::key_of(&row.name);
        row.key.clone_from(&key);
        for number in 2_u32.. {
            if change.unscoped_rows::<role::Entity>("key", row.key.as_str()).await?.is_empty() {
                break;
            }
            row.key = format!("{key}_{number}");
        }
    }
    if !rules::is_key(&row.key) {
        let message = "A key must start with a letter and contain only lower-case letters, digits and underscores, e.g. marketing_manager.";
        return Err(UserError::new(UserCode::Invalid, "key", message).because("KEY_FORM").into());
    }
    let given = |column| draft.get(role::Entity::table(), column).is_some();
    let Some(original) = row.copied_from_id.filter(|_| given("copied_from_id")) else { return Ok(()) };
    let original = change.unscoped_rows::<role::Entity>("id", original).await?.into_iter().next();
    let original =
        original.ok_or_else(|| Error::input(UserCode::NotFound, "copiedFromId", "There is no such role."))?;
    if !given("grants") {
        row.grants = original.grants;
    }
    if !given("field_rules") {
        row.field_rules = original.field_rules;
    }
    Ok(())
}

/// No role is a copy of a copy of itself.
async fn stay_a_tree(change: &Change, row: &role::Model, before: &role::Model) -> Result<()> {
    let Some(original) = row.copied_from_id.filter(|_| row.copied_from_id != before.copied_from_id) else {
        return Ok(());
    };
    if change.leads_up_to::<role::Entity>("copied_from_id", original.0, row.id.0).await? {
        let message = "A role cannot be a direct or indirect copy of itself.";
        return Err(UserError::new(UserCode::Invalid, "copiedFromId", message).because("ROLE_CYCLE").into());
    }
    Ok(())
}

/// The administrators' role permits everything, or nobody could put things right any more.
fn stay_complete(row: &role::Model, before: &role::Model) -> Result<()> {
    let changed = [("grants", row.grants != before.grants), ("fieldRules", row.field_rules != before.field_rules)];
    match changed.into_iter().find(|(_, changed)| *changed) {
        None => Ok(()),
        Some((field, _)) => {
            let message = "The permissions of the administrator role cannot be restricted; copy it instead.";
            Err(UserError::new(UserCode::InvalidTransition, field, message).because("ADMIN_ROLE_FIXED").into())
        }
    }
}

/// The list in order; as it was where nothing of it changed, so that no event tells of a mere order.
fn in_order(
    had: Option<&[String]>,
    texts: &[String],
    order: fn(&[String]) -> Result<Vec<String>>,
) -> Result<Vec<String>> {
    let sorted = |texts: &[String]| {
        let mut texts = texts.to_vec();
        texts.sort_unstable();
        texts
    };
    match had {
        Some(had) if had == texts => Ok(texts.to_vec()),
        Some(had) => {
            let texts = order(texts)?;
            Ok(if sorted(&texts) == sorted(had) { had.to_vec() } else { texts })
        }
        None => order(texts),
    }
}
