//! Who holds which role.

use crate::{record::record, role::RoleId, user::UserId};

record! {
    /// One role held by one person.
    RoleAssignment(RoleAssignmentId = "rasg") in "role_assignment", "roleAssignments";
    owner Owner::Parts(&[("role_id", crate::Kind::Role), ("user_id", crate::Kind::User)]);

    columns {
        /// The role.
        role_id: RoleId => link("role").always_shown().fixed();
        /// The person.
        user_id: UserId => link("user").always_shown().fixed();
        /// Whether it follows from the person's groups at the company's issuer; then it goes with them.
        from_issuer: bool => server().group();
    }
    links {}
}
