//! Signing in and the viewer in the API.

use std::borrow::Cow;

use async_graphql::{
    Context, ContextSelectionSet, Object, OutputType, Positioned, ServerResult, SimpleObject, Value,
    parser::types::Field, registry::Registry,
};
use entity::{Kind, session, session::SessionId, user, user::UserId};

use super::{
    inputs::{
        PasswordChangeInput, RefreshInput, SessionRevokeInput, SignInInput, UserDeactivateInput, UserReactivateInput,
        UserSetPasswordInput,
    },
    leaving,
    sign_in::{self, Authority, Tokens},
};
use crate::{
    access::{Action, Actor, Origin, Purpose, Reach, Who},
    error::{Error, Result, UserError},
    graphql::{
        choice::Of,
        node::{self, Row},
        payload::outcome,
        scalars::DateTime,
        schema::Query,
    },
    store::{Store, value},
};

/// Who is calling.
#[derive(Clone, Copy, Debug, Default)]
pub struct PeopleQuery;

#[Object]
impl PeopleQuery {
    /// Who is calling and what they may do; null for somebody who has not signed in. By an API key it is
    /// who answers for the key, and what the key may do.
    #[expect(clippy::unused_async, reason = "the library takes asynchronous resolvers alone")]
    async fn viewer(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Viewer>> {
        let actor = node::store(ctx)?.actor().clone();
        Ok(match actor.who {
            Who::User { id, session } => Some(Viewer { user: id, session, actor }),
            Who::Key { owner, .. } => Some(Viewer { user: owner, session: None, actor }),
            Who::Anonymous | Who::System(_) => None,
        })
    }
}

/// A person who has signed in.
#[derive(Debug)]
pub struct Viewer {
    user: UserId,
    session: Option<SessionId>,
    actor: Actor,
}

/// One thing that somebody may do.
#[derive(Debug, SimpleObject)]
pub struct Permission {
    /// The record type, `Account`.
    resource: &'static str,
    /// What may be done to records of it.
    action: Of<Action>,
    /// To which of them.
    reach: Of<Reach>,
}

/// Fields of one record type.
#[derive(Debug, SimpleObject)]
pub struct ResourceFields {
    /// The record type, `Deal`.
    resource: &'static str,
    /// The names of the fields, in alphabetical order.
    fields: Vec<String>,
}

impl Viewer {
    /// What any of their roles lets them do.
    fn granted(&self) -> Vec<Permission> {
        let all = Kind::ALL.into_iter().flat_map(|kind| Action::ALL.map(|action| (kind, action)));
        let reached = all.map(|(kind, action)| (kind, action, self.actor.policy.reach(kind, action)));
        let allowed = reached.filter(|(_, _, reach)| *reach > Reach::None);
        allowed
            .map(|(kind, action, reach)| Permission { resource: kind.name(), action: Of(action), reach: Of(reach) })
            .collect()
    }
}

/// The person who is calling, and what they may do: the union of their roles.
#[Object]
impl Viewer {
    /// The person; null where they may not see themselves.
    async fn user(&self) -> Option<Row<user::Entity>> {
        Some(Row::new(self.user))
    }

    /// The session in which they call; null by an API key, which has none.
    async fn session(&self) -> Option<Row<session::Entity>> {
        self.session.map(Row::new)
    }

    /// What they may do, as `Account:UPDATE:OWN` (resource, action, reach): all that a front end needs
    /// to show or hide a button.
    async fn permissions(&self) -> Vec<String> {
        let spell =
            |grant: Permission| format!("{}:{}:{}", grant.resource, grant.action.0.as_str(), grant.reach.0.as_str());
        self.granted().into_iter().map(spell).collect()
    }

    /// The same, part by part.
    async fn grants(&self) -> Vec<Permission> {
        self.granted()
    }

    /// The fields that are kept from them.
    async fn hidden_fields(&self) -> Vec<ResourceFields> {
        fields(|kind| self.actor.policy.hidden(kind).map(str::to_owned).collect())
    }

    /// The fields that they see and may not change.
    async fn read_only_fields(&self) -> Vec<ResourceFields> {
        fields(|kind| {
            let policy = &self.actor.policy;
            policy.read_only(kind).filter(|field| !policy.hides(kind, field)).map(str::to_owned).collect()
        })
    }

