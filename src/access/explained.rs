//! The words in which a decision is explained.

use entity::{Choice, table::Choices};

/// How a record belongs to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Bond {
    /// The record is the person.
    Themself,
    /// They own it.
    Owner,
    /// They own its account.
    AccountOwner,
    /// They are on the team of the account.
    AccountTeam,
    /// They keep a shared work.
    Author,
    /// It is a shared work of a department.
    Department,
}

/// What stands between somebody and a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Obstacle {
    /// The person is deactivated.
    PersonDeactivated,
    /// None of their roles permits it on any record.
    NoPermission,
    /// Their roles permit it on other records.
    OutOfReach,
    /// It is a part of a record that they may not see.
    ParentNotSeen,
    /// They may not see it, and nothing can be done to what is not seen.
    NotReadable,
}

choice! { Bond, "AccessTieKind", "How a record belongs to a user or department.",
    Themself = "SELF" "The record is the user itself.", Owner = "OWNER" "The user owns the record.",
    AccountOwner = "ACCOUNT_OWNER" "The user owns the account that the record belongs to.",
    AccountTeam = "ACCOUNT_TEAM" "The user is on the team of the account that the record is or belongs to.",
    Author = "AUTHOR" "The user is responsible for a shared record, such as a persona or story; covered by their own reach OWN, but not by TEAM of their teams.",
    Department = "DEPARTMENT" "The record belongs to a department; reach TEAM covers it for users in that department.",
}
choice! { Obstacle, "AccessObstacle", "Reason why an action on a record is not permitted.",
    PersonDeactivated = "PERSON_DEACTIVATED" "The user is deactivated and has no permissions.",
    NoPermission = "NO_PERMISSION" "No role of the user permits the action on any record of this type.",
    OutOfReach = "OUT_OF_REACH" "The user's roles permit the action only on other records.",
    ParentNotSeen = "PARENT_NOT_SEEN" "The record is part of a record that the user does not have access to.",
    NotReadable = "NOT_READABLE" "The user cannot read the record, and records that cannot be read cannot be acted on.",
}
