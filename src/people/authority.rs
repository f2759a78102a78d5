//! The authority: gives tokens and tells who bears them.

use std::sync::Arc;

use entity::{Instant, Kind, session::SessionId, user::UserId};

use super::{ended::Ended, issuer::Issuer, keys::Keyring, sessions::Tokens, unspent::Unspent, untold::Memory};
use crate::{
    access::{
        Action, Actor, Origin,
        key::{self, Presented},
        password::{Cost, Passwords},
        token::{self, Key},
    },
    error::{Code, Error, Result},
    store::{Backend, Store},
};

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
        store.require(Kind::Role, Action::Manage, "change the signing key")?;
        self.0.keys.rotate(&self.0.backend).await
    }
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
