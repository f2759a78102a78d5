//! Signing in: passwords to tokens, and tokens to actors.

use std::sync::Arc;

use entity::{Instant, Kind, UserStatus, session::SessionId, user::UserId};
use tracing::Instrument;

pub use super::sessions::{end_session, end_sessions, sign_out};
pub(super) use super::sessions::{revoke_all, session_of};
use super::{
    ended::Ended,
    issuer::Issuer,
    keys::Keyring,
    must_change,
    passwords::forgiven,
    proof::{Claimant, Memory, Proof, wrong},
    unspent::Unspent,
};
use crate::{
    access::{
        Action, Actor, Origin, Purpose, Reach,
        key::{self, Presented},
        password::{Cost, Passwords},
        token::{self, Key},
    },
    error::{Code, Error, Result, UserCode, UserError},
    store::{Backend, Store},
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
    failures: Memory,
    ended: Ended,
    unspent: Unspent,
}

/// By what somebody signs in.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// The person's e-mail address.
    pub email: &'a str,
    /// Their password.
    pub password: &'a str,
    /// Another password, for whom the present one must be changed.
    pub new: Option<&'a str>,
    /// A refresh token that the same device was given before, if it has one.
    pub device: Option<&'a str>,
}

impl std::fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
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
        Ok(Self(Arc::new(Shared {
            backend,
            keys,
            passwords,
            issuer,
            failures: Memory::default(),
            ended: Ended::default(),
            unspent: Unspent::default(),
        })))
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
            _ => {
                let holder = self.holder(bearer).await;
                self.0.ended.learn(bearer, &holder);
                holder
            }
        }
    }

    /// Whether a guess is to be paid for before anybody looks what there is to it: an API key that there is none of, or
    /// the token of a session that has ended, from the second time on. Other tokens are signed, so that made-up ones
    /// are told without the database.
    pub async fn is_strange(&self, bearer: &str) -> Result<bool> {
        let bearer = bearer.trim();
        if !key::is_meant(bearer) {
            return Ok(self.0.ended.has(bearer));
        }
        match Presented::read(bearer, None) {
            Ok(presented) => Ok(!self.0.backend.may_be_key(presented.secret).await?),
            Err(_) => Ok(false),
        }
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

    pub(super) fn backend(&self) -> &Arc<Backend> {
        &self.0.backend
    }

    pub(super) fn unspent(&self) -> &Unspent {
        &self.0.unspent
    }

    pub(super) fn memory(&self) -> &Memory {
        &self.0.failures
    }

    /// Signs somebody in. It runs to its end where the client goes away, so that no failure stays
    /// uncounted.
    pub async fn sign_in(&self, store: &Store, by: Credentials<'_>, origin: &Origin) -> Result<Tokens> {
        let (authority, store) = (self.clone(), store.as_system(Purpose::SignIn));
        let (email, password, origin) = (email_key(by.email), by.password.to_owned(), origin.clone());
        let new = by.new.map(str::to_owned);
        let device = by.device.map(|token| token::hash(token.trim()));
        let work = async move {
            let login = store.login(&email).await?;
            let user = login.as_ref().map(|login| login.user);
            let device = match device {
                Some(hash) => store.device_of(&hash).await?.filter(|(of, _)| Some(*of) == user).map(|(_, at)| at),
                None => None,
            };
            let active = login.as_ref().is_some_and(|login| login.status == UserStatus::Active);
            let hash = login.as_ref().and_then(|login| login.password.as_deref());
            let claimant = Claimant::new(&email, origin.address, user, device);
            let (turn, proof) = authority.prove(&store, claimant, (&password, hash), active).await?;
            match login {
                Some(login) => {
                    let user = login.user;
                    let passwords = (&*password, new.as_deref());
                    let settled = must_change::settle(&store, (&turn, &proof), login, passwords).await;
                    // Others wait for their turn meanwhile.
                    drop(turn);
                    let hash = forgiven(&store, &proof, settled).await?;
                    authority.open_session(&store, user, hash, (&proof, &origin)).await
                }
                None => Err(wrong()),
            }
        };
        tokio::spawn(work.in_current_span()).await.map_err(Error::internal)?
    }

    async fn open_session(
        &self,
        store: &Store,
        user: UserId,
        hash: Option<String>,
        (proof, origin): (&Proof, &Origin),
    ) -> Result<Tokens> {
        let key = self.signing_key().await?;
        let mut change = store.begin().await?;
        change.written_by(user);
        // The password may have been changed, or the person deactivated, while it was verified.
        let person = change.find::<entity::user::Entity>(user.0).await?;
        let (now, must_change) = change.password(user).await?;
        if person.status != UserStatus::Active || now != hash {
            return Err(wrong());
        }
        if must_change {
            return Err(must_change::required());
        }
        proof.forget(&mut change).await?;
        session_of(change, &key, user, origin).await
    }

    /// The key that signs; asked for before a change is opened, for where there is none one is made.
    pub(super) async fn signing_key(&self) -> Result<Key> {
        self.0.keys.signing(&self.0.backend).await
    }

    /// A store that acts for whom these tokens were given.
    pub async fn store_of(&self, tokens: &Tokens) -> Result<Store> {
        Ok(self.0.backend.store(acting(&self.0.backend, tokens.user, tokens.session).await?, None))
    }

    /// Has a new key sign access tokens; answers its name.
    pub async fn rotate_key(&self, store: &Store) -> Result<String> {
        store.require_sign_in()?;
        permitted(store, Kind::Role, Action::Manage, "change the signing key")?;
        self.0.keys.rotate(&self.0.backend).await
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
