//! What roles permit, who reaches whom, and how people sign in.

crate::migration! {r#"
CREATE TABLE role_permission (
  role_id {id} NOT NULL REFERENCES role (id), resource {text} NOT NULL, action {text} NOT NULL, reach {text} NOT NULL,
  PRIMARY KEY (role_id, resource, action)
);
CREATE TABLE role_field (
  role_id {id} NOT NULL REFERENCES role (id), resource {text} NOT NULL, field {text} NOT NULL, rule {text} NOT NULL,
  PRIMARY KEY (role_id, resource, field)
);
CREATE TABLE user_reach (
  user_id {id} NOT NULL REFERENCES "user" (id), member_id {id} NOT NULL REFERENCES "user" (id),
  PRIMARY KEY (user_id, member_id)
);
CREATE TABLE credential (
  user_id {id} PRIMARY KEY REFERENCES "user" (id), password_hash {text} NOT NULL, changed_at {instant} NOT NULL
);
CREATE TABLE session (
  id {id} PRIMARY KEY, user_id {id} NOT NULL REFERENCES "user" (id), user_agent {text}, address {text},
  last_used_at {instant} NOT NULL, expires_at {instant} NOT NULL, revoked_at {instant}, {common}
);
CREATE INDEX session_person ON session (user_id, id);
CREATE TABLE refresh_token (
  hash {text} PRIMARY KEY, session_id {id} NOT NULL REFERENCES session (id), issued_at {instant} NOT NULL,
  expires_at {instant} NOT NULL, used_at {instant}
);
CREATE INDEX refresh_token_session ON refresh_token (session_id);
CREATE TABLE signing_key (
  kid {text} PRIMARY KEY, secret {text} NOT NULL, created_at {instant} NOT NULL, retired_at {instant}
);
CREATE TABLE sign_in_attempt (
  key {text} PRIMARY KEY, failures {int} NOT NULL, window_started_at {instant} NOT NULL
);
"#}
