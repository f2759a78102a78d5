//! Signing in and out, and one's own password and sessions.

use async_graphql::{Context, Object};
use entity::{
    Kind, session,
    session::SessionId,
    user::{self, UserId},
};

use super::{authority, charge, origin};
use crate::{
    access::guess::Guess,
    error::{Error, Result},
    graphql::{
        node::{self, Row, Through},
        payload::{outcome, payload},
        root::RootQuery,
        scalars::DateTime,
    },
    people::{
        authority::Authority,
        inputs::{
            InvitationAcceptInput, PasswordChangeInput, PasswordResetInput, RefreshInput, SessionRevokeInput,
            SessionsRevokeInput, SignInInput,
        },
        invitations::{self, Sent},
        sessions::{self, Tokens},
        sign_in::Credentials,
    },
    store::{Store, value},
};

payload! {
    /// Answer of `signIn`, `refresh`, `invitationAccept` and `passwordReset`.
    SignInPayload {
        /// Send it as `Authorization: Bearer …`; null where it failed.
        access_token: Option<String>,
        /// Gets new tokens by `refresh`, once; null where it failed.
        refresh_token: Option<String>,
        /// Until when the access token is good.
        expires_at: Option<DateTime>,
        /// Who has signed in, read as themselves: the request itself is still nobody's.
        user: Option<Through<Row<user::Entity>>>,
    }
    /// Answer of `signOut`.
    SignOutPayload {
        /// Whether a session was ended.
        signed_out: bool,
    }
    /// Answer of `passwordChange`.
    PasswordChangePayload {
        /// The person; null where it failed.
        user: Option<Row<user::Entity>>,
    }
    /// Answer of `sessionRevoke`.
    SessionRevokePayload {
        /// The session as it is now; null where it failed.
        session: Option<Row<session::Entity>>,
    }
    /// Answer of `sessionsRevoke`.
    SessionsRevokePayload {
        /// The person; null where it failed.
        user: Option<Row<user::Entity>>,
        /// How many sessions were ended.
        ended: i32,
    }
}

/// Signing in and out.
#[derive(Clone, Copy, Debug, Default)]
pub struct SignInMutation;

#[Object]
impl SignInMutation {
    /// Signs a person in by e-mail address and password. Failures slow further attempts down and shut nobody out: they
    /// are refused with `RATE_LIMITED` and the seconds to wait as `retryAfter`, also in the header `Retry-After`. From
    /// the fifth failure for one person from one address on, the wait is 5 seconds and doubles with each further
    /// failure up to 15 minutes, or up to one minute at addresses from which the person has signed in within 30 days.
    /// Elsewhere 20 failures for one person from all addresses, or 20 people who failed from one address, slow down
    /// too, by a minute or half a minute at most. A device that sends its `deviceToken` waits for its own failures
    /// alone. Success, another password and `userUnlock` end the waiting.
    async fn sign_in(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who.")] input: SignInInput,
    ) -> async_graphql::Result<SignInPayload> {
        let (store, authority) = (node::store(ctx)?, authority(ctx)?);
        let (email, password) = (input.email.as_str(), input.password.as_str());
        let (device, new) = (input.device_token.as_deref(), input.new_password.as_deref());
        let by = Credentials { email, password, new, device };
        let tokens = authority.sign_in(store, by, &origin(ctx)).await;
        Ok(signed_in(authority, tokens).await?)
    }

