//! Who can see or change one record, and by which of their roles.

use std::collections::{BTreeMap, HashMap};

use entity::{Kind, user::UserId};
use sea_orm::{Value, prelude::Uuid};
use serde_json::json;

use crate::{
    access::{Action, Actor, Policy, Purpose, Reach, has_effect},
    error::{Code, Error, Result},
    store::{
        Holder, Seen, Store,
        page::{Order, invalid_cursor, most},
    },
};

/// Whoever asks administers people and sees what rights hang on.
const NEEDED: [(Kind, Action); 4] = [
    (Kind::User, Action::Manage),
    (Kind::User, Action::Read),
    (Kind::Role, Action::Read),
    (Kind::RoleAssignment, Action::Read),
];

/// Somebody who sees a record.
#[derive(Clone, Debug)]
pub struct Access {
    /// Who.
    pub user: UserId,
    /// Their place in the list.
    pub cursor: String,
    /// What they may do to it.
    pub actions: Vec<Action>,
    /// By which of their roles, each with its key and name.
    pub through: Vec<(String, String, Vec<Action>)>,
}

/// A page of those who see a record.
#[derive(Clone, Debug, Default)]
pub struct Accesses {
    /// By name.
    pub people: Vec<Access>,
    /// Whether there are more.
    pub more: bool,
}

/// Who may do something to a record; nothing where the caller does not see it.
pub async fn read(
    store: &Store,
    (kind, id): (Kind, Uuid),
    first: i32,
    after: Option<&str>,
) -> Result<Option<Accesses>> {
    store.require_sign_in()?;
    let policy = &store.actor().policy;
    if let Some((of, action)) = NEEDED.into_iter().find(|(kind, action)| policy.reach(*kind, *action) < Reach::All) {
        let message = format!(
            "You do not have permission to see who has access to a record: {}:{}:ALL is required.",
            of.name(),
            action.as_str()
        );
        return Err(Error::refused_because(Code::Forbidden, "PERMISSION_MISSING", message));
    }
    let most = most(first)?;
    let after = after.map(place).transpose()?;
    if store.reachable(kind, Action::Read, &[id]).await?.is_empty() {
        return Ok(None);
    }
    let system = store.as_system(Purpose::Oversight);
    let roles = system.holders().await?;
    let held = held(&roles);
    let mut seen = system.who_sees((kind, id), &groups(kind, &roles, &held), (after, most + 1)).await?;
    let more = seen.len() > most;
    seen.truncate(most);
    let asked: Vec<_> = seen.iter().map(|seen| asked(kind, seen, &roles, &held)).collect();
    let covered = if asked.is_empty() { vec![] } else { system.covered((kind, id), &asked).await? };
    let people = seen.iter().zip(covered).map(|(seen, covered)| access(kind, seen, &covered, (&roles, &held)));
    Ok(Some(Accesses { people: people.collect::<Result<_>>()?, more }))
}

/// The roles that each person holds, by their place in the list.
fn held(roles: &[Holder]) -> HashMap<UserId, Vec<usize>> {
    let mut held: HashMap<UserId, Vec<usize>> = HashMap::new();
    for (at, role) in roles.iter().enumerate() {
        for user in &role.people {
            held.entry(*user).or_default().push(at);
        }
    }
    held
}

fn union(roles: &[Holder], held: &[usize]) -> Policy {
    Policy::union(&held.iter().map(|at| roles[*at].policy.clone()).collect::<Vec<_>>())
}

/// People whose roles let them see as far: there are few such groups, however many people there are.
fn groups(kind: Kind, roles: &[Holder], held: &HashMap<UserId, Vec<usize>>) -> Vec<(Policy, Vec<Uuid>)> {
    let mut combinations: BTreeMap<&[usize], Vec<Uuid>> = BTreeMap::new();
    for (user, held) in held {
        combinations.entry(held).or_default().push(user.0);
    }
    let mut groups: BTreeMap<Vec<Reach>, (Policy, Vec<Uuid>)> = BTreeMap::new();
    for (held, people) in combinations {
        let policy = union(roles, held);
        if policy.reach(kind, Action::Read) > Reach::None {
            let far = Kind::ALL.map(|kind| policy.reach(kind, Action::Read)).to_vec();
            groups.entry(far).or_insert_with(|| (policy, vec![])).1.extend(people);
        }
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    for (_, people) in &mut groups {
        people.sort_unstable();
    }
    groups
}

/// What can be done to a record that is there.
fn actions(kind: Kind) -> impl Iterator<Item = Action> {
    let there = |action: &Action| !matches!(action, Action::Create | Action::Import);
    Action::ALL.into_iter().filter(there).filter(move |action| has_effect(kind, *action))
}

/// One action for each reach that somebody has: whether a record is within it is the same for all actions.
fn asked(
    kind: Kind,
    seen: &Seen,
    roles: &[Holder],
    held: &HashMap<UserId, Vec<usize>>,
) -> (Actor, Vec<(Action, Reach)>) {
    let held = held.get(&seen.user).map(Vec::as_slice).unwrap_or_default();
    let mut reaches = BTreeMap::new();
    for at in held {
        for action in actions(kind) {
            let reach = roles[*at].policy.reach(kind, action);
            if reach > Reach::None {
                reaches.entry(reach).or_insert(action);
            }
        }
    }
    let actor = Actor::person(seen.user, None, seen.department, union(roles, held));
    (actor, reaches.into_iter().map(|(reach, action)| (action, reach)).collect())
}

fn access(
    kind: Kind,
    seen: &Seen,
    covered: &[Reach],
    (roles, held): (&[Holder], &HashMap<UserId, Vec<usize>>),
) -> Result<Access> {
    let may = |role: &Holder| -> Vec<Action> {
        actions(kind).filter(|action| covered.contains(&role.policy.reach(kind, *action))).collect()
    };
    let mut through = Vec::new();
    for at in held.get(&seen.user).into_iter().flatten() {
        let role = &roles[*at];
        let actions = may(role);
        if !actions.is_empty() {
            through.push((role.key.clone(), role.name.clone(), actions));
        }
    }
    let by_any = |action: &Action| through.iter().any(|(.., actions)| actions.contains(action));
    let values = [Value::from(seen.name.as_str()), Value::from(seen.user.0)];
    Ok(Access {
        user: seen.user,
        cursor: order()?.cursor(&values),
        actions: actions(kind).filter(by_any).collect(),
        through,
    })
}

fn order() -> Result<Order> {
    Order::read(Kind::User, Some(&json!([{ "field": "NAME" }])))
}

fn place(cursor: &str) -> Result<(String, Uuid)> {
    match order()?.read_cursor(cursor)?.as_slice() {
        [Value::String(Some(name)), Value::Uuid(Some(id))] => Ok((name.clone(), *id)),
        _ => Err(invalid_cursor("cannot be read")),
    }
}
