//! Filters as SQL: each linked row within the actor's reach.

use entity::{
    Kind,
    table::{Field, Join, Link, Table, Type},
};

use super::{Checked, Filter, Known, Place, Quantifier, Test};
use crate::{
    access::{Action, Actor},
    store::{
        key, scope,
        sql::{Engine, Sql},
    },
};

impl Checked<'_> {
    /// Appends the condition on the rows of `alias`, each linked row within the actor's reach.
    pub fn push(&self, sql: &mut Sql, actor: &Actor, alias: &str) {
        self.filter.push(sql, actor, (self.kind, alias));
    }
}

impl Filter {
    fn push(&self, sql: &mut Sql, actor: &Actor, (kind, alias): (Kind, &str)) {
        match self {
            Self::Everything => {
                sql.push("TRUE");
            }
            Self::And(all) | Self::Or(all) => {
                let (empty, between) = if matches!(self, Self::And(_)) { ("TRUE", " AND ") } else { ("FALSE", " OR ") };
                if all.is_empty() {
                    sql.push(empty);
                    return;
                }
                sql.push("(");
                for (n, filter) in all.iter().enumerate() {
                    if n > 0 {
                        sql.push(between);
                    }
                    filter.push(sql, actor, (kind, alias));
                }
                sql.push(")");
            }
            Self::Not(filter) => {
                sql.push("(");
                filter.push(sql, actor, (kind, alias));
                sql.push(") IS NOT TRUE");
            }
            Self::Test(field, test) => {
                test.push(sql, alias, field, field.column);
            }
            Self::External(system, known) => {
                sql.column(alias, "id").push(if matches!(known, Known::AtAll(false)) { " NOT IN (" } else { " IN (" });
                sql.push("SELECT e.record_id FROM external_id e WHERE e.resource = ").bind(kind.name());
                sql.push(" AND e.system = ").bind(system.as_str());
                if let Known::By(ids) = known {
                    sql.push(" AND e.external_id IN (");
                    for (n, id) in ids.iter().enumerate() {
                        sql.push(if n > 0 { "," } else { "" }).bind(id.as_str());
                    }
                    sql.push(if ids.is_empty() { "NULL)" } else { ")" });
                }
                sql.push(")");
            }
            Self::Unique(field, value) => {
                push_unique(sql, actor, (kind, alias), (field, value));
            }
            Self::EventPredicate(predicate) => predicate.push(sql, actor, alias),
            Self::Linked(link, quantifier, inner) => {
                push_linked(sql, actor, alias, (link, *quantifier, inner));
            }
        }
    }

    /// Whether it tests nothing but the id.
    fn only_id(&self) -> Option<&Test> {
        match self {
            Self::Test(field, test) if matches!(field.ty, Type::Id) => Some(test),
            _ => None,
        }
    }
}

/// Appends the condition that a unique field has this value. An account is found by its further
/// domains too, as far as the actor may see those.
fn push_unique(sql: &mut Sql, actor: &Actor, (kind, alias): (Kind, &str), (field, value): (&Field, &str)) {
    let (column, value) = match field.key {
        Some(column) => (column, key(value)),
        // A column that is its own key holds normalised text, accents and all.
        None => (field.column, value.to_owned()),
    };
    sql.push("(").column(alias, column).push(" = ").bind(value.as_str());
    if kind == Kind::Account && field.column == "domain" {
        sql.push(" OR ")
            .column(alias, "id")
            .push(" IN (SELECT d.account_id FROM account_domain d WHERE d.archived_at IS NULL AND d.domain = ");
        sql.bind(value);
        scope::and_within(sql, actor, (Kind::AccountDomain, "d"), Action::Read);
        sql.push(")");
    }
    sql.push(")");
}

fn push_linked(sql: &mut Sql, actor: &Actor, alias: &str, (link, quantifier, inner): (&Link, Quantifier, &Filter)) {
    if let (Join::One { column }, Some(test)) = (link.join, inner.only_id())
        && scope::unrestricted(actor, link.target, Action::Read)
    {
        let id = &link.target.table().fields[0];
        sql.push("(").column(alias, column).push(" IS NOT NULL AND ");
        test.push(sql, alias, id, column);
        sql.push(")");
        return;
    }
    let other = sql.alias();
    sql.push(if quantifier == Quantifier::Some { "EXISTS (" } else { "NOT EXISTS (" });
    push_linked_rows(sql, actor, (link, alias, &other));
    match (quantifier, inner) {
        (Quantifier::Every, _) => {
            sql.push(" AND (");
            inner.push(sql, actor, (link.target, &other));
            sql.push(") IS NOT TRUE");
        }
        (_, Filter::Everything) => {}
        _ => {
            sql.push(" AND ");
            inner.push(sql, actor, (link.target, &other));
        }
    }
    sql.push(")");
}

