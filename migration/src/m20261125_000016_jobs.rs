//! Work that outlives a request: the queue of jobs, and the files of imports that wait for their turn.

crate::migration! {r"
CREATE TABLE job (
  id {id} PRIMARY KEY, kind {text} NOT NULL, payload {text} NOT NULL, progress {text} NOT NULL, run_at {instant} NOT NULL,
  lease_until {instant}, holder {id}, attempts {int} NOT NULL, error {text}, finished_at {instant},
  created_at {instant} NOT NULL, updated_at {instant} NOT NULL
);
CREATE INDEX job_due ON job (run_at, id) WHERE finished_at IS NULL;

CREATE TABLE import_file (
  upload_id {id} NOT NULL, part {int} NOT NULL, import_job_id {id} NOT NULL REFERENCES import_job (id), bytes {bytes} NOT NULL,
  created_at {instant} NOT NULL, PRIMARY KEY (upload_id, part)
);
CREATE INDEX import_file_import_job ON import_file (import_job_id);

ALTER TABLE import_job ADD COLUMN upload_id {id};
ALTER TABLE import_job ADD COLUMN file_hash {text};
UPDATE import_job SET status = 'FAILED', version = version + 1, finished_at = updated_at,
  message = 'The server stopped during the import: start the same import again to continue.' WHERE status = 'RUNNING';
"}
