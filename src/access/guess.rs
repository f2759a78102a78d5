//! What a guess at a secret costs: taken from whoever calls before the database is asked whether it is right.

use std::{fmt, sync::Arc};

use crate::error::Result;

/// What somebody may guess at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guess {
    /// A refresh token.
    RefreshToken,
    /// The token of an invitation.
    Invitation,
    /// A token to reset a password.
    PasswordReset,
}

impl Guess {
    /// The name of the allowance that it is paid from.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RefreshToken => "refresh",
            Self::Invitation => "invitation",
            Self::PasswordReset => "password-reset",
        }
    }
}

type Charge = dyn Fn(Guess) -> Result<()> + Send + Sync;

/// Takes the cost of guesses from the address of a request; from nobody where there is none, as in commands.
#[derive(Clone, Default)]
pub struct Guesses(Option<Arc<Charge>>);

impl Guesses {
    /// Taken by this.
    pub fn charged_by(charge: impl Fn(Guess) -> Result<()> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(charge)))
    }

    /// Takes the cost of a guess, or tells when there will be enough.
    pub fn charge(&self, guess: Guess) -> Result<()> {
        self.0.as_ref().map_or(Ok(()), |charge| charge(guess))
    }
}

impl fmt::Debug for Guesses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Guesses").field(&self.0.is_some()).finish()
    }
}
