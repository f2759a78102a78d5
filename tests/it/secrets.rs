//! No password, token or key is ever told: not in a log, not in an answer but the one that hands it out, not
//! in the database.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read},
    process::{Child, Command},
    sync::{Arc, Mutex},
    thread::JoinHandle,
};

use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};
use serde_json::{Value, json};

use crate::{
    command_line::{Place, program},
    support::{
        client::{Answer, Client},
        database::{self, Engine},
    },
};

const ADMIN: &str = "root@tandem.test";

/// The program with the most talkative log there is, and all that it says.
struct Watched {
    child: Child,
    client: Client,
    said: Arc<Mutex<String>>,
    listeners: Vec<JoinHandle<()>>,
}

impl Watched {
    fn start(command: &mut Command) -> Self {
        command.env("TANDEM_LISTEN", "127.0.0.1:0").env("NO_COLOR", "1");
        command.env("TANDEM_LOG", "debug,tandem=trace,entity=trace,migration=trace");
        let mut child = command.spawn().expect("the program starts");
        let said = Arc::new(Mutex::new(String::new()));
        let mut log = BufReader::new(child.stderr.take().expect("it is piped"));
        let address = loop {
            let mut line = String::new();
            assert_ne!(log.read_line(&mut line).expect("it writes text"), 0, "it ended: {}", said.lock().unwrap());
            said.lock().unwrap().push_str(&line);
            if let Some((_, address)) = line.trim_end().split_once("address=").filter(|_| line.contains("serving")) {
                break address.parse().expect("an address");
            }
        };
        let out = BufReader::new(child.stdout.take().expect("it is piped"));
        let listeners = vec![listen(log, said.clone()), listen(out, said.clone())];
        Self { child, client: Client::new(address), said, listeners }
    }

    /// Ends it; all that it said.
    fn end(mut self) -> String {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(asked.expect("kill is there").success());
        self.child.wait().expect("it ends");
        for listener in self.listeners {
            listener.join().expect("it was listened to");
        }
        std::mem::take(&mut *self.said.lock().unwrap())
    }
}

fn listen(mut from: impl Read + Send + 'static, said: Arc<Mutex<String>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut text = String::new();
        from.read_to_string(&mut text).expect("it writes text");
        said.lock().unwrap().push_str(&text);
    })
}

/// Somebody who keeps what is secret and reads every answer for it.
struct Keeper {
    secrets: BTreeMap<&'static str, String>,
    client: Client,
}

impl Keeper {
    fn keep(&mut self, what: &'static str, secret: impl Into<String>) -> String {
        let secret = secret.into();
        assert!(secret.len() > 10, "{what} is too short to be told from other text: {secret}");
        self.secrets.insert(what, secret.clone());
        secret
    }

    #[track_caller]
    fn look(&self, place: &str, text: &str) {
        for (what, secret) in &self.secrets {
            let at = text.find(secret.as_str());
            let around = at.map(|at| text[text[..at].rfind('\n').map_or(0, |line| line + 1)..].lines().next());
            assert_eq!(around, None, "{what} stands in {place}");
        }
    }

    /// Asks; what comes back must not tell any secret.
    async fn ask(&self, client: &Client, document: &str, variables: Value) -> Answer {
        let answer = client.query_with(document, variables).await;
        self.look("an answer", &answer.body.to_string());
        answer
    }

    /// Asks for tokens, which the answer hands out, and keeps them.
    async fn sign_in(&mut self, document: &str, variables: Value, names: [&'static str; 3]) -> (Client, String) {
        let answer = self.client.query_with(document, variables).await.expect_ok();
        let tokens = answer.body["data"].as_object().and_then(|data| data.values().next()).expect("a payload").clone();
        let token = |name: &str| tokens[name].as_str().expect("a token").to_owned();
        let access = self.keep(names[0], token("accessToken"));
        self.keep(names[1], access.rsplit('.').next().expect("a signature"));
        let refresh = self.keep(names[2], token("refreshToken"));
        (self.client.clone().with_token(access), refresh)
    }
}

const SIGN_IN: &str = "mutation($email: String!, $password: String!) {
    signIn(input: { email: $email, password: $password }) { accessToken refreshToken userErrors { code message } } }";
const REFRESH: &str = "mutation($token: String!) {
    refresh(input: { refreshToken: $token }) { accessToken refreshToken userErrors { code message } } }";

