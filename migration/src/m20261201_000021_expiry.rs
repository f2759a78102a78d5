//! The indexes by which what is past its time is found.

crate::migration! {r"
CREATE INDEX refresh_token_expires ON refresh_token (expires_at);
CREATE INDEX invitation_expires ON invitation (expires_at);
CREATE INDEX job_finished ON job (finished_at) WHERE finished_at IS NOT NULL;
"}
