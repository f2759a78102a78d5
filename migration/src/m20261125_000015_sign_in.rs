//! Failed sign-ins by person and place. The counts of before, good for 15 minutes, are forgotten.

crate::migration! {r"
DROP TABLE sign_in_attempt;
CREATE TABLE sign_in_failure (key {text} PRIMARY KEY, failures {int} NOT NULL, last_at {instant} NOT NULL);
CREATE INDEX sign_in_failure_last ON sign_in_failure (last_at)
"}
