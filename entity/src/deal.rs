//! Deals: what accounts buy, or do not.

use crate::{
    Day, DealType, Instant, account::AccountId, lead::LeadId, pipeline::PipelineId, record::record, stage::StageId,
    user::UserId,
};

record! {
    /// A sales opportunity: open, won or lost.
    Deal(DealId = "deal") in "deal", "deals";
    owner Owner::Account { owner: Some("owner_id"), account: "account_id" };
    display Column "name";

    columns {
        /// Name of the deal.
        name: String => write().always_shown().sort().search().fold("name_fold");
        /// Fold key of the name.
        name_fold: String => physical();
        /// Value of the deal.
        amount_minor: Option<i64> => money("amount", "amount_currency").sort();
        /// Currency of the amount.
        amount_currency: Option<String> => physical();
        /// Type of the deal: new business, expansion or renewal.
        kind: DealType => write().sort().group().default(DealType::New.as_str());
        /// Expected close date.
        close_date: Option<Day> => write().sort();
        /// When the deal was opened; null if unknown. If omitted, it is set to the current time for a deal created in an open stage, is null for a deal created in a won or lost stage, and becomes null when an earlier `closedAt` is set. Must not be after `closedAt`, nor more than 24 hours in the future.
        opened_at: Option<Instant> => write().sort();
        /// When the deal was won or lost; null while it is open. Set when the deal moves to a won or lost stage, kept when it moves between such stages unless another time is given, and cleared when it is reopened. May be set to a past time, or to at most 24 hours in the future.
        closed_at: Option<Instant> => write().sort();
        /// Why the deal was won or lost.
        close_reason: Option<String> => write().group().max(1_000);
        /// Stage of the deal; determines the pipeline.
        stage_id: StageId => link("stage").always_shown();
        /// Pipeline of the deal, determined by the stage.
        pipeline_id: PipelineId => link("pipeline").always_shown().by_server();
        /// The buying account.
        account_id: Option<AccountId> => link("account");
        /// The lead that the deal originated from.
        lead_id: Option<LeadId> => link("lead");
        /// The owner of the deal. Must be an active user, unless the deal is won or lost.
        owner_id: Option<UserId> => link("owner");
    }
    links {}
    computed {
        /// Length of the sales cycle: days of 24 hours from `openedAt` to `closedAt`, rounded down; null while the deal is open or if `openedAt` is unknown.
        cycle_days: Option<i32> => expression(
            "CAST(({row}.closed_at - {row}.opened_at) / 86400000 AS integer)", &["closed_at", "opened_at"]
        ).sort();
    }
}
