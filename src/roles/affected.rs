//! Everybody whom changes of roles could concern, and what they may do before and afterwards.

use std::collections::{HashMap, HashSet};

use entity::{
    Department, UserStatus,
    api_key::{self, ApiKeyId},
    role::{self, RoleId},
    role_assignment,
    user::{self, UserId},
};
use sea_orm::prelude::Uuid;
use serde_json::{Map, Value as Json};

use super::{effect::Effect, holding::InUse, limits};
use crate::{
    access::{Actor, Policy},
    error::Result,
    store::Change,
};

/// One change of roles.
#[derive(Clone, Debug)]
pub enum Step {
    /// A role is made from this input.
    Create(Map<String, Json>),
    /// A role is changed by this input.
    Update(Map<String, Json>),
    /// A role is deleted.
    Delete(RoleId, Option<i32>, InUse),
    /// Somebody gets a role.
    Assign(RoleId, UserId),
    /// Somebody loses a role.
    Unassign(RoleId, UserId),
}

/// Who acts by roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    /// A person.
    Person(UserId),
    /// An integration.
    Key(ApiKeyId),
}

/// What changes of roles would mean to one person or key.
#[derive(Debug)]
pub struct Holder {
    /// To whom.
    pub who: Who,
    /// What they gain and lose.
    pub effect: Effect,
    pub(super) name: String,
    pub(super) before: Actor,
    pub(super) after: Actor,
}

/// Everybody whom the changes could concern.
pub(super) struct AffectedHolders {
    people: Vec<user::Model>,
    keys: Vec<api_key::Model>,
    /// By whom the keys are answered for.
    owners: HashMap<Uuid, Department>,
}

impl AffectedHolders {
    /// The holders of the roles that the steps name, and the people.
    pub(super) async fn of(change: &Change, steps: &[Result<Step>]) -> Result<Self> {
        let (roles, people): (Vec<_>, Vec<_>) = steps.iter().flatten().map(Step::concerns).unzip();
        let roles: Vec<Uuid> = roles.into_iter().flatten().collect();
        let mut people: HashSet<Uuid> = people.into_iter().flatten().collect();
        let held = change.unscoped_rows_among::<role_assignment::Entity>("role_id", &roles).await?;
        people.extend(held.iter().map(|held| held.user_id.0));
        let now = change.store().now();
        let mut keys = change.unscoped_rows_among::<api_key::Entity>("role_id", &roles).await?;
        keys.retain(|key| key.revoked_at.is_none() && key.expires_at > now);
        let mut ids: Vec<Uuid> = people.iter().copied().chain(keys.iter().map(|key| key.owner_id.0)).collect();
        ids.sort_unstable();
        ids.dedup();
        let users = change.unscoped_rows_among::<user::Entity>("id", &ids).await?;
        let owners = users.iter().map(|user| (user.id.0, user.department)).collect();
        // Who is out of service may do nothing before and nothing afterwards.
        let acts = |user: &user::Model| people.contains(&user.id.0) && user.status == UserStatus::Active;
        Ok(Self { people: users.into_iter().filter(acts).collect(), keys, owners })
    }

    /// What everybody may do, as the change has left it so far.
    pub(super) async fn policies(&self, change: &Change) -> Result<HashMap<Who, Policy>> {
        let ids: Vec<Uuid> = self.people.iter().map(|person| person.id.0).collect();
        let held = if ids.is_empty() { vec![] } else { change.roles_held(&ids).await? };
        let mut policies = HashMap::new();
        for held in held.chunk_by(|one, other| one.user == other.user) {
            let roles: Vec<Policy> = held.iter().map(|held| held.policy.clone()).collect();
            policies.insert(Who::Person(held[0].user), Policy::union(&roles));
        }
        let mut roles: Vec<Uuid> = self.keys.iter().map(|key| key.role_id.0).collect();
        roles.sort_unstable();
        roles.dedup();
        let roles = change.unscoped_rows_among::<role::Entity>("id", &roles).await?;
        for key in &self.keys {
            if let Some(role) = roles.iter().find(|role| role.id == key.role_id) {
                policies.insert(Who::Key(key.id), limits::policy(role));
            }
        }
        Ok(policies)
    }

    /// Those for whom something changes, people first, each group by name.
    pub(super) fn compare(&self, before: &HashMap<Who, Policy>, after: &HashMap<Who, Policy>) -> Vec<Holder> {
        let people = self.people.iter().map(|person| {
            let name = person.name_fold.clone();
            (Who::Person(person.id), name, person.id, Some(person.department))
        });
        let keys = self.keys.iter().map(|key| {
            let department = self.owners.get(&key.owner_id.0).copied();
            (Who::Key(key.id), key.name_fold.clone(), key.owner_id, department)
        });
        let compare = |(who, name, user, department): (Who, String, UserId, Option<Department>)| {
            let of = |side: &HashMap<Who, Policy>| side.get(&who).cloned().unwrap_or_else(Policy::nothing);
            let (had, has) = (of(before), of(after));
            let effect = Effect::between(&had, &has);
            let acting = |policy| Actor::person(user, None, department, policy);
            Holder { who, effect, name, before: acting(had), after: acting(has) }
        };
        let mut holders: Vec<Holder> =
            people.chain(keys).map(compare).filter(|holder| !holder.effect.is_none()).collect();
        let place = |holder: &Holder| (matches!(holder.who, Who::Key(_)), holder.name.clone(), holder.who);
        holders.sort_by_cached_key(place);
        holders
    }
}
