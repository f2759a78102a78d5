//! What may be asked of the bench on its command line.

use std::{path::PathBuf, time::Duration};

use clap::Parser;

use crate::{cases::Case, engine::Engine};

/// Measures Tandem beside the floor.
#[derive(Debug, Parser)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line")]
pub struct Options {
    /// A tenth of the data and shorter rounds.
    #[arg(long)]
    pub quick: bool,
    /// `sqlite`, `postgres` or `both`.
    #[arg(long, default_value = "both", value_parser = ["sqlite", "postgres", "both"])]
    pub engine: String,
    /// Numbers of connections, one measurement each.
    #[arg(long, value_delimiter = ',', default_value = "1,16")]
    pub connections: Vec<u16>,
    /// Only these cases.
    #[arg(long, value_delimiter = ',', value_enum)]
    pub only: Vec<Case>,
    /// Without Tandem's server.
    #[arg(long)]
    pub floor_only: bool,
    /// Measures somebody with this many roles beside the administrator, instead of Tandem beside the floor.
    #[arg(long, conflicts_with_all = ["floor_only", "explain"])]
    pub roles: Option<u32>,
    /// Prints the plans of the floor's statements instead of measuring.
    #[arg(long)]
    pub explain: bool,
    /// Rounds of each side; the median counts.
    #[arg(long)]
    pub rounds: Option<u16>,
    /// Length of a round.
    #[arg(long)]
    pub seconds: Option<f64>,
    /// Writes the figures to this file as JSON.
    #[arg(long)]
    pub json: Option<PathBuf>,
    /// Is the floor's server.
    #[arg(long, hide = true, value_enum)]
    pub floor: Option<Engine>,
    /// The floor's database.
    #[arg(long, hide = true)]
    pub database: Option<String>,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    pub bench: bool,
}

impl Options {
    /// How many accounts; the rest follows from them.
    pub fn accounts(&self) -> u32 {
        if self.quick { 10_000 } else { 100_000 }
    }

    /// Rounds of each side.
    pub fn rounds(&self) -> u16 {
        self.rounds.unwrap_or(if self.quick { 3 } else { 5 }).max(1)
    }

    /// Length of a round.
    pub fn seconds(&self) -> Duration {
        Duration::from_secs_f64(self.seconds.unwrap_or(if self.quick { 1.0 } else { 2.0 }).clamp(0.1, 60.0))
    }

    /// The engines to measure.
    pub fn engines(&self) -> Vec<Engine> {
        Engine::ALL.into_iter().filter(|engine| self.engine == "both" || self.engine == engine.key()).collect()
    }

    /// The cases to measure.
    pub fn cases(&self) -> Vec<Case> {
        Case::ALL.into_iter().filter(|case| self.only.is_empty() || self.only.contains(case)).collect()
    }
}
