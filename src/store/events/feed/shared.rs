//! The one reader of new events, and the last of them in memory for all who follow.

use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use tokio::sync::{Mutex, Notify, Semaphore, SemaphorePermit, watch};

use super::{Entry, Position, Stretch, visible::Verdicts};
use crate::{error::Result, store::Backend};

/// How many events are kept: a subscription that falls further behind reads from the table.
const KEPT: usize = 2_048;

/// How many events are read at a time.
const PAGE: usize = 500;

/// The least time between two reads: with many commits a second, one read and one waking of every
/// subscription serves several of them.
const PAUSE: Duration = Duration::from_millis(15);

/// How long an event may wait where the news of it got lost, where another process of SQLite wrote
/// it, or where a transaction opened before it keeps it back; and how soon a failed read is repeated.
pub(super) const AT_THE_LATEST: Duration = Duration::from_secs(1);

/// How many statements run at once for all subscriptions together. SQLite has four readers, and
/// requests must find some of them free however many subscriptions there are.
const TURNS: usize = 2;

/// The feed as a process follows it.
#[derive(Debug)]
pub(in crate::store) struct Feed {
    window: RwLock<Window>,
    /// Told when there are new events, and when what people may do has changed.
    news: watch::Sender<()>,
    /// A subscription has begun.
    joined: Notify,
    /// Held by the reader.
    reading: Mutex<()>,
    turns: Semaphore,
    pub(super) verdicts: Verdicts,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            window: RwLock::default(),
            news: watch::Sender::new(()),
            joined: Notify::new(),
            reading: Mutex::default(),
            turns: Semaphore::new(TURNS),
            verdicts: Verdicts::default(),
        }
    }
}

/// The newest events, without a gap.
#[derive(Debug, Default)]
struct Window {
    kept: VecDeque<Arc<Entry>>,
    /// After `from` and up to `to`, both nothing where nobody reads.
    bounds: Option<(Position, Position)>,
    /// How often events were added.
    reads: u64,
}

impl Window {
    fn add(&mut self, stretch: Stretch) {
        let Some((from, to)) = &mut self.bounds else { return };
        *to = stretch.end;
        self.reads += 1;
        self.kept.extend(stretch.entries);
        let too_many = self.kept.len().saturating_sub(KEPT);
        if let Some(last) = self.kept.drain(..too_many).next_back() {
            *from = last.position;
        }
    }

    fn after(&self, position: Position, most: usize, wanted: impl Fn(&Entry) -> bool) -> Option<Held> {
        let (_, to) = self.bounds.filter(|(from, _)| position >= *from)?;
        let first = self.kept.partition_point(|entry| entry.position <= position);
        let entries: Vec<_> = self.kept.range(first..).filter(|entry| wanted(entry)).take(most).cloned().collect();
        let end = entries.last().filter(|_| entries.len() == most).map_or(to.max(position), |last| last.position);
        Some(Held { entries, end })
    }
}

/// Events out of memory.
pub(super) struct Held {
    pub entries: Vec<Arc<Entry>>,
    /// Up to where memory was looked through.
    pub end: Position,
}

impl Feed {
    fn window(&self) -> RwLockReadGuard<'_, Window> {
        self.window.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn window_mut(&self) -> RwLockWriteGuard<'_, Window> {
        self.window.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to hear news.
    pub(super) fn join(&self) -> watch::Receiver<()> {
        let news = self.news.subscribe();
        self.joined.notify_one();
        news
    }

    /// Wakes all who follow.
    pub(in crate::store) fn tell(&self) {
        self.news.send_replace(());
    }

    /// The wanted events after a position; nothing where memory does not reach back so far.
    pub(super) fn after(&self, position: Position, most: usize, wanted: impl Fn(&Entry) -> bool) -> Option<Held> {
        self.window().after(position, most, wanted)
    }

    /// How often events were added so far.
    pub(super) fn reads(&self) -> u64 {
        self.window().reads
    }

    /// Waits for a turn at the database.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.turns.acquire().await.ok()
    }
}

