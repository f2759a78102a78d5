//! Who a user is and what their roles let them do, read from the database and kept for a second.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use entity::{Department, Instant, Kind, UserStatus, session::SessionId, user::UserId};
use sea_orm::prelude::Uuid;

use super::{Backend, json, sql::Sql};
use crate::{
    access::{Action, FieldRule, Grant, Policy, Reach},
    error::Result,
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
    read_at: Instant,
}

/// What was read lately.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<Lately>);

#[derive(Debug, Default)]
struct Lately {
    known: HashMap<(Uuid, Option<Uuid>), Known>,
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

    pub(super) fn clear(&self) {
        let mut lately = self.lock();
        lately.known.clear();
        lately.forgotten += 1;
    }
}

/// What the rows of one role say: permissions and field rules.
type RoleRows = (Vec<Grant>, Vec<(Kind, String, FieldRule)>);

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
        let engine = self.db.engine();
        let now = self.now();
        let mut sql = Sql::new(engine);
        sql.push("SELECT u.department, u.status FROM \"user\" u WHERE u.archived_at IS NULL AND u.id = ").bind(user.0);
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
        Ok(Known { department, policy: self.policy_of(user).await?, good, read_at: now })
    }

    /// The union of a user's roles.
    async fn policy_of(&self, user: UserId) -> Result<Policy> {
        const HELD: &str = "(SELECT a.role_id FROM role_assignment a JOIN role r ON r.id = a.role_id \
             WHERE a.archived_at IS NULL AND r.archived_at IS NULL AND a.user_id = ";
        let mut sql = Sql::new(self.db.engine());
        sql.push("SELECT p.role_id, 0, p.resource, p.action, p.reach FROM role_permission p WHERE p.role_id IN ")
            .push(HELD)
            .bind(user.0);
        sql.push(") UNION ALL SELECT f.role_id, 1, f.resource, f.field, f.rule FROM role_field f WHERE f.role_id IN ")
            .push(HELD);
        sql.bind(user.0).push(")");
        let mut roles: HashMap<Uuid, RoleRows> = HashMap::new();
        for row in self.db.fetch(sql).await? {
            let cells = (
                json::uuid(&row, 0)?,
                json::int(&row, 1)?,
                json::text(&row, 2)?,
                json::text(&row, 3)?,
                json::text(&row, 4)?,
            );
            let (Some(role), Some(table), Some(resource), Some(what), Some(value)) = cells else { continue };
            // What an older or newer version wrote and this one does not know grants nothing.
            let Some(kind) = Kind::named(resource) else { continue };
            let role = roles.entry(role).or_default();
            if table == 0 {
                role.0.extend(Action::parse(what).zip(Reach::parse(value)).map(|(action, reach)| Grant {
                    kind,
                    action,
                    reach,
                }));
            } else {
                role.1.extend(FieldRule::parse(value).map(|rule| (kind, what.to_owned(), rule)));
            }
        }
        let roles: Vec<Policy> = roles.values().map(|(grants, fields)| Policy::of(grants, fields)).collect();
        Ok(Policy::union(&roles))
    }
}
