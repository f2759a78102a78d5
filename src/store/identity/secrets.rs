//! The secrets of all API keys as a process knows them: made-up ones are told without a look-up for each, and whoever
//! has a good one is not held up by those who guess.

use std::{
    collections::HashSet,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use entity::Instant;

use crate::{
    access::key::Fingerprint,
    error::{Error, Result},
    store::{Db, json as cells, sql::Sql},
};

/// How long a process may not know of a secret that another one has made, in milliseconds.
const FRESH: i64 = 1_000;

/// What is known of the secrets. Ended ones are among them: why they are refused, the database knows.
#[derive(Debug, Default)]
pub(in crate::store) struct Secrets {
    known: RwLock<HashSet<Fingerprint>>,
    /// The last reading; held while there is another one.
    read: tokio::sync::Mutex<Read>,
    /// Whether rights have changed, here or elsewhere, so that there may be new ones.
    heard: AtomicBool,
}

#[derive(Debug, Default)]
struct Read {
    at: Option<Instant>,
    /// Rows are added and never removed: as long as their number is the same, so are they.
    rows: i64,
    failed: Option<Error>,
}

impl Secrets {
    fn has(&self, secret: Fingerprint) -> bool {
        self.known.read().unwrap_or_else(PoisonError::into_inner).contains(&secret)
    }

    /// Makes one known that was made here.
    pub(in crate::store) fn add(&self, secret: Fingerprint) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(secret);
    }

    /// Has the next one that is not known looked for at once.
    pub(in crate::store) fn hear(&self) {
        self.heard.store(true, Ordering::Relaxed);
    }

    /// Whether there is this secret; the database is asked for new ones once a second at most,
    /// and once more after each change of rights.
    pub(in crate::store) async fn have(&self, db: &Db, secret: Fingerprint, now: Instant) -> Result<bool> {
        if self.has(secret) {
            return Ok(true);
        }
        let mut read = self.read.lock().await;
        // Who waited for the lock may find it now. A clock that was set back makes nothing fresh.
        if self.has(secret) {
            return Ok(true);
        }
        if self.heard.swap(false, Ordering::Relaxed) || read.at.is_none_or(|at| !(0..FRESH).contains(&(now.0 - at.0))) {
            read.at = Some(now);
            read.failed = self.look(db, &mut read.rows).await.err();
        }
        match &read.failed {
            // Whether it is a secret is not known: to refuse it would tell its owner to throw it away.
            Some(error) => Err(error.clone()),
            None => Ok(self.has(secret)),
        }
    }

    async fn look(&self, db: &Db, rows: &mut i64) -> Result<()> {
        let mut sql = Sql::new(db.engine());
        sql.push("SELECT COUNT(*) FROM api_key_secret s");
        let counted = db.fetch(sql).await?.first().map(|row| cells::bigint(row, 0)).transpose()?.flatten();
        if counted == Some(*rows) {
            return Ok(());
        }
        let mut sql = Sql::new(db.engine());
        sql.push("SELECT s.hash FROM api_key_secret s");
        let found = db.fetch(sql).await?;
        let mut secrets = HashSet::with_capacity(found.len());
        for row in &found {
            secrets.extend(cells::text(row, 0)?.and_then(Fingerprint::read));
        }
        *rows = i64::try_from(found.len()).unwrap_or(i64::MAX);
        // What was added meanwhile stays.
        self.known.write().unwrap_or_else(PoisonError::into_inner).extend(secrets);
        Ok(())
    }
}
