//! What people own, in bulk: how much it is, and how it goes to somebody else in a few statements; and how far each
//! hand-over has come.

use entity::{EventAction, Instant, Kind, UserHandoverStatus, id::global, user::UserId};
use sea_orm::{QueryResult, prelude::Uuid};
use serde_json::{Map, Value as Json, json};

use super::credentials::system_only;
use crate::{
    access::Action,
    error::{Error, Result},
    store::{
        Backend, Change,
        change::Event,
        json, scope,
        sql::{Engine, Sql},
    },
};

/// A column by which people own records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Which records.
    pub kind: Kind,
    /// The column that names the person.
    pub column: &'static str,
}

/// Somebody's place in an account's team that ends.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its id.
    pub id: Uuid,
    /// The account.
    pub account: Uuid,
    /// What the person did for the account.
    pub role: Option<String>,
    /// Whether the successor is to take it: the account is live, and they have no place there yet.
    pub free: bool,
}

/// What a step of a hand-over has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HandoverStep {
    /// Records dealt with.
    pub done: usize,
    /// Those of them that went to somebody else.
    pub handed_over: usize,
    /// Those of them that could not.
    pub failed: usize,
}

/// A hand-over and how far it has come.
#[derive(Clone, Debug)]
pub struct Handover {
    /// Its id.
    pub id: Uuid,
    /// Who has left.
    pub user: UserId,
    /// Who began it.
    pub started_by: Option<UserId>,
    /// How far it has come.
    pub status: UserHandoverStatus,
    /// Records to be dealt with, as counted at the beginning.
    pub total: i32,
    /// Records dealt with.
    pub done: i32,
    /// Records that went to somebody else.
    pub handed_over: i32,
    /// Records that could not.
    pub failed: i32,
    /// Why it stopped.
    pub message: Option<String>,
    /// When it began.
    pub created_at: Instant,
    /// When it ended.
    pub finished_at: Option<Instant>,
}

/// A record that could not be handed over.
#[derive(Clone, Debug)]
pub struct HandoverFailure {
    /// The record.
    pub record: (Kind, Uuid),
    /// The particular reason.
    pub reason: Option<String>,
    /// Why, for people.
    pub message: String,
}

impl Change {
    /// How many live and how many archived records somebody holds by a column; where accounts are given, of these.
    pub async fn holdings(&self, hold: Hold, user: UserId, accounts: Option<&[Uuid]>) -> Result<(i64, i64)> {
        let mut sql = self.sql();
        sql.push("SELECT count(CASE WHEN t.archived_at IS NULL THEN 1 END), count(t.archived_at) FROM ");
        push_held(&mut sql, hold, (user, accounts));
        let rows = self.fetch(sql).await?;
        let count = |at| rows.first().map(|row| json::bigint(row, at)).transpose().map(Option::flatten);
        Ok((count(0)?.unwrap_or_default(), count(1)?.unwrap_or_default()))
    }

    /// Some of the records that somebody holds by a column, archived ones included unless it is for API keys: a key
    /// that has been revoked is nothing that somebody could answer for.
    pub async fn owned_by(
        &self,
        hold: Hold,
        (user, accounts): (UserId, Option<&[Uuid]>),
        most: usize,
    ) -> Result<Vec<Uuid>> {
        let mut sql = self.sql();
        sql.push("SELECT t.id FROM ");
        push_held(&mut sql, hold, (user, accounts));
        if hold.kind == Kind::ApiKey {
            sql.push(" AND t.archived_at IS NULL");
        }
        sql.push(" ORDER BY t.id LIMIT ").push(&most.to_string());
        self.fetch(sql).await?.iter().filter_map(|row| json::uuid(row, 0).transpose()).collect()
    }

    /// Gives some records from one person to another, each with its event; tells how many there were.
    ///
    /// A few statements however many records: an owner has no rules beyond those that [`Change::check_given`] and the
    /// hand-over's own checks ask of the successor.
    pub async fn give(&mut self, hold: Hold, ids: &[Uuid], (from, to): (UserId, UserId)) -> Result<usize> {
        system_only(self.store())?;
        self.lock_rows(hold.kind, ids).await?;
        let table = hold.kind.table();
        let mut sql = self.sql();
        sql.push("UPDATE ").table(table.table).push(" SET ").push(hold.column).push(" = ").bind(to.0);
        sql.push(", version = version + 1, updated_at = ").bind(self.store().now().0);
        sql.push(" WHERE ").push(hold.column).push(" = ").bind(from.0).push(" AND id").in_ids(ids);
        sql.push(" RETURNING id, ").push(account_of(hold.kind).unwrap_or("NULL"));
        let rows = self.fetch(sql).await?;
        let told = table.column(hold.column).map_or("owner", |field| field.event_name());
        let person = |id: UserId| global(Kind::User, id.0);
        let mut changes = Map::new();
        changes.insert(told.to_owned(), json!({ "before": person(from), "after": person(to) }));
        self.touches(hold.kind);
        self.record_for(EventAction::Updated, hold.kind, (&rows, &Json::Object(changes))).await
    }

