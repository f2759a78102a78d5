//! Keeping people: who joins, their passwords, and the keys that sign their tokens.

use async_graphql::{Context, Object};
use entity::{Kind, user, user::UserId};

use super::authority;
use crate::{
    error::Result,
    graphql::{
        node::{self, Row},
        payload::{outcome, payload},
        root::RootQuery,
        scalars::DateTime,
    },
    people::{
        authority::Authority,
        inputs::{
            UserInviteInput, UserPasswordResetCreateInput, UserReinviteInput, UserSetPasswordInput, UserUnlockInput,
        },
        invitations::{self, Invitation},
        passwords::Given,
        proof,
    },
    store::Store,
};

payload! {
    /// Return type of `userInvite` and `userReinvite`.
    UserInvitePayload {
        /// The user; null if the mutation failed.
        user: Option<Row<user::Entity>>,
        /// Invitation token, for one use with `invitationAccept`; returned only here. Null if the mutation failed.
        invitation: Option<String>,
        /// When the token expires; null if the mutation failed.
        expires_at: Option<DateTime>,
    }
    /// Return type of `userPasswordResetCreate`.
    UserPasswordResetCreatePayload {
        /// The user; null if the mutation failed.
        user: Option<Row<user::Entity>>,
        /// Password reset token, for one use with `passwordReset`; returned only here. Null if the mutation failed.
        token: Option<String>,
        /// When the token expires; null if the mutation failed.
        expires_at: Option<DateTime>,
    }
    /// Return type of `userSetPassword`.
    UserSetPasswordPayload {
        /// The user; null if the mutation failed.
        user: Option<Row<user::Entity>>,
    }
    /// Return type of `userUnlock`.
    UserUnlockPayload {
        /// The user; null if the mutation failed.
        user: Option<Row<user::Entity>>,
        /// Number of failed sign-ins that were cleared.
        forgotten: i32,
    }
    /// Return type of `signingKeyRotate`.
    SigningKeyRotatePayload {
        /// ID of the new signing key; null if the mutation failed.
        key_id: Option<String>,
    }
}

/// Keeping people.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeepingMutation;

#[Object]
impl KeepingMutation {
    /// Invites a user: creates the user, assigns their roles, and returns a token with which they set their password,
    /// valid for 7 days. Keep the token secret: whoever has it can sign in as the user. Assigning another role later
    /// invalidates the token; use `userReinvite` then. Requires CREATE on users; assigning roles requires permission
    /// to assign them and all permissions that they grant.
    async fn user_invite(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The person to invite.")] input: UserInviteInput,
    ) -> async_graphql::Result<UserInvitePayload> {
        Ok(invited(authority(ctx)?, invitations::invite(node::store(ctx)?, input.newcomer()).await)?)
    }

    /// Issues a new token to an invited user, replacing the previous one. Only for users without a password. Requires
    /// permission to invite them and all permissions that their roles grant.
    async fn user_reinvite(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The person to invite again.")] input: UserReinviteInput,
    ) -> async_graphql::Result<UserInvitePayload> {
        let again = async |store: &Store| {
            store.require_sign_in()?;
            invitations::reinvite(store, UserId(input.id.of(Kind::User)?)).await
        };
        Ok(invited(authority(ctx)?, again(node::store(ctx)?).await)?)
    }

    /// Creates a token with which a user can set a new password, valid for one day and one use. Their current
    /// password and sessions remain valid until then. Keep the token secret: whoever has it can sign in as the user.
    /// It replaces any previous token, and assigning a role to the user later invalidates it. Requires MANAGE on all
    /// users and all permissions that the user's roles grant.
    async fn user_password_reset_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The person.")] input: UserPasswordResetCreateInput,
    ) -> async_graphql::Result<UserPasswordResetCreatePayload> {
        let reset = async |store: &Store| {
            store.require_sign_in()?;
            invitations::reset(store, UserId(input.id.of(Kind::User)?)).await
        };
        let (made, user_errors) = outcome(reset(node::store(ctx)?).await)?;
        if let Some(made) = &made {
            authority(ctx)?.unspent().note(&made.token);
        }
        Ok(UserPasswordResetCreatePayload {
            user: made.as_ref().map(|made| Row::new(made.user)),
            expires_at: made.as_ref().map(|made| DateTime(made.expires_at)),
            token: made.map(|made| made.token),
            user_errors,
            query: RootQuery,
        })
    }

    /// Sets the password of a user and revokes their sessions. For administrators.
    async fn user_set_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The person and the new password.")] input: UserSetPasswordInput,
    ) -> async_graphql::Result<UserSetPasswordPayload> {
        let authority = authority(ctx)?;
        let set = async |store: &Store| {
            store.require_sign_in()?;
            let user = UserId(input.id.of(Kind::User)?);
            let given = Given { password: &input.password, must_change: input.must_change_password };
            authority.set_password(store, user, given).await.map(|()| user)
        };
        let (user, user_errors) = outcome(set(node::store(ctx)?).await)?;
        Ok(UserSetPasswordPayload { user: user.map(Row::new), user_errors, query: RootQuery })
    }

    /// Clears the failed sign-ins of a user from all addresses, so that they can try again immediately. Setting a new
    /// password does the same. Requires MANAGE on all users.
    async fn user_unlock(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The person.")] input: UserUnlockInput,
    ) -> async_graphql::Result<UserUnlockPayload> {
        let unlock = async |store: &Store| {
            store.require_sign_in()?;
            let user = UserId(input.id.of(Kind::User)?);
            proof::unlock(store, user).await.map(|forgotten| (user, forgotten))
        };
        let (done, user_errors) = outcome(unlock(node::store(ctx)?).await)?;
        let forgotten = done.map_or(0, |(_, forgotten)| i32::try_from(forgotten).unwrap_or(i32::MAX));
        let user = done.map(|(user, _)| Row::new(user));
        Ok(UserUnlockPayload { user, forgotten, user_errors, query: RootQuery })
    }

    /// Rotates the key that signs access tokens; existing tokens remain valid until they expire. For administrators.
    async fn signing_key_rotate(&self, ctx: &Context<'_>) -> async_graphql::Result<SigningKeyRotatePayload> {
        let (key_id, user_errors) = outcome(authority(ctx)?.rotate_key(node::store(ctx)?).await)?;
        Ok(SigningKeyRotatePayload { key_id, user_errors, query: RootQuery })
    }
}

fn invited(authority: &Authority, invitation: Result<Invitation>) -> Result<UserInvitePayload> {
    let (made, user_errors) = outcome(invitation)?;
    let mut payload =
        UserInvitePayload { user: None, invitation: None, expires_at: None, user_errors, query: RootQuery };
    if let Some(made) = made {
        authority.unspent().note(&made.token);
        payload.user = Some(Row::new(made.user));
        payload.expires_at = Some(DateTime(made.expires_at));
        payload.invitation = Some(made.token);
    }
    Ok(payload)
}
