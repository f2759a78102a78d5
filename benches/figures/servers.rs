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
    /// The token of somebody with many roles.
    holder: Option<String>,
    cursor: String,
}

impl Tandem {
    /// Starts `tandem serve` on this database, signs in, and walks to the middle of all accounts.
    pub async fn start(database: &Database, world: &World) -> Outcome<Self> {
        let mut tandem = Self::start_alone(database).await?;
        tandem.token = sign_in(tandem.server.address, EMAIL).await?;
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
        Ok(Self {
            server,
            ready_after,
            answered_after: since.elapsed(),
            token: String::new(),
            holder: None,
            cursor: String::new(),
        })
    }

    /// The `number`th request of a case.
    pub fn request(&self, case: Case, world: &World, number: u32) -> Vec<u8> {
        case.tandem_request(world, number, &self.token, &self.cursor)
    }

    /// The same as somebody with many roles sends it.
    pub fn holders_request(&self, case: Case, world: &World, number: u32) -> Vec<u8> {
        case.tandem_request(world, number, self.holder.as_deref().unwrap_or(&self.token), &self.cursor)
    }

    /// Whether there is somebody with many roles.
    pub fn has_holder(&self) -> bool {
        self.holder.is_some()
    }

    /// Makes somebody with this many roles, who together permit what the cases need.
    pub async fn hire(&mut self, roles: u32) -> Outcome<()> {
        let make = async |query: &str, input: Value| -> Outcome<Value> {
            let variables = json!({ "input": input });
            let mut answer =
                data(http::once(self.server.address, &graphql(query, &variables, Some(&self.token))).await?)?;
            let payload = answer["made"].take();
            if payload["userErrors"].as_array().is_none_or(|errors| !errors.is_empty()) {
                return Err(format!("{query}: {payload}").into());
            }
            Ok(payload)
        };
        let email = format!("holder-{}@bench.example", std::process::id());
        let user = "mutation($input: UserCreateInput!) { made: userCreate(input: $input) { user { id } userErrors { message } } }";
        let person = make(user, json!({ "name": "Holder", "email": email, "department": "SALES" })).await?;
        let person = &person["user"]["id"];
        let password = "mutation($input: UserSetPasswordInput!) { made: userSetPassword(input: $input) { userErrors { message } } }";
        make(password, json!({ "id": person, "password": PASSWORD })).await?;
        for number in 0..roles {
            let role = "mutation($input: RoleCreateInput!) { made: roleCreate(input: $input) { role { id } userErrors { message } } }";
            let name = format!("{email} {number}");
            let created =
                make(role, json!({ "name": name, "grants": grants(number), "fieldRules": hidden(number) })).await?;
            let assign =
                "mutation($input: RoleAssignInput!) { made: roleAssign(input: $input) { userErrors { message } } }";
            make(assign, json!({ "roleId": created["role"]["id"], "userId": person })).await?;
        }
        self.holder = Some(sign_in(self.server.address, &email).await?);
        Ok(())
    }
}

/// Kinds that the cases read or change.
const USED: [&str; 7] = ["Account", "Lead", "Deal", "Persona", "Pipeline", "Stage", "User"];

/// What the `number`th of many roles permits: seven of them together everything on the kinds used.
fn grants(number: u32) -> Value {
    let whole = USED[number as usize % USED.len()];
    let grant =
        |resource: &str, action: &str, reach: &str| json!({ "resource": resource, "action": action, "reach": reach });
    let mut grants: Vec<Value> =
        ["READ", "CREATE", "UPDATE", "DELETE", "ASSIGN"].map(|action| grant(whole, action, "ALL")).into();
    let owned = ["Account", "Lead", "Deal", "Contact", "Story", "TargetAccountList"].into_iter();
    grants.extend(owned.filter(|kind| *kind != whole).map(|kind| grant(kind, "READ", "OWN")));
    Value::Array(grants)
}

/// A field that this role hides, and another shows.
fn hidden(number: u32) -> Value {
    let field = ["city", "website", "description"][number as usize % 3];
    if number.is_multiple_of(7) {
        json!([])
    } else {
        json!([{ "resource": "Account", "field": field, "rule": "HIDDEN" }])
    }
}

/// The `data` of a GraphQL answer without errors.
pub fn data(mut answer: Value) -> Outcome<Value> {
    if let Some(errors) = answer.get("errors") {
        return Err(format!("GraphQL errors: {errors}").into());
    }
    Ok(answer["data"].take())
}

async fn sign_in(address: SocketAddr, email: &str) -> Outcome<String> {
    let query = "mutation($input: SignInInput!) { signIn(input: $input) { accessToken userErrors { code message } } }";
    let variables = json!({ "input": { "email": email, "password": PASSWORD } });
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
