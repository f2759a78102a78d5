//! The program itself: its commands, its refusals in one line, and its end.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use sea_orm::{ConnectionTrait, Database, Statement};
use serde_json::json;
use tandem::clock::{Clock, SystemClock};
use tempfile::TempDir;

use crate::{
    crew,
    oidc::issuer::{LocalIssuer, Signer},
    support::{client::Client, database::Engine, scratch},
};

/// The administrator that a server makes at its first start, where a test asks for one.
pub const EMAIL: &str = "root@tandem.test";
pub const PASSWORD: &str = "correct horse battery staple";

/// An empty database of a test's own.
pub struct Place {
    pub url: String,
    server: Option<(String, String)>,
    directory: TempDir,
}

impl Place {
    pub async fn new(engine: Engine) -> Option<Self> {
        let directory = tempfile::tempdir_in(scratch::directory()).expect("a directory");
        if engine == Engine::Sqlite {
            let url = format!("sqlite://{}?mode=rwc", directory.path().join("tandem.db").display());
            return Some(Self { url, server: None, directory });
        }
        let server = crate::support::postgres::server().expect("PostgreSQL can be started")?;
        let name = format!("tandem_empty_{:016x}", rand::random::<u64>());
        crew::run_sql(server.as_str(), &format!("CREATE DATABASE {name}")).await;
        let mut url = server.clone();
        url.set_path(&name);
        Some(Self { url: url.to_string(), server: Some((server.to_string(), name)), directory })
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program(arguments);
        command.env("TANDEM_DATABASE_URL", &self.url).current_dir(self.directory.path());
        command
    }

    /// A server with an administrator, whose jobs stay with it for so many seconds after it is gone.
    pub fn serve(&self, lease: &str) -> Serving {
        let mut command = self.command(&["serve", "--rate-limit", "off"]);
        command.env("TANDEM_ADMIN_EMAIL", EMAIL).env("TANDEM_ADMIN_PASSWORD", PASSWORD).env("TANDEM_JOB_LEASE", lease);
        Serving::start(&mut command)
    }

    /// The number that a statement finds, as `found`.
    #[expect(clippy::disallowed_methods, reason = "a connection that ends with the call")]
    pub async fn counted(&self, sql: &str) -> i64 {
        let connection =
            Database::connect(crate::support::database::plain(&self.url)).await.expect("the database answers");
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        let row = connection.query_one_raw(statement).await.expect("the statement holds");
        let found = row.expect("there is a row").try_get("", "found").expect("a number");
        connection.close().await.expect("the connection closes");
        found
    }

    pub async fn clear_away(self) {
        if let Some((server, name)) = self.server {
            crew::run_sql(&server, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }
}

/// The program without anything of the environment that it would listen to.
pub fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tandem"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TANDEM_")) {
        command.env_remove(name);
    }
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[track_caller]
pub fn fine(command: &mut Command) -> String {
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{command:?}: {}", told(&output));
    String::from_utf8(output.stdout).expect("it prints text")
}

/// It fails with one line that says why; no panic, no trace of the code.
#[track_caller]
pub fn refused(command: &mut Command, why: &str) {
    let output = command.output().expect("the program starts");
    let text = told(&output);
    assert!(!output.status.success() && output.status.code().is_some(), "{command:?} went well: {text}");
    assert!(text.to_lowercase().contains(&why.to_lowercase()), "{why:?} is not in {text:?}");
    let line = text.lines().filter(|line| line.starts_with("tandem: ")).count();
    assert_eq!((line, text.trim().lines().count()), (1, 1), "not one line: {text:?}");
    assert!(!text.contains("panicked") && !text.contains("src/"), "{text}");
}

pub fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A server of the program, ended when it is dropped.
pub struct Serving {
    pub child: Child,
    pub address: SocketAddr,
}

