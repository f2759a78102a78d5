//! Locks for rules that read rows other than the one being written.

use entity::Record;
use sea_orm::prelude::Uuid;

use super::Change;
use crate::{
    error::Result,
    store::sql::{Engine, Sql},
};

/// A rule over several rows that need not exist yet, or that are too many to lock each.
#[derive(Clone, Copy, Debug)]
pub enum Rule<'a> {
    /// Accounts form a tree.
    AccountTree,
    /// Teams form a tree.
    TeamTree,
    /// Variants vary core stories only.
    StoryVariants,
    /// A domain belongs to one account, be it as its first or as a further one.
    Domain(&'a str),
    /// A contact has one main place.
    MainPlace(Uuid),
    /// Who reaches whom is worked out by one change at a time.
    Reach,
}

impl Rule<'_> {
    /// A name of its own for each rule and key.
    fn name(&self) -> String {
        match self {
            Self::AccountTree => "tandem account tree".to_owned(),
            Self::TeamTree => "tandem team tree".to_owned(),
            Self::StoryVariants => "tandem story variants".to_owned(),
            Self::Domain(domain) => format!("tandem domain {domain}"),
            Self::MainPlace(contact) => format!("tandem main place {contact}"),
            Self::Reach => "tandem reach".to_owned(),
        }
    }
}

impl Change {
    /// Lets one change at a time decide by a rule over several rows, until the end of the transaction. Taken before
    /// the rows are read, so that what others have committed meanwhile is seen. Where the rule is about one row that
    /// exists, [`Change::keep_live`] is the better way: it does not hold up those who decide by another row.
    ///
    /// `SQLite` has one writer at a time, so there is nothing to do.
    pub async fn hold(&self, rule: Rule<'_>) -> Result<()> {
        let mut sql = self.sql();
        if sql.engine() == Engine::Postgres {
            sql.push("SELECT pg_advisory_xact_lock(hashtextextended(").bind(rule.name()).push(", 0))::text");
            self.fetch(sql).await?;
        }
        Ok(())
    }

    /// Whether a row that another is to depend on is live. It stays so until the end of the transaction: whoever
    /// archives it waits, and then sees what came to depend on it.
    pub async fn keep_live<E: Record>(&self, id: Uuid) -> Result<bool> {
        let mut sql: Sql = self.sql();
        sql.push("SELECT 1 FROM ").table(E::table().table).push(" t WHERE t.archived_at IS NULL AND t.id = ").bind(id);
        if sql.engine() == Engine::Postgres {
            sql.push(" FOR SHARE OF t");
        }
        Ok(!self.fetch(sql).await?.is_empty())
    }
}
