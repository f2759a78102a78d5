//! The keys that the issuer publishes: discovered, fetched, kept for a while, and fetched anew when it has new ones.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use entity::Instant;
use serde_json::Value as Json;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tracing::Instrument;

use crate::{
    access::oidc::{Keys, Signed},
    clock::Clock,
    error::{Code, Error, Result},
    outward,
};

/// How long keys are used without asking again, in milliseconds.
const FRESH: i64 = 10 * 60 * 1000;
/// How long they are used where the issuer does not answer.
const LAST_RESORT: i64 = 24 * 60 * 60 * 1000;
/// How often tokens of unknown keys may have the issuer asked, and how often one that does not answer is asked.
const PATIENCE: i64 = 10 * 1000;
/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long an answer may be, in bytes.
const LONGEST: usize = 1024 * 1024;

/// The keys of an issuer.
#[derive(Debug)]
pub(super) struct Published {
    issuer: String,
    client: reqwest::Client,
    fetched: RwLock<Option<Fetched>>,
    /// Held while the issuer is asked: once at a time.
    asking: Arc<Mutex<Asked>>,
}

#[derive(Clone, Debug)]
struct Fetched {
    keys: Arc<Keys>,
    at: Instant,
}

/// When the issuer was asked.
#[derive(Debug, Default)]
struct Asked {
    /// For a key that was unknown.
    unknown: Option<Instant>,
    /// Without an answer that is of use.
    in_vain: Option<Instant>,
}

/// Whether something happened less than so long before.
fn within(span: i64, at: Option<Instant>, now: Instant) -> bool {
    at.is_some_and(|at| (0..span).contains(&now.0.saturating_sub(at.0)))
}

impl Published {
    pub(super) fn of(issuer: String) -> Result<Self> {
        let client = outward::client(TIMEOUT).build().map_err(|error| Error::internal(outward::cause(&error)))?;
        Ok(Self { issuer, client, fetched: RwLock::default(), asking: Arc::default() })
    }

    /// The keys to verify a token with: those at hand where they are fresh and have its key.
    pub(super) async fn for_token(self: &Arc<Self>, token: &Signed<'_>, clock: &dyn Clock) -> Result<Arc<Keys>> {
        let at_hand_for = |longest: i64| {
            let now = clock.now();
            self.at_hand().filter(|fetched| within(longest, Some(fetched.at), now) && token.known_to(&fetched.keys))
        };
        if let Some(fetched) = at_hand_for(FRESH) {
            return Ok(fetched.keys);
        }
        let asking = match self.asking.clone().try_lock_owned() {
            Ok(asking) => asking,
            // While one asks, the others go on with what there is.
            Err(_) => match at_hand_for(LAST_RESORT) {
                Some(fetched) => return Ok(fetched.keys),
                None => self.asking.clone().lock_owned().await,
            },
        };
        // Somebody else may have fetched them while this waited.
        if let Some(fetched) = at_hand_for(FRESH) {
            return Ok(fetched.keys);
        }
        // To its end, whether or not the client waits: nobody shall keep the keys from others by going away.
        let (published, now) = (self.clone(), clock.now());
        let work = async move { published.ask(asking, now).await };
        tokio::spawn(work.in_current_span()).await.map_err(Error::internal)?
    }

    /// Asks the issuer where it is time to, and answers the best keys there are.
    async fn ask(&self, mut asked: OwnedMutexGuard<Asked>, now: Instant) -> Result<Arc<Keys>> {
        let old = self.at_hand().filter(|fetched| within(LAST_RESORT, Some(fetched.at), now));
        let fresh = old.as_ref().is_some_and(|fetched| within(FRESH, Some(fetched.at), now));
        let too_soon = within(PATIENCE, asked.in_vain, now) || (fresh && within(PATIENCE, asked.unknown, now));
        if !too_soon {
            if fresh {
                asked.unknown = Some(now);
            }
            match self.fetch().await {
                Ok(keys) => {
                    asked.in_vain = None;
                    let keys = Arc::new(keys);
                    let fetched = Fetched { keys: keys.clone(), at: now };
                    *self.fetched.write().unwrap_or_else(PoisonError::into_inner) = Some(fetched);
                    return Ok(keys);
                }
                Err(why) => {
                    asked.in_vain = Some(now);
                    tracing::warn!(issuer = self.issuer, why, kept = old.is_some(), "the issuer's keys cannot be had");
                }
            }
        }
        old.map(|fetched| fetched.keys).ok_or_else(|| {
            let message = "The keys of the token issuer are currently unavailable; try again.";
            Error::refused_because(Code::ServiceUnavailable, "ISSUER_UNREACHABLE", message)
        })
    }

    fn at_hand(&self) -> Option<Fetched> {
        self.fetched.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn fetch(&self) -> Result<Keys, String> {
        let about = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let about = self.get(&about).await?;
        let text = |name: &str| about.get(name).and_then(Json::as_str);
        if text("issuer") != Some(&self.issuer) {
            let found = crate::store::value::short(text("issuer").unwrap_or("nothing"));
            return Err(format!("it calls itself “{found}”, which is not exactly what --oidc-issuer says"));
        }
        let address = text("jwks_uri").ok_or("its discovery document names no jwks_uri")?;
        outward::trusted(address).map_err(|why| format!("its jwks_uri {why}"))?;
        let keys = Keys::read(&self.get(address).await?).ok_or("its jwks_uri does not answer with a key set")?;
        if keys.is_empty() { Err("it publishes no key that can verify a token".to_owned()) } else { Ok(keys) }
    }

    async fn get(&self, address: &str) -> Result<Json, String> {
        let told = |error: reqwest::Error| format!("{address}: {}", outward::cause(&error));
        let request = self.client.get(address).header("accept", "application/json");
        let mut response = request.send().await.map_err(told)?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(format!("{address} answers {}", response.status()));
        }
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(told)? {
            body.extend_from_slice(&part);
            if body.len() > LONGEST {
                return Err(format!("{address} answers with more than {LONGEST} bytes"));
            }
        }
        serde_json::from_slice(&body).map_err(|error| format!("{address} does not answer with JSON: {error}"))
    }
}
