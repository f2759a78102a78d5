//! The GraphQL kit: the schema drawn from the tables, queries turned into plans, payloads.
//!
//! [`schema`] alone knows the slices; the rest is what the slices use.

pub mod choice;
pub mod describe;
pub mod external_ids;
pub mod forward;
pub mod mutation;
pub mod node;
pub mod once;
pub mod payload;
pub mod query;
pub mod scalars;
pub mod schema;
pub mod select;
pub mod subscription;
pub mod verbs;
