//! The only writer: loads within reach, edits the plain row, checks, saves, and writes the event
//! in the same transaction.

use entity::{
    EventAction, Kind, Record,
    table::{Field, Table, Type},
    user::UserId,
};
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, FromQueryResult, IntoActiveModel, Iterable,
    ModelTrait, QueryResult, TransactionTrait, Value, prelude::Uuid,
};
use serde_json::{Map, Value as Json, json};

use super::{
    Store,
    draft::{Draft, input_name},
    fold, json,
    noun::Rules,
    scope,
    sql::{Engine, Sql},
    value,
};
use crate::{
    access::{Action, Purpose, Reach, Who},
    error::{Code, Error, Result, UserCode, UserError},
};

/// An open transaction, acting for one actor. Dropped without [`Change::commit`], it rolls back.
#[must_use = "a change that is not committed is rolled back"]
#[derive(Debug)]
pub struct Change {
    tx: DatabaseTransaction,
    store: Store,
    /// Who is told of in the events, whosever permission a step takes.
    author: Option<UserId>,
    /// Whether roles, users or sessions changed, so that what is cached of them is stale.
    touches_access: bool,
    wrote: bool,
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// It is new.
    Created,
    /// It changed.
    Updated,
    /// It already was so.
    Unchanged,
}

/// Mistakes found in a row.
#[derive(Debug, Default)]
pub struct Problems(Vec<UserError>);

impl Problems {
    /// Adds a mistake in a field.
    pub fn add(&mut self, code: UserCode, field: &str, message: impl Into<String>) {
        self.0.push(UserError::new(code, field, message));
    }

    /// The mistakes as an error, if there are any.
    pub fn into_result(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Input(self.0)) }
    }
}

fn not_found(kind: Kind) -> Error {
    Error::input(UserCode::NotFound, "id", format!("There is no {} with this id.", kind.name()))
}

fn forbidden(kind: Kind, action: Action) -> Error {
    let verb = match action {
        Action::Create => "create",
        Action::Update => "change",
        Action::Delete => "archive",
        Action::Assign => "give away",
        _ => "do this to",
    };
    UserError::new(UserCode::Forbidden, "", format!("You may not {verb} this {}.", kind.name()))
        .because("PERMISSION_MISSING")
        .into()
}

impl Change {
    pub(super) async fn open(store: Store) -> Result<Self> {
        let tx = store.backend.db.begin().await?;
        let author = store.actor().user();
        Ok(Self { tx, store, author, touches_access: false, wrote: false })
    }

    /// Names in the events who it is that Tandem does this for: somebody who is just signing in.
    pub fn written_by(&mut self, user: UserId) {
        self.author = Some(user);
    }

    /// Keeps everything.
    pub async fn commit(self) -> Result<()> {
        self.tx.commit().await?;
        if self.touches_access {
            self.store.backend.forget_policies();
        }
        if self.wrote {
            self.store.backend.wake();
        }
        Ok(())
    }

    /// Undoes everything, as a dry run does.
    pub async fn roll_back(self) -> Result<()> {
        Ok(self.tx.rollback().await?)
    }

    /// For whom it acts.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Does something on behalf of Tandem itself within the same transaction, as what one permitted
    /// change makes necessary elsewhere.
    pub async fn as_system<T>(
        &mut self,
        purpose: Purpose,
        work: impl AsyncFnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let system = self.store.as_system(purpose);
        let actor = std::mem::replace(&mut self.store, system);
        let done = work(self).await;
        self.store = actor;
        done
    }

    /// Runs `work` so that its failure undoes it alone.
    pub async fn attempt<T>(&mut self, work: impl AsyncFnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let savepoint = self.tx.begin().await?;
        let outer = std::mem::replace(&mut self.tx, savepoint);
        let done = work(self).await;
        let savepoint = std::mem::replace(&mut self.tx, outer);
        if done.is_ok() {
            savepoint.commit().await?;
        } else {
            savepoint.rollback().await?;
        }
        done
    }

