//! Accounts, their further domains and their teams.

crate::migration! {r#"
CREATE TABLE account (
  id {id} PRIMARY KEY, name {text} NOT NULL, name_fold {text} NOT NULL, domain {text}, website {text}, industry {text},
  employee_count {int}, annual_revenue_minor {bigint}, annual_revenue_currency {text}, country {text}, city {text},
  description {text}, tier {text}, stage {text} NOT NULL, fit_score {int}, intent_score {int},
  parent_id {id} REFERENCES account (id), owner_id {id} REFERENCES "user" (id), {common},
  CHECK ((annual_revenue_minor IS NULL) = (annual_revenue_currency IS NULL))
);
CREATE UNIQUE INDEX account_domain_live ON account (domain) WHERE archived_at IS NULL;
CREATE INDEX account_name ON account (name_fold, id);
CREATE INDEX account_owner ON account (owner_id, id);
CREATE INDEX account_parent ON account (parent_id);
CREATE INDEX account_created ON account (created_at, id);
CREATE INDEX account_updated ON account (updated_at, id);
CREATE INDEX account_industry ON account (industry, name_fold, id);
CREATE INDEX account_stage ON account (stage, id);
CREATE INDEX account_employees ON account (employee_count, id);

CREATE TABLE account_domain (
  id {id} PRIMARY KEY, account_id {id} NOT NULL REFERENCES account (id), domain {text} NOT NULL, {common}
);
CREATE UNIQUE INDEX account_domain_domain ON account_domain (domain) WHERE archived_at IS NULL;
CREATE INDEX account_domain_account ON account_domain (account_id, id);

CREATE TABLE account_team_member (
  id {id} PRIMARY KEY, account_id {id} NOT NULL REFERENCES account (id), user_id {id} NOT NULL REFERENCES "user" (id),
  role {text}, {common}
);
CREATE UNIQUE INDEX account_team_member_pair ON account_team_member (account_id, user_id) WHERE archived_at IS NULL;
CREATE INDEX account_team_member_user ON account_team_member (user_id, account_id);
"#}