impl Backend {
    /// Reads new events for all who follow, until the end of the program. It reads after each
    /// commit and at least once a second, and not at all while nobody follows.
    pub async fn share_feed(self: Arc<Self>) {
        // Several servers may run over one backend.
        let _only = self.feed.reading.lock().await;
        let mut commits = self.changes();
        let mut failing = false;
        loop {
            if self.feed.news.receiver_count() == 0 {
                self.feed.window_mut().bounds = None;
                self.feed.window_mut().kept = VecDeque::new();
                self.feed.joined.notified().await;
                continue;
            }
            commits.mark_unchanged();
            match self.read_on().await {
                Ok(true) => continue,
                Ok(false) => failing = false,
                Err(error) => {
                    if !failing {
                        tracing::warn!(error = %error, "the event feed cannot be read; trying again until it can");
                    }
                    failing = true;
                    tokio::time::sleep(AT_THE_LATEST).await;
                    continue;
                }
            }
            tokio::time::sleep(PAUSE).await;
            // Whichever comes first; the table is the truth.
            let _ = tokio::time::timeout(AT_THE_LATEST, commits.changed()).await;
        }
    }

    /// Reads the next events; answers whether there may be more already.
    async fn read_on(&self) -> Result<bool> {
        let bounds = self.feed.window().bounds;
        let Some((_, to)) = bounds else {
            let end = self.feed_end().await?;
            self.feed.window_mut().bounds = Some((end, end));
            self.feed.tell();
            return Ok(false);
        };
        let stretch = self.feed_after(to, PAGE).await?;
        let full = stretch.full;
        if stretch.end > to {
            self.feed.window_mut().add(stretch);
            self.feed.tell();
        }
        Ok(full)
    }
}

#[cfg(test)]
mod tests {
    use entity::{EventAction, Instant, Kind};
    use sea_orm::prelude::Uuid;

    use super::*;

    fn at(seq: i64) -> Position {
        Position { xid: 0, seq }
    }

    fn stretch(seqs: std::ops::RangeInclusive<i64>) -> Stretch {
        let end = at(*seqs.end());
        let entry = |seq| {
            Arc::new(Entry {
                position: at(seq),
                id: Uuid::nil(),
                occurred_at: Instant(0),
                action: EventAction::Updated,
                subject: (Kind::Account, Uuid::from_u128(seq.unsigned_abs().into())),
                actor: None,
                api_key: None,
                fields: vec![],
            })
        };
        Stretch { entries: seqs.map(entry).collect(), end, full: false }
    }

    fn seqs(held: &Held) -> Vec<i64> {
        held.entries.iter().map(|entry| entry.position.seq).collect()
    }

    #[test]
    fn memory_tells_what_comes_after_a_position_and_that_it_does_not_reach_back_further() {
        let mut window = Window::default();
        assert!(window.after(at(0), 10, |_| true).is_none(), "nobody reads yet");
        window.bounds = Some((at(3), at(3)));
        window.add(stretch(4..=8));
        let all = window.after(at(3), 10, |_| true).unwrap();
        assert_eq!((seqs(&all), all.end), (vec![4, 5, 6, 7, 8], at(8)));
        let some = window.after(at(5), 2, |_| true).unwrap();
        assert_eq!((seqs(&some), some.end), (vec![6, 7], at(7)), "the rest comes next time");
        let none = window.after(at(3), 10, |_| false).unwrap();
        assert_eq!((seqs(&none), none.end), (vec![], at(8)), "what does not match is passed over");
        assert_eq!(window.after(at(9), 10, |_| true).unwrap().end, at(9), "a reader ahead of memory is not set back");
        assert!(window.after(at(2), 10, |_| true).is_none());
    }

    #[test]
    fn memory_keeps_so_many_events_and_no_more() {
        let mut window = Window { bounds: Some((at(0), at(0))), ..Window::default() };
        let kept = i64::try_from(KEPT).unwrap();
        window.add(stretch(1..=kept));
        assert!(window.after(at(0), 1, |_| true).is_some());
        window.add(stretch(kept + 1..=kept + 5));
        assert_eq!(window.kept.len(), KEPT);
        assert!(window.after(at(4), 1, |_| true).is_none(), "event 5 is gone");
        assert_eq!(seqs(&window.after(at(5), 1, |_| true).unwrap()), [6]);
    }
}
