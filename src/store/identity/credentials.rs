//! What signing in needs and no record shows: password hashes, refresh tokens, signing keys. Only Tandem
//! itself may touch it, never a client's own store.

use entity::{Department, EventAction, Instant, Kind, UserStatus, role::RoleId, session::SessionId, user::UserId};
use sea_orm::QueryResult;
use serde_json::json;

use crate::{
    access::{Who, token::Key},
    error::{Error, Result},
    store::{Change, Store, change::Event, json as cells, sql::Sql},
};

/// The most sessions of one person that are listed, and the most live ones that are looked at at once.
const MAX_SESSIONS: i64 = 100;

/// Who an e-mail address belongs to.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The person.
    pub user: UserId,
    /// Whether they may sign in.
    pub status: UserStatus,
    /// The hash of their password, where they have one.
    pub password: Option<String>,
    /// Whether they must choose another one before they can sign in.
    pub must_change: bool,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("user", &self.user).field("status", &self.status).finish_non_exhaustive()
    }
}

/// What became of a refresh token that was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// It was good and now is used.
    Fresh(SessionId),
    /// It was used before: somebody has a copy.
    Used(SessionId),
    /// It has ended.
    Expired,
    /// There is none.
    Unknown,
}

/// A person as whoever runs the machine sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Their id.
    pub id: UserId,
    /// Full name.
    pub name: String,
    /// E-mail address.
    pub email: Option<String>,
    /// Where they work.
    pub department: Option<Department>,
    /// Whether they may sign in.
    pub active: bool,
    /// Whether they have a password.
    pub password: bool,
    /// The keys of the roles they hold.
    pub roles: Vec<String>,
}

/// Whoever asks must be Tandem itself.
pub(in crate::store) fn system_only(store: &Store) -> Result<()> {
    match store.actor().who {
        Who::System(_) => Ok(()),
        Who::Anonymous | Who::User { .. } | Who::Key { .. } => {
            Err(Error::internal("credentials were asked for by somebody else than Tandem itself"))
        }
    }
}

impl Store {
    /// Who signs in with an e-mail address.
    pub async fn login(&self, email: &str) -> Result<Option<Login>> {
        system_only(self)?;
        let mut sql = Sql::new(self.engine());
        sql.push("SELECT u.id, u.status, c.password_hash, COALESCE(c.must_change, FALSE) FROM \"user\" u LEFT JOIN credential c ON c.user_id = u.id ");
        sql.push("WHERE u.archived_at IS NULL AND u.email = ").bind(email);
        self.fetch(sql).await?.first().map(login).transpose()
    }

    /// The e-mail address and the password hash of somebody.
    pub async fn login_of(&self, user: UserId) -> Result<Option<(Option<String>, Login)>> {
        system_only(self)?;
        let mut sql = Sql::new(self.engine());
        sql.push("SELECT u.id, u.status, c.password_hash, COALESCE(c.must_change, FALSE), u.email FROM \"user\" u LEFT JOIN credential c ON c.user_id = u.id ");
        sql.push("WHERE u.archived_at IS NULL AND u.id = ").bind(user.0);
        let rows = self.fetch(sql).await?;
        rows.first().map(|row| Ok((cells::text(row, 4)?.map(str::to_owned), login(row)?))).transpose()
    }

    /// All signing keys, the newest first.
    pub async fn signing_keys(&self) -> Result<Vec<Key>> {
        system_only(self)?;
        self.fetch(keys(Sql::new(self.engine()))).await?.iter().map(key).collect()
    }

    /// The sessions of somebody that are good now, the newest first, at most 100.
    pub async fn live_sessions(&self, user: UserId) -> Result<Vec<SessionId>> {
        system_only(self)?;
        self.fetch(live_sessions(Sql::new(self.engine()), user, self.now())).await?.iter().map(session).collect()
    }

    /// Everybody, by name.
    pub async fn everybody(&self) -> Result<Vec<Person>> {
        system_only(self)?;
        let mut sql = Sql::new(self.engine());
        sql.push(
            "SELECT u.id, u.name, u.email, u.department, u.status, c.user_id, r.key FROM \"user\" u \
             LEFT JOIN credential c ON c.user_id = u.id \
             LEFT JOIN role_assignment a ON a.user_id = u.id AND a.archived_at IS NULL \
             LEFT JOIN role r ON r.id = a.role_id AND r.archived_at IS NULL \
             WHERE u.archived_at IS NULL ORDER BY u.name_fold, u.id, r.key",
        );
        let mut people: Vec<Person> = Vec::new();
        for row in self.fetch(sql).await? {
            let id = UserId(cells::uuid(&row, 0)?.unwrap_or_default());
            if people.last().is_none_or(|person| person.id != id) {
                people.push(Person {
                    id,
                    name: cells::text(&row, 1)?.unwrap_or_default().to_owned(),
                    email: cells::text(&row, 2)?.map(str::to_owned),
                    department: cells::text(&row, 3)?.and_then(Department::parse),
                    active: cells::text(&row, 4)? == Some(UserStatus::Active.as_str()),
                    password: cells::uuid(&row, 5)?.is_some(),
                    roles: vec![],
                });
            }
            if let (Some(person), Some(role)) = (people.last_mut(), cells::text(&row, 6)?) {
                person.roles.push(role.to_owned());
            }
        }
        Ok(people)
    }
}

