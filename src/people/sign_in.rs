//! Signing in and out: passwords to tokens, tokens to actors, sessions to their end.

use std::sync::Arc;

use entity::{Instant, Kind, Record, UserStatus, session, session::SessionId, user::UserId};
use tracing::Instrument;

use super::{issuer::Issuer, keys::Keyring, throttle};
use crate::{
    access::{
        Action, Actor, Origin, Purpose, Reach, Who,
        key::{self, Presented},
        password::{self, Cost, Passwords, Turn},
        token::{self, Key},
    },
    error::{Code, Error, Result, UserCode, UserError},
    store::{Backend, Change, Claimed, Draft, Store},
    text::email_key,
};

/// How long a session lasts after it was last refreshed, in milliseconds.
pub const SESSION: i64 = 30 * 24 * 60 * 60 * 1000;

/// Gives tokens and tells who bears them.
#[derive(Clone, Debug)]
pub struct Authority(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    backend: Arc<Backend>,
    keys: Keyring,
    passwords: Passwords,
    issuer: Option<Issuer>,
}

/// What somebody who has signed in gets.
#[derive(Clone)]
pub struct Tokens {
    /// Tells who calls, for 15 minutes.
    pub access: String,
    /// Renews both, once.
    pub refresh: String,
    /// Until when the access token is good.
    pub expires_at: Instant,
    /// Whose they are.
    pub user: UserId,
    /// Of which session they are.
    pub session: SessionId,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("user", &self.user).field("session", &self.session).finish_non_exhaustive()
    }
}

impl Authority {
    /// Over a database; with the configured signing key, or else the one kept there.
    pub fn new(backend: Arc<Backend>, configured_key: Option<&str>, cost: Cost) -> Result<Self> {
        Self::trusting(backend, configured_key, cost, None)
    }

    /// The same, taking the tokens of the company's issuer too.
    pub fn trusting(
        backend: Arc<Backend>,
        configured_key: Option<&str>,
        cost: Cost,
        issuer: Option<Issuer>,
    ) -> Result<Self> {
        let (keys, passwords) = (Keyring::new(configured_key)?, Passwords::new(cost)?);
        Ok(Self(Arc::new(Shared { backend, keys, passwords, issuer })))
    }

    /// The hashes of passwords.
    #[must_use]
    pub fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    /// Who bears a token or presents an API key, and until when it is good; without either it is nobody.
    pub async fn actor(&self, bearer: Option<&str>, origin: &Origin) -> Result<(Actor, Option<Instant>)> {
        let Some(bearer) = bearer.map(str::trim) else { return Ok((Actor::anonymous(), None)) };
        if key::is_meant(bearer) {
            let (actor, until) = self.0.backend.key_holder(Presented::read(bearer, origin.address)?).await?;
            return Ok((actor, Some(until)));
        }
        match &self.0.issuer {
            Some(issuer) if Issuer::judges(bearer) => issuer.actor(&self.0.backend, bearer).await,
            _ => self.holder(bearer).await,
        }
    }

    /// Whether the database must be asked if there is such an API key. Tokens are signed, so made-up ones are told
    /// without it.
    #[must_use]
    pub fn is_strange(&self, bearer: &str) -> bool {
        let bearer = bearer.trim();
        key::is_meant(bearer)
            && Presented::read(bearer, None).is_ok_and(|presented| !self.0.backend.has_met_key(presented.secret))
    }

    /// Who bears an access token of ours.
    async fn holder(&self, bearer: &str) -> Result<(Actor, Option<Instant>)> {
        let backend = &self.0.backend;
        let key = self.0.keys.named(backend, &token::key_of(bearer)?).await?;
        let claims = token::verify(&key, bearer, backend.now())?;
        let actor = acting(backend, claims.user, claims.session).await?;
        // To its end comes by how much the clocks may differ: nobody else grants that a second time.
        Ok((actor, Some(Instant(claims.expires_at.0 + token::LEEWAY * 1000))))
    }

    /// Signs somebody in. It runs to its end where the client goes away, so that no failure stays
    /// uncounted.
    pub async fn sign_in(&self, store: &Store, email: &str, password: &str, origin: &Origin) -> Result<Tokens> {
        let (authority, store) = (self.clone(), store.as_system(Purpose::SignIn));
        let (email, password, origin) = (email_key(email), password.to_owned(), origin.clone());
        let work = async move {
            let login = store.login(&email).await?;
            let active = login.as_ref().is_some_and(|login| login.status == UserStatus::Active);
            let hash = login.as_ref().and_then(|login| login.password.as_deref());
            authority.prove(&store, (&email, &origin), (&password, hash), active).await?;
            match login {
                Some(login) => authority.open_session(&store, login.user, login.password, &origin).await,
                None => Err(wrong()),
            }
        };
        tokio::spawn(work.in_current_span()).await.map_err(Error::internal)?
    }

