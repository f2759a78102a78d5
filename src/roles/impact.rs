//! What a change of rights would give or take, and to whom: asked by every way to change them, before it is made.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entity::{api_key, role, role::RoleId, role_assignment, user::UserId};
use sea_orm::prelude::Uuid;

use super::{effect::Effect, limits};
use crate::{
    access::{Action, Policy},
    error::Result,
    store::Change,
};

/// What one person or API key may do before a change and would afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Impact {
    /// The person who holds the role; nobody for an API key.
    holder: Option<UserId>,
    before: Policy,
    after: Policy,
}

impl Impact {
    /// Whether something is taken away: a permission, the sight of a field, or the right to change it.
    fn takes(&self) -> bool {
        let effect = Effect::between(&self.before, &self.after);
        !effect.losses.is_empty() || !effect.hidden.is_empty() || !effect.locked.is_empty()
    }
}

/// What another policy of a role means to those who hold it and to the API keys that act by it. A person is judged
/// by all their roles together: another role may hide a field that this one would uncover.
pub(super) async fn of_edit(change: &Change, role: RoleId, after: &Policy) -> Result<Vec<Impact>> {
    let assignments = change.unscoped_rows_among::<role_assignment::Entity>("role_id", &[role.0]).await?;
    let holders: Vec<Uuid> = assignments.iter().map(|held| held.user_id.0).collect();
    let mut impacts = of_people(change, &holders, |roles| {
        for (_, policy) in roles.iter_mut().filter(|(held, _)| *held == role) {
            *policy = after.clone();
        }
    })
    .await?;
    impacts.extend(of_keys(change, role, after).await?);
    Ok(impacts)
}

/// What it means to a person to get a role.
pub(super) async fn of_giving(change: &Change, user: UserId, (role, adds): (RoleId, &Policy)) -> Result<Vec<Impact>> {
    of_people(change, &[user.0], |roles| roles.push((role, adds.clone()))).await
}

/// What it means to the API keys of a role that it is deleted.
pub(super) async fn of_deleting(change: &Change, role: RoleId) -> Result<Vec<Impact>> {
    of_keys(change, role, &Policy::nothing()).await
}

/// The people who would get something: a permission, or the sight or the change of a field.
pub(super) fn who_gains(impacts: &[Impact]) -> Vec<UserId> {
    let gains = |impact: &&Impact| {
        let effect = Effect::between(&impact.before, &impact.after);
        !effect.gains.is_empty() || !effect.uncovered.is_empty() || !effect.unlocked.is_empty()
    };
    impacts.iter().filter(gains).filter_map(|impact| impact.holder).collect()
}

/// Refuses a change that gives somebody what the actor does not hold, or takes something from somebody who may do
/// more than the actor.
pub(super) async fn must_be_allowed(change: &Change, impacts: &[Impact], field: &str) -> Result<()> {
    for impact in impacts {
        limits::must_hold(change, (&impact.before, &impact.after), field)?;
    }
    let loses: Vec<&Impact> = impacts.iter().filter(|impact| impact.takes()).collect();
    let people: Vec<UserId> = loses.iter().filter_map(|impact| impact.holder).collect();
    limits::must_cover_all(change, &people, "take permissions from a holder of this role").await?;
    for key in loses.iter().filter(|impact| impact.holder.is_none()) {
        limits::must_cover_key(change, &key.before, "take permissions from an API key of this role")?;
    }
    Ok(())
}

async fn of_people(
    change: &Change,
    people: &[Uuid],
    becomes: impl Fn(&mut Vec<(RoleId, Policy)>),
) -> Result<Vec<Impact>> {
    let mut held: BTreeMap<Uuid, Vec<(RoleId, Policy)>> = people.iter().map(|user| (*user, vec![])).collect();
    for role in change.roles_held(people).await? {
        held.entry(role.user.0).or_default().push((role.role, role.policy));
    }
    // Thousands may hold the same few roles: what is given is worked out once for each combination.
    let (mut impacts, mut known) = (Vec::with_capacity(held.len()), HashMap::new());
    for (user, mut roles) in held {
        roles.sort_unstable_by_key(|(role, _)| role.0);
        let combination: Vec<Uuid> = roles.iter().map(|(role, _)| role.0).collect();
        let (before, after) = known.entry(combination).or_insert_with(|| {
            let before = union(&roles);
            becomes(&mut roles);
            (before, union(&roles))
        });
        impacts.push(Impact { holder: Some(UserId(user)), before: before.clone(), after: after.clone() });
    }
    Ok(impacts)
}

/// The live API keys of a role. What is their owner's own is not the actor's, so that all of it counts as far as it
/// can go.
async fn of_keys(change: &Change, role: RoleId, after: &Policy) -> Result<Vec<Impact>> {
    let now = change.store().now();
    let keys = change.unscoped_rows_among::<api_key::Entity>("role_id", &[role.0]).await?;
    let actor = change.store().actor().user();
    let owners: BTreeSet<bool> = keys
        .iter()
        .filter(|key| key.revoked_at.is_none() && key.expires_at > now)
        .map(|key| actor == Some(key.owner_id))
        .collect();
    if owners.is_empty() {
        return Ok(vec![]);
    }
    let before = change.unscoped_rows_among::<role::Entity>("id", &[role.0]).await?;
    let before = before.first().map_or_else(Policy::nothing, limits::policy);
    let seen = |own: bool, policy: &Policy| if own { policy.clone() } else { policy.widened(&Action::ALL) };
    let impact = |own| Impact { holder: None, before: seen(own, &before), after: seen(own, after) };
    Ok(owners.into_iter().map(impact).collect())
}

fn union(roles: &[(RoleId, Policy)]) -> Policy {
    Policy::union(&roles.iter().map(|(_, policy)| policy.clone()).collect::<Vec<_>>())
}

/// Nobody grants what they do not hold, also by a role that a person gets beside those they hold, which may bring fields to sight that it alone
/// would not.
pub(super) async fn must_hold_with(change: &Change, (user, role): (UserId, RoleId), field: &str) -> Result<()> {
    let Some(adds) = limits::permits(change, role, field).await? else { return Ok(()) };
    let impacts = of_giving(change, user, (role, &adds)).await?;
    must_be_allowed(change, &impacts, field).await
}