    pub(super) async fn fetch(&self, sql: Sql) -> Result<Vec<QueryResult>> {
        self.store.backend.db.count();
        Ok(self.tx.query_all_raw(sql.finish()).await?)
    }

    pub(super) async fn execute(&self, sql: Sql) -> Result<u64> {
        self.store.backend.db.count();
        Ok(self.tx.execute_raw(sql.finish()).await?.rows_affected())
    }

    pub(super) fn sql(&self) -> Sql {
        Sql::new(self.store.engine())
    }

    /// The row of this id, within reach, locked until the end of the transaction.
    pub async fn find<E: Record>(&self, id: Uuid) -> Result<E::Model> {
        self.find_for::<E>(id, Action::Read).await.map(|(row, _)| row)
    }

    /// The row of this id and whether the actor may do `action` to it.
    async fn find_for<E: Record>(&self, id: Uuid, action: Action) -> Result<(E::Model, bool)> {
        let table = E::table();
        let actor = self.store.actor();
        let mut sql = self.sql();
        sql.push("SELECT ");
        push_columns(&mut sql, table, "t");
        sql.push(", ");
        scope::is_within(&mut sql, actor, (table.kind, "t"), action);
        sql.push(" AS may FROM ").table(table.table).push(" t WHERE t.id = ").bind(id);
        scope::and_within(&mut sql, actor, (table.kind, "t"), Action::Read);
        if sql.engine() == Engine::Postgres {
            sql.push(" FOR UPDATE OF t");
        }
        let rows = self.fetch(sql).await?;
        let row = rows.first().ok_or_else(|| not_found(table.kind))?;
        let may: bool = row.try_get("", "may")?;
        Ok((E::Model::from_query_result(row, "")?, may))
    }

    /// The live rows whose column holds a value, without regard to reach: for rules.
    pub async fn rows<E: Record>(&self, column: &str, value: impl Into<Value>) -> Result<Vec<E::Model>> {
        let table = E::table();
        let mut sql = self.sql();
        sql.push("SELECT ");
        push_columns(&mut sql, table, "t");
        sql.push(" FROM ")
            .table(table.table)
            .push(" t WHERE t.archived_at IS NULL AND ")
            .column("t", column)
            .push(" = ")
            .bind(value);
        sql.push(" ORDER BY t.id");
        self.fetch(sql).await?.iter().map(|row| Ok(E::Model::from_query_result(row, "")?)).collect()
    }

    /// Creates a row from a draft.
    pub async fn create<E: Rules>(&mut self, mut draft: Draft) -> Result<E::Model> {
        let table = E::table();
        if self.store.actor().policy.reach(table.kind, Action::Create) == Reach::None {
            return Err(forbidden(table.kind, Action::Create));
        }
        let now = self.store.now();
        E::complete(&mut draft, self.store.actor(), now);
        let (mut row, missing) = draft.build::<E>(self.store.backend.new_id(), now)?;
        let required = missing
            .into_iter()
            .map(|at| &table.fields[at])
            .filter(|field| field.input != entity::table::Input::Server && !field.physical);
        let required: Vec<UserError> = required
            .map(|field| {
                UserError::new(UserCode::Required, &input_name(field), format!("{} is required.", input_name(field)))
            })
            .collect();
        if !required.is_empty() {
            return Err(Error::Input(required));
        }
        self.check_keys(&draft, table).await?;
        E::settle(self, &mut row, None, &draft).await?;
        finish::<E>(&mut row)?;
        let mut problems = Problems::default();
        E::check(&row, None, &mut problems);
        problems.into_result()?;
        self.check_unique::<E>(&row, None).await?;
        self.put::<E>(EventAction::Created, None, &row).await?;
        self.keep_external_ids(table.kind, E::id(&row), &draft.external_ids).await?;
        E::after(self, &row, None, &draft).await?;
        self.check_reach::<E>(&row, Action::Create).await?;
        Ok(row)
    }

