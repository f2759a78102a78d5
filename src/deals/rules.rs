//! What holds for deals, whoever asks.

use entity::{Instant, LeadStage, StageCategory, deal};

use super::BEFORE_OPPORTUNITY;

/// Sets when the deal was closed. In an open stage it is not; in a closed one it is since it first came to one, which
/// other closed stages do not change, unless another time is given.
pub fn close(
    deal: &mut deal::Model,
    before: Option<&deal::Model>,
    (category, given): (StageCategory, bool),
    now: Instant,
) -> Result<(), &'static str> {
    match category {
        StageCategory::Open if given && deal.closed_at.is_some() => {
            return Err("closedAt cannot be set in an open stage; move the deal to a won or lost stage.");
        }
        StageCategory::Open => deal.closed_at = None,
        StageCategory::Won | StageCategory::Lost => {
            let kept = deal.closed_at.or(before.and_then(|before| before.closed_at));
            deal.closed_at = Some(kept.unwrap_or(now));
        }
    }
    Ok(())
}

/// Sets when a deal was opened, where nothing is said: a new one now, unless it was closed before it came here; and of
/// one that is closed at a time before that, it is not known.
pub fn open(deal: &mut deal::Model, before: Option<&deal::Model>, given: bool, now: Instant) {
    match (before, deal.closed_at) {
        _ if given => {}
        (None, None) => deal.opened_at = Some(now),
        (Some(before), Some(closed)) if before.closed_at != deal.closed_at => {
            deal.opened_at = deal.opened_at.filter(|opened| *opened <= closed);
        }
        _ => {}
    }
}

/// Whether a deal was opened at a time that can be: not after it was closed, and not in the future.
pub fn opened_in_time(deal: &deal::Model, before: Option<&deal::Model>, now: Instant) -> Result<(), &'static str> {
    let kept = before.is_some_and(|before| (before.opened_at, before.closed_at) == (deal.opened_at, deal.closed_at));
    match (deal.opened_at, deal.closed_at) {
        _ if kept => Ok(()),
        (Some(opened), Some(closed)) if opened > closed => Err("openedAt must not be after closedAt."),
        (Some(opened), _) if opened.0 > now.0.saturating_add(AHEAD) => {
            Err("openedAt must be at most 24 hours in the future.")
        }
        _ => Ok(()),
    }
}

/// How far ahead of the clock a deal's close may lie: clocks differ, and an import may give the
/// last moment of a day in any time zone.
const AHEAD: i64 = 24 * 60 * 60 * 1_000;

/// Whether a deal was closed at a time that can be. A time that stands there already stays.
pub fn closed_in_time(deal: &deal::Model, before: Option<&deal::Model>, now: Instant) -> Result<(), &'static str> {
    let kept = before.is_some_and(|before| before.closed_at == deal.closed_at);
    match deal.closed_at {
        Some(at) if !kept && at.0 > now.0.saturating_add(AHEAD) => {
            Err("closedAt must be at most 24 hours in the future; use closeDate for the expected close date.")
        }
        _ => Ok(()),
    }
}

/// The stage that a lead goes to when a deal that came of it is in a stage of this category.
#[must_use]
pub fn lead_stage(stage: LeadStage, category: StageCategory) -> LeadStage {
    match category {
        StageCategory::Won => LeadStage::Won,
        StageCategory::Open if BEFORE_OPPORTUNITY.contains(&stage) => LeadStage::Opportunity,
        StageCategory::Open | StageCategory::Lost => stage,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_won_deal_wins_its_lead_and_a_lost_one_leaves_it() {
        assert_eq!(lead_stage(LeadStage::Mql, StageCategory::Won), LeadStage::Won);
        assert_eq!(lead_stage(LeadStage::Mql, StageCategory::Open), LeadStage::Opportunity);
        assert_eq!(lead_stage(LeadStage::Won, StageCategory::Open), LeadStage::Won);
        assert_eq!(lead_stage(LeadStage::Opportunity, StageCategory::Lost), LeadStage::Opportunity);
    }
}