    /// Which of these live records the actor may see.
    pub async fn seen_among(&self, kind: Kind, ids: &[Uuid]) -> Result<Vec<Uuid>> {
        let mut sql = self.sql();
        sql.push("SELECT t.id FROM ")
            .table(kind.table().table)
            .push(" t WHERE t.archived_at IS NULL AND t.id")
            .in_ids(ids);
        scope::and_within(&mut sql, self.store().actor(), (kind, "t"), Action::Read);
        self.fetch(sql).await?.iter().filter_map(|row| json::uuid(row, 0).transpose()).collect()
    }

    /// Some of the places in account teams that somebody has, with whether `to` is to take each.
    pub async fn places(
        &self,
        (user, accounts): (UserId, Option<&[Uuid]>),
        to: Option<UserId>,
        most: usize,
    ) -> Result<Vec<Place>> {
        let mut sql = self.sql();
        sql.push("SELECT t.id, t.account_id, t.role, CASE WHEN ");
        match to {
            Some(to) => {
                sql.push("EXISTS (SELECT 1 FROM account a WHERE a.id = t.account_id AND a.archived_at IS NULL) AND NOT EXISTS (");
                sql.push("SELECT 1 FROM account_team_member o WHERE o.account_id = t.account_id AND o.archived_at IS NULL AND o.user_id = ");
                sql.bind(to.0).push(")");
            }
            None => {
                sql.push("FALSE");
            }
        }
        sql.push(" THEN 1 ELSE 0 END FROM ");
        push_held(&mut sql, PLACE, (user, accounts));
        sql.push(" AND t.archived_at IS NULL ORDER BY t.id LIMIT ").push(&most.to_string());
        let place = |row: &QueryResult| -> Result<Place> {
            Ok(Place {
                id: json::uuid(row, 0)?.unwrap_or_default(),
                account: json::uuid(row, 1)?.unwrap_or_default(),
                role: json::text(row, 2)?.map(str::to_owned),
                free: json::int(row, 3)? == Some(1),
            })
        };
        self.fetch(sql).await?.iter().map(place).collect()
    }

    /// Archives some records in a few statements, each with its event; tells how many there were. What the rules of
    /// their kind ask before a record is archived, the caller has asked.
    pub async fn archive_all(&mut self, kind: Kind, ids: &[Uuid]) -> Result<usize> {
        system_only(self.store())?;
        self.lock_rows(kind, ids).await?;
        let now = self.store().now().0;
        let mut sql = self.sql();
        sql.push("UPDATE ").table(kind.table().table).push(" SET archived_at = ").bind(now);
        sql.push(", updated_at = ").bind(now);
        sql.push(", version = version + 1 WHERE archived_at IS NULL AND id").in_ids(ids);
        sql.push(" RETURNING id, ").push(account_of(kind).unwrap_or("NULL"));
        let rows = self.fetch(sql).await?;
        self.touches(kind);
        self.record_for(EventAction::Archived, kind, (&rows, &Json::Object(Map::new()))).await
    }

    async fn record_for(
        &mut self,
        action: EventAction,
        kind: Kind,
        (rows, changes): (&[QueryResult], &Json),
    ) -> Result<usize> {
        let event = |row: &QueryResult| -> Result<Event> {
            let subject = (kind, json::uuid(row, 0)?.unwrap_or_default());
            let account = if account_of(kind).is_some() { json::uuid(row, 1)? } else { None };
            Ok(Event { action, subject, account, changes: changes.clone() })
        };
        self.tell_all(rows.iter().map(event).collect::<Result<_>>()?).await?;
        Ok(rows.len())
    }

