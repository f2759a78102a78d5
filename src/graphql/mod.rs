//! The GraphQL kit: the schema drawn from the tables, queries turned into plans, payloads.
//!
//! It names no slice: what a program's schema is made of it takes as a [`catalogue`].

pub mod catalogue;
pub mod choice;
pub mod describe;
pub mod external_ids;
pub mod forward;
pub mod mutation;
pub mod node;
pub mod once;
pub mod payload;
pub mod query;
pub mod root;
pub mod scalars;
pub mod select;
pub mod subscription;
pub mod verbs;
