//! The company's own issuer: who bears its tokens, who they are here, and which roles their groups give them.

mod keys;
mod provision;
mod settings;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use entity::{Instant, role, user::UserId};

pub use settings::Settings;

use crate::{
    access::{
        Actor, Purpose,
        oidc::{self, Claims, Unproven},
        token,
    },
    error::{Code, Error, Result},
    store::{Backend, value::short},
};

/// How long what is known of a person's latest token may be used without asking the database again, in milliseconds.
const FRESH: i64 = 1_000;
/// Of how many people it is known at most.
const MAX_REMEMBERED: usize = 10_000;

/// The issuer whose tokens are taken.
#[derive(Debug)]
pub struct Issuer {
    settings: Settings,
    keys: Arc<keys::Published>,
    seen: Mutex<HashMap<String, Seen>>,
}

/// Whose a subject's tokens are, as last read from the database.
#[derive(Clone, Debug)]
struct Seen {
    user: UserId,
    roles: Arc<str>,
    claimed_at: Instant,
    latest: Instant,
    read_at: Instant,
}

impl Seen {
    /// Whether a token says nothing new: it gives the same roles as the latest, or is older than that.
    fn knows(&self, claims: &Claims, roles: &str) -> bool {
        claims.issued_at < self.latest
            || claims.issued_at < self.claimed_at
            || (claims.issued_at == self.claimed_at && *self.roles == *roles)
    }
}

impl Issuer {
    /// With these settings; nothing is asked of the issuer before its first token comes.
    pub fn new(settings: Settings) -> Result<Self> {
        let keys = Arc::new(keys::Published::of(settings.rules.issuer.clone())?);
        Ok(Self { settings, keys, seen: Mutex::default() })
    }

    /// Refuses a mapping to roles that do not exist.
    pub async fn check_roles(&self, backend: &Arc<Backend>) -> Result<()> {
        let change = backend.as_system(Purpose::CommandLine).begin().await?;
        for role in self.settings.roles.iter().map(|(_, role)| role) {
            if change.unscoped_rows::<role::Entity>("key", role.as_str()).await?.is_empty() {
                let message = format!("--oidc-roles refers to the role “{}”, which does not exist", short(role));
                return Err(Error::internal(message));
            }
            if change.unscoped_was_there::<role::Entity>("key", role.as_str()).await? {
                tracing::warn!(
                    role,
                    "--oidc-roles refers to a role that was deleted and recreated; it is not assigned to any group: use a role with another key"
                );
            }
        }
        change.roll_back().await
    }

    /// Whether a bearer's text is to be judged by an issuer's rules: a token that says somebody else
    /// than Tandem has given it.
    pub(super) fn judges(bearer: &str) -> bool {
        oidc::issuer_of(bearer).is_some_and(|issuer| issuer != token::ISSUER)
    }

    /// Who bears a token of the issuer, and until when it is good.
    pub(super) async fn actor(&self, backend: &Arc<Backend>, bearer: &str) -> Result<(Actor, Option<Instant>)> {
        let rules = &self.settings.rules;
        let signed = Unproven::read(bearer).ok_or_else(token::malformed)?.check(rules)?;
        let keys = self.keys.for_token(&signed, &*backend.clock()).await?;
        let claims = signed.prove(&keys, rules, backend.now())?;
        let user = self.person(backend, &claims).await?;
        let known = backend.known(user, None).await?;
        if !known.good {
            return Err(deactivated());
        }
        Ok((Actor::person(user, None, known.department, known.policy), Some(claims.expires_at)))
    }

    /// Who it is. What a token says for the first time is written down.
    async fn person(&self, backend: &Arc<Backend>, claims: &Claims) -> Result<UserId> {
        let roles = self.settings.roles_of(claims);
        let now = backend.now();
        if let Some(seen) = self.seen(&claims.subject, now)
            && seen.knows(claims, &roles)
        {
            return Ok(seen.user);
        }
        let store = backend.as_system(Purpose::SignIn);
        let issuer = self.settings.rules.issuer.as_str();
        let mut known = store.identity(issuer, &claims.subject).await?.map(|identity| Seen::of(identity, now));
        if known.as_ref().is_none_or(|known| !known.knows(claims, &roles)) {
            let identity = provision::provision(&store, &self.settings, claims, &roles).await?;
            known = Some(Seen::of(identity, now));
        }
        let seen = known.ok_or_else(|| Error::internal("an identity was written and is gone"))?;
        let user = seen.user;
        self.remember(&claims.subject, seen);
        Ok(user)
    }

    fn seen(&self, subject: &str, now: Instant) -> Option<Seen> {
        let seen = self.lock().get(subject)?.clone();
        (0..FRESH).contains(&now.0.saturating_sub(seen.read_at.0)).then_some(seen)
    }

    fn remember(&self, subject: &str, seen: Seen) {
        let mut all = self.lock();
        if all.len() >= MAX_REMEMBERED {
            all.clear();
        }
        all.insert(subject.to_owned(), seen);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn of(identity: crate::store::Identity, read_at: Instant) -> Self {
        let crate::store::Identity { user, roles, claimed_at, latest } = identity;
        Self { user, roles: roles.into(), claimed_at, latest, read_at }
    }
}

/// The refusal of somebody who is out of service.
fn deactivated() -> Error {
    Error::refused_because(
        Code::Unauthenticated,
        "USER_DEACTIVATED",
        "The user is deactivated; contact an administrator.",
    )
}
