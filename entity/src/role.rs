//! Roles: what the people who hold them may see and do.

use crate::record::record;

record! {
    /// A named set of permissions. People may hold several; what they may do is the union.
    Role(RoleId = "role") in "role", "roles";
    owner Owner::Nobody;

    columns {
        /// Stable name for configuration and exports, `marketing_manager`.
        key: String => server().sort().unique();
        /// Name for people.
        name: String => write().always_shown().sort().search().fold("name_fold");
        /// Fold key of the name.
        name_fold: String => physical();
        /// What the role is for.
        description: Option<String> => write().max(2_000);
        /// Whether Tandem brought the role; built-in roles cannot be deleted.
        built_in: bool => server().group();
    }
    links {
        /// The people who hold it.
        holders: User Through { table: "role_assignment", near: "role_id", far: "user_id" };
    }
}