    /// Changes a row by a draft.
    pub async fn update<E: Rules>(
        &mut self,
        id: Uuid,
        expected: Option<i32>,
        draft: Draft,
    ) -> Result<(E::Model, Saved)> {
        let table = E::table();
        let (before, may) = self.find_for::<E>(id, Action::Update).await?;
        if !may {
            return Err(forbidden(table.kind, Action::Update));
        }
        expect_version::<E>(&before, expected)?;
        if E::archived_at(&before).is_some() {
            let gone = UserError::new(UserCode::InvalidTransition, "id", "The record is archived; restore it first.");
            return Err(gone.because("ARCHIVED").into());
        }
        self.check_keys(&draft, table).await?;
        let mut row = before.clone();
        draft.apply::<E>(&mut row)?;
        self.save::<E>(before, row, &draft).await
    }

    /// Changes a row by code.
    pub async fn edit<E: Rules>(&mut self, id: Uuid, edit: impl FnOnce(&mut E::Model)) -> Result<(E::Model, Saved)> {
        let (before, may) = self.find_for::<E>(id, Action::Update).await?;
        if !may {
            return Err(forbidden(E::KIND, Action::Update));
        }
        let mut row = before.clone();
        edit(&mut row);
        self.save::<E>(before, row, &Draft::default()).await
    }

    async fn save<E: Rules>(
        &mut self,
        before: E::Model,
        mut row: E::Model,
        draft: &Draft,
    ) -> Result<(E::Model, Saved)> {
        let table = E::table();
        E::settle(self, &mut row, Some(&before), draft).await?;
        finish::<E>(&mut row)?;
        keep_fixed::<E>(&before, &row, draft)?;
        let new_names = self.keep_external_ids(table.kind, E::id(&row), &draft.external_ids).await?;
        if row == before && !new_names {
            E::after(self, &row, Some(&before), draft).await?;
            return Ok((before, Saved::Unchanged));
        }
        let mut problems = Problems::default();
        E::check(&row, Some(&before), &mut problems);
        problems.into_result()?;
        self.check_assign::<E>(&before, &row).await?;
        self.check_unique::<E>(&row, Some(&before)).await?;
        E::stamp(&mut row, E::version(&before) + 1, self.store.now());
        self.put::<E>(EventAction::Updated, Some(&before), &row).await?;
        E::after(self, &row, Some(&before), draft).await?;
        self.check_reach::<E>(&row, Action::Update).await?;
        Ok((row, Saved::Updated))
    }

    /// Archives a row, or brings it back.
    pub async fn archive<E: Rules>(&mut self, id: Uuid, expected: Option<i32>, archived: bool) -> Result<E::Model> {
        let (before, may) = self.find_for::<E>(id, Action::Delete).await?;
        if !may {
            return Err(forbidden(E::KIND, Action::Delete));
        }
        expect_version::<E>(&before, expected)?;
        if E::archived_at(&before).is_some() == archived {
            return Ok(before);
        }
        let mut row = before.clone();
        E::set_archived(&mut row, archived.then(|| self.store.now()));
        if archived {
            E::before_archive(self, &before).await?;
        } else {
            // The others moved on meanwhile: a record that comes back must fit among them as a new one would.
            E::settle(self, &mut row, None, &Draft::default()).await?;
            self.check_unique::<E>(&row, None).await?;
        }
        E::stamp(&mut row, E::version(&before) + 1, self.store.now());
        let action = if archived { EventAction::Archived } else { EventAction::Restored };
        self.put::<E>(action, Some(&before), &row).await?;
        E::after(self, &row, Some(&before), &Draft::default()).await?;
        Ok(row)
    }

