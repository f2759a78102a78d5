//! Tandem's tables, one a file: columns, relations, and how owners are found.

mod choice;
pub mod id;
mod kind;
pub mod permission;
pub mod record;
pub mod table;
pub mod value;

pub mod account;
pub mod account_contact;
pub mod account_domain;
pub mod account_team_member;
pub mod api_key;
pub mod contact;
pub mod deal;
pub mod event;
pub mod import_job;
pub mod lead;
pub mod persona;
pub mod pipeline;
pub mod role;
pub mod role_assignment;
pub mod session;
pub mod stage;
pub mod story;
pub mod target_account_list;
pub mod target_account_list_member;
pub mod team;
pub mod team_membership;
pub mod user;

pub use choice::*;
pub use kind::Kind;
pub use record::Record;
pub use value::{Choice, Day, Instant, Texts};
