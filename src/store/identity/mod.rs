//! Who calls, what they may do, and whose is what: what no record shows and every request needs.

mod access_history;
mod credentials;
mod handovers;
mod identities;
mod invitations;
pub(in crate::store) mod keys;
pub(in crate::store) mod policies;
mod reached;
mod record_access;
mod secrets;
mod sign_ins;

pub use access_history::RightsEvent;
pub use credentials::{Claimed, Login, Person};
pub use handovers::{Handover, HandoverFailure, HandoverStep, Hold, PLACE, Place, account_of};
pub use identities::Identity;
pub use invitations::Invited;
pub use policies::{Held, Known};
pub use reached::{Asked, Reached};
pub use record_access::{Holder, Seen};
pub use sign_ins::{Failures, failure_key};