    /// Their sessions that are good now, the newest first, at most 100; `sessions` lists all of them. None
    /// by an API key, whose owner's sessions are none of its business.
    async fn sessions(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<Row<session::Entity>>> {
        if self.actor.api_key().is_some() {
            return Ok(vec![]);
        }
        let live = node::store(ctx)?.as_system(Purpose::SignIn).live_sessions(self.user).await?;
        let live: Vec<_> = live.into_iter().map(|session| session.0).collect();
        let seen = node::store(ctx)?.reachable(Kind::Session, Action::Read, &live).await?;
        Ok(live.into_iter().filter(|session| seen.contains(session)).map(Row::new).collect())
    }
}

fn fields(of: impl Fn(Kind) -> Vec<String>) -> Vec<ResourceFields> {
    let all = Kind::ALL.into_iter().map(|kind| ResourceFields { resource: kind.name(), fields: of(kind) });
    all.filter(|resource| !resource.fields.is_empty()).collect()
}

/// Declares a payload: its own fields, then those that every payload has.
macro_rules! payload {
    ($(#[doc = $doc:literal] $name:ident { $($(#[doc = $fdoc:literal])+ $field:ident: $ty:ty),* $(,)? })*) => {$(
        #[doc = $doc]
        #[derive(SimpleObject)]
        pub struct $name {
            $($(#[doc = $fdoc])+ $field: $ty,)*
            /// What a person can put right; empty on success.
            user_errors: Vec<UserError>,
            /// Anything else you want to read after the change, as whoever sent the request.
            query: Query,
        }
    )*};
}

payload! {
    /// Answer of `signIn` and `refresh`.
    SignInPayload {
        /// Send it as `Authorization: Bearer …`; null where it failed.
        access_token: Option<String>,
        /// Gets new tokens by `refresh`, once; null where it failed.
        refresh_token: Option<String>,
        /// Until when the access token is good.
        expires_at: Option<DateTime>,
        /// Who has signed in.
        user: Option<SignedIn>,
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
    /// Answer of `userDeactivate`.
    UserDeactivatePayload {
        /// The person as they are now; null where it failed.
        user: Option<Row<user::Entity>>,
        /// How many records went to the new owner.
        handed_over: i32,
    }
    /// Answer of `userReactivate`.
    UserReactivatePayload {
        /// The person as they are now; null where it failed.
        user: Option<Row<user::Entity>>,
    }
    /// Answer of `userSetPassword`.
    UserSetPasswordPayload {
        /// The person; null where it failed.
        user: Option<Row<user::Entity>>,
    }
    /// Answer of `signingKeyRotate`.
    SigningKeyRotatePayload {
        /// The name of the key that signs from now on; null where it failed.
        key_id: Option<String>,
    }
}

/// The person who has just signed in, read as themselves: the request itself is still nobody's.
pub struct SignedIn(UserId, Store);

impl OutputType for SignedIn {
    fn type_name() -> Cow<'static, str> {
        Row::<user::Entity>::type_name()
    }
    fn create_type_info(registry: &mut Registry) -> String {
        Row::<user::Entity>::create_type_info(registry)
    }
    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        Row::<user::Entity>::new(self.0).resolve_as(&self.1, ctx, field).await
    }
}

/// Signing in and out, and who may.
#[derive(Clone, Copy, Debug, Default)]
pub struct PeopleMutation;

#[Object]
impl PeopleMutation {
    /// Signs a person in by e-mail address and password. After 5 failures for one address of e-mail, or
    /// 20 from one place, within 15 minutes it is refused with `RATE_LIMITED` until they are over.
    async fn sign_in(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who.")] input: SignInInput,
    ) -> async_graphql::Result<SignInPayload> {
        let (store, authority) = (node::store(ctx)?, authority(ctx)?);
        let tokens = authority.sign_in(store, &input.email, &input.password, &origin(ctx)).await;
        Ok(signed_in(authority, tokens).await?)
    }

    /// Gives new tokens for a refresh token. Used twice, it ends its session: somebody has a copy.
    async fn refresh(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "By what.")] input: RefreshInput,
    ) -> async_graphql::Result<SignInPayload> {
        let (store, authority) = (node::store(ctx)?, authority(ctx)?);
        let tokens = authority.refresh(store, &input.refresh_token).await;
        Ok(signed_in(authority, tokens).await?)
    }