impl Serving {
    /// Starts it on a free port and waits until it says where it serves.
    pub fn start(command: &mut Command) -> Self {
        command.env("TANDEM_LISTEN", "127.0.0.1:0").env("TANDEM_LOG", "info").env("NO_COLOR", "1");
        let mut child = command.spawn().expect("the program starts");
        let mut log = BufReader::new(child.stderr.take().expect("it is piped"));
        let mut told = String::new();
        let address = loop {
            let start = told.len();
            assert_ne!(log.read_line(&mut told).expect("it writes text"), 0, "it ended instead of serving: {told}");
            let line = &told[start..];
            if let Some((_, address)) = line.trim_end().split_once("address=").filter(|_| line.contains("serving")) {
                break address.parse().expect("an address");
            }
        };
        // Read on, or it would wait for a reader one day; what it says then is of no interest.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self { child, address }
    }

    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// Its administrator, signed in.
    pub async fn admin(&self) -> Client {
        let answer = crew::try_sign_in(&self.client(), EMAIL, PASSWORD).await.expect_ok();
        self.client().with_token(crew::text(&answer, "signIn.accessToken"))
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    fn terminate(&self) {
        let killed =
            Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().expect("kill is there");
        assert!(killed.success());
    }

    /// Asks it to end; its exit code.
    pub fn end(mut self) -> Option<i32> {
        self.terminate();
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Makes each test once for each engine, with an empty database.
macro_rules! on_an_empty_database {
    ($(async fn $name:ident($place:ident: Place) $body:block)+) => {$(
        mod $name {
            use super::*;

            async fn test($place: &Place) $body

            async fn on(engine: Engine) {
                let Some(place) = Place::new(engine).await else { return };
                test(&place).await;
                place.clear_away().await;
            }
            #[tokio::test]
            async fn sqlite() {
                on(Engine::Sqlite).await;
            }
            #[tokio::test]
            async fn postgres() {
                on(Engine::Postgres).await;
            }
        }
    )+};
}
pub(crate) use on_an_empty_database;

mod connections;
mod passwords;

on_an_empty_database! {
    async fn the_first_administrator_comes_from_the_environment_and_can_sign_in(place: Place) {
        let mut command = place.command(&["serve"]);
        let serving = Serving::start(command.env("TANDEM_ADMIN_EMAIL", "root@tandem.test").env("TANDEM_ADMIN_PASSWORD", PASSWORD));
        let answer = crew::try_sign_in(&serving.client(), "root@tandem.test", PASSWORD).await.expect_ok();
        let admin = serving.client().with_token(crew::text(&answer, "signIn.accessToken"));
        let made = admin.query("mutation { accountCreate(input: { name: \"Kept\" }) { account { id } userErrors { code } } }").await;
        made.expect_ok();
        let health = |address| program(&["health", "--url", &format!("http://{address}/health/ready")]).status().unwrap().code();
        let address = serving.address;
        assert_eq!(health(address), Some(0));
        assert_eq!(serving.end(), Some(0), "SIGTERM is an orderly end");
        assert_eq!(health(address), Some(1), "nobody is there any more");
        // Another start finds everything, and the administrator keeps the password they have.
        let mut command = place.command(&["serve"]);
        let serving = Serving::start(command.env("TANDEM_ADMIN_EMAIL", "root@tandem.test").env("TANDEM_ADMIN_PASSWORD", "quite another password"));
        let answer = crew::try_sign_in(&serving.client(), "root@tandem.test", PASSWORD).await.expect_ok();
        let admin = serving.client().with_token(crew::text(&answer, "signIn.accessToken"));
        let found = admin.query("{ accounts { nodes { name } } }").await.expect_ok();
        assert_eq!(found.data("accounts.nodes"), &json!([{ "name": "Kept" }]));
    }

    async fn a_request_that_runs_is_answered_before_the_end(place: Place) {
        let serving = Serving::start(&mut place.command(&["serve"]));
        let body = json!({ "query": "{ __typename }" }).to_string();
        let mut stream = TcpStream::connect(serving.address).unwrap();
        let head = format!("POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).unwrap();
        // The server has begun with the request when it asks for the body.
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        assert_eq!(line, "HTTP/1.1 100 Continue\r\n");
        serving.terminate();
        // It takes no more connections from now on; only then does the request go on.
        while TcpStream::connect(serving.address).is_ok() {
            std::thread::yield_now();
        }
        stream.write_all(body.as_bytes()).unwrap();
        let mut answer = String::new();
        reader.read_to_string(&mut answer).unwrap();
        assert!(answer.contains("HTTP/1.1 200") && answer.contains("{\"__typename\":\"Query\"}"), "{answer}");
        assert_eq!(serving.end_without_asking(), Some(0));
    }

    async fn migrating_twice_changes_nothing_and_two_at_once_both_succeed(place: Place) {
        let both: Vec<Child> = (0..2).map(|_| place.command(&["migrate"]).spawn().unwrap()).collect();
        for child in both {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", told(&output));
        }
        assert!(fine(&mut place.command(&["migrate"])).starts_with("0 migrations applied"));
    }

    async fn a_database_of_a_newer_program_is_left_alone(place: Place) {
        fine(&mut place.command(&["migrate"]));
        crew::run_sql(&place.url, "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m29991231_000001_tomorrow', 0)").await;
        for command in [&["migrate"][..], &["serve", "--listen", "127.0.0.1:0"], &["user", "list"]] {
            refused(&mut place.command(command), "newer");
        }
    }

    async fn people_are_made_listed_and_given_passwords(place: Place) {
        let user = |arguments: &[&str]| {
            let mut command = place.command(&[&["user"], arguments].concat());
            command.env("TANDEM_PASSWORD", PASSWORD);
            command
        };
        fine(&mut user(&["create", "ann@tandem.test", "--name", "Ann", "--role", "rep", "--department", "sales"]));
        let list = fine(&mut user(&["list"]));
        assert!(list.contains("ann@tandem.test") && list.contains("Ann") && list.contains("rep"), "{list}");
        assert!(!list.contains(PASSWORD) && !list.contains("argon2"));
        refused(&mut user(&["create", "ann@tandem.test", "--role", "rep"]), "");
        refused(&mut user(&["create", "bob@tandem.test", "--role", "emperor"]), "no role emperor");
        refused(user(&["create", "bob@tandem.test", "--role", "rep"]).env("TANDEM_PASSWORD", "short"), "12");
        refused(&mut user(&["set-password", "nobody@tandem.test"]), "nobody@tandem.test");
        let serving = Serving::start(&mut place.command(&["serve"]));
        let answer = crew::try_sign_in(&serving.client(), "ann@tandem.test", PASSWORD).await.expect_ok();
        let ann = serving.client().with_token(crew::text(&answer, "signIn.accessToken"));
        fine(user(&["set-password", "ann@tandem.test"]).env("TANDEM_PASSWORD", "a brand new password"));
        crew::try_sign_in(&serving.client(), "ann@tandem.test", "a brand new password").await.expect_ok();
        assert_eq!(crew::try_sign_in(&serving.client(), "ann@tandem.test", PASSWORD).await.user_errors("signIn"), ["INVALID"]);
        // Another process has ended the session; here it is known a second later at the latest.
        let since = Instant::now();
        while ann.query("{ __typename }").await.status != 401 {
            assert!(since.elapsed() < Duration::from_mins(1), "the session lives on");
        }
    }

    async fn the_tokens_of_the_configured_issuer_are_taken(place: Place) {
        let issuer = LocalIssuer::start().await;
        let mut command = place.command(&["serve", "--oidc-roles", r"CN=Sales\,O=ACME=rep,Staff=service"]);
        command.env("TANDEM_OIDC_ISSUER", &issuer.url).env("TANDEM_OIDC_AUDIENCE", "other,tandem");
        command.env("TANDEM_OIDC_GROUPS_CLAIM", "realm_access.roles").env("TANDEM_OIDC_DEPARTMENT_CLAIM", "unit");
        let serving = Serving::start(&mut command);
        let now = SystemClock.now().0 / 1000;
        let claims = json!({ "iss": issuer.url, "aud": "tandem", "sub": "1", "iat": now, "exp": now + 300, "name": "Ann",
            "unit": "Sales", "realm_access": { "roles": ["CN=Sales,O=ACME"] } });
        let ann = serving.client().with_token(Signer::P256.sign(&claims));
        let seen = ann.query("{ viewer { user { name department } permissions } }").await.expect_ok();
        assert_eq!(seen.data("viewer.user"), &json!({ "name": "Ann", "department": "SALES" }));
        assert!(seen.body.to_string().contains("Lead:UPDATE:OWN"), "{seen}");
        assert_eq!(serving.end(), Some(0));
        let listed = fine(&mut place.command(&["user", "list"]));
        assert!(listed.contains("Ann") && listed.contains("rep") && listed.contains("no password"), "{listed}");
        // A role that does not exist is told at the start, an issuer that is down is not.
        refused(&mut place.command(&["serve", "--listen", "127.0.0.1:0", "--oidc-issuer", &issuer.url, "--oidc-audience", "t", "--oidc-roles", "Staff=emperor"]), "“emperor”");
        let mut down = place.command(&["serve", "--oidc-issuer", "http://127.0.0.1:1", "--oidc-audience", "t", "--oidc-roles", ""]);
        assert_eq!(Serving::start(&mut down).end(), Some(0));
    }

    async fn the_audit_trail_is_exported_by_who_may(place: Place) {
        let user = |email: &str, role: &str| {
            let mut command = place.command(&["user", "create", email, "--role", role]);
            command.env("TANDEM_PASSWORD", PASSWORD);
            command
        };
        fine(&mut user("ann@tandem.test", "admin"));
        fine(&mut user("rob@tandem.test", "rep"));
        let export = |arguments: &[&str]| place.command(&[&["export", "audit", "--as"], arguments].concat());
        let csv = fine(&mut export(&["ann@tandem.test"]));
        assert!(csv.starts_with("occurredAt,id,action,subjectType,subjectId,actor,actorName,apiKey,requestId,field,before,after\n"), "{csv}");
        assert!(csv.contains(",CREATED,User,") && csv.contains(",email,,rob@tandem.test\n"), "{csv}");
        let filter = r#"{"action":{"eq":"EXPORTED"}}"#;
        let told = fine(&mut export(&["ann@tandem.test", "--format", "jsonl", "--filter", filter, "--output", "trail.jsonl"]));
        assert_eq!(told, "1 events exported to trail.jsonl.\n");
        let file = std::fs::read_to_string(place.directory.path().join("trail.jsonl")).unwrap();
        let event: serde_json::Value = serde_json::from_str(&file).unwrap();
        assert_eq!((&event["action"], &event["actor"]["name"]), (&json!("EXPORTED"), &json!("ann@tandem.test")));
        assert!(!place.directory.path().join("trail.jsonl.part").exists());
        refused(&mut export(&["rob@tandem.test"]), "permission");
        refused(&mut export(&["nobody@tandem.test"]), "nobody@tandem.test");
        refused(&mut export(&["ann@tandem.test", "--filter", "{"]), "JSON");
        refused(&mut export(&["ann@tandem.test", "--filter", r#"{"colour":{}}"#]), "colour");
        refused(&mut export(&["ann@tandem.test", "--output", "no/such/folder/trail.csv"]), "cannot write");
    }

    async fn the_demo_company_is_loaded_once_and_can_be_signed_in_to(place: Place) {
        let mut found = Vec::new();
        for _ in 0..2 {
            let mut command = place.command(&["demo"]);
            let mut serving = Serving::start(command.env("TANDEM_DEMO_PASSWORD", PASSWORD));
            let mut logins = String::new();
            let mut out = BufReader::new(serving.child.stdout.take().unwrap());
            while !logins.contains(&format!("http://{}/", serving.address)) {
                assert_ne!(out.read_line(&mut logins).unwrap(), 0, "no address in {logins}");
            }
            let email = logins.split_whitespace().find(|word| word.contains('@')).unwrap_or_else(|| panic!("no login in {logins}"));
            let answer = crew::try_sign_in(&serving.client(), email, PASSWORD).await.expect_ok();
            let somebody = serving.client().with_token(crew::text(&answer, "signIn.accessToken"));
            let counted = somebody.query("{ users { totalCount } stories { totalCount } personas { totalCount } }").await.expect_ok();
            assert!(counted.data("users.totalCount").as_i64().unwrap() > 3, "{counted}");
            found.push(counted.body["data"].clone());
            assert_eq!(serving.end(), Some(0));
        }
        assert_eq!(found[0], found[1]);
    }
}

impl Serving {
    /// Its exit code, once it has ended of itself.
    fn end_without_asking(mut self) -> Option<i32> {
        self.child.wait().expect("it ends").code()
    }
}

#[test]
fn what_is_configured_wrongly_is_said_in_one_line() {
    let directory = tempfile::tempdir_in(scratch::directory()).unwrap();
    let url = |path: &Path| format!("sqlite://{}?mode=rwc", path.display());
    let fresh = url(&directory.path().join("tandem.db"));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let serve = |more: &[&str]| {
        let mut command = program(&[&["serve", "--listen", "127.0.0.1:0"], more].concat());
        command.env("TANDEM_DATABASE_URL", &fresh);
        command
    };
    refused(serve(&[]).env("TANDEM_DATABASE_URL", "mysql://root@localhost/tandem"), "database");
    refused(serve(&[]).env("TANDEM_DATABASE_URL", "not a url"), "database");
    refused(serve(&[]).env("TANDEM_DATABASE_URL", url(Path::new("/no/such/folder/tandem.db"))), "database");
    refused(serve(&[]).env("TANDEM_DATABASE_URL", "postgres://tandem:hunter2@127.0.0.1:1/tandem"), "database");
    refused(program(&["serve", "--listen", &taken]).env("TANDEM_DATABASE_URL", &fresh), "cannot listen on");
    for limit in ["0", "-1", "many", ""] {
        refused(&mut serve(&[&format!("--rate-limit={limit}")]), "--rate-limit");
    }
    refused(&mut serve(&["--deadline", "0"]), "--deadline");
    refused(serve(&[]).env("TANDEM_ADMIN_EMAIL", "root@tandem.test"), "TANDEM_ADMIN_PASSWORD");
    refused(serve(&[]).env("TANDEM_ADMIN_PASSWORD", PASSWORD), "TANDEM_ADMIN_EMAIL");
    refused(serve(&[]).env("TANDEM_SIGNING_KEY", "too short"), "32 characters");
    let weak = [("TANDEM_ADMIN_EMAIL", "root@tandem.test"), ("TANDEM_ADMIN_PASSWORD", "short")];
    refused(serve(&[]).envs(weak), "12");
    let issuer = ["--oidc-issuer", "https://id.example"];
    refused(&mut serve(&issuer), "--oidc-audience");
    refused(&mut serve(&[&issuer[..], &["--oidc-audience", " "]].concat()), "--oidc-audience");
    refused(&mut serve(&["--oidc-audience", "tandem"]), "require --oidc-issuer");
    refused(serve(&[]).env("TANDEM_OIDC_ROLES", "Staff=rep"), "require --oidc-issuer");
    for address in [
        "http://id.example",
        "id.example",
        "https://ann:secret@id.example",
        "https://id.example/?a=b",
        "ftp://127.0.0.1",
    ] {
        refused(&mut serve(&["--oidc-issuer", address, "--oidc-audience", "tandem"]), "--oidc-issuer must");
    }
    for mapping in ["Staff", "Staff=", "=rep", "Staff=rep,", "Staff=rep,Other", "Staff=two words"] {
        refused(
            &mut serve(&[&issuer[..], &["--oidc-audience", "tandem", "--oidc-roles", mapping]].concat()),
            "--oidc-roles takes",
        );
    }
    for origin in ["*", "app.example", "https://", "https://app.example/page", "https://app example"] {
        refused(&mut serve(&["--allowed-origins", origin]), "an allowed origin is like");
    }
}

#[test]
fn no_password_of_a_database_is_told() {
    let output = program(&["migrate"])
        .env("TANDEM_DATABASE_URL", "postgres://tandem:hunter2@127.0.0.1:1/tandem")
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(!told(&output).contains("hunter2"), "{}", told(&output));
}

#[test]
fn the_schema_is_printed_as_it_was_committed() {
    let printed = fine(&mut program(&["schema"]));
    let committed = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.graphql")).unwrap();
    assert!(printed == committed, "schema.graphql is not what the program prints");
}

#[test]
fn wrong_arguments_are_told_with_the_way_out() {
    for arguments in [&[][..], &["frobnicate"], &["serve", "--listen", "nowhere"], &["user", "create", "a@b.example"]] {
        let output = program(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            told(&output).contains("Usage") || told(&output).contains("--help"),
            "{arguments:?}: {}",
            told(&output)
        );
    }
    assert!(fine(&mut program(&["--version"])).starts_with("tandem "));
}
