//! Idempotency keys: the same request sent twice is done once.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sea_orm::prelude::Uuid;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::Change;
use crate::{
    error::{Code, Error, Result, UserCode, UserError},
    store::{Lock, Store, json},
};

/// How long a key is kept.
pub const KEPT: i64 = 24 * 60 * 60 * 1_000;

/// Bytes of the longest key.
const LONGEST: usize = 255;

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

/// What a change answers, as it is kept under an idempotency key.
pub trait Answered: Sized {
    /// As it is kept.
    fn show(&self) -> Json;
    /// Reads what [`Answered::show`] has written.
    fn read(kept: &Json) -> Result<Self>;
}

impl Answered for Uuid {
    fn show(&self) -> Json {
        self.to_string().into()
    }
    fn read(kept: &Json) -> Result<Self> {
        let kept = kept.as_str().unwrap_or_default();
        // Versions before kept global ids.
        let id = kept.parse().ok().or_else(|| entity::id::parse(kept).map(|(_, id)| id));
        id.ok_or_else(|| Error::internal("an answer that was kept is no id"))
    }
}

impl Answered for Option<Uuid> {
    fn show(&self) -> Json {
        self.as_ref().map_or(Json::Null, Answered::show)
    }
    fn read(kept: &Json) -> Result<Self> {
        if kept.is_null() { Ok(None) } else { Uuid::read(kept).map(Some) }
    }
}

impl Store {
    /// Makes a change and keeps it, under a key only once: sent again, the answer of the first time is given. What
    /// fails is not kept and is tried anew.
    pub async fn once<T: Answered>(
        &self,
        key: Option<&Idempotency>,
        work: impl AsyncFnOnce(&mut Change) -> Result<T>,
    ) -> Result<T> {
        let mut change = self.begin().await?;
        if let Some(key) = key
            && let Replay::Answer(answer) = key.look_up(&change).await?
        {
            return T::read(&answer);
        }
        let done = work(&mut change).await?;
        if let Some(key) = key {
            key.keep(&mut change, &done.show()).await?;
        }
        change.commit().await?;
        Ok(done)
    }
}

impl Idempotency {
    /// A key for an operation with this input. One header serves all the fields of a document, each at its own
    /// `place`.
    pub fn new(key: &str, place: Option<&str>, operation: &str, input: &Json) -> Result<Self> {
        if !is_key(key) {
            let message = format!("An idempotency key has 1 to {LONGEST} visible ASCII characters.");
            return Err(Error::input(UserCode::Invalid, "idempotencyKey", message));
        }
        let input = canonical(input);
        let fingerprint = URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{operation}\n{input}")));
        // No client's key has a space.
        let key = place.map_or_else(|| key.to_owned(), |place| format!("{key} {place}"));
        Ok(Self { key, fingerprint })
    }

    /// Looks the key up; a key used for something else is refused.
    pub async fn look_up(&self, change: &Change) -> Result<Replay> {
        // Of two equal requests at once, the second waits for the first and finds its answer.
        change.lock(Lock::Key(whose(change)?, &self.key)).await?;
        let mut sql = change.sql();
        sql.push("SELECT k.fingerprint, k.answer");
        if change.sql().engine() == crate::store::sql::Engine::Postgres {
            sql.push("::text");
        }
        sql.push(" FROM idempotency_key k WHERE k.actor_id = ").bind(whose(change)?);
        sql.push(" AND k.key = ").bind(self.key.as_str()).push(" AND k.created_at > ").bind(Self::oldest(change));
        let rows = change.fetch(sql).await?;
        let Some(row) = rows.first() else { return Ok(Replay::New) };
        if json::text(row, 0)? != Some(&self.fingerprint) {
            let message = "This idempotency key was already used for a different request.";
            return Err(UserError::new(UserCode::IdempotencyKeyReused, "idempotencyKey", message).into());
        }
        Ok(Replay::Answer(serde_json::from_str(json::text(row, 1)?.unwrap_or("null"))?))
    }

    /// Keeps the answer with what was done.
    pub async fn keep(&self, change: &mut Change, answer: &Json) -> Result<()> {
        let mut sql = change.sql();
        sql.push("INSERT INTO idempotency_key (actor_id, key, fingerprint, answer, created_at) VALUES (");
        sql.bind(whose(change)?)
            .push(", ")
            .bind(self.key.as_str())
            .push(", ")
            .bind(self.fingerprint.as_str())
            .push(", ");
        sql.bind(answer.clone()).push(", ").bind(change.store().now().0);
        // One past its time may still be there.
        sql.push(") ON CONFLICT (actor_id, key) DO UPDATE SET fingerprint = excluded.fingerprint, ");
        sql.push("answer = excluded.answer, created_at = excluded.created_at");
        change.execute(sql).await?;
        Ok(())
    }

    fn oldest(change: &Change) -> i64 {
        change.store().now().0 - KEPT
    }
}

/// Whether a client's key has the form of one.
#[must_use]
pub fn is_key(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The same value with its members in the order of their names, which nobody means anything by.
fn canonical(value: &Json) -> Json {
    match value {
        Json::Object(members) => {
            let sorted: BTreeMap<_, _> = members.iter().map(|(name, value)| (name.clone(), canonical(value))).collect();
            Json::Object(sorted.into_iter().collect())
        }
        Json::Array(items) => items.iter().map(canonical).collect(),
        _ => value.clone(),
    }
}

/// Whose the key is. Two API keys are two clients, whoever answers for them.
fn whose(change: &Change) -> Result<Uuid> {
    let actor = change.store().actor();
    actor.id().ok_or_else(|| Error::refused(Code::Unauthenticated, "Sign in first."))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use entity::Kind;
    use sea_orm::prelude::Uuid;

    use crate::store::{Answered, Idempotency, is_key};

    #[test]
    fn inputs_that_say_the_same_are_the_same_request() {
        let key = |input| Idempotency::new("key", None, "dealCreate", &input).unwrap().fingerprint;
        let one = key(json!({ "name": "A", "value": { "amount": "1.50", "currency": "EUR" }, "tags": [1, 2] }));
        assert_eq!(one, key(json!({ "tags": [1, 2], "value": { "currency": "EUR", "amount": "1.50" }, "name": "A" })));
        assert_ne!(one, key(json!({ "tags": [2, 1], "value": { "currency": "EUR", "amount": "1.50" }, "name": "A" })));
        assert_ne!(one, key(json!({ "name": "A", "value": null, "tags": [1, 2] })));
    }

    #[test]
    fn a_key_of_an_input_is_never_one_of_a_header() {
        let key = |key, place| Idempotency::new(key, place, "x", &json!({})).unwrap().key;
        assert_ne!(key("a/b", None), key("a", Some("b")));
        assert!(is_key(&"x".repeat(255)) && !is_key(&"x".repeat(256)) && !is_key("a b") && !is_key("") && !is_key("é"));
    }

    #[test]
    fn answers_kept_by_versions_before_are_read() {
        let id = Uuid::from_u128(7);
        for kept in [id.show(), entity::id::global(Kind::Role, id).into()] {
            assert_eq!(Uuid::read(&kept).unwrap(), id);
        }
    }
}
