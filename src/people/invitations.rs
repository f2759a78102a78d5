//! Somebody joins: invited by a token, they set their own password by it.

use entity::{Department, Instant, Kind, UserStatus, role, user, user::UserId};
use serde_json::{Map, Value as Json};
use tracing::Instrument;

use super::{
    authority::Authority,
    sessions::{self, Tokens},
};
use crate::{
    access::{Action, Origin, Purpose, password, token},
    error::{Error, Result, UserCode, UserError},
    roles::{self, holding},
    store::{Change, Draft, Store, value},
};

/// How long an invitation is good, in milliseconds.
pub const LASTS: i64 = 7 * 24 * 60 * 60 * 1000;

/// How long a token to reset a password is good, in milliseconds.
pub const RESET_LASTS: i64 = 24 * 60 * 60 * 1000;

/// For what a token is sent in. Either sets the password of the same person, who has one live token at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// To join.
    Invitation,
    /// To choose another password.
    Reset,
}

/// Somebody who is to join.
#[derive(Clone, Debug)]
pub struct Newcomer {
    /// Full name.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// Job title.
    pub title: Option<String>,
    /// Where they work.
    pub department: Department,
    /// Global ids of the roles they hold from the start.
    pub roles: Vec<String>,
}

/// What an inviter passes on.
#[derive(Clone)]
pub struct Invitation {
    /// Who may join.
    pub user: UserId,
    /// By what: known here and now alone.
    pub token: String,
    /// Until when.
    pub expires_at: Instant,
}

impl std::fmt::Debug for Invitation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Invitation")
            .field("user", &self.user)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Makes a person without a password, gives them their roles, and invites them.
pub async fn invite(store: &Store, newcomer: Newcomer) -> Result<Invitation> {
    store.require_sign_in()?;
    store.require(Kind::User, Action::Create, "invite users")?;
    let roles = role_ids(&newcomer.roles)?;
    let mut change = store.begin().await?;
    let user = hire(&mut change, newcomer).await?;
    for (n, role) in roles.into_iter().enumerate() {
        let assigned = holding::assign(&mut change, role, user).await;
        assigned.map_err(|error| at(&format!("roleIds.{n}"), error))?;
    }
    let invitation = give(&mut change, user, LASTS).await?;
    change.commit().await?;
    Ok(invitation)
}

/// Gives a token by which somebody sets another password, whether they have joined or not; the one before is void.
/// What they have now holds until the token is used.
pub async fn reset(store: &Store, user: UserId) -> Result<Invitation> {
    store.require_sign_in()?;
    let mut change = store.begin().await?;
    let person = change.find::<user::Entity>(user.0).await?;
    store.require(Kind::User, Action::Manage, "reset passwords")?;
    // Whoever has the token can become this person.
    roles::must_cover(&change, user, "reset this user's password").await?;
    may_sign_in(&person)?;
    let token = give(&mut change, user, RESET_LASTS).await?;
    change.commit().await?;
    Ok(token)
}

/// Gives another token to somebody who has not joined yet; the one before is void.
pub async fn reinvite(store: &Store, user: UserId) -> Result<Invitation> {
    store.require_sign_in()?;
    let mut change = store.begin().await?;
    let person = change.find::<user::Entity>(user.0).await?;
    store.require(Kind::User, Action::Create, "invite users")?;
    // Whoever has the token can become this person.
    roles::must_cover(&change, user, "invite this user again").await?;
    may_sign_in(&person)?;
    if change.as_system(Purpose::SignIn, async |change| change.password(user).await).await?.0.is_some() {
        let message = "The user already has a password; use userPasswordResetCreate to reset it.";
        return Err(stuck("ALREADY_JOINED", message));
    }
    let invitation = give(&mut change, user, LASTS).await?;
    change.commit().await?;
    Ok(invitation)
}

/// Who gets a token is in service and has an address to sign in by.
fn may_sign_in(person: &user::Model) -> Result<()> {
    if person.status != UserStatus::Active {
        return Err(stuck("USER_DEACTIVATED", "The user is deactivated."));
    }
    if person.email.is_none() {
        return Err(stuck("EMAIL_MISSING", "The user has no e-mail address to sign in with; set it first."));
    }
    Ok(())
}

fn stuck(reason: &'static str, message: &str) -> Error {
    UserError::new(UserCode::InvalidTransition, "id", message).because(reason).into()
}

