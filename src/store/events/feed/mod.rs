//! The feed of events: in an order that never skips a late commit, and what may be seen of them.
//!
//! One reader per process ([`shared`]) reads each new event once; subscriptions ([`follow`]) take it
//! from memory and ask the database only for what memory cannot tell ([`visible`]).

mod follow;
mod shared;
mod visible;

use std::{collections::HashSet, sync::Arc};

use entity::{EventAction, Instant, Kind};
use sea_orm::{QueryResult, prelude::Uuid};
use tokio::sync::SemaphorePermit;

pub use self::follow::{Follower, Wanted};
pub(in crate::store) use self::shared::Feed;
use crate::store::{
    Backend, Store, json,
    read::visible_changes,
    sql::{Engine, Sql},
};
use crate::{
    access::Actor,
    error::{Code, Error, Result},
};

/// A place in the feed: a transaction and a sequence number within all of them.
///
/// Sequence numbers are handed out before commit, so alone they would skip an event whose
/// transaction commits late. On PostgreSQL the feed therefore runs by transaction and shows only
/// those older than every one still open; on SQLite, which has one writer, the sequence suffices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position {
    xid: i64,
    seq: i64,
}

impl Position {
    pub(in crate::store) fn new(xid: i64, seq: i64) -> Self {
        Self { xid, seq }
    }

    /// As a cursor of this history.
    pub(in crate::store) fn cursor(self, history: &str) -> String {
        format!("ev_{history}_{:x}_{:x}", self.xid, self.seq)
    }

    /// From the first two columns of a row.
    fn of(row: &QueryResult) -> Result<Self> {
        Ok(Self { xid: json::bigint(row, 0)?.unwrap_or(0), seq: json::bigint(row, 1)?.unwrap_or(0) })
    }

    /// Reads a cursor: its history, which those of earlier versions do not name, and its place.
    pub(in crate::store) fn read(cursor: &str) -> Result<(Option<&str>, Self)> {
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            i64::from_str_radix(text, 16).ok().filter(|_| digits)
        };
        let parts: Option<Vec<&str>> = cursor.strip_prefix("ev_").map(|rest| rest.split('_').collect());
        let (history, xid, seq) = match parts.as_deref() {
            Some([xid, seq]) => (None, number(xid), number(seq)),
            Some([history, xid, seq]) => (Some(*history), number(xid), number(seq)),
            _ => (None, None, None),
        };
        match (xid, seq) {
            (Some(xid), Some(seq)) => Ok((history, Self { xid, seq })),
            _ => Err(Error::refused(Code::InvalidCursor, "This is not a cursor of the event feed.")),
        }
    }
}

/// An event as it stands in the table, the same for every reader.
#[derive(Debug)]
struct Entry {
    position: Position,
    id: Uuid,
    occurred_at: Instant,
    action: EventAction,
    subject: (Kind, Uuid),
    actor: Option<Uuid>,
    api_key: Option<Uuid>,
    /// All changed fields; which of them a reader may see is decided for each reader.
    fields: Vec<String>,
}

impl Entry {
    /// Nothing for an event about a record type that this version does not know.
    fn read(row: &QueryResult) -> Result<Option<Self>> {
        let Some(kind) = json::text(row, 5)?.and_then(Kind::named) else { return Ok(None) };
        Ok(Some(Self {
            position: Position::of(row)?,
            id: json::uuid(row, 2)?.unwrap_or_default(),
            occurred_at: Instant(json::bigint(row, 3)?.unwrap_or(0)),
            action: json::text(row, 4)?.and_then(EventAction::parse).unwrap_or(EventAction::Updated),
            subject: (kind, json::uuid(row, 6)?.unwrap_or_default()),
            actor: json::uuid(row, 7)?,
            api_key: json::uuid(row, 8)?,
            fields: visible_changes::fields(kind, json::text(row, 9)?),
        }))
    }
}

/// A stretch of the feed.
struct Stretch {
    entries: Vec<Arc<Entry>>,
    /// Up to where the feed was read.
    end: Position,
    /// Whether there may be more behind it already.
    full: bool,
}

/// An event as its reader may see it.
#[derive(Clone, Debug)]
pub struct FeedEvent {
    /// Its place.
    pub position: Position,
    /// Its id.
    pub id: Uuid,
    /// When it happened.
    pub occurred_at: Instant,
    /// What happened.
    pub action: EventAction,
    /// To which record.
    pub subject: (Kind, Uuid),
    /// Who did it.
    pub actor: Option<Uuid>,
    /// By which API key, if by one.
    pub api_key: Option<Uuid>,
    /// The changed fields that the reader may see, under their API names.
    pub changed: Vec<String>,
}

