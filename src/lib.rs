//! Tandem: the account-based-marketing backbone of a B2B company, served as a GraphQL API.
pub mod access;
pub mod accounts;
pub mod clock;
pub mod config;
pub mod contacts;
pub mod deals;
pub mod error;
pub mod graphql;
pub mod http;
pub mod imports;
pub mod leads;
pub mod people;
pub mod personas;
pub mod store;
pub mod stories;
pub mod target_lists;
pub mod telemetry;
#[cfg(test)] mod sdltest { #[test] fn sdl() { std::fs::write("/tmp/schema.graphql", crate::graphql::schema::sdl()).unwrap(); } }
