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
    /// Answer of `userInvite` and `userReinvite`.
    UserInvitePayload {
        /// The person; null where it failed.
        user: Option<Row<user::Entity>>,
        /// The token by which they join, once, by `invitationAccept`; shown now and never again. Null where it failed.
        invitation: Option<String>,
        /// Until when the token is good; null where it failed.
        expires_at: Option<DateTime>,
    }
    /// Answer of `userPasswordResetCreate`.
    UserPasswordResetCreatePayload {
        /// The person; null where it failed.
        user: Option<Row<user::Entity>>,
        /// The token by which they set a password, once, by `passwordReset`; shown now and never again. Null where it failed.
        token: Option<String>,
        /// Until when the token is good; null where it failed.
        expires_at: Option<DateTime>,
    }
    /// Answer of `userSetPassword`.
    UserSetPasswordPayload {
        /// The person; null where it failed.
        user: Option<Row<user::Entity>>,
    }
    /// Answer of `userUnlock`.
    UserUnlockPayload {
        /// The person; null where it failed.
        user: Option<Row<user::Entity>>,
        /// How many failed sign-ins were forgotten.
        forgotten: i32,
    }
    /// Answer of `signingKeyRotate`.
    SigningKeyRotatePayload {
        /// The name of the key that signs from now on; null where it failed.
        key_id: Option<String>,
    }
}

/// Keeping people.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeepingMutation;

#[Object]
impl KeepingMutation {
    /// Invites a person: makes them, gives them their roles, and answers a token by which they set
    /// their password and join within 7 days. Give it to nobody else: whoever has it joins as them. A role
    /// given to them later makes it void; then invite them again.
    /// For whoever may create people; roles take the right to assign them, and all that they permit.
    async fn user_invite(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who joins.")] input: UserInviteInput,
    ) -> async_graphql::Result<UserInvitePayload> {
        Ok(invited(authority(ctx)?, invitations::invite(node::store(ctx)?, input.newcomer()).await)?)
    }

    /// Gives an invited person another token, in place of the one before. Only for people who have
    /// no password yet, by whoever may invite them and has all that their roles permit.
    async fn user_reinvite(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who is invited again.")] input: UserReinviteInput,
    ) -> async_graphql::Result<UserInvitePayload> {
        let again = async |store: &Store| {
            store.require_sign_in()?;
            invitations::reinvite(store, UserId(input.id.of(Kind::User)?)).await
        };
        Ok(invited(authority(ctx)?, again(node::store(ctx)?).await)?)
    }

    /// Answers a token by which a person sets another password within a day, once. The password and the sessions
    /// they have stay good until then. Give it to nobody else: whoever has it becomes them. It takes the place of a
    /// token before it, and a role given to them later makes it void. For whoever administers people and has all
    /// that this person's roles permit.
    async fn user_password_reset_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose.")] input: UserPasswordResetCreateInput,
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

    /// Gives a person a password and ends their sessions; for administrators.
    async fn user_set_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose and which.")] input: UserSetPasswordInput,
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

    /// Forgets the failed sign-ins of a person, from wherever, so that they can try again at once. Another password does
    /// the same. For whoever administers people.
    async fn user_unlock(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose.")] input: UserUnlockInput,
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

    /// Has a new key sign access tokens; those given before stay good until they end. For administrators.
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
