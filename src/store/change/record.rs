//! Storing a row, the names other systems have for it, and its event.

use std::collections::BTreeSet;

use entity::{
    EventAction, Kind, event,
    table::{EXTERNAL_IDS, Field, Table, Type},
    user::UserId,
};
use sea_orm::{EntityTrait, IdenStatic, Iterable, ModelTrait, Value, prelude::Uuid};
use serde_json::{Map, Value as Json, json};

use super::{
    Change,
    draft::{Draft, input_name},
    noun::Rules,
};
use crate::{
    access::{Purpose, Who},
    error::{Error, Result, UserCode, UserError},
    store::{
        json,
        sql::{Engine, Sql},
        value,
    },
    text::short,
};

impl Change {
    /// Notes that records of a kind change by which it is decided who may do what.
    pub(in crate::store) fn touches(&mut self, kind: Kind) {
        self.touches_access |= matches!(
            kind,
            Kind::User
                | Kind::Team
                | Kind::TeamMembership
                | Kind::Role
                | Kind::RoleAssignment
                | Kind::Session
                | Kind::ApiKey
        );
    }

    /// Stores a row and its event: a new one, or what differs from the row before and in its names elsewhere.
    pub(super) async fn put<E: Rules>(
        &mut self,
        action: EventAction,
        before: Option<&E::Model>,
        row: &E::Model,
        names: Option<Json>,
    ) -> Result<()> {
        let table = E::table();
        self.wrote = true;
        self.touches(table.kind);
        let mut event = Self::event_of::<E>(action, before, row);
        if let (Json::Object(changes), Some(names)) = (&mut event.changes, names) {
            changes.insert(EXTERNAL_IDS.to_owned(), names);
        }
        let mut sql = self.sql();
        // One statement on PostgreSQL, where each is a message to another process and back.
        let both = sql.engine() == Engine::Postgres;
        if both {
            sql.push("WITH written AS (");
        }
        match before {
            None => push_insert::<E>(&mut sql, row),
            Some(before) => push_update::<E>(&mut sql, before, row),
        }
        if both {
            sql.push(") ");
            self.push_event(&mut sql, event);
            return self.fetch(sql).await.map_err(|error| self.taken(table, error)).map(|_| ());
        }
        self.execute(sql).await.map_err(|error| self.taken(table, error))?;
        let mut sql = self.sql();
        self.push_event(&mut sql, event);
        self.execute(sql).await.map(|_| ())
    }

    /// What a unique index means that a race has hit. The whole request runs again where nothing of it was kept, and then
    /// finds the record that was first and names it.
    fn taken(&self, table: &Table, error: Error) -> Error {
        let Some(taken) = taken(table, &error) else { return error };
        self.store.fate.collided();
        taken.into()
    }

