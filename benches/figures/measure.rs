//! Rounds of load, of one side and the other by turns, and the medians of what they show.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde::Serialize;
use tokio::task::JoinSet;

use crate::{
    Outcome,
    cases::Case,
    data::World,
    engine::Database,
    http::Client,
    servers::{Floor, Server, Tandem},
};

/// Different requests of a case; more would only measure memory.
const REQUESTS: u32 = 1000;
/// A round ends here at the latest, whatever its length.
const MAX_PER_CONNECTION: usize = 200_000;

/// How hard and how long.
#[derive(Clone, Copy)]
pub struct Pace {
    /// Connections, each of which sends its next request when it has the last answer.
    pub connections: u16,
    /// Rounds of each side.
    pub rounds: u16,
    /// Length of a round.
    pub length: Duration,
}

/// What one side showed.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Requests answered in a second.
    pub requests_per_second: f64,
    /// Median latency.
    pub p50_milliseconds: f64,
    /// Latency that one request in a hundred exceeds.
    pub p99_milliseconds: f64,
    /// CPU time of the server for one request.
    pub server_cpu_milliseconds: f64,
    /// CPU time of the database's own processes for one request.
    pub database_cpu_milliseconds: Option<f64>,
}

/// What both sides showed: the floor and Tandem, or the administrator and somebody with many roles.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Both {
    /// The one that is compared with.
    pub base: Figures,
    /// The other, where it took part.
    pub other: Option<Figures>,
}

struct Side<'a> {
    server: &'a Server,
    requests: Arc<Vec<Vec<u8>>>,
    rounds: Vec<Figures>,
}

impl<'a> Side<'a> {
    fn new(server: &'a Server, request: impl Fn(u32) -> Vec<u8>) -> Self {
        Self { server, requests: Arc::new((0..REQUESTS).map(request).collect()), rounds: Vec::new() }
    }
}

/// Measures one case on both sides.
pub async fn side_by_side(
    case: Case,
    world: &World,
    floor: &Floor,
    tandem: Option<&Tandem>,
    database: &Database,
    pace: Pace,
) -> Outcome<Both> {
    let mut sides = match tandem {
        Some(tandem) if tandem.has_holder() => vec![
            Side::new(&tandem.server, |number| tandem.request(case, world, number)),
            Side::new(&tandem.server, |number| tandem.holders_request(case, world, number)),
        ],
        Some(tandem) => vec![
            Side::new(&floor.server, |number| case.floor_request(world, number)),
            Side::new(&tandem.server, |number| tandem.request(case, world, number)),
        ],
        None => vec![Side::new(&floor.server, |number| case.floor_request(world, number))],
    };
    let warm_up = Pace { length: (pace.length / 2).max(Duration::from_millis(500)), ..pace };
    for side in &sides {
        round(side, database, warm_up).await?;
    }
    for _ in 0..pace.rounds {
        for side in &mut sides {
            let figures = round(side, database, pace).await?;
            side.rounds.push(figures);
        }
    }
    let mut medians = sides.iter().map(|side| median(&side.rounds));
    let base = medians.next().ok_or("no rounds")?;
    Ok(Both { base, other: medians.next() })
}

async fn round(side: &Side<'_>, database: &Database, pace: Pace) -> Outcome<Figures> {
    let mut clients = Vec::new();
    for _ in 0..pace.connections {
        clients.push(Client::connect(side.server.address).await?);
    }
    let cpu = || -> Outcome<_> { Ok((side.server.cpu_milliseconds()?, database.cpu_milliseconds())) };
    let (server_before, database_before) = cpu()?;
    let since = Instant::now();
    let mut loops = JoinSet::new();
    for (number, client) in clients.into_iter().enumerate() {
        // Each connection goes through the same requests from a place of its own.
        let first = number * REQUESTS as usize / usize::from(pace.connections);
        loops.spawn(closed_loop(client, Arc::clone(&side.requests), first, since + pace.length));
    }
    let mut latencies = Vec::new();
    while let Some(ended) = loops.join_next().await {
        latencies.extend(ended??);
    }
    let elapsed = since.elapsed();
    let (server_after, database_after) = cpu()?;
    latencies.sort_unstable();
    let count = f64::from(u32::try_from(latencies.len())?);
    let at = |percent: usize| latencies[(latencies.len() * percent / 100).min(latencies.len() - 1)].as_secs_f64() * 1e3;
    let each = |after: u64, before: u64| Duration::from_millis(after - before).as_secs_f64() * 1e3 / count;
    Ok(Figures {
        requests_per_second: count / elapsed.as_secs_f64(),
        p50_milliseconds: at(50),
        p99_milliseconds: at(99),
        server_cpu_milliseconds: each(server_after, server_before),
        database_cpu_milliseconds: database_after.zip(database_before).map(|(after, before)| each(after, before)),
    })
}

async fn closed_loop(
    mut client: Client,
    requests: Arc<Vec<Vec<u8>>>,
    first: usize,
    until: Instant,
) -> Outcome<Vec<Duration>> {
    let mut latencies = Vec::with_capacity(1 << 14);
    for request in requests.iter().cycle().skip(first).take(MAX_PER_CONNECTION) {
        let sent = Instant::now();
        if sent >= until && !latencies.is_empty() {
            break;
        }
        let answer = client.send(request).await?;
        latencies.push(sent.elapsed());
        if answer.status != 200 || is_failure(answer.body) {
            return Err(format!("status {}: {}", answer.status, String::from_utf8_lossy(answer.body)).into());
        }
    }
    Ok(latencies)
}

/// Errors are short answers; looking through the long ones would cost the load its lightness.
fn is_failure(body: &[u8]) -> bool {
    let holds = |text: &[u8]| body.windows(text.len()).any(|window| window == text);
    body.len() < 1024 && (holds(b"\"errors\"") || holds(b"\"userErrors\":[{"))
}

/// The median of each figure by itself.
fn median(rounds: &[Figures]) -> Figures {
    let of = |figure: fn(&Figures) -> f64| {
        let mut values: Vec<f64> = rounds.iter().map(figure).collect();
        values.sort_unstable_by(f64::total_cmp);
        let middle = values.len() / 2;
        if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
    };
    let database_known = rounds.iter().all(|round| round.database_cpu_milliseconds.is_some());
    Figures {
        requests_per_second: of(|round| round.requests_per_second),
        p50_milliseconds: of(|round| round.p50_milliseconds),
        p99_milliseconds: of(|round| round.p99_milliseconds),
        server_cpu_milliseconds: of(|round| round.server_cpu_milliseconds),
        database_cpu_milliseconds: database_known
            .then(|| of(|round| round.database_cpu_milliseconds.unwrap_or_default())),
    }
}
