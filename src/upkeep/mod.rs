//! Work that comes round: what is past its time is removed, and what will be needed is made ahead.

use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::{
    error::Result,
    worker::{Ended, Held, Job},
};

/// Removes what is past its time: idempotency keys, refresh tokens, invitations, and jobs that ended long ago.
#[derive(Clone, Copy, Debug)]
pub struct Expire;

impl Job for Expire {
    fn kind(&self) -> &'static str {
        "expire"
    }

    fn every(&self) -> Option<Duration> {
        Some(Duration::from_hours(1))
    }

    fn run<'a>(&'a self, held: &'a Held) -> BoxFuture<'a, Result<Ended>> {
        Box::pin(async move {
            // In chunks, so that nobody waits long for a turn to write.
            while held.goes_on() {
                if held.backend().remove_expired().await? == 0 {
                    return Ok(Ended::Done);
                }
            }
            Ok(Ended::Stopped)
        })
    }
}

/// Makes the event table's partitions of the next months, on PostgreSQL.
#[derive(Clone, Copy, Debug)]
pub struct Partitions;

impl Job for Partitions {
    fn kind(&self) -> &'static str {
        "partitions"
    }

    fn every(&self) -> Option<Duration> {
        Some(Duration::from_hours(1))
    }

    fn run<'a>(&'a self, held: &'a Held) -> BoxFuture<'a, Result<Ended>> {
        Box::pin(async move { held.backend().add_partitions().await.map(|()| Ended::Done) })
    }
}

/// Removes what imports that broke off have left.
#[derive(Clone, Copy, Debug)]
pub struct ImportLeftovers;

impl Job for ImportLeftovers {
    fn kind(&self) -> &'static str {
        "import-leftovers"
    }

    fn every(&self) -> Option<Duration> {
        Some(Duration::from_hours(1))
    }

    fn run<'a>(&'a self, held: &'a Held) -> BoxFuture<'a, Result<Ended>> {
        Box::pin(async move { held.backend().sweep_imports().await.map(|()| Ended::Done) })
    }
}
