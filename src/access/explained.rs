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

choice! { Bond, "AccessTieKind", "How a record belongs to somebody.",
    Themself = "SELF" "The record is the person.", Owner = "OWNER" "They own it.",
    AccountOwner = "ACCOUNT_OWNER" "They own the account it hangs off.",
    AccountTeam = "ACCOUNT_TEAM" "They are on the team of the account that it is or hangs off.",
    Author = "AUTHOR" "They keep a work that all share; it is their own, and not their teams'.",
    Department = "DEPARTMENT" "It is a work of a department; TEAM reaches it for whoever works there.",
}
choice! { Obstacle, "AccessObstacle", "What stands between somebody and a record.",
    PersonDeactivated = "PERSON_DEACTIVATED" "They are deactivated and may do nothing.",
    NoPermission = "NO_PERMISSION" "None of their roles permits it on any record of this type.",
    OutOfReach = "OUT_OF_REACH" "Their roles permit it on other records than this.",
    ParentNotSeen = "PARENT_NOT_SEEN" "It is a part of a record that they may not see.",
    NotReadable = "NOT_READABLE" "They may not see it, and nothing can be done to what is not seen.",
}
