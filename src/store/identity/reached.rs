//! How many records somebody may do something to: for predicate what another role would mean.

use entity::Kind;

use super::credentials::system_only;
use crate::{
    access::{Action, Actor, Reach},
    error::Result,
    store::{Store, json, read::filter, scope, sql::Sql},
};

/// What an actor may do, put as a question: to how many records?
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Who.
    pub actor: &'a Actor,
    /// To which records.
    pub kind: Kind,
    /// What.
    pub action: Action,
}

/// To how many records an actor may do something, as far as it is known without counting theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// To none.
    Nothing,
    /// To all live ones.
    Every,
    /// To some, which must be counted.
    Some,
}

impl Asked<'_> {
    /// What is known without counting. One must see a record to do anything to it.
    #[must_use]
    pub fn reached(&self) -> Reached {
        let each = [Action::Read, self.action];
        if each.iter().any(|action| self.actor.policy.reach(self.kind, *action) == Reach::None) {
            return Reached::Nothing;
        }
        let whole = each.iter().all(|action| scope::unrestricted(self.actor, self.kind, *action));
        if whole { Reached::Every } else { Reached::Some }
    }
}

impl Store {
    /// To how many live records each may be done, in one statement. For Tandem itself.
    pub async fn count_reached(&self, asked: &[Asked<'_>]) -> Result<Vec<i64>> {
        system_only(self)?;
        if asked.is_empty() {
            return Ok(vec![]);
        }
        let mut sql = Sql::new(self.engine());
        for (n, Asked { actor, kind, action }) in asked.iter().enumerate() {
            let actor = &Actor { today: self.now().day(), ..(*actor).clone() };
            let alias = sql.alias();
            sql.push(if n > 0 { ", (SELECT count(*) FROM " } else { "SELECT (SELECT count(*) FROM " });
            sql.table(kind.table().table).push(" ").push(&alias).push(" WHERE TRUE");
            filter::and_live(&mut sql, kind.table(), &alias);
            scope::and_within(&mut sql, actor, (*kind, &alias), Action::Read);
            if *action != Action::Read {
                scope::and_within(&mut sql, actor, (*kind, &alias), *action);
            }
            sql.push(")");
        }
        let rows = self.fetch(sql).await?;
        let row = rows.first();
        (0..asked.len()).map(|n| Ok(row.map(|row| json::bigint(row, n)).transpose()?.flatten().unwrap_or(0))).collect()
    }

    /// Whether this actor sees every record of a kind, and so may be told how many there are.
    #[must_use]
    pub fn sees_all(&self, kind: Kind) -> bool {
        scope::unrestricted(&self.actor, kind, Action::Read)
    }
}
