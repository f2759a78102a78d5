//! Who reaches whom by TEAM: kept beside teams and memberships, so that no query has to walk the tree.

use entity::user::UserId;
use sea_orm::prelude::Uuid;

use super::{Change, Lock};
use crate::{error::Result, store::sql::Sql};

/// Whose reach a change touches.
#[derive(Debug, Default)]
pub(super) enum Touched {
    /// Nobody's.
    #[default]
    Nothing,
    /// That of these people, and of others over them.
    Of(Vec<Uuid>),
    /// Anybody's.
    All,
}

/// From so many people on, everything is worked out anew.
const MANY: usize = 100;

impl Change {
    /// Works out anew which users each user's teams cover, after the tree of teams changed.
    pub fn rebuild_reach(&mut self) {
        self.touches_reach = Touched::All;
        self.touches_access = true;
    }

    /// The same after somebody came to a team or left one, which concerns only what has to do with them: in a big team
    /// that is little of the whole.
    pub fn rebuild_reach_of(&mut self, user: UserId) {
        self.touches_access = true;
        match &mut self.touches_reach {
            Touched::All => {}
            Touched::Nothing => self.touches_reach = Touched::Of(vec![user.0]),
            Touched::Of(users) if users.len() >= MANY => self.touches_reach = Touched::All,
            Touched::Of(users) => users.push(user.0),
        }
    }

    /// A new person reaches themself, and nobody else yet.
    pub async fn reach_oneself(&mut self, user: UserId) -> Result<()> {
        self.touches_access = true;
        self.lock(Lock::Reach).await?;
        let mut sql = self.sql();
        sql.push("INSERT INTO user_reach (user_id, member_id) VALUES (").bind(user.0).push(", ").bind(user.0);
        sql.push(") ON CONFLICT DO NOTHING");
        self.execute(sql).await.map(|_| ())
    }

    /// Works out what was touched, once, at the end of the change; one change after the other, or each would miss what
    /// the other has not committed yet. Only what differs is written.
    pub(super) async fn rebuild_reach_now(&mut self) -> Result<()> {
        let of = match std::mem::take(&mut self.touches_reach) {
            Touched::Nothing => return Ok(()),
            Touched::Of(users) => Some(users),
            Touched::All => None,
        };
        let of = of.as_deref();
        self.lock(Lock::Reach).await?;
        let mut sql = self.sql();
        push_reach(&mut sql, of);
        sql.push("DELETE FROM user_reach WHERE (user_id, member_id) IN (SELECT * FROM (");
        push_kept(&mut sql, of);
        sql.push(") k EXCEPT SELECT user_id, member_id FROM reach)");
        self.execute(sql).await?;
        let mut sql = self.sql();
        push_reach(&mut sql, of);
        sql.push(
            "INSERT INTO user_reach (user_id, member_id) SELECT user_id, member_id FROM reach EXCEPT SELECT * FROM (",
        );
        push_kept(&mut sql, of);
        sql.push(") k");
        self.execute(sql).await.map(|_| ())
    }
}

/// Appends who reaches whom as teams and memberships have it now, as far as it has to do with these people.
fn push_reach(sql: &mut Sql, of: Option<&[Uuid]>) {
    sql.push(
        "WITH RECURSIVE below(top, id) AS ( \
           SELECT t.id, t.id FROM team t WHERE t.archived_at IS NULL \
           UNION SELECT b.top, t.id FROM team t JOIN below b ON t.parent_id = b.id WHERE t.archived_at IS NULL), \
         reach(user_id, member_id) AS (SELECT u.id, u.id FROM \"user\" u WHERE TRUE",
    );
    and_of(sql, "u.id", of);
    let columns: &[&str] = if of.is_some() { &["m.user_id", "o.user_id"] } else { &["m.user_id"] };
    for column in columns {
        sql.push(
            " UNION SELECT m.user_id, o.user_id FROM team_membership m JOIN below b ON b.top = m.team_id \
             JOIN team_membership o ON o.team_id = b.id WHERE m.archived_at IS NULL AND o.archived_at IS NULL",
        );
        and_of(sql, column, of);
    }
    sql.push(") ");
}

/// Appends who reaches whom as it is kept, as far as it has to do with these people.
fn push_kept(sql: &mut Sql, of: Option<&[Uuid]>) {
    sql.push("SELECT r.user_id, r.member_id FROM user_reach r WHERE TRUE");
    and_of(sql, "r.user_id", of);
    if of.is_some() {
        sql.push(" UNION SELECT r.user_id, r.member_id FROM user_reach r WHERE TRUE");
        and_of(sql, "r.member_id", of);
    }
}

fn and_of(sql: &mut Sql, column: &str, of: Option<&[Uuid]>) {
    if let Some(of) = of {
        sql.push(" AND ").push(column).in_ids(of);
    }
}
