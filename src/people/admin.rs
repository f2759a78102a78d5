//! What whoever runs the machine does with people: the first administrator, users, passwords, roles.

use std::sync::Arc;

use entity::{Department, Record, UserStatus, user, user::UserId};

use super::passwords::{Given, give_password};
use crate::{
    access::{
        Actor, Purpose,
        password::{self, Passwords},
    },
    error::{Code, Error, Result, UserCode},
    roles::administrators::{ADMIN, active_admins, assign_role},
    store::{Backend, Change, Draft, Person},
};

/// Makes the first administrator where there is no active one; tells whether it did. A person of
/// this e-mail address becomes one, with this password.
pub async fn ensure_first_admin(
    backend: &Arc<Backend>,
    passwords: &Passwords,
    email: &str,
    password: &str,
) -> Result<bool> {
    let store = backend.as_system(Purpose::CommandLine);
    let none = async |change: &mut Change| Ok::<_, Error>(active_admins(change).await?.is_empty());
    let mut change = store.begin().await?;
    let needed = none(&mut change).await?;
    change.roll_back().await?;
    if !needed {
        return Ok(false);
    }
    password::check(password, "password", &[email])?;
    let hash = passwords.hash(password).await?;
    let mut change = store.begin().await?;
    // Another process may have been faster: the role's row is locked from here on.
    if !none(&mut change).await? {
        return Ok(false);
    }
    let user = match by_email(&change, email).await? {
        Some(person) => {
            change.edit::<user::Entity>(person.id.0, |row| row.status = UserStatus::Active).await?;
            person.id
        }
        None => hire(&mut change, "Administrator", email, Department::It).await?,
    };
    assign_role(&mut change, user, ADMIN).await?;
    insert_credentials_bulk(&mut change, &[user], &hash).await?;
    change.commit().await?;
    Ok(true)
}

/// Makes somebody who may sign in.
pub async fn create_user(
    backend: &Arc<Backend>,
    passwords: &Passwords,
    (name, email): (&str, &str),
    (department, role): (Department, &str),
    given: impl Into<Given<'_>>,
) -> Result<UserId> {
    let given = given.into();
    password::check(given.password, "password", &[name, email])?;
    let hash = passwords.hash(given.password).await?;
    let mut change = backend.as_system(Purpose::CommandLine).begin().await?;
    let user = hire(&mut change, name, email, department).await?;
    assign_role(&mut change, user, role).await?;
    change.give_password(&[user], &hash, given.must_change).await?;
    change.commit().await?;
    Ok(user)
}

/// Everybody, by name.
pub async fn list_users(backend: &Arc<Backend>) -> Result<Vec<Person>> {
    backend.as_system(Purpose::CommandLine).everybody().await
}

/// Gives somebody another password and ends their sessions.
pub async fn set_password(
    backend: &Arc<Backend>,
    passwords: &Passwords,
    email: &str,
    given: impl Into<Given<'_>>,
) -> Result<()> {
    let store = backend.as_system(Purpose::CommandLine);
    let person = store.login(&folded(email)).await?.ok_or_else(|| unknown(email))?;
    give_password(&store, passwords, person.user, given.into()).await
}

/// Acts for somebody without a session, as commands do that a person is to answer for.
pub async fn actor_for(backend: &Arc<Backend>, email: &str) -> Result<Actor> {
    let person = backend.as_system(Purpose::CommandLine).login(&folded(email)).await?.ok_or_else(|| unknown(email))?;
    let known = backend.known(person.user, None).await?;
    if !known.good {
        return Err(Error::refused_because(Code::Forbidden, "USER_DEACTIVATED", format!("{email} is deactivated.")));
    }
    Ok(Actor::person(person.user, None, known.department, known.policy))
}

/// Gives several people the password of one hash. For Tandem itself.
pub async fn insert_credentials_bulk(change: &mut Change, users: &[UserId], hash: &str) -> Result<()> {
    change.set_password(users, hash).await
}

async fn hire(change: &mut Change, name: &str, email: &str, department: Department) -> Result<UserId> {
    let table = user::Entity::table();
    let mut input = serde_json::Map::new();
    input.insert("name".to_owned(), name.into());
    input.insert("email".to_owned(), folded(email).into());
    // Read as a client's input is, so that the same forms are asked for.
    let mut draft = Draft::read(entity::Kind::User, &input, true, (&change.store().actor().policy, &[]))?;
    draft.set(table, "department", department.as_str());
    Ok(change.create::<user::Entity>(draft).await?.id)
}

async fn by_email(change: &Change, email: &str) -> Result<Option<user::Model>> {
    Ok(change.unscoped_rows::<user::Entity>("email", folded(email)).await?.into_iter().next())
}

fn folded(email: &str) -> String {
    crate::text::email_key(email)
}

fn unknown(email: &str) -> Error {
    Error::input(
        UserCode::NotFound,
        "email",
        format!("There is no user with the e-mail address {}.", crate::store::value::short(email)),
    )
}
