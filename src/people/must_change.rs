//! Passwords that somebody was given and must replace before they can sign in.

use entity::user;

use super::sessions;
use crate::{
    access::password::{self, Turn},
    error::{Error, Result, UserCode, UserError},
    store::{Login, Store},
};

/// What stands in the way of signing in with a password that was given, and proven.
pub(super) fn required() -> Error {
    let message = "This password must be changed: send another one as newPassword beside it.";
    UserError::new(UserCode::Required, "newPassword", message).because("PASSWORD_CHANGE_REQUIRED").into()
}

/// Replaces the password of somebody who has just proven it, where they must; answers the hash that holds then.
pub(super) async fn settle(
    store: &Store,
    turn: &Turn,
    login: Login,
    (current, new): (&str, Option<&str>),
) -> Result<Option<String>> {
    let new = match (login.must_change, new) {
        (false, None) => return Ok(login.password),
        (true, None) => return Err(required()),
        (false, Some(_)) => {
            let message = "This password need not be changed; passwordChange does it.";
            let mistake = UserError::new(UserCode::Invalid, "newPassword", message);
            return Err(mistake.because("PASSWORD_CHANGE_NOT_REQUIRED").into());
        }
        (true, Some(new)) => new,
    };
    password::check(new, "newPassword", &[])?;
    if new == current {
        let mistake = UserError::new(UserCode::Invalid, "newPassword", "The new password is the current one.");
        return Err(mistake.because("PASSWORD_UNCHANGED").into());
    }
    let hash = turn.hash(new).await?;
    let mut change = store.begin().await?;
    change.written_by(login.user);
    // Locked, so that of several who bring a new password one does.
    let person = change.find::<user::Entity>(login.user.0).await?;
    password::check(new, "newPassword", &[&person.name, person.email.as_deref().unwrap_or_default()])?;
    if change.password(login.user).await? != login.password {
        let message = "The password was changed meanwhile.";
        return Err(UserError::new(UserCode::Conflict, "password", message).because("PASSWORD_CHANGED").into());
    }
    change.set_password(&[login.user], &hash).await?;
    sessions::revoke_all(&mut change, login.user, None).await?;
    change.commit().await?;
    Ok(Some(hash))
}
