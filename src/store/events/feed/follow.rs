//! One subscription: its own place in the feed, and what of the feed it wants and may see.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use entity::{EventAction, Kind};
use sea_orm::prelude::Uuid;
use tokio::{
    sync::{Mutex, watch},
    time::{Instant, sleep, timeout},
};

use super::{Entry, FeedEvent, Position, shared::AT_THE_LATEST, visible::Verdict};
use crate::{
    error::{Code, Error, Result},
    store::Store,
};

/// How many events are looked at together.
const BATCH: usize = 100;

/// How many events are read from the table together.
const PAGE: usize = 500;

/// How long it holds what was found of events: a slow client's are looked at again.
const HOLDS: Duration = Duration::from_secs(1);

/// Which events are wanted. All that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Of records of these types; empty for all.
    pub kinds: Vec<Kind>,
    /// Of these records; empty for all.
    pub subjects: Vec<(Kind, Uuid)>,
    /// Of what happened in these ways; empty for all.
    pub actions: Vec<EventAction>,
}

impl Wanted {
    fn has(&self, entry: &Entry) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&entry.subject.0))
            && (self.subjects.is_empty() || self.subjects.contains(&entry.subject))
            && (self.actions.is_empty() || self.actions.contains(&entry.action))
    }
}

/// Follows the feed for one subscription. Between two events it holds no connection.
#[derive(Debug)]
pub struct Follower {
    store: Store,
    wanted: Wanted,
    news: watch::Receiver<()>,
    verdict: Option<Arc<Mutex<Verdict>>>,
    /// The last event that was told or passed over.
    position: Position,
    /// What was written before a subscription without a cursor began, though it is shown only now.
    begun: HashSet<Position>,
    /// Events that come next, all of which may be seen.
    ready: VecDeque<Arc<Entry>>,
    /// Up to where the feed was looked through for them.
    end: Position,
    /// Which state of permissions they were looked at in, and when.
    found: (u64, Instant),
    /// When the permissions were read.
    refreshed: Option<(u64, Instant)>,
    failing: bool,
}

impl Store {
    /// Follows the feed, from its present end or after a cursor.
    pub async fn follow(&self, wanted: Wanted, after: Option<&str>) -> Result<Follower> {
        // Heard from before the feed's end is read, so that nothing falls between.
        let news = self.backend.feed.join();
        let (end, begun) = self.backend.feed_now().await?;
        let position = match after {
            Some(cursor) => self.feed_position(cursor).await?,
            None => end,
        };
        Ok(Follower {
            verdict: self.backend.feed.verdicts.of(self.actor()),
            store: self.clone(),
            wanted,
            news,
            position,
            begun: if after.is_none() { begun } else { HashSet::new() },
            ready: VecDeque::new(),
            end: position,
            found: (0, Instant::now()),
            refreshed: None,
            failing: false,
        })
    }
}

impl Follower {
    /// The next event, and the store to read it by: with what the subscriber's roles permit now, not
    /// what they permitted at the start. It fails only where the subscriber may follow no more; a
    /// read that fails is repeated.
    pub async fn next(&mut self) -> Result<(FeedEvent, Store)> {
        loop {
            if self.found.0 != self.permissions() || self.found.1.elapsed() > HOLDS {
                // From the last event that was told.
                self.ready.clear();
            } else if self.ready.is_empty() {
                self.position = self.end;
            }
            if let Some(entry) = self.ready.pop_front() {
                self.position = entry.position;
                return Ok((FeedEvent::of(&entry, self.store.actor()), self.store.clone()));
            }
            self.news.mark_unchanged();
            match self.look().await {
                Ok(moved) => {
                    self.failing = false;
                    if !moved {
                        // Whichever comes first; the table is the truth.
                        let _ = timeout(AT_THE_LATEST, self.news.changed()).await;
                    }
                }
                Err(Error::Refused(refusal)) if refusal.code == Code::Unauthenticated => {
                    return Err(Error::Refused(refusal));
                }
                Err(error) => {
                    if !self.failing {
                        tracing::warn!(error = %error, "a subscription cannot read; trying again until it can");
                    }
                    self.failing = true;
                    sleep(AT_THE_LATEST).await;
                }
            }
        }
    }

    fn wants(&self, entry: &Entry) -> bool {
        self.wanted.has(entry) && !self.begun.contains(&entry.position)
    }

    /// Counts the changes of what anybody may do.
    fn permissions(&self) -> u64 {
        self.store.backend.policies.forgotten()
    }

    /// Looks through what comes after the position; answers whether there was anything.
    async fn look(&mut self) -> Result<bool> {
        let backend = self.store.backend().clone();
        let held = backend.feed.after(self.position, BATCH, |entry| self.wants(entry));
        let (entries, end, verdict) = if let Some(held) = held {
            (held.entries, held.end, self.verdict.as_deref())
        } else {
            let _turn = backend.feed.turn().await;
            let mut stretch = backend.feed_after(self.position, PAGE).await?;
            stretch.entries.retain(|entry| self.wants(entry));
            // Memory may not have these yet, so nothing that was found before says anything of them.
            (stretch.entries, stretch.end, None)
        };
        let now = (self.permissions(), Instant::now());
        let current = |(permissions, at): (u64, Instant)| permissions == now.0 && at.elapsed() < HOLDS;
        if !entries.is_empty() || !self.refreshed.is_some_and(current) {
            self.store = self.store.refreshed().await?;
            self.refreshed = Some(now);
        }
        if !entries.is_empty() {
            let entries = self.store.visible(entries, verdict).await?;
            // What ended or was taken away while they were read holds for them too.
            if self.store.refreshed().await?.actor().policy != self.store.actor().policy {
                return Ok(true);
            }
            self.ready = entries.into();
        }
        // Since now: where the database is slow, what it found must not be too old as soon as it is there.
        self.found = (now.0, Instant::now());
        self.end = end;
        Ok(end != self.position)
    }
}
