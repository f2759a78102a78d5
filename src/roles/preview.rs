//! What changes of roles would mean, found by making them and undoing them.

use std::collections::{HashMap, HashSet};

use entity::{
    Kind, Record,
    api_key::{self},
    role::{self},
    user::{self},
};
use sea_orm::prelude::Uuid;
use serde_json::Value as Json;

use super::{
    affected::{AffectedHolders, Holder, Step, Who},
    catalogue::{self, Warning},
    effect::Shift,
    holding::{self},
};
use crate::{
    access::{Action, Grant, Purpose, Reach},
    error::{Error, Result, UserCode, UserError},
    store::{Asked, Change, Draft, Reached, Store, permission_missing, value},
};

/// Changes that one preview takes.
pub const MAX_CHANGES: usize = 50;
/// Holders that one preview lists.
pub const MAX_LISTED: usize = 50;

/// What changes of roles would mean.
#[derive(Debug, Default)]
pub struct Preview {
    /// Those who gain or lose, people first, each group by name.
    pub holders: Vec<Holder>,
    /// How many there are.
    pub total: usize,
    /// Why the changes could not be made.
    pub mistakes: Vec<UserError>,
    /// Permissions of the roles as they would be saved that do less than they seem to, with the place of the change.
    pub warnings: Vec<(usize, Warning)>,
}

/// Tells who would gain and lose what, `first` of them, and changes nothing.
pub async fn preview(store: &Store, steps: Vec<Result<Step>>, first: usize) -> Result<Preview> {
    store.require_sign_in()?;
    store.require(Kind::Role, Action::Read, "read roles")?;
    store.require(Kind::RoleAssignment, Action::Read, "read role assignments")?;
    // Before the changes are tried, which holds up whoever else writes.
    let tries = [
        (Kind::Role, Action::Create),
        (Kind::Role, Action::Update),
        (Kind::Role, Action::Delete),
        (Kind::RoleAssignment, Action::Create),
        (Kind::RoleAssignment, Action::Delete),
    ];
    if tries.iter().all(|(kind, action)| store.actor().policy.reach(*kind, *action) == Reach::None) {
        return Err(permission_missing("change roles"));
    }
    let mut change = store.begin().await?;
    let crowd = AffectedHolders::of(&change, &steps).await?;
    let before = crowd.policies(&change).await?;
    let (mut mistakes, mut warnings) = (Vec::new(), Vec::new());
    for (index, step) in steps.into_iter().enumerate() {
        let done = match step {
            Ok(step) => change.attempt(async |change| step.take(change).await).await,
            Err(error) => Err(error),
        };
        match done {
            Ok(saved) => warnings.extend(saved.into_iter().flat_map(|role| pointless(&role)).map(|one| (index, one))),
            Err(Error::Input(errors)) => {
                mistakes.extend(errors.into_iter().map(|error| UserError { index: Some(index), ..error }));
            }
            Err(error) => return Err(error),
        }
    }
    let after = crowd.policies(&change).await?;
    change.roll_back().await?;
    if !mistakes.is_empty() {
        return Ok(Preview { mistakes, ..Preview::default() });
    }
    let mut holders = crowd.compare(&before, &after);
    keep_seen(store, &mut holders).await?;
    let total = holders.len();
    holders.truncate(first);
    count(store, &mut holders).await?;
    Ok(Preview { holders, total, mistakes, warnings })
}

fn pointless(role: &role::Model) -> Vec<Warning> {
    let grants: Vec<Grant> = role.grants.0.iter().filter_map(|text| Grant::read(text)).collect();
    catalogue::warnings(&grants)
}

impl Step {
    /// Makes it; answers the role that it saves.
    async fn take(self, change: &mut Change) -> Result<Option<role::Model>> {
        let policy = change.store().actor().policy.clone();
        match self {
            Self::Create(input) => {
                let draft = Draft::read(Kind::Role, &input, true, (&policy, &[]))?;
                change.create::<role::Entity>(draft).await.map(Some)
            }
            Self::Update(mut input) => {
                let id = input.remove("id");
                let id = value::key(Kind::Role, id.as_ref().and_then(Json::as_str).unwrap_or_default());
                let id = id.map_err(|misfit| Error::input(misfit.code, "id", misfit.message))?;
                let expected = input.remove("expectedVersion").and_then(|version| version.as_i64());
                let expected = expected.and_then(|version| i32::try_from(version).ok());
                let draft = Draft::read(Kind::Role, &input, false, (&policy, &[]))?;
                change.update::<role::Entity>(id, expected, draft).await.map(|(role, _)| Some(role))
            }
            Self::Delete(role, expected, in_use) => {
                holding::delete(change, role, expected, in_use).await.map(|()| None)
            }
            Self::Assign(role, user) => holding::assign(change, role, user).await.map(|_| None),
            Self::Unassign(role, user) => holding::unassign(change, role, user).await.map(|_| None),
        }
    }

