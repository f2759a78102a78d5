//! The seams between the tests and the code under test: migrate, people, start, count.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use entity::{Department, Kind, Record, team, team_membership};
use sea_orm::prelude::Uuid;
use tandem::{
    access::{
        Purpose,
        password::{Cost, Passwords},
    },
    app::Running,
    clock::ManualClock,
    error::Error,
    http::{Settings, settings::Rate},
    people::{admin, authority::Authority, issuer::Issuer},
    store::{self, Backend, Change, Draft},
};
use tokio::net::TcpListener;

use super::world::{MORNING, PASSWORD, PEOPLE};

/// What the machine's owner would keep secret; the same in all worlds, so that tests can forge tokens.
pub const SIGNING_KEY: &str = "a key of at least thirty-two bytes, for tests";

/// When the people were made: before any test begins, so that ids made in a test come after theirs.
const DAY_BEFORE: entity::Instant = entity::Instant(MORNING.0 - 24 * 60 * 60 * 1_000);

/// A running server.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    running: Running,
}

impl Server {
    /// How many statements it has sent to its database since it started.
    pub fn statements(&self) -> u64 {
        self.running.backend.db().statements()
    }

    /// Stops it; connections that are still open are cut.
    pub async fn stop(self) {
        self.running.stop().await.expect("the server stops cleanly");
    }
}

/// Brings an empty database to today's tables, and leaves no connection open.
pub async fn migrate(url: &str) -> Result<(), Error> {
    let backend = open(url, Arc::new(ManualClock::at(DAY_BEFORE))).await?;
    store::migrate(&backend).await?;
    backend.db().close().await
}

/// Writes `world::PEOPLE`, who sign in with `world::PASSWORD`, and their teams into a migrated
/// database, and leaves no connection open. Done once, for the template: hashing passwords is dear.
pub async fn populate(url: &str) -> Result<(), Error> {
    let backend = open(url, Arc::new(ManualClock::at(DAY_BEFORE))).await?;
    let passwords = Passwords::new(Cost::LEAST)?;
    let mut teams: Vec<(&str, Uuid)> = Vec::new();
    for person in PEOPLE {
        let (who, what) = ((person.name, person.email), (person.department, person.role));
        let user = admin::create_user(&backend, &passwords, who, what, PASSWORD).await?;
        let Some(name) = person.team else { continue };
        let mut change = backend.as_system(Purpose::CommandLine).begin().await?;
        let team = match teams.iter().find(|(known, _)| *known == name) {
            Some((_, team)) => *team,
            None => make_team(&mut change, name, person.department).await?,
        };
        teams.push((name, team));
        let mut place = Draft::default();
        place.set(team_membership::Entity::table(), "team_id", team);
        place.set(team_membership::Entity::table(), "user_id", user.0);
        change.create::<team_membership::Entity>(place).await?;
        change.commit().await?;
    }
    backend.db().close().await
}

async fn make_team(change: &mut Change, name: &str, department: Department) -> Result<Uuid, Error> {
    let mut draft = Draft::default();
    let table = Kind::Team.table();
    draft.set(table, "name", name);
    draft.set(table, "department", department.as_str());
    Ok(change.create::<team::Entity>(draft).await?.id.0)
}

async fn open(url: &str, clock: Arc<ManualClock>) -> Result<Arc<Backend>, Error> {
    Backend::open(url, clock, tandem::api::NOUNS).await
}

/// Starts Tandem on a free port; where an issuer is named, its tokens are taken too.
pub async fn start_server(url: &str, clock: Arc<ManualClock>, issuer: Option<Issuer>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let backend = open(url, clock).await.expect("the database answers");
    let authority = Authority::trusting(backend.clone(), Some(SIGNING_KEY), Cost::LEAST, issuer).expect("a good key");
    let settings = Settings {
        // The clock stands still, so nothing flows back into the bucket.
        rate: Rate { maximum: 1_000_000_000, restore: 1_000_000_000 },
        grace: Duration::from_millis(200),
        ..Settings::default()
    };
    let running = Running::start(listener, backend, authority, settings).expect("the server starts");
    Server { address: running.address, running }
}
