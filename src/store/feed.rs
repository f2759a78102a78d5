//! The feed of events: in an order that never skips a late commit, and what may be seen of them.

use entity::{EventAction, Instant, Kind};
use sea_orm::prelude::Uuid;

use super::{
    Store, json, scope,
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
    pub(super) fn new(xid: i64, seq: i64) -> Self {
        Self { xid, seq }
    }

    /// As a cursor of this history.
    pub(super) fn cursor(self, history: &str) -> String {
        format!("ev_{history}_{:x}_{:x}", self.xid, self.seq)
    }

    /// Reads a cursor: its history, which those of earlier versions do not name, and its place.
    pub(super) fn read(cursor: &str) -> Result<(Option<&str>, Self)> {
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
            _ => Err(Error::refused(Code::InvalidCursor, "This is no cursor of the event feed.")),
        }
    }
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

impl Store {
    /// The end of the feed: what comes after it is yet to happen.
    pub async fn feed_end(&self) -> Result<Position> {
        let mut sql = Sql::new(self.engine());
        sql.push("SELECT e.xid, e.seq FROM event e WHERE TRUE");
        push_settled(&mut sql);
        sql.push(" ORDER BY e.xid DESC, e.seq DESC LIMIT 1");
        let rows = self.fetch(sql).await?;
        let Some(row) = rows.first() else { return Ok(Position::default()) };
        Ok(Position { xid: json::bigint(row, 0)?.unwrap_or(0), seq: json::bigint(row, 1)?.unwrap_or(0) })
    }

    /// Up to `most` events after a position that the actor may see, and the position up to which
    /// the feed was read.
    pub async fn feed(&self, after: Position, kinds: &[Kind], most: i64) -> Result<(Vec<FeedEvent>, Position)> {
        let mut sql = Sql::new(self.engine());
        let changes = if self.engine() == Engine::Postgres { "e.changes::text" } else { "e.changes" };
        sql.push("SELECT e.xid, e.seq, e.id, e.occurred_at, e.action, e.subject_kind, e.subject_id, e.actor_id, e.api_key_id, ")
            .push(changes);
        sql.push(", ");
        scope::is_within(&mut sql, self.actor(), (Kind::Event, "e"), Action::Read);
        sql.push(" FROM event e WHERE (e.xid, e.seq) > (").bind(after.xid).push(", ").bind(after.seq).push(")");
        push_settled(&mut sql);
        sql.push(" ORDER BY e.xid, e.seq LIMIT ").bind(most);
        let (mut events, mut end) = (Vec::new(), after);
        for row in self.fetch(sql).await? {
            end = Position { xid: json::bigint(&row, 0)?.unwrap_or(0), seq: json::bigint(&row, 1)?.unwrap_or(0) };
            let seen: bool = row.try_get_by_index(10)?;
            let kind = json::text(&row, 5)?.and_then(Kind::named);
            let (Some(kind), true) = (kind.filter(|kind| kinds.is_empty() || kinds.contains(kind)), seen) else {
                continue;
            };
            let changes = told::seen(self.actor(), Some(kind), json::text(&row, 9)?)?;
            events.push(FeedEvent {
                position: end,
                id: json::uuid(&row, 2)?.unwrap_or_default(),
                occurred_at: Instant(json::bigint(&row, 3)?.unwrap_or(0)),
                action: json::text(&row, 4)?.and_then(EventAction::parse).unwrap_or(EventAction::Updated),
                subject: (kind, json::uuid(&row, 6)?.unwrap_or_default()),
                actor: json::uuid(&row, 7)?,
                api_key: json::uuid(&row, 8)?,
                changed: changes.into_iter().map(|change| change.field).collect(),
            });
        }
        Ok((events, end))
    }
}

/// Appends the condition that no transaction still open can come before an event.
fn push_settled(sql: &mut Sql) {
    if sql.engine() == Engine::Postgres {
        sql.push(" AND e.xid < feed_offset() + pg_snapshot_xmin(pg_current_snapshot())::text::bigint");
    }
}