    /// The role whose holders it concerns, or the person.
    pub(super) fn concerns(&self) -> (Option<Uuid>, Option<Uuid>) {
        match self {
            Self::Create(_) => (None, None),
            Self::Update(input) => {
                let id = input.get("id").and_then(Json::as_str);
                (id.and_then(|id| value::key(Kind::Role, id).ok()), None)
            }
            Self::Delete(role, ..) => (Some(role.0), None),
            Self::Assign(_, user) | Self::Unassign(_, user) => (None, Some(user.0)),
        }
    }
}

/// Leaves out whom the caller may not see.
async fn keep_seen(store: &Store, holders: &mut Vec<Holder>) -> Result<()> {
    for kind in [user::Entity::KIND, api_key::Entity::KIND] {
        let id = |holder: &Holder| match (kind, holder.who) {
            (Kind::User, Who::Person(user)) => Some(user.0),
            (Kind::ApiKey, Who::Key(key)) => Some(key.0),
            _ => None,
        };
        let ids: Vec<Uuid> = holders.iter().filter_map(id).collect();
        if ids.is_empty() || store.sees_all(kind) {
            continue;
        }
        let seen: HashSet<Uuid> = store.reachable(kind, Action::Read, &ids).await?.into_iter().collect();
        holders.retain(|holder| id(holder).is_none_or(|id| seen.contains(&id)));
    }
    Ok(())
}

/// Whether it makes sense to ask to how many records something may be done, and the caller may know.
fn countable(store: &Store, shift: &Shift) -> bool {
    !matches!(shift.action, Action::Create | Action::Import) && store.sees_all(shift.kind)
}

/// Finds out how many records each permission gains or loses: what is all of a kind once for
/// everybody, the rest in one statement for each.
async fn count(store: &Store, holders: &mut [Holder]) -> Result<()> {
    let system = store.as_system(Purpose::SideEffect);
    let mut kinds: Vec<Kind> = holders.iter().flat_map(|holder| holder.effect.shifts()).map(|s| s.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let every = |kind: &Kind| Asked { actor: system.actor(), kind: *kind, action: Action::Read };
    let whole = system.count_reached(&kinds.iter().map(every).collect::<Vec<_>>()).await?;
    let whole: HashMap<Kind, i64> = kinds.into_iter().zip(whole).collect();
    for holder in holders {
        let sides = [&holder.before, &holder.after];
        let shifts: Vec<Shift> = holder.effect.shifts().filter(|shift| countable(store, shift)).copied().collect();
        let ask = |shift: &Shift| sides.map(|actor| Asked { actor, kind: shift.kind, action: shift.action });
        let asked: Vec<Asked<'_>> = shifts.iter().flat_map(ask).collect();
        let own: Vec<Asked<'_>> = asked.iter().filter(|asked| asked.reached() == Reached::Some).copied().collect();
        let mut counted = system.count_reached(&own).await?.into_iter();
        let figures: Vec<i64> = asked
            .iter()
            .map(|asked| match asked.reached() {
                Reached::Nothing => 0,
                Reached::Every => whole.get(&asked.kind).copied().unwrap_or(0),
                Reached::Some => counted.next().unwrap_or(0),
            })
            .collect();
        let mut figures = figures.chunks_exact(2);
        for shift in holder.effect.shifts_mut().filter(|shift| countable(store, shift)) {
            shift.records = figures.next().map(|figures| (figures[1] - figures[0]).abs());
        }
    }
    Ok(())
}

/// More changes than one preview takes.
pub(super) fn too_many(changes: usize) -> Error {
    let message = format!("changes may have at most {MAX_CHANGES} entries; got {changes}.");
    Error::input(UserCode::LimitReached, "changes", message)
}
