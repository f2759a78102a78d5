//! Roles: what the people and keys that hold them may see and do, and who may decide that.

mod limits;

use entity::{role, role_assignment};

pub use limits::{must_cover, must_hold, must_hold_role};

use crate::store::Rules;

impl Rules for role::Entity {}
impl Rules for role_assignment::Entity {}
