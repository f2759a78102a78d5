//! The queue of jobs: work that outlives a request.
//!
//! A process that takes a job holds it under a lease and extends the lease while it works. When the
//! process ends without notice, the lease ends and another process takes the job. Every step of a job
//! confirms in its own transaction that the job is still held, so a process that lost its lease without
//! noticing cannot commit anything more.

use std::{future::Future, sync::Arc, time::Duration};

use entity::Instant;
use sea_orm::{QueryResult, prelude::Uuid};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::{
    access::Purpose,
    error::{Error, Result, UserCode, UserError},
    store::{
        Backend, Change, json,
        sql::{Engine, Sql},
    },
};

/// A job that this process holds.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The job's id.
    pub id: Uuid,
    /// What kind of work it is.
    pub kind: String,
    /// What the work is about.
    pub payload: Json,
    /// How far the work has come, as its last step noted it; null at the beginning.
    pub progress: Json,
    /// How often it was taken since its last step.
    pub attempts: i32,
    /// Who holds it: another id each time it is taken.
    holder: Uuid,
    lease: Duration,
}

/// What becomes of a job that its holder lets go of.
#[derive(Clone, Copy, Debug)]
pub enum Release<'a> {
    /// It has ended; with an error, it has failed.
    Ended(Option<&'a str>),
    /// Another process may take it at once: this one ends.
    HandedOver,
    /// It is tried again at this time.
    Again(Instant),
    /// It has ended, and comes round at this time; with an error, it had failed.
    Round(Instant, Option<&'a str>),
}

impl Change {
    /// Puts a job into the queue as part of this change. Call [`Backend::look_for_jobs`] after the commit.
    pub async fn enqueue(&mut self, kind: &str, payload: &Json) -> Result<Uuid> {
        let (id, now) = (self.store().backend().new_id(), self.store().now().0);
        let mut sql = self.sql();
        sql.push("INSERT INTO job (id, kind, payload, progress, run_at, attempts, created_at, updated_at) VALUES (");
        sql.bind(id).push(", ").bind(kind).push(", ").bind(payload.to_string()).push(", 'null', ").bind(now);
        sql.push(", 0, ").bind(now).push(", ").bind(now).push(")");
        self.execute(sql).await?;
        self.notify_jobs().await?;
        Ok(id)
    }

    /// Confirms within the transaction of a step that the job is still held, extends its lease, and
    /// notes how far it has come. Refused where another process has taken the job.
    pub async fn hold_job(&mut self, claim: &Claim, progress: Option<&Json>) -> Result<()> {
        let mut sql = self.sql();
        sql.push("UPDATE job SET attempts = 0, lease_until = ").bind(self.store().now().0 + millis(claim.lease));
        if let Some(progress) = progress {
            sql.push(", progress = ").bind(progress.to_string());
        }
        self.held(sql, claim).await
    }

    /// Lets go of a job. Refused where another process has taken it.
    pub async fn release_job(&mut self, claim: &Claim, release: Release<'_>) -> Result<()> {
        let now = self.store().now().0;
        let mut sql = self.sql();
        sql.push("UPDATE job SET lease_until = NULL, holder = NULL");
        match release {
            Release::Ended(error) => {
                sql.push(", finished_at = ").bind(now).push(", error = ").bind(error.map(str::to_owned));
            }
            Release::HandedOver => {
                // To be handed over is no failed attempt.
                sql.push(", attempts = CASE WHEN attempts > 0 THEN attempts - 1 ELSE 0 END, run_at = ").bind(now);
            }
            Release::Again(at) => {
                sql.push(", run_at = ").bind(at.0);
            }
            Release::Round(at, error) => {
                sql.push(", attempts = 0, progress = 'null', run_at = ").bind(at.0);
                sql.push(", error = ").bind(error.map(str::to_owned));
            }
        }
        self.held(sql, claim).await?;
        if matches!(release, Release::HandedOver) {
            self.notify_jobs().await?;
        }
        Ok(())
    }

    async fn held(&self, mut sql: Sql, claim: &Claim) -> Result<()> {
        sql.push(", updated_at = ").bind(self.store().now().0).push(" WHERE id = ").bind(claim.id);
        sql.push(" AND holder = ").bind(claim.holder).push(" AND finished_at IS NULL");
        if self.execute(sql).await? == 0 {
            let message = "Another process has taken over this work and continues it.";
            return Err(UserError::new(UserCode::Conflict, "", message).because("JOB_TAKEN_OVER").into());
        }
        Ok(())
    }

    /// Lets other processes know, once this change is committed, that there is a job to take.
    async fn notify_jobs(&self) -> Result<()> {
        if self.sql().engine() == Engine::Postgres {
            let mut sql = self.sql();
            sql.push("SELECT pg_notify('tandem', 'job')::text");
            self.fetch(sql).await?;
        }
        Ok(())
    }

    async fn take_due_job(&mut self, kinds: &[&str], lease: Duration) -> Result<Option<Claim>> {
        let (now, holder) = (self.store().now().0, self.store().backend().new_id());
        let mut sql = self.sql();
        sql.push("UPDATE job SET attempts = attempts + 1, lease_until = ").bind(now + millis(lease));
        sql.push(", holder = ").bind(holder).push(", updated_at = ").bind(now).push(" WHERE id = (");
        due(&mut sql, kinds, now);
        if sql.engine() == Engine::Postgres {
            sql.push(" FOR UPDATE SKIP LOCKED");
        }
        sql.push(") RETURNING id, kind, payload, progress, attempts");
        self.fetch(sql).await?.first().map(|row| claimed(row, holder, lease)).transpose()
    }
}

impl Backend {
    /// Takes the job that has been due longest, if there is one.
    pub async fn claim_job(self: &Arc<Self>, kinds: &[&str], lease: Duration) -> Result<Option<Claim>> {
        let mut sql = Sql::new(self.db.engine());
        due(&mut sql, kinds, self.now().0);
        // Not counted as a statement: it belongs to no request.
        if self.db.fetch_uncounted(sql).await?.is_empty() {
            return Ok(None);
        }
        let mut change = self.as_system(Purpose::Jobs).begin().await?;
        let claim = change.take_due_job(kinds, lease).await?;
        change.commit().await?;
        Ok(claim)
    }

    /// Puts the one job of each of these kinds into the queue, to be run at these times, where it is not in it yet.
    pub async fn begin_recurring(self: &Arc<Self>, kinds: &[(&str, Instant)]) -> Result<()> {
        let change = self.as_system(Purpose::Jobs).begin().await?;
        let now = self.now().0;
        for (kind, at) in kinds {
            let mut sql = change.sql();
            sql.push(
                "INSERT INTO job (id, kind, payload, progress, run_at, attempts, created_at, updated_at) VALUES (",
            );
            sql.bind(recurring(kind)).push(", ").bind(*kind).push(", 'null', 'null', ").bind(at.0).push(", 0, ");
            sql.bind(now).push(", ").bind(now).push(") ON CONFLICT (id) DO NOTHING");
            change.execute(sql).await?;
        }
        change.commit().await
    }

    /// Extends the lease of a job; false where another process has taken it.
    pub async fn extend_lease(self: &Arc<Self>, claim: &Claim) -> Result<bool> {
        let change = self.as_system(Purpose::Jobs).begin().await?;
        let mut sql = change.sql();
        sql.push("UPDATE job SET lease_until = ").bind(self.now().0 + millis(claim.lease));
        match change.held(sql, claim).await {
            Ok(()) => change.commit().await.map(|()| true),
            Err(Error::Input(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Lets this process's worker know that a job may be waiting.
    pub fn look_for_jobs(&self) {
        self.queued.notify_one();
    }

    /// Completes when a job may be waiting.
    pub(crate) fn jobs_queued(&self) -> impl Future<Output = ()> {
        self.queued.notified()
    }
}

/// The id of the one job of a kind that comes round.
fn recurring(kind: &str) -> Uuid {
    let digest = Sha256::digest(kind.as_bytes());
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    sea_orm::prelude::Uuid::from_bytes(id)
}

/// The job that has been due longest and that nobody holds.
fn due(sql: &mut Sql, kinds: &[&str], now: i64) {
    sql.push("SELECT j.id FROM job j WHERE j.finished_at IS NULL AND j.run_at <= ").bind(now);
    sql.push(" AND (j.lease_until IS NULL OR j.lease_until <= ").bind(now).push(") AND j.kind IN (");
    for (n, kind) in kinds.iter().enumerate() {
        sql.push(if n > 0 { ", " } else { "" }).bind(*kind);
    }
    sql.push(") ORDER BY j.run_at, j.id LIMIT 1");
}

fn claimed(row: &QueryResult, holder: Uuid, lease: Duration) -> Result<Claim> {
    let parsed =
        |at| -> Result<Json> { serde_json::from_str(json::text(row, at)?.unwrap_or("null")).map_err(Error::internal) };
    Ok(Claim {
        id: json::uuid(row, 0)?.unwrap_or_default(),
        kind: json::text(row, 1)?.unwrap_or_default().to_owned(),
        payload: parsed(2)?,
        progress: parsed(3)?,
        attempts: json::int(row, 4)?.unwrap_or_default(),
        holder,
        lease,
    })
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 2)
}
