//! The seams between the tests and the code under test: migrate, people, start, count.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use entity::{UserStatus, role, role_assignment, user};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ConnectOptions, Database, DatabaseConnection, DbErr, prelude::Uuid};
use sea_orm_migration::MigratorTrait;
use tandem::clock::ManualClock;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::world::{MORNING, PEOPLE};
use crate::harness;

/// A running server.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    statements: Arc<AtomicUsize>,
    shutdown: CancellationToken,
    serving: JoinHandle<()>,
}

impl Server {
    /// How many statements it has sent to its database since it started.
    // SEAM: tandem's own counter. It must be the server's, not the process's: tests run side by side.
    pub fn statements(&self) -> usize {
        self.statements.load(Ordering::SeqCst)
    }

    /// Stops it; connections that are still open are cut.
    pub async fn stop(self) {
        self.shutdown.cancel();
        self.serving.await.expect("the server does not panic");
    }
}

/// Brings an empty database to today's tables, and leaves no connection open.
// SEAM: tandem::store::migrate.
pub async fn migrate(url: &str) -> Result<(), DbErr> {
    let connection = connect(url).await?;
    migration::Migrator::up(&connection, None).await?;
    connection.close().await
}

/// Writes `world::PEOPLE`, who sign in with `world::PASSWORD`, into a migrated database, and leaves no
/// connection open. Done once, for the template: hashing passwords is dear.
// SEAM: tandem's use cases for people and roles, which also know passwords and permissions.
pub async fn populate(url: &str) -> Result<(), DbErr> {
    let connection = connect(url).await?;
    for (person, number) in PEOPLE.iter().zip(1..) {
        let id = Uuid::from_u128(number);
        let (version, at) = (Set(1), Set(MORNING));
        let role = role::ActiveModel {
            id: Set(id.into()),
            key: Set(person.role.to_owned()),
            name: Set(person.role.to_owned()),
            name_fold: Set(person.role.to_owned()),
            description: Set(None),
            built_in: Set(true),
            version: version.clone(),
            created_at: at.clone(),
            updated_at: at.clone(),
            archived_at: Set(None),
        };
        let user = user::ActiveModel {
            id: Set(id.into()),
            name: Set(person.name.to_owned()),
            name_fold: Set(person.name.to_lowercase()),
            email: Set(Some(person.email.to_owned())),
            title: Set(None),
            department: Set(person.department),
            status: Set(UserStatus::Active),
            version: version.clone(),
            created_at: at.clone(),
            updated_at: at.clone(),
            archived_at: Set(None),
        };
        let assignment = role_assignment::ActiveModel {
            id: Set(id.into()),
            role_id: Set(id.into()),
            user_id: Set(id.into()),
            version,
            created_at: at.clone(),
            updated_at: at,
            archived_at: Set(None),
        };
        role.insert(&connection).await?;
        user.insert(&connection).await?;
        assignment.insert(&connection).await?;
    }
    connection.close().await
}

#[expect(clippy::disallowed_methods, reason = "the store's own way in opens pools that outlive the call")]
async fn connect(url: &str) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options).await
}

/// Starts Tandem on a free port.
// SEAM: tandem::app::App::start. Until it is there, the harness's own small server stands here.
pub async fn start_server(url: &str, clock: Arc<ManualClock>) -> Server {
    let statements = Arc::new(AtomicUsize::new(0));
    let router = harness::server::router(url, clock, statements.clone()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound socket has an address");
    let shutdown = CancellationToken::new();
    let stopped = shutdown.clone();
    let serving = tokio::spawn(async move {
        tokio::select! {
            outcome = async { axum::serve(listener, router).await } => outcome.expect("the server serves"),
            () = stopped.cancelled() => {}
        }
    });
    Server { address, statements, shutdown, serving }
}
