//! Puts the demo company into an empty database, with a password for everybody who may sign in.

use std::{fmt, sync::Arc};

use super::{Login, company, load};
use crate::{
    access::{
        Purpose,
        password::{self, Passwords},
    },
    error::{Error, Result},
    people::admin,
    roles::administrators,
    store::{Backend, fold},
};

/// The company is the same every time; only its two years end at the present.
const SEED: u64 = 7;

/// Who can sign in, and how, for printing.
#[derive(Debug)]
pub struct Logins {
    logins: Vec<Login>,
    password: Option<String>,
}

impl fmt::Display for Logins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for login in &self.logins {
            writeln!(f, "{:<32} {:<18} {}", login.email, login.role_key, login.name)?;
        }
        match &self.password {
            Some(password) => write!(f, "Password of all: {password}"),
            None => write!(f, "Password of all: as printed at the first start, or set TANDEM_DEMO_PASSWORD."),
        }
    }
}

/// Loads the demo company where the database is empty; where it is there already, finds it.
pub async fn prepare(backend: &Arc<Backend>, passwords: &Passwords, password: Option<&str>) -> Result<Logins> {
    let there = admin::list_users(backend).await?;
    let new = there.is_empty();
    if !new && !there.iter().any(|person| person.email.as_deref() == Some("admin@demo.tandem")) {
        return Err(Error::internal("the database holds another company's records; the demo needs an empty one"));
    }
    let password = match password {
        Some(password) => Some(password.to_owned()),
        None if new => Some(made_up()),
        None => None,
    };
    let demo = company(SEED, backend.now(), fold);
    let hash = match &password {
        Some(password) => {
            password::check(password, "password", &[])?;
            Some(passwords.hash(password).await?)
        }
        None => None,
    };
    let mut change = backend.as_system(Purpose::Demo).begin().await?;
    if new {
        load(&mut change, &demo).await?;
        for login in &demo.logins {
            administrators::assign_role(&mut change, login.user_id, login.role_key).await?;
        }
        change.rebuild_reach();
    }
    if let Some(hash) = &hash {
        // The company was made at another moment, so its people are found by their addresses.
        let known = |login: &Login| {
            there
                .iter()
                .find(|person| person.email.as_deref() == Some(&login.email))
                .map_or(login.user_id, |person| person.id)
        };
        admin::insert_credentials_bulk(&mut change, &demo.logins.iter().map(known).collect::<Vec<_>>(), hash).await?;
    }
    change.commit().await?;
    Ok(Logins { logins: demo.logins, password })
}

/// Four groups of four letters and digits, without those that look alike.
fn made_up() -> String {
    const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
    let letter = |_| char::from(LETTERS[usize::from(rand::random::<u8>()) % LETTERS.len()]);
    (0..4).map(|_| (0..4).map(letter).collect::<String>()).collect::<Vec<_>>().join("-")
}
