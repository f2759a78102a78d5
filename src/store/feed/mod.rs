//! The feed of events: in an order that never skips a late commit, and what may be seen of them.
//!
//! One task of a process reads the table and shares what it read with all who follow ([`Hub`]); a [`Follower`] decides
//! in memory what concerns it, asks the database only where reach depends on the record, and reads the table by itself
//! only where it lags behind what is shared.

mod follower;
mod hub;

pub use follower::Follower;
pub(super) use hub::Hub;

use std::{collections::HashSet, sync::Arc};

use entity::{EventAction, Instant, Kind};
use sea_orm::{QueryResult, prelude::Uuid};

use super::{
    Backend, Store, json, scope,
    sql::{Engine, Sql},
    told,
};
use crate::{
    access::Action,
    error::{Code, Error, Result},
};

/// A place in the feed: a transaction and a sequence number within all of them.
///
/// Sequence numbers are handed out before commit, so alone they would skip an event whose
/// transaction commits late. On PostgreSQL the feed therefore runs by transaction and shows only
/// those older than every one still open; on SQLite, which has one writer, the sequence suffices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position {
    xid: i64,
    seq: i64,
}

impl Position {
    /// As a cursor.
    #[must_use]
    pub fn cursor(self) -> String {
        format!("ev_{:x}_{:x}", self.xid, self.seq)
    }

    /// Reads a cursor.
    pub fn read(cursor: &str) -> Result<Self> {
        let parts = cursor.strip_prefix("ev_").and_then(|rest| rest.split_once('_'));
        let number = |text: &str| i64::from_str_radix(text, 16).ok().filter(|number| *number >= 0);
        parts
            .and_then(|(xid, seq)| Some(Self { xid: number(xid)?, seq: number(seq)? }))
            .ok_or_else(|| Error::refused(Code::InvalidCursor, "This is no cursor of the event feed."))
    }
}

/// An event as it is stored, whoever may see it.
#[derive(Debug)]
pub struct RawEvent {
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
    /// The changed fields with their values, as JSON.
    changes: Option<String>,
}

/// An event as its reader may see it.
#[derive(Clone, Debug)]
pub struct FeedEvent {
    /// The event.
    pub event: Arc<RawEvent>,
    /// The changed fields that the reader may see, under their API names.
    pub changed: Vec<String>,
}

impl Store {
    /// The end of the feed: what comes after it is yet to happen.
    pub async fn feed_end(&self) -> Result<Position> {
        let mut sql = Sql::new(self.engine());
        sql.push("SELECT e.xid, e.seq FROM event e WHERE TRUE");
        push_settled(&mut sql);
        sql.push(" ORDER BY e.xid DESC, e.seq DESC LIMIT 1");
        let rows = self.fetch(sql).await?;
        let Some(row) = rows.first() else { return Ok(Position::default()) };
        position(row)
    }

    /// Which of these events the actor may see; asked of the database only where that depends on the record.
    async fn sees_events(&self, events: &[Arc<RawEvent>]) -> Result<Vec<bool>> {
        let known: Vec<Option<bool>> =
            events.iter().map(|event| scope::sees_events_of(self.actor(), event.subject.0)).collect();
        let asked: Vec<&Arc<RawEvent>> =
            events.iter().zip(&known).filter(|(_, known)| known.is_none()).map(|(event, _)| event).collect();
        let (Some(first), Some(last)) = (asked.first(), asked.last()) else {
            return Ok(known.into_iter().map(|known| known.unwrap_or(false)).collect());
        };
        let ids: Vec<Uuid> = asked.iter().map(|event| event.id).collect();
        let mut sql = Sql::new(self.engine());
        sql.push("SELECT e.id FROM event e WHERE (e.xid, e.seq) >= (").bind(first.position.xid).push(", ");
        sql.bind(first.position.seq).push(") AND (e.xid, e.seq) <= (").bind(last.position.xid).push(", ");
        sql.bind(last.position.seq).push(") AND e.id").in_ids(&ids);
        scope::and_within(&mut sql, self.actor(), (Kind::Event, "e"), Action::Read);
        let rows = self.fetch(sql).await?;
        let seen: HashSet<Uuid> =
            rows.iter().filter_map(|row| json::uuid(row, 0).transpose()).collect::<Result<_>>()?;
        let decide = |(event, known): (&Arc<RawEvent>, Option<bool>)| known.unwrap_or_else(|| seen.contains(&event.id));
        Ok(events.iter().zip(known).map(decide).collect())
    }

    /// An event as the actor sees it.
    fn shown(&self, event: Arc<RawEvent>) -> Result<FeedEvent> {
        let changes = told::seen(self.actor(), Some(event.subject.0), event.changes.as_deref())?;
        Ok(FeedEvent { event, changed: changes.into_iter().map(|change| change.field).collect() })
    }
}

impl Backend {
    /// Up to `most` events after a position, whoever may see them, and the position up to which the feed was read.
    async fn raw_feed(&self, after: Position, most: i64) -> Result<(Vec<Arc<RawEvent>>, Position)> {
        let mut sql = Sql::new(self.db.engine());
        let changes = if sql.engine() == Engine::Postgres { "e.changes::text" } else { "e.changes" };
        sql.push("SELECT e.xid, e.seq, e.id, e.occurred_at, e.action, e.subject_kind, e.subject_id, e.actor_id, e.api_key_id, ")
            .push(changes);
        sql.push(" FROM event e WHERE (e.xid, e.seq) > (").bind(after.xid).push(", ").bind(after.seq).push(")");
        push_settled(&mut sql);
        sql.push(" ORDER BY e.xid, e.seq LIMIT ").bind(most);
        let (mut events, mut end) = (Vec::new(), after);
        for row in self.db.fetch_streaming(sql).await? {
            end = position(&row)?;
            // A kind that this program does not know is one of a newer one.
            let Some(kind) = json::text(&row, 5)?.and_then(Kind::named) else { continue };
            events.push(Arc::new(RawEvent {
                position: end,
                id: json::uuid(&row, 2)?.unwrap_or_default(),
                occurred_at: Instant(json::bigint(&row, 3)?.unwrap_or(0)),
                action: json::text(&row, 4)?.and_then(EventAction::parse).unwrap_or(EventAction::Updated),
                subject: (kind, json::uuid(&row, 6)?.unwrap_or_default()),
                actor: json::uuid(&row, 7)?,
                api_key: json::uuid(&row, 8)?,
                changes: json::text(&row, 9)?.map(str::to_owned),
            }));
        }
        Ok((events, end))
    }
}

fn position(row: &QueryResult) -> Result<Position> {
    Ok(Position { xid: json::bigint(row, 0)?.unwrap_or(0), seq: json::bigint(row, 1)?.unwrap_or(0) })
}

/// Appends the condition that no transaction still open can come before an event.
fn push_settled(sql: &mut Sql) {
    if sql.engine() == Engine::Postgres {
        sql.push(" AND e.xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint");
    }
}
