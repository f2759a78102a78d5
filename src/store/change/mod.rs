//! The only writer: loads within reach, edits the plain row, checks, saves, and writes the event
//! in the same transaction.

pub mod bulk;
mod check;
mod draft;
mod idempotency;
mod lock;
mod lookup;
mod noun;
mod reach;
mod record;
mod reference;
mod resolve;
mod unscoped;

use entity::{
    EventAction, Kind, Record,
    api_key::ApiKeyId,
    table::{Table, Type},
    user::UserId,
};
use sea_orm::{FromQueryResult, Iterable, ModelTrait, QueryResult, SqlxError, Value, prelude::Uuid};

pub use draft::{Draft, Extra, REMOVED_EXTERNAL_IDS, input_name};
pub use idempotency::{Answered, Idempotency, KEPT as IDEMPOTENCY_KEPT, Replay, is_key};
pub use lock::Lock;
pub use noun::{Noun, Nouns, Rules, Slice, Verbs};
pub(super) use record::Event;

use crate::store::{
    Asking, Fault, Store,
    db::Transaction,
    fold, key, scope,
    sql::{Engine, Sql},
};
use crate::{
    access::{Action, Purpose, Reach},
    error::{Code, Error, Result, UserCode, UserError},
    text::tidy,
};

/// An open transaction, acting for one actor. Dropped without [`Change::commit`], it rolls back.
#[must_use = "a change that is not committed is rolled back"]
#[derive(Debug)]
pub struct Change {
    tx: Transaction,
    store: Store,
    /// Who is told of in the events, whosever permission a step takes.
    author: Option<UserId>,
    /// By which API key it is done.
    key: Option<ApiKeyId>,
    /// Whether roles, users or sessions changed, so that what is cached of them is stale.
    touches_access: bool,
    /// Whether teams or memberships changed, so that who reaches whom must be worked out anew.
    touches_reach: reach::Touched,
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
        Action::Assign => "assign",
        _ => "do this to",
    };
    UserError::new(UserCode::Forbidden, "", format!("You may not {verb} this {}.", kind.name()))
        .because("PERMISSION_MISSING")
        .into()
}

impl Change {
    pub(super) async fn open(store: Store) -> Result<Self> {
        if store.actor().previewed_by.is_some() {
            let message = "This is a preview as another user; it is read-only.";
            return Err(Error::refused_because(Code::Forbidden, "PREVIEW_READ_ONLY", message));
        }
        let tx = store.backend.db.begin().await?;
        // A request may have waited long for its turn: what its sender may do now holds. It is asked over the
        // transaction's own connection: a second one may never become free.
        let store = if store.request.is_some() { store.refreshed_by(Asking::Within(&tx)).await? } else { store };
        let (author, key) = (store.actor().user(), store.actor().api_key());
        Ok(Self { tx, store, author, key, touches_access: false, touches_reach: reach::Touched::Nothing, wrote: false })
    }

    /// Names in the events who it is that Tandem does this for: somebody who is just signing in.
    pub fn written_by(&mut self, user: UserId) {
        self.author = Some(user);
    }

    /// Who is told of in the events.
    pub(super) fn author(&self) -> Option<UserId> {
        self.author
    }

    /// Names in the events the API key by which a job was begun that now goes on without its request.
    pub fn written_by_key(&mut self, key: ApiKeyId) {
        self.key = Some(key);
    }

    /// Keeps everything.
    pub async fn commit(mut self) -> Result<()> {
        self.rebuild_reach_now().await?;
        let Self { tx, store, .. } = self;
        tx.commit().await.inspect_err(|error| {
            if matches!(error, Error::Refused(refusal) if refusal.code == Code::Conflict) {
                store.fate.collided();
            }
        })?;
        store.fate.committed();
        if self.touches_access {
            store.backend.forget_policies();
        }
        if self.wrote {
            store.backend.wake();
        }
        Ok(())
    }

