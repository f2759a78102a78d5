//! The accounts of target-account lists: members of static lists, what dynamic lists' filters find.
//!
//! A filter differs from list to list, so each list has its own subquery; they are joined into one
//! statement, so that a level still costs one.

use std::collections::HashMap;

use entity::{Kind, ListKind};
use sea_orm::{QueryResult, prelude::Uuid};

use super::{
    filter::{Filter, refuse_hidden},
    plan::{Connection, Find},
};
use crate::{
    access::Action,
    error::Result,
    store::{
        Store, json, scope,
        sql::{Engine, Sql},
    },
};

/// What puts an account on a list; nothing where the reader may not use it.
pub(in crate::store) type Ruled = (Uuid, Result<Rule>);

/// What puts an account on a list.
pub(in crate::store) enum Rule {
    Members,
    Filter(Filter),
}

/// The pages of several lists, each row followed by its list's id.
pub(in crate::store) async fn pages(
    store: &Store,
    find: &Find,
    connection: &Connection,
    lists: &[Ruled],
) -> Result<Vec<QueryResult>> {
    let mut sql = Sql::new(store.engine());
    for (n, (list, rule)) in good(lists).enumerate() {
        sql.push(if n > 0 { " UNION ALL SELECT * FROM (" } else { "SELECT * FROM (" });
        store.push_select(&mut sql, &connection.rows, "t");
        sql.push(", ").bind(list);
        if sql.engine() == Engine::Postgres {
            sql.push("::uuid");
        }
        sql.push(" AS list_id FROM account t WHERE TRUE");
        store.and_found(&mut sql, (Kind::Account, "t"), find)?;
        and_listed(store, &mut sql, list, rule)?;
        Store::and_page(&mut sql, "t", find)?;
        sql.push(") l").push(&n.to_string());
    }
    if good(lists).next().is_none() { Ok(vec![]) } else { store.fetch(sql).await }
}

/// How many accounts each list has.
pub(in crate::store) async fn counts(store: &Store, find: &Find, lists: &[Ruled]) -> Result<Vec<QueryResult>> {
    let mut sql = Sql::new(store.engine());
    for (n, (list, rule)) in good(lists).enumerate() {
        sql.push(if n > 0 { " UNION ALL SELECT " } else { "SELECT " }).bind(list);
        if sql.engine() == Engine::Postgres {
            sql.push("::uuid");
        }
        sql.push(", count(*) FROM account t WHERE TRUE");
        store.and_found(&mut sql, (Kind::Account, "t"), find)?;
        and_listed(store, &mut sql, list, rule)?;
    }
    if good(lists).next().is_none() { Ok(vec![]) } else { store.fetch(sql).await }
}

fn good(lists: &[Ruled]) -> impl Iterator<Item = (Uuid, &Rule)> {
    lists.iter().filter_map(|(list, rule)| Some((*list, rule.as_ref().ok()?)))
}

/// What puts accounts on these lists. A list whose filter the reader may not see, or that tests what is
/// hidden from them, is refused by itself: it must not break the answer about the others.
pub(in crate::store) async fn rules(store: &Store, lists: &[Uuid]) -> Result<Vec<Ruled>> {
    let mut sql = Sql::new(store.engine());
    let filter = if store.engine() == Engine::Postgres { "t.filter::text" } else { "t.filter" };
    sql.push("SELECT t.id, t.kind, ").push(filter).push(" FROM target_account_list t WHERE t.id").in_ids(lists);
    let mut found = HashMap::new();
    for row in store.fetch(sql).await? {
        let Some(id) = json::uuid(&row, 0)? else { continue };
        let dynamic = json::text(&row, 1)? == Some(ListKind::Dynamic.as_str());
        let rule = match json::text(&row, 2)? {
            Some(filter) if dynamic => usable(store, filter).map(Rule::Filter),
            _ => Ok(Rule::Members),
        };
        found.insert(id, rule);
    }
    Ok(lists.iter().filter_map(|list| Some((*list, found.remove(list)?))).collect())
}

/// A list's filter, unless its use would show the reader what is hidden from them.
fn usable(store: &Store, filter: &str) -> Result<Filter> {
    refuse_hidden(store.actor(), Kind::TargetAccountList, "filter")?;
    let filter = Filter::read(Kind::Account, &serde_json::from_str(filter)?)?;
    filter.check(store.actor(), Kind::Account)?;
    Ok(filter)
}

fn and_listed(store: &Store, sql: &mut Sql, list: Uuid, rule: &Rule) -> Result<()> {
    sql.push(" AND ");
    match rule {
        Rule::Members => {
            sql.push("t.id IN (SELECT m.account_id FROM target_account_list_member m WHERE m.archived_at IS NULL AND m.list_id = ");
            sql.bind(list);
            scope::and_listed_today(sql, store.actor(), (Kind::TargetAccountListMember.table().table, "m"));
            scope::and_within(sql, store.actor(), (Kind::TargetAccountListMember, "m"), Action::Read);
            sql.push(")");
        }
        Rule::Filter(filter) => filter.check(store.actor(), Kind::Account)?.push(sql, store.actor(), "t"),
    }
    Ok(())
}