impl Change {
    /// The hash of somebody's password, and whether they must choose another one before they can sign in.
    pub async fn password(&self, user: UserId) -> Result<(Option<String>, bool)> {
        system_only(self.store())?;
        let mut sql = self.sql();
        sql.push("SELECT c.password_hash, c.must_change FROM credential c WHERE c.user_id = ").bind(user.0);
        let rows = self.fetch(sql).await?;
        let Some(row) = rows.first() else { return Ok((None, false)) };
        Ok((cells::text(row, 0)?.map(str::to_owned), row.try_get_by_index(1)?))
    }

    /// Gives people the password of this hash, makes their invitations void (they have joined), and forgets the
    /// failures to sign in with the one before. The event says so, and nothing of the password.
    pub async fn set_password(&mut self, users: &[UserId], hash: &str) -> Result<()> {
        self.give_password(users, hash, false).await
    }

    /// The same for a password that they may have to change before they can sign in.
    pub async fn give_password(&mut self, users: &[UserId], hash: &str, must_change: bool) -> Result<()> {
        system_only(self.store())?;
        let now = self.store().now().0;
        for users in users.chunks(1_000) {
            let mut sql = self.sql();
            sql.push("INSERT INTO credential (user_id, password_hash, changed_at, must_change) VALUES ");
            for (n, user) in users.iter().enumerate() {
                sql.push(if n > 0 { ", (" } else { "(" })
                    .bind(user.0)
                    .push(", ")
                    .bind(hash)
                    .push(", ")
                    .bind(now)
                    .push(", ")
                    .bind(must_change)
                    .push(")");
            }
            sql.push(" ON CONFLICT (user_id) DO UPDATE SET password_hash = excluded.password_hash, changed_at = excluded.changed_at, must_change = excluded.must_change");
            self.execute(sql).await?;
        }
        self.withdraw_invitations(users).await?;
        self.free_sign_in(users).await?;
        for user in users {
            let mut changes = json!({ "password": { "before": null, "after": null } });
            if must_change {
                changes["mustChangePassword"] = json!({ "before": null, "after": true });
            }
            self.tell(Event { action: EventAction::Updated, subject: (Kind::User, user.0), account: None, changes })
                .await?;
        }
        Ok(())
    }

    /// The active people who hold a role and have a way to sign in: a password and an address, or the issuer.
    pub async fn able_holders(&self, role: RoleId) -> Result<Vec<UserId>> {
        system_only(self.store())?;
        let mut sql = self.sql();
        sql.push(
            "SELECT u.id FROM role_assignment a JOIN \"user\" u ON u.id = a.user_id WHERE a.archived_at IS NULL \
             AND u.archived_at IS NULL AND (u.email IS NOT NULL AND EXISTS (SELECT 1 FROM credential c WHERE c.user_id = u.id) \
             OR EXISTS (SELECT 1 FROM issuer_identity i WHERE i.user_id = u.id)) AND a.role_id = ",
        );
        sql.bind(role.0).push(" AND u.status = ").bind(UserStatus::Active.as_str()).push(" ORDER BY u.id");
        self.fetch(sql).await?.iter().map(|row| Ok(UserId(cells::uuid(row, 0)?.unwrap_or_default()))).collect()
    }

    /// Keeps the hash of a session's next refresh token, and lets the session last as long.
    pub async fn keep_refresh_token(&mut self, session: SessionId, hash: &str, expires_at: Instant) -> Result<()> {
        system_only(self.store())?;
        let now = self.store().now().0;
        // What has ended needs no watching: presented again, it is refused anyway.
        let mut sql = self.sql();
        sql.push("DELETE FROM refresh_token WHERE session_id = ").bind(session.0).push(" AND expires_at <= ").bind(now);
        self.execute(sql).await?;
        let mut sql = self.sql();
        sql.push("INSERT INTO refresh_token (hash, session_id, issued_at, expires_at) VALUES (").bind(hash).push(", ");
        sql.bind(session.0).push(", ").bind(now).push(", ").bind(expires_at.0).push(")");
        self.execute(sql).await?;
        let mut sql = self.sql();
        sql.push("UPDATE session SET last_used_at = ").bind(now).push(", expires_at = ").bind(expires_at.0);
        sql.push(", updated_at = ").bind(now).push(", version = version + 1 WHERE id = ").bind(session.0);
        sql.push(" AND expires_at <> ").bind(expires_at.0);
        self.execute(sql).await.map(|_| ())
    }

