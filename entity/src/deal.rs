//! Deals: what accounts buy, or do not.

use crate::{
    Day, DealType, Instant, account::AccountId, lead::LeadId, pipeline::PipelineId, record::record, stage::StageId,
    user::UserId,
};

record! {
    /// A possible or decided sale.
    Deal(DealId = "deal") in "deal", "deals";
    owner Owner::Account { owner: Some("owner_id"), account: "account_id" };

    columns {
        /// Name of the deal.
        name: String => write().always_shown().sort().search().fold("name_fold");
        /// Fold key of the name.
        name_fold: String => physical();
        /// What the deal is worth.
        amount_minor: Option<i64> => money("amount", "amount_currency").sort();
        /// Currency of the amount.
        amount_currency: Option<String> => physical();
        /// New business, expansion or renewal.
        kind: DealType => write().sort().group().default(DealType::New.as_str());
        /// The day the deal is expected to close.
        close_date: Option<Day> => write().sort();
        /// When the deal was won or lost; null while it is open. Set when the deal comes to a won or lost stage, kept when it moves between these unless another time is given, cleared when it is reopened. May be given for deals closed in the past, and at most 24 hours after now.
        closed_at: Option<Instant> => write().sort();
        /// Why the deal was won or lost.
        close_reason: Option<String> => write().group().max(1_000);
        /// Its stage; the pipeline follows from it.
        stage_id: StageId => link("stage").always_shown();
        /// Its pipeline, which follows from the stage.
        pipeline_id: PipelineId => link("pipeline").always_shown().by_server();
        /// The account that buys.
        account_id: Option<AccountId> => link("account");
        /// The lead it came of.
        lead_id: Option<LeadId> => link("lead");
        /// Who answers for the deal; somebody active, unless the deal is won or lost.
        owner_id: Option<UserId> => link("owner");
    }
    links {}
}
