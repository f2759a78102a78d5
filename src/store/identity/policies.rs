//! Who a user is and what their roles let them do, read from the database and kept for a second.

use std::{collections::HashMap, hash::Hash, sync::Mutex, time::Duration};

use entity::{
    Department, Instant, Kind, Record, UserStatus,
    permission::{FieldRules, Grants},
    role::{self, RoleId},
    session::SessionId,
    user::UserId,
};
use sea_orm::{FromQueryResult, QueryResult, prelude::Uuid};

use super::credentials::system_only;
use crate::{
    access::{Action, Policy},
    error::Result,
    store::{Asking, Backend, Change, Store, json, scope, sql::Sql},
};

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
}

/// What was read lately.
#[derive(Debug)]
pub(in crate::store) struct Cache<K, V>(Mutex<Lately<K, V>>);

#[derive(Debug)]
struct Lately<K, V> {
    /// With when it was read.
    known: HashMap<K, (Instant, V)>,
    /// How often everything was forgotten.
    forgotten: u64,
}

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self(Mutex::new(Lately { known: HashMap::new(), forgotten: 0 }))
    }
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    fn lock(&self) -> std::sync::MutexGuard<'_, Lately<K, V>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(in crate::store) fn get(&self, key: &K, now: Instant) -> Option<V> {
        let lately = self.lock();
        let (read_at, known) = lately.known.get(key)?;
        let age = now.0.saturating_sub(read_at.0);
        (0..i64::try_from(FRESH.as_millis()).unwrap_or(0)).contains(&age).then(|| known.clone())
    }

    pub(in crate::store) fn forgotten(&self) -> u64 {
        self.lock().forgotten
    }

    /// Keeps what was read, unless everything was forgotten since: it may have been read before the change.
    pub(in crate::store) fn put(&self, key: K, known: (Instant, V), forgotten: u64) {
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

    pub(in crate::store) fn clear(&self) {
        let mut lately = self.lock();
        lately.known.clear();
        lately.forgotten += 1;
    }
}

/// What roles permit, compiled once per version of each.
#[derive(Debug, Default)]
pub(in crate::store) struct Compiled(Mutex<HashMap<Uuid, (i32, Policy)>>);

impl Compiled {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, (i32, Policy)>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// What those of the roles permit that are compiled in this version, and which are not.
    fn of(&self, roles: &[(Uuid, i32)]) -> (Vec<Policy>, Vec<Uuid>) {
        let compiled = self.lock();
        let (mut policies, mut missing) = (Vec::with_capacity(roles.len()), Vec::new());
        for (id, version) in roles {
            match compiled.get(id) {
                Some((known, policy)) if known == version => policies.push(policy.clone()),
                _ => missing.push(*id),
            }
        }
        (policies, missing)
    }

    fn keep(&self, roles: Vec<(Uuid, i32, Policy)>) {
        let mut compiled = self.lock();
        if compiled.len() >= 10_000 {
            compiled.clear();
        }
        compiled.extend(roles.into_iter().map(|(id, version, policy)| (id, (version, policy))));
    }
}

impl Backend {
    /// What is known of a user, and of their session where one is named.
    pub async fn known(&self, user: UserId, session: Option<SessionId>) -> Result<Known> {
        self.known_by(Asking::Beside, user, session).await
    }

    pub(in crate::store) async fn known_by(
        &self,
        asking: Asking<'_>,
        user: UserId,
        session: Option<SessionId>,
    ) -> Result<Known> {
        let key = (user.0, session.map(|session| session.0));
        let now = self.now();
        if let Some(known) = self.policies.get(&key, now) {
            return Ok(known);
        }
        let forgotten = self.policies.forgotten();
        let known = self.read_known(asking, user, session).await?;
        self.policies.put(key, (now, known.clone()), forgotten);
        Ok(known)
    }

    /// Forgets what is known, because roles, users, sessions or keys changed here.
    pub fn forget_policies(&self) {
        self.policies.clear();
        self.keys.forget();
        // Open subscriptions look at once whether they may go on.
        self.feed.tell();
    }

    async fn read_known(&self, asking: Asking<'_>, user: UserId, session: Option<SessionId>) -> Result<Known> {
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
        let rows = self.ask(asking, sql).await?;
        let Some(row) = rows.first() else {
            return Ok(Known { department: None, policy: Policy::nothing(), good: false });
        };
        let department = json::text(row, 0)?.and_then(Department::parse);
        let good = json::text(row, 1)? == Some(UserStatus::Active.as_str());
        let mut roles = Vec::with_capacity(rows.len());
        for row in &rows {
            roles.extend(json::uuid(row, 2)?.zip(json::int(row, 3)?));
        }
        Ok(Known { department, policy: self.policy_of(asking, &roles).await?, good })
    }

    /// What roles permit together, named by id and version. Only those that changed are read, as they are now.
    async fn policy_of(&self, asking: Asking<'_>, roles: &[(Uuid, i32)]) -> Result<Policy> {
        let (mut policies, missing) = self.compiled.of(roles);
        if !missing.is_empty() {
            let mut sql = Sql::new(self.db.engine());
            sql.push("SELECT r.id, r.version, r.grants, r.field_rules FROM role r WHERE r.id").in_ids(&missing);
            let compile = |row: &QueryResult| -> Result<(Uuid, i32, Policy)> {
                let (id, version) = (json::uuid(row, 0)?.unwrap_or_default(), json::int(row, 1)?.unwrap_or_default());
                Ok((id, version, encode(row, 2)?))
            };
            let read: Vec<_> = self.ask(asking, sql).await?.iter().map(compile).collect::<Result<_>>()?;
            policies.extend(read.iter().map(|(_, _, policy)| policy.clone()));
            self.compiled.keep(read);
        }
        Ok(Policy::union(&policies))
    }
}

/// What a role's row permits, from its column of permissions and that of field rules behind it.
pub(in crate::store) fn encode(row: &QueryResult, at: usize) -> Result<Policy> {
    let (grants, rules) = (row.try_get_by_index::<Grants>(at)?, row.try_get_by_index::<FieldRules>(at + 1)?);
    Ok(Policy::encode(&grants.0, &rules.0))
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

    /// The live roles that the actor may see, by key; what is hidden of them is left out.
    pub async fn roles(&self) -> Result<Vec<role::Model>> {
        let table = role::Entity::table();
        let mut sql = Sql::new(self.engine());
        sql.push("SELECT ");
        for (n, field) in table.fields.iter().enumerate() {
            sql.push(if n > 0 { ", " } else { "" }).column("t", field.column);
        }
        sql.push(" FROM role t WHERE t.archived_at IS NULL");
        scope::and_within(&mut sql, &self.actor, (Kind::Role, "t"), Action::Read);
        let mut roles = Vec::new();
        for row in self.fetch(sql).await? {
            let mut role = role::Model::from_query_result(&row, "")?;
            role.description.take_if(|_| self.actor.policy.hides(Kind::Role, "description"));
            role.copied_from_id.take_if(|_| self.actor.policy.hides(Kind::Role, "copiedFrom"));
            roles.push(role);
        }
        // The engines order texts by different rules; keys are plain letters.
        roles.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        Ok(roles)
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
        policy: encode(row, 3)?,
    })
}
