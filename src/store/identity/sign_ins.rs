//! Failed sign-ins, counted by person and place, and where and on what somebody has signed in before. Only Tandem
//! itself may touch them, never a client's own store.

use entity::{EventAction, Instant, Kind, session::SessionId, user::UserId};
use sea_orm::{QueryResult, prelude::Uuid};
use serde_json::json;

use super::credentials::system_only;
use crate::{
    access::token,
    error::Result,
    store::{Change, Store, change::Event, json as cells, sql::Sql},
};

/// The most sessions of one person, the newest first, that are searched for a place they have signed in from.
const LOOKED_AT: i64 = 50;

/// How often signing in has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failures {
    /// For whom, or from where.
    pub key: String,
    /// How often.
    pub failures: i32,
    /// When it last failed, or was last tried.
    pub last_at: Instant,
}

/// The key under which all failures for an e-mail address are counted; keys that begin with it, followed by `@` or
/// `#`, count those of one place or device. It is a hash, so that what anybody typed neither stands in the database
/// nor is longer than others.
#[must_use]
pub fn failure_key(email: &str) -> String {
    format!("person:{}", token::hash(email))
}

impl Store {
    /// What is counted under these keys.
    pub async fn failures(&self, keys: &[&str]) -> Result<Vec<Failures>> {
        system_only(self)?;
        let mut sql = Sql::new(self.engine());
        sql.push("SELECT f.key, f.failures, f.last_at FROM sign_in_failure f WHERE f.key IN (");
        for (n, key) in keys.iter().enumerate() {
            sql.push(if n > 0 { ", " } else { "" }).bind(*key);
        }
        sql.push(")");
        let read = |row: &QueryResult| {
            Ok(Failures {
                key: cells::text(row, 0)?.unwrap_or_default().to_owned(),
                failures: cells::int(row, 1)?.unwrap_or(0),
                last_at: Instant(cells::bigint(row, 2)?.unwrap_or(0)),
            })
        };
        self.fetch(sql).await?.iter().map(read).collect()
    }

    /// The addresses from which somebody has signed in, or refreshed what they had signed in to, since then. Sessions
    /// that have ended count only where they began with the present password: whoever knew the one before is no
    /// acquaintance. Where nobody is named, the same statement finds nothing.
    pub async fn addresses_of(&self, user: Option<UserId>, since: Instant) -> Result<Vec<String>> {
        system_only(self)?;
        let mut sql = Sql::new(self.engine());
        sql.push(
            "SELECT s.address, s.last_used_at FROM session s LEFT JOIN credential c ON c.user_id = s.user_id \
             WHERE s.address IS NOT NULL AND (s.revoked_at IS NULL OR s.created_at >= c.changed_at) AND s.user_id = ",
        );
        sql.bind(user.map_or_else(Uuid::nil, |user| user.0)).push(" ORDER BY s.id DESC LIMIT ").bind(LOOKED_AT);
        let mut addresses = Vec::new();
        for row in self.fetch(sql).await? {
            if cells::bigint(&row, 1)?.unwrap_or(0) > since.0 {
                addresses.extend(cells::text(&row, 0)?.map(str::to_owned));
            }
        }
        Ok(addresses)
    }

    /// Whose device a refresh token was given to, and in which session, whether either is still good or not; sessions
    /// that ended count as for places.
    pub async fn device_of(&self, refresh_hash: &str) -> Result<Option<(UserId, SessionId)>> {
        system_only(self)?;
        let mut sql = Sql::new(self.engine());
        sql.push(
            "SELECT s.user_id, s.id FROM refresh_token r JOIN session s ON s.id = r.session_id \
             LEFT JOIN credential c ON c.user_id = s.user_id \
             WHERE (s.revoked_at IS NULL OR s.created_at >= c.changed_at) AND r.hash = ",
        );
        sql.bind(refresh_hash).push(" AND r.expires_at > ").bind(self.now().0);
        let rows = self.fetch(sql).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        Ok(cells::uuid(row, 0)?.map(UserId).zip(cells::uuid(row, 1)?.map(SessionId)))
    }
}

impl Change {
    /// Counts a failure; answers how many there are under this key now. What did not fail since then counts no more.
    pub async fn count_failure(&mut self, key: &str, since: Instant) -> Result<i32> {
        system_only(self.store())?;
        let now = self.store().now().0;
        let mut sql = self.sql();
        sql.push("INSERT INTO sign_in_failure (key, failures, last_at) VALUES (").bind(key).push(", 1, ").bind(now);
        sql.push(") ON CONFLICT (key) DO UPDATE SET failures = CASE WHEN sign_in_failure.last_at <= ").bind(since.0);
        sql.push(" THEN 1 ELSE sign_in_failure.failures + 1 END, last_at = excluded.last_at RETURNING failures");
        Ok(self.fetch(sql).await?.first().map(|row| cells::int(row, 0)).transpose()?.flatten().unwrap_or(1))
    }

