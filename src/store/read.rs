//! Executes a plan: one statement per level, whatever the number of parents, every level within
//! the actor's reach; then writes the response bytes straight from the rows.

use std::{
    collections::{BTreeMap, HashMap},
    future::Future,
    pin::Pin,
};

use entity::{
    Kind,
    table::{Join, Link, Type},
};
use sea_orm::{QueryResult, prelude::Uuid};

use super::{
    Store,
    answer::Answer,
    filter::{self, Filter},
    json::{self, Out},
    listed,
    plan::{Any, Child, Connection, Find, One, Plan, Rows, Shape},
    scope,
    sql::{Engine, Sql},
    told::FieldChange,
    write,
};
use crate::{
    access::{Action, Reach},
    error::{Error, Result},
};

/// The rows of one level and what hangs off them.
pub(super) struct Level {
    pub rows: Vec<QueryResult>,
    pub children: Vec<Loaded>,
}

/// What hangs off the rows of a level.
pub(super) enum Loaded {
    /// Rows by id.
    One(Level, HashMap<Uuid, usize>),
    /// Pages by parent.
    Many(Level, HashMap<Uuid, Span>),
    /// Rows of several kinds by id.
    Subject(BTreeMap<Kind, (Level, HashMap<Uuid, usize>)>),
    /// Changed fields, row by row.
    Changes(Vec<Vec<FieldChange>>),
    /// Systems and ids by row.
    ExternalIds(HashMap<Uuid, Vec<(String, String)>>),
}

/// One parent's page.
#[derive(Default)]
pub(super) struct Span {
    pub rows: Vec<usize>,
    pub more: bool,
    pub count: i64,
    /// Why there is none.
    pub failed: Option<Error>,
}

type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

impl Store {
    /// Executes a plan and writes its JSON.
    pub async fn read(&self, plan: &Plan) -> Result<Answer> {
        let mut out = Out::with_capacity(1_024);
        // Before anything is read: whether a hidden field's use is refused must not depend on rows.
        match plan {
            Plan::One(One { rows, .. }) => self.refuse_hidden_use(rows)?,
            Plan::List(_, connection) => self.refuse_hidden_use(&connection.rows)?,
            Plan::Node(_, any) | Plan::Nodes(_, any) => {
                any.0.values().try_for_each(|(rows, _)| self.refuse_hidden_use(rows))?;
            }
            Plan::Aggregate(aggregate) => self.refuse_hidden_use(&aggregate.key)?,
        }
        match plan {
            Plan::One(one) => self.read_one(one, &mut out).await?,
            Plan::List(find, connection) => self.read_list(find, connection, &mut out).await?,
            Plan::Node(id, any) => {
                let loaded = self.load_any(any, id.iter().copied()).await?;
                write::any(self, &mut out, any, &loaded, *id)?;
            }
            Plan::Nodes(ids, any) => {
                let loaded = self.load_any(any, ids.iter().flatten().copied()).await?;
                out.push(b'[');
                for (n, id) in ids.iter().enumerate() {
                    if n > 0 {
                        out.push(b',');
                    }
                    write::any(self, &mut out, any, &loaded, *id)?;
                }
                out.push(b']');
            }
            Plan::Aggregate(aggregate) => self.read_aggregate(aggregate, &mut out).await?,
        }
        Ok(out.finish())
    }

    /// Refuses orders and filters below these rows that would show a hidden field by their effect.
    pub fn refuse_hidden_use(&self, rows: &Rows) -> Result<()> {
        rows.children.iter().try_for_each(|child| match child {
            Child::One { rows, .. } => self.refuse_hidden_use(rows),
            Child::Subject { any, .. } => any.0.values().try_for_each(|(rows, _)| self.refuse_hidden_use(rows)),
            Child::ExternalIds(_) | Child::Changes { .. } => Ok(()),
            Child::Many { find, connection, .. } => {
                find.order.check(self.actor())?;
                self.refuse_hidden_filter(connection.rows.kind, &find.filter)?;
                self.refuse_hidden_use(&connection.rows)
            }
        })
    }