    /// Ends the session in which you call.
    async fn sign_out(&self, ctx: &Context<'_>) -> async_graphql::Result<SignOutPayload> {
        let (done, user_errors) = outcome(sign_in::sign_out(node::store(ctx)?).await)?;
        Ok(SignOutPayload { signed_out: done.unwrap_or(false), user_errors, query: Query::default() })
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
        Ok(PasswordChangePayload { user: user.map(Row::new), user_errors, query: Query::default() })
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
            sign_in::end_session(store, session).await.map(|()| session)
        };
        let (session, user_errors) = outcome(revoke(node::store(ctx)?).await)?;
        Ok(SessionRevokePayload { session: session.map(Row::new), user_errors, query: Query::default() })
    }

    /// Takes a person out of service: they sign in no more, their sessions end, their records go to
    /// somebody else, and they leave their teams.
    async fn user_deactivate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who leaves.")] input: UserDeactivateInput,
    ) -> async_graphql::Result<UserDeactivatePayload> {
        let deactivate = async |store: &Store| {
            store.require_sign_in()?;
            let user = UserId(input.id.of(Kind::User)?);
            let owner = input.new_owner_id.as_ref().map(|id| value::key(Kind::User, &id.0)).transpose();
            let owner = owner.map_err(|misfit| Error::input(misfit.code, "newOwnerId", misfit.message))?.map(UserId);
            leaving::deactivate(store, user, owner, input.expected_version).await.map(|moved| (user, moved))
        };
        let (done, user_errors) = outcome(deactivate(node::store(ctx)?).await)?;
        let handed_over = done.map_or(0, |(_, moved)| i32::try_from(moved).unwrap_or(i32::MAX));
        Ok(UserDeactivatePayload {
            user: done.map(|(user, _)| Row::new(user)),
            handed_over,
            user_errors,
            query: Query::default(),
        })
    }

    /// Lets a deactivated person sign in again; what was handed over stays where it is.
    async fn user_reactivate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who comes back.")] input: UserReactivateInput,
    ) -> async_graphql::Result<UserReactivatePayload> {
        let reactivate = async |store: &Store| {
            store.require_sign_in()?;
            let user = UserId(input.id.of(Kind::User)?);
            leaving::reactivate(store, user, input.expected_version).await.map(|()| user)
        };
        let (user, user_errors) = outcome(reactivate(node::store(ctx)?).await)?;
        Ok(UserReactivatePayload { user: user.map(Row::new), user_errors, query: Query::default() })
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
            authority.set_password(store, user, &input.password).await.map(|()| user)
        };
        let (user, user_errors) = outcome(set(node::store(ctx)?).await)?;
        Ok(UserSetPasswordPayload { user: user.map(Row::new), user_errors, query: Query::default() })
    }

    /// Has a new key sign access tokens; those given before stay good until they end. For administrators.
    async fn signing_key_rotate(&self, ctx: &Context<'_>) -> async_graphql::Result<SigningKeyRotatePayload> {
        let (key_id, user_errors) = outcome(authority(ctx)?.rotate_key(node::store(ctx)?).await)?;
        Ok(SigningKeyRotatePayload { key_id, user_errors, query: Query::default() })
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
        query: Query::default(),
    };
    if let Some(tokens) = tokens {
        payload.user = Some(SignedIn(tokens.user, authority.store_of(&tokens).await?));
        payload.expires_at = Some(DateTime(tokens.expires_at));
        payload.access_token = Some(tokens.access);
        payload.refresh_token = Some(tokens.refresh);
    }
    Ok(payload)
}

fn authority<'a>(ctx: &Context<'a>) -> Result<&'a Authority> {
    ctx.data::<Authority>().map_err(|error| Error::internal(error.message))
}

fn origin(ctx: &Context<'_>) -> Origin {
    ctx.data_opt::<Origin>().cloned().unwrap_or_default()
}
