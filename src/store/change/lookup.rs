//! Finding records by what others call them: many names in one statement, within the actor's reach.

use entity::{Kind, table::Field};
use sea_orm::prelude::Uuid;

use crate::{
    access::Action,
    error::Result,
    store::{Change, json, key, read::filter::and_live, scope, sql::Sql},
};

/// Names that one statement asks for.
const AT_ONCE: usize = 500;

impl Change {
    /// The records another system knows by these names, and whether each is live and may be seen.
    pub async fn linked(&self, kind: Kind, system: &str, names: &[String]) -> Result<Vec<(String, Uuid, bool)>> {
        let mut found = Vec::with_capacity(names.len());
        for names in names.chunks(AT_ONCE) {
            let mut sql = self.sql();
            sql.push("SELECT e.external_id, e.record_id, ((TRUE");
            self.and_seen(&mut sql, kind, "t");
            sql.push(") IS TRUE) FROM external_id e JOIN ")
                .table(kind.table().table)
                .push(" t ON t.id = e.record_id WHERE e.resource = ");
            sql.bind(kind.name()).push(" AND e.system = ").bind(system).push(" AND ");
            one_of(&mut sql, "e", "external_id", names);
            for row in self.fetch(sql).await? {
                let seen = row.try_get_by_index::<bool>(2)?;
                found.extend(
                    json::text(&row, 0)?
                        .map(str::to_owned)
                        .zip(json::uuid(&row, 1)?)
                        .map(|(name, id)| (name, id, seen)),
                );
            }
        }
        Ok(found)
    }

    /// The records that may be seen whose field holds one of these keys, fold keys where the field has them, and what
    /// each of them holds.
    pub async fn called(&self, kind: Kind, field: &Field, keys: &[String]) -> Result<Vec<(String, Uuid)>> {
        let column = field.fold.unwrap_or(field.column);
        let mut found = Vec::new();
        for keys in keys.chunks(AT_ONCE) {
            let mut sql = self.sql();
            sql.push("SELECT ")
                .column("t", field.column)
                .push(", t.id FROM ")
                .table(kind.table().table)
                .push(" t WHERE ");
            one_of(&mut sql, "t", column, keys);
            self.and_seen(&mut sql, kind, "t");
            self.collect(sql, &mut found).await?;
        }
        Ok(found)
    }

    /// The accounts that may be seen whose further domains are among these.
    pub async fn by_further_domains(&self, domains: &[String]) -> Result<Vec<(String, Uuid)>> {
        let mut found = Vec::new();
        for domains in domains.chunks(AT_ONCE) {
            let mut sql = self.sql();
            sql.push("SELECT d.domain, t.id FROM account_domain d JOIN account t ON t.id = d.account_id WHERE d.archived_at IS NULL AND ");
            one_of(&mut sql, "d", "domain", domains);
            self.and_seen(&mut sql, Kind::AccountDomain, "d");
            self.and_seen(&mut sql, Kind::Account, "t");
            self.collect(sql, &mut found).await?;
        }
        Ok(found)
    }

    /// All stages that may be seen, by the keys of their names: `pipeline / stage`.
    pub async fn stages(&self) -> Result<Vec<(String, Uuid)>> {
        let mut sql = self.sql();
        sql.push(
            "SELECT p.name || ' / ' || t.name, t.id FROM stage t JOIN pipeline p ON p.id = t.pipeline_id WHERE TRUE",
        );
        self.and_seen(&mut sql, Kind::Pipeline, "p");
        self.and_seen(&mut sql, Kind::Stage, "t");
        let mut found = Vec::new();
        self.collect(sql, &mut found).await?;
        Ok(found.into_iter().map(|(name, id)| (key(&name), id)).collect())
    }

    /// Whether there has never been a record of a kind.
    pub async fn never(&self, kind: Kind) -> Result<bool> {
        let mut sql = self.sql();
        sql.push("SELECT 1 FROM ").table(kind.table().table).push(" t LIMIT 1");
        Ok(self.fetch(sql).await?.is_empty())
    }

    pub(super) fn and_seen(&self, sql: &mut Sql, kind: Kind, alias: &str) {
        and_live(sql, kind.table(), alias);
        scope::and_within(sql, self.store().actor(), (kind, alias), Action::Read);
    }

    async fn collect(&self, sql: Sql, found: &mut Vec<(String, Uuid)>) -> Result<()> {
        for row in self.fetch(sql).await? {
            found.extend(json::text(&row, 0)?.map(str::to_owned).zip(json::uuid(&row, 1)?));
        }
        Ok(())
    }
}

pub(super) fn one_of(sql: &mut Sql, alias: &str, column: &str, names: &[String]) {
    sql.column(alias, column).push(" IN (");
    for (n, name) in names.iter().enumerate() {
        sql.push(if n > 0 { ", " } else { "" }).bind(name.as_str());
    }
    sql.push(")");
}
