//! What every record relies on: events, external ids, idempotency.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

/// This capability's tables.
#[derive(Debug, DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let postgres = manager.get_connection().get_database_backend() == DbBackend::Postgres;
        // The feed's order is (transaction, sequence): sequence numbers alone are handed out before commit.
        // On SQLite there is one writer, so the row id is the order of commit.
        crate::run(manager, if postgres { EVENT_POSTGRES } else { EVENT_SQLITE }).await?;
        crate::run(manager, EVERYWHERE).await
    }
}

const EVENT_POSTGRES: &str = r"
CREATE TABLE event (
  id {id} NOT NULL, occurred_at {instant} NOT NULL, action {text} NOT NULL, subject_kind {text} NOT NULL, subject_id {id} NOT NULL,
  account_id {id}, actor_id {id}, request_id {text}, changes {json} NOT NULL,
  xid bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint), seq bigint GENERATED ALWAYS AS IDENTITY,
  PRIMARY KEY (occurred_at, id)
) PARTITION BY RANGE (occurred_at);
CREATE TABLE event_other PARTITION OF event DEFAULT;
CREATE INDEX event_feed ON event (xid, seq);
CREATE INDEX event_id ON event (id);
CREATE INDEX event_account ON event (account_id, occurred_at, id);
CREATE INDEX event_subject ON event (subject_id, occurred_at, id);
CREATE INDEX event_actor ON event (actor_id, occurred_at, id)
";

const EVENT_SQLITE: &str = r"
CREATE TABLE event (
  seq integer PRIMARY KEY AUTOINCREMENT, xid {bigint} NOT NULL DEFAULT 0,
  id {id} NOT NULL UNIQUE, occurred_at {instant} NOT NULL, action {text} NOT NULL, subject_kind {text} NOT NULL, subject_id {id} NOT NULL,
  account_id {id}, actor_id {id}, request_id {text}, changes {json} NOT NULL
);
CREATE INDEX event_account ON event (account_id, occurred_at, id);
CREATE INDEX event_subject ON event (subject_id, occurred_at, id);
CREATE INDEX event_actor ON event (actor_id, occurred_at, id);
CREATE INDEX event_occurred ON event (occurred_at, id)
";

const EVERYWHERE: &str = r"
CREATE TABLE external_id (
  resource {text} NOT NULL, system {text} NOT NULL, external_id {text} NOT NULL, record_id {id} NOT NULL,
  PRIMARY KEY (resource, system, external_id)
);
CREATE INDEX external_id_record ON external_id (record_id, system, external_id);
CREATE TABLE idempotency_key (
  actor_id {id} NOT NULL, key {text} NOT NULL, fingerprint {text} NOT NULL, answer {json} NOT NULL, created_at {instant} NOT NULL,
  PRIMARY KEY (actor_id, key)
);
CREATE INDEX idempotency_key_created ON idempotency_key (created_at)
";
