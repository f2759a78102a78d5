//! When deals were opened, and the index by which lists are ordered by the length of the sales cycle.

crate::migration! {r"
ALTER TABLE deal ADD COLUMN opened_at {instant};
UPDATE deal SET opened_at = created_at WHERE closed_at IS NULL OR closed_at >= created_at;
CREATE INDEX deal_opened ON deal (opened_at, id);
CREATE INDEX deal_cycle ON deal ((CAST((closed_at - opened_at) / 86400000 AS integer)), id);
"}
