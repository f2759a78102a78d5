//! Locks for rules that look at several rows.
//!
//! SQLite has one writer, so a rule that holds when it is checked holds when the change is kept. On PostgreSQL two
//! changes may each check what the other is about to break. So whoever checks such a rule first takes the lock that is
//! named after it, and holds it until the end of the change; the next one then sees what the first has kept.
//!
//! What concerns one row that another refers to (a stage and its deals, a role and its holders) needs no lock of its
//! own: `Change::check_keys` holds the rows that a record refers to, and archiving takes them for itself.

use entity::{Kind, Record};
use sea_orm::{Value, prelude::Uuid, sea_query::ArrayType};

use super::Change;
use crate::{error::Result, store::sql::Engine};

/// What changes take turns for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock<'a> {
    /// The shape of a tree: nothing may come to stand below itself.
    Tree(Kind),
    /// Two records that are tied to each other at most once, by this kind of record.
    Pair(Kind, Uuid, Uuid),
    /// What belongs to one record and may be there only once: a name among its stages, its primary place.
    Within(Kind, Uuid),
    /// What people may do: who holds which roles, and what these permit.
    Rights,
    /// Who reaches whom, worked out by one change at a time.
    Reach,
    /// What one client does under an idempotency key.
    Key(Uuid, &'a str),
    /// Somebody as an issuer knows them: issuer and subject.
    Identity(&'a str, &'a str),
    /// The record of a kind that has this name in another system: system and id.
    ExternalId(Kind, &'a str, &'a str),
    /// A web domain, which belongs to one account whether as its first or as a further one.
    Domain(&'a str),
}

impl Lock<'_> {
    /// The text that its number is made of.
    fn name(self) -> String {
        match self {
            Self::Tree(kind) => format!("tree {}", kind.name()),
            Self::Pair(kind, one, other) => format!("pair {} {one} {other}", kind.name()),
            Self::Within(kind, id) => format!("within {} {id}", kind.name()),
            Self::Rights => "rights".to_owned(),
            Self::Reach => "reach".to_owned(),
            Self::Key(client, key) => format!("key {client} {key}"),
            Self::Identity(issuer, subject) => format!("identity {issuer} {subject}"),
            Self::ExternalId(kind, system, id) => format!("external {} {system} {id}", kind.name()),
            Self::Domain(domain) => format!("domain {domain}"),
        }
    }
}

impl Change {
    /// Waits for a lock and holds it until the end of the change.
    pub async fn lock(&self, lock: Lock<'_>) -> Result<()> {
        if self.store.engine() == Engine::Sqlite {
            return Ok(());
        }
        let mut sql = self.sql();
        sql.push("SELECT pg_advisory_xact_lock(hashtextextended(").bind(lock.name()).push(", 1))::text");
        self.fetch(sql).await.map(|_| ())
    }

    /// Waits for the locks of what new records of a kind are to be called, and holds them until the end of the change:
    /// of several who create the same records at once, one does, and the others find them. Always in one order, and
    /// few, however many names there are.
    pub async fn lock_names(&self, kind: Kind, names: Vec<String>) -> Result<()> {
        /// Names that share one of so many locks wait for each other without need, which costs little.
        const LOCKS: i64 = 64;
        if self.store.engine() == Engine::Sqlite || names.is_empty() {
            return Ok(());
        }
        let names = names.into_iter().map(Value::from).collect();
        let mut sql = self.sql();
        sql.push("SELECT pg_advisory_xact_lock(hashtext(")
            .bind(kind.name())
            .push("), l.number::int)::text FROM (SELECT DISTINCT ");
        sql.push("hashtextextended(n.name, 2) % ").bind(LOCKS).push(" AS number FROM unnest(");
        sql.bind(Value::Array(ArrayType::String, Some(Box::new(names)))).push(") AS n(name) ORDER BY 1) l");
        self.fetch(sql).await.map(|_| ())
    }

    /// Whether a row that another is to depend on is live. It stays so until the end of the change: whoever archives it
    /// waits, and then sees what came to depend on it.
    pub async fn keep_live<E: Record>(&self, id: Uuid) -> Result<bool> {
        let mut sql = self.sql();
        sql.push("SELECT 1 FROM ").table(E::table().table).push(" t WHERE t.archived_at IS NULL AND t.id = ").bind(id);
        if sql.engine() == Engine::Postgres {
            sql.push(" FOR SHARE OF t");
        }
        Ok(!self.fetch(sql).await?.is_empty())
    }

    /// Locks rows until the end of the change, in the order of their ids: who locks several always does so in this
    /// order, so that two who do cannot wait for each other.
    pub async fn lock_rows(&self, kind: Kind, ids: &[Uuid]) -> Result<()> {
        if self.store.engine() == Engine::Sqlite || ids.is_empty() {
            return Ok(());
        }
        let mut sql = self.sql();
        sql.push("SELECT t.id FROM ").table(kind.table().table).push(" t WHERE t.id").in_ids(ids);
        sql.push(" ORDER BY t.id FOR UPDATE");
        self.fetch(sql).await.map(|_| ())
    }
}
