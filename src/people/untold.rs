//! Failed sign-ins on their way to the audit: the first at once, further ones together, so that whoever guesses
//! writes one event a minute for each person and no more.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError, atomic::AtomicI64},
};

use entity::{Instant, user::UserId};

/// How long failures are collected before they are told, in milliseconds.
const COLLECTED: i64 = 60_000;

/// What a process remembers of failures.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) untold: Untold,
    pub(super) swept_at: AtomicI64,
}

/// The failures that this process has not told of yet.
#[derive(Debug, Default)]
pub(super) struct Untold(Mutex<HashMap<UserId, Count>>);

#[derive(Clone, Copy, Debug)]
struct Count {
    told_at: Instant,
    failures: i64,
}

impl Untold {
    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, Count>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a failure; answers how many are to be told now, if any.
    pub(super) fn note(&self, user: UserId, now: Instant) -> Option<i64> {
        let mut counts = self.lock();
        let count = counts.entry(user).or_insert(Count { told_at: Instant(now.0 - COLLECTED), failures: 0 });
        count.failures += 1;
        if now.0 - count.told_at.0 < COLLECTED {
            return None;
        }
        count.told_at = now;
        Some(std::mem::take(&mut count.failures))
    }

    /// What is to be told by now, or everything; people of whom nothing is left to tell are forgotten.
    pub(super) fn due(&self, now: Instant, everything: bool) -> Vec<(UserId, i64)> {
        let mut due = Vec::new();
        self.lock().retain(|user, count| {
            if !everything && now.0 - count.told_at.0 < COLLECTED {
                return true;
            }
            if count.failures == 0 {
                return false;
            }
            due.push((*user, std::mem::take(&mut count.failures)));
            count.told_at = now;
            true
        });
        due
    }

    /// Takes back what could not be told; it is tried again a minute later.
    pub(super) fn take_back(&self, user: UserId, failures: i64, now: Instant) {
        let mut counts = self.lock();
        counts.entry(user).or_insert(Count { told_at: now, failures: 0 }).failures += failures;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_is_told_at_once_and_further_ones_once_a_minute() {
        let (untold, user) = (Untold::default(), UserId(sea_orm::prelude::Uuid::from_u128(7)));
        assert_eq!(untold.note(user, Instant(0)), Some(1));
        assert_eq!((untold.note(user, Instant(1)), untold.note(user, Instant(COLLECTED - 1))), (None, None));
        assert_eq!(untold.due(Instant(COLLECTED - 1), false), []);
        assert_eq!(untold.due(Instant(COLLECTED), false), [(user, 2)]);
        assert_eq!(untold.note(user, Instant(COLLECTED + 1)), None);
        assert_eq!(untold.note(user, Instant(2 * COLLECTED)), Some(2));
        untold.take_back(user, 2, Instant(2 * COLLECTED));
        assert_eq!(untold.due(Instant(2 * COLLECTED), true), [(user, 2)]);
        assert_eq!(untold.due(Instant(3 * COLLECTED), false), []);
        assert!(untold.lock().is_empty(), "who is left alone takes no memory");
    }
}
