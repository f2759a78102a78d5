//! Another password: one's own, or somebody's for whoever administers people.

use entity::{
    Kind,
    session::SessionId,
    user::{self, UserId},
};
use tracing::Instrument;

use super::{
    authority::Authority,
    proof::{Claimant, Proof},
    sessions::{person, revoke_all},
};
use crate::{
    access::{
        Action, Origin, Purpose,
        password::{self, Passwords, Turn},
    },
    error::{Error, Result, UserCode, UserError},
    roles,
    store::{Change, Store},
};

/// A password that somebody is given.
#[derive(Clone, Copy)]
pub struct Given<'p> {
    /// The password.
    pub password: &'p str,
    /// Whether they must change it before they can sign in.
    pub must_change: bool,
}

impl std::fmt::Debug for Given<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Given").field("must_change", &self.must_change).finish_non_exhaustive()
    }
}

impl<'p> From<&'p str> for Given<'p> {
    fn from(password: &'p str) -> Self {
        Self { password, must_change: false }
    }
}

impl Authority {
    /// Gives the caller another password and ends their other sessions.
    pub async fn change_password(&self, store: &Store, current: &str, new: &str, origin: &Origin) -> Result<UserId> {
        let (user, session) = person(store)?;
        password::check(new, "newPassword", &[])?;
        let (authority, store, origin) = (self.clone(), store.as_system(Purpose::SignIn), origin.clone());
        let (current, new) = (current.to_owned(), new.to_owned());
        let work = async move {
            let (email, login) = store.login_of(user).await?.ok_or_else(|| Error::internal("the caller is gone"))?;
            let email = email.unwrap_or_else(|| user.to_string());
            // Whoever has the session has the device.
            let claimant = Claimant::new(&email, origin.address, Some(user), session);
            let proof = authority.prove(&store, claimant, (&current, login.password.as_deref()), true).await;
            let (turn, proof) = proof.map_err(|error| match error {
                Error::Input(_) => {
                    UserError::new(UserCode::Invalid, "currentPassword", "The current password is wrong.")
                        .because("INVALID_CREDENTIALS")
                        .into()
                }
                error => error,
            })?;
            let passwords = (login.password.as_deref(), &*current, &*new);
            let replaced = replace(&store, (&turn, &proof), user, passwords, ("currentPassword", session)).await;
            // Others wait for their turn.
            drop(turn);
            forgiven(&store, &proof, replaced).await?;
            Ok(user)
        };
        tokio::spawn(work.in_current_span()).await.map_err(Error::internal)?
    }

    /// Gives somebody a password and ends their sessions; for whoever may administer people.
    pub async fn set_password(&self, store: &Store, user: UserId, given: Given<'_>) -> Result<()> {
        store.require_sign_in()?;
        if store.reachable(Kind::User, Action::Read, &[user.0]).await?.is_empty() {
            return Err(Error::input(UserCode::NotFound, "id", "There is no User with this id."));
        }
        store.require(Kind::User, Action::Manage, "set passwords")?;
        give_password(store, self.passwords(), user, given).await
    }
}

/// Gives somebody a password and ends their sessions; the caller must hold what their roles permit.
pub(super) async fn give_password(store: &Store, passwords: &Passwords, user: UserId, given: Given<'_>) -> Result<()> {
    let password = given.password;
    password::check(password, "password", &[])?;
    let hash = passwords.hash(password).await?;
    let mut change = store.begin().await?;
    roles::must_cover(&change, user, "set this user's password").await?;
    let give = async |change: &mut Change| {
        let person = change.find::<user::Entity>(user.0).await?;
        password::check(password, "password", &[&person.name, person.email.as_deref().unwrap_or_default()])?;
        if person.email.is_none() {
            let message = "The user has no e-mail address to sign in with; set it first.";
            return Err(UserError::new(UserCode::Required, "email", message).because("EMAIL_MISSING").into());
        }
        change.give_password(&[user], &hash, given.must_change).await?;
        revoke_all(change, user, None).await.map(|_| ())
    };
    change.as_system(Purpose::SignIn, give).await?;
    change.commit().await
}

/// Gives somebody who has just proven their password another one and ends their sessions but the one they are to keep;
/// answers the hash that holds then. `field` is the input that has the password of before.
pub(super) async fn replace(
    store: &Store,
    (turn, proof): (&Turn, &Proof),
    user: UserId,
    (before, current, new): (Option<&str>, &str, &str),
    (field, keep): (&str, Option<SessionId>),
) -> Result<String> {
    password::check(new, "newPassword", &[])?;
    if current == new {
        let mistake =
            UserError::new(UserCode::Invalid, "newPassword", "The new password must differ from the current one.");
        return Err(mistake.because("PASSWORD_UNCHANGED").into());
    }
    let hash = turn.hash(new).await?;
    let mut change = store.begin().await?;
    change.written_by(user);
    // Locked, so that nobody signs in with the old password meanwhile, and of several who bring a new one one does.
    let person = change.find::<entity::user::Entity>(user.0).await?;
    password::check(new, "newPassword", &[&person.name, person.email.as_deref().unwrap_or_default()])?;
    if change.password(user).await?.0.as_deref() != before {
        let message = "The password was changed in the meantime.";
        return Err(UserError::new(UserCode::Conflict, field, message).because("PASSWORD_CHANGED").into());
    }
    proof.forget(&mut change).await?;
    change.set_password(&[user], &hash).await?;
    revoke_all(&mut change, user, keep).await?;
    change.commit().await?;
    Ok(hash)
}

/// What came of something for which a password was proven. Where it is refused, the password was right all the same: the
/// failures before it are forgotten, so that it can be put right at once. One that was changed meanwhile is right no more.
pub(super) async fn forgiven<T>(store: &Store, proof: &Proof, done: Result<T>) -> Result<T> {
    let changed = |mistake: &UserError| mistake.reason.as_deref() == Some("PASSWORD_CHANGED");
    if matches!(&done, Err(Error::Input(mistakes)) if !mistakes.iter().any(changed))
        && let Err(error) = proof.forgive(store).await
    {
        tracing::warn!(%error, "failed sign-ins before a right password could not be forgotten");
    }
    done
}