    /// Adds and removes names that other systems have for a row; what they were and are, as its event tells, where that
    /// differs. Whoever may change a record may not always name it: who gives it the name that another system will
    /// look for, is told what that system writes there.
    pub(super) async fn keep_external_ids(
        &mut self,
        (kind, id): (Kind, Uuid),
        fresh: bool,
        draft: &Draft,
    ) -> Result<Option<Json>> {
        let (add, remove) = (&draft.external_ids, &draft.removed_external_ids);
        if add.is_empty() && remove.is_empty() {
            return Ok(None);
        }
        let before = if fresh { BTreeSet::new() } else { self.external_ids(kind, id).await? };
        let mut after: BTreeSet<_> = before.iter().filter(|name| !remove.contains(name)).cloned().collect();
        after.extend(add.iter().cloned());
        if before == after {
            return Ok(None);
        }
        if self.store.actor().policy.locks(kind, EXTERNAL_IDS) {
            let message = format!("You may not set {EXTERNAL_IDS}.");
            return Err(UserError::new(UserCode::Forbidden, EXTERNAL_IDS, message).because("FIELD_LOCKED").into());
        }
        for (system, external) in before.difference(&after) {
            let mut sql = self.sql();
            sql.push("DELETE FROM external_id WHERE resource = ").bind(kind.name()).push(" AND system = ");
            sql.bind(system.as_str()).push(" AND external_id = ").bind(external.as_str());
            sql.push(" AND record_id = ").bind(id);
            self.execute(sql).await?;
        }
        for (system, external) in after.difference(&before) {
            let mut sql = self.sql();
            sql.push("INSERT INTO external_id (resource, system, external_id, record_id) VALUES (").bind(kind.name());
            sql.push(", ").bind(system.as_str()).push(", ").bind(external.as_str()).push(", ").bind(id);
            sql.push(") ON CONFLICT DO NOTHING");
            if self.execute(sql).await? == 0 {
                let message = format!("Another {} has the id {} in {}.", kind.name(), short(external), short(system));
                let taken = UserError::new(UserCode::Taken, EXTERNAL_IDS, message);
                let holder = self.by_external_ids(kind, system, std::slice::from_ref(external)).await?;
                return Err(match holder.first() {
                    Some((_, holder)) => taken.against(kind, *holder).into(),
                    None => taken.into(),
                });
            }
        }
        let told = |names: &BTreeSet<(String, String)>| -> Json {
            names.iter().map(|(system, id)| json!({ "system": system, "id": id })).collect()
        };
        Ok(Some(json!({ "before": if fresh { Json::Null } else { told(&before) }, "after": told(&after) })))
    }

    /// The names other systems have for a row.
    async fn external_ids(&self, kind: Kind, id: Uuid) -> Result<BTreeSet<(String, String)>> {
        let mut sql = self.sql();
        sql.push("SELECT e.system, e.external_id FROM external_id e WHERE e.resource = ").bind(kind.name());
        sql.push(" AND e.record_id = ").bind(id);
        let mut names = BTreeSet::new();
        for row in self.fetch(sql).await? {
            names.extend(json::text(&row, 0)?.map(str::to_owned).zip(json::text(&row, 1)?.map(str::to_owned)));
        }
        Ok(names)
    }

    /// The rows that another system knows by these names.
    pub async fn by_external_ids(&self, kind: Kind, system: &str, names: &[String]) -> Result<Vec<(String, Uuid)>> {
        let mut found = Vec::with_capacity(names.len());
        for names in names.chunks(500) {
            let mut sql = self.sql();
            sql.push("SELECT e.external_id, e.record_id FROM external_id e WHERE e.resource = ").bind(kind.name());
            sql.push(" AND e.system = ").bind(system).push(" AND e.external_id IN (");
            for (n, name) in names.iter().enumerate() {
                sql.push(if n > 0 { "," } else { "" }).bind(name.as_str());
            }
            sql.push(")");
            for row in self.fetch(sql).await? {
                found.extend(json::text(&row, 0)?.map(str::to_owned).zip(json::uuid(&row, 1)?));
            }
        }
        Ok(found)
    }

    /// Inserts rows as they are, without rules and events: for Tandem's own demo data.
    pub async fn load<E: EntityTrait>(&mut self, rows: &[E::Model]) -> Result<()> {
        /// Bound values of one statement: SQLite takes 32,766, PostgreSQL 65,535.
        const PARAMETERS: usize = 30_000;
        if self.store.actor().who != Who::System(Purpose::Demo) {
            return Err(Error::internal("only the demo company is loaded without rules"));
        }
        self.touches_access = true;
        let columns: Vec<E::Column> = E::Column::iter().collect();
        for rows in rows.chunks(PARAMETERS / columns.len()) {
            let mut sql = self.sql();
            sql.push("INSERT INTO ").table(E::default().table_name()).push(" (");
            for (n, column) in columns.iter().enumerate() {
                sql.push(if n > 0 { ", " } else { "" }).push(column.as_str());
            }
            sql.push(") VALUES ");
            for (n, row) in rows.iter().enumerate() {
                sql.push(if n > 0 { ", (" } else { "(" });
                for (n, column) in columns.iter().enumerate() {
                    sql.push(if n > 0 { ", " } else { "" }).bind(row.get(*column));
                }
                sql.push(")");
            }
            self.execute(sql).await?;
        }
        Ok(())
    }

