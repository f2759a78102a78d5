//! What API keys need and no record shows: from a secret's hash to who calls, and when a key was used.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use entity::{Department, Instant, Texts, UserStatus, api_key::ApiKeyId, user::UserId};
use ipnet::IpNet;
use sea_orm::QueryResult;

use super::{
    credentials::system_only,
    policies::{self, Cache},
    secrets::Secrets,
};
use crate::{
    access::{
        Actor, Policy, Purpose, Who,
        key::{self, Fingerprint, Presented, Standing},
    },
    error::{Error, Result},
    store::{Asking, Backend, Change, json as cells, sql::Sql},
};

/// How exactly the use of a key is noted, in milliseconds.
const USE: i64 = 60_000;

/// What a process knows of keys.
#[derive(Debug, Default)]
pub(in crate::store) struct Keys {
    known: Cache<Fingerprint, Known>,
    /// When the use of a key was last noted here.
    noted: Mutex<HashMap<ApiKeyId, Instant>>,
    secrets: Secrets,
}

/// A key as one of its secrets leads to it.
#[derive(Clone, Debug)]
struct Known {
    id: ApiKeyId,
    owner: UserId,
    department: Option<Department>,
    policy: Policy,
    standing: Standing,
    last_used_at: Option<Instant>,
}

impl Keys {
    pub(in crate::store) fn forget(&self) {
        self.known.clear();
        self.secrets.hear();
    }

    /// Whether the use of a key now is to be noted, which then happens once.
    fn is_due(&self, key: &Known, now: Instant) -> bool {
        let recent = |at: Option<Instant>| at.is_some_and(|at| (0..USE).contains(&(now.0 - at.0)));
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if recent(key.last_used_at) || recent(noted.get(&key.id).copied()) {
            return false;
        }
        if noted.len() >= 10_000 {
            noted.clear();
        }
        noted.insert(key.id, now);
        true
    }
}

impl Backend {
    /// Who calls by an API key, and until when at most; refused where it is not good now.
    pub async fn key_holder(self: &Arc<Self>, by: Presented) -> Result<(Actor, Instant)> {
        self.key_holder_by(Asking::Beside, by).await
    }

    pub(in crate::store) async fn key_holder_by(
        self: &Arc<Self>,
        asking: Asking<'_>,
        by: Presented,
    ) -> Result<(Actor, Instant)> {
        let now = self.now();
        let known = if let Some(known) = self.keys.known.get(&by.secret, now) {
            known
        } else {
            if !self.may_be_key(by.secret).await? {
                return Err(key::unknown());
            }
            let forgotten = self.keys.known.forgotten();
            let known = self.read_key(asking, by.secret).await?.ok_or_else(key::unknown)?;
            self.keys.known.put(by.secret, (now, known.clone()), forgotten);
            known
        };
        known.standing.check(now, by.address)?;
        self.note_use(&known, now);
        let who = Who::Key { id: known.id, owner: known.owner, by };
        Ok((Actor::integration(who, known.department, &known.policy), known.standing.ends_at()))
    }

    /// Whether there may be a key of this secret. However many secrets somebody makes up, the database is asked once a
    /// second at most, once more after each change of rights, and for all of them together.
    pub(crate) async fn may_be_key(&self, secret: Fingerprint) -> Result<bool> {
        self.keys.secrets.have(&self.db, secret, self.now()).await
    }

    async fn read_key(&self, asking: Asking<'_>, secret: Fingerprint) -> Result<Option<Known>> {
        let mut sql = Sql::new(self.db.engine());
        sql.push(
            "SELECT k.id, k.owner_id, u.department, u.status, k.last_used_at, k.expires_at, s.ends_at, \
             CASE WHEN k.revoked_at IS NULL AND k.archived_at IS NULL THEN 0 ELSE 1 END, \
             CASE WHEN r.archived_at IS NULL THEN 1 ELSE 0 END, CASE WHEN u.archived_at IS NULL THEN 1 ELSE 0 END, \
             k.allowed_networks, r.grants, r.field_rules \
             FROM api_key_secret s JOIN api_key k ON k.id = s.api_key_id JOIN role r ON r.id = k.role_id \
             JOIN \"user\" u ON u.id = k.owner_id WHERE s.hash = ",
        );
        sql.bind(secret.encode());
        self.ask(asking, sql).await?.first().map(known).transpose()
    }