    /// Uses a refresh token up. Of several who present it, one finds it fresh.
    pub async fn claim_refresh_token(&mut self, hash: &str) -> Result<Claimed> {
        system_only(self.store())?;
        let now = self.store().now().0;
        let mut sql = self.sql();
        sql.push("SELECT r.session_id, r.expires_at FROM refresh_token r WHERE r.hash = ").bind(hash);
        let rows = self.fetch(sql).await?;
        let Some(row) = rows.first() else { return Ok(Claimed::Unknown) };
        let (session, expires_at) = (session(row)?, cells::bigint(row, 1)?.unwrap_or(0));
        let mut sql = self.sql();
        sql.push("UPDATE refresh_token SET used_at = ").bind(now).push(" WHERE used_at IS NULL AND hash = ").bind(hash);
        sql.push(" AND expires_at > ").bind(now);
        Ok(match self.execute(sql).await? {
            0 if expires_at <= now => Claimed::Expired,
            0 => Claimed::Used(session),
            _ => Claimed::Fresh(session),
        })
    }

    /// How many sessions of somebody are good now.
    pub async fn count_live_sessions(&self, user: UserId) -> Result<i64> {
        system_only(self.store())?;
        let mut sql = self.sql();
        sql.push("SELECT count(*)");
        push_live_sessions(&mut sql, user, self.store().now());
        Ok(self.fetch(sql).await?.first().map(|row| cells::bigint(row, 0)).transpose()?.flatten().unwrap_or_default())
    }

    /// The sessions of somebody that are good now, the newest first, at most 100.
    pub async fn live_sessions(&self, user: UserId) -> Result<Vec<SessionId>> {
        system_only(self.store())?;
        self.fetch(live_sessions(self.sql(), user, self.store().now())).await?.iter().map(session).collect()
    }

    /// All signing keys, the newest first.
    pub async fn signing_keys(&self) -> Result<Vec<Key>> {
        system_only(self.store())?;
        self.fetch(keys(self.sql())).await?.iter().map(key).collect()
    }

    /// Has this key sign from now on; the others only verify, until nothing they signed is good.
    pub async fn install_signing_key(&mut self, key: &Key) -> Result<()> {
        system_only(self.store())?;
        let now = self.store().now();
        for old in self.signing_keys().await?.iter().filter(|key| !key.verifies_at(now)) {
            let mut sql = self.sql();
            sql.push("DELETE FROM signing_key WHERE kid = ").bind(old.kid.as_str());
            self.execute(sql).await?;
        }
        let mut sql = self.sql();
        sql.push("UPDATE signing_key SET retired_at = ").bind(now.0).push(" WHERE retired_at IS NULL");
        self.execute(sql).await?;
        let mut sql = self.sql();
        sql.push("INSERT INTO signing_key (kid, secret, created_at) VALUES (").bind(key.kid.as_str()).push(", ");
        sql.bind(key.secret.as_str()).push(", ").bind(now.0).push(")");
        self.execute(sql).await.map(|_| ())
    }
}

fn login(row: &QueryResult) -> Result<Login> {
    Ok(Login {
        user: UserId(cells::uuid(row, 0)?.unwrap_or_default()),
        status: cells::text(row, 1)?.and_then(UserStatus::parse).unwrap_or(UserStatus::Deactivated),
        password: cells::text(row, 2)?.map(str::to_owned),
        must_change: row.try_get_by_index(3)?,
    })
}

fn keys(mut sql: Sql) -> Sql {
    sql.push("SELECT k.kid, k.secret, k.retired_at FROM signing_key k ORDER BY k.retired_at IS NOT NULL, k.created_at DESC, k.kid DESC");
    sql
}

fn key(row: &QueryResult) -> Result<Key> {
    let text = |at| Ok::<_, Error>(cells::text(row, at)?.unwrap_or_default().to_owned());
    Ok(Key { kid: text(0)?, secret: text(1)?, retired_at: cells::bigint(row, 2)?.map(Instant) })
}

fn live_sessions(mut sql: Sql, user: UserId, now: Instant) -> Sql {
    sql.push("SELECT s.id");
    push_live_sessions(&mut sql, user, now);
    sql.push(" ORDER BY s.id DESC LIMIT ").bind(MAX_SESSIONS);
    sql
}

fn push_live_sessions(sql: &mut Sql, user: UserId, now: Instant) {
    sql.push(" FROM session s WHERE s.archived_at IS NULL AND s.revoked_at IS NULL AND s.user_id = ").bind(user.0);
    sql.push(" AND s.expires_at > ").bind(now.0);
}

fn session(row: &QueryResult) -> Result<SessionId> {
    Ok(SessionId(cells::uuid(row, 0)?.unwrap_or_default()))
}