    /// The event of a change.
    pub(super) fn event_of<E: Rules>(action: EventAction, before: Option<&E::Model>, row: &E::Model) -> Event {
        let table = E::table();
        let account = match table.kind {
            Kind::Account => Some(E::id(row)),
            _ => table.fields.iter().position(|field| field.column == "account_id").and_then(|at| {
                match row.get(E::Column::iter().nth(at)?) {
                    Value::Uuid(id) => id,
                    _ => None,
                }
            }),
        };
        let changes = match action {
            EventAction::Archived
            | EventAction::Restored
            | EventAction::Previewed
            | EventAction::Exported
            | EventAction::SignInFailed => Json::Object(Map::new()),
            EventAction::Created | EventAction::Updated => differences::<E>(before, row),
        };
        Event { action, subject: (table.kind, E::id(row)), account, changes }
    }

    /// Tells that a person is known to an issuer from now on. For Tandem itself.
    pub async fn record_issuer(&mut self, person: UserId, issuer: &str) -> Result<()> {
        let changes = json!({ "issuer": { "before": null, "after": issuer } });
        let (action, subject) = (EventAction::Updated, (Kind::User, person.0));
        self.tell(Event { action, subject, account: None, changes }).await
    }

    /// Tells that somebody sees what this person sees. For Tandem itself, which acts for nobody in a preview.
    pub async fn record_preview(&mut self, person: UserId) -> Result<()> {
        let changes = Json::Object(Map::new());
        self.tell(Event { action: EventAction::Previewed, subject: (Kind::User, person.0), account: None, changes })
            .await
    }

    /// Writes that the actor took records out in bulk, and which.
    pub async fn record_export(&mut self, user: UserId, what: Json) -> Result<()> {
        let (action, subject) = (EventAction::Exported, (Kind::User, user.0));
        self.tell(Event { action, subject, account: None, changes: what }).await
    }

    /// Writes an event that no row of a record goes with.
    pub(in crate::store) async fn tell(&mut self, event: Event) -> Result<()> {
        self.tell_all(vec![event]).await
    }

    /// Writes events that no rows go with here, in one statement: at most 1,000.
    pub(in crate::store) async fn tell_all(&mut self, events: Vec<Event>) -> Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        self.wrote = true;
        let mut sql = self.sql();
        self.push_events(&mut sql, events);
        if sql.engine() == Engine::Postgres {
            self.fetch(sql).await.map(|_| ())
        } else {
            self.execute(sql).await.map(|_| ())
        }
    }

    pub(super) fn push_event(&self, sql: &mut Sql, event: Event) {
        self.push_events(sql, vec![event]);
    }

    fn push_events(&self, sql: &mut Sql, events: Vec<Event>) {
        sql.push("INSERT INTO event (id, occurred_at, action, subject_kind, subject_id, account_id, actor_id, api_key_id, request_id, changes) VALUES ");
        for (n, event) in events.into_iter().enumerate() {
            sql.push(if n > 0 { ", (" } else { "(" })
                .bind(self.store.backend.new_id())
                .push(", ")
                .bind(self.store.now().0)
                .push(", ")
                .bind(event.action.as_str())
                .push(", ");
            sql.bind(event.subject.0.name()).push(", ").bind(event.subject.1).push(", ").bind(event.account).push(", ");
            sql.bind(self.author.map(|user| user.0))
                .push(", ")
                .bind(self.key.map(|key| key.0))
                .push(", ")
                .bind(self.store.request.as_deref().map(str::to_owned))
                .push(", ");
            sql.bind(event.changes).push(")");
        }
        if sql.engine() == Engine::Postgres {
            // Wakes the other processes when this commits, in the same statement.
            let heard = if self.touches_access { "access" } else { "" };
            sql.push(" RETURNING pg_notify('tandem', '").push(heard).push("')::text");
        }
    }
}