    /// Takes one failure back.
    pub async fn uncount_failure(&mut self, key: &str) -> Result<()> {
        system_only(self.store())?;
        let mut sql = self.sql();
        sql.push("UPDATE sign_in_failure SET failures = failures - 1 WHERE failures > 0 AND key = ").bind(key);
        self.execute(sql).await.map(|_| ())
    }

    /// Takes the one attempt that a count permits at this time. Of several who try at once, one may.
    pub async fn claim_attempt(&mut self, seen: &Failures, at: Instant) -> Result<bool> {
        system_only(self.store())?;
        let mut sql = self.sql();
        sql.push("UPDATE sign_in_failure SET last_at = ").bind(at.0).push(" WHERE key = ").bind(seen.key.as_str());
        sql.push(" AND failures = ").bind(seen.failures).push(" AND last_at = ").bind(seen.last_at.0);
        Ok(self.execute(sql).await? > 0)
    }

    /// Gives back an attempt that was taken and did not fail.
    pub async fn give_attempt_back(&mut self, seen: &Failures, claimed_at: Instant) -> Result<()> {
        system_only(self.store())?;
        let mut sql = self.sql();
        sql.push("UPDATE sign_in_failure SET last_at = ").bind(seen.last_at.0);
        sql.push(" WHERE key = ").bind(seen.key.as_str()).push(" AND last_at = ").bind(claimed_at.0);
        self.execute(sql).await.map(|_| ())
    }

    /// Forgets the failures under a key; tells whether there were any.
    pub async fn forget_failures(&mut self, key: &str) -> Result<bool> {
        system_only(self.store())?;
        let mut sql = self.sql();
        sql.push("DELETE FROM sign_in_failure WHERE key = ").bind(key);
        Ok(self.execute(sql).await? > 0)
    }

    /// Forgets what has not failed since then.
    pub async fn forget_old_failures(&mut self, since: Instant) -> Result<()> {
        system_only(self.store())?;
        let mut sql = self.sql();
        sql.push("DELETE FROM sign_in_failure WHERE last_at <= ").bind(since.0);
        self.execute(sql).await.map(|_| ())
    }

    /// Forgets all failures to sign in as these people, from wherever; answers how many there were.
    pub async fn free_sign_in(&mut self, users: &[UserId]) -> Result<i64> {
        system_only(self.store())?;
        let ids: Vec<_> = users.iter().map(|user| user.0).collect();
        let mut sql = self.sql();
        sql.push("SELECT u.id, u.email FROM \"user\" u WHERE u.id").in_ids(&ids);
        let mut forgotten = 0;
        for row in self.fetch(sql).await? {
            let id = UserId(cells::uuid(&row, 0)?.unwrap_or_default()).to_string();
            let key = failure_key(cells::text(&row, 1)?.unwrap_or(&id));
            // Behind `@` and `#` in the order of bytes.
            let end = format!("{key}~");
            let mut sql = self.sql();
            sql.push("DELETE FROM sign_in_failure WHERE key >= ").bind(key.as_str()).push(" AND key < ").bind(end);
            sql.push(" RETURNING key, failures");
            for row in self.fetch(sql).await? {
                // Those of the person at a place or on a device: each failure that counts for the person counts there.
                if cells::text(&row, 0)? != Some(&*key) {
                    forgotten += i64::from(cells::int(&row, 1)?.unwrap_or_default());
                }
            }
        }
        Ok(forgotten)
    }

    /// Tells that signing in as somebody has failed, and how often.
    pub async fn record_failed_sign_ins(&mut self, user: UserId, failures: i64) -> Result<()> {
        let changes = json!({ "failedSignIns": { "before": null, "after": failures } });
        self.tell(Event { action: EventAction::SignInFailed, subject: (Kind::User, user.0), account: None, changes })
            .await
    }

    /// Tells that the failures to sign in as somebody were forgotten.
    pub async fn record_unlock(&mut self, user: UserId, failures: i64) -> Result<()> {
        let changes = json!({ "failedSignIns": { "before": failures, "after": 0 } });
        self.tell(Event { action: EventAction::Updated, subject: (Kind::User, user.0), account: None, changes }).await
    }
}
