//! A level's statement: its columns, which rows, and which page of them.

use entity::{Kind, table::Type};

use super::{
    filter::{self, Filter},
    plan::{Find, Rows, Slot},
};
use crate::{
    access::{Action, has_effect},
    error::Result,
    store::{
        Store, scope,
        sql::{Engine, Sql},
    },
};

impl Store {
    pub(super) fn push_list(&self, sql: &mut Sql, rows: &Rows, find: &Find) -> Result<()> {
        self.push_select(sql, rows, "t");
        sql.push(" FROM ").table(rows.kind.table().table).push(" t WHERE TRUE");
        self.and_found(sql, (rows.kind, "t"), find)?;
        Self::and_page(sql, "t", find)
    }

    pub(super) fn push_count(&self, sql: &mut Sql, kind: Kind, find: &Find) -> Result<()> {
        sql.push("SELECT count(*) FROM ").table(kind.table().table).push(" t WHERE TRUE");
        self.and_found(sql, (kind, "t"), find)
    }

    /// Appends the slots of a level.
    pub(in crate::store) fn push_select(&self, sql: &mut Sql, rows: &Rows, alias: &str) {
        sql.push("SELECT ");
        self.push_slots(sql, rows, alias);
    }

    fn push_slots(&self, sql: &mut Sql, rows: &Rows, alias: &str) {
        for (n, slot) in rows.slots.iter().enumerate() {
            if n > 0 {
                sql.push(", ");
            }
            let (field, column) = match slot {
                Slot::Field(field, column) => (field, column),
                Slot::Permitted(action) if !has_effect(rows.kind, *action) => {
                    sql.push("FALSE");
                    continue;
                }
                Slot::Permitted(action) => {
                    scope::is_within(sql, self.actor(), (rows.kind, alias), *action);
                    continue;
                }
            };
            if self.actor().policy.hides(rows.kind, field.event_name()) {
                sql.push("NULL");
                continue;
            }
            sql.value(alias, field, column);
            if matches!(slot.ty(), Type::Json | Type::Texts | Type::Parted(_)) && sql.engine() == Engine::Postgres {
                sql.push("::text");
            }
        }
    }

    /// Appends ` AND …` for everything that says which rows a list has, its page aside.
    pub(in crate::store) fn and_found(&self, sql: &mut Sql, (kind, alias): (Kind, &str), find: &Find) -> Result<()> {
        if !find.archived {
            filter::and_live(sql, kind.table(), alias);
        }
        scope::and_within(sql, self.actor(), (kind, alias), Action::Read);
        if !matches!(find.filter, Filter::Everything) {
            sql.push(" AND ");
            find.filter.check(self.actor(), kind)?.push(sql, self.actor(), alias);
        }
        if let Some(words) = &find.search {
            let search = filter::search(kind, words, self.actor())?;
            sql.push(" AND ");
            search.check(self.actor(), kind)?.push(sql, self.actor(), alias);
        }
        Ok(())
    }

    /// Appends the cursors' conditions, the order, and a limit of one row more than the page has.
    pub(in crate::store) fn and_page(sql: &mut Sql, alias: &str, find: &Find) -> Result<()> {
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
}
