//! Personas and stories.

crate::migration! {r#"
CREATE TABLE persona (
  id {id} PRIMARY KEY, name {text} NOT NULL, name_fold {text} NOT NULL, description {text},
  goals {json} NOT NULL, pains {json} NOT NULL, questions {json} NOT NULL, objections {json} NOT NULL,
  buying_role {text}, seniority {text}, job_department {text}, department {text} NOT NULL,
  owner_id {id} REFERENCES "user" (id), {common}
);
CREATE INDEX persona_name ON persona (name_fold, id);
CREATE INDEX persona_owner ON persona (owner_id);

CREATE TABLE story (
  id {id} PRIMARY KEY, title {text} NOT NULL, title_fold {text} NOT NULL, message {text}, body {text},
  core_id {id} REFERENCES story (id), persona_id {id} REFERENCES persona (id), motion {text},
  department {text} NOT NULL, owner_id {id} REFERENCES "user" (id), {common}
);
CREATE INDEX story_title ON story (title_fold, id);
CREATE INDEX story_core ON story (core_id);
CREATE INDEX story_persona ON story (persona_id);
CREATE INDEX story_owner ON story (owner_id);
"#}