    /// Notes that a key is used, beside the request and at most once a minute.
    fn note_use(self: &Arc<Self>, key: &Known, now: Instant) {
        if !self.keys.is_due(key, now) {
            return;
        }
        let (backend, id) = (self.clone(), key.id);
        tokio::spawn(async move {
            if let Err(error) = backend.write_use(id, now).await {
                tracing::warn!(api_key.id = %id, error = %error, "the use of an API key was not noted");
            }
        });
    }

    async fn write_use(self: &Arc<Self>, key: ApiKeyId, now: Instant) -> Result<()> {
        let change = self.as_system(Purpose::SignIn).begin().await?;
        let mut sql = change.sql();
        sql.push("UPDATE api_key SET last_used_at = ").bind(now.0).push(" WHERE id = ").bind(key.0);
        sql.push(" AND (last_used_at IS NULL OR last_used_at <= ").bind(now.0 - USE).push(")");
        change.execute(sql).await?;
        change.commit().await
    }
}

impl Change {
    /// Gives a key another secret, of which only the hash is kept. The one it replaces is good until
    /// then; those that were replaced before end now.
    pub async fn replace_key_secret(&mut self, key: ApiKeyId, secret: Fingerprint, until: Instant) -> Result<()> {
        system_only(self.store())?;
        let now = self.store().now().0;
        let mut sql = self.sql();
        sql.push("UPDATE api_key_secret SET ends_at = CASE WHEN ends_at IS NULL THEN ").bind(until.0);
        sql.push(" ELSE ").bind(now).push(" END WHERE (ends_at IS NULL OR ends_at > ").bind(now);
        sql.push(") AND api_key_id = ").bind(key.0);
        self.execute(sql).await?;
        let mut sql = self.sql();
        sql.push("INSERT INTO api_key_secret (hash, api_key_id, created_at) VALUES (").bind(secret.encode());
        sql.push(", ").bind(key.0).push(", ").bind(now).push(")");
        self.execute(sql).await?;
        // It is known here from now on. Where this change is undone, it is looked for and not found.
        self.store().backend().keys.secrets.add(secret);
        Ok(())
    }
}

fn known(row: &QueryResult) -> Result<Known> {
    let is = |at| Ok::<_, Error>(cells::int(row, at)? == Some(1));
    let network = |text: &String| {
        key::network(text).ok_or_else(|| Error::internal(format!("an API key is stored with the network {text}")))
    };
    let networks: Vec<IpNet> = row.try_get_by_index::<Texts>(10)?.0.iter().map(network).collect::<Result<_>>()?;
    let standing = Standing {
        revoked: is(7)?,
        replaced_at: cells::bigint(row, 6)?.map(Instant),
        expires_at: Instant(cells::bigint(row, 5)?.unwrap_or(0)),
        role_live: is(8)?,
        owner_active: is(9)? && cells::text(row, 3)? == Some(UserStatus::Active.as_str()),
        networks,
    };
    Ok(Known {
        id: ApiKeyId(cells::uuid(row, 0)?.unwrap_or_default()),
        owner: UserId(cells::uuid(row, 1)?.unwrap_or_default()),
        department: cells::text(row, 2)?.and_then(Department::parse),
        policy: policies::encode(row, 11)?,
        standing,
        last_used_at: cells::bigint(row, 4)?.map(Instant),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_use_of_a_key_is_noted_once_a_minute() {
        let standing = Standing {
            revoked: false,
            replaced_at: None,
            expires_at: Instant(0),
            role_live: true,
            owner_active: true,
            networks: vec![],
        };
        let used = |id: u128, last_used_at: Option<i64>| Known {
            id: ApiKeyId(sea_orm::prelude::Uuid::from_u128(id)),
            owner: UserId(sea_orm::prelude::Uuid::nil()),
            department: None,
            policy: Policy::nothing(),
            standing: standing.clone(),
            last_used_at: last_used_at.map(Instant),
        };
        let keys = Keys::default();
        let due = |key: &Known, now: i64| keys.is_due(key, Instant(now));
        assert!(due(&used(1, None), 1_000) && due(&used(2, None), 1_000), "each key by itself");
        assert!(!due(&used(1, None), 1_000) && !due(&used(1, None), 1_000 + USE - 1));
        assert!(due(&used(1, None), 1_000 + USE));
        assert!(!due(&used(3, Some(5_000)), 5_000 + USE - 1), "another process has noted it");
        assert!(due(&used(3, Some(5_000)), 5_000 + USE));
    }
}
