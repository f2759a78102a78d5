//! Reading: what is asked becomes a plan, a plan becomes one statement per level, and rows become the bytes of an answer.

mod aggregate;
pub mod bucket;
mod explain;
pub mod filter;
mod hidden;
mod level;
mod listed;
mod load;
pub mod page;
pub mod plan;
mod select;
pub(in crate::store) mod visible_changes;
mod write;

pub use explain::{Sighting, Tie, Verdict};

use entity::Kind;
use sea_orm::prelude::Uuid;

use self::{
    level::Span,
    plan::{Connection, Find, One, Plan, Rows, Shape},
};
use crate::{
    access::{Action, Reach},
    error::Result,
    store::{
        Store,
        answer::Answer,
        json::{self, Out},
        scope,
        sql::{Engine, Sql},
    },
};

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

    async fn read_one(&self, one: &One, out: &mut Out) -> Result<()> {
        let kind = one.rows.kind;
        let mut sql = Sql::new(self.engine());
        self.push_select(&mut sql, &one.rows, "t");
        sql.push(" FROM ").table(kind.table().table).push(" t WHERE ");
        one.filter.check(self.actor(), kind)?.push(&mut sql, self.actor(), "t");
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
            span.count = json::first_count(&self.fetch(sql).await?)?;
        }
        let level = self.load(&connection.rows, rows).await?;
        write::connection(self, out, (find, connection), (&level, &span))
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
}