/// Appends `SELECT 1 FROM …` of the live rows, within reach, that a link ties to the row of `alias`.
fn push_linked_rows(sql: &mut Sql, actor: &Actor, (link, alias, other): (&Link, &str, &str)) {
    let target = link.target.table();
    sql.push("SELECT 1 FROM ").table(target.table).push(" ").push(other);
    match link.join {
        Join::One { column } => {
            sql.push(" WHERE ").column(other, "id").push(" = ").column(alias, column);
        }
        Join::Many { column } => {
            sql.push(" WHERE ").column(other, column).push(" = ").column(alias, "id");
            and_live(sql, target, other);
        }
        Join::Through { table, near, far } => {
            let tie = sql.alias();
            sql.push(" JOIN ")
                .table(table)
                .push(" ")
                .push(&tie)
                .push(" ON ")
                .column(&tie, far)
                .push(" = ")
                .column(other, "id");
            sql.push(" WHERE ")
                .column(&tie, near)
                .push(" = ")
                .column(alias, "id")
                .push(" AND ")
                .column(&tie, "archived_at")
                .push(" IS NULL");
            scope::and_listed_today(sql, actor, (table, &tie));
            if let Some(between) = kind_of_table(table) {
                scope::and_within(sql, actor, (between, &tie), Action::Read);
            }
            and_live(sql, target, other);
        }
        // Refused when the filter was checked.
        Join::Subject | Join::Listed => {
            sql.push(" WHERE FALSE");
        }
    }
    scope::and_within(sql, actor, (link.target, other), Action::Read);
}

/// The kind stored in a table.
#[must_use]
pub fn kind_of_table(table: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| kind.table().table == table)
}

/// Appends the condition that a row is not archived, where its table knows archiving.
pub fn and_live(sql: &mut Sql, table: &Table, alias: &str) {
    if table.column("archived_at").is_some() {
        sql.push(" AND ").column(alias, "archived_at").push(" IS NULL");
    }
}

impl Test {
    fn push(&self, sql: &mut Sql, alias: &str, field: &Field, column: &str) {
        match self {
            Self::Compare(operator, value) => {
                sql.value(alias, field, column).push(" ").push(operator).push(" ").bind(value.clone());
            }
            Self::In(values, negated) => {
                if values.is_empty() {
                    sql.push(if *negated { "TRUE" } else { "FALSE" });
                    return;
                }
                sql.push("(").value(alias, field, column).push(if *negated { " NOT IN (" } else { " IN (" });
                for (n, value) in values.iter().enumerate() {
                    if n > 0 {
                        sql.push(",");
                    }
                    sql.bind(value.clone());
                }
                sql.push(")");
                if *negated {
                    sql.push(" OR ").value(alias, field, column).push(" IS NULL");
                }
                sql.push(")");
            }
            Self::Null(yes) => {
                sql.value(alias, field, column).push(if *yes { " IS NULL" } else { " IS NOT NULL" });
            }
            Self::Like(place, text) => push_like(sql, (alias, field, column), *place, text),
            Self::Folded(test) => test.push(sql, alias, field, field.fold.unwrap_or(column)),
            Self::Money(currency, test) => {
                sql.push("(")
                    .value(alias, field, field.currency.unwrap_or(column))
                    .push(" = ")
                    .bind(currency.clone())
                    .push(" AND ");
                test.push(sql, alias, field, column);
                sql.push(")");
            }
            Self::All(all) => {
                if all.is_empty() {
                    sql.push("TRUE");
                    return;
                }
                sql.push("(");
                for (n, test) in all.iter().enumerate() {
                    if n > 0 {
                        sql.push(" AND ");
                    }
                    test.push(sql, alias, field, column);
                }
                sql.push(")");
            }
        }
    }
}

/// Without LIKE, whose case rules differ between the engines and whose wildcards need escaping.
fn push_like(sql: &mut Sql, (alias, field, column): (&str, &Field, &str), place: Place, text: &str) {
    if text.is_empty() {
        sql.value(alias, field, column).push(" IS NOT NULL");
        return;
    }
    match (place, sql.engine()) {
        (Place::Inside, Engine::Sqlite) => {
            sql.push("instr(").value(alias, field, column).push(", ").bind(text).push(") > 0");
        }
        (Place::Inside, Engine::Postgres) => {
            sql.push("position(").bind(text).push("::text in ").value(alias, field, column).push(") > 0");
        }
        (Place::Start, Engine::Sqlite) => {
            sql.push("substr(").value(alias, field, column).push(", 1, length(").bind(text).push(")) = ").bind(text);
        }
        (Place::Start, Engine::Postgres) => {
            sql.push("starts_with(").value(alias, field, column).push(", ").bind(text).push(")");
        }
        (Place::End, Engine::Sqlite) => {
            sql.push("substr(").value(alias, field, column).push(", -length(").bind(text).push(")) = ").bind(text);
        }
        (Place::End, Engine::Postgres) => {
            sql.push("right(").value(alias, field, column).push(", length(").bind(text).push(")) = ").bind(text);
        }
    }
}
