//! Reach as SQL: which rows an actor may act on.

use entity::{
    Kind,
    table::{Owner, Table},
};
use sea_orm::prelude::Uuid;

use crate::{
    access::{Action, Actor, Reach},
    store::sql::{Engine, Sql},
};

/// Whose reach is asked for: the actor's own, or that of each user of a statement who may do what the actor may.
#[derive(Clone, Copy)]
struct Eyes<'a> {
    actor: &'a Actor,
    /// The alias of the users, where it is theirs.
    users: Option<&'a str>,
}

impl<'a> Eyes<'a> {
    const fn of(actor: &'a Actor) -> Self {
        Self { actor, users: None }
    }
}

/// Appends whether each user of `users` may see the row of `alias`, by a policy that is the same for all of them.
pub fn is_seen_by(sql: &mut Sql, (policy, users): (&Actor, &str), (kind, alias): (Kind, &str)) {
    sql.push("((");
    if unrestricted(policy, kind, Action::Read) {
        sql.push("TRUE");
    } else {
        within(sql, Eyes { actor: policy, users: Some(users) }, (kind, alias), Action::Read);
    }
    sql.push(") IS TRUE)");
}

/// Whether the actor may do this to every row of the kind, so that no condition is needed.
#[must_use]
pub fn unrestricted(actor: &Actor, kind: Kind, action: Action) -> bool {
    if actor.policy.reach(kind, action) < Reach::All {
        return false;
    }
    match kind.table().owner {
        Owner::Parts(parents) => parents.iter().all(|(_, parent)| unrestricted(actor, *parent, Action::Read)),
        Owner::Subject => {
            Kind::ALL.into_iter().filter(|kind| is_subject(*kind)).all(|kind| unrestricted(actor, kind, Action::Read))
        }
        _ => true,
    }
}

/// Appends ` AND (…)` that keeps the rows of `alias` on which the actor may do this; nothing where
/// they may do it on all.
pub fn and_within(sql: &mut Sql, actor: &Actor, (kind, alias): (Kind, &str), action: Action) {
    if !unrestricted(actor, kind, action) {
        sql.push(" AND ");
        within(sql, Eyes::of(actor), (kind, alias), action);
    }
}

/// Appends whether the actor may do this to the row of `alias`, as a value that is never null: a row
/// without an owner belongs to nobody, though SQL says that it does not know.
pub fn is_within(sql: &mut Sql, actor: &Actor, (kind, alias): (Kind, &str), action: Action) {
    sql.push("((TRUE");
    and_within(sql, actor, (kind, alias), action);
    sql.push(") IS TRUE)");
}

/// Appends the condition itself.
fn within(sql: &mut Sql, eyes: Eyes<'_>, (kind, alias): (Kind, &str), action: Action) {
    let actor = eyes.actor;
    let reach = actor.policy.reach(kind, action);
    let table = kind.table();
    if reach == Reach::None {
        sql.push("FALSE");
        return;
    }
    match table.owner {
        Owner::Parts(parents) => {
            sql.push("(TRUE");
            for (n, (column, parent)) in parents.iter().enumerate() {
                // The first parent is the one a part belongs to; the others need only be seen.
                if n == 0 && reach < Reach::All {
                    and_parent(sql, (alias, column, *parent), |sql, inner| {
                        owned(sql, eyes, (parent.table(), inner), reach);
                    });
                }
                if !unrestricted(actor, *parent, Action::Read) {
                    and_parent(sql, (alias, column, *parent), |sql, inner| {
                        within(sql, eyes, (*parent, inner), Action::Read);
                    });
                }
            }
            sql.push(")");
        }
        Owner::Subject => subject(sql, eyes, alias),
        _ if reach == Reach::All => {
            sql.push("TRUE");
        }
        _ => owned(sql, eyes, (table, alias), reach),
    }
}

fn and_parent(sql: &mut Sql, (alias, column, parent): (&str, &str, Kind), condition: impl FnOnce(&mut Sql, &str)) {
    let inner = sql.alias();
    sql.push(" AND EXISTS (SELECT 1 FROM ").table(parent.table().table).push(" ").push(&inner);
    sql.push(" WHERE ").column(&inner, "id").push(" = ").column(alias, column).push(" AND ");
    condition(sql, &inner);
    sql.push(")");
}

