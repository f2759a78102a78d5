//! Nobody grants what they do not hold, and nobody takes over who holds more.

use entity::{Kind, role, role::RoleId, user::UserId};
use sea_orm::prelude::Uuid;

use crate::{
    access::{Action, Excess, Policy, Reach, Who},
    error::{Error, Result, UserCode, UserError},
    store::Change,
};

/// How much of what exceeds the actor's own permissions a message lists.
const LISTED: usize = 5;

/// Nobody grants what they do not hold: what a role, a key or an invitation permits afterwards and
/// did not before must be permitted to the actor. Tandem itself may grant everything.
pub fn must_hold(change: &Change, (before, after): (&Policy, &Policy), field: &str) -> Result<()> {
    let beyond = beyond(change, (before, after));
    if beyond.is_empty() {
        return Ok(());
    }
    Err(exceeds(field, format!("You cannot grant permissions that you do not have: {}.", listed(&beyond))))
}

/// The same for a role that somebody, a key or an invitation is to get: all that it permits.
pub async fn must_hold_role(change: &Change, role: RoleId, field: &str) -> Result<()> {
    permits(change, role, field).await.map(|_| ())
}

/// The same for a role by which a key acts for its owner: where that is somebody else than the actor, what is the
/// owner's own, or their teams', must be within the actor's reach.
pub async fn must_hold_for(change: &Change, (owner, role): (UserId, RoleId)) -> Result<()> {
    match permits(change, role, "roleId").await? {
        Some(policy) if change.store().actor().user() != Some(owner) => {
            must_hold(change, (&Policy::nothing(), &policy.widened(&Action::ALL)), "ownerId")
        }
        _ => Ok(()),
    }
}

/// What a live role permits, all of which the actor must hold; nothing is asked of Tandem itself.
pub(super) async fn permits(change: &Change, role: RoleId, field: &str) -> Result<Option<Policy>> {
    if matches!(change.store().actor().who, Who::System(_)) {
        return Ok(None);
    }
    let roles = change.unscoped_rows::<role::Entity>("id", role).await?;
    let Some(role) = roles.first() else {
        return Err(Error::input(UserCode::NotFound, field, "There is no Role with this id, or it is archived."));
    };
    let policy = policy(role);
    must_hold(change, (&Policy::nothing(), &policy), field)?;
    Ok(Some(policy))
}

/// Who decides about somebody's role, password, address or sign-in could act as them: they must
/// hold all that this person's roles permit. `what` completes the sentence “You may not …”.
pub async fn must_cover(change: &Change, user: UserId, what: &str) -> Result<()> {
    must_cover_all(change, &[user], what).await
}

/// The same for several people.
pub async fn must_cover_all(change: &Change, users: &[UserId], what: &str) -> Result<()> {
    let actor = change.store().actor();
    // People decide about themselves; a key is not the person who answers for it.
    let own = |user: &UserId| actor.user() == Some(*user) && actor.api_key().is_none();
    let others: Vec<Uuid> = users.iter().filter(|user| !own(user)).map(|user| user.0).collect();
    if matches!(actor.who, Who::System(_)) || others.is_empty() {
        return Ok(());
    }
    for held in change.roles_held(&others).await?.chunk_by(|one, other| one.user == other.user) {
        let roles: Vec<Policy> = held.iter().map(|held| held.policy.clone()).collect();
        let beyond = beyond(change, (&Policy::nothing(), &Policy::union(&roles).widened(&Action::ALL)));
        if beyond.is_empty() {
            continue;
        }
        // What somebody else may do is told to those alone who may see roles.
        let sees = |kind| actor.policy.reach(kind, Action::Read) == Reach::All;
        let told = sees(Kind::Role) && sees(Kind::RoleAssignment);
        let more = if told { format!(": {}", listed(&beyond)) } else { ".".to_owned() };
        return Err(exceeds(
            "",
            format!("You cannot {what}, because the user has permissions that you do not have{more}"),
        ));
    }
    Ok(())
}

/// The same for an API key, which may do what its one role permits.
pub(super) fn must_cover_key(change: &Change, policy: &Policy, what: &str) -> Result<()> {
    match beyond(change, (&Policy::nothing(), policy)).as_slice() {
        [] => Ok(()),
        beyond => Err(exceeds(
            "",
            format!("You cannot {what}, because it has permissions that you do not have: {}", listed(beyond)),
        )),
    }
}

/// What a role's row permits.
pub(super) fn policy(role: &role::Model) -> Policy {
    Policy::encode(&role.grants.0, &role.field_rules.0)
}

fn beyond(change: &Change, (before, after): (&Policy, &Policy)) -> Vec<Excess> {
    let actor = change.store().actor();
    if matches!(actor.who, Who::System(_)) { vec![] } else { after.excess(before, &actor.policy) }
}

fn listed(beyond: &[Excess]) -> String {
    let named: Vec<String> = beyond.iter().take(LISTED).map(Excess::to_string).collect();
    let rest = beyond.len().saturating_sub(LISTED);
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    format!("{}{more}", named.join(", "))
}

fn exceeds(field: &str, message: String) -> Error {
    UserError::new(UserCode::Forbidden, field, message).because("EXCEEDS_OWN_PERMISSIONS").into()
}
