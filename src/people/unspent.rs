//! Tokens that this process has given and nobody has used yet: whoever has one does not guess, and is not held up by
//! those at the same address who do.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use crate::access::key::Fingerprint;

/// The most tokens that are remembered; where there are more, all count as guesses until they are given anew.
const MAX_REMEMBERED: usize = 100_000;

/// The tokens: refresh tokens, and those of invitations and for other passwords.
#[derive(Debug, Default)]
pub(super) struct Unspent(Mutex<HashSet<Fingerprint>>);

impl Unspent {
    /// Remembers a token.
    pub(super) fn note(&self, token: &str) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= MAX_REMEMBERED {
            tokens.clear();
        }
        tokens.insert(Fingerprint::of(token));
    }

    /// Whether a token was given here; used again, it is a guess like any other.
    pub(super) fn take(&self, token: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&Fingerprint::of(token.trim()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_once() {
        let unspent = Unspent::default();
        unspent.note("good");
        assert_eq!([unspent.take("bad"), unspent.take(" good "), unspent.take("good")], [false, true, false]);
    }
}