    /// Notes a new hand-over by whoever this change acts for; ends those of the same person that are under way.
    pub async fn open_handover(&mut self, user: UserId, (plan, total): (&Json, i64)) -> Result<Uuid> {
        self.cancel_handovers(user).await?;
        let (id, now) = (self.store().backend().new_id(), self.store().now().0);
        let mut sql = self.sql();
        sql.push("INSERT INTO user_handover (id, user_id, started_by_id, plan, status, total, done, handed_over, failed, created_at) VALUES (");
        sql.bind(id).push(", ").bind(user.0).push(", ").bind(self.author().map(|by| by.0)).push(", ");
        sql.bind(plan.to_string()).push(", ").bind(UserHandoverStatus::Running.as_str()).push(", ");
        sql.bind(i32::try_from(total).unwrap_or(i32::MAX)).push(", 0, 0, 0, ").bind(now).push(")");
        self.execute(sql).await?;
        Ok(id)
    }

    /// Ends the hand-overs of somebody that are under way.
    pub async fn cancel_handovers(&mut self, user: UserId) -> Result<()> {
        let mut sql = self.sql();
        self.push_end(&mut sql, UserHandoverStatus::Cancelled, None);
        sql.push(" AND user_id = ").bind(user.0);
        self.execute(sql).await.map(|_| ())
    }

    /// Whether a hand-over is under way; it stays so until the end of the change.
    ///
    /// The row is locked rather than changed here: a row that one transaction changes twice has its foreign keys checked
    /// again by PostgreSQL, which would wait for whoever brings the person back, who waits for this hand-over.
    pub async fn hold_handover(&mut self, id: Uuid) -> Result<bool> {
        let mut sql = self.sql();
        sql.push("SELECT 1 FROM user_handover h WHERE h.id = ").bind(id);
        sql.push(" AND h.status = ").bind(UserHandoverStatus::Running.as_str());
        if sql.engine() == Engine::Postgres {
            sql.push(" FOR UPDATE OF h");
        }
        Ok(!self.fetch(sql).await?.is_empty())
    }

    /// Adds what a step has done to a hand-over that is under way.
    pub async fn advance_handover(&mut self, id: Uuid, given: HandoverStep) -> Result<()> {
        let count = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
        let mut sql = self.sql();
        sql.push("UPDATE user_handover SET done = done + ").bind(count(given.done));
        sql.push(", handed_over = handed_over + ").bind(count(given.handed_over));
        sql.push(", failed = failed + ").bind(count(given.failed)).push(" WHERE id = ").bind(id);
        sql.push(" AND status = ").bind(UserHandoverStatus::Running.as_str());
        self.execute(sql).await.map(|_| ())
    }

    /// Ends a hand-over, unless it has ended.
    pub async fn end_handover(&mut self, id: Uuid, error: Option<&str>) -> Result<()> {
        let status = if error.is_some() { UserHandoverStatus::Failed } else { UserHandoverStatus::Done };
        let mut sql = self.sql();
        self.push_end(&mut sql, status, error);
        sql.push(" AND id = ").bind(id);
        self.execute(sql).await.map(|_| ())
    }

    fn push_end(&self, sql: &mut Sql, status: UserHandoverStatus, error: Option<&str>) {
        sql.push("UPDATE user_handover SET status = ").bind(status.as_str()).push(", finished_at = ");
        sql.bind(self.store().now().0).push(", message = ").bind(error.map(str::to_owned));
        sql.push(" WHERE status = ").bind(UserHandoverStatus::Running.as_str());
    }

    /// Notes a record that could not be handed over.
    pub async fn note_failure(&mut self, handover: Uuid, failure: HandoverFailure) -> Result<()> {
        let (kind, id) = failure.record;
        let mut sql = self.sql();
        sql.push("INSERT INTO user_handover_failure (handover_id, resource, record_id, reason, message) VALUES (");
        sql.bind(handover).push(", ").bind(kind.name()).push(", ").bind(id).push(", ").bind(failure.reason);
        sql.push(", ").bind(failure.message).push(") ON CONFLICT DO NOTHING");
        self.execute(sql).await.map(|_| ())
    }
}

impl Backend {
    /// A hand-over by its id.
    pub async fn handover(&self, id: Uuid) -> Result<Option<Handover>> {
        let mut sql = Sql::new(self.db.engine());
        sql.push(HANDOVERS).push(" WHERE h.id = ").bind(id);
        self.db.fetch(sql).await?.first().map(handover).transpose()
    }