/// Everything that has to do with secrets, done once.
async fn live(keeper: &mut Keeper) {
    let password = keeper.secrets["the administrator's password"].clone();
    let wrong = keeper.keep("a wrong password", "wrong but secret wombat");
    let failed = keeper.ask(&keeper.client, SIGN_IN, json!({ "email": ADMIN, "password": wrong })).await;
    assert_eq!(failed.user_errors("signIn"), ["INVALID"]);
    let names = ["an access token", "its signature", "a refresh token"];
    let (admin, refresh) = keeper.sign_in(SIGN_IN, json!({ "email": ADMIN, "password": password }), names).await;
    let names = ["a second access token", "its second signature", "a second refresh token"];
    let (_, second) = keeper.sign_in(REFRESH, json!({ "token": refresh }), names).await;
    // Used twice, it ends the session.
    for token in [refresh, second] {
        assert_eq!(
            keeper.ask(&keeper.client, REFRESH, json!({ "token": token })).await.user_errors("refresh").len(),
            1
        );
    }
    keeper.ask(&admin, "{ viewer { user { id } } }", json!({})).await;
    let names = ["a third access token", "its third signature", "a third refresh token"];
    let (admin, _) = keeper.sign_in(SIGN_IN, json!({ "email": ADMIN, "password": password }), names).await;
    let new = keeper.keep("a new password", "newly chosen narwhal");
    let document = "mutation($old: String!, $new: String!) {
        passwordChange(input: { currentPassword: $old, newPassword: $new }) { user { id } userErrors { code message } } }";
    keeper.ask(&admin, document, json!({ "old": password, "new": new })).await.expect_ok();
    let create = "mutation { userCreate(input: { name: \"Ann\", email: \"ann@tandem.test\", department: SALES }) { user { id } userErrors { code message } } }";
    let user = keeper.ask(&admin, create, json!({})).await.expect_ok().data("userCreate.user.id").clone();
    let given = keeper.keep("a given password", "given away giraffe");
    let document = "mutation($id: ID!, $password: String!) { userSetPassword(input: { id: $id, password: $password }) { user { id } userErrors { code message } } }";
    keeper.ask(&admin, document, json!({ "id": user, "password": given })).await.expect_ok();
    let short = keeper.keep("a password that is refused", "x".repeat(129));
    assert_eq!(
        keeper
            .ask(&admin, document, json!({ "id": user, "password": short }))
            .await
            .user_errors("userSetPassword")
            .len(),
        1
    );
    mistakes(keeper, &admin).await;
    keys(keeper, &admin).await;
    follow(keeper, &admin).await;
}

/// Questions that fail, with a secret in a variable, in the document and in the header.
async fn mistakes(keeper: &mut Keeper, admin: &Client) {
    let stray = keeper.keep("a password in the wrong place", "misplaced marmoset");
    for (document, variables) in [
        ("mutation($password: Int!) { signIn(input: { email: \"a@b.example\", password: $password }) { accessToken } }".to_owned(), json!({ "password": stray })),
        ("query($password: String!) { nonsense(password: $password) }".to_owned(), json!({ "password": stray })),
        (format!("mutation {{ signIn(input: {{ email: \"a@b.example\", password: {stray:?}, more: 1 }}) {{ accessToken }} }}"), json!({})),
        (format!("mutation {{ signIn(input: {{ email: \"a@b.example\", password: [{stray:?}, 1] }}) {{ accessToken }} }}"), json!({})),
        (format!("mutation {{ signIn(input: {{ email: \"a@b.example\", password: {stray:?} }}) {{ nothing }} }}"), json!({})),
        (format!("mutation {{ signIn(input: {{ email: \"a@b.example\", password: \"{stray}"), json!({})),
    ] {
        let answer = keeper.ask(admin, &document, variables).await;
        assert!(answer.error_code().is_some(), "{document}\n{answer}");
    }
    let forged = keeper.keep("a forged token", "eyJhbGciOiJub25lIn0.forged-fox.forged-ferret");
    let answer = keeper.ask(&keeper.client.clone().with_token(forged), "{ viewer { user { id } } }", json!({})).await;
    assert_eq!(answer.status, 401);
}

