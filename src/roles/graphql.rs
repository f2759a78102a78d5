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
    /// Answer of `roleDelete`.
    RoleDeletePayload {
        /// The role as it is now, archived; null where it failed.
        role: Option<Row<role::Entity>>,
    }
    /// Answer of `roleAssign`.
    RoleAssignPayload {
        /// That they hold it; null where it failed.
        assignment: Option<Row<role_assignment::Entity>>,
    }
    /// Answer of `roleUnassign`.
    RoleUnassignPayload {
        /// That they held it, archived; null where it failed or they did not hold it.
        assignment: Option<Row<role_assignment::Entity>>,
    }
    /// Answer of `roleImport`.
    RoleImportPayload {
        /// What the document changes, role by role in its order; empty where it failed.
        diff: Vec<RoleDifference>,
        /// Names this difference; send it with the same document to have it made. Null where it failed.
        fingerprint: Option<String>,
        /// Whether the difference was made: all of it, or nothing.
        applied: bool,
    }
}

/// What can be read of roles besides the roles themselves.
#[Object]
impl RoleQuery {
    /// Who would gain and lose what by these changes of roles, which are made together in their order
    /// and undone again. Needs READ of roles and of who holds them, and what the changes themselves need.
    async fn role_preview(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes, at most 50.")] changes: Vec<RoleChangeInput>,
        #[graphql(desc = "How many holders to list, at most 50.", default = 25)] first: i32,
    ) -> async_graphql::Result<RolePreview> {
        let store = store(ctx)?;
        store.require_sign_in()?;
        let first = usize::try_from(first).ok().filter(|first| *first <= preview::MAX_LISTED);
        let first = first.ok_or_else(|| Error::argument("first lies between 0 and 50."))?;
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

    /// Roles as a document that `roleImport` takes, here or in another Tandem. Needs READ and EXPORT of roles.
    async fn role_export(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The keys of the roles; all where they are left out.")] keys: Option<Vec<String>>,
    ) -> async_graphql::Result<Json> {
        Ok(Json(exchange::export(store(ctx)?, keys.as_deref()).await?))
    }
}

/// What can be done with roles.
#[Object]
impl RoleMutation {
    /// Deletes a role. One that Tandem brought stays, and so does one in use unless you insist.
    async fn role_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which role.")] input: RoleDeleteInput,
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

    /// Gives somebody a role; nothing changes where they hold it. Nobody gives a role that permits
    /// more than their own.
    async fn role_assign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which role for whom.")] input: RoleAssignInput,
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

    /// Takes a role from somebody; nothing changes where they do not hold it. The last active
    /// administrator stays one.
    async fn role_unassign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which role from whom.")] input: RoleUnassignInput,
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

    /// Brings in roles from a document: first it tells what that would change, then, with the
    /// fingerprint of this difference, it changes all of it or nothing. Needs READ and IMPORT of
    /// roles, and CREATE and UPDATE for what is new and what changes.
    async fn role_import(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which document.")] input: RoleImportInput,
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