    /// What goes to whom in a hand-over, as JSON. It may be long.
    pub async fn handover_plan(&self, id: Uuid) -> Result<Option<String>> {
        let mut sql = Sql::new(self.db.engine());
        sql.push("SELECT h.plan FROM user_handover h WHERE h.id = ").bind(id);
        let rows = self.db.fetch(sql).await?;
        Ok(rows.first().map(|row| json::text(row, 0)).transpose()?.flatten().map(str::to_owned))
    }

    /// The last hand-overs of somebody, the newest first; with `by`, only those that this person began.
    pub async fn handovers(&self, user: Option<UserId>, by: Option<UserId>, most: usize) -> Result<Vec<Handover>> {
        let mut sql = Sql::new(self.db.engine());
        sql.push(HANDOVERS).push(" WHERE TRUE");
        if let Some(user) = user {
            sql.push(" AND h.user_id = ").bind(user.0);
        }
        if let Some(by) = by {
            sql.push(" AND h.started_by_id = ").bind(by.0);
        }
        sql.push(" ORDER BY h.id DESC LIMIT ").push(&most.to_string());
        self.db.fetch(sql).await?.iter().map(handover).collect()
    }

    /// The records that a hand-over could not give, in the order of their ids, from behind one of them.
    pub async fn handover_failures(
        &self,
        handover: Uuid,
        after: Option<Uuid>,
        most: usize,
    ) -> Result<Vec<HandoverFailure>> {
        let mut sql = Sql::new(self.db.engine());
        sql.push(
            "SELECT f.resource, f.record_id, f.reason, f.message FROM user_handover_failure f WHERE f.handover_id = ",
        );
        sql.bind(handover);
        if let Some(after) = after {
            sql.push(" AND f.record_id > ").bind(after);
        }
        sql.push(" ORDER BY f.record_id LIMIT ").push(&most.to_string());
        let failure = |row: &QueryResult| -> Result<HandoverFailure> {
            let kind = json::text(row, 0)?.and_then(Kind::named);
            let kind = kind.ok_or_else(|| Error::internal("a hand-over names a kind of record that is none"))?;
            Ok(HandoverFailure {
                record: (kind, json::uuid(row, 1)?.unwrap_or_default()),
                reason: json::text(row, 2)?.map(str::to_owned),
                message: json::text(row, 3)?.unwrap_or_default().to_owned(),
            })
        };
        self.db.fetch(sql).await?.iter().map(failure).collect()
    }
}

/// The places in account teams.
pub const PLACE: Hold = Hold { kind: Kind::AccountTeamMember, column: "user_id" };

/// The column that names the account to which records of a kind belong.
#[must_use]
pub fn account_of(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Account => Some("id"),
        Kind::Lead | Kind::Deal | Kind::AccountTeamMember => Some("account_id"),
        _ => None,
    }
}

/// Appends the table and the condition of what somebody holds by a column, at these accounts if any are named.
fn push_held(sql: &mut Sql, hold: Hold, (user, accounts): (UserId, Option<&[Uuid]>)) {
    sql.table(hold.kind.table().table).push(" t WHERE ").column("t", hold.column).push(" = ").bind(user.0);
    if let Some(accounts) = accounts {
        match account_of(hold.kind) {
            Some(column) => sql.push(" AND ").column("t", column).in_ids(accounts),
            None => sql.push(" AND FALSE"),
        };
    }
}

const HANDOVERS: &str = "SELECT h.id, h.user_id, h.started_by_id, h.status, h.total, h.done, h.handed_over, h.failed, h.message, \
     h.created_at, h.finished_at FROM user_handover h";

fn handover(row: &QueryResult) -> Result<Handover> {
    let count = |at| json::int(row, at).map(Option::unwrap_or_default);
    let status = json::text(row, 3)?.and_then(UserHandoverStatus::parse);
    Ok(Handover {
        id: json::uuid(row, 0)?.unwrap_or_default(),
        user: UserId(json::uuid(row, 1)?.unwrap_or_default()),
        started_by: json::uuid(row, 2)?.map(UserId),
        status: status.ok_or_else(|| Error::internal("a hand-over has a status that is none"))?,
        total: count(4)?,
        done: count(5)?,
        handed_over: count(6)?,
        failed: count(7)?,
        message: json::text(row, 8)?.map(str::to_owned),
        created_at: Instant(json::bigint(row, 9)?.unwrap_or_default()),
        finished_at: json::bigint(row, 10)?.map(Instant),
    })
}