/// Sets the password of whoever this token was given for, ends their sessions, and signs them in. It runs to its
/// end where the client goes away.
pub async fn accept(
    authority: &Authority,
    store: &Store,
    (sent, token): (Sent, &str),
    password: &str,
    origin: &Origin,
) -> Result<Tokens> {
    let (authority, store, origin) = (authority.clone(), store.as_system(Purpose::SignIn), origin.clone());
    let (hash, password) = (token::hash(token.trim()), password.to_owned());
    let work = async move {
        password::check(&password, "password", &[])?;
        let Some(invited) = store.invitation(&hash).await? else {
            tracing::info!(address = ?origin.address, "an invitation that there is none of");
            return Err(invalid(sent));
        };
        if invited.expires_at <= store.now() {
            let (reason, what) = match sent {
                Sent::Invitation => ("INVITATION_EXPIRED", "invitation"),
                Sent::Reset => ("PASSWORD_RESET_EXPIRED", "token"),
            };
            let message = format!("The {what} has expired; request a new one.");
            return Err(UserError::new(UserCode::Invalid, "token", message).because(reason).into());
        }
        let signing = authority.signing_key().await?;
        let turn = authority.passwords().turn().await?;
        let secret = turn.hash(&password).await?;
        let mut change = store.begin().await?;
        change.written_by(invited.user);
        // Locked, so that nobody deactivates them meanwhile.
        let person = change.find::<user::Entity>(invited.user.0).await?;
        password::check(&password, "password", &[&person.name, person.email.as_deref().unwrap_or_default()])?;
        if person.status != UserStatus::Active || !change.claim_invitation(&hash).await? {
            return Err(invalid(sent));
        }
        change.set_password(&[invited.user], &secret).await?;
        // Whoever knew the password before is not let in by it any longer.
        sessions::revoke_all(&mut change, invited.user, None).await?;
        sessions::session_of(change, &signing, invited.user, &origin).await
    };
    tokio::spawn(work.in_current_span()).await.map_err(Error::internal)?
}

async fn hire(change: &mut Change, newcomer: Newcomer) -> Result<UserId> {
    let mut input: Map<String, Json> = Map::new();
    input.insert("name".to_owned(), newcomer.name.into());
    input.insert("email".to_owned(), newcomer.email.into());
    input.insert("department".to_owned(), newcomer.department.as_str().into());
    if let Some(title) = newcomer.title {
        input.insert("title".to_owned(), title.into());
    }
    let draft = Draft::read(Kind::User, &input, true, (&change.store().actor().policy, &[]))?;
    let person = change.create::<user::Entity>(draft).await?;
    if person.email.is_none() {
        return Err(Error::input(UserCode::Required, "email", "email is required."));
    }
    Ok(person.id)
}

async fn give(change: &mut Change, user: UserId, lasts: i64) -> Result<Invitation> {
    let token = token::invitation();
    let expires_at = Instant(change.store().now().0 + lasts);
    let hash = token::hash(&token);
    change.as_system(Purpose::SignIn, async |change| change.invite(user, &hash, expires_at).await).await?;
    Ok(Invitation { user, token, expires_at })
}

fn role_ids(ids: &[String]) -> Result<Vec<role::RoleId>> {
    let mut roles = Vec::with_capacity(ids.len());
    for (n, id) in ids.iter().enumerate() {
        let role = value::key(Kind::Role, id)
            .map_err(|misfit| Error::input(misfit.code, &format!("roleIds.{n}"), misfit.message))?;
        if !roles.contains(&role::RoleId(role)) {
            roles.push(role::RoleId(role));
        }
    }
    Ok(roles)
}

/// The mistakes of a step as mistakes of the field that led to it.
fn at(field: &str, error: Error) -> Error {
    let Error::Input(mut mistakes) = error else { return error };
    for mistake in &mut mistakes {
        mistake.field = field.split('.').map(str::to_owned).collect();
    }
    Error::Input(mistakes)
}

fn invalid(sent: Sent) -> Error {
    let (reason, what) = match sent {
        Sent::Invitation => ("INVITATION_INVALID", "invitation"),
        Sent::Reset => ("PASSWORD_RESET_INVALID", "token"),
    };
    let message = format!("The {what} is not valid: it was used, replaced or revoked.");
    UserError::new(UserCode::Invalid, "token", message).because(reason).into()
}
