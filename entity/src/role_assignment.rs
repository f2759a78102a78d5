//! Who holds which role.

use crate::{record::record, role::RoleId, user::UserId};

record! {
    /// The assignment of a role to a user.
    RoleAssignment(RoleAssignmentId = "rasg") in "role_assignment", "roleAssignments";
    owner Owner::Parts(&[("role_id", crate::Kind::Role), ("user_id", crate::Kind::User)]);
    display Key "role_id";

    columns {
        /// The role.
        role_id: RoleId => link("role").always_shown().fixed();
        /// The user.
        user_id: UserId => link("user").always_shown().fixed();
        /// Whether the assignment comes from the user's groups at the OpenID issuer; if so, it ends when they leave those groups.
        from_issuer: bool => server().group();
    }
    links {}
}