/// Appends the condition that a row belongs to the actor (OWN) or to those the actor's teams cover (TEAM).
fn owned(sql: &mut Sql, eyes: Eyes<'_>, (table, alias): (&Table, &str), reach: Reach) {
    let actor = eyes.actor;
    let user = match (eyes.users, actor.user()) {
        (Some(users), _) => User::Each(users),
        (None, Some(user)) => User::One(user.0),
        (None, None) => {
            sql.push("FALSE");
            return;
        }
    };
    let user = Whose { user, reach };
    match table.owner {
        Owner::Nobody | Owner::Subject => {
            sql.push("FALSE");
        }
        Owner::Columns(columns) => {
            sql.push("(");
            for (n, column) in columns.iter().enumerate() {
                if n > 0 {
                    sql.push(" OR ");
                }
                sql.column(alias, column);
                user.matches(sql);
            }
            sql.push(")");
        }
        Owner::Account { owner, account } => {
            sql.push("(");
            if let Some(owner) = owner {
                sql.column(alias, owner);
                user.matches(sql);
                sql.push(" OR ");
            }
            sql.column(alias, account);
            // PostgreSQL joins no two indexes by OR where one side is a subquery. An array it takes, but
            // compares one by one where it filters: right for what one person owns, not for a whole team.
            let array = reach == Reach::Own && sql.engine() == Engine::Postgres;
            sql.push(if array { " = ANY(ARRAY(" } else { " IN (" });
            account_ids(sql, &user, account != "id");
            sql.push(if array { ")))" } else { "))" });
        }
        Owner::Accounts { table: link, near, since, until } => {
            let tie = sql.alias();
            sql.column(alias, "id")
                .push(" IN (SELECT ")
                .column(&tie, near)
                .push(" FROM ")
                .table(link)
                .push(" ")
                .push(&tie);
            sql.push(" WHERE ").column(&tie, "account_id").push(" IN (");
            account_ids(sql, &user, true);
            sql.push(")");
            and_current(sql, actor, &tie, (since, until));
            sql.push(")");
        }
        Owner::Library { owner, department } => {
            sql.push("(").column(alias, owner).push(" = ");
            user.push(sql);
            match (reach, user.user, actor.department) {
                (Reach::Team, User::Each(users), _) => {
                    sql.push(" OR ").column(alias, department).push(" = ").column(users, "department");
                }
                (Reach::Team, User::One(_), Some(mine)) => {
                    sql.push(" OR ").column(alias, department).push(" = ").bind(mine.as_str());
                }
                _ => {}
            }
            sql.push(")");
        }
        Owner::Parts(parents) => {
            sql.push("(TRUE");
            if let Some((column, parent)) = parents.first() {
                and_parent(sql, (alias, column, *parent), |sql, inner| {
                    owned(sql, eyes, (parent.table(), inner), reach);
                });
            }
            sql.push(")");
        }
    }
}

/// Appends the condition that a tie between a row and an account holds today: from the start of its first day to the
/// end of its last one, in UTC.
pub fn and_current(sql: &mut Sql, actor: &Actor, tie: &str, (since, until): (&str, &str)) {
    sql.push(" AND ").column(tie, "archived_at").push(" IS NULL AND (").column(tie, since).push(" IS NULL OR ");
    sql.column(tie, since).push(" <= ").bind(actor.today.0).push(") AND (").column(tie, until).push(" IS NULL OR ");
    sql.column(tie, until).push(" >= ").bind(actor.today.0).push(")");
}

/// Appends the condition that a list has an account today. Ties of other tables are as they are stored.
pub fn and_listed_today(sql: &mut Sql, actor: &Actor, (table, tie): (&str, &str)) {
    if table != Kind::TargetAccountListMember.table().table {
        return;
    }
    and_current(sql, actor, tie, ("since", "until"));
}

/// Appends a subquery of the accounts whose team these users are on, and that they own if asked.
fn account_ids(sql: &mut Sql, user: &Whose<'_>, or_owned: bool) {
    sql.push("SELECT m.account_id FROM account_team_member m WHERE m.archived_at IS NULL AND m.user_id");
    user.matches(sql);
    if or_owned {
        sql.push(" UNION ALL SELECT o.id FROM account o WHERE o.owner_id");
        user.matches(sql);
    }
}

/// Whose own a row may be.
#[derive(Clone, Copy)]
enum User<'a> {
    /// This user's.
    One(Uuid),
    /// That of each user of this alias.
    Each(&'a str),
}

/// The users to whom a row may belong.
struct Whose<'a> {
    user: User<'a>,
    reach: Reach,
}

impl Whose<'_> {
    fn push(&self, sql: &mut Sql) {
        match self.user {
            User::One(user) => sql.bind(user),
            User::Each(users) => sql.column(users, "id"),
        };
    }

    fn matches(&self, sql: &mut Sql) {
        if self.reach == Reach::Own {
            sql.push(" = ");
            self.push(sql);
        } else {
            sql.push(" IN (SELECT r.member_id FROM user_reach r WHERE r.user_id = ");
            self.push(sql);
            sql.push(")");
        }
    }
}

/// Whether events tell of records of this kind.
fn is_subject(kind: Kind) -> bool {
    kind != Kind::Event
}

/// Appends the condition that the record an event is about may be seen.
fn subject(sql: &mut Sql, eyes: Eyes<'_>, alias: &str) {
    let actor = eyes.actor;
    let (free, tied): (Vec<Kind>, Vec<Kind>) = Kind::ALL
        .into_iter()
        .filter(|kind| is_subject(*kind) && actor.policy.reach(*kind, Action::Read) > Reach::None)
        .partition(|kind| unrestricted(actor, *kind, Action::Read));
    sql.push("(FALSE");
    if !free.is_empty() {
        sql.push(" OR ").column(alias, "subject_kind").push(" IN (");
        for (n, kind) in free.into_iter().enumerate() {
            sql.push(if n > 0 { "," } else { "" }).push("'").push(kind.name()).push("'");
        }
        sql.push(")");
    }
    for kind in tied {
        let inner = sql.alias();
        sql.push(" OR (")
            .column(alias, "subject_kind")
            .push(" = '")
            .push(kind.name())
            .push("' AND EXISTS (SELECT 1 FROM ");
        sql.table(kind.table().table).push(" ").push(&inner).push(" WHERE ").column(&inner, "id");
        sql.push(" = ").column(alias, "subject_id").push(" AND ");
        within(sql, eyes, (kind, &inner), Action::Read);
        sql.push("))");
    }
    sql.push(")");
}