    /// The keys a client sets must lead to rows that the client may see.
    async fn check_keys(&self, draft: &Draft, table: &'static Table) -> Result<()> {
        let keys: Vec<(&Field, Kind, Uuid)> = draft.keys(table).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let mut sql = self.sql();
        sql.push("SELECT ");
        for (n, (_, kind, id)) in keys.iter().enumerate() {
            let alias = sql.alias();
            sql.push(if n > 0 { ", EXISTS (SELECT 1 FROM " } else { "EXISTS (SELECT 1 FROM " })
                .table(kind.table().table)
                .push(" ")
                .push(&alias);
            sql.push(" WHERE ").column(&alias, "id").push(" = ").bind(*id);
            super::filter::and_live(&mut sql, kind.table(), &alias);
            scope::and_within(&mut sql, self.store.actor(), (*kind, &alias), Action::Read);
            sql.push(")");
        }
        let rows = self.fetch(sql).await?;
        let mut problems = Problems::default();
        for (n, (field, kind, _)) in keys.iter().enumerate() {
            if !rows.first().is_some_and(|row| row.try_get_by_index::<bool>(n).unwrap_or(false)) {
                problems.add(
                    UserCode::NotFound,
                    &input_name(field),
                    format!("There is no live {} with this id.", kind.name()),
                );
            }
        }
        problems.into_result()
    }

    /// Giving a record to another owner takes a permission of its own.
    async fn check_assign<E: Rules>(&self, before: &E::Model, after: &E::Model) -> Result<()> {
        let table = E::table();
        let Some(at) = table.fields.iter().position(|field| field.column == "owner_id") else { return Ok(()) };
        let Some(column) = E::Column::iter().nth(at) else { return Ok(()) };
        if before.get(column) == after.get(column) || self.may::<E>(E::id(before), Action::Assign).await? {
            return Ok(());
        }
        Err(UserError::new(UserCode::Forbidden, "ownerId", "You may not give this record to another owner.")
            .because("PERMISSION_MISSING")
            .into())
    }

    async fn may<E: Rules>(&self, id: Uuid, action: Action) -> Result<bool> {
        let actor = self.store.actor();
        if scope::unrestricted(actor, E::KIND, action) {
            return Ok(true);
        }
        let mut sql = self.sql();
        sql.push("SELECT 1 FROM ").table(E::table().table).push(" t WHERE t.id = ").bind(id);
        scope::and_within(&mut sql, actor, (E::KIND, "t"), action);
        Ok(!self.fetch(sql).await?.is_empty())
    }

    /// The row as saved must still be within the actor's reach.
    async fn check_reach<E: Rules>(&self, row: &E::Model, action: Action) -> Result<()> {
        if self.may::<E>(E::id(row), action).await? {
            return Ok(());
        }
        let message = format!(
            "You may not leave this {} where you could not {} it yourself.",
            E::KIND.name(),
            if action == Action::Create { "create" } else { "change" }
        );
        Err(UserError::new(UserCode::Forbidden, "", message).because("OUT_OF_REACH").into())
    }

    /// Unique fields must be free among live rows. The indexes say so too; asking first lets the
    /// answer name the field and the record in the way.
    async fn check_unique<E: Rules>(&self, row: &E::Model, before: Option<&E::Model>) -> Result<()> {
        let table = E::table();
        let mut problems = Vec::new();
        let columns: Vec<E::Column> = E::Column::iter().collect();
        for (at, field) in table.fields.iter().enumerate().filter(|(_, field)| field.unique) {
            let value = row.get(columns[at]);
            if value == value::null(field.ty) || before.is_some_and(|before| before.get(columns[at]) == value) {
                continue;
            }
            let (column, value) = match (field.fold, &value) {
                (Some(column), Value::String(Some(text))) if column != field.column => (column, fold(text).into()),
                _ => (field.column, value),
            };
            let mut sql = self.sql();
            sql.push("SELECT t.id, ");
            scope::is_within(&mut sql, self.store.actor(), (table.kind, "t"), Action::Read);
            sql.push(" AS seen FROM ")
                .table(table.table)
                .push(" t WHERE t.archived_at IS NULL AND t.id <> ")
                .bind(E::id(row));
            sql.push(" AND ").column("t", column).push(" = ").bind(value);
            if let Some(found) = self.fetch(sql).await?.first() {
                let mistake = UserError::new(
                    UserCode::Taken,
                    &field.name,
                    format!("Another live {} has this {}.", table.name, field.name),
                );
                // A record out of reach is not named, though its being there shows.
                let seen: bool = found.try_get("", "seen")?;
                problems.push(match json::uuid(found, 0)?.filter(|_| seen) {
                    Some(id) => mistake.against(table.kind, id),
                    None => mistake,
                });
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(Error::Input(problems)) }
    }

    /// Stores a row and its event: a new one, or what differs from the row before.
    async fn put<E: Rules>(&mut self, action: EventAction, before: Option<&E::Model>, row: &E::Model) -> Result<()> {
        let table = E::table();
        self.wrote = true;
        self.touches_access |= matches!(
            table.kind,
            Kind::User | Kind::Team | Kind::TeamMembership | Kind::Role | Kind::RoleAssignment | Kind::Session
        );
        let event = Self::event_of::<E>(action, before, row);
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
            return self.fetch(sql).await.map_err(|error| taken(table, error)).map(|_| ());
        }
        self.execute(sql).await.map_err(|error| taken(table, error))?;
        let mut sql = self.sql();
        self.push_event(&mut sql, event);
        self.execute(sql).await.map(|_| ())
    }

