//! What is past its time is removed, in chunks.

use std::sync::Arc;

use crate::{
    access::Purpose,
    error::Result,
    store::{Backend, IDEMPOTENCY_KEPT},
};

/// Rows of a table that one transaction removes.
const CHUNK: u64 = 1_000;

/// How long jobs that have ended are kept, in milliseconds: 30 days.
const JOBS_KEPT: i64 = 30 * 24 * 60 * 60 * 1_000;

impl Backend {
    /// Removes some of what is past its time; answers how many rows that were, none where nothing is left.
    pub async fn remove_expired(self: &Arc<Self>) -> Result<u64> {
        let now = self.now().0;
        let tables = [
            ("idempotency_key", "actor_id, key", "created_at", now - IDEMPOTENCY_KEPT),
            ("refresh_token", "hash", "expires_at", now),
            ("invitation", "hash", "expires_at", now),
            ("job", "id", "finished_at", now - JOBS_KEPT),
        ];
        let mut removed = 0;
        for (table, key, at, until) in tables {
            let change = self.as_system(Purpose::Jobs).begin().await?;
            let mut sql = change.sql();
            sql.push("DELETE FROM ").push(table).push(" WHERE (").push(key).push(") IN (SELECT ").push(key);
            sql.push(" FROM ").push(table).push(" WHERE ").push(at).push(" <= ").bind(until);
            sql.push(" LIMIT ").push(&CHUNK.to_string()).push(")");
            removed += change.execute(sql).await?;
            change.commit().await?;
        }
        Ok(removed)
    }
}
