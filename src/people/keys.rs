//! The keys that sign access tokens: from the configuration, or from the database that all
//! processes share.

use std::sync::{Arc, PoisonError, RwLock};

use entity::Instant;
use tokio::sync::Mutex;

use crate::{
    access::{
        Purpose,
        token::{self, Key},
    },
    error::{Result, UserCode, UserError},
    store::Backend,
};

/// How long keys are used without asking the database whether one was retired.
const FRESH: i64 = 60_000;
/// How often tokens of unknown keys may have the database asked.
const PATIENCE: i64 = 1_000;

/// The keys.
#[derive(Debug)]
pub(super) struct Keyring {
    configured: Option<Key>,
    read: RwLock<Read>,
    /// When the keys were last read for a token whose key there is none of; held while they are.
    asked: Mutex<Option<Instant>>,
}

#[derive(Clone, Debug, Default)]
struct Read {
    keys: Arc<[Key]>,
    at: Option<Instant>,
}

impl Keyring {
    pub(super) fn new(configured: Option<&str>) -> Result<Self> {
        let configured = configured.map(Key::configured).transpose()?;
        Ok(Self { configured, read: RwLock::default(), asked: Mutex::default() })
    }

    /// The key that signs. It is read anew each time, so that a rotation holds at once everywhere;
    /// where there is none yet, one is made.
    pub(super) async fn signing(&self, backend: &Arc<Backend>) -> Result<Key> {
        if let Some(key) = &self.configured {
            return Ok(key.clone());
        }
        let signs = |keys: &[Key]| keys.iter().find(|key| key.retired_at.is_none()).cloned();
        if let Some(key) = signs(&self.load(backend).await?) {
            return Ok(key);
        }
        let mut change = backend.as_system(Purpose::SignIn).begin().await?;
        if signs(&change.signing_keys().await?).is_none() {
            change.install_signing_key(&Key::generate()).await?;
        }
        change.commit().await?;
        // Two processes may each have made one: both then take the same.
        let keys = self.load(backend).await?;
        signs(&keys).ok_or_else(|| crate::error::Error::internal("there is no signing key"))
    }

    /// The key of this name, to verify with.
    pub(super) async fn named(&self, backend: &Arc<Backend>, kid: &str) -> Result<Key> {
        if let Some(key) = &self.configured {
            return if key.kid == kid { Ok(key.clone()) } else { Err(token::invalid()) };
        }
        let now = backend.now();
        let find = |read: &Read| read.keys.iter().find(|key| key.kid == kid).cloned();
        // Keys read while this waited for its turn are later than `now`, and fresh.
        let fresh = |read: &Read| read.at.is_some_and(|at| now.0 - at.0 < FRESH);
        let mut read = self.cached();
        let mut found = find(&read).filter(|_| fresh(&read));
        if found.is_none() {
            let mut asked = self.asked.lock().await;
            // Somebody else may have read them while this waited.
            read = self.cached();
            found = find(&read).filter(|_| fresh(&read));
            if found.is_none() && asked.is_some_and(|at| now.0 - at.0 < PATIENCE) {
                found = find(&read);
            } else if found.is_none() {
                found = self.load(backend).await?.iter().find(|key| key.kid == kid).cloned();
                if found.is_none() {
                    *asked = Some(now);
                }
            }
        }
        found.filter(|key| key.verifies_at(now)).ok_or_else(token::invalid)
    }

    /// Has a new key sign from now on; answers its name.
    pub(super) async fn rotate(&self, backend: &Arc<Backend>) -> Result<String> {
        if self.configured.is_some() {
            let message = "The signing key is set in the configuration; change it there and restart.";
            return Err(UserError::new(UserCode::InvalidTransition, "", message).because("KEY_CONFIGURED").into());
        }
        let key = Key::generate();
        let mut change = backend.as_system(Purpose::SignIn).begin().await?;
        change.install_signing_key(&key).await?;
        change.commit().await?;
        self.load(backend).await?;
        tracing::info!(kid = key.kid, "a new key signs access tokens");
        Ok(key.kid)
    }

    fn cached(&self) -> Read {
        self.read.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn load(&self, backend: &Arc<Backend>) -> Result<Arc<[Key]>> {
        let keys: Arc<[Key]> = backend.as_system(Purpose::SignIn).signing_keys().await?.into();
        let read = Read { keys: keys.clone(), at: Some(backend.now()) };
        *self.read.write().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(keys)
    }
}
