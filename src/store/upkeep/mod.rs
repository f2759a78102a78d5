//! Keeping the database itself: its schema, the months of its events, its texts, and its backups.

pub mod backup;
mod expire;
mod migrate;
mod months;
mod seed;
mod texts;

pub use migrate::{migrate, pending, require_current};
