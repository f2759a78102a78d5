//! The administrators: who they are, and that one always remains.

use entity::{role, user::UserId};

use super::holding::{self, Giver};
use crate::{
    access::Purpose,
    error::{Error, Result, UserCode, UserError},
    store::Change,
};

/// The key of the role that may do everything.
pub const ADMIN: &str = "admin";

/// Gives somebody a role by its key; nothing happens where they hold it. For Tandem itself.
pub async fn assign_role(change: &mut Change, user: UserId, role: &str) -> Result<()> {
    let roles = change.unscoped_rows::<role::Entity>("key", role).await?;
    let role = roles.first().ok_or_else(|| {
        let message = format!("There is no role {}.", crate::store::value::short(role));
        Error::from(UserError::new(UserCode::NotFound, "role", message).because("ROLE_UNKNOWN"))
    })?;
    if holding::held(change, role.id, user).await?.is_some() {
        return Ok(());
    }
    holding::give(change, role.id, user, Giver::Hand).await.map(|_| ())
}

/// The active people who hold the administrators' role and can sign in. The role's row is locked, so that two
/// who decide by it decide one after the other. For Tandem itself.
pub async fn active_admins(change: &mut Change) -> Result<Vec<UserId>> {
    let roles = change.unscoped_rows::<role::Entity>("key", ADMIN).await?;
    let role = roles.first().ok_or_else(|| Error::internal("the administrators' role is gone"))?;
    change.find::<role::Entity>(role.id.0).await?;
    change.able_holders(role.id).await
}

/// Whether somebody is the last active administrator. For Tandem itself.
pub async fn is_last(change: &mut Change, user: UserId) -> Result<bool> {
    Ok(active_admins(change).await? == [user])
}

/// The last active administrator can be neither taken out of service nor lose the role.
pub async fn must_remain(change: &mut Change, user: UserId, field: &str) -> Result<()> {
    if !change.as_system(Purpose::SideEffect, async |change| is_last(change, user).await).await? {
        return Ok(());
    }
    let message = "This is the last active administrator; assign the role to another user first.";
    Err(UserError::new(UserCode::InUse, field, message).because("LAST_ADMIN").into())
}
