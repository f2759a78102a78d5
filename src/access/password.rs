//! Passwords: what they must be like, and their hashes by argon2id.

mod common;

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version, password_hash};
use icu_normalizer::ComposingNormalizerBorrowed;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, Result, UserCode, UserError};
use common::Weakness;

/// The fewest characters of a password.
pub const SHORTEST: usize = 12;
/// The most characters of a password.
pub const LONGEST: usize = 128;

/// What one hash costs whoever computes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory: u32,
    /// How often the memory is gone over.
    pub passes: u32,
    /// How many lanes it has.
    pub lanes: u32,
}

impl Cost {
    /// The first choice of the OWASP Password Storage Cheat Sheet for argon2id.
    pub const OWASP: Self = Self { memory: 19_456, passes: 2, lanes: 1 };
    /// The least that argon2 takes: for tests, which sign in often.
    pub const LEAST: Self = Self { memory: 8, passes: 1, lanes: 1 };
}

impl Default for Cost {
    fn default() -> Self {
        Self::OWASP
    }
}

/// Hashes and verifies passwords, at most one a core at a time: each takes megabytes and
/// milliseconds, and a flood of them must not take the whole machine.
#[derive(Clone)]
pub struct Passwords {
    argon: Argon2<'static>,
    /// A hash of no password, at the same cost as a real one.
    nobody: Arc<str>,
    turns: Arc<Semaphore>,
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Passwords").field("turns", &self.turns.available_permits()).finish_non_exhaustive()
    }
}

impl Passwords {
    /// At this cost, which must be one that argon2 takes.
    pub fn new(cost: Cost) -> Result<Self> {
        let params = Params::new(cost.memory, cost.passes, cost.lanes, None)
            .map_err(|error| Error::internal(error.to_string()))?;
        let nobody = format!(
            "$argon2id$v=19$m={},t={},p={}${}${}",
            cost.memory,
            cost.passes,
            cost.lanes,
            "A".repeat(22),
            "A".repeat(43)
        );
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        Ok(Self { argon, nobody: nobody.into(), turns: Arc::new(Semaphore::new(cores)) })
    }

    /// Waits until a password can be worked on.
    pub async fn turn(&self) -> Result<Turn> {
        let permit = self.turns.clone().acquire_owned().await.map_err(Error::internal)?;
        Ok(Turn { passwords: self.clone(), permit: Arc::new(permit) })
    }

    /// A new password's hash.
    pub async fn hash(&self, password: &str) -> Result<String> {
        self.turn().await?.hash(password).await
    }
}

/// The right to work on a password now.
#[derive(Debug)]
pub struct Turn {
    passwords: Passwords,
    permit: Arc<OwnedSemaphorePermit>,
}

impl Turn {
    /// Whether a hash is this password's. Where there is no hash, the answer is no and takes as long.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool> {
        // No stored password is longer, so what is longer is compared with nobody's.
        let fits = password.chars().nth(LONGEST).is_none();
        let known = hash.is_some() && fits;
        let hash = hash.filter(|_| fits).unwrap_or(&self.passwords.nobody).to_owned();
        let password = if fits { normal(password) } else { String::new() };
        let matches =
            self.work(move |argon| match PasswordVerifier::<str>::verify_password(argon, password.as_bytes(), &hash) {
                Ok(()) => Ok(true),
                Err(password_hash::Error::PasswordInvalid) => Ok(false),
                Err(error) => Err(Error::internal(format!("a stored password hash cannot be read: {error}"))),
            });
        Ok(matches.await? && known)
    }

    /// A new password's hash.
    pub async fn hash(&self, password: &str) -> Result<String> {
        let password = normal(password);
        self.work(move |argon| match argon.hash_password(password.as_bytes()) {
            Ok(hash) => Ok(hash.to_string()),
            Err(error) => Err(Error::internal(error.to_string())),
        })
        .await
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce(&Argon2<'_>) -> Result<T> + Send + 'static) -> Result<T> {
        // The work goes on where its caller goes away, so it holds the turn itself.
        let (argon, permit) = (self.passwords.argon.clone(), self.permit.clone());
        let done = tokio::task::spawn_blocking(move || {
            let done = work(&argon);
            drop(permit);
            done
        });
        done.await.map_err(Error::internal)?
    }
}

