//! The pipeline that a database without any begins with.

use std::sync::Arc;

use entity::{
    ForecastCategory::{self, BestCase, Closed, Commit, Omitted},
    Kind, Record,
    StageCategory::{self, Lost, Open, Won},
    pipeline, stage,
};

use crate::{
    access::Purpose,
    error::{Error, Result},
    store::{Backend, Draft},
};

/// Name, probability, category and forecast category of the stages, in their order.
const STAGES: [(&str, i32, StageCategory, ForecastCategory); 6] = [
    ("Discovery", 10, Open, ForecastCategory::Pipeline),
    ("Evaluation", 30, Open, ForecastCategory::Pipeline),
    ("Proposal", 50, Open, BestCase),
    ("Negotiation", 70, Open, Commit),
    ("Won", 100, Won, Closed),
    ("Lost", 0, Lost, Omitted),
];

/// Creates the pipeline "New business" where there has never been a pipeline, so that deals can be
/// entered and imported at once.
pub async fn default_pipeline(backend: &Arc<Backend>) -> Result<()> {
    let mut change = backend.as_system(Purpose::CommandLine).begin().await?;
    if !change.never(Kind::Pipeline).await? {
        return Ok(());
    }
    let mut draft = Draft::default();
    draft.set(pipeline::Entity::table(), "name", "New business");
    let pipeline = match change.create::<pipeline::Entity>(draft).await {
        Ok(pipeline) => pipeline,
        // Another process was faster.
        Err(Error::Input(_)) => return Ok(()),
        Err(error) => return Err(error),
    };
    for (position, (name, probability, category, forecast)) in (0_i32..).zip(STAGES) {
        let (table, mut draft) = (stage::Entity::table(), Draft::default());
        draft.set(table, "pipeline_id", pipeline.id);
        draft.set(table, "name", name);
        draft.set(table, "position", position);
        draft.set(table, "category", category.as_str());
        draft.set(table, "probability", probability);
        draft.set(table, "forecast_category", forecast.as_str());
        change.create::<stage::Entity>(draft).await?;
    }
    change.commit().await
}
