//! Events: the feed of what happened, its histories, and hearing of other processes.

pub(in crate::store) mod feed;
pub(in crate::store) mod history;
mod listen;

pub use feed::{FeedEvent, Follower, Position, Wanted};
