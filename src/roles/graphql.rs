//! Roles in the API, beyond their standard mutations.

use async_graphql::{Context, Object};
use entity::{role, role_assignment};
use sea_orm::prelude::Uuid;

use super::{
    answers::{Holders, RoleDifference, RolePreview},
    exchange, holding,
    inputs::{RoleAssignInput, RoleChangeInput, RoleDeleteInput, RoleImportInput, RoleUnassignInput},
    known::RoleWarning,
    preview,
};
use crate::{
    error::{Error, Result},
    graphql::{
        node::{Row, store},
        payload::{outcome, payload},
        root::RootQuery,
        scalars::Json,
    },
    store::{Change, Store},
};

/// What can be read of roles besides the roles themselves.
#[derive(Clone, Copy, Debug, Default)]
pub struct RoleQuery;

/// What can be done with roles.
#[derive(Clone, Copy, Debug, Default)]
pub struct RoleMutation;

payload! {
    /// Return type of `roleDelete`.
    RoleDeletePayload {
        /// The deleted role, now archived; null if the mutation failed.
        role: Option<Row<role::Entity>>,
    }
    /// Return type of `roleAssign`.
    RoleAssignPayload {
        /// The role assignment; null if the mutation failed.
        assignment: Option<Row<role_assignment::Entity>>,
    }
    /// Return type of `roleUnassign`.
    RoleUnassignPayload {
        /// The removed role assignment, now archived; null if the mutation failed or the user did not have the role.
        assignment: Option<Row<role_assignment::Entity>>,
    }
    /// Return type of `roleImport`.
    RoleImportPayload {
        /// Differences by role, in the order of the document; empty if the mutation failed.
        diff: Vec<RoleDifference>,
        /// Fingerprint of the difference; send it with the same document to apply it. Null if the mutation failed.
        fingerprint: Option<String>,
        /// Whether the difference was applied; it is applied completely or not at all.
        applied: bool,
    }
}

/// What can be read of roles besides the roles themselves.
#[Object]
impl RoleQuery {
    /// Previews the effects of changes to roles: who would gain and lose which permissions. The changes are applied
    /// together, in order, and rolled back. Requires READ on roles and role assignments, and the permissions that the
    /// changes themselves require.
    async fn role_preview(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Changes to preview, at most 50.")] changes: Vec<RoleChangeInput>,
        #[graphql(desc = "The number of holders to list, at most 50.", default = 25)] first: i32,
    ) -> async_graphql::Result<RolePreview> {
        let store = store(ctx)?;
        store.require_sign_in()?;
        let first = usize::try_from(first).ok().filter(|first| *first <= preview::MAX_LISTED);
        let first = first.ok_or_else(|| Error::argument("first must be between 0 and 50."))?;
        let found = async {
            if changes.len() > preview::MAX_CHANGES {
                return Err(preview::too_many(changes.len()));
            }
            preview::preview(store, changes.into_iter().map(RoleChangeInput::read).collect(), first).await
        };
        let (found, user_errors) = outcome(found.await)?;
        let found = found.unwrap_or_default();
        Ok(RolePreview {
            holders: Holders(found.holders),
            total_holders: i32::try_from(found.total).unwrap_or(i32::MAX),
            warnings: found.warnings.into_iter().map(|(at, one)| RoleWarning::of(one, None, Some(at))).collect(),
            user_errors: found.mistakes.into_iter().chain(user_errors).collect(),
        })
    }

    /// Exports roles as a document that can be imported with `roleImport`, in this or another Tandem instance.
    /// Requires READ and EXPORT on roles.
    async fn role_export(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The keys of the roles; all roles if left out.")] keys: Option<Vec<String>>,
    ) -> async_graphql::Result<Json> {
        Ok(Json(exchange::export(store(ctx)?, keys.as_deref()).await?))
    }
}

/// What can be done with roles.
#[Object]
impl RoleMutation {
    /// Deletes a role. Built-in roles cannot be deleted; roles in use only with `evenIfInUse`.
    async fn role_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The role.")] input: RoleDeleteInput,
    ) -> async_graphql::Result<RoleDeletePayload> {
        let delete = async |store: &Store| {
            store.require_sign_in()?;
            let key = input.once.key(ctx)?;
            let (role, expected, in_use) = input.read()?;
            let delete = async |change: &mut Change| {
                holding::delete(change, role, expected, in_use).await?;
                Ok(role.0)
            };
            store.once(key.as_ref(), delete).await
        };
        let (role, user_errors) = outcome(delete(store(ctx)?).await)?;
        Ok(RoleDeletePayload { role: role.map(Row::new), user_errors, query: RootQuery })
    }

    /// Assigns a role to a user; does nothing if the user already has it. You cannot assign a role that permits more
    /// than your own roles.
    async fn role_assign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The role and the person.")] input: RoleAssignInput,
    ) -> async_graphql::Result<RoleAssignPayload> {
        let assign = async |store: &Store| {
            store.require_sign_in()?;
            let key = input.once.key(ctx)?;
            let (role, user) = input.read()?;
            let assign = async |change: &mut Change| holding::assign(change, role, user).await.map(Uuid::from);
            store.once(key.as_ref(), assign).await
        };
        let (assignment, user_errors) = outcome(assign(store(ctx)?).await)?;
        Ok(RoleAssignPayload { assignment: assignment.map(Row::new), user_errors, query: RootQuery })
    }

    /// Removes a role from a user; does nothing if the user does not have it. The administrator role cannot be
    /// removed from the last active administrator.
    async fn role_unassign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The role and the person.")] input: RoleUnassignInput,
    ) -> async_graphql::Result<RoleUnassignPayload> {
        let unassign = async |store: &Store| {
            store.require_sign_in()?;
            let key = input.once.key(ctx)?;
            let (role, user) = input.read()?;
            let unassign = async |change: &mut Change| {
                let assignment = holding::unassign(change, role, user).await?;
                Ok(assignment.map(Uuid::from))
            };
            store.once(key.as_ref(), unassign).await
        };
        let (assignment, user_errors) = outcome(unassign(store(ctx)?).await)?;
        let assignment = assignment.flatten().map(Row::new);
        Ok(RoleUnassignPayload { assignment, user_errors, query: RootQuery })
    }

    /// Imports roles from a document in two calls: the first returns the differences and their fingerprint, the
    /// second, with that fingerprint, applies all of them or none. Requires READ and IMPORT on roles, and CREATE and
    /// UPDATE for new and changed roles.
    async fn role_import(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The document of roles.")] input: RoleImportInput,
    ) -> async_graphql::Result<RoleImportPayload> {
        let done = exchange::import(store(ctx)?, &input.document.0, input.fingerprint.as_deref()).await;
        Ok(imported(done)?)
    }
}

fn imported(done: Result<exchange::Imported>) -> Result<RoleImportPayload> {
    let (done, user_errors) = outcome(done)?;
    let done = done.unwrap_or_default();
    Ok(RoleImportPayload {
        diff: done.differences.into_iter().map(RoleDifference::from).collect(),
        fingerprint: done.fingerprint,
        applied: done.applied,
        user_errors: done.mistakes.into_iter().chain(user_errors).collect(),
        query: RootQuery,
    })
}
