//! Tandem from a user's view: a real server, a real database on both engines, and people who ask.
//!
//! A test is a sentence and gets a `World`: its own database, its own server, a clock that stands
//! still, and people to act as.
//!
//! ```ignore
//! on_both_engines! {
//!     async fn a_seller_cannot_give_an_account_away(world: World) {
//!         let seller = world.seller().await;
//!         let answer = seller.query_with(GIVE_AWAY, json!({ "id": … })).await;
//!         assert_eq!(answer.user_errors("accountUpdate"), ["FORBIDDEN ownerId"]);
//!     }
//! }
//! ```
//!
//! PostgreSQL is started from the machine's own binaries; `TANDEM_TEST_POSTGRES_URL` names a
//! server to use instead. Without either the tests run on SQLite alone, except where `CI=true`.

#[macro_use]
mod support;

mod feed;
mod feed_speed;
mod following;
mod handovers_of_processes;
mod harness;

mod bounds;
mod bulk;
mod bulk_identity;
mod figures;
mod lists;
mod records;
mod schema;
mod shared;
mod statements;
mod target_lists;
mod texts;

mod api_keys;
mod arrows;
mod audit;
mod command_line;
mod crew;
mod curious;
mod durability;
mod edge;
mod faults;
mod guesses;
mod idempotency;
mod import_rows;
mod jobs;
mod jobs_of_processes;
mod leaks;
mod oidc;
mod outage;
mod people;
mod permission_cells;
mod permission_verbs;
mod permissions;
mod plans;
mod roles;
mod secrets;
mod sign_in;
mod sign_in_failures;
mod sign_in_slowed;
mod sockets;
mod upgrade;
mod uploads;
