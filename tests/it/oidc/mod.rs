//! Tokens of the company's own issuer, from a real one that each test starts.

mod checks;
pub mod issuer;
mod keys;
mod people;
mod roles;

use std::sync::Arc;

use jsonwebtoken::Header;
use serde_json::{Value, json};
use tandem::{
    clock::{Clock, ManualClock},
    people::issuer::{Issuer, Settings},
};

use self::issuer::{LocalIssuer, Signer};
use crate::support::{
    client::{Answer, Client},
    tandem::Server,
    world::World,
};

/// For whom the tokens are meant.
const AUDIENCE: &str = "tandem-api";

const WHO: &str = "{ viewer { user { id name email department status } permissions } }";

/// A Tandem that trusts an issuer.
struct House {
    issuer: LocalIssuer,
    server: Server,
    clock: Arc<ManualClock>,
}

impl House {
    async fn new(world: &World) -> Self {
        Self::configured(world, "groups", &["Sales Team=rep,/acme/marketing.eu=marketer", r"CN=Admins\,O=ACME=admin"])
            .await
    }

    async fn configured(world: &World, groups: &str, roles: &[&str]) -> Self {
        let issuer = LocalIssuer::start().await;
        let server = world.trusting(settings(&issuer.url, groups, roles)).await;
        Self { issuer, server, clock: world.clock.clone() }
    }

    /// A second Tandem that trusts the same issuer, with other roles.
    async fn again(&self, world: &World, roles: &[&str]) -> Self {
        let server = world.trusting(settings(&self.issuer.url, "groups", roles)).await;
        Self { issuer: self.issuer.clone(), server, clock: self.clock.clone() }
    }

    /// The server's time in seconds, and so many more.
    fn time(&self, plus: i64) -> i64 {
        self.clock.now().0 / 1000 + plus
    }

    /// What a good token says, and what a test adds to it; null takes a claim away.
    fn claims(&self, other: Value) -> Value {
        let mut claims = json!({
            "iss": self.issuer.url, "aud": AUDIENCE, "sub": "subject-1", "iat": self.time(0), "exp": self.time(300),
            "name": "Ines Issued", "email": "Ines@Issued.example", "email_verified": true, "groups": ["Sales Team"],
        });
        let all = claims.as_object_mut().expect("an object");
        let Value::Object(other) = other else { panic!("claims are an object") };
        all.extend(other);
        all.retain(|_, value| !value.is_null());
        claims
    }

    /// A good token with what a test adds to it.
    fn token(&self, other: Value) -> String {
        Signer::Rsa.sign(&self.claims(other))
    }

    /// A good token whose header a test changes.
    fn headed(&self, change: impl FnOnce(&mut Header)) -> String {
        let mut header = Signer::Rsa.header();
        change(&mut header);
        Signer::Rsa.sign_with(&header, &self.claims(json!({})))
    }

    fn client(&self, token: &str) -> Client {
        Client::new(self.server.address).with_token(token)
    }

    async fn ask(&self, token: &str) -> Answer {
        self.client(token).query(WHO).await
    }

    /// The bearer of a good token, who is taken.
    async fn welcome(&self, other: Value) -> Client {
        let client = self.client(&self.token(other));
        client.query(WHO).await.expect_ok();
        client
    }

    /// Ends its server, so that the test's database can be cleared away.
    async fn end(self) {
        self.server.stop().await;
    }
}

fn settings(issuer: &str, groups: &str, roles: &[&str]) -> Issuer {
    let roles: Vec<String> = roles.iter().map(|text| (*text).to_owned()).collect();
    let settings = Settings::new(issuer, &["other".to_owned(), AUDIENCE.to_owned()], groups, &roles);
    let settings = settings.expect("the settings are good").with_department(Some("department"));
    Issuer::new(settings).expect("a client can be made")
}

/// The token is refused: 401 and why.
#[track_caller]
fn turned_away(answer: &Answer, reason: &str) {
    let found = (answer.status.as_u16(), answer.error_code(), &answer.body["errors"][0]["extensions"]["reason"]);
    assert_eq!(found, (401, Some("UNAUTHENTICATED"), &json!(reason)), "{answer}");
    assert_eq!(answer.headers["www-authenticate"], "Bearer");
    assert!(answer.body["errors"][0]["message"].as_str().is_some_and(|message| message.len() > 20), "{answer}");
}

/// The issuer cannot be asked.
#[track_caller]
fn out_of_reach(answer: &Answer) {
    let found = (answer.status.as_u16(), answer.error_code(), &answer.body["errors"][0]["extensions"]["reason"]);
    assert_eq!(found, (503, Some("SERVICE_UNAVAILABLE"), &json!("ISSUER_UNREACHABLE")), "{answer}");
}
