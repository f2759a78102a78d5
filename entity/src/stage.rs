//! Stages of pipelines.

use crate::{ForecastCategory, StageCategory, pipeline::PipelineId, record::record};

record! {
    /// A stage of a pipeline.
    Stage(StageId = "stag") in "stage", "stages";
    owner Owner::Parts(&[("pipeline_id", crate::Kind::Pipeline)]);
    display Column "name";

    columns {
        /// The pipeline.
        pipeline_id: PipelineId => link("pipeline").always_shown().fixed();
        /// Name of the stage; unique within the pipeline.
        name: String => write().always_shown().sort().search().fold("name_fold").key("name_key");
        /// Fold key of the name.
        name_fold: String => physical();
        /// Key by which names are the same; empty where another stage had the name before names were compared so.
        name_key: Option<String> => physical();
        /// Sort position in the pipeline, lowest first.
        position: i32 => write().always_shown().sort().range(0, 10_000);
        /// Whether deals in the stage are open, won or lost.
        category: StageCategory => create().sort().group();
        /// Win probability of deals in the stage, in percent.
        probability: i32 => write().sort().range(0, 100);
        /// Forecast category of deals in the stage.
        forecast_category: ForecastCategory => write().group().default(ForecastCategory::Pipeline.as_str());
    }
    links {
        /// Deals in the stage.
        deals: Deal Many { column: "stage_id" };
    }
}
