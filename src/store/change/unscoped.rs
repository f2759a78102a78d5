//! Questions that rules ask of rows, whoever may see these: no reach is added, and the names say so.

use entity::{Kind, Record};
use sea_orm::{FromQueryResult, Value, prelude::Uuid};

use super::{Change, Lock, push_columns};
use crate::{
    error::Result,
    store::{json, sql::Sql},
};

impl Change {
    /// The live rows whose column holds a value, without regard to reach: for rules.
    pub async fn unscoped_rows<E: Record>(&self, column: &str, value: impl Into<Value>) -> Result<Vec<E::Model>> {
        self.rows_where::<E>(column, |sql| {
            sql.push(" = ").bind(value);
        })
        .await
    }

    /// The live rows whose column holds one of these ids, without regard to reach: for rules.
    pub async fn unscoped_rows_among<E: Record>(&self, column: &str, ids: &[Uuid]) -> Result<Vec<E::Model>> {
        if ids.is_empty() {
            return Ok(vec![]);
        }
        self.rows_where::<E>(column, |sql| {
            sql.in_ids(ids);
        })
        .await
    }

    async fn rows_where<E: Record>(&self, column: &str, test: impl FnOnce(&mut Sql)) -> Result<Vec<E::Model>> {
        let table = E::table();
        let mut sql = self.sql();
        sql.push("SELECT ");
        push_columns(&mut sql, table, "t");
        sql.push(" FROM ").table(table.table).push(" t WHERE t.archived_at IS NULL AND ").column("t", column);
        test(&mut sql);
        sql.push(" ORDER BY t.id");
        self.fetch(sql).await?.iter().map(|row| Ok(E::Model::from_query_result(row, "")?)).collect()
    }

    /// How many live rows hold an id in a column, whoever may see them: for rules.
    pub async fn unscoped_count(&self, kind: Kind, column: &str, id: Uuid) -> Result<i64> {
        let mut sql = self.sql();
        sql.push("SELECT count(*) FROM ")
            .table(kind.table().table)
            .push(" t WHERE t.archived_at IS NULL AND ")
            .column("t", column);
        sql.push(" = ").bind(id);
        json::first_count(&self.fetch(sql).await?)
    }

    /// Whether an archived row holds this in a column.
    pub async fn unscoped_was_there<E: Record>(&self, column: &str, value: impl Into<Value>) -> Result<bool> {
        let mut sql = self.sql();
        sql.push("SELECT 1 FROM ").table(E::table().table).push(" t WHERE t.archived_at IS NOT NULL AND ");
        sql.column("t", column).push(" = ").bind(value).push(" LIMIT 1");
        Ok(!self.fetch(sql).await?.is_empty())
    }

    /// The live row whose two columns hold these two ids, without regard to reach: for rules of
    /// rows that tie two others together. Nobody else ties them until the end of the change.
    pub async fn unscoped_pair<E: Record>(&self, one: (&str, Uuid), other: (&str, Uuid)) -> Result<Option<Uuid>> {
        self.lock(Lock::Pair(E::KIND, one.1, other.1)).await?;
        let mut sql = self.sql();
        sql.push("SELECT t.id FROM ").table(E::table().table).push(" t WHERE t.archived_at IS NULL AND ");
        sql.column("t", one.0).push(" = ").bind(one.1).push(" AND ").column("t", other.0).push(" = ").bind(other.1);
        sql.push(" LIMIT 1");
        self.fetch(sql).await?.first().map(|row| json::uuid(row, 0)).transpose().map(Option::flatten)
    }

    /// Whether following `column` upwards from `start` leads to `id`: so a tree stays one. Nobody else changes the
    /// tree until the end of the change.
    pub async fn leads_up_to<E: Record>(&self, column: &str, start: Uuid, id: Uuid) -> Result<bool> {
        self.lock(Lock::Tree(E::KIND)).await?;
        let table = E::table();
        let mut sql = self.sql();
        sql.push("WITH RECURSIVE up(id) AS (SELECT t.id FROM ").table(table.table).push(" t WHERE t.id = ").bind(start);
        sql.push(" UNION SELECT ")
            .column("t", column)
            .push(" FROM ")
            .table(table.table)
            .push(" t JOIN up ON t.id = up.id WHERE ");
        sql.column("t", column).push(" IS NOT NULL) SELECT count(*) FROM up WHERE up.id = ").bind(id);
        Ok(json::first_count(&self.fetch(sql).await?)? > 0)
    }
}
