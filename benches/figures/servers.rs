//! The two servers, each in a process of its own.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    Outcome,
    cases::{Case, graphql},
    data::World,
    engine::Database,
    http, process,
};

const EMAIL: &str = "bench@bench.example";
const PASSWORD: &str = "a bench's own password";

/// A server process; it ends when this is dropped.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Server {
    /// CPU time used so far.
    pub fn cpu_milliseconds(&self) -> Outcome<u64> {
        process::cpu_milliseconds(self.child.id())
    }

    /// The most memory held so far.
    pub fn peak_mebibytes(&self) -> Outcome<u64> {
        process::peak_mebibytes(self.child.id())
    }

    /// Asks until the answer is 200, or a minute has passed.
    async fn until_ready(&mut self) -> Outcome<()> {
        let ready = http::request("GET", "/health/ready", None, "");
        let since = Instant::now();
        while since.elapsed() < Duration::from_mins(1) {
            if let Ok(mut client) = http::Client::connect(self.address).await
                && client.send(&ready).await.is_ok_and(|answer| answer.status == 200)
            {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("the server ended early: {status}").into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Err("the server was not ready within a minute".into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How long the servers take to start on a database that is there: medians, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Starts {
    /// The floor, to the first 200.
    pub floor_ready: u128,
    /// Tandem, to the first 200 of `/health/ready`.
    pub tandem_ready: Option<u128>,
    /// Tandem, to the first GraphQL answer.
    pub tandem_answer: Option<u128>,
}

/// Starts each server some times, one after the other.
pub async fn starts(database: &Database, floor_only: bool) -> Outcome<Starts> {
    const TIMES: usize = 5;
    let (mut floor, mut ready, mut answer) = (Vec::new(), Vec::new(), Vec::new());
    if !floor_only {
        // The very first start of Tandem makes the administrator, which is not what is asked here.
        Tandem::start_alone(database).await?;
    }
    for _ in 0..TIMES {
        floor.push(Floor::start(database).await?.ready_after.as_millis());
        if !floor_only {
            let tandem = Tandem::start_alone(database).await?;
            ready.push(tandem.ready_after.as_millis());
            answer.push(tandem.answered_after.as_millis());
        }
    }
    let median = |mut times: Vec<u128>| {
        times.sort_unstable();
        times.get(times.len() / 2).copied()
    };
    Ok(Starts {
        floor_ready: median(floor).unwrap_or_default(),
        tandem_ready: median(ready),
        tandem_answer: median(answer),
    })
}

/// The floor's server.
pub struct Floor {
    /// Its process.
    pub server: Server,
    /// From spawning to the first 200.
    pub ready_after: Duration,
}

impl Floor {
    /// Starts this very binary as the floor's server.
    pub async fn start(database: &Database) -> Outcome<Self> {
        let since = Instant::now();
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--floor", database.engine.key(), "--database", &database.url]).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let address = line.trim().parse().map_err(|_| "the floor's server did not start")?;
        let mut server = Server { child, address };
        server.until_ready().await?;
        Ok(Self { server, ready_after: since.elapsed() })
    }
}

/// Tandem's server, signed in to.
pub struct Tandem {
    /// Its process.
    pub server: Server,
    /// From spawning to the first 200 of `/health/ready`.
    pub ready_after: Duration,
    /// From spawning to the first GraphQL answer.
    pub answered_after: Duration,
    token: String,
    cursor: String,
}

impl Tandem {
    /// Starts `tandem serve` on this database, signs in, and walks to the middle of all accounts.
    pub async fn start(database: &Database, world: &World) -> Outcome<Self> {
        let mut tandem = Self::start_alone(database).await?;
        tandem.token = sign_in(tandem.server.address).await?;
        tandem.cursor = walk(tandem.server.address, &tandem.token, world.page_after()).await?;
        Ok(tandem)
    }

    /// Starts `tandem serve` and takes the time.
    pub async fn start_alone(database: &Database) -> Outcome<Self> {
        let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let since = Instant::now();
        let child = Command::new(env!("CARGO_BIN_EXE_tandem"))
            .arg("serve")
            .env("TANDEM_DATABASE_URL", &database.url)
            .env("TANDEM_LISTEN", address.to_string())
            .env("TANDEM_ADMIN_EMAIL", EMAIL)
            .env("TANDEM_ADMIN_PASSWORD", PASSWORD)
            .env("TANDEM_RATE_LIMIT", "off")
            .env("RUST_LOG", "warn")
            .stdout(Stdio::null())
            .spawn()?;
        let mut server = Server { child, address };
        server.until_ready().await?;
        let ready_after = since.elapsed();
        data(http::once(address, &graphql("{ __typename }", &json!({}), None)).await?)?;
        Ok(Self { server, ready_after, answered_after: since.elapsed(), token: String::new(), cursor: String::new() })
    }

    /// The `number`th request of a case.
    pub fn request(&self, case: Case, world: &World, number: u32) -> Vec<u8> {
        case.tandem_request(world, number, &self.token, &self.cursor)
    }
}

/// The `data` of a GraphQL answer without errors.
pub fn data(mut answer: Value) -> Outcome<Value> {
    if let Some(errors) = answer.get("errors") {
        return Err(format!("GraphQL errors: {errors}").into());
    }
    Ok(answer["data"].take())
}

async fn sign_in(address: SocketAddr) -> Outcome<String> {
    let query = "mutation($input: SignInInput!) { signIn(input: $input) { accessToken userErrors { code message } } }";
    let variables = json!({ "input": { "email": EMAIL, "password": PASSWORD } });
    let answer = data(http::once(address, &graphql(query, &variables, None)).await?)?;
    let token = answer["signIn"]["accessToken"].as_str();
    Ok(token.ok_or_else(|| format!("cannot sign in: {answer}"))?.to_owned())
}

/// The cursor after this many accounts by name.
async fn walk(address: SocketAddr, token: &str, accounts: u32) -> Outcome<String> {
    let query = "query($first: Int!, $after: String) { accounts(first: $first, after: $after, \
                 orderBy: [{ field: NAME }]) { pageInfo { endCursor } } }";
    let (mut cursor, mut left) = (Value::Null, accounts);
    while left > 0 {
        let first = left.min(200);
        let variables = json!({ "first": first, "after": cursor });
        let mut answer = data(http::once(address, &graphql(query, &variables, Some(token))).await?)?;
        cursor = answer["accounts"]["pageInfo"]["endCursor"].take();
        left -= first;
    }
    Ok(cursor.as_str().ok_or("no cursor")?.to_owned())
}
