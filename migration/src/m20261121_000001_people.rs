//! People, teams and the roles they hold.

crate::migration! {r#"
CREATE TABLE "user" (
  id {id} PRIMARY KEY, name {text} NOT NULL, name_fold {text} NOT NULL, email {text}, title {text},
  department {text} NOT NULL, status {text} NOT NULL, {common}
);
CREATE UNIQUE INDEX user_email ON "user" (email) WHERE archived_at IS NULL;
CREATE INDEX user_name ON "user" (name_fold, id);

CREATE TABLE team (
  id {id} PRIMARY KEY, name {text} NOT NULL, name_fold {text} NOT NULL, department {text} NOT NULL,
  parent_id {id} REFERENCES team (id), {common}
);
CREATE INDEX team_parent ON team (parent_id);

CREATE TABLE team_membership (
  id {id} PRIMARY KEY, team_id {id} NOT NULL REFERENCES team (id), user_id {id} NOT NULL REFERENCES "user" (id),
  leads {bool} NOT NULL, {common}
);
CREATE UNIQUE INDEX team_membership_pair ON team_membership (team_id, user_id) WHERE archived_at IS NULL;
CREATE INDEX team_membership_user ON team_membership (user_id);

CREATE TABLE role (
  id {id} PRIMARY KEY, key {text} NOT NULL, name {text} NOT NULL, name_fold {text} NOT NULL, description {text},
  built_in {bool} NOT NULL, {common}
);
CREATE UNIQUE INDEX role_key ON role (key) WHERE archived_at IS NULL;

CREATE TABLE role_assignment (
  id {id} PRIMARY KEY, role_id {id} NOT NULL REFERENCES role (id), user_id {id} NOT NULL REFERENCES "user" (id), {common}
);
CREATE UNIQUE INDEX role_assignment_pair ON role_assignment (role_id, user_id) WHERE archived_at IS NULL;
CREATE INDEX role_assignment_user ON role_assignment (user_id);
"#}
