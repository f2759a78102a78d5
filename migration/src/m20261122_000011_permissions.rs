//! Roles that can be edited, API keys, identities of the company's issuer, invitations.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

/// This capability's tables.
#[derive(Debug, DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let postgres = manager.get_connection().get_database_backend() == DbBackend::Postgres;
        crate::run(manager, ROLES).await?;
        crate::run(manager, if postgres { FOLD_POSTGRES } else { FOLD_SQLITE }).await?;
        crate::run(manager, EVERYWHERE).await
    }
}

const ROLES: &str = r"
ALTER TABLE role ADD COLUMN copied_from_id {id} REFERENCES role (id);
ALTER TABLE role ADD COLUMN grants {json} NOT NULL DEFAULT '[]';
ALTER TABLE role ADD COLUMN field_rules {json} NOT NULL DEFAULT '[]';
CREATE INDEX role_copied_from ON role (copied_from_id)
";

/// A role's permissions move into the role's own row, so that a change of them is one event.
const FOLD_POSTGRES: &str = r"
UPDATE role SET grants = COALESCE((SELECT jsonb_agg(p.resource || ':' || p.action || ':' || p.reach ORDER BY p.resource, p.action)
  FROM role_permission p WHERE p.role_id = role.id), '[]'::jsonb);
UPDATE role SET field_rules = COALESCE((SELECT jsonb_agg(f.resource || ':' || f.field || ':' || f.rule ORDER BY f.resource, f.field)
  FROM role_field f WHERE f.role_id = role.id), '[]'::jsonb)
";

const FOLD_SQLITE: &str = r"
UPDATE role SET grants = (SELECT json_group_array(p.spelled) FROM
  (SELECT resource || ':' || action || ':' || reach AS spelled FROM role_permission WHERE role_id = role.id ORDER BY resource, action) p);
UPDATE role SET field_rules = (SELECT json_group_array(f.spelled) FROM
  (SELECT resource || ':' || field || ':' || rule AS spelled FROM role_field WHERE role_id = role.id ORDER BY resource, field) f)
";

const EVERYWHERE: &str = r#"
DROP TABLE role_permission;
DROP TABLE role_field;
ALTER TABLE role_assignment ADD COLUMN from_issuer {bool} NOT NULL DEFAULT FALSE;

CREATE TABLE api_key (
  id {id} PRIMARY KEY, name {text} NOT NULL, name_fold {text} NOT NULL, role_id {id} NOT NULL REFERENCES role (id),
  owner_id {id} NOT NULL REFERENCES "user" (id), prefix {text} NOT NULL, expires_at {instant} NOT NULL,
  allowed_networks {json} NOT NULL, last_used_at {instant}, rotated_at {instant}, revoked_at {instant}, {common}
);
CREATE INDEX api_key_role ON api_key (role_id);
CREATE INDEX api_key_owner ON api_key (owner_id, id);
CREATE TABLE api_key_secret (
  hash {text} PRIMARY KEY, api_key_id {id} NOT NULL REFERENCES api_key (id), created_at {instant} NOT NULL, ends_at {instant}
);
CREATE INDEX api_key_secret_key ON api_key_secret (api_key_id);
ALTER TABLE event ADD COLUMN api_key_id {id};

CREATE TABLE issuer_identity (
  issuer {text} NOT NULL, subject {text} NOT NULL, user_id {id} NOT NULL REFERENCES "user" (id), roles {text} NOT NULL,
  claimed_at {instant} NOT NULL, PRIMARY KEY (issuer, subject)
);
CREATE INDEX issuer_identity_user ON issuer_identity (user_id);

CREATE TABLE invitation (
  user_id {id} PRIMARY KEY REFERENCES "user" (id), hash {text} NOT NULL UNIQUE, created_at {instant} NOT NULL,
  expires_at {instant} NOT NULL
)
"#;
