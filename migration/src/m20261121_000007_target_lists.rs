//! Target-account lists and their members.

crate::migration! {r#"
CREATE TABLE target_account_list (
  id {id} PRIMARY KEY, name {text} NOT NULL, name_fold {text} NOT NULL, description {text}, kind {text} NOT NULL,
  filter {json}, program {text}, capacity {int}, marketing_owner_id {id} REFERENCES "user" (id),
  sales_owner_id {id} REFERENCES "user" (id), {common}
);
CREATE INDEX target_account_list_name ON target_account_list (name_fold, id);
CREATE INDEX target_account_list_marketing ON target_account_list (marketing_owner_id);
CREATE INDEX target_account_list_sales ON target_account_list (sales_owner_id);

CREATE TABLE target_account_list_member (
  id {id} PRIMARY KEY, list_id {id} NOT NULL REFERENCES target_account_list (id),
  account_id {id} NOT NULL REFERENCES account (id), reason {text}, since {int}, until {int}, {common}
);
CREATE UNIQUE INDEX target_account_list_member_pair ON target_account_list_member (list_id, account_id) WHERE archived_at IS NULL;
CREATE INDEX target_account_list_member_account ON target_account_list_member (account_id, list_id);
"#}