    /// Gives new tokens for a refresh token. Used twice, it ends its session: somebody has a copy.
    async fn refresh(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "By what.")] input: RefreshInput,
    ) -> async_graphql::Result<SignInPayload> {
        charge(ctx, Guess::RefreshToken, &input.refresh_token)?;
        let (store, authority) = (node::store(ctx)?, authority(ctx)?);
        let tokens = authority.refresh(store, &input.refresh_token).await;
        Ok(signed_in(authority, tokens).await?)
    }

    /// Joins by an invitation: sets the password that is to hold, and signs in. The invitation is used up.
    async fn invitation_accept(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "By what, and with which password.")] input: InvitationAcceptInput,
    ) -> async_graphql::Result<SignInPayload> {
        charge(ctx, Guess::Invitation, &input.token)?;
        let (store, authority) = (node::store(ctx)?, authority(ctx)?);
        let (sent, origin) = ((Sent::Invitation, input.token.as_str()), origin(ctx));
        Ok(signed_in(authority, invitations::accept(authority, store, sent, &input.password, &origin).await).await?)
    }

    /// Sets another password by a token of `userPasswordResetCreate`, ends all your sessions, and signs you in. The
    /// token is used up.
    async fn password_reset(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "By what, and which password.")] input: PasswordResetInput,
    ) -> async_graphql::Result<SignInPayload> {
        charge(ctx, Guess::PasswordReset, &input.token)?;
        let (store, authority) = (node::store(ctx)?, authority(ctx)?);
        let (sent, origin) = ((Sent::Reset, input.token.as_str()), origin(ctx));
        Ok(signed_in(authority, invitations::accept(authority, store, sent, &input.password, &origin).await).await?)
    }

    /// Ends the session in which you call.
    async fn sign_out(&self, ctx: &Context<'_>) -> async_graphql::Result<SignOutPayload> {
        let (done, user_errors) = outcome(sessions::sign_out(node::store(ctx)?).await)?;
        Ok(SignOutPayload { signed_out: done.unwrap_or(false), user_errors, query: RootQuery })
    }

    /// Changes your own password and ends your other sessions.
    async fn password_change(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which password.")] input: PasswordChangeInput,
    ) -> async_graphql::Result<PasswordChangePayload> {
        let store = node::store(ctx)?;
        let done =
            authority(ctx)?.change_password(store, &input.current_password, &input.new_password, &origin(ctx)).await;
        let (user, user_errors) = outcome(done)?;
        Ok(PasswordChangePayload { user: user.map(Row::new), user_errors, query: RootQuery })
    }

    /// Ends a session of yours, or anybody's if you may.
    async fn session_revoke(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which session.")] input: SessionRevokeInput,
    ) -> async_graphql::Result<SessionRevokePayload> {
        let revoke = async |store: &Store| {
            store.require_sign_in()?;
            let session = SessionId(input.id.of(Kind::Session)?);
            sessions::end_session(store, session).await.map(|()| session)
        };
        let (session, user_errors) = outcome(revoke(node::store(ctx)?).await)?;
        Ok(SessionRevokePayload { session: session.map(Row::new), user_errors, query: RootQuery })
    }

    /// Ends all sessions of a person, in every process and with their open subscriptions: where a device was lost,
    /// say. They can sign in again. Needs DELETE of sessions: ALL, or OWN for yourself.
    async fn sessions_revoke(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose.")] input: SessionsRevokeInput,
    ) -> async_graphql::Result<SessionsRevokePayload> {
        let revoke = async |store: &Store| {
            store.require_sign_in()?;
            let user = value::key(Kind::User, &input.user_id.0);
            let user = UserId(user.map_err(|misfit| Error::input(misfit.code, "userId", misfit.message))?);
            sessions::end_sessions(store, user).await.map(|ended| (user, ended))
        };
        let (done, user_errors) = outcome(revoke(node::store(ctx)?).await)?;
        let ended = done.map_or(0, |(_, ended)| i32::try_from(ended).unwrap_or(i32::MAX));
        let user = done.map(|(user, _)| Row::new(user));
        Ok(SessionsRevokePayload { user, ended, user_errors, query: RootQuery })
    }
}

async fn signed_in(authority: &Authority, tokens: Result<Tokens>) -> Result<SignInPayload> {
    let (tokens, user_errors) = outcome(tokens)?;
    let mut payload = SignInPayload {
        access_token: None,
        refresh_token: None,
        expires_at: None,
        user: None,
        user_errors,
        query: RootQuery,
    };
    if let Some(tokens) = tokens {
        authority.unspent().note(&tokens.refresh);
        payload.user = Some(Through(authority.store_of(&tokens).await?, Row::new(tokens.user)));
        payload.expires_at = Some(DateTime(tokens.expires_at));
        payload.access_token = Some(tokens.access);
        payload.refresh_token = Some(tokens.refresh);
    }
    Ok(payload)
}
