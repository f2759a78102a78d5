//! People and roles after what the issuer says of them.

use entity::{
    Record, UserStatus, role, role_assignment,
    user::{self, UserId},
};

use super::Settings;
use crate::{
    access::oidc::Claims,
    error::{Code, Error, Result, UserCode},
    roles::{
        administrators,
        holding::{self, Giver},
    },
    store::{Change, Draft, Identity, Store},
    text,
};

/// How often a first token is looked at again where somebody took the same e-mail address meanwhile.
const TRIES: usize = 3;

/// Writes down what a token says: who it is, and which roles they hold by it.
pub(super) async fn provision(store: &Store, settings: &Settings, claims: &Claims, roles: &str) -> Result<Identity> {
    for _ in 1..TRIES {
        match once(store, settings, claims, roles).await {
            Err(Error::Input(mistakes)) if mistakes.iter().any(|mistake| mistake.code == UserCode::Taken) => {}
            done => return done,
        }
    }
    once(store, settings, claims, roles).await
}

async fn once(store: &Store, settings: &Settings, claims: &Claims, roles: &str) -> Result<Identity> {
    let subject = (settings.rules.issuer.as_str(), claims.subject.as_str());
    let mut change = store.begin().await?;
    let known = change.identity(subject.0, subject.1).await?;
    // Another request may have written it while this one waited.
    if let Some(known) = &known
        && (claims.issued_at < known.latest || (claims.issued_at == known.claimed_at && known.roles == roles))
    {
        change.roll_back().await?;
        return Ok(known.clone());
    }
    let user = match &known {
        Some(known) => known.user,
        None => recognise(&mut change, settings, claims).await?,
    };
    change.written_by(user);
    let person = change.find::<user::Entity>(user.0).await?;
    if person.status != UserStatus::Active {
        return Err(super::deactivated());
    }
    hold(&mut change, user, roles).await?;
    change.keep_identity(subject, user, (roles, claims.issued_at)).await?;
    change.commit().await?;
    let latest = known.map_or(claims.issued_at, |known| known.latest.max(claims.issued_at));
    Ok(Identity { user, roles: roles.to_owned(), claimed_at: claims.issued_at, latest })
}

/// Who a subject is whom the issuer names for the first time: the person of the same e-mail address, where
/// the issuer vouches for it, or else somebody new.
async fn recognise(change: &mut Change, settings: &Settings, claims: &Claims) -> Result<UserId> {
    let email = claims.email().filter(|(email, _)| text::email(email).is_some());
    let found = match &email {
        Some((email, _)) => change.unscoped_rows::<user::Entity>("email", email.as_str()).await?.into_iter().next(),
        None => None,
    };
    match (found, &email) {
        (Some(person), Some((_, true))) => {
            tracing::info!(user = %person.id, "a person is known to the issuer from now on");
            // Whoever invited them was trusted with less than the issuer's groups may give.
            change.withdraw_invitations(&[person.id]).await?;
            change.record_issuer(person.id, &settings.rules.issuer).await?;
            Ok(person.id)
        }
        (Some(_), _) => Err(Error::refused_because(
            Code::Unauthenticated,
            "EMAIL_UNVERIFIED",
            "A user with your e-mail address exists, and the issuer has not verified the address.",
        )),
        (None, _) => create(change, settings, claims, email).await,
    }
}

async fn create(
    change: &mut Change,
    settings: &Settings,
    claims: &Claims,
    email: Option<(String, bool)>,
) -> Result<UserId> {
    let table = user::Entity::table();
    let longest = |column| table.column(column).map_or(0, |field| field.max);
    let id = UserId(change.store().backend().new_id());
    let mut draft = Draft::default();
    draft.set(table, "id", id.0);
    draft.set(table, "name", claims.name(longest("name")));
    let email = email.filter(|(email, verified)| *verified && email.chars().count() <= longest("email"));
    draft.set(table, "email", email.map(|(email, _)| email));
    let department = settings.department.as_deref().and_then(|path| claims.department(path));
    draft.set(table, "department", department.unwrap_or(entity::Department::Other).as_str());
    change.written_by(id);
    change.create::<user::Entity>(draft).await?;
    tracing::info!(user = %id, "the issuer has brought a person");
    Ok(id)
}

/// Gives the roles that the token's groups give, and takes those that no group gives any more. What was
/// given by hand stays.
async fn hold(change: &mut Change, user: UserId, roles: &str) -> Result<()> {
    let held = change.unscoped_rows::<role_assignment::Entity>("user_id", user).await?;
    let mut wanted = Vec::new();
    for key in roles.split_whitespace() {
        match change.unscoped_rows::<role::Entity>("key", key).await?.first() {
            // The mapping was written for the role that is gone. Whoever makes another one by its key need not be
            // somebody who may give people roles.
            Some(_) if change.unscoped_was_there::<role::Entity>("key", key).await? => {
                tracing::warn!(role = key, user = %user, "--oidc-roles names a role that was deleted and made anew; no group gives it");
            }
            Some(role) => wanted.push(role.id),
            None => {
                tracing::warn!(role = key, user = %user, "--oidc-roles names a role that is gone; it gives nothing");
            }
        }
    }
    for role in wanted.iter().filter(|role| !held.iter().any(|assignment| assignment.role_id == **role)) {
        holding::give(change, *role, user, Giver::Issuer).await?;
    }
    for assignment in held.iter().filter(|held| held.from_issuer && !wanted.contains(&held.role_id)) {
        if last_admin(change, assignment).await? {
            tracing::warn!(user = %user, "the last active administrator stays one, whatever the issuer says");
            continue;
        }
        change.archive::<role_assignment::Entity>(assignment.id.0, None, true).await?;
    }
    Ok(())
}

/// Whether without this assignment nobody active would hold the administrators' role.
async fn last_admin(change: &mut Change, assignment: &role_assignment::Model) -> Result<bool> {
    let administers = change.unscoped_rows::<role::Entity>("key", administrators::ADMIN).await?;
    if administers.first().is_none_or(|role| role.id != assignment.role_id) {
        return Ok(false);
    }
    administrators::is_last(change, assignment.user_id).await
}