impl FeedEvent {
    fn of(entry: &Entry, reader: &Actor) -> Self {
        let kind = entry.subject.0;
        Self {
            position: entry.position,
            id: entry.id,
            occurred_at: entry.occurred_at,
            action: entry.action,
            subject: entry.subject,
            actor: entry.actor,
            api_key: entry.api_key,
            changed: entry.fields.iter().filter(|field| !reader.policy.hides(kind, field)).cloned().collect(),
        }
    }
}

impl Backend {
    /// The end of the feed: what comes after it is yet to happen.
    async fn feed_end(&self) -> Result<Position> {
        let mut sql = Sql::new(self.db.engine());
        sql.push("SELECT e.xid, e.seq FROM event e WHERE TRUE");
        push_settled(&mut sql);
        sql.push(" ORDER BY e.xid DESC, e.seq DESC LIMIT 1");
        self.db.fetch(sql).await?.first().map_or(Ok(Position::default()), Position::of)
    }

    /// The end of the feed, and the events behind it that are written already but not shown yet,
    /// since a transaction still open may come before them.
    async fn feed_now(&self) -> Result<(Position, HashSet<Position>)> {
        let end = self.feed_end().await?;
        if self.db.engine() == Engine::Sqlite {
            return Ok((end, HashSet::new()));
        }
        let mut sql = Sql::new(self.db.engine());
        sql.push("SELECT e.xid, e.seq FROM event e WHERE (e.xid, e.seq) > (")
            .bind(end.xid)
            .push(", ")
            .bind(end.seq)
            .push(")");
        let rows = self.db.fetch(sql).await?;
        Ok((end, rows.iter().map(Position::of).collect::<Result<_>>()?))
    }

    /// The stretch of the feed after a position, of at most so many events.
    async fn feed_after(&self, after: Position, most: usize) -> Result<Stretch> {
        let engine = self.db.engine();
        let mut sql = Sql::new(engine);
        sql.push("SELECT e.xid, e.seq, e.id, e.occurred_at, e.action, e.subject_kind, e.subject_id, e.actor_id, e.api_key_id, ");
        sql.push(if engine == Engine::Postgres { "e.changes::text" } else { "e.changes" });
        sql.push(" FROM event e WHERE (e.xid, e.seq) > (").bind(after.xid).push(", ").bind(after.seq).push(")");
        push_settled(&mut sql);
        sql.push(" ORDER BY e.xid, e.seq LIMIT ").bind(i64::try_from(most).unwrap_or(i64::MAX));
        let rows = self.db.fetch(sql).await?;
        let mut entries = Vec::with_capacity(rows.len());
        for row in &rows {
            entries.extend(Entry::read(row)?.map(Arc::new));
        }
        let end = rows.last().map_or(Ok(after), Position::of)?;
        Ok(Stretch { entries, end, full: rows.len() >= most })
    }
}

impl Store {
    /// The end of the feed: what comes after it is yet to happen.
    pub async fn feed_end(&self) -> Result<Position> {
        self.backend.feed_end().await
    }

    /// Waits for a turn to read on behalf of a subscription: all subscriptions together run few statements at once.
    pub async fn feed_turn(&self) -> Option<SemaphorePermit<'_>> {
        self.backend.feed.turn().await
    }

    /// Up to `most` events after a position, without those that the actor may not see, and the
    /// position up to which the feed was read.
    pub async fn feed(&self, after: Position, kinds: &[Kind], most: usize) -> Result<(Vec<FeedEvent>, Position)> {
        let Stretch { mut entries, end, .. } = self.backend.feed_after(after, most).await?;
        entries.retain(|entry| kinds.is_empty() || kinds.contains(&entry.subject.0));
        let seen = self.visible(entries, None).await?;
        Ok((seen.iter().map(|entry| FeedEvent::of(entry, self.actor())).collect(), end))
    }
}

/// Appends the condition that no transaction still open can come before an event.
fn push_settled(sql: &mut Sql) {
    if sql.engine() == Engine::Postgres {
        sql.push(" AND e.xid < feed_offset() + pg_snapshot_xmin(pg_current_snapshot())::text::bigint");
    }
}
