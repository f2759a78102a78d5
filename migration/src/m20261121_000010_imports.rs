//! Imports and what became of their rows.

crate::migration! {r#"
CREATE TABLE import_job (
  id {id} PRIMARY KEY, file_name {text} NOT NULL, resource {text} NOT NULL, dry_run {bool} NOT NULL, status {text} NOT NULL,
  rows {int} NOT NULL, processed {int} NOT NULL, created {int} NOT NULL, updated {int} NOT NULL, unchanged {int} NOT NULL,
  failed {int} NOT NULL, message {text}, finished_at {instant}, fingerprint {text} NOT NULL, map {text},
  user_id {id} NOT NULL REFERENCES "user" (id), {common}
);
CREATE INDEX import_job_user ON import_job (user_id, id);
CREATE INDEX import_job_fingerprint ON import_job (fingerprint);

CREATE TABLE import_row (
  job_id {id} NOT NULL REFERENCES import_job (id), line {int} NOT NULL, status {text} NOT NULL, record_id {id}, message {text},
  PRIMARY KEY (job_id, line)
);
"#}
