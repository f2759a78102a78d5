//! What every test stands on: databases, the server under test, and clients that speak to it.

pub mod client;
pub mod database;
pub mod postgres;
pub mod scratch;
pub mod subscription;
pub mod tandem;
pub mod world;

/// Makes each test twice, `name::sqlite` and `name::postgres`, each with a world of its own.
///
/// Where there is no PostgreSQL, `name::postgres` does nothing, and the run says so in one line.
macro_rules! on_both_engines {
    ($($(#[$meta:meta])* async fn $name:ident($world:ident: World) $body:block)+) => {$(
        async fn $name($world: $crate::support::world::World) $body

        mod $name {
            use $crate::support::{database::Engine, world::World};

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                World::run(Engine::Sqlite, super::$name).await;
            }

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                World::run(Engine::Postgres, super::$name).await;
            }
        }
    )+};
}