    /// Whether a password is right, as often as may be asked. What else is in the way answers as a
    /// wrong password does, in the same time.
    async fn prove(
        &self,
        store: &Store,
        who: (&str, &Origin),
        (password, hash): (&str, Option<&str>),
        welcome: bool,
    ) -> Result<Turn> {
        let email = throttle::email_key(who.0);
        let mut keys = vec![email.clone()];
        keys.extend(who.1.address.map(throttle::address_key));
        refuse_too_many(store, &keys).await?;
        let turn = self.0.passwords.turn().await?;
        // Many may have waited for their turn: each counts those before it.
        refuse_too_many(store, &keys).await?;
        if turn.verify(password, hash).await? && welcome {
            let mut change = store.begin().await?;
            change.forget_failures(&email).await?;
            change.commit().await?;
            return Ok(turn);
        }
        count_failures(store, &keys).await?;
        tracing::info!(address = ?who.1.address, "a sign-in failed");
        Err(wrong())
    }

    async fn open_session(&self, store: &Store, user: UserId, hash: Option<String>, origin: &Origin) -> Result<Tokens> {
        let key = self.signing_key().await?;
        let mut change = store.begin().await?;
        change.written_by(user);
        // The password may have been changed, or the person deactivated, while it was verified.
        let person = change.find::<entity::user::Entity>(user.0).await?;
        if person.status != UserStatus::Active || change.password(user).await? != hash {
            return Err(wrong());
        }
        session_of(change, &key, user, origin).await
    }

    /// The key that signs; asked for before a change is opened, for where there is none one is made.
    pub(super) async fn signing_key(&self) -> Result<Key> {
        self.0.keys.signing(&self.0.backend).await
    }

    /// New tokens for a refresh token. One that was used before ends its whole session, for
    /// somebody has a copy of it.
    pub async fn refresh(&self, store: &Store, refresh: &str) -> Result<Tokens> {
        let key = self.signing_key().await?;
        let store = store.as_system(Purpose::SignIn);
        let now = store.now();
        let mut change = store.begin().await?;
        let session = match change.claim_refresh_token(&token::hash(refresh.trim())).await? {
            Claimed::Fresh(session) => session,
            Claimed::Used(session) => {
                let user = change.find::<session::Entity>(session.0).await?.user_id;
                change.written_by(user);
                revoke(&mut change, session).await?;
                change.commit().await?;
                tracing::warn!(session = %session, "a refresh token was used twice; its session is revoked");
                return Err(ended(
                    "REFRESH_TOKEN_REUSED",
                    "The refresh token was used before; the session has been ended. Sign in again.",
                ));
            }
            Claimed::Expired => {
                return Err(ended("REFRESH_TOKEN_EXPIRED", "The refresh token has expired; sign in again."));
            }
            Claimed::Unknown => {
                return Err(ended("REFRESH_TOKEN_INVALID", "The refresh token is not valid; sign in again."));
            }
        };
        let row = change.find::<session::Entity>(session.0).await?;
        let people = change.rows::<entity::user::Entity>("id", row.user_id).await?;
        let active = people.iter().any(|person| person.status == UserStatus::Active);
        if row.revoked_at.is_some() || row.expires_at <= now || !active {
            return Err(ended("SESSION_ENDED", "The session has ended; sign in again."));
        }
        let next = token::refresh();
        change.keep_refresh_token(session, &token::hash(&next), Instant(now.0 + SESSION)).await?;
        change.commit().await?;
        let (access, expires_at) = token::sign(&key, row.user_id, session, now)?;
        Ok(Tokens { access, refresh: next, expires_at, user: row.user_id, session })
    }

    /// A store that acts for whom these tokens were given.
    pub async fn store_of(&self, tokens: &Tokens) -> Result<Store> {
        Ok(self.0.backend.store(acting(&self.0.backend, tokens.user, tokens.session).await?, None))
    }

