//! Who a user is and what their roles let them do, read from the database and kept for a second.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use entity::{
    Department, Instant, UserStatus,
    permission::{FieldRules, Grants},
    role::RoleId,
    session::SessionId,
    user::UserId,
};
use sea_orm::{QueryResult, prelude::Uuid};

use super::{Backend, Change, Store, credentials::system_only, json, sql::Sql};
use crate::{access::Policy, error::Result};

/// How long what is known of a session may be used without asking the database again.
const FRESH: Duration = Duration::from_secs(1);

/// What is known of a user and, where asked for, of their session.
#[derive(Clone, Debug)]
pub struct Known {
    /// The user's department.
    pub department: Option<Department>,
    /// What they may do.
    pub policy: Policy,
    /// Whether they may act at all: active, and the session neither revoked nor ended.
    pub good: bool,
    read_at: Instant,
}

/// What was read lately.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<Lately>);

#[derive(Debug, Default)]
struct Lately {
    known: HashMap<(Uuid, Option<Uuid>), Known>,
    /// What roles permit, compiled once per version of each.
    compiled: HashMap<Uuid, (i32, Policy)>,
    /// How often everything was forgotten.
    forgotten: u64,
}

impl Cache {
    fn lock(&self) -> std::sync::MutexGuard<'_, Lately> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn get(&self, key: (Uuid, Option<Uuid>), now: Instant) -> Option<Known> {
        let known = self.lock().known.get(&key)?.clone();
        let age = now.0.saturating_sub(known.read_at.0);
        (0..i64::try_from(FRESH.as_millis()).unwrap_or(0)).contains(&age).then_some(known)
    }

    fn forgotten(&self) -> u64 {
        self.lock().forgotten
    }

    /// Keeps what was read, unless everything was forgotten since: it may have been read before the change.
    fn put(&self, key: (Uuid, Option<Uuid>), known: Known, forgotten: u64) {
        let mut lately = self.lock();
        if lately.forgotten != forgotten {
            return;
        }
        // A bound, so that a flood of sessions cannot fill the memory.
        if lately.known.len() >= 10_000 {
            lately.known.clear();
        }
        lately.known.insert(key, known);
    }

    /// What those of the roles permit that are compiled in this version, and which are not.
    fn compiled(&self, roles: &[(Uuid, i32)]) -> (Vec<Policy>, Vec<Uuid>) {
        let lately = self.lock();
        let (mut policies, mut missing) = (Vec::with_capacity(roles.len()), Vec::new());
        for (id, version) in roles {
            match lately.compiled.get(id) {
                Some((compiled, policy)) if compiled == version => policies.push(policy.clone()),
                _ => missing.push(*id),
            }
        }
        (policies, missing)
    }

    fn keep_compiled(&self, roles: Vec<(Uuid, i32, Policy)>) {
        let mut lately = self.lock();
        if lately.compiled.len() >= 10_000 {
            lately.compiled.clear();
        }
        lately.compiled.extend(roles.into_iter().map(|(id, version, policy)| (id, (version, policy))));
    }

    pub(super) fn clear(&self) {
        let mut lately = self.lock();
        lately.known.clear();
        lately.forgotten += 1;
    }
}

impl Backend {
    /// What is known of a user, and of their session where one is named.
    pub async fn known(&self, user: UserId, session: Option<SessionId>) -> Result<Known> {
        let key = (user.0, session.map(|session| session.0));
        if let Some(known) = self.policies.get(key, self.now()) {
            return Ok(known);
        }
        let forgotten = self.policies.forgotten();
        let known = self.read_known(user, session).await?;
        self.policies.put(key, known.clone(), forgotten);
        Ok(known)
    }

    /// Forgets what is known, because roles, users or sessions changed here.
    pub fn forget_policies(&self) {
        self.policies.clear();
    }