    /// Undoes everything, as a dry run does.
    pub async fn roll_back(self) -> Result<()> {
        self.tx.roll_back().await
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
        self.tx.save().await?;
        let done = work(self).await;
        match (self.tx.settle(done.is_ok()).await, done) {
            (Ok(()), done) => done,
            // What went wrong first says more than that it could not be undone.
            (Err(_), Err(error)) | (Err(error), Ok(_)) => Err(error),
        }
    }

    pub(super) async fn fetch(&self, sql: Sql) -> Result<Vec<QueryResult>> {
        self.store.backend.db.count();
        self.tx.rows(&sql.finish()).await.map_err(|error| self.failed(error))
    }

    pub(super) async fn execute(&self, sql: Sql) -> Result<u64> {
        self.store.backend.db.count();
        self.tx.execute(&sql.finish()).await.map_err(|error| self.failed(error))
    }

    fn failed(&self, error: SqlxError) -> Error {
        if Fault::of(&error) == Fault::Collision {
            self.store.fate.collided();
        }
        error.into()
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

    /// Creates a row from a draft.
    pub async fn create<E: Rules>(&mut self, mut draft: Draft) -> Result<E::Model> {
        let table = E::table();
        if self.store.actor().policy.reach(table.kind, Action::Create) == Reach::None {
            return Err(forbidden(table.kind, Action::Create));
        }
        let now = self.store.now();
        self.resolve_one(&mut draft).await?;
        self.own(&mut draft, table);
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
        let left = self.check_keys(&draft, table).await?;
        E::settle(self, &mut row, None, &draft).await?;
        finish::<E>(&mut row, None)?;
        self.check_given::<E>(&row, None, (&draft, &left)).await?;
        let mut problems = Problems::default();
        check_lengths::<E>(&row, &mut problems);
        E::check(&row, None, &mut problems);
        problems.into_result()?;
        self.check_unique::<E>(&row, None).await?;
        let names = self.keep_external_ids((table.kind, E::id(&row)), true, &draft).await?;
        self.put::<E>(EventAction::Created, None, &row, names).await?;
        E::after(self, &row, None, &draft).await?;
        self.check_owners::<E>(&row, &draft).await?;
        self.check_reach::<E>(&row, Action::Create).await?;
        Ok(row)
    }

    /// Changes a row by a draft.
    pub async fn update<E: Rules>(
        &mut self,
        id: Uuid,
        expected: Option<i32>,
        mut draft: Draft,
    ) -> Result<(E::Model, Saved)> {
        let table = E::table();
        let (before, may) = self.find_for::<E>(id, Action::Update).await?;
        if !may {
            return Err(forbidden(table.kind, Action::Update));
        }
        expect_version::<E>(&before, expected)?;
        if let Some(closed) = E::closed(&before) {
            return Err(closed.into());
        }
        if E::archived_at(&before).is_some() {
            let gone = UserError::new(UserCode::InvalidTransition, "id", "The record is archived; restore it first.");
            return Err(gone.because("ARCHIVED").into());
        }
        self.resolve_one(&mut draft).await?;
        let left = self.check_keys(&draft, table).await?;
        let mut row = before.clone();
        draft.apply::<E>(&mut row)?;
        self.save::<E>(before, row, (&draft, &left)).await
    }

    /// Changes a row by code.
    pub async fn edit<E: Rules>(&mut self, id: Uuid, edit: impl FnOnce(&mut E::Model)) -> Result<(E::Model, Saved)> {
        let (before, may) = self.find_for::<E>(id, Action::Update).await?;
        if !may {
            return Err(forbidden(E::KIND, Action::Update));
        }
        let mut row = before.clone();
        edit(&mut row);
        self.save::<E>(before, row, (&Draft::default(), &[])).await
    }

    async fn save<E: Rules>(
        &mut self,
        before: E::Model,
        mut row: E::Model,
        (draft, left): (&Draft, &[&str]),
    ) -> Result<(E::Model, Saved)> {
        let table = E::table();
        E::settle(self, &mut row, Some(&before), draft).await?;
        finish::<E>(&mut row, Some(&before))?;
        keep_fixed::<E>(&before, &row, draft)?;
        self.check_given::<E>(&row, Some(&before), (draft, left)).await?;
        let names = self.keep_external_ids((table.kind, E::id(&row)), false, draft).await?;
        if row == before && names.is_none() {
            E::after(self, &row, Some(&before), draft).await?;
            return Ok((before, Saved::Unchanged));
        }
        let mut problems = Problems::default();
        check_lengths::<E>(&row, &mut problems);
        E::check(&row, Some(&before), &mut problems);
        problems.into_result()?;
        self.check_assign::<E>(&before, &row).await?;
        self.check_unique::<E>(&row, Some(&before)).await?;
        E::stamp(&mut row, E::version(&before) + 1, self.store.now());
        self.put::<E>(EventAction::Updated, Some(&before), &row, names).await?;
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
            self.check_given::<E>(&row, None, (&Draft::default(), &[])).await?;
            self.check_unique::<E>(&row, None).await?;
        }
        E::stamp(&mut row, E::version(&before) + 1, self.store.now());
        let action = if archived { EventAction::Archived } else { EventAction::Restored };
        self.put::<E>(action, Some(&before), &row, None).await?;
        E::after(self, &row, Some(&before), &Draft::default()).await?;
        Ok(row)
    }
}

