//! Reads the levels below the first: one statement for each, whatever the number of parents.

use std::{
    collections::{BTreeMap, HashMap},
    future::Future,
    pin::Pin,
};

use entity::{
    Kind,
    table::{Join, Link},
};
use sea_orm::{QueryResult, prelude::Uuid};

use super::{
    filter,
    level::{Level, Loaded, Span},
    listed,
    plan::{Any, Child, Connection, Find, Rows},
};
use crate::{
    access::{Action, Reach},
    error::{Error, Result},
    store::{
        Store, json, scope,
        sql::{Engine, Sql},
    },
};

type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

impl Store {
    /// Reads what hangs off the rows of a level.
    pub(in crate::store) fn load<'a>(&'a self, plan: &'a Rows, rows: Vec<QueryResult>) -> Later<'a, Level> {
        Box::pin(async move {
            let mut children = Vec::with_capacity(plan.children.len());
            for child in &plan.children {
                children.push(match child {
                    Child::One { slot, rows: inner, .. } => {
                        let (level, index) = self.load_by_id(inner, &keys(&rows, *slot)?).await?;
                        Loaded::One(level, index)
                    }
                    Child::Many { link, find, connection } => {
                        self.load_many(link, find, connection, &keys(&rows, 0)?).await?
                    }
                    Child::Subject { kind, id, any } => {
                        let mut ids = Vec::with_capacity(rows.len());
                        for row in &rows {
                            let kind = json::text(row, *kind)?.and_then(Kind::named);
                            ids.extend(kind.zip(json::uuid(row, *id)?));
                        }
                        Loaded::Subject(self.load_any(any, ids.into_iter()).await?)
                    }
                    Child::Changes { kind, changes, parts } => {
                        let values = parts.iter().any(|(_, part)| matches!(*part, "before" | "after"));
                        Loaded::Changes(self.visible_changes(&rows, (*kind, *changes), values).await?)
                    }
                    Child::ExternalIds(_) => {
                        Loaded::ExternalIds(self.load_external_ids(plan.kind, &keys(&rows, 0)?).await?)
                    }
                });
            }
            Ok(Level { rows, children })
        })
    }

    /// Reads rows by id, within reach; archived ones too.
    pub(super) async fn load_by_id(&self, plan: &Rows, ids: &[Uuid]) -> Result<(Level, HashMap<Uuid, usize>)> {
        let kind = plan.kind;
        if ids.is_empty() || self.actor().policy.reach(kind, Action::Read) == Reach::None {
            return Ok((Level { rows: vec![], children: self.load(plan, vec![]).await?.children }, HashMap::new()));
        }
        let mut sql = Sql::new(self.engine());
        self.push_select(&mut sql, plan, "t");
        sql.push(" FROM ").table(kind.table().table).push(" t WHERE t.id");
        sql.in_ids(ids);
        scope::and_within(&mut sql, self.actor(), (kind, "t"), Action::Read);
        let rows = self.fetch(sql).await?;
        let mut index = HashMap::with_capacity(rows.len());
        for (n, row) in rows.iter().enumerate() {
            if let Some(id) = json::uuid(row, 0)? {
                index.insert(id, n);
            }
        }
        Ok((self.load(plan, rows).await?, index))
    }

    pub(super) async fn load_any(
        &self,
        any: &Any,
        ids: impl Iterator<Item = (Kind, Uuid)> + Send,
    ) -> Result<BTreeMap<Kind, (Level, HashMap<Uuid, usize>)>> {
        let mut by_kind: BTreeMap<Kind, Vec<Uuid>> = BTreeMap::new();
        for (kind, id) in ids {
            by_kind.entry(kind).or_default().push(id);
        }
        let mut loaded = BTreeMap::new();
        for (kind, ids) in by_kind {
            if let Some((rows, _)) = any.0.get(&kind) {
                loaded.insert(kind, self.load_by_id(rows, &ids).await?);
            }
        }
        Ok(loaded)
    }

    /// Reads a page of rows per parent in one statement, and their number per parent in another
    /// where it is asked for.
    async fn load_many(
        &self,
        link: &'static Link,
        find: &Find,
        connection: &Connection,
        parents: &[Uuid],
    ) -> Result<Loaded> {
        let kind = link.target;
        let mut spans: HashMap<Uuid, Span> = parents.iter().map(|id| (*id, Span::default())).collect();
        let mut rows = Vec::new();
        let visible = self.actor().policy.reach(kind, Action::Read) > Reach::None && !self.hides_way(link);
        let lists = match link.join {
            Join::Listed if visible => listed::rules(self, parents).await?,
            _ => vec![],
        };
        for (list, rule) in &lists {
            if let (Err(error), Some(span)) = (rule, spans.get_mut(list)) {
                span.failed = Some(error.clone());
            }
        }
        if visible && !parents.is_empty() {
            if connection.reads_rows {
                rows = match link.join {
                    Join::Listed => listed::pages(self, find, connection, &lists).await?,
                    _ => self.fetch(self.pages_sql(link, find, connection, parents)?).await?,
                };
                // The parent's id follows the row's own columns.
                let parent_at = connection.rows.slots.len();
                for (n, row) in rows.iter().enumerate() {
                    if let Some(span) = json::uuid(row, parent_at)?.and_then(|parent| spans.get_mut(&parent)) {
                        if span.rows.len() < find.page.size {
                            span.rows.push(n);
                        } else {
                            span.more = true;
                        }
                    }
                }
                if find.page.backwards {
                    for span in spans.values_mut() {
                        span.rows.reverse();
                    }
                }
            }
            if connection.counts() {
                let counts = match link.join {
                    Join::Listed => listed::counts(self, find, &lists).await?,
                    _ => self.fetch(self.counts_sql(link, find, parents)?).await?,
                };
                for row in &counts {
                    if let Some(span) = json::uuid(row, 0)?.and_then(|parent| spans.get_mut(&parent)) {
                        span.count = json::bigint(row, 1)?.unwrap_or(0);
                    }
                }
            }
        }
        Ok(Loaded::Many(self.load(&connection.rows, rows).await?, spans))
    }

