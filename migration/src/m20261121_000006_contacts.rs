//! Contacts and where they work.

crate::migration! {r"
CREATE TABLE contact (
  id {id} PRIMARY KEY, name {text} NOT NULL, name_fold {text} NOT NULL, first_name {text}, last_name {text}, email {text},
  phone {text}, title {text}, seniority {text}, department {text}, persona_id {id} REFERENCES persona (id), {common}
);
CREATE UNIQUE INDEX contact_email ON contact (email) WHERE archived_at IS NULL;
CREATE INDEX contact_name ON contact (name_fold, id);
CREATE INDEX contact_persona ON contact (persona_id, id);
CREATE INDEX contact_created ON contact (created_at, id);

CREATE TABLE account_contact (
  id {id} PRIMARY KEY, account_id {id} NOT NULL REFERENCES account (id), contact_id {id} NOT NULL REFERENCES contact (id),
  is_primary {bool} NOT NULL, title {text}, since {int}, until {int}, {common}
);
CREATE UNIQUE INDEX account_contact_pair ON account_contact (account_id, contact_id) WHERE archived_at IS NULL;
CREATE UNIQUE INDEX account_contact_primary ON account_contact (contact_id) WHERE is_primary AND archived_at IS NULL;
CREATE INDEX account_contact_contact ON account_contact (contact_id, account_id);
"}
