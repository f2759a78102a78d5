//! What holds for deals, whoever asks.

use entity::{Instant, LeadStage, StageCategory, deal};

use super::BEFORE_OPPORTUNITY;

/// Sets when the deal was closed: in an open stage it is not; moved to a closed one it is from now
/// on, unless another time is given.
pub fn close(
    deal: &mut deal::Model,
    before: Option<&deal::Model>,
    category: StageCategory,
    now: Instant,
) -> Result<(), &'static str> {
    let moved = before.is_some_and(|before| before.stage_id != deal.stage_id);
    let kept = before.is_some_and(|before| before.closed_at == deal.closed_at);
    match (category, deal.closed_at) {
        (StageCategory::Open, Some(_)) if moved && kept => deal.closed_at = None,
        (StageCategory::Won | StageCategory::Lost, Some(_)) if moved && kept => deal.closed_at = Some(now),
        (StageCategory::Open, Some(_)) => {
            return Err("A deal in an open stage is not closed; move it to a won or lost stage.");
        }
        (StageCategory::Won | StageCategory::Lost, None) => deal.closed_at = Some(now),
        _ => {}
    }
    Ok(())
}

/// How far ahead of the clock a deal's close may lie: clocks differ, and an import may give the
/// last moment of a day in any time zone.
const AHEAD: i64 = 24 * 60 * 60 * 1_000;

/// Whether a deal was closed at a time that can be. A time that stands there already stays.
pub fn closed_in_time(deal: &deal::Model, before: Option<&deal::Model>, now: Instant) -> Result<(), &'static str> {
    let kept = before.is_some_and(|before| before.closed_at == deal.closed_at);
    match deal.closed_at {
        Some(at) if !kept && at.0 > now.0.saturating_add(AHEAD) => {
            Err("A deal is closed at most 24 hours after now; when it should close is closeDate.")
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
