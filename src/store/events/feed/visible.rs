//! Which events a reader may see: in memory where their roles decide it for a whole record type,
//! otherwise by one statement for all events at hand, shared by the subscriptions of one reader.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use entity::{Day, Department, Kind};
use sea_orm::prelude::Uuid;

use super::Entry;
use crate::{
    access::{Action, Actor, Policy, Reach, Who},
    error::Result,
    store::{Store, scope},
};

type Record = (Kind, Uuid);

/// What was found lately, by reader: their own id and that of their API key.
#[derive(Debug, Default)]
pub(in crate::store) struct Verdicts(Mutex<HashMap<Reader, Weak<Shared>>>);

type Reader = (Uuid, Option<Uuid>);
type Shared = tokio::sync::Mutex<Verdict>;

/// What one reader may see, as long as nothing has been written since.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    since: Option<Since>,
    asked: HashSet<Record>,
    seen: HashSet<Record>,
}

/// What a verdict depends on: any commit, any new event (of another process, say) and any change of
/// what the reader may do makes it void.
#[derive(Debug, PartialEq)]
struct Since {
    commits: u64,
    reads: u64,
    policy: Policy,
    department: Option<Department>,
    today: Day,
}

impl Verdicts {
    /// The place that the subscriptions of one reader share.
    pub fn of(&self, actor: &Actor) -> Option<Arc<Shared>> {
        let key = match actor.who {
            Who::Key { id, .. } => Some(id.0),
            _ => None,
        };
        let reader = (actor.user()?.0, key);
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(there) = shared.get(&reader).and_then(Weak::upgrade) {
            return Some(there);
        }
        shared.retain(|_, verdict| verdict.strong_count() > 0);
        let new = Arc::default();
        shared.insert(reader, Arc::downgrade(&new));
        Some(new)
    }
}

impl Store {
    /// Those of the events that the actor may see now. With a shared place, what another
    /// subscription of the same reader has found since the last write is not asked again.
    pub(super) async fn visible(&self, entries: Vec<Arc<Entry>>, shared: Option<&Shared>) -> Result<Vec<Arc<Entry>>> {
        let actor = self.actor();
        if actor.policy.reach(Kind::Event, Action::Read) == Reach::None {
            return Ok(vec![]);
        }
        let kinds: BTreeSet<Kind> = entries.iter().map(|entry| entry.subject.0).collect();
        let free = |kind: &Kind| scope::unrestricted(actor, *kind, Action::Read);
        let (free, tied): (BTreeSet<Kind>, BTreeSet<Kind>) = kinds.into_iter().partition(free);
        let asked: HashSet<Record> =
            entries.iter().map(|entry| entry.subject).filter(|(kind, _)| tied.contains(kind)).collect();
        let seen = match shared {
            _ if asked.is_empty() => HashSet::new(),
            None => self.seen_of(&asked).await?,
            Some(shared) => self.seen_together(asked, shared).await?,
        };
        let is_seen = |entry: &Arc<Entry>| free.contains(&entry.subject.0) || seen.contains(&entry.subject);
        Ok(entries.into_iter().filter(is_seen).collect())
    }

    async fn seen_together(&self, asked: HashSet<Record>, shared: &Shared) -> Result<HashSet<Record>> {
        let mut verdict = shared.lock().await;
        let actor = self.actor();
        // Taken before the statement runs: what is written meanwhile makes its result void.
        let since = Since {
            commits: *self.backend.changed.borrow(),
            reads: self.backend.feed.reads(),
            policy: actor.policy.clone(),
            department: actor.department,
            today: actor.today,
        };
        if verdict.since.as_ref() != Some(&since) {
            *verdict = Verdict { since: Some(since), ..Verdict::default() };
        }
        let new: HashSet<Record> = asked.difference(&verdict.asked).copied().collect();
        if !new.is_empty() {
            let seen = self.seen_of(&new).await?;
            verdict.seen.extend(seen);
            verdict.asked.extend(new);
        }
        Ok(asked.intersection(&verdict.seen).copied().collect())
    }

    async fn seen_of(&self, asked: &HashSet<Record>) -> Result<HashSet<Record>> {
        let mut named: BTreeMap<Kind, BTreeSet<Uuid>> = BTreeMap::new();
        for (kind, id) in asked {
            named.entry(*kind).or_default().insert(*id);
        }
        let _turn = self.backend.feed.turn().await;
        let readable = self.readable(named).await?;
        Ok(asked.iter().copied().filter(|record| readable.has(*record)).collect())
    }
}
