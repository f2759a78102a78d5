//! Who holds which role: giving, taking away, and deleting roles altogether.

use entity::{
    Kind, Record, api_key,
    role::{self, RoleId},
    role_assignment::{self, RoleAssignmentId},
    user::{self, UserId},
};

use super::{impact, must_cover_all, must_hold_role};
use crate::{
    access::{Action, Purpose},
    error::{Error, Result, UserCode, UserError},
    store::{Change, Draft, Lock},
};

/// Gives somebody a role; nothing changes where they hold it.
pub async fn assign(change: &mut Change, role: RoleId, user: UserId) -> Result<RoleAssignmentId> {
    change.must_see(Kind::Role, role.0, "roleId").await?;
    change.must_see(Kind::User, user.0, "userId").await?;
    change.store().require(Kind::RoleAssignment, Action::Create, "assign roles")?;
    // Locked before the role's row is, as whoever takes the person out of service does.
    let lock = async |change: &mut Change| {
        change.find::<user::Entity>(user.0).await?;
        // Nobody widens the role between the check of what it permits and the end of this change.
        change.find::<role::Entity>(role.0).await.map(drop)
    };
    change.as_system(Purpose::SideEffect, lock).await?;
    if let Some(held) = held(change, role, user).await? {
        let rows = change.unscoped_rows::<role_assignment::Entity>("id", held).await?;
        if rows.iter().any(|row| row.from_issuer) {
            // Given by hand it stays, whatever becomes of the groups.
            must_hold_role(change, role, "roleId").await?;
            let keep = async |change: &mut Change| {
                change.edit::<role_assignment::Entity>(held.0, |row| row.from_issuer = false).await
            };
            change.as_system(Purpose::SideEffect, keep).await?;
        }
        return Ok(held);
    }
    give(change, role, user, Giver::Hand).await
}

/// By whom a role is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Giver {
    /// By somebody here.
    Hand,
    /// By the groups of the company's issuer, with which it goes again.
    Issuer,
}

/// Writes that somebody holds a role, which they did not.
pub async fn give(change: &mut Change, role: RoleId, user: UserId, by: Giver) -> Result<RoleAssignmentId> {
    let table = role_assignment::Entity::table();
    let mut draft = Draft::default();
    draft.set(table, "role_id", role.0);
    draft.set(table, "user_id", user.0);
    draft.set(table, "from_issuer", by == Giver::Issuer);
    Ok(change.create::<role_assignment::Entity>(draft).await?.id)
}

/// That somebody holds a role, if they do.
pub async fn held(change: &Change, role: RoleId, user: UserId) -> Result<Option<RoleAssignmentId>> {
    let pair = (("role_id", role.0), ("user_id", user.0));
    Ok(change.unscoped_pair::<role_assignment::Entity>(pair.0, pair.1).await?.map(RoleAssignmentId))
}

/// Takes a role from somebody; nothing changes where they do not hold it.
pub async fn unassign(change: &mut Change, role: RoleId, user: UserId) -> Result<Option<RoleAssignmentId>> {
    change.must_see(Kind::Role, role.0, "roleId").await?;
    change.must_see(Kind::User, user.0, "userId").await?;
    change.store().require(Kind::RoleAssignment, Action::Delete, "unassign roles")?;
    let found = held(change, role, user).await?;
    // The role's row first, then this lock, then the row of who holds it: in the order of whoever edits, gives or
    // deletes the role.
    let role = async |change: &mut Change| change.find::<role::Entity>(role.0).await.map(drop);
    change.as_system(Purpose::SideEffect, role).await?;
    change.lock(Lock::Rights).await?;
    match found {
        Some(held) => Ok(Some(change.archive::<role_assignment::Entity>(held.0, None, true).await?.id)),
        None => Ok(None),
    }
}

/// What stands in the way of deleting a role, and whether it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InUse {
    /// A role that is in use stays.
    Refuse,
    /// It is taken from its holders, and its keys open nothing any more.
    Take,
}

/// Deletes a role. The keys that act by it stay, and are refused from then on.
pub async fn delete(change: &mut Change, role: RoleId, expected: Option<i32>, in_use: InUse) -> Result<()> {
    change.find::<role::Entity>(role.0).await?;
    change.store().require(Kind::Role, Action::Delete, "delete roles")?;
    change.lock(Lock::Rights).await?;
    let now = change.store().now();
    let held = change.unscoped_rows::<role_assignment::Entity>("role_id", role).await?;
    let keys = change.unscoped_rows::<api_key::Entity>("role_id", role).await?;
    let keys = keys.iter().filter(|key| key.revoked_at.is_none() && key.expires_at > now).count();
    let built_in = change.unscoped_rows::<role::Entity>("id", role).await?.iter().any(|role| role.built_in);
    if !built_in && in_use == InUse::Refuse && held.len() + keys > 0 {
        return Err(self::in_use(held.len(), keys));
    }
    if !built_in && !held.is_empty() {
        // From those who may do more it could not be taken one by one either.
        let holders: Vec<UserId> = held.iter().map(|held| held.user_id).collect();
        must_cover_all(change, &holders, "remove this role from a user").await?;
        let take = async |change: &mut Change| {
            let ids: Vec<_> = held.iter().map(|held| held.id.0).collect();
            for ids in ids.chunks(500) {
                change.archive_all(Kind::RoleAssignment, ids).await?;
            }
            Ok(())
        };
        change.as_system(Purpose::SideEffect, take).await?;
    }
    if !built_in && keys > 0 {
        let impacts = impact::of_deleting(change, role).await?;
        impact::must_be_allowed(change, &impacts, "id").await?;
    }
    change.archive::<role::Entity>(role.0, expected, true).await.map(|_| ())
}

/// A role that people hold or keys act by does not go by itself.
pub(super) fn in_use(held: usize, keys: usize) -> Error {
    let message =
        format!("The role is held by {held} users and {keys} active API keys; set evenIfInUse to delete it anyway.");
    UserError::new(UserCode::InUse, "id", message).because("ROLE_IN_USE").into()
}
