//! Leads.

crate::migration! {r#"
CREATE TABLE lead (
  id {id} PRIMARY KEY, name {text} NOT NULL, name_fold {text} NOT NULL, stage {text} NOT NULL, source {text}, landing_page {text},
  score {int}, received_at {instant} NOT NULL, account_id {id} REFERENCES account (id),
  contact_id {id} REFERENCES contact (id), persona_id {id} REFERENCES persona (id), owner_id {id} REFERENCES "user" (id), {common}
);
CREATE INDEX lead_account ON lead (account_id, id);
CREATE INDEX lead_contact ON lead (contact_id, id);
CREATE INDEX lead_persona ON lead (persona_id, id);
CREATE INDEX lead_owner ON lead (owner_id, id);
CREATE INDEX lead_received ON lead (received_at, id);
CREATE INDEX lead_stage ON lead (stage, id);
CREATE INDEX lead_name ON lead (name_fold, id);
CREATE INDEX lead_created ON lead (created_at, id);
"#}