    /// Notes the names other systems have for a row; tells whether any is new.
    async fn keep_external_ids(&mut self, kind: Kind, id: Uuid, names: &[(String, String)]) -> Result<bool> {
        let mut new = false;
        for (system, external) in names {
            let mut sql = self.sql();
            sql.push("INSERT INTO external_id (resource, system, external_id, record_id) VALUES (")
                .bind(kind.name())
                .push(", ");
            sql.bind(system.as_str())
                .push(", ")
                .bind(external.as_str())
                .push(", ")
                .bind(id)
                .push(") ON CONFLICT DO NOTHING");
            if self.execute(sql).await? == 1 {
                new = true;
                continue;
            }
            let owner = self.by_external_ids(kind, system, std::slice::from_ref(external)).await?;
            if let Some((_, owner)) = owner.first().filter(|(_, owner)| *owner != id) {
                let message = format!("Another {} has the id {external} in {system}.", kind.name());
                return Err(UserError::new(UserCode::Taken, "externalIds", message).against(kind, *owner).into());
            }
        }
        Ok(new)
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

    /// The event of a change.
    fn event_of<E: Rules>(action: EventAction, before: Option<&E::Model>, row: &E::Model) -> Event {
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
            EventAction::Archived | EventAction::Restored => Json::Object(Map::new()),
            EventAction::Created | EventAction::Updated => differences::<E>(before, row),
        };
        Event { action, subject: (table.kind, E::id(row)), account, changes }
    }

    /// Writes an event that no row of a record goes with.
    pub(super) async fn tell(&mut self, event: Event) -> Result<()> {
        self.wrote = true;
        let mut sql = self.sql();
        self.push_event(&mut sql, event);
        if sql.engine() == Engine::Postgres {
            self.fetch(sql).await.map(|_| ())
        } else {
            self.execute(sql).await.map(|_| ())
        }
    }

    fn push_event(&self, sql: &mut Sql, event: Event) {
        sql.push("INSERT INTO event (id, occurred_at, action, subject_kind, subject_id, account_id, actor_id, request_id, changes) VALUES (");
        sql.bind(self.store.backend.new_id())
            .push(", ")
            .bind(self.store.now().0)
            .push(", ")
            .bind(event.action.as_str())
            .push(", ");
        sql.bind(event.subject.0.name()).push(", ").bind(event.subject.1).push(", ").bind(event.account).push(", ");
        sql.bind(self.author.map(|user| user.0))
            .push(", ")
            .bind(self.store.request.as_deref().map(str::to_owned))
            .push(", ");
        sql.bind(event.changes).push(")");
        if sql.engine() == Engine::Postgres {
            // Wakes the other processes when this commits, in the same statement.
            let heard = if self.touches_access { "access" } else { "" };
            sql.push(" RETURNING pg_notify('tandem', '").push(heard).push("')::text");
        }
    }
}

