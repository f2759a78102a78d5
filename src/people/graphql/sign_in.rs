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
    /// Return type of `signIn`, `refresh`, `invitationAccept` and `passwordReset`.
    SignInPayload {
        /// Access token, to send as `Authorization: Bearer …`; null if the mutation failed.
        access_token: Option<String>,
        /// Refresh token, for one use with `refresh`; null if the mutation failed.
        refresh_token: Option<String>,
        /// When the access token expires; null if the mutation failed.
        expires_at: Option<DateTime>,
        /// User who signed in, read with their own permissions; the rest of the request remains anonymous.
        user: Option<Through<Row<user::Entity>>>,
    }
    /// Return type of `signOut`.
    SignOutPayload {
        /// Whether a session was revoked.
        signed_out: bool,
    }
    /// Return type of `passwordChange`.
    PasswordChangePayload {
        /// The user; null if the mutation failed.
        user: Option<Row<user::Entity>>,
    }
    /// Return type of `sessionRevoke`.
    SessionRevokePayload {
        /// Current state of the session; null if the mutation failed.
        session: Option<Row<session::Entity>>,
    }
    /// Return type of `sessionsRevoke`.
    SessionsRevokePayload {
        /// The user; null if the mutation failed.
        user: Option<Row<user::Entity>>,
        /// Number of sessions that were revoked.
        ended: i32,
    }
}

/// Signing in and out.
#[derive(Clone, Copy, Debug, Default)]
pub struct SignInMutation;

#[Object]
impl SignInMutation {
    /// Signs a user in with e-mail address and password. Failed attempts throttle further ones but never lock the
    /// account: throttled attempts fail with `RATE_LIMITED` and the seconds to wait in `retryAfter` and in the
    /// `Retry-After` header. From the fifth failure for one user from one IP address on, the wait is 5 seconds and
    /// doubles with each further failure, up to 15 minutes, or up to one minute for IP addresses from which the user
    /// has signed in within 30 days. At other addresses, 20 failures for one user from all addresses, or failures for
    /// 20 users from one address, also throttle attempts, by at most one minute and half a minute respectively. A
    /// device that sends its `deviceToken` is throttled only by its own failures. A successful sign-in, a new
    /// password and `userUnlock` reset the throttling.
    async fn sign_in(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Credentials.")] input: SignInInput,
    ) -> async_graphql::Result<SignInPayload> {
        let (store, authority) = (node::store(ctx)?, authority(ctx)?);
        let (email, password) = (input.email.as_str(), input.password.as_str());
        let (device, new) = (input.device_token.as_deref(), input.new_password.as_deref());
        let by = Credentials { email, password, new, device };
        let tokens = authority.sign_in(store, by, &origin(ctx)).await;
        Ok(signed_in(authority, tokens).await?)
    }

    /// Exchanges a refresh token for new tokens. Using a refresh token twice revokes its session, because it may have
    /// been stolen.
    async fn refresh(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The refresh token.")] input: RefreshInput,
    ) -> async_graphql::Result<SignInPayload> {
        charge(ctx, Guess::RefreshToken, &input.refresh_token)?;
        let (store, authority) = (node::store(ctx)?, authority(ctx)?);
        let tokens = authority.refresh(store, &input.refresh_token).await;
        Ok(signed_in(authority, tokens).await?)
    }

    /// Accepts an invitation: sets the password and signs in. The invitation token can be used once.
    async fn invitation_accept(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token of the invitation and a password.")] input: InvitationAcceptInput,
    ) -> async_graphql::Result<SignInPayload> {
        charge(ctx, Guess::Invitation, &input.token)?;
        let (store, authority) = (node::store(ctx)?, authority(ctx)?);
        let (sent, origin) = ((Sent::Invitation, input.token.as_str()), origin(ctx));
        Ok(signed_in(authority, invitations::accept(authority, store, sent, &input.password, &origin).await).await?)
    }

    /// Resets the password with a token from `userPasswordResetCreate`, revokes all your sessions and signs you in.
    /// The token can be used once.
    async fn password_reset(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token and the new password.")] input: PasswordResetInput,
    ) -> async_graphql::Result<SignInPayload> {
        charge(ctx, Guess::PasswordReset, &input.token)?;
        let (store, authority) = (node::store(ctx)?, authority(ctx)?);
        let (sent, origin) = ((Sent::Reset, input.token.as_str()), origin(ctx));
        Ok(signed_in(authority, invitations::accept(authority, store, sent, &input.password, &origin).await).await?)
    }

    /// Revokes the current session.
    async fn sign_out(&self, ctx: &Context<'_>) -> async_graphql::Result<SignOutPayload> {
        let (done, user_errors) = outcome(sessions::sign_out(node::store(ctx)?).await)?;
        Ok(SignOutPayload { signed_out: done.unwrap_or(false), user_errors, query: RootQuery })
    }

    /// Changes your own password and revokes your other sessions.
    async fn password_change(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The current and the new password.")] input: PasswordChangeInput,
    ) -> async_graphql::Result<PasswordChangePayload> {
        let store = node::store(ctx)?;
        let done =
            authority(ctx)?.change_password(store, &input.current_password, &input.new_password, &origin(ctx)).await;
        let (user, user_errors) = outcome(done)?;
        Ok(PasswordChangePayload { user: user.map(Row::new), user_errors, query: RootQuery })
    }

    /// Revokes one of your sessions, or another user's if your permissions allow it.
    async fn session_revoke(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The session.")] input: SessionRevokeInput,
    ) -> async_graphql::Result<SessionRevokePayload> {
        let revoke = async |store: &Store| {
            store.require_sign_in()?;
            let session = SessionId(input.id.of(Kind::Session)?);
            sessions::end_session(store, session).await.map(|()| session)
        };
        let (session, user_errors) = outcome(revoke(node::store(ctx)?).await)?;
        Ok(SessionRevokePayload { session: session.map(Row::new), user_errors, query: RootQuery })
    }

    /// Revokes all sessions of a user in every server process and closes their open subscriptions, e.g. after a
    /// device was lost. The user can sign in again. Requires DELETE on sessions with reach ALL, or OWN for yourself.
    async fn sessions_revoke(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The person.")] input: SessionsRevokeInput,
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
