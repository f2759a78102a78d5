//! The hand-over of what somebody owned who has left, and an index for whoever leaves a team.

crate::migration! {r#"
CREATE TABLE user_handover (
  id {id} PRIMARY KEY, user_id {id} NOT NULL REFERENCES "user" (id), started_by_id {id} REFERENCES "user" (id),
  plan {text} NOT NULL, status {text} NOT NULL, total {int} NOT NULL, done {int} NOT NULL, handed_over {int} NOT NULL,
  failed {int} NOT NULL, message {text}, created_at {instant} NOT NULL, finished_at {instant}
);
CREATE INDEX user_handover_user ON user_handover (user_id, id);
CREATE INDEX user_handover_started_by ON user_handover (started_by_id, id);

CREATE INDEX user_reach_member ON user_reach (member_id);

CREATE TABLE user_handover_failure (
  handover_id {id} NOT NULL REFERENCES user_handover (id), resource {text} NOT NULL, record_id {id} NOT NULL,
  reason {text}, message {text} NOT NULL, PRIMARY KEY (handover_id, record_id)
)
"#}
