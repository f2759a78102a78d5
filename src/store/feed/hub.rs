//! What one task of the process reads of the feed, shared with all who follow it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, time::timeout};

use super::{Position, RawEvent};
use crate::{access::Purpose, error::Result, store::Backend};

/// Events that are kept for those who lag; who lags further reads the table.
const KEPT: usize = 4_096;

/// Events that one statement reads.
const AT_ONCE: i64 = 500;

/// How long an event may wait where the news of it got lost, or where a transaction opened before it keeps it back.
const AT_THE_LATEST: Duration = Duration::from_secs(1);

/// The latest part of the feed.
#[derive(Debug)]
pub struct Hub {
    latest: Mutex<Latest>,
    /// How far the feed was read.
    end: watch::Sender<Position>,
}

#[derive(Debug, Default)]
struct Latest {
    events: VecDeque<Arc<RawEvent>>,
    /// The position after which all events are kept here; nothing while nobody reads.
    since: Option<Position>,
}

impl Default for Hub {
    fn default() -> Self {
        Self { latest: Mutex::default(), end: watch::Sender::new(Position::default()) }
    }
}

impl Hub {
    /// Tells when more of the feed was read.
    pub fn heard(&self) -> watch::Receiver<Position> {
        self.end.subscribe()
    }

    /// Up to `most` events after a position, and how far they lead; nothing where it lies before what is kept.
    pub fn after(&self, position: Position, most: usize) -> Option<(Vec<Arc<RawEvent>>, Position)> {
        let latest = self.lock();
        if latest.since.is_none_or(|since| position < since) {
            return None;
        }
        let start = latest.events.partition_point(|event| event.position <= position);
        let events: Vec<_> = latest.events.range(start..).take(most).cloned().collect();
        let whole = start + events.len() == latest.events.len();
        let end = if whole { *self.end.borrow() } else { events.last().map_or(position, |event| event.position) };
        Some((events, end.max(position)))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Latest> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins anew after a position.
    fn begin(&self, position: Position) {
        let mut latest = self.lock();
        latest.events.clear();
        latest.since = Some(position);
        self.end.send_replace(position);
    }

    fn add(&self, events: Vec<Arc<RawEvent>>, end: Position) {
        let mut latest = self.lock();
        latest.events.extend(events);
        while latest.events.len() > KEPT {
            latest.since = latest.events.pop_front().map(|event| event.position);
        }
        self.end.send_replace(end);
    }
}

impl Backend {
    /// Reads the feed for all who follow it, for as long as it is polled. While nobody follows, it waits.
    pub async fn read_feed(self: Arc<Self>) {
        let mut failing = false;
        loop {
            match self.share_feed().await {
                Ok(()) => failing = false,
                Err(error) if !failing => {
                    failing = true;
                    tracing::warn!(%error, "the feed of events cannot be read now; trying again");
                }
                Err(_) => {}
            }
            tokio::time::sleep(AT_THE_LATEST).await;
        }
    }

    async fn share_feed(self: &Arc<Self>) -> Result<()> {
        let (hub, mut changes) = (&self.hub, self.changes());
        let mut end = self.as_system(Purpose::Feed).streaming().feed_end().await?;
        hub.begin(end);
        loop {
            changes.mark_unchanged();
            let (events, upto) = self.raw_feed(end, AT_ONCE).await?;
            if upto == end {
                // Whichever comes first; the table is the truth.
                let _ = timeout(AT_THE_LATEST, changes.changed()).await;
                continue;
            }
            end = upto;
            hub.add(events, end);
        }
    }
}
