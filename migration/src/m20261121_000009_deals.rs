//! Pipelines, stages and deals.

crate::migration! {r#"
CREATE TABLE pipeline (
  id {id} PRIMARY KEY, name {text} NOT NULL, name_fold {text} NOT NULL, position {int} NOT NULL, {common}
);
CREATE UNIQUE INDEX pipeline_name ON pipeline (name_fold) WHERE archived_at IS NULL;

CREATE TABLE stage (
  id {id} PRIMARY KEY, pipeline_id {id} NOT NULL REFERENCES pipeline (id), name {text} NOT NULL, name_fold {text} NOT NULL,
  position {int} NOT NULL, category {text} NOT NULL, probability {int} NOT NULL, forecast_category {text} NOT NULL, {common}
);
CREATE UNIQUE INDEX stage_name ON stage (pipeline_id, name_fold) WHERE archived_at IS NULL;

CREATE TABLE deal (
  id {id} PRIMARY KEY, name {text} NOT NULL, name_fold {text} NOT NULL, amount_minor {bigint}, amount_currency {text},
  kind {text} NOT NULL, close_date {int}, closed_at {instant}, close_reason {text},
  stage_id {id} NOT NULL REFERENCES stage (id), pipeline_id {id} NOT NULL REFERENCES pipeline (id),
  account_id {id} REFERENCES account (id), lead_id {id} REFERENCES lead (id), owner_id {id} REFERENCES "user" (id), {common},
  CHECK ((amount_minor IS NULL) = (amount_currency IS NULL))
);
CREATE INDEX deal_account ON deal (account_id, id);
CREATE INDEX deal_lead ON deal (lead_id, id);
CREATE INDEX deal_owner ON deal (owner_id, id);
CREATE INDEX deal_stage ON deal (stage_id, id);
CREATE INDEX deal_worth ON deal (stage_id, amount_currency, amount_minor) WHERE archived_at IS NULL;
CREATE INDEX deal_pipeline ON deal (pipeline_id, id);
CREATE INDEX deal_close_date ON deal (close_date, id);
CREATE INDEX deal_closed ON deal (closed_at, id);
CREATE INDEX deal_name ON deal (name_fold, id);
CREATE INDEX deal_created ON deal (created_at, id);
"#}