    async fn read_known(&self, user: UserId, session: Option<SessionId>) -> Result<Known> {
        let now = self.now();
        let mut sql = Sql::new(self.db.engine());
        sql.push(
            "SELECT u.department, u.status, r.id, r.version FROM \"user\" u \
             LEFT JOIN role_assignment a ON a.user_id = u.id AND a.archived_at IS NULL \
             LEFT JOIN role r ON r.id = a.role_id AND r.archived_at IS NULL WHERE u.archived_at IS NULL AND u.id = ",
        )
        .bind(user.0);
        if let Some(session) = session {
            sql.push(
                " AND EXISTS (SELECT 1 FROM session s WHERE s.user_id = u.id AND s.revoked_at IS NULL AND s.id = ",
            )
            .bind(session.0);
            sql.push(" AND s.expires_at > ").bind(now.0).push(")");
        }
        let rows = self.db.fetch(sql).await?;
        let Some(row) = rows.first() else {
            return Ok(Known { department: None, policy: Policy::nothing(), good: false, read_at: now });
        };
        let department = json::text(row, 0)?.and_then(Department::parse);
        let good = json::text(row, 1)? == Some(UserStatus::Active.as_str());
        let mut roles = Vec::with_capacity(rows.len());
        for row in &rows {
            roles.extend(json::uuid(row, 2)?.zip(json::int(row, 3)?));
        }
        Ok(Known { department, policy: self.policy_of(&roles).await?, good, read_at: now })
    }

    /// What roles permit together, named by id and version. Only those that changed are read, as they are now.
    pub(super) async fn policy_of(&self, roles: &[(Uuid, i32)]) -> Result<Policy> {
        let (mut policies, missing) = self.policies.compiled(roles);
        if !missing.is_empty() {
            let mut sql = Sql::new(self.db.engine());
            sql.push("SELECT r.id, r.version, r.grants, r.field_rules FROM role r WHERE r.id").in_ids(&missing);
            let compile = |row: &QueryResult| -> Result<(Uuid, i32, Policy)> {
                let (id, version) = (json::uuid(row, 0)?.unwrap_or_default(), json::int(row, 1)?.unwrap_or_default());
                Ok((id, version, spelled(row, 2)?))
            };
            let read: Vec<_> = self.db.fetch(sql).await?.iter().map(compile).collect::<Result<_>>()?;
            policies.extend(read.iter().map(|(_, _, policy)| policy.clone()));
            self.policies.keep_compiled(read);
        }
        Ok(Policy::union(&policies))
    }
}

/// What a role's row permits, from its column of permissions and that of field rules behind it.
fn spelled(row: &QueryResult, at: usize) -> Result<Policy> {
    let (grants, rules) = (row.try_get_by_index::<Grants>(at)?, row.try_get_by_index::<FieldRules>(at + 1)?);
    Ok(Policy::spelled(&grants.0, &rules.0))
}

/// A role as somebody holds it.
#[derive(Clone, Debug)]
pub struct Held {
    /// Who holds it.
    pub user: UserId,
    /// The role.
    pub role: RoleId,
    /// Its name for people.
    pub name: String,
    /// What it permits.
    pub policy: Policy,
}

impl Store {
    /// The roles that somebody holds. For Tandem itself.
    pub async fn roles_held(&self, user: UserId) -> Result<Vec<Held>> {
        system_only(self)?;
        self.fetch(roles_held(Sql::new(self.engine()), &[user.0])).await?.iter().map(role_held).collect()
    }
}

impl Change {
    /// The roles that these people hold, as this transaction has left them so far.
    pub async fn roles_held(&self, users: &[Uuid]) -> Result<Vec<Held>> {
        self.fetch(roles_held(self.sql(), users)).await?.iter().map(role_held).collect()
    }
}

fn roles_held(mut sql: Sql, users: &[Uuid]) -> Sql {
    sql.push(
        "SELECT a.user_id, r.id, r.name, r.grants, r.field_rules FROM role_assignment a JOIN role r ON r.id = a.role_id \
         WHERE a.archived_at IS NULL AND r.archived_at IS NULL AND a.user_id",
    );
    sql.in_ids(users);
    sql.push(" ORDER BY a.user_id, r.name_fold, r.id");
    sql
}

fn role_held(row: &QueryResult) -> Result<Held> {
    Ok(Held {
        user: UserId(json::uuid(row, 0)?.unwrap_or_default()),
        role: RoleId(json::uuid(row, 1)?.unwrap_or_default()),
        name: json::text(row, 2)?.unwrap_or_default().to_owned(),
        policy: spelled(row, 3)?,
    })
}