    /// Refuses a filter that would show a hidden field by its effect.
    pub fn refuse_hidden_filter(&self, kind: Kind, filter: &Filter) -> Result<()> {
        if matches!(filter, Filter::Everything) {
            return Ok(());
        }
        filter.push(&mut Sql::new(self.engine()), self.actor(), (kind, "t"))
    }

    async fn read_one(&self, one: &One, out: &mut Out) -> Result<()> {
        let kind = one.rows.kind;
        let mut sql = Sql::new(self.engine());
        self.push_select(&mut sql, &one.rows, "t");
        sql.push(" FROM ").table(kind.table().table).push(" t WHERE ");
        one.filter.push(&mut sql, self.actor(), (kind, "t"))?;
        if !one.archived {
            filter::and_live(&mut sql, kind.table(), "t");
        }
        scope::and_within(&mut sql, self.actor(), (kind, "t"), Action::Read);
        sql.push(" LIMIT 2");
        let rows =
            if self.actor().policy.reach(kind, Action::Read) == Reach::None { vec![] } else { self.fetch(sql).await? };
        if rows.len() != 1 {
            json::null(out);
            return Ok(());
        }
        let level = self.load(&one.rows, rows).await?;
        write::object(self, out, (&one.rows, &one.shape), (&level, 0))
    }

    async fn read_list(&self, find: &Find, connection: &Connection, out: &mut Out) -> Result<()> {
        find.order.check(self.actor())?;
        let mut span = Span::default();
        let mut rows = Vec::new();
        if connection.reads_rows {
            let mut sql = Sql::new(self.engine());
            self.push_list(&mut sql, &connection.rows, find)?;
            rows = self.fetch(sql).await?;
            span.more = rows.len() > find.page.size;
            rows.truncate(find.page.size);
            if find.page.backwards {
                rows.reverse();
            }
            span.rows = (0..rows.len()).collect();
        }
        if connection.counts() {
            let mut sql = Sql::new(self.engine());
            self.push_count(&mut sql, connection.rows.kind, find)?;
            span.count = first_count(&self.fetch(sql).await?)?;
        }
        let level = self.load(&connection.rows, rows).await?;
        write::connection(self, out, (find, connection), (&level, &span))
    }

    /// How the database would find a page of a list, and how it would count it, in its own words.
    pub async fn explain(&self, kind: Kind, find: &Find) -> Result<[String; 2]> {
        find.order.check(self.actor())?;
        let begin = || {
            let mut sql = Sql::new(self.engine());
            sql.push(if sql.engine() == Engine::Postgres { "EXPLAIN " } else { "EXPLAIN QUERY PLAN " });
            sql
        };
        let (mut page, mut count) = (begin(), begin());
        self.push_list(&mut page, &Rows::new(kind), find)?;
        self.push_count(&mut count, kind, find)?;
        Ok([self.plan_of(page).await?, self.plan_of(count).await?])
    }

    async fn plan_of(&self, sql: Sql) -> Result<String> {
        let column = if sql.engine() == Engine::Postgres { 0 } else { 3 };
        let rows = self.fetch(sql).await?;
        let lines: Result<Vec<&str>> =
            rows.iter().map(|row| Ok(json::text(row, column)?.unwrap_or_default())).collect();
        Ok(lines?.join("\n"))
    }

    fn push_list(&self, sql: &mut Sql, rows: &Rows, find: &Find) -> Result<()> {
        self.push_select(sql, rows, "t");
        sql.push(" FROM ").table(rows.kind.table().table).push(" t WHERE TRUE");
        self.and_found(sql, (rows.kind, "t"), find)?;
        Self::and_page(sql, "t", find)
    }

    fn push_count(&self, sql: &mut Sql, kind: Kind, find: &Find) -> Result<()> {
        sql.push("SELECT count(*) FROM ").table(kind.table().table).push(" t WHERE TRUE");
        self.and_found(sql, (kind, "t"), find)
    }

