//! Leads: pursuits of people at accounts.

use crate::{
    Instant, LeadStage, account::AccountId, contact::ContactId, persona::PersonaId, record::record, user::UserId,
};

record! {
    /// A potential sale to a contact at an account; either may be unknown.
    Lead(LeadId = "lead") in "lead", "leads";
    owner Owner::Account { owner: Some("owner_id"), account: "account_id" };
    display Column "name";

    columns {
        /// Name of the lead.
        name: String => write().always_shown().sort().search().fold("name_fold");
        /// Fold key of the name.
        name_fold: String => physical();
        /// Stage of the lead.
        stage: LeadStage => write().always_shown().sort().group().default(LeadStage::Raw.as_str());
        /// Source of the lead, e.g. `organic_search`; null if unknown.
        source: Option<String> => write().sort().group();
        /// Landing page of the lead.
        landing_page: Option<String> => write().group().max(2_000);
        /// Lead score, 0 to 100.
        score: Option<i32> => write().sort().range(0, 100);
        /// When the lead was received; may be in the past.
        received_at: Instant => write().always_shown().sort();
        /// Account of the lead.
        account_id: Option<AccountId> => link("account");
        /// Contact of the lead.
        contact_id: Option<ContactId> => link("contact");
        /// Persona that the contact matches.
        persona_id: Option<PersonaId> => link("persona");
        /// User responsible for the lead; must be active unless the stage is `WON`, `REJECTED` or `DISQUALIFIED`.
        owner_id: Option<UserId> => link("owner");
    }
    links {
        /// Deals that originated from the lead.
        deals: Deal Many { column: "lead_id" };
    }
}