    /// Whether the actor may not know which rows a link ties together.
    fn hides_way(&self, link: &Link) -> bool {
        let Join::Many { column } = link.join else { return false };
        let name = link.target.table().column(column).and_then(|field| field.link_name.as_deref());
        name.is_some_and(|name| self.actor().policy.hides(link.target, name))
    }

    /// On PostgreSQL a lateral subquery with a real limit per parent. SQLite has none, so there a
    /// correlated subquery with a limit names the rows of each parent.
    fn pages_sql(&self, link: &Link, find: &Find, connection: &Connection, parents: &[Uuid]) -> Result<Sql> {
        let kind = link.target;
        let mut sql = Sql::new(self.engine());
        match sql.engine() {
            Engine::Postgres => {
                sql.push("SELECT c.*, p.id FROM ").ids_table(parents).push(" CROSS JOIN LATERAL (");
                self.push_select(&mut sql, &connection.rows, "t");
                push_linked(&mut sql, self, (link, "t"), |sql| {
                    sql.push(" = p.id");
                });
                self.and_found(&mut sql, (kind, "t"), find)?;
                Self::and_page(&mut sql, "t", find)?;
                sql.push(") c");
            }
            Engine::Sqlite => {
                self.push_select(&mut sql, &connection.rows, "r");
                sql.push(", p.id FROM ").ids_table(parents).push(" CROSS JOIN ").table(kind.table().table);
                sql.push(" r ON r.rowid IN (SELECT t.rowid");
                push_linked(&mut sql, self, (link, "t"), |sql| {
                    sql.push(" = p.id");
                });
                self.and_found(&mut sql, (kind, "t"), find)?;
                Self::and_page(&mut sql, "t", find)?;
                sql.push(") ORDER BY p.ord, ");
                find.order.push_keys(&mut sql, "r", find.page.backwards);
            }
        }
        Ok(sql)
    }

    fn counts_sql(&self, link: &Link, find: &Find, parents: &[Uuid]) -> Result<Sql> {
        let mut sql = Sql::new(self.engine());
        let parent = match link.join {
            Join::Through { near, .. } => format!("l.{near}"),
            Join::Many { column } => format!("t.{column}"),
            _ => return Err(Error::internal(format!("{} has no rows to count", link.name))),
        };
        sql.push("SELECT ").push(&parent).push(", count(*)");
        push_linked(&mut sql, self, (link, "t"), |sql| {
            sql.in_ids(parents);
        });
        self.and_found(&mut sql, (link.target, "t"), find)?;
        sql.push(" GROUP BY ").push(&parent);
        Ok(sql)
    }

    async fn load_external_ids(&self, kind: Kind, ids: &[Uuid]) -> Result<HashMap<Uuid, Vec<(String, String)>>> {
        let mut found: HashMap<Uuid, Vec<(String, String)>> = HashMap::new();
        if ids.is_empty() {
            return Ok(found);
        }
        let mut sql = Sql::new(self.engine());
        sql.push("SELECT e.record_id, e.system, e.external_id FROM external_id e WHERE e.resource = ")
            .bind(kind.name());
        sql.push(" AND e.record_id").in_ids(ids).push(" ORDER BY e.system, e.external_id");
        for row in self.fetch(sql).await? {
            if let (Some(id), Some(system), Some(external)) =
                (json::uuid(&row, 0)?, json::text(&row, 1)?, json::text(&row, 2)?)
            {
                found.entry(id).or_default().push((system.to_owned(), external.to_owned()));
            }
        }
        Ok(found)
    }
}

/// Appends ` FROM … WHERE <the column with the parent's id> <test>`.
fn push_linked(sql: &mut Sql, store: &Store, (link, alias): (&Link, &str), test: impl FnOnce(&mut Sql)) {
    sql.push(" FROM ").table(link.target.table().table).push(" ").push(alias);
    match link.join {
        Join::Through { table, near, far } => {
            sql.push(" JOIN ").table(table).push(" l ON ").column("l", far).push(" = ").column(alias, "id");
            sql.push(" WHERE ").column("l", near);
            test(sql);
            sql.push(" AND l.archived_at IS NULL");
            scope::and_listed_today(sql, store.actor(), (table, "l"));
            if let Some(between) = filter::kind_of_table(table) {
                scope::and_within(sql, store.actor(), (between, "l"), Action::Read);
            }
        }
        Join::Many { column } | Join::One { column } => {
            sql.push(" WHERE ").column(alias, column);
            test(sql);
        }
        Join::Subject | Join::Listed => {
            sql.push(" WHERE ").column(alias, "id");
            test(sql);
        }
    }
}

/// The distinct ids in a column of rows, in their order.
fn keys(rows: &[QueryResult], slot: usize) -> Result<Vec<Uuid>> {
    let mut seen = std::collections::HashSet::with_capacity(rows.len());
    let mut keys = Vec::with_capacity(rows.len());
    for row in rows {
        if let Some(key) = json::uuid(row, slot)?
            && seen.insert(key)
        {
            keys.push(key);
        }
    }
    Ok(keys)
}
