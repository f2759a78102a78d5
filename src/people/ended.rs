//! Tokens of sessions that have ended, as far as this process has met them.

use std::{
    collections::HashSet,
    sync::{RwLock, atomic::AtomicBool, atomic::Ordering},
};

use crate::{
    access::key::Fingerprint,
    error::{Error, Result},
};

/// The most tokens that are remembered.
const MAX_REMEMBERED: usize = 10_000;

/// The tokens. What is not among them may have ended all the same.
#[derive(Debug, Default)]
pub(super) struct Ended {
    tokens: RwLock<HashSet<Fingerprint>>,
    /// Whether there are any: most requests then need no hash.
    some: AtomicBool,
}

impl Ended {
    /// Whether the session of this token has ended.
    pub(super) fn has(&self, token: &str) -> bool {
        self.some.load(Ordering::Relaxed)
            && self.tokens.read().is_ok_and(|tokens| tokens.contains(&Fingerprint::of(token)))
    }

    /// Remembers a token that was refused because its session has ended.
    pub(super) fn learn<T>(&self, token: &str, answer: &Result<T>) {
        let ended =
            matches!(answer, Err(Error::Refused(refusal)) if refusal.reason.as_deref() == Some("SESSION_ENDED"));
        if !ended {
            return;
        }
        let Ok(mut tokens) = self.tokens.write() else { return };
        if tokens.len() >= MAX_REMEMBERED {
            tokens.clear();
        }
        tokens.insert(Fingerprint::of(token));
        self.some.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn tokens_of_ended_sessions_are_remembered_up_to_a_bound_and_no_others() {
        let ended = Ended::default();
        let refused = |reason| Err::<(), _>(Error::refused_because(Code::Unauthenticated, reason, ""));
        ended.learn("late", &refused("TOKEN_EXPIRED"));
        ended.learn("good", &Ok(()));
        ended.learn("ended", &refused("SESSION_ENDED"));
        assert_eq!(["late", "good", "ended"].map(|token| ended.has(token)), [false, false, true]);
        for n in 0..MAX_REMEMBERED {
            ended.learn(&n.to_string(), &refused("SESSION_ENDED"));
        }
        assert!(ended.tokens.read().unwrap().len() <= MAX_REMEMBERED);
    }
}
