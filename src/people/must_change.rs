//! Passwords that somebody was given and must replace before they can sign in.

use super::{passwords, proof::Proof};
use crate::{
    access::password::Turn,
    error::{Error, Result, UserCode, UserError},
    store::{Login, Store},
};

/// What stands in the way of signing in with a password that was given, and proven.
pub(super) fn required() -> Error {
    let message = "The password must be changed: send a new one as newPassword together with it.";
    UserError::new(UserCode::Required, "newPassword", message).because("PASSWORD_CHANGE_REQUIRED").into()
}

/// Replaces the password of somebody who has just proven it, where they must; answers the hash that holds then.
pub(super) async fn settle(
    store: &Store,
    (turn, proof): (&Turn, &Proof),
    login: Login,
    (current, new): (&str, Option<&str>),
) -> Result<Option<String>> {
    let new = match (login.must_change, new) {
        (false, None) => return Ok(login.password),
        (true, None) => return Err(required()),
        (false, Some(_)) => {
            let message = "The password does not have to be changed here; use passwordChange.";
            let mistake = UserError::new(UserCode::Invalid, "newPassword", message);
            return Err(mistake.because("PASSWORD_CHANGE_NOT_REQUIRED").into());
        }
        (true, Some(new)) => new,
    };
    let passwords = (login.password.as_deref(), current, new);
    passwords::replace(store, (turn, proof), login.user, passwords, ("password", None)).await.map(Some)
}
