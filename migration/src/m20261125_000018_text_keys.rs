//! The keys by which names are the same, apart from those by which they are found, and which rules the stored texts and
//! keys follow. The server brings the stored ones to its own: keys come of Unicode's tables, which SQL does not have.

crate::migration! {r"
DROP INDEX pipeline_name;
DROP INDEX stage_name;
ALTER TABLE pipeline ADD COLUMN name_key {text};
ALTER TABLE stage ADD COLUMN name_key {text};
CREATE UNIQUE INDEX pipeline_name_key ON pipeline (name_key) WHERE archived_at IS NULL;
CREATE UNIQUE INDEX stage_name_key ON stage (pipeline_id, name_key) WHERE archived_at IS NULL;

CREATE TABLE text_form (one {bool} PRIMARY KEY DEFAULT TRUE CHECK (one), version {int} NOT NULL);
INSERT INTO text_form (version) VALUES (0);
"}
