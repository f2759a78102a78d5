//! Pipelines: the ways deals go.

use crate::record::record;

record! {
    /// An ordered set of stages that deals go through.
    Pipeline(PipelineId = "pipe") in "pipeline", "pipelines";
    owner Owner::Nobody;
    display Column "name";

    columns {
        /// Name of the pipeline.
        name: String => write().always_shown().sort().search().fold("name_fold").key("name_key").unique();
        /// Fold key of the name.
        name_fold: String => physical();
        /// Key by which names are the same; empty where another pipeline had the name before names were compared so.
        name_key: Option<String> => physical();
        /// Sort position among pipelines, lowest first.
        position: i32 => write().always_shown().sort().range(0, 10_000).default(0);
    }
    links {
        /// Stages of the pipeline.
        stages: Stage Many { column: "pipeline_id" };
        /// Deals in the pipeline.
        deals: Deal Many { column: "pipeline_id" };
    }
}
