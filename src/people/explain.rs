//! Why somebody may or may not do something to a record, as the door decides it.

mod words;

use std::collections::BTreeSet;

use entity::{Kind, role::RoleId, user::UserId};
use sea_orm::prelude::Uuid;

use self::words::Case;
use crate::{
    access::{Action, Actor, FieldRule, Obstacle, Policy, Purpose, Reach},
    error::{Code, Error, Result},
    store::{Held, Store, Tie, Verdict},
};

/// A decision and what made it.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// Whether they may.
    pub allowed: bool,
    /// How far any of their roles lets them.
    pub reach: Reach,
    /// The decision and its reason, to be read aloud.
    pub summary: String,
    /// What stands in the way; nothing where they may.
    pub obstacles: Vec<Obstacle>,
    /// What each of their roles says.
    pub roles: Vec<Share>,
    /// To whom the record belongs.
    pub ties: Vec<Tie>,
    /// The fields of such records that are kept from them.
    pub kept: Vec<Kept>,
}

/// What one role has to do with a decision.
#[derive(Clone, Debug)]
pub struct Share {
    /// The role.
    pub role: RoleId,
    /// Its name.
    pub name: String,
    /// How far it lets its holders.
    pub reach: Reach,
    /// Whether the record is within that.
    pub covers: bool,
    /// Why, or why not.
    pub because: String,
}

/// A field that is kept from somebody, and by which roles.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its name.
    pub field: String,
    /// In which way.
    pub rule: FieldRule,
    /// All roles that let them see, or change, such records: each keeps it.
    pub roles: Vec<(RoleId, String)>,
}

/// Explains; nothing where the caller does not see both the person and the record. For whoever may
/// see all roles and who holds them.
pub async fn explain(
    store: &Store,
    person: UserId,
    record: (Kind, Uuid),
    action: Action,
) -> Result<Option<Explanation>> {
    store.require_sign_in()?;
    let sees = |kind| store.actor().policy.reach(kind, Action::Read) == Reach::All;
    if !sees(Kind::Role) || !sees(Kind::RoleAssignment) {
        let message = "You do not have permission to read role assignments, which this requires.";
        return Err(Error::refused_because(Code::Forbidden, "PERMISSION_MISSING", message));
    }
    let Some(sight) = store.sight(person, record).await? else { return Ok(None) };
    let roles = store.as_system(Purpose::Oversight).roles_held(person).await?;
    let policies: Vec<Policy> = roles.iter().map(|held| held.policy.clone()).collect();
    let actor = Actor::person(person, None, sight.department, Policy::union(&policies));
    let policy = actor.policy.clone();
    let reaches: BTreeSet<Reach> = policies.iter().map(|policy| policy.reach(record.0, action)).collect();
    let reaches: Vec<Reach> = reaches.into_iter().filter(|reach| *reach > Reach::None).collect();
    // The door itself answers, asked by the person.
    let verdict = store.backend().store(actor, None).verdict(record, action, &reaches).await?;
    let (ties, all_told) = store.ties((person, sight.department), record).await?;

    let reach = policy.reach(record.0, action);
    let obstacles = obstacles(sight.active, reach, action, &verdict);
    let case = Case {
        person: &sight.person,
        kind: record.0,
        record: sight.record.as_deref(),
        action,
        reach,
        ties: &ties,
        all_told,
        obstacles: &obstacles,
        unseen: verdict.parents.iter().filter(|(_, seen)| !seen).map(|(kind, _)| *kind).collect(),
    };
    let shares: Vec<Share> = roles.iter().map(|held| share(held, &case, &verdict)).collect();
    Ok(Some(Explanation {
        allowed: sight.active && verdict.read && verdict.act,
        reach,
        summary: case.summary(&shares),
        roles: shares,
        kept: kept(record.0, &policy, &roles),
        obstacles,
        ties,
    }))
}

fn obstacles(active: bool, reach: Reach, action: Action, verdict: &Verdict) -> Vec<Obstacle> {
    let mut obstacles = Vec::new();
    if !active {
        obstacles.push(Obstacle::PersonDeactivated);
    }
    if reach == Reach::None {
        obstacles.push(Obstacle::NoPermission);
    } else if verdict.parents.iter().any(|(_, seen)| !seen) {
        obstacles.push(Obstacle::ParentNotSeen);
    } else if !verdict.act {
        obstacles.push(Obstacle::OutOfReach);
    }
    if action != Action::Read && !verdict.read {
        obstacles.push(Obstacle::NotReadable);
    }
    obstacles
}

fn share(held: &Held, case: &Case<'_>, verdict: &Verdict) -> Share {
    let reach = held.policy.reach(case.kind, case.action);
    let covers = verdict.reaches.iter().any(|(asked, covers)| *asked == reach && *covers);
    let because = case.because(reach, covers);
    Share { role: held.role, name: held.name.clone(), reach, covers, because }
}

fn kept(kind: Kind, policy: &Policy, roles: &[Held]) -> Vec<Kept> {
    let behind = |actions: &[Action]| -> Vec<(RoleId, String)> {
        let reaches = |held: &&Held| actions.iter().any(|action| held.policy.reach(kind, *action) > Reach::None);
        roles.iter().filter(reaches).map(|held| (held.role, held.name.clone())).collect()
    };
    let hidden = policy.hidden(kind).map(|field| Kept {
        field: field.to_owned(),
        rule: FieldRule::Hidden,
        roles: behind(&[Action::Read]),
    });
    let locked = policy.read_only(kind).filter(|field| !policy.hides(kind, field)).map(|field| Kept {
        field: field.to_owned(),
        rule: FieldRule::ReadOnly,
        roles: behind(&[Action::Update, Action::Create]),
    });
    hidden.chain(locked).collect()
}