    /// Gives the caller another password and ends their other sessions.
    pub async fn change_password(&self, store: &Store, current: &str, new: &str, origin: &Origin) -> Result<UserId> {
        let (user, session) = person(store)?;
        password::check(new, "newPassword", &[])?;
        let (authority, store, origin) = (self.clone(), store.as_system(Purpose::SignIn), origin.clone());
        let (current, new) = (current.to_owned(), new.to_owned());
        let work = async move {
            let (email, login) = store.login_of(user).await?.ok_or_else(|| Error::internal("the caller is gone"))?;
            let proof = (current.as_str(), login.password.as_deref());
            let proven =
                authority.prove(&store, (&email.unwrap_or_else(|| user.to_string()), &origin), proof, true).await;
            let turn = proven.map_err(|error| match error {
                Error::Input(_) => {
                    UserError::new(UserCode::Invalid, "currentPassword", "The current password is wrong.")
                        .because("INVALID_CREDENTIALS")
                        .into()
                }
                error => error,
            })?;
            if current == new {
                let message = "The new password is the current one.";
                return Err(UserError::new(UserCode::Invalid, "newPassword", message)
                    .because("PASSWORD_UNCHANGED")
                    .into());
            }
            let hash = turn.hash(&new).await?;
            let mut change = store.begin().await?;
            change.written_by(user);
            // Locked, so that nobody signs in with the old password meanwhile.
            let person = change.find::<entity::user::Entity>(user.0).await?;
            password::check(&new, "newPassword", &[&person.name, person.email.as_deref().unwrap_or_default()])?;
            if change.password(user).await? != login.password {
                let message = "The password was changed meanwhile.";
                return Err(UserError::new(UserCode::Conflict, "currentPassword", message)
                    .because("PASSWORD_CHANGED")
                    .into());
            }
            change.set_password(&[user], &hash).await?;
            revoke_all(&mut change, user, session).await?;
            change.commit().await?;
            Ok(user)
        };
        tokio::spawn(work.in_current_span()).await.map_err(Error::internal)?
    }

    /// Gives somebody a password and ends their sessions; for whoever may administer people.
    pub async fn set_password(&self, store: &Store, user: UserId, password: &str) -> Result<()> {
        store.require_sign_in()?;
        if store.reachable(Kind::User, Action::Read, &[user.0]).await?.is_empty() {
            return Err(Error::input(UserCode::NotFound, "id", "There is no User with this id."));
        }
        permitted(store, Kind::User, Action::Manage, "give people passwords")?;
        super::admin::give_password(store, &self.0.passwords, user, password).await
    }

    /// Has a new key sign access tokens; answers its name.
    pub async fn rotate_key(&self, store: &Store) -> Result<String> {
        store.require_sign_in()?;
        permitted(store, Kind::Role, Action::Manage, "change the signing key")?;
        self.0.keys.rotate(&self.0.backend).await
    }
}

/// Opens somebody's session as the last step of a change, which is kept.
pub(super) async fn session_of(mut change: Change, key: &Key, user: UserId, origin: &Origin) -> Result<Tokens> {
    let now = change.store().now();
    let expires_at = Instant(now.0 + SESSION);
    let table = session::Entity::table();
    let mut draft = Draft::default();
    draft.set(table, "user_id", user.0);
    draft.set(table, "user_agent", origin.user_agent.as_ref().map(|agent| agent.chars().take(500).collect::<String>()));
    draft.set(table, "address", origin.address.map(|address| address.to_canonical().to_string()));
    draft.set(table, "last_used_at", now.0);
    draft.set(table, "expires_at", expires_at.0);
    let session = change.create::<session::Entity>(draft).await?.id;
    let refresh = token::refresh();
    change.keep_refresh_token(session, &token::hash(&refresh), expires_at).await?;
    change.commit().await?;
    let (access, expires_at) = token::sign(key, user, session, now)?;
    Ok(Tokens { access, refresh, expires_at, user, session })
}

/// Ends the caller's session; tells whether there was one to end.
pub async fn sign_out(store: &Store) -> Result<bool> {
    let (_, Some(session)) = person(store)? else { return Ok(false) };
    let mut change = store.begin().await?;
    let ended = change.as_system(Purpose::SignIn, async |change| revoke(change, session).await).await?;
    change.commit().await?;
    Ok(ended)
}

/// Ends a session that the caller may end: one of their own, or anybody's for whoever may.
pub async fn end_session(store: &Store, session: SessionId) -> Result<()> {
    person(store)?;
    let mut change = store.begin().await?;
    change.find::<session::Entity>(session.0).await?;
    if !change.may(Kind::Session, session.0, Action::Delete).await? {
        return Err(missing("end this session"));
    }
    change.as_system(Purpose::SignIn, async |change| revoke(change, session).await).await?;
    change.commit().await
}

