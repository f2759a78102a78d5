//! Leads: pursuits of people at accounts.

use crate::{
    Instant, LeadStage, account::AccountId, contact::ContactId, persona::PersonaId, record::record, user::UserId,
};

record! {
    /// One pursuit of one contact at one account. Either may still be unknown.
    Lead(LeadId = "lead") in "lead", "leads";
    owner Owner::Account { owner: Some("owner_id"), account: "account_id" };

    columns {
        /// What the lead is called in lists.
        name: String => write().always_shown().sort().search().fold("name_fold");
        /// Fold key of the name.
        name_fold: String => physical();
        /// How far the pursuit has come.
        stage: LeadStage => write().always_shown().sort().group().default(LeadStage::Raw.as_str());
        /// Where the lead came from, `organic_search`; null where nobody said.
        source: Option<String> => write().sort().group();
        /// The page on which the lead arrived.
        landing_page: Option<String> => write().group().max(2_000);
        /// How promising the lead is, 0 to 100.
        score: Option<i32> => write().sort().range(0, 100);
        /// When the lead arrived; may lie in the past.
        received_at: Instant => write().always_shown().sort();
        /// The account pursued.
        account_id: Option<AccountId> => link("account");
        /// The person pursued.
        contact_id: Option<ContactId> => link("contact");
        /// The persona the person matches.
        persona_id: Option<PersonaId> => link("persona");
        /// Who follows the lead up; somebody active, unless its stage is `WON`, `REJECTED` or `DISQUALIFIED`.
        owner_id: Option<UserId> => link("owner");
    }
    links {
        /// The deals that came of it.
        deals: Deal Many { column: "lead_id" };
    }
}
