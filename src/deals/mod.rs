//! Deals, and the pipelines and stages they go through.

pub mod rules;
pub mod seed;

use entity::{Kind, LeadStage, Record, StageCategory, deal, lead, pipeline, stage};
use futures_util::future::BoxFuture;

use crate::{
    access::{Action, Purpose},
    error::{Error, Result, UserCode, UserError},
    store::{Change, Draft, Lock, Problems, Rules, Slice, Verbs},
};

/// Deals.
pub static DEAL: Slice<deal::Entity> = Slice::new(Verbs::ALL);
/// Pipelines.
pub static PIPELINE: Slice<pipeline::Entity> = Slice::new(Verbs::ALL);
/// Their stages.
pub static STAGE: Slice<stage::Entity> = Slice::new(Verbs::ALL);

impl Rules for deal::Entity {
    /// The pipeline follows from the stage, and so does whether the deal is closed.
    fn settle<'a>(
        change: &'a mut Change,
        row: &'a mut deal::Model,
        before: Option<&'a deal::Model>,
        draft: &'a Draft,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if before.is_none_or(|before| before.stage_id != row.stage_id) {
                takes_deals(change, row).await?;
            }
            let stage = stage_of(change, row).await?;
            row.pipeline_id = stage.pipeline_id;
            // The lead follows the deal, so tying them takes the right to change the lead.
            if let Some(lead) = row.lead_id.filter(|lead| before.is_none_or(|before| before.lead_id != Some(*lead))) {
                change.must_reach(Kind::Lead, lead.0, Action::Update).await?;
            }
            let (now, given) = (change.store().now(), draft.get(deal::Entity::table(), "closed_at").is_some());
            rules::close(row, before, (stage.category, given), now)
                .and_then(|()| rules::closed_in_time(row, before, now))
                .map_err(|why| Error::input(UserCode::Invalid, "closedAt", why))?;
            let given = draft.get(deal::Entity::table(), "opened_at").is_some();
            rules::open(row, before, given, now);
            rules::opened_in_time(row, before, now).map_err(|why| Error::input(UserCode::Invalid, "openedAt", why))
        })
    }

    /// A deal that is won or lost.
    fn past(row: &deal::Model) -> bool {
        row.closed_at.is_some()
    }

    fn check(row: &deal::Model, _: Option<&deal::Model>, problems: &mut Problems) {
        if row.amount_minor.is_some_and(|amount| amount < 0) {
            problems.add(UserCode::OutOfRange, "amount", "amount must not be negative.");
        }
    }

    /// The lead a deal came of goes along with it.
    fn after<'a>(
        change: &'a mut Change,
        row: &'a deal::Model,
        before: Option<&'a deal::Model>,
        _: &'a Draft,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let unmoved = before.is_some_and(|before| (before.stage_id, before.lead_id) == (row.stage_id, row.lead_id));
            let Some(lead) = row.lead_id.filter(|_| !unmoved) else { return Ok(()) };
            let category = stage_of(change, row).await?.category;
            let follow = async |change: &mut Change| {
                let Some(stage) = change
                    .unscoped_rows::<lead::Entity>("id", lead)
                    .await?
                    .first()
                    .map(|lead| rules::lead_stage(lead.stage, category))
                else {
                    return Ok(());
                };
                change.edit::<lead::Entity>(lead.0, |lead| lead.stage = stage).await.map(|_| ())
            };
            change.as_system(Purpose::SideEffect, follow).await
        })
    }
}

/// A deal goes only into a live stage of a live pipeline, and neither is archived before the deal is seen in it.
async fn takes_deals(change: &Change, row: &deal::Model) -> Result<()> {
    // A stage that is gone is told by whoever reads it.
    if !change.keep_live::<stage::Entity>(row.stage_id.0).await? {
        return Ok(());
    }
    if change.keep_live::<pipeline::Entity>(stage_of(change, row).await?.pipeline_id.0).await? {
        return Ok(());
    }
    let message = "The pipeline of this stage is archived; restore it, or choose a stage of another pipeline.";
    Err(UserError::new(UserCode::Invalid, "stageId", message).because("PIPELINE_ARCHIVED").into())
}

async fn stage_of(change: &Change, row: &deal::Model) -> Result<stage::Model> {
    let stage = change.unscoped_rows::<stage::Entity>("id", row.stage_id).await?.into_iter().next();
    stage.ok_or_else(|| {
        Error::input(UserCode::NotFound, "stageId", "There is no Stage with this id, or it is archived.")
    })
}

impl Rules for pipeline::Entity {
    fn before_archive<'a>(change: &'a mut Change, row: &'a pipeline::Model) -> BoxFuture<'a, Result<()>> {
        Box::pin(unused(change, "pipeline_id", row.id.0))
    }
}

impl Rules for stage::Entity {
    fn settle<'a>(
        change: &'a mut Change,
        row: &'a mut stage::Model,
        before: Option<&'a stage::Model>,
        _: &'a Draft,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if before.is_some_and(|before| before.name == row.name) {
                return Ok(());
            }
            change.lock(Lock::Within(Kind::Stage, row.pipeline_id.0)).await?;
            let stages = change.unscoped_rows::<stage::Entity>("pipeline_id", row.pipeline_id).await?;
            let name = crate::store::key(&row.name);
            match stages.iter().find(|other| other.id != row.id && crate::store::key(&other.name) == name) {
                Some(other) => {
                    let taken =
                        UserError::new(UserCode::Taken, "name", "Another stage of the pipeline already has this name.");
                    Err(taken.against(Kind::Stage, other.id.0).into())
                }
                None => Ok(()),
            }
        })
    }

    fn check(row: &stage::Model, _: Option<&stage::Model>, problems: &mut Problems) {
        let certain = match row.category {
            StageCategory::Open => None,
            StageCategory::Won => Some(100),
            StageCategory::Lost => Some(0),
        };
        if let Some(certain) = certain.filter(|certain| *certain != row.probability) {
            problems.add(
                UserCode::Invalid,
                "probability",
                format!("The probability of a {} stage must be {certain}.", row.category.as_str()),
            );
        }
    }

    fn before_archive<'a>(change: &'a mut Change, row: &'a stage::Model) -> BoxFuture<'a, Result<()>> {
        Box::pin(unused(change, "stage_id", row.id.0))
    }
}

async fn unused(change: &Change, column: &str, id: sea_orm::prelude::Uuid) -> Result<()> {
    match change.unscoped_count(Kind::Deal, column, id).await? {
        0 => Ok(()),
        // How many is not for everybody to know.
        _ => Err(Error::input(UserCode::InUse, "id", "The stage still contains non-archived deals; move them first.")),
    }
}

/// The stages of a lead that a deal carries on to OPPORTUNITY.
pub const BEFORE_OPPORTUNITY: [LeadStage; 6] =
    [LeadStage::Raw, LeadStage::Inquiry, LeadStage::Mql, LeadStage::Sal, LeadStage::Sql, LeadStage::Recycled];