/// An event to be written.
pub(in crate::store) struct Event {
    pub action: EventAction,
    pub subject: (Kind, Uuid),
    /// The account it belongs to, if any.
    pub account: Option<Uuid>,
    /// Changed API fields with their values before and after.
    pub changes: Json,
}

/// Appends the statement that inserts a row.
fn push_insert<E: Rules>(sql: &mut Sql, row: &E::Model) {
    let table = E::table();
    sql.push("INSERT INTO ").table(table.table).push(" (");
    for (n, field) in table.fields.iter().enumerate() {
        sql.push(if n > 0 { ", " } else { "" }).push(field.column);
    }
    sql.push(") VALUES (");
    for (n, column) in E::Column::iter().enumerate() {
        sql.push(if n > 0 { ", " } else { "" }).bind(row.get(column));
    }
    sql.push(")");
}

/// Appends the statement that changes what differs in a row.
fn push_update<E: Rules>(sql: &mut Sql, before: &E::Model, row: &E::Model) {
    let table = E::table();
    sql.push("UPDATE ").table(table.table).push(" SET ");
    let changed = E::Column::iter().zip(&table.fields).filter(|(column, _)| before.get(*column) != row.get(*column));
    for (n, (column, field)) in changed.enumerate() {
        sql.push(if n > 0 { ", " } else { "" }).push(field.column).push(" = ").bind(row.get(column));
    }
    sql.push(" WHERE id = ").bind(E::id(row));
}

/// The changed fields under their API names, with their values before and after.
fn differences<E: Rules>(before: Option<&E::Model>, after: &E::Model) -> Json {
    let table = E::table();
    let columns: Vec<E::Column> = E::Column::iter().collect();
    let mut changes = Map::new();
    for (at, field) in table.fields.iter().enumerate() {
        if !event::is_in_events(field) {
            continue;
        }
        let currency =
            field.currency.and_then(|currency| table.fields.iter().position(|field| field.column == currency));
        let show = |row: &E::Model| api_value(field, row.get(columns[at]), currency.map(|at| row.get(columns[at])));
        let (old, new) = (before.map_or(Json::Null, show), show(after));
        if old != new {
            changes.insert(field.event_name().to_owned(), json!({ "before": old, "after": new }));
        }
    }
    Json::Object(changes)
}

/// A column's value as the API shows it.
fn api_value(field: &Field, value: Value, currency: Option<Value>) -> Json {
    match (field.ty, value) {
        (Type::Key(kind), Value::Uuid(Some(id))) => entity::id::global(kind, id).into(),
        (Type::Instant, Value::BigInt(Some(at))) => entity::Instant(at).rfc3339().into(),
        (Type::Day, Value::Int(Some(days))) => entity::Day(days).to_date().to_string().into(),
        (Type::Money, Value::BigInt(Some(minor))) => match currency {
            Some(Value::String(Some(currency))) => {
                json!({ "amount": value::decimal(minor, &currency), "currency": currency })
            }
            _ => Json::Null,
        },
        (_, Value::String(Some(text))) => text.into(),
        (_, Value::Int(Some(number))) => number.into(),
        (_, Value::Bool(Some(truth))) => truth.into(),
        (_, Value::Json(Some(json))) => *json,
        _ => Json::Null,
    }
}

/// Names the field of a unique index that a row has hit, if it was one.
fn taken(table: &Table, error: &Error) -> Option<UserError> {
    let Error::Internal(inner) = error else { return None };
    let text = inner.to_string();
    let violated = text.contains("UNIQUE constraint failed") || text.contains("duplicate key value");
    if !violated {
        return None;
    }
    let named = |field: &&Field| {
        text.contains(&format!("{}.{}", table.table, field.column))
            || text.contains(&format!("\"{}_{}", table.table, field.column))
    };
    let field = table.fields.iter().filter(|field| field.column != "id").find(named);
    let name = field.map(input_name).unwrap_or_default();
    Some(UserError::new(UserCode::Taken, &name, format!("Another live {} stands in the way.", table.name)))
}
