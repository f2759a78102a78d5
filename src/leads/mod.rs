//! Leads: pursuits of people at accounts.

use entity::{Instant, LeadStage, Record, lead};

use crate::{
    access::Actor,
    store::{Draft, Rules, Slice, Verbs},
};

/// Leads.
pub static LEAD: Slice<lead::Entity> = Slice::new(Verbs::ALL);

impl Rules for lead::Entity {
    /// A lead arrives now unless it is said to have arrived before.
    fn complete(draft: &mut Draft, _: &Actor, now: Instant) {
        if draft.get(lead::Entity::table(), "received_at").is_none() {
            draft.set(lead::Entity::table(), "received_at", now.0);
        }
    }

    /// A lead whose pursuit has ended. One that was given back to marketing goes on.
    fn past(row: &lead::Model) -> bool {
        matches!(row.stage, LeadStage::Won | LeadStage::Rejected | LeadStage::Disqualified)
    }

    fn completes(column: &str) -> bool {
        column == "received_at"
    }
}
