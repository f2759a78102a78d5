//! Locks for rules that look at several rows.
//!
//! SQLite has one writer, so a rule that holds when it is checked holds when the change is kept. On PostgreSQL two
//! changes may each check what the other is about to break. So whoever checks such a rule first takes the lock that is
//! named after it, and holds it until the end of the change; the next one then sees what the first has kept.
//!
//! What concerns one row that another refers to (a stage and its deals, a role and its holders) needs no lock of its
//! own: `Change::check_keys` holds the rows that a record refers to, and archiving takes them for itself.

use entity::Kind;
use sea_orm::prelude::Uuid;

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
