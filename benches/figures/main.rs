//! Measures Tandem beside the floor: one hand-written SQL statement that returns the same JSON.
//!
//! `cargo bench --bench figures -- --quick` takes some minutes, without `--quick` about a quarter of
//! an hour an engine. BENCH.md says what is measured and how. The bench starts itself once more as the
//! floor's server, so that the CPU time of each server can be read from its own process.

mod cases;
mod cluster;
mod data;
mod engine;
mod floor;
mod http;
mod measure;
mod options;
mod process;
mod report;
mod rows;
mod servers;
mod verify;

use clap::Parser;

use crate::{
    engine::Database,
    options::Options,
    report::Report,
    servers::{Floor, Tandem},
};

/// As Tandem's own binary: the floor should not lose by its allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let options = Options::parse();
    if let Some(engine) = options.floor {
        let url = options.database.ok_or("--floor needs --database")?;
        return tokio::runtime::Runtime::new()?.block_on(floor::serve(engine, &url));
    }
    // One thread: the load must leave the machine to the servers.
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(bench(&options))
}

async fn bench(options: &Options) -> Outcome<()> {
    let world = data::World::of(options.accounts());
    let mut report = Report::new(&world, options);
    for engine in options.engines() {
        let database = Database::prepare(engine, &world).await?;
        if options.explain {
            floor::explain(engine, &database.url, &world).await?;
            continue;
        }
        report.begin(&database).await?;
        report.starts(servers::starts(&database, options.floor_only).await?);
        let floor = Floor::start(&database).await?;
        let mut tandem = if options.floor_only { None } else { Some(Tandem::start(&database, &world).await?) };
        if let (Some(tandem), Some(roles)) = (&mut tandem, options.roles) {
            tandem.hire(roles).await?;
        }
        for case in options.cases() {
            verify::check(case, &world, &floor, tandem.as_ref()).await?;
            for &connections in &options.connections {
                eprintln!("{}, {connections} connections: {}", engine.name(), case.title());
                let pace = measure::Pace { connections, rounds: options.rounds(), length: options.seconds() };
                let both = measure::side_by_side(case, &world, &floor, tandem.as_ref(), &database, pace).await?;
                report.figures(connections, case, both);
            }
        }
        report.memory(&floor, tandem.as_ref())?;
    }
    if !options.explain {
        println!("{}", report.markdown());
    }
    if let Some(path) = &options.json {
        std::fs::write(path, serde_json::to_string_pretty(&report)?)?;
    }
    Ok(())
}