/// The same characters typed on different machines are the same password.
fn normal(password: &str) -> String {
    ComposingNormalizerBorrowed::new_nfkc().normalize(password).into_owned()
}

/// Whether a new password is accepted: its length, and that it is not among those guessed first.
/// `own` are the person's name and e-mail address, of which it may not be made.
pub fn check(password: &str, field: &str, own: &[&str]) -> Result<()> {
    let length = password.chars().count();
    if length < SHORTEST {
        let message = format!("The password must have at least {SHORTEST} characters; it has {length}.");
        return Err(UserError::new(UserCode::TooShort, field, message).because("PASSWORD_TOO_SHORT").into());
    }
    if length > LONGEST {
        let message = format!("The password must have at most {LONGEST} characters; it has {length}.");
        return Err(UserError::new(UserCode::TooLong, field, message).because("PASSWORD_TOO_LONG").into());
    }
    let (reason, message) = match common::weakness(password, own) {
        None => return Ok(()),
        Some(Weakness::Common) => ("PASSWORD_COMMON", "This password is too common; choose several unrelated words."),
        Some(Weakness::Personal) => {
            ("PASSWORD_PERSONAL", "The password must not be based on the user's name or e-mail address.")
        }
    };
    Err(UserError::new(UserCode::Invalid, field, message).because(reason).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cheap() -> Passwords {
        Passwords::new(Cost::LEAST).expect("argon2 takes its least")
    }

    #[tokio::test]
    async fn a_hash_matches_its_password_and_no_other() {
        let passwords = cheap();
        let hash = passwords.hash("correct horse battery").await.unwrap();
        let turn = passwords.turn().await.unwrap();
        assert!(turn.verify("correct horse battery", Some(&hash)).await.unwrap());
        assert!(!turn.verify("correct horse batterx", Some(&hash)).await.unwrap());
        assert!(!turn.verify(&"x".repeat(200), Some(&hash)).await.unwrap());
        assert!(hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{hash}");
        assert_ne!(hash, passwords.hash("correct horse battery").await.unwrap());
    }

    #[tokio::test]
    async fn composed_and_decomposed_letters_are_the_same() {
        let passwords = cheap();
        let hash = passwords.hash("b\u{fc}cherwurm im regal").await.unwrap();
        assert!(passwords.turn().await.unwrap().verify("bu\u{308}cherwurm im regal", Some(&hash)).await.unwrap());
    }

    #[tokio::test]
    async fn nobody_has_no_password_and_their_hash_costs_the_same() {
        for cost in [Cost::LEAST, Cost::OWASP] {
            let passwords = Passwords::new(cost).unwrap();
            let turn = passwords.turn().await.unwrap();
            assert!(!turn.verify("", None).await.unwrap());
            let real = turn.hash("correct horse battery").await.unwrap();
            let price = |hash: &str| hash.rsplitn(3, '$').last().unwrap().to_owned();
            assert_eq!(price(&real), price(&passwords.nobody));
            assert_eq!(real.len(), passwords.nobody.len());
        }
    }

    #[test]
    fn lengths_are_counted_in_characters() {
        let reason = |password: &str| match check(password, "password", &[]) {
            Err(Error::Input(mistakes)) => mistakes[0].reason.clone().unwrap_or_default().into_owned(),
            other => format!("{other:?}"),
        };
        assert_eq!(reason("äöüßéñ çåø."), "PASSWORD_TOO_SHORT");
        assert_eq!(reason("äöüßéñ çåøæ."), "Ok(())");
        let long: String = "wörter ohne ende ".chars().cycle().take(129).collect();
        assert_eq!(reason(&long), "PASSWORD_TOO_LONG");
        assert_eq!(reason(&long.chars().take(128).collect::<String>()), "Ok(())");
        assert_eq!(reason("passwordpassword"), "PASSWORD_COMMON");
    }
}