    /// Reads rows of one kind by id and writes each by itself: null where there is none.
    pub async fn read_each(&self, rows: &Rows, shape: &Shape, ids: &[Option<Uuid>]) -> Result<Vec<Answer>> {
        let wanted: Vec<Uuid> = ids.iter().flatten().copied().collect();
        let (level, index) = self.load_by_id(rows, &wanted).await?;
        let one = |id: &Option<Uuid>| {
            let mut out = Out::new();
            match id.and_then(|id| index.get(&id)) {
                Some(at) => write::object(self, &mut out, (rows, shape), (&level, *at))?,
                None => json::null(&mut out),
            }
            Ok(out.finish())
        };
        ids.iter().map(one).collect()
    }

    /// Appends the slots of a level.
    pub(super) fn push_select(&self, sql: &mut Sql, rows: &Rows, alias: &str) {
        sql.push("SELECT ");
        self.push_slots(sql, rows, alias);
    }

    fn push_slots(&self, sql: &mut Sql, rows: &Rows, alias: &str) {
        for (n, slot) in rows.slots.iter().enumerate() {
            if n > 0 {
                sql.push(", ");
            }
            let name = slot.field.link_name.as_deref().unwrap_or(&slot.field.name);
            if self.actor().policy.hides(rows.kind, name) {
                sql.push("NULL");
                continue;
            }
            sql.column(alias, slot.column);
            if matches!(slot.ty(), Type::Json | Type::Texts | Type::Parted(_)) && sql.engine() == Engine::Postgres {
                sql.push("::text");
            }
        }
    }

    /// Appends ` AND …` for everything that says which rows a list has, its page aside.
    pub(super) fn and_found(&self, sql: &mut Sql, (kind, alias): (Kind, &str), find: &Find) -> Result<()> {
        if !find.archived {
            filter::and_live(sql, kind.table(), alias);
        }
        scope::and_within(sql, self.actor(), (kind, alias), Action::Read);
        if !matches!(find.filter, Filter::Everything) {
            sql.push(" AND ");
            find.filter.push(sql, self.actor(), (kind, alias))?;
        }
        if let Some(words) = &find.search {
            let search = filter::search(kind, words, self.actor())?;
            sql.push(" AND ");
            search.push(sql, self.actor(), (kind, alias))?;
        }
        Ok(())
    }

    /// Appends the cursors' conditions, the order, and a limit of one row more than the page has.
    pub(super) fn and_page(sql: &mut Sql, alias: &str, find: &Find) -> Result<()> {
        for (cursor, backwards) in [(&find.page.after, false), (&find.page.before, true)] {
            if let Some(cursor) = cursor {
                let values = find.order.read_cursor(cursor)?;
                sql.push(" AND ");
                find.order.push_after(sql, alias, &values, backwards);
            }
        }
        find.order.push(sql, alias, find.page.backwards);
        sql.push(" LIMIT ").bind(i64::try_from(find.page.size + 1).unwrap_or(i64::MAX));
        Ok(())
    }

    /// Reads what hangs off the rows of a level.
    pub(super) fn load<'a>(&'a self, plan: &'a Rows, rows: Vec<QueryResult>) -> Later<'a, Level> {
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
                        Loaded::Changes(self.told(&rows, (*kind, *changes), values).await?)
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
    async fn load_by_id(&self, plan: &Rows, ids: &[Uuid]) -> Result<(Level, HashMap<Uuid, usize>)> {
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

    async fn load_any(
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

/// The number in the first column of the first row.
pub(super) fn first_count(rows: &[QueryResult]) -> Result<i64> {
    rows.first().map_or(Ok(0), |row| Ok(json::bigint(row, 0)?.unwrap_or(0)))
}

/// How a shape and its rows belong together.
pub(super) type Drawn<'a> = (&'a Rows, &'a Shape);
