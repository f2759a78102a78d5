//! The worker: takes jobs from the queue and runs them beside the requests.
//!
//! A kind of job is a [`Job`]. It does its work in steps of one short transaction each,
//! confirms the lease in each of them with [`Held::keep`], and stops between two steps where
//! [`Held::goes_on`] says so; the next process continues from the progress that was noted.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use entity::Instant;
use futures_util::{FutureExt, future::BoxFuture};
use metrics::{counter, gauge};
use serde_json::Value as Json;
use tokio::{select, sync::Semaphore, time::sleep};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    access::Purpose,
    error::{Code, Error, Result},
    store::{
        Backend, Change,
        jobs::{Claim, Release},
    },
    text::escaped,
};

/// Jobs that a process runs at once.
const AT_ONCE: usize = 4;

/// How often the queue is looked at without a notice: for leases that ended and for what is due later.
const POLL: Duration = Duration::from_secs(5);

/// How often a job may be started without a single step being done.
const MAX_ATTEMPTS: i32 = 5;

/// How a run of a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All is done.
    Done,
    /// It stopped between two steps, because [`Held::goes_on`] said so.
    Stopped,
}

/// A kind of job.
pub trait Job: Sync {
    /// Its name in the queue.
    fn kind(&self) -> &'static str;

    /// Does the work, from where the last run stopped. An error that is the person's or a refusal ends the
    /// job; an internal one is tried again later.
    fn run<'a>(&'a self, held: &'a Held) -> BoxFuture<'a, Result<Ended>>;

    /// How long after it has ended it is done again, for work that comes round: there is always one such job, which
    /// never ends, and one process at a time does it.
    fn every(&self) -> Option<Duration> {
        None
    }

    /// What the end makes necessary, in the same transaction; `error` is why it failed.
    fn ended<'a>(
        &'a self,
        _change: &'a mut Change,
        _payload: &'a Json,
        _error: Option<&'a str>,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Ok(()) })
    }
}

/// A job under way in this process.
#[derive(Debug)]
pub struct Held {
    backend: Arc<Backend>,
    claim: Claim,
    /// The process ends, or another one has taken the job.
    stop: CancellationToken,
}

impl Held {
    /// What all stores of the process share.
    #[must_use]
    pub fn backend(&self) -> &Arc<Backend> {
        &self.backend
    }

    /// What the work is about.
    #[must_use]
    pub fn payload(&self) -> &Json {
        &self.claim.payload
    }

    /// What the last step noted before this run; null where there was none.
    #[must_use]
    pub fn progress(&self) -> &Json {
        &self.claim.progress
    }

    /// Whether to begin another step; else return [`Ended::Stopped`].
    #[must_use]
    pub fn goes_on(&self) -> bool {
        !self.stop.is_cancelled()
    }

    /// Confirms within a step's transaction that the job is still held here, and notes how far it has come.
    pub async fn keep(&self, change: &mut Change, progress: Option<&Json>) -> Result<()> {
        change.hold_job(&self.claim, progress).await
    }
}