/// Appends the columns of a table.
fn push_columns(sql: &mut Sql, table: &Table, alias: &str) {
    for (n, field) in table.fields.iter().enumerate() {
        sql.push(if n > 0 { ", " } else { "" }).column(alias, field.column);
    }
}

/// Brings texts to their normal form, whoever set them, and sets the keys that follow from them. What was stored before
/// stays as it is: it may be older than a rule.
fn finish<E: Rules>(row: &mut E::Model, before: Option<&E::Model>) -> Result<()> {
    let fields = &E::table().fields;
    let columns: Vec<E::Column> = E::Column::iter().collect();
    let mut problems = Problems::default();
    for (at, field) in fields.iter().enumerate().filter(|(_, field)| matches!(field.ty, Type::Text) && !field.physical)
    {
        let given = row.get(columns[at]);
        if before.is_some_and(|before| before.get(columns[at]) == given) {
            continue;
        }
        let text = match given {
            Value::String(Some(text)) => {
                let form = tidy(&text);
                if form.is_empty() && !text.is_empty() && !field.nullable {
                    let name = input_name(field);
                    problems.add(UserCode::Required, &name, format!("{name} must not be empty."));
                }
                let form = Some(form.into_owned()).filter(|form| !form.is_empty() || !field.nullable);
                if form.as_ref() != Some(&text) {
                    row.try_set(columns[at], form.clone().into())?;
                }
                form
            }
            _ => None,
        };
        for (column, make) in [(field.fold, fold as fn(&str) -> String), (field.key, key)] {
            let Some(column) = column.filter(|column| *column != field.column) else { continue };
            let Some(place) = fields.iter().position(|field| field.column == column) else { continue };
            row.try_set(columns[place], text.as_deref().map(make).into())?;
        }
    }
    problems.into_result()
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
            let message = format!(
                "The record is at version {}, not {expected}: it was changed in the meantime.",
                E::version(row)
            );
            Err(UserError::new(UserCode::Conflict, "expectedVersion", message)
                .because("STALE_VERSION")
                .against(E::KIND, E::id(row))
                .into())
        }
        _ => Ok(()),
    }
}

/// No text is longer than its column allows, whoever set it.
fn check_lengths<E: Rules>(row: &E::Model, problems: &mut Problems) {
    for (column, field) in E::Column::iter().zip(&E::table().fields).filter(|(_, field)| !field.physical) {
        if let (Type::Text, Value::String(Some(text))) = (field.ty, row.get(column))
            && text.chars().count() > field.max
        {
            problems.add(
                UserCode::TooLong,
                &input_name(field),
                format!("{} takes at most {} characters.", field.name, field.max),
            );
        }
    }
}
