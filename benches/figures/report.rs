//! What was measured, as Markdown for BENCH.md and as JSON.

use std::{fmt::Write, process::Command};

use serde::Serialize;

use crate::{
    Outcome,
    cases::Case,
    data::World,
    engine::{Database, Engine},
    measure::{Both, Figures},
    options::Options,
    servers::{Floor, Starts, Tandem},
};

/// Everything that one run found.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    accounts: u32,
    leads: u32,
    deals: u32,
    rounds: u16,
    seconds: f64,
    cores: usize,
    processor: String,
    commit: String,
    command: String,
    /// Whom each row compares.
    sides: [String; 2],
    engines: Vec<OfEngine>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OfEngine {
    engine: Engine,
    version: String,
    starts: Option<Starts>,
    floor_peak_mebibytes: Option<u64>,
    tandem_peak_mebibytes: Option<u64>,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    case: Case,
    connections: u16,
    #[serde(flatten)]
    both: Both,
}

impl Report {
    /// An empty report of this run.
    pub fn new(world: &World, options: &Options) -> Self {
        let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
        Self {
            accounts: world.accounts,
            leads: world.leads(),
            deals: world.deals(),
            rounds: options.rounds(),
            seconds: options.seconds().as_secs_f64(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            processor: processor().unwrap_or_else(|| "unknown processor".to_owned()),
            commit: commit().unwrap_or_else(|| "unknown".to_owned()),
            command: format!("cargo bench --bench figures -- {}", arguments.join(" "))
                .trim_end_matches(" -- ")
                .to_owned(),
            sides: match options.roles {
                Some(roles) => ["administrator".to_owned(), format!("{roles} roles")],
                None => ["floor".to_owned(), "Tandem".to_owned()],
            },
            engines: Vec::new(),
        }
    }

    /// Begins the part of an engine.
    pub async fn begin(&mut self, database: &Database) -> Outcome<()> {
        self.engines.push(OfEngine {
            engine: database.engine,
            version: database.version().await?,
            starts: None,
            floor_peak_mebibytes: None,
            tandem_peak_mebibytes: None,
            rows: Vec::new(),
        });
        Ok(())
    }

    /// How long the servers took to start.
    pub fn starts(&mut self, starts: Starts) {
        if let Some(part) = self.engines.last_mut() {
            part.starts = Some(starts);
        }
    }

    /// What a case showed.
    pub fn figures(&mut self, connections: u16, case: Case, both: Both) {
        if let Some(part) = self.engines.last_mut() {
            part.rows.push(Row { case, connections, both });
        }
    }

    /// The most memory the servers held.
    pub fn memory(&mut self, floor: &Floor, tandem: Option<&Tandem>) -> Outcome<()> {
        if let Some(part) = self.engines.last_mut() {
            part.floor_peak_mebibytes = Some(floor.server.peak_mebibytes()?);
            part.tandem_peak_mebibytes = tandem.map(|tandem| tandem.server.peak_mebibytes()).transpose()?;
        }
        Ok(())
    }

    /// The tables.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        let _ = writeln!(
            text,
            "{} accounts, {} leads, {} deals; {} cores ({}); {} rounds of {} s a side; commit {}; `{}`",
            self.accounts,
            self.leads,
            self.deals,
            self.cores,
            self.processor,
            self.rounds,
            self.seconds,
            self.commit,
            self.command
        );
        for part in &self.engines {
            part.markdown(&mut text, &self.sides);
        }
        text
    }
}

impl OfEngine {
    fn markdown(&self, text: &mut String, sides: &[String; 2]) {
        let _ = writeln!(text, "\n### {} {}\n", self.engine.name(), self.version);
        let with_other = self.rows.iter().any(|row| row.both.other.is_some());
        let columns = ["req/s", "p50 ms", "p99 ms", "CPU ms server", "CPU ms database"];
        let mut header = vec!["case".to_owned(), "connections".to_owned()];
        header.extend(columns.map(|column| format!("{} {column}", sides[0])));
        if with_other {
            header.extend(columns.map(|column| format!("{} {column}", sides[1])));
            header.push("CPU ratio".to_owned());
        }
        let _ = writeln!(text, "| {} |\n|---|{}", header.join(" | "), "---:|".repeat(header.len() - 1));
        for row in &self.rows {
            let mut cells = vec![row.case.title().to_owned(), row.connections.to_string()];
            cells.extend(cells_of(&row.both.base));
            if let Some(other) = &row.both.other {
                cells.extend(cells_of(other));
                cells.push(format!("{:.2}", cpu(other) / cpu(&row.both.base)));
            }
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
        text.push('\n');
        if let Some(starts) = &self.starts {
            let _ = write!(text, "Start to ready: floor {} ms", starts.floor_ready);
            if let (Some(ready), Some(answered)) = (starts.tandem_ready, starts.tandem_answer) {
                let _ = write!(text, ", Tandem {ready} ms, to its first GraphQL answer {answered} ms");
            }
            text.push_str(". ");
        }
        if let Some(floor) = self.floor_peak_mebibytes {
            let _ = write!(text, "Peak memory of the server: floor {floor} MiB");
            if let Some(tandem) = self.tandem_peak_mebibytes {
                let _ = write!(text, ", Tandem {tandem} MiB");
            }
            text.push_str(".\n");
        }
    }
}

fn cells_of(figures: &Figures) -> [String; 5] {
    let precise = |value: f64| if value < 10.0 { format!("{value:.3}") } else { format!("{value:.1}") };
    [
        format!("{:.0}", figures.requests_per_second),
        precise(figures.p50_milliseconds),
        precise(figures.p99_milliseconds),
        precise(figures.server_cpu_milliseconds),
        figures.database_cpu_milliseconds.map_or_else(|| "not ours".to_owned(), precise),
    ]
}

fn cpu(figures: &Figures) -> f64 {
    figures.server_cpu_milliseconds + figures.database_cpu_milliseconds.unwrap_or_default()
}

fn processor() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn commit() -> Option<String> {
    let output = Command::new("git").args(["describe", "--always", "--dirty"]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
