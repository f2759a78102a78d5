//! Tandem's schema migrations: one capability a file, the same on SQLite and PostgreSQL.
//!
//! A migration that has shipped is never edited. Types are written as `{id}`, `{text}`, `{instant}`,
//! `{int}`, `{bigint}`, `{bool}`, `{json}` and `{bytes}`, and become each engine's own: ids are UUIDs in 16
//! bytes, instants are integer milliseconds, texts compare by bytes on both.

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

mod m20261121_000001_people;
mod m20261121_000002_access;
mod m20261121_000003_platform;
mod m20261121_000004_messaging;
mod m20261121_000005_accounts;
mod m20261121_000006_contacts;
mod m20261121_000007_target_lists;
mod m20261121_000008_leads;
mod m20261121_000009_deals;
mod m20261121_000010_imports;
mod m20261122_000011_permissions;
mod m20261125_000013_history;
mod m20261125_000014_rights;
mod m20261125_000015_sign_in;
mod m20261125_000016_jobs;
mod m20261125_000017_handovers;
mod m20261125_000018_text_keys;
mod m20261201_000020_deal_cycle;
mod m20261201_000021_expiry;

/// All migrations, in order.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261121_000001_people::Migration),
            Box::new(m20261121_000002_access::Migration),
            Box::new(m20261121_000003_platform::Migration),
            Box::new(m20261121_000004_messaging::Migration),
            Box::new(m20261121_000005_accounts::Migration),
            Box::new(m20261121_000006_contacts::Migration),
            Box::new(m20261121_000007_target_lists::Migration),
            Box::new(m20261121_000008_leads::Migration),
            Box::new(m20261121_000009_deals::Migration),
            Box::new(m20261121_000010_imports::Migration),
            Box::new(m20261122_000011_permissions::Migration),
            Box::new(m20261125_000013_history::Migration),
            Box::new(m20261125_000014_rights::Migration),
            Box::new(m20261125_000015_sign_in::Migration),
            Box::new(m20261125_000016_jobs::Migration),
            Box::new(m20261125_000017_handovers::Migration),
            Box::new(m20261125_000018_text_keys::Migration),
            Box::new(m20261201_000020_deal_cycle::Migration),
            Box::new(m20261201_000021_expiry::Migration),
        ]
    }
}

/// The columns every record ends with.
const COMMON: &str =
    "version {int} NOT NULL, created_at {instant} NOT NULL, updated_at {instant} NOT NULL, archived_at {instant}";

/// Runs statements separated by `;`, with types of the engine at hand.
async fn run(manager: &SchemaManager<'_>, sql: &str) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    let postgres = connection.get_database_backend() == DbBackend::Postgres;
    let types: [(&str, &str, &str); 8] = [
        ("{id}", "uuid", "blob"),
        ("{text}", "text COLLATE \"C\"", "text"),
        ("{instant}", "bigint", "bigint"),
        ("{bigint}", "bigint", "bigint"),
        ("{int}", "integer", "integer"),
        ("{bool}", "boolean", "boolean"),
        ("{json}", "jsonb", "text"),
        ("{bytes}", "bytea", "blob"),
    ];
    let mut sql = sql.replace("{common}", COMMON);
    for (name, on_postgres, on_sqlite) in types {
        sql = sql.replace(name, if postgres { on_postgres } else { on_sqlite });
    }
    for statement in sql.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
        connection.execute_unprepared(statement).await?;
    }
    Ok(())
}

/// Declares a migration that runs one SQL text.
macro_rules! migration {
    ($sql:literal) => {
        /// This capability's tables.
        #[derive(Debug, sea_orm_migration::prelude::DeriveMigrationName)]
        pub struct Migration;

        #[async_trait::async_trait]
        impl sea_orm_migration::MigrationTrait for Migration {
            async fn up(
                &self,
                manager: &sea_orm_migration::SchemaManager,
            ) -> Result<(), sea_orm_migration::prelude::DbErr> {
                crate::run(manager, $sql).await
            }
        }
    };
}
use migration;