/// A key is made, used, replaced and used again.
#[expect(clippy::disallowed_methods, reason = "the program runs by the real clock")]
async fn keys(keeper: &mut Keeper, admin: &Client) {
    if !tandem::api::sdl().contains("apiKeyCreate(") {
        return;
    }
    let roles = keeper.ask(admin, "{ role(by: { key: \"service\" }) { id } }", json!({})).await.expect_ok();
    // The program runs by the real clock.
    let expires =
        (chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now()) + chrono::Days::new(30)).to_rfc3339();
    let document = "mutation($role: ID!, $expires: DateTime!) {
        it: apiKeyCreate(input: { name: \"Sync\", roleId: $role, expiresAt: $expires }) { apiKey { id } secret userErrors { code message } } }";
    let made =
        admin.query_with(document, json!({ "role": roles.data("role.id"), "expires": expires })).await.expect_ok();
    let document = "mutation($id: ID!) { it: apiKeyRotate(input: { id: $id }) { apiKey { id } secret userErrors { code message } } }";
    let rotated = admin.query_with(document, json!({ "id": made.data("it.apiKey.id") })).await.expect_ok();
    for (what, answer) in [("an API key", made), ("an API key's second secret", rotated)] {
        let secret = keeper.keep(what, answer.data("it.secret").as_str().expect("a secret"));
        keeper
            .ask(&keeper.client.clone().with_token(secret), "{ accounts { totalCount } }", json!({}))
            .await
            .expect_ok();
    }
    keeper.ask(admin, "{ apiKeys { nodes { name prefix lastUsedAt } } }", json!({})).await.expect_ok();
}

/// The feed is followed with a token in `connection_init`, and read to its end.
async fn follow(keeper: &Keeper, admin: &Client) {
    let log = Value::from("subscription { events(after: \"ev_0_0\") { kind changedFields subject { id } } }");
    let mut events = admin.subscribe(log.as_str().expect("a text"), json!({})).await;
    keeper.look("an event", &events.next().await.to_string());
}

/// Every value of every column of every table, as text.
#[expect(clippy::disallowed_methods, reason = "a connection that ends with the call")]
async fn stored(url: &str) -> Vec<(String, String)> {
    let connection = Database::connect(database::plain(url)).await.expect("the database answers");
    let backend = connection.get_database_backend();
    let columns = if backend == DbBackend::Sqlite {
        "SELECT m.name, p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table'"
    } else {
        "SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = 'public'"
    };
    let mut found = Vec::new();
    for column in connection.query_all_raw(Statement::from_string(backend, columns)).await.expect("there are tables") {
        let (table, column): (String, String) =
            (column.try_get_by_index(0).unwrap(), column.try_get_by_index(1).unwrap());
        let values = format!("SELECT CAST(\"{column}\" AS text) FROM \"{table}\" WHERE \"{column}\" IS NOT NULL");
        for row in connection.query_all_raw(Statement::from_string(backend, values)).await.expect("the table is read") {
            // What is no text is bytes of ids.
            found.push((format!("{table}.{column}"), row.try_get_by_index(0).unwrap_or_default()));
        }
    }
    connection.close().await.expect("the connection closes");
    found
}

async fn nothing_is_told(engine: Engine) {
    let Some(place) = Place::new(engine).await else { return };
    let mut keeper = Keeper { secrets: BTreeMap::new(), client: Client::new(([127, 0, 0, 1], 1).into()) };
    let password = keeper.keep("the administrator's password", "first and foremost fox");
    let signing_key = keeper.keep("the signing key", "a signing key that is long enough, and secret");
    let mut command = place.command(&["serve"]);
    command
        .env("TANDEM_ADMIN_EMAIL", ADMIN)
        .env("TANDEM_ADMIN_PASSWORD", password)
        .env("TANDEM_SIGNING_KEY", signing_key);
    let mut url = reqwest::Url::parse(&place.url).expect("a URL");
    if engine == Engine::Postgres && url.password().is_none() {
        let password = keeper.keep("the database's password", "database-dragonfly");
        url.set_password(Some(&password)).expect("it can have one");
        command.env("TANDEM_DATABASE_URL", url.as_str());
    }
    let watched = Watched::start(&mut command);
    keeper.client = watched.client.clone();
    live(&mut keeper).await;
    let log = watched.end();
    assert!(log.contains("DEBUG") || log.contains("TRACE"), "the log is not as talkative as it can be: {log}");
    keeper.look("the log", &log);
    let stored = stored(&place.url).await;
    assert!(stored.iter().any(|(_, text)| text.contains("ann@tandem.test")), "the database is read");
    for (column, text) in stored {
        keeper.look(&column, &text);
    }
    // A database that is not there is named without its password.
    let secret = keeper.keep("the password of a database", "unreachable-unicorn");
    let mut command = program(&["migrate"]);
    command
        .env("TANDEM_LOG", "debug,tandem=trace")
        .env("TANDEM_DATABASE_URL", format!("postgres://tandem:{secret}@127.0.0.1:1/nothing"));
    let output = command.output().expect("the program starts");
    assert!(!output.status.success());
    keeper.look(
        "a refusal to start",
        &format!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout)),
    );
    place.clear_away().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_told_on_sqlite() {
    nothing_is_told(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_told_on_postgres() {
    nothing_is_told(Engine::Postgres).await;
}
