//! What Tandem brought of a role, so that a later version can tell whether admins have edited it; and passwords that
//! must be changed.
//!
//! A built-in role of which no event tells that its permissions or field rules were changed is as it was brought.

crate::migration! {r#"
ALTER TABLE role ADD COLUMN brought_grants {json};
ALTER TABLE role ADD COLUMN brought_field_rules {json};
ALTER TABLE credential ADD COLUMN must_change {bool} NOT NULL DEFAULT FALSE;
UPDATE role SET brought_grants = grants, brought_field_rules = field_rules
 WHERE built_in AND NOT EXISTS (SELECT 1 FROM event e WHERE e.subject_kind = 'Role' AND e.subject_id = role.id
   AND e.action = 'UPDATED' AND (CAST(e.changes AS text) LIKE '%"grants"%' OR CAST(e.changes AS text) LIKE '%"fieldRules"%'))
"#}
