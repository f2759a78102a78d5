//! Somebody who follows the feed.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::sync::watch;

use super::{FeedEvent, Position, RawEvent};
use crate::{
    error::{Code, Error, Result},
    store::Store,
};

/// Events that are looked at together.
const AT_ONCE: usize = 200;

/// How long is waited after a failed read.
const PAUSE: Duration = Duration::from_secs(1);

/// Which events somebody wants, whoever may see them.
pub type Wanted = Box<dyn Fn(&RawEvent) -> bool + Send + Sync>;

/// Follows the feed for one subscription, as far as its actor may see it.
pub struct Follower {
    store: Store,
    wanted: Wanted,
    position: Position,
    heard: watch::Receiver<Position>,
    ready: VecDeque<FeedEvent>,
    failing: bool,
}

impl std::fmt::Debug for Follower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follower").field("position", &self.position).finish_non_exhaustive()
    }
}

impl Follower {
    /// Follows from a cursor on, or from now on.
    pub async fn begin(store: &Store, wanted: Wanted, after: Option<&str>) -> Result<Self> {
        let store = store.streaming();
        // Heard from before the feed's end is read, so that nothing falls between.
        let heard = store.backend().hub.heard();
        let end = store.feed_end().await?;
        let position = match after {
            Some(cursor) => Position::read(cursor)?,
            None => end,
        };
        // A cursor from before a restored backup, say: following it would be silent for ever.
        if position > end {
            let message = "The cursor lies beyond the end of the feed; it is of another database.";
            return Err(Error::refused(Code::InvalidCursor, message));
        }
        Ok(Self { store, wanted, position, heard, ready: VecDeque::new(), failing: false })
    }

    /// As whom it reads, with what they may see now.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The next event. A database that cannot be read is waited for; an actor who may see nothing any more ends it.
    pub async fn next(&mut self) -> Result<FeedEvent> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(event);
            }
            match self.read().await {
                Ok(()) => self.failing = false,
                Err(error) if is_passing(&error) => {
                    if !std::mem::replace(&mut self.failing, true) {
                        tracing::warn!(%error, "a subscription could not read; it goes on from its cursor");
                    }
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn read(&mut self) -> Result<()> {
        self.heard.mark_unchanged();
        let backend = Arc::clone(self.store.backend());
        let (events, end) = match backend.hub.after(self.position, AT_ONCE) {
            Some(shared) => shared,
            // Behind what is shared: read from the table, page by page.
            None => backend.raw_feed(self.position, i64::try_from(AT_ONCE).unwrap_or(i64::MAX)).await?,
        };
        if end == self.position {
            let _ = tokio::time::timeout(PAUSE, self.heard.changed()).await;
            return Ok(());
        }
        let wanted: Vec<_> = events.into_iter().filter(|event| (self.wanted)(event)).collect();
        if !wanted.is_empty() {
            // What the subscriber's roles permit now, not what they permitted at the start.
            self.store = self.store.refreshed().await?;
            let seen = self.store.sees_events(&wanted).await?;
            // What ended or was taken away while they were read holds for them too.
            if self.store.refreshed().await?.actor().policy != self.store.actor().policy {
                return Ok(());
            }
            for (event, _) in wanted.into_iter().zip(seen).filter(|(_, seen)| *seen) {
                self.ready.push_back(self.store.shown(event)?);
            }
        }
        self.position = end;
        Ok(())
    }
}

/// Whether it may go better in a moment.
fn is_passing(error: &Error) -> bool {
    matches!(error, Error::Refused(refusal) if matches!(refusal.code, Code::ServiceUnavailable | Code::Timeout))
}
