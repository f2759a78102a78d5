//! Who may do what to one record, by the door's own conditions, in a number of statements that does not depend on how
//! many people there are.

use entity::{Department, Kind, UserStatus, role::RoleId, user::UserId};
use sea_orm::prelude::Uuid;

use super::{credentials::system_only, policies};
use crate::{
    access::{Action, Actor, Policy, Reach},
    error::Result,
    store::{Store, json, scope, sql::Sql},
};

/// A role and what it permits.
#[derive(Clone, Debug)]
pub struct Holder {
    /// The role.
    pub role: RoleId,
    /// Its key.
    pub key: String,
    /// Its name for people.
    pub name: String,
    /// What it permits.
    pub policy: Policy,
    /// The active people who hold it.
    pub people: Vec<UserId>,
}

/// Somebody who sees the record.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Who.
    pub user: UserId,
    /// Fold key of their name.
    pub name: String,
    /// Where they work.
    pub department: Option<Department>,
}

impl Store {
    /// The live roles with the active people who hold them. For Tandem itself.
    pub async fn holders(&self) -> Result<Vec<Holder>> {
        system_only(self)?;
        let mut sql = Sql::new(self.engine());
        sql.push("SELECT r.id, r.key, r.name, r.grants, r.field_rules FROM role r WHERE r.archived_at IS NULL ORDER BY r.name_fold, r.id");
        let mut roles = Vec::new();
        for row in self.fetch(sql).await? {
            roles.push(Holder {
                role: RoleId(json::uuid(&row, 0)?.unwrap_or_default()),
                key: json::text(&row, 1)?.unwrap_or_default().to_owned(),
                name: json::text(&row, 2)?.unwrap_or_default().to_owned(),
                policy: policies::encode(&row, 3)?,
                people: vec![],
            });
        }
        let mut sql = Sql::new(self.engine());
        sql.push(
            "SELECT a.role_id, a.user_id FROM role_assignment a JOIN \"user\" u ON u.id = a.user_id \
             WHERE a.archived_at IS NULL AND u.archived_at IS NULL AND u.status = ",
        );
        sql.bind(UserStatus::Active.as_str()).push(" ORDER BY a.user_id");
        for row in self.fetch(sql).await? {
            let role = json::uuid(&row, 0)?.unwrap_or_default();
            let user = UserId(json::uuid(&row, 1)?.unwrap_or_default());
            if let Some(held) = roles.iter_mut().find(|held| held.role.0 == role) {
                held.people.push(user);
            }
        }
        Ok(roles)
    }

    /// Those of several groups of people, each with the policy of all in it, who see a record: by name, at most so many,
    /// after one of these. For Tandem itself.
    pub async fn who_sees(
        &self,
        (kind, id): (Kind, Uuid),
        groups: &[(Policy, Vec<Uuid>)],
        (after, most): (Option<(String, Uuid)>, usize),
    ) -> Result<Vec<Seen>> {
        system_only(self)?;
        if groups.is_empty() {
            return Ok(vec![]);
        }
        let mut sql = Sql::new(self.engine());
        sql.push("SELECT u.id, u.name_fold, u.department FROM \"user\" u, ").table(kind.table().table);
        sql.push(" t WHERE t.id = ").bind(id).push(" AND (FALSE");
        for (policy, people) in groups {
            let eyes = Actor { policy: policy.clone(), today: self.now().day(), ..Actor::anonymous() };
            sql.push(" OR (u.id").in_ids(people).push(" AND ");
            scope::is_seen_by(&mut sql, (&eyes, "u"), (kind, "t"));
            sql.push(")");
        }
        sql.push(")");
        if let Some((name, id)) = after {
            sql.push(" AND (u.name_fold, u.id) > (").bind(name).push(", ").bind(id).push(")");
        }
        sql.push(" ORDER BY u.name_fold, u.id LIMIT ").bind(i64::try_from(most).unwrap_or(i64::MAX));
        let read = |row: &sea_orm::QueryResult| {
            Ok(Seen {
                user: UserId(json::uuid(row, 0)?.unwrap_or_default()),
                name: json::text(row, 1)?.unwrap_or_default().to_owned(),
                department: json::text(row, 2)?.and_then(Department::parse),
            })
        };
        self.fetch(sql).await?.iter().map(read).collect()
    }

    /// Which reaches cover a record for each of these actors: the door is asked for all of them at once. For Tandem itself.
    pub async fn covered(
        &self,
        (kind, id): (Kind, Uuid),
        asked: &[(Actor, Vec<(Action, Reach)>)],
    ) -> Result<Vec<Vec<Reach>>> {
        system_only(self)?;
        let mut sql = Sql::new(self.engine());
        sql.push("SELECT 1");
        for (actor, reaches) in asked {
            for (action, reach) in reaches {
                let actor = Actor {
                    policy: actor.policy.with(kind, *action, *reach),
                    today: self.now().day(),
                    ..actor.clone()
                };
                sql.push(", ");
                scope::is_within(&mut sql, &actor, (kind, "t"), *action);
            }
        }
        sql.push(" FROM ").table(kind.table().table).push(" t WHERE t.id = ").bind(id);
        let rows = self.fetch(sql).await?;
        let (mut at, mut covered) = (1, Vec::with_capacity(asked.len()));
        for (_, reaches) in asked {
            let mut these = Vec::new();
            for (_, reach) in reaches {
                // A record that is gone meanwhile is within nobody's reach.
                if rows.first().map_or(Ok(false), |row| row.try_get_by_index::<bool>(at))? {
                    these.push(*reach);
                }
                at += 1;
            }
            covered.push(these);
        }
        Ok(covered)
    }
}
