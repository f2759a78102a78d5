//! Idempotency keys: the same request sent twice is done once.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sea_orm::prelude::Uuid;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::{Lock, change::Change, json};
use crate::error::{Code, Error, Result, UserCode, UserError};

/// How long a key is kept.
pub const KEPT: Duration = Duration::from_hours(24);

/// A client's key and the fingerprint of what it asks for.
#[derive(Clone, Debug)]
pub struct Idempotency {
    key: String,
    fingerprint: String,
}

/// What is known under a key.
#[derive(Debug)]
pub enum Replay {
    /// Nothing: do it.
    New,
    /// It was done: this was the answer.
    Answer(Json),
}

impl Idempotency {
    /// A key for an operation with this input.
    pub fn new(key: &str, operation: &str, input: &Json) -> Result<Self> {
        if key.is_empty() || key.len() > 255 || !key.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Error::input(
                UserCode::Invalid,
                "idempotencyKey",
                "An idempotency key has 1 to 255 visible ASCII characters.",
            ));
        }
        let fingerprint = URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{operation}\n{input}")));
        Ok(Self { key: key.to_owned(), fingerprint })
    }

    /// Looks the key up; a key used for something else is refused.
    pub async fn look_up(&self, change: &Change) -> Result<Replay> {
        // Of two equal requests at once, the second waits for the first and finds its answer.
        change.lock(Lock::Key(whose(change)?, &self.key)).await?;
        let mut sql = change.sql();
        sql.push("SELECT k.fingerprint, k.answer");
        if change.sql().engine() == super::sql::Engine::Postgres {
            sql.push("::text");
        }
        sql.push(" FROM idempotency_key k WHERE k.actor_id = ").bind(whose(change)?);
        sql.push(" AND k.key = ").bind(self.key.as_str()).push(" AND k.created_at > ").bind(Self::oldest(change));
        let rows = change.fetch(sql).await?;
        let Some(row) = rows.first() else { return Ok(Replay::New) };
        if json::text(row, 0)? != Some(&self.fingerprint) {
            let message = "This idempotency key was used for another request.";
            return Err(UserError::new(UserCode::IdempotencyKeyReused, "idempotencyKey", message).into());
        }
        Ok(Replay::Answer(serde_json::from_str(json::text(row, 1)?.unwrap_or("null"))?))
    }

    /// Keeps the answer with what was done, and forgets keys past their time.
    pub async fn keep(&self, change: &mut Change, answer: &Json) -> Result<()> {
        let mut sql = change.sql();
        sql.push("DELETE FROM idempotency_key WHERE created_at <= ").bind(Self::oldest(change));
        change.execute(sql).await?;
        let mut sql = change.sql();
        sql.push("INSERT INTO idempotency_key (actor_id, key, fingerprint, answer, created_at) VALUES (");
        sql.bind(whose(change)?)
            .push(", ")
            .bind(self.key.as_str())
            .push(", ")
            .bind(self.fingerprint.as_str())
            .push(", ");
        sql.bind(answer.clone()).push(", ").bind(change.store().now().0).push(")");
        change.execute(sql).await?;
        Ok(())
    }

    fn oldest(change: &Change) -> i64 {
        change.store().now().0 - i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX)
    }
}

/// Whose the key is. Two API keys are two clients, whoever answers for them.
fn whose(change: &Change) -> Result<Uuid> {
    let actor = change.store().actor();
    actor.id().ok_or_else(|| Error::refused(Code::Unauthenticated, "Sign in first."))
}
