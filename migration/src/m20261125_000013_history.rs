//! Where the event feed's numbers come from: the history that they belong to, and on PostgreSQL what is added to
//! the cluster's transaction ids.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

/// This capability's tables.
#[derive(Debug, DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let postgres = manager.get_connection().get_database_backend() == DbBackend::Postgres;
        crate::run(manager, HISTORY).await?;
        crate::run(manager, if postgres { ON_POSTGRES } else { ON_SQLITE }).await
    }
}

/// A history ends where a restored database leaves it; the one without an end is the present one.
const HISTORY: &str = r"
CREATE TABLE feed_history (number {int} PRIMARY KEY, id {text} NOT NULL UNIQUE, ends_xid {bigint}, ends_seq {bigint})
";

const ON_SQLITE: &str = r"
INSERT INTO feed_history (number, id) VALUES (1, lower(hex(randomblob(6))))
";

/// A restored database comes into a cluster whose transaction ids may be smaller: the offset makes up for it.
const ON_POSTGRES: &str = r"
INSERT INTO feed_history (number, id) VALUES (1, right(replace(gen_random_uuid()::text, '-', ''), 12));
CREATE TABLE feed_cluster (
  one {bool} PRIMARY KEY DEFAULT TRUE CHECK (one), xid_offset {bigint} NOT NULL, system_identifier {text}
);
INSERT INTO feed_cluster (xid_offset) VALUES (0);
CREATE FUNCTION feed_offset() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT xid_offset FROM feed_cluster';
ALTER TABLE event ALTER COLUMN xid SET DEFAULT (feed_offset() + pg_current_xact_id()::text::bigint)
";
