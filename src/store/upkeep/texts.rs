//! Bringing what is stored to the rules by which texts are written and compared, once for each change of these rules.
//!
//! It runs while the database is brought to the program's schema. What another record has by the new rules stays as it
//! is and is told in the log: no two records are merged, and none is lost.

use entity::{
    Kind, id,
    table::{Field, Table, Type},
};
use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult, Value, prelude::Uuid};

use crate::{
    error::Result,
    store::{
        fold, json, key,
        sql::{Engine, Sql},
    },
    text::{email, short, tidy},
};

/// The rules of this program. They change with [`tidy`], [`fold`] and [`key`], and with the tables of Unicode that
/// these are made of.
const VERSION: i32 = 1;

/// Rows that are looked at together.
const AT_ONCE: usize = 1_000;

/// Brings all texts and their keys to the rules of this program, unless they follow them.
pub(in crate::store) async fn follow(engine: Engine, tx: &DatabaseTransaction) -> Result<()> {
    let mut sql = Sql::new(engine);
    sql.push("SELECT f.version FROM text_form f");
    let version = tx.query_one_raw(sql.finish()).await?.map(|row| json::int(&row, 0)).transpose()?.flatten();
    if version.is_some_and(|version| version >= VERSION) {
        return Ok(());
    }
    // What happened is told as it was.
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Event) {
        Texts { engine, tx, kind, table: kind.table() }.follow().await?;
    }
    external_ids(engine, tx).await?;
    let mut sql = Sql::new(engine);
    sql.push("UPDATE text_form SET version = ").bind(VERSION);
    tx.execute_raw(sql.finish()).await?;
    Ok(())
}

/// The texts of one kind.
struct Texts<'a> {
    engine: Engine,
    tx: &'a DatabaseTransaction,
    kind: Kind,
    table: &'static Table,
}

/// What a row holds where the rules are looked at.
struct Held<'a> {
    id: Uuid,
    row: &'a QueryResult,
    columns: &'a [&'static str],
    /// Whether it is archived; what is unique is unique among the others.
    archived: bool,
}

impl Held<'_> {
    fn text(&self, column: &str) -> Result<Option<&str>> {
        match self.columns.iter().position(|other| *other == column) {
            Some(at) => json::text(self.row, at + 1),
            None => Ok(None),
        }
    }
}