/// Runs jobs until `stopping`, then lets each finish its step and hands it over.
pub async fn work(
    backend: Arc<Backend>,
    kinds: &'static [&'static dyn Job],
    lease: Duration,
    stopping: CancellationToken,
) {
    let (running, turns) = (TaskTracker::new(), Arc::new(Semaphore::new(AT_ONCE)));
    let names: Vec<&str> = kinds.iter().map(|job| job.kind()).collect();
    let mut begun = false;
    loop {
        if !begun {
            match begin_recurring(&backend, kinds).await {
                Ok(()) => begun = true,
                Err(error) => tracing::warn!(error = %error, "recurring jobs are not in the queue; trying again"),
            }
        }
        let turn = select! {
            biased;
            () = stopping.cancelled() => break,
            turn = turns.clone().acquire_owned() => turn,
        };
        let Ok(turn) = turn else { break };
        match backend.claim_job(&names, lease).await {
            Ok(Some(claim)) => {
                let held = Held { backend: backend.clone(), claim, stop: stopping.child_token() };
                running.spawn(async move {
                    gauge!("tandem_jobs_running").increment(1.0);
                    run(kinds, held, lease).await;
                    gauge!("tandem_jobs_running").decrement(1.0);
                    drop(turn);
                });
                continue;
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(error = %error, "the queue of jobs cannot be read; trying again"),
        }
        drop(turn);
        select! {
            () = stopping.cancelled() => break,
            () = backend.jobs_queued() => {}
            () = sleep(POLL) => {}
        }
    }
    running.close();
    running.wait().await;
}

/// Puts the jobs that come round into the queue where they are not in it yet.
async fn begin_recurring(backend: &Arc<Backend>, kinds: &[&'static dyn Job]) -> Result<()> {
    let now = backend.now();
    let recurring = kinds.iter().filter_map(|job| Some((job.kind(), later(now, job.every()?))));
    backend.begin_recurring(&recurring.collect::<Vec<_>>()).await
}

fn later(now: Instant, pause: Duration) -> Instant {
    Instant(now.0.saturating_add(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX)))
}

/// Runs one job, with its lease extended beside.
async fn run(kinds: &[&'static dyn Job], held: Held, lease: Duration) {
    let Some(job) = kinds.iter().find(|job| job.kind() == held.claim.kind) else { return };
    let over = CancellationToken::new();
    let beat = tokio::spawn(extend(held.backend.clone(), held.claim.clone(), (held.stop.clone(), over.clone()), lease));
    let outcome = if held.claim.attempts > MAX_ATTEMPTS {
        Err(Error::internal(format!("started {MAX_ATTEMPTS} times without a step being done")))
    } else {
        let outcome = AssertUnwindSafe(job.run(&held)).catch_unwind().await;
        outcome.unwrap_or_else(|_| Err(Error::internal("the job panicked")))
    };
    // Awaited rather than aborted, so that no transaction is cut off in the middle.
    over.cancel();
    let _ = beat.await;
    let (kind, id) = (&held.claim.kind, held.claim.id);
    if let Err(error) = &outcome {
        let (attempts, error) = (held.claim.attempts, escaped(&error.to_string()));
        tracing::warn!(job.kind = kind, job.id = %id, job.attempts = attempts, error, "a job stopped");
    }
    let result = match &outcome {
        Ok(Ended::Done) => "done",
        Ok(Ended::Stopped) => "handed_over",
        Err(_) => "failed",
    };
    counter!("tandem_jobs_total", "kind" => job.kind(), "outcome" => result).increment(1);
    if let Err(error) = release(*job, &held, outcome).await {
        // Another process has the job, or takes it when the lease ends.
        tracing::warn!(job.kind = kind, job.id = %id, error = %error, "a job was not released");
    }
}

async fn release(job: &dyn Job, held: &Held, outcome: Result<Ended>) -> Result<()> {
    let (claim, backend) = (&held.claim, &held.backend);
    let mut change = backend.as_system(Purpose::Jobs).begin().await?;
    let error = match outcome {
        Ok(Ended::Done) => None,
        Ok(Ended::Stopped) => {
            change.release_job(claim, Release::HandedOver).await?;
            return change.commit().await;
        }
        Err(error) if is_passing(&error) && claim.attempts < MAX_ATTEMPTS => {
            let pause = Duration::from_secs(1) * 2_u32.pow(claim.attempts.clamp(0, 6).unsigned_abs());
            change.release_job(claim, Release::Again(later(backend.now(), pause))).await?;
            return change.commit().await;
        }
        Err(Error::Internal(_)) => {
            Some("The job was stopped by an internal error; start it again to continue.".to_owned())
        }
        Err(error) => Some(error.to_string().chars().take(2_000).collect()),
    };
    if let Some(pause) = job.every() {
        change.release_job(claim, Release::Round(later(backend.now(), pause), error.as_deref())).await?;
        return change.commit().await;
    }
    change.release_job(claim, Release::Ended(error.as_deref())).await?;
    job.ended(&mut change, &claim.payload, error.as_deref()).await?;
    change.commit().await
}

/// Whether an error may be gone when the work is tried again.
fn is_passing(error: &Error) -> bool {
    match error {
        Error::Internal(_) => true,
        Error::Refused(refusal) => {
            matches!(refusal.code, Code::Internal | Code::ServiceUnavailable | Code::Timeout | Code::Conflict)
        }
        Error::Input(_) => false,
    }
}

/// Extends a job's lease until it is over; stops the job where another process has taken it.
async fn extend(
    backend: Arc<Backend>,
    claim: Claim,
    (stop, over): (CancellationToken, CancellationToken),
    lease: Duration,
) {
    loop {
        select! {
            () = over.cancelled() => return,
            () = sleep(lease / 3) => {}
        }
        match backend.extend_lease(&claim).await {
            Ok(true) => {}
            Ok(false) => return stop.cancel(),
            Err(error) => tracing::warn!(job.id = %claim.id, error = %error, "the lease of a job was not extended"),
        }
    }
}
