//! One test's world: its database, its server, its clock, and the people in it.

use std::{panic::AssertUnwindSafe, sync::Arc};

use entity::Department;
use futures_util::FutureExt;
use serde_json::json;
use tandem::{clock::ManualClock, people::issuer::Issuer};

use super::{
    client::Client,
    database::{Database, Engine},
    tandem::{Server, start_server},
};

/// The password of everybody in `PEOPLE`.
pub const PASSWORD: &str = "correct horse battery staple";

/// Where every world's clock stands when a test begins: 2026-03-02, a Monday, at nine.
pub const MORNING: entity::Instant = entity::Instant(1_772_442_000_000);

/// Somebody whom every world knows.
pub struct Person {
    /// By which they sign in.
    pub email: &'static str,
    /// Full name.
    pub name: &'static str,
    /// Where they work.
    pub department: Department,
    /// Key of their built-in role.
    pub role: &'static str,
    /// Name of their team, if they have one.
    pub team: Option<&'static str>,
}

const fn person(
    email: &'static str,
    name: &'static str,
    department: Department,
    role: &'static str,
    team: Option<&'static str>,
) -> Person {
    Person { email, name, department, role, team }
}

/// Runs Tandem.
pub const ADMIN: Person = person("ada@tandem.test", "Ada Admin", Department::It, "admin", None);
/// Sells, and owns accounts.
pub const SELLER: Person = person("sam@tandem.test", "Sam Seller", Department::Sales, "rep", Some("North"));
/// Sells in the same team.
pub const TEAM_MATE: Person = person("tia@tandem.test", "Tia Teammate", Department::Sales, "rep", Some("North"));
/// Sells in another team.
pub const OTHER_SELLER: Person = person("otto@tandem.test", "Otto Other", Department::Sales, "rep", Some("South"));
/// Plans campaigns.
pub const MARKETER: Person = person("mia@tandem.test", "Mia Marketer", Department::Marketing, "marketer", None);
/// Runs sales.
pub const SALES_MANAGER: Person = person("max@tandem.test", "Max Manager", Department::Sales, "sales_manager", None);
/// Helps customers.
pub const SERVICE: Person = person("sue@tandem.test", "Sue Service", Department::Service, "service", None);
/// Sees everything and changes nothing.
pub const EXECUTIVE: Person = person("eve@tandem.test", "Eve Executive", Department::Executive, "executive", None);
/// All of them.
pub const PEOPLE: [Person; 8] = [ADMIN, SELLER, TEAM_MATE, OTHER_SELLER, MARKETER, SALES_MANAGER, SERVICE, EXECUTIVE];

/// A running Tandem with a database of its own.
pub struct World {
    /// What the database runs on.
    pub engine: Engine,
    /// The server's clock, which moves when the test moves it.
    pub clock: Arc<ManualClock>,
    /// Where the database is, for tests that look behind the server.
    pub database_url: String,
    server: Arc<Server>,
}

impl World {
    /// Runs a test in a world of its own and clears it away, also after a panic.
    pub async fn run<F: Future<Output = ()>>(engine: Engine, test: impl FnOnce(Self) -> F) {
        let Some(database) = Database::fresh(engine).await else { return };
        let clock = Arc::new(ManualClock::at(MORNING));
        let server = Arc::new(start_server(database.url(), clock.clone(), None).await);
        let world = Self { engine, clock, database_url: database.url().to_owned(), server: server.clone() };
        let outcome = AssertUnwindSafe(test(world)).catch_unwind().await;
        // A test that let go of its world leaves the server to us alone.
        if let Some(server) = Arc::into_inner(server) {
            server.stop().await;
        }
        drop(database);
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    }

    /// A second server over the same database, by the same clock, that takes an issuer's tokens too.
    pub async fn trusting(&self, issuer: Issuer) -> Server {
        start_server(&self.database_url, self.clock.clone(), Some(issuer)).await
    }

    /// Somebody without a token.
    pub fn anonymous(&self) -> Client {
        Client::new(self.server.address)
    }

    /// Somebody who may do everything.
    pub async fn admin(&self) -> Client {
        self.sign_in(&ADMIN).await
    }

    /// Somebody of sales.
    pub async fn seller(&self) -> Client {
        self.sign_in(&SELLER).await
    }

    /// Somebody of marketing.
    pub async fn marketer(&self) -> Client {
        self.sign_in(&MARKETER).await
    }

    /// Signs in through the API, as the person would.
    pub async fn sign_in(&self, person: &Person) -> Client {
        let client = self.anonymous();
        let document = format!(
            "mutation {{
                signIn(input: {{ email: {}, password: {} }}) {{ accessToken userErrors {{ code message }} }}
            }}",
            json!(person.email),
            json!(PASSWORD)
        );
        let answer = client.query(&document).await.expect_ok();
        let token = answer.data("signIn.accessToken").as_str().expect("a token is text").to_owned();
        client.with_token(token)
    }

    /// How many statements the server sends to its database while this happens.
    pub async fn statements<F: Future>(&self, happens: impl FnOnce() -> F) -> u64 {
        let before = self.server.statements();
        happens().await;
        self.server.statements() - before
    }
}
