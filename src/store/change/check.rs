//! What must hold before a change is kept: keys, owners, reach, unique values; and questions that
//! rules ask of other rows.

use entity::{
    Kind, UserStatus,
    table::{Field, Table, Type},
};
use sea_orm::{Iterable, ModelTrait, QueryResult, Value, prelude::Uuid};

use super::{
    Change, Problems,
    draft::{Draft, input_name},
    noun::Rules,
};
use crate::{
    access::{Action, Reach},
    error::{Error, Result, UserCode, UserError},
    store::{fold, json, key, read::filter, scope, sql::Engine, value},
};

impl Change {
    /// Who may create only what is theirs owns what they create, unless they say otherwise.
    pub(super) fn own(&self, draft: &mut Draft, table: &Table) {
        let actor = self.store.actor();
        let narrow = actor.policy.reach(table.kind, Action::Create) < Reach::All;
        if let (Some(user), Some(column), true) = (actor.user(), table.owner.columns().first().copied(), narrow)
            && column == "owner_id"
            && draft.get(table, column).is_none()
        {
            draft.set(table, column, user);
        }
    }

    /// The keys a client sets must lead to rows that the client may see. Answers the columns that name somebody who
    /// has left, which [`Change::check_given`] judges when the row is complete.
    pub(super) async fn check_keys(&self, draft: &Draft, table: &'static Table) -> Result<Vec<&'static str>> {
        let keys: Vec<(&Field, Kind, Uuid)> = draft.keys(table).collect();
        if keys.is_empty() {
            return Ok(vec![]);
        }
        let mut sql = self.sql();
        sql.push("SELECT ");
        for (n, (_, kind, id)) in keys.iter().enumerate() {
            let alias = sql.alias();
            sql.push(if n > 0 { ", (SELECT " } else { "(SELECT " });
            // One statement for all, and one that reads what it locks: whoever leaves meanwhile is seen to have left.
            if *kind == Kind::User {
                sql.column(&alias, "status");
            } else {
                sql.push("'THERE'");
            }
            sql.push(" FROM ").table(kind.table().table).push(" ").push(&alias);
            sql.push(" WHERE ").column(&alias, "id").push(" = ").bind(*id);
            filter::and_live(&mut sql, kind.table(), &alias);
            scope::and_within(&mut sql, self.store.actor(), (*kind, &alias), Action::Read);
            if sql.engine() == Engine::Postgres {
                // Held until the end, so that it is not archived meanwhile; one being archived now is waited for.
                sql.push(" FOR KEY SHARE OF ").push(&alias);
            }
            sql.push(")");
        }
        let rows = self.fetch(sql).await?;
        let (mut problems, mut left) = (Problems::default(), Vec::new());
        for (n, (field, kind, _)) in keys.iter().enumerate() {
            match rows.first().map(|row| json::text(row, n)).transpose()?.flatten() {
                None => problems.add(
                    UserCode::NotFound,
                    &input_name(field),
                    format!("There is no live {} with this id.", kind.name()),
                ),
                Some(status) if *kind == Kind::User && status != UserStatus::Active.as_str() => left.push(field.column),
                Some(_) => {}
            }
        }
        problems.into_result()?;
        Ok(left)
    }

    /// Work is given only to people who work here. What was theirs before they left may stay theirs until it is handed
    /// over, and work of the past stays theirs for good; but nothing becomes theirs anew, by being set, reopened or
    /// restored. `left` are the columns of the draft that name somebody who has left.
    pub(super) async fn check_given<E: Rules>(
        &self,
        row: &E::Model,
        before: Option<&E::Model>,
        (draft, left): (&Draft, &[&str]),
    ) -> Result<()> {
        let table = E::table();
        // A role or a session is nothing that somebody is given to work on.
        if matches!(table.kind, Kind::RoleAssignment | Kind::Session | Kind::ImportJob) || E::past(row) {
            return Ok(());
        }
        let (mut gone, mut unasked) = (Vec::new(), Vec::new());
        let people =
            E::Column::iter().zip(&table.fields).filter(|(_, field)| matches!(field.ty, Type::Key(Kind::User)));
        for (column, field) in people {
            let value = row.get(column);
            let Value::Uuid(Some(user)) = value else { continue };
            if before.is_some_and(|before| before.get(column) == value && !E::past(before)) {
                continue;
            }
            if draft.get(table, field.column).is_none() {
                unasked.push((field, user));
            } else if left.contains(&field.column) {
                gone.push(field);
            }
        }
        if !unasked.is_empty() {
            let ids: Vec<Uuid> = unasked.iter().map(|(_, user)| *user).collect();
            let leavers = self.leavers(&ids).await?;
            gone.extend(unasked.iter().filter(|(_, user)| leavers.contains(user)).map(|(field, _)| *field));
        }
        if gone.is_empty() {
            return Ok(());
        }
        let owners = table.owner.columns();
        let mistake = |field: &Field| {
            let (name, owns) = (input_name(field), owners.contains(&field.column));
            let message = format!("{name} refers to a deactivated user; it must refer to an active user.");
            UserError::new(UserCode::Invalid, &name, message).because(if owns {
                "OWNER_DEACTIVATED"
            } else {
                "USER_DEACTIVATED"
            })
        };
        Err(Error::Input(gone.into_iter().map(mistake).collect()))
    }

    /// Which of these people have left. The others stay until the end of the change.
    pub async fn leavers(&self, people: &[Uuid]) -> Result<Vec<Uuid>> {
        let mut sql = self.sql();
        sql.push("SELECT u.id, u.status FROM \"user\" u WHERE u.archived_at IS NULL AND u.id").in_ids(people);
        sql.push(" ORDER BY u.id");
        if sql.engine() == Engine::Postgres {
            sql.push(" FOR KEY SHARE OF u");
        }
        let mut active = Vec::new();
        for row in self.fetch(sql).await? {
            if json::text(&row, 1)? == Some(UserStatus::Active.as_str()) {
                active.extend(json::uuid(&row, 0)?);
            }
        }
        Ok(people.iter().copied().filter(|user| !active.contains(user)).collect())
    }

    /// Giving a record to another owner takes a permission of its own.
    pub(super) async fn check_assign<E: Rules>(&self, before: &E::Model, after: &E::Model) -> Result<()> {
        let table = E::table();
        let owners = table.owner.columns();
        let changed = E::Column::iter()
            .zip(&table.fields)
            .find(|(column, field)| owners.contains(&field.column) && before.get(*column) != after.get(*column));
        let Some((_, field)) = changed else { return Ok(()) };
        if self.may(E::KIND, E::id(before), Action::Assign).await? {
            return Ok(());
        }
        Err(self.unassignable(E::KIND, field, "give this record to another owner"))
    }

    /// So does creating it for somebody else than oneself: nobody leaves with others what they could not give them.
    pub(super) async fn check_owners<E: Rules>(&self, row: &E::Model, draft: &Draft) -> Result<()> {
        let table = E::table();
        let (owners, me) = (table.owner.columns(), self.store.actor().user().map(|user| user.0));
        let other = E::Column::iter().zip(&table.fields).find(|(column, field)| {
            owners.contains(&field.column)
                && draft.get(table, field.column).is_some()
                && matches!(row.get(*column), Value::Uuid(Some(owner)) if me != Some(owner))
        });
        let Some((_, field)) = other else { return Ok(()) };
        if self.may(E::KIND, E::id(row), Action::Assign).await? {
            return Ok(());
        }
        Err(self.unassignable(E::KIND, field, "create this record for another owner"))
    }

    fn unassignable(&self, kind: Kind, field: &Field, what: &str) -> Error {
        let name = kind.name();
        let why = match self.store.actor().policy.reach(kind, Action::Assign) {
            Reach::None => format!("you lack the permission ASSIGN on {name} records"),
            reach => format!("your permission ASSIGN on {name} records reaches {}, and not this one", reach.as_str()),
        };
        UserError::new(UserCode::Forbidden, &input_name(field), format!("You may not {what}: {why}."))
            .because("PERMISSION_MISSING")
            .into()
    }

    /// Whether the actor may do this to a row; asked of the database only where not all are within reach.
    pub async fn may(&self, kind: Kind, id: Uuid, action: Action) -> Result<bool> {
        let actor = self.store.actor();
        if scope::unrestricted(actor, kind, action) {
            return Ok(true);
        }
        let mut sql = self.sql();
        sql.push("SELECT 1 FROM ").table(kind.table().table).push(" t WHERE t.id = ").bind(id);
        scope::and_within(&mut sql, actor, (kind, "t"), action);
        Ok(!self.fetch(sql).await?.is_empty())
    }

    /// Whether the actor may see a row, so that an error may name it.
    pub async fn sees(&self, kind: Kind, id: Uuid) -> Result<bool> {
        self.may(kind, id, Action::Read).await
    }

    /// The row as saved must still be within the actor's reach.
    pub(super) async fn check_reach<E: Rules>(&self, row: &E::Model, action: Action) -> Result<()> {
        if self.may(E::KIND, E::id(row), action).await? {
            return Ok(());
        }
        let message = format!(
            "The resulting {} would be outside your own reach to {} it.",
            E::KIND.name(),
            if action == Action::Create { "create" } else { "change" }
        );
        Err(UserError::new(UserCode::Forbidden, "", message).because("OUT_OF_REACH").into())
    }

    /// Unique fields must be free among live rows. The indexes say so too; asking first lets the
    /// answer name the field and the record in the way.
    pub(super) async fn check_unique<E: Rules>(&self, row: &E::Model, before: Option<&E::Model>) -> Result<()> {
        let table = E::table();
        let mut problems = Vec::new();
        let columns: Vec<E::Column> = E::Column::iter().collect();
        for (at, field) in table.fields.iter().enumerate().filter(|(_, field)| field.unique) {
            let value = row.get(columns[at]);
            if value == value::null(field.ty) || before.is_some_and(|before| before.get(columns[at]) == value) {
                continue;
            }
            // Names with the same fold key may be two that only resemble each other.
            let (column, value, name) = match (field.fold, value) {
                (Some(column), Value::String(Some(text))) if column != field.column => {
                    (column, fold(&text).into(), Some(key(&text)))
                }
                (_, value) => (field.column, value, None),
            };
            let mut sql = self.sql();
            sql.push("SELECT t.id, ").column("t", field.column).push(", ");
            scope::is_within(&mut sql, self.store.actor(), (table.kind, "t"), Action::Read);
            sql.push(" AS seen FROM ")
                .table(table.table)
                .push(" t WHERE t.archived_at IS NULL AND t.id <> ")
                .bind(E::id(row));
            sql.push(" AND ").column("t", column).push(" = ").bind(value);
            let rows = self.fetch(sql).await?;
            let same = |row: &&QueryResult| {
                name.as_ref()
                    .is_none_or(|name| json::text(row, 1).ok().flatten().is_some_and(|text| key(text) == *name))
            };
            if let Some(found) = rows.iter().find(same) {
                let mistake = UserError::new(
                    UserCode::Taken,
                    &field.name,
                    format!("Another live {} has this {}.", table.name, field.name),
                );
                // A record out of reach is not named, though its being there shows; nor is one whose value is hidden.
                let seen: bool = found.try_get("", "seen")?;
                let seen = seen && !self.store.actor().policy.hides(table.kind, &field.name);
                problems.push(match json::uuid(found, 0)?.filter(|_| seen) {
                    Some(id) => mistake.against(table.kind, id),
                    None => mistake,
                });
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(Error::Input(problems)) }
    }

    /// A row that an input names must be live and seen by the actor.
    pub async fn must_see(&self, kind: Kind, id: Uuid, field: &str) -> Result<()> {
        let mut sql = self.sql();
        sql.push("SELECT 1 FROM ").table(kind.table().table).push(" t WHERE t.id = ").bind(id);
        filter::and_live(&mut sql, kind.table(), "t");
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
}