impl Texts<'_> {
    async fn follow(&self) -> Result<()> {
        let fields: Vec<&'static Field> =
            self.table.fields.iter().filter(|field| matches!(field.ty, Type::Text) && !field.physical).collect();
        let mut columns: Vec<&'static str> = Vec::new();
        for field in &fields {
            columns.extend(
                [Some(field.column), field.fold.filter(|_| !field.is_own_key()), field.key].into_iter().flatten(),
            );
        }
        if columns.is_empty() {
            return Ok(());
        }
        let has_archive = self.table.column("archived_at").is_some();
        let mut last: Option<Uuid> = None;
        loop {
            let mut sql = Sql::new(self.engine);
            sql.push("SELECT t.id");
            for column in &columns {
                sql.push(", ").column("t", column);
            }
            sql.push(if has_archive { ", t.archived_at" } else { "" })
                .push(" FROM ")
                .table(self.table.table)
                .push(" t");
            if let Some(last) = last {
                sql.push(" WHERE t.id > ").bind(last);
            }
            sql.push(&format!(" ORDER BY t.id LIMIT {AT_ONCE}"));
            let rows = self.tx.query_all_raw(sql.finish()).await?;
            for row in &rows {
                let id = json::uuid(row, 0)?.unwrap_or_default();
                let archived = has_archive && json::bigint(row, columns.len() + 1)?.is_some();
                self.restate(&fields, &Held { id, row, columns: &columns, archived }).await?;
                last = Some(id);
            }
            if rows.len() < AT_ONCE {
                return Ok(());
            }
        }
    }

    async fn restate(&self, fields: &[&'static Field], held: &Held<'_>) -> Result<()> {
        let mut changed: Vec<(&'static str, Option<String>)> = Vec::new();
        for field in fields {
            let Some(stored) = held.text(field.column)? else { continue };
            let mut form = form(field, stored);
            if form != stored && field.unique && field.key.is_none() && self.is_taken(held, field.column, &form).await?
            {
                self.tell(held, field, "its value is kept as it is, for another record has the one it would become");
                stored.clone_into(&mut form);
            }
            let fold = field.fold.filter(|_| !field.is_own_key()).map(|column| (column, Some(fold(&form))));
            let key = match field.key {
                Some(column) => {
                    let key = Some(key(&form)).filter(|key| !key.is_empty());
                    let taken = match &key {
                        Some(key) => self.is_taken(held, column, key).await?,
                        None => false,
                    };
                    if taken {
                        self.tell(held, field, "another record has the same name; rename one of them");
                    }
                    Some((column, key.filter(|_| !taken)))
                }
                None => None,
            };
            for (column, value) in [Some((field.column, Some(form))), fold, key].into_iter().flatten() {
                if held.text(column)? != value.as_deref() {
                    changed.push((column, value));
                }
            }
        }
        if changed.is_empty() {
            return Ok(());
        }
        let mut sql = Sql::new(self.engine);
        sql.push("UPDATE ").table(self.table.table).push(" SET ");
        for (n, (column, value)) in changed.into_iter().enumerate() {
            sql.push(if n > 0 { ", " } else { "" }).push(column).push(" = ").bind(Value::from(value));
        }
        sql.push(" WHERE id = ").bind(held.id);
        self.tx.execute_raw(sql.finish()).await?;
        Ok(())
    }

    /// Whether another live row holds this text where it must be the only one.
    async fn is_taken(&self, held: &Held<'_>, column: &str, text: &str) -> Result<bool> {
        if held.archived {
            return Ok(false);
        }
        let mut sql = Sql::new(self.engine);
        sql.push("SELECT 1 FROM ").table(self.table.table).push(" t WHERE ").column("t", column).push(" = ").bind(text);
        sql.push(" AND t.archived_at IS NULL AND t.id <> ").bind(held.id);
        if self.kind == Kind::Stage {
            sql.push(" AND t.pipeline_id = (SELECT s.pipeline_id FROM stage s WHERE s.id = ").bind(held.id).push(")");
        }
        Ok(self.tx.query_one_raw(sql.finish()).await?.is_some())
    }

    fn tell(&self, held: &Held<'_>, field: &Field, what: &str) {
        let (record, field) = (id::global(self.kind, held.id), field.name.as_str());
        tracing::warn!(%record, field, "upgrade: {what}");
    }
}

/// A stored text as it would be stored now; as it is where it would not be.
fn form(field: &Field, stored: &str) -> String {
    let form = match field.scalar {
        Some("EmailAddress") => email(stored),
        _ => Some(tidy(stored).into_owned()).filter(|form| !form.is_empty()),
    };
    form.unwrap_or_else(|| stored.to_owned())
}

/// Brings the names that other systems have for records to their normal form.
async fn external_ids(engine: Engine, tx: &DatabaseTransaction) -> Result<()> {
    let mut last: Option<[String; 3]> = None;
    loop {
        let mut sql = Sql::new(engine);
        sql.push("SELECT e.resource, e.system, e.external_id, e.record_id FROM external_id e");
        if let Some([resource, system, name]) = &last {
            sql.push(" WHERE (e.resource, e.system, e.external_id) > (").bind(resource.as_str());
            sql.push(", ").bind(system.as_str()).push(", ").bind(name.as_str()).push(")");
        }
        sql.push(&format!(" ORDER BY e.resource, e.system, e.external_id LIMIT {AT_ONCE}"));
        let rows = tx.query_all_raw(sql.finish()).await?;
        for row in &rows {
            let text = |at| json::text(row, at).map(Option::unwrap_or_default);
            let (resource, system, name) = (text(0)?, text(1)?, text(2)?);
            let (better, id) = ([system, name].map(|text| tidy(text).into_owned()), json::uuid(row, 3)?);
            if better != [system, name] && better.iter().all(|text| !text.is_empty()) {
                restate_external_id(engine, tx, (resource, [system, name], &better), id).await?;
            }
            last = Some([resource, system, name].map(str::to_owned));
        }
        if rows.len() < AT_ONCE {
            return Ok(());
        }
    }
}

async fn restate_external_id(
    engine: Engine,
    tx: &DatabaseTransaction,
    (resource, [system, name], better): (&str, [&str; 2], &[String; 2]),
    record: Option<Uuid>,
) -> Result<()> {
    let at = |sql: &mut Sql, [system, name]: [&str; 2]| {
        sql.push(" WHERE resource = ").bind(resource).push(" AND system = ").bind(system);
        sql.push(" AND external_id = ").bind(name);
    };
    let [better_system, better_name] = better;
    let mut sql = Sql::new(engine);
    sql.push("SELECT record_id FROM external_id");
    at(&mut sql, [better_system, better_name]);
    let there = tx.query_one_raw(sql.finish()).await?.map(|row| json::uuid(&row, 0)).transpose()?;
    let mut sql = Sql::new(engine);
    match there {
        None => {
            sql.push("UPDATE external_id SET system = ").bind(better_system.as_str());
            sql.push(", external_id = ").bind(better_name.as_str());
        }
        // The record has the name already.
        Some(other) if other == record => {
            sql.push("DELETE FROM external_id");
        }
        Some(_) => {
            let (system, name) = (short(system), short(name));
            tracing::warn!(
                resource,
                system,
                name,
                "upgrade: an external id is kept as it is, for another record has the one it would become"
            );
            return Ok(());
        }
    }
    at(&mut sql, [system, name]);
    tx.execute_raw(sql.finish()).await?;
    Ok(())
}