/// An event to be written.
pub(super) struct Event {
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

/// Appends the columns of a table.
fn push_columns(sql: &mut Sql, table: &Table, alias: &str) {
    for (n, field) in table.fields.iter().enumerate() {
        sql.push(if n > 0 { ", " } else { "" }).column(alias, field.column);
    }
}

/// Sets the fold keys, which follow from their texts.
fn finish<E: Rules>(row: &mut E::Model) -> Result<()> {
    let fields = &E::table().fields;
    for (at, column) in E::Column::iter().enumerate() {
        let Some(key) = fields[at].fold.filter(|key| *key != fields[at].column) else { continue };
        let Some(place) = fields.iter().position(|field| field.column == key) else { continue };
        let folded = match row.get(column) {
            Value::String(Some(text)) => Value::from(fold(&text)),
            other => other,
        };
        if let Some(column) = E::Column::iter().nth(place) {
            row.try_set(column, folded)?;
        }
    }
    Ok(())
}

/// What is set on creation and never changes may be said again, not said otherwise.
fn keep_fixed<E: Rules>(before: &E::Model, row: &E::Model, draft: &Draft) -> Result<()> {
    let table = E::table();
    let mut problems = Problems::default();
    for at in draft.fixed(table) {
        if E::Column::iter().nth(at).is_some_and(|column| before.get(column) != row.get(column)) {
            let name = input_name(&table.fields[at]);
            problems.add(UserCode::Invalid, &name, format!("{name} is set on creation and never changes."));
        }
    }
    problems.into_result()
}

fn expect_version<E: Rules>(row: &E::Model, expected: Option<i32>) -> Result<()> {
    match expected {
        Some(expected) if expected != E::version(row) => {
            let message =
                format!("The record is at version {}, not {expected}: somebody changed it meanwhile.", E::version(row));
            Err(UserError::new(UserCode::Conflict, "expectedVersion", message)
                .because("STALE_VERSION")
                .against(E::KIND, E::id(row))
                .into())
        }
        _ => Ok(()),
    }
}

/// The changed fields under their API names, with their values before and after.
fn differences<E: Rules>(before: Option<&E::Model>, after: &E::Model) -> Json {
    let table = E::table();
    let columns: Vec<E::Column> = E::Column::iter().collect();
    let mut changes = Map::new();
    for (at, field) in table.fields.iter().enumerate() {
        if field.physical || matches!(field.column, "id" | "version" | "created_at" | "updated_at" | "archived_at") {
            continue;
        }
        let currency =
            field.currency.and_then(|currency| table.fields.iter().position(|field| field.column == currency));
        let show = |row: &E::Model| api_value(field, row.get(columns[at]), currency.map(|at| row.get(columns[at])));
        let (old, new) = (before.map_or(Json::Null, show), show(after));
        if old != new {
            changes.insert(
                field.link_name.clone().unwrap_or_else(|| field.name.clone()),
                json!({ "before": old, "after": new }),
            );
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

/// Names the field of a unique index that a race has hit.
fn taken(table: &Table, error: Error) -> Error {
    let Error::Internal(inner) = &error else { return error };
    let text = inner.to_string();
    let violated = text.contains("UNIQUE constraint failed") || text.contains("duplicate key value");
    if !violated {
        if text.contains("disk is full") || text.contains("No space left") || text.contains("disk I/O error") {
            tracing::error!(error = %text, "the database cannot write");
            return Error::refused_because(
                Code::ServiceUnavailable,
                "STORAGE_FULL",
                "The database cannot store anything right now.",
            );
        }
        return error;
    }
    let named = |field: &&Field| {
        text.contains(&format!("{}.{}", table.table, field.column))
            || text.contains(&format!("\"{}_{}", table.table, field.column))
    };
    let field = table.fields.iter().filter(|field| field.column != "id").find(named);
    let name = field.map(input_name).unwrap_or_default();
    Error::input(UserCode::Taken, &name, format!("Another live {} stands in the way.", table.name))
}

impl Change {
    /// Inserts rows as they are, without rules and events: for Tandem's own demo data.
    pub async fn load<E>(&mut self, rows: &[E::Model]) -> Result<()>
    where
        E: EntityTrait<Model: IntoActiveModel<E::ActiveModel> + Sync>,
        E::ActiveModel: ActiveModelTrait<Entity = E> + Send,
    {
        /// Bound values of one statement: SQLite takes 32,766, PostgreSQL 65,535.
        const PARAMETERS: usize = 30_000;
        if self.store.actor().who != Who::System(Purpose::Demo) {
            return Err(Error::internal("only the demo company is loaded without rules"));
        }
        self.touches_access = true;
        for rows in rows.chunks(PARAMETERS / E::Column::iter().count()) {
            let rows = rows.iter().cloned().map(IntoActiveModel::into_active_model);
            E::insert_many(rows).exec_without_returning(&self.tx).await?;
        }
        Ok(())
    }

    /// A row that an input names must be live and seen by the actor.
    pub async fn must_see(&self, kind: Kind, id: Uuid, field: &str) -> Result<()> {
        let mut sql = self.sql();
        sql.push("SELECT 1 FROM ").table(kind.table().table).push(" t WHERE t.id = ").bind(id);
        super::filter::and_live(&mut sql, kind.table(), "t");
        scope::and_within(&mut sql, self.store.actor(), (kind, "t"), Action::Read);
        if self.fetch(sql).await?.is_empty() {
            return Err(Error::input(
                UserCode::NotFound,
                field,
                format!("There is no live {} with this id.", kind.name()),
            ));
        }
        Ok(())
    }

    /// How many live rows hold an id in a column, whoever may see them: for rules.
    pub async fn count(&self, kind: Kind, column: &str, id: Uuid) -> Result<i64> {
        let mut sql = self.sql();
        sql.push("SELECT count(*) FROM ")
            .table(kind.table().table)
            .push(" t WHERE t.archived_at IS NULL AND ")
            .column("t", column);
        sql.push(" = ").bind(id);
        super::read::first_count(&self.fetch(sql).await?)
    }

    /// Whether following `column` upwards from `start` leads to `id`: so a tree stays one.
    pub async fn leads_up_to<E: Record>(&self, column: &str, start: Uuid, id: Uuid) -> Result<bool> {
        let table = E::table();
        let mut sql = self.sql();
        sql.push("WITH RECURSIVE up(id) AS (SELECT t.id FROM ").table(table.table).push(" t WHERE t.id = ").bind(start);
        sql.push(" UNION SELECT ")
            .column("t", column)
            .push(" FROM ")
            .table(table.table)
            .push(" t JOIN up ON t.id = up.id WHERE ");
        sql.column("t", column).push(" IS NOT NULL) SELECT count(*) FROM up WHERE up.id = ").bind(id);
        Ok(super::read::first_count(&self.fetch(sql).await?)? > 0)
    }

    /// Works out anew which users each user's teams cover, after teams or memberships changed.
    pub async fn rebuild_reach(&mut self) -> Result<()> {
        let mut sql = self.sql();
        sql.push("DELETE FROM user_reach");
        self.execute(sql).await?;
        let mut sql = self.sql();
        sql.push(
            "INSERT INTO user_reach (user_id, member_id) \
             WITH RECURSIVE below(top, id) AS ( \
               SELECT t.id, t.id FROM team t WHERE t.archived_at IS NULL \
               UNION SELECT b.top, t.id FROM team t JOIN below b ON t.parent_id = b.id WHERE t.archived_at IS NULL) \
             SELECT m.user_id, o.user_id FROM team_membership m JOIN below b ON b.top = m.team_id \
               JOIN team_membership o ON o.team_id = b.id WHERE m.archived_at IS NULL AND o.archived_at IS NULL \
             UNION SELECT u.id, u.id FROM \"user\" u",
        );
        self.execute(sql).await?;
        self.touches_access = true;
        Ok(())
    }
}
