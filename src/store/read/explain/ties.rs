//! The people to whom a record belongs, as SQL: the other side of [`scope`], which asks whether one of them is there.

use entity::{
    Kind,
    table::{Owner, Table},
};
use sea_orm::prelude::Uuid;

use crate::{
    access::{Action, Actor, Bond, Reach},
    store::{
        scope,
        sql::{Engine, Sql},
    },
};

/// Appends a `SELECT` of bond, user and department for each way in which a record belongs to
/// somebody, as far as `reader` may know.
pub(super) fn push(sql: &mut Sql, reader: &Actor, (kind, id): (Kind, Uuid)) -> Ways {
    let mut ties = Ties { sql, reader, id, ways: Ways { any: false, all: true } };
    ties.of(kind.table(), &mut vec![]);
    ties.ways
}

/// Which ways to belong to somebody a reader may know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ways {
    /// Whether there is any.
    pub any: bool,
    /// Whether none is kept from the reader, by a hidden field or by what is out of their reach.
    pub all: bool,
}

/// One `SELECT` for each way, as [`Owner`] names them.
struct Ties<'a> {
    sql: &'a mut Sql,
    reader: &'a Actor,
    id: Uuid,
    ways: Ways,
}

impl Ties<'_> {
    /// Of the row of `table` to which the columns of `up` lead from the record.
    fn of(&mut self, table: &Table, up: &mut Vec<(&'static str, &'static str)>) {
        match table.owner {
            Owner::Nobody | Owner::Subject => {}
            Owner::Columns(columns) => {
                for column in columns {
                    self.column(table, column, if *column == "id" { Bond::Themself } else { Bond::Owner }, up);
                }
            }
            Owner::Account { owner, account } => {
                if let Some(owner) = owner {
                    self.column(table, owner, Bond::Owner, up);
                }
                if self.shows(table, account) {
                    self.account((table, "id", account), None, up);
                }
            }
            Owner::Accounts { table: link, near, since, until } => {
                let link = Kind::ALL.into_iter().find(|kind| kind.table().table == link);
                if let Some(link) = link {
                    self.account((link.table(), near, "account_id"), Some((link, (since, until))), up);
                }
            }
            Owner::Library { owner, department } => {
                self.column(table, owner, Bond::Author, up);
                if self.shows(table, department) {
                    let nobody = if self.sql.engine() == Engine::Postgres { "NULL::uuid" } else { "NULL" };
                    self.arm(Bond::Department, (nobody, &format!("t.{department}")), (table, "id"), up);
                }
            }
            Owner::Parts(parents) => {
                if let Some((column, parent)) = parents.first() {
                    up.push((table.table, column));
                    self.of(parent.table(), up);
                    up.pop();
                }
            }
        }
    }

    /// Whether the reader may see a column.
    fn shows(&mut self, table: &Table, column: &str) -> bool {
        let shown = table.column(column).is_none_or(|field| {
            !self.reader.policy.hides(table.kind, field.link_name.as_deref().unwrap_or(&field.name))
        });
        self.ways.all &= shown;
        shown
    }

    /// Notes that only the records of this kind within the reader's reach are told of.
    fn within(&mut self, kind: Kind) {
        self.ways.all &= self.reader.policy.reach(kind, Action::Read) == Reach::All;
    }

    /// Whoever stands in a column.
    fn column(&mut self, table: &Table, column: &str, bond: Bond, up: &[(&str, &str)]) {
        if self.shows(table, column) {
            self.arm(bond, (&format!("t.{column}"), "NULL"), (table, "id"), up);
            self.sql.push(" AND ").column("t", column).push(" IS NOT NULL");
        }
    }

    /// Whoever owns, or is on the team of, the account in a column of the row, or of the rows of `link`.
    fn account(
        &mut self,
        (table, key, account): (&Table, &str, &str),
        link: Option<(Kind, (&str, &str))>,
        up: &[(&str, &str)],
    ) {
        for bond in [Bond::AccountOwner, Bond::AccountTeam] {
            let (user, kind, alias) = match bond {
                Bond::AccountOwner => ("o.owner_id", Kind::Account, "o"),
                _ => ("m.user_id", Kind::AccountTeamMember, "m"),
            };
            // Whoever owns an account stands in a column of its own.
            if bond == Bond::AccountOwner && (account == "id" || !self.shows(kind.table(), "owner_id")) {
                continue;
            }
            self.arm(bond, (user, "NULL"), (table, key), up);
            self.within(kind);
            self.within(Kind::Account);
            if let Some((link, days)) = link {
                self.within(link);
                scope::and_current(self.sql, self.reader, "t", days);
                scope::and_within(self.sql, self.reader, (link, "t"), Action::Read);
            }
            self.sql.push(match bond {
                Bond::AccountOwner => " AND o.owner_id IS NOT NULL AND o.id = ",
                _ => " AND m.archived_at IS NULL AND m.account_id = ",
            });
            self.sql.column("t", account);
            scope::and_within(self.sql, self.reader, (kind, alias), Action::Read);
        }
    }

    /// Begins one way: its bond, the user and the department, from rows of `table` whose `key` is the
    /// id to which `up` leads.
    fn arm(&mut self, bond: Bond, (user, department): (&str, &str), (table, key): (&Table, &str), up: &[(&str, &str)]) {
        self.sql.push(if self.ways.any { " UNION " } else { "" });
        self.ways.any = true;
        self.sql.push("SELECT '").push(bond.as_str()).push("' AS bond, ").push(user).push(" AS user_id, ");
        self.sql.push(department).push(" AS department FROM ").table(table.table).push(" t");
        self.sql.push(match bond {
            Bond::AccountOwner => ", account o",
            Bond::AccountTeam => ", account_team_member m",
            _ => "",
        });
        self.sql.push(" WHERE ").column("t", key).push(" = ");
        self.id(up);
    }

    /// The record's id, or that of the row to which these columns lead from it.
    fn id(&mut self, up: &[(&str, &str)]) {
        let Some(((table, column), below)) = up.split_last() else {
            self.sql.bind(self.id);
            return;
        };
        let part = self.sql.alias();
        self.sql.push("(SELECT ").column(&part, column).push(" FROM ").table(table).push(" ").push(&part);
        self.sql.push(" WHERE ").column(&part, "id").push(" = ");
        self.id(below);
        self.sql.push(")");
    }
}