/// Ends all sessions of somebody, or of oneself; tells how many.
pub async fn end_sessions(store: &Store, user: UserId) -> Result<usize> {
    let (caller, _) = person(store)?;
    let mut change = store.begin().await?;
    change.must_see(Kind::User, user.0, "userId").await?;
    let reach = change.store().actor().policy.reach(Kind::Session, Action::Delete);
    if reach != Reach::All && (reach == Reach::None || caller != user) {
        return Err(missing("end this person's sessions"));
    }
    let ended = change.as_system(Purpose::SignIn, async |change| revoke_all(change, user, None).await).await?;
    change.commit().await?;
    Ok(ended)
}

/// The person who calls, and their session. An API key acts for its owner, but it is not them: their
/// password and their sessions are none of its business.
fn person(store: &Store) -> Result<(UserId, Option<SessionId>)> {
    match store.actor().who {
        Who::User { id, session } => Ok((id, session)),
        Who::Key { .. } => {
            let message = "This is for people who have signed in; you call by an API key.";
            Err(UserError::new(UserCode::Forbidden, "", message).because("PERSON_ONLY").into())
        }
        Who::Anonymous | Who::System(_) => store.user().map(|user| (user, None)),
    }
}

/// Ends a session; tells whether it was still good.
async fn revoke(change: &mut Change, session: SessionId) -> Result<bool> {
    let now = change.store().now();
    let mut ended = false;
    let revoke = |row: &mut session::Model| {
        ended = row.revoked_at.is_none();
        row.revoked_at = row.revoked_at.or(Some(now));
    };
    change.edit::<session::Entity>(session.0, revoke).await?;
    Ok(ended)
}

/// Ends all sessions of somebody but one; tells how many.
pub(super) async fn revoke_all(change: &mut Change, user: UserId, keep: Option<SessionId>) -> Result<usize> {
    let mut ended = 0;
    loop {
        let mut live = change.live_sessions(user).await?;
        live.retain(|session| Some(*session) != keep);
        if live.is_empty() {
            return Ok(ended);
        }
        for session in live {
            revoke(change, session).await?;
            ended += 1;
        }
    }
}

/// Refuses who may not do this to all records of a kind.
pub(crate) fn permitted(store: &Store, kind: Kind, action: Action, what: &str) -> Result<()> {
    if store.actor().policy.reach(kind, action) == Reach::All { Ok(()) } else { Err(missing(what)) }
}

/// The refusal of what takes a permission that is missing.
pub(crate) fn missing(what: &str) -> Error {
    UserError::new(UserCode::Forbidden, "", format!("You may not {what}.")).because("PERMISSION_MISSING").into()
}

async fn acting(backend: &Backend, user: UserId, session: SessionId) -> Result<Actor> {
    let known = backend.known(user, Some(session)).await?;
    if !known.good {
        return Err(Error::refused_because(
            Code::Unauthenticated,
            "SESSION_ENDED",
            "The session has ended; sign in again.",
        ));
    }
    Ok(Actor::person(user, Some(session), known.department, known.policy))
}

/// Counts a failure under each of these keys.
pub(super) async fn count_failures(store: &Store, keys: &[String]) -> Result<()> {
    // One statement a transaction: together they could wait for each other.
    for key in keys {
        let mut change = store.begin().await?;
        change.count_failure(key, throttle::WINDOW).await?;
        change.commit().await?;
    }
    let mut change = store.begin().await?;
    change.forget_old_failures(throttle::WINDOW).await?;
    change.commit().await
}

/// Refuses where there were too many failures under one of these keys.
pub(super) async fn refuse_too_many(store: &Store, keys: &[String]) -> Result<()> {
    match throttle::closed_until(&store.attempts(keys).await?, store.now()) {
        None => Ok(()),
        Some(until) => {
            let message = format!("Signing in has failed too often; come again at {}.", until.rfc3339());
            Err(Error::refused_because(Code::RateLimited, "SIGN_IN_THROTTLED", message))
        }
    }
}

fn wrong() -> Error {
    UserError::new(UserCode::Invalid, "", "The e-mail address or the password is wrong.")
        .because("INVALID_CREDENTIALS")
        .into()
}

fn ended(reason: &'static str, message: &str) -> Error {
    UserError::new(UserCode::Invalid, "refreshToken", message).because(reason).into()
}
