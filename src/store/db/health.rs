//! Whether the database takes changes, as far as the last one showed.

use std::sync::{Mutex, PoisonError};

use metrics::gauge;

use super::fault::Fault;

/// What became of the last attempt to store something.
#[derive(Debug, Default)]
pub struct Health(Mutex<Option<Fault>>);

impl Health {
    /// Something was stored.
    pub fn stored(&self) {
        self.note(None);
    }

    /// Something failed; only what keeps others from being stored too is remembered.
    pub fn failed(&self, fault: Fault) {
        if matches!(fault, Fault::StorageFull | Fault::ReadOnly | Fault::Damaged) {
            self.note(Some(fault));
        }
    }

    /// Whether nothing can be stored, as far as is known.
    pub fn is_failing(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn note(&self, now: Option<Fault>) {
        let before = std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), now);
        if before == now {
            return;
        }
        gauge!("tandem_database_writable").set(if now.is_none() { 1.0 } else { 0.0 });
        if let Some(fault) = now {
            tracing::error!(?fault, "the database stores nothing any more");
        } else {
            tracing::info!("the database stores again");
        }
    }
}
