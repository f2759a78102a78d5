//! Roles: what the people who hold them may see and do.

use crate::{
    permission::{FieldRules, Grants},
    record::record,
};

record! {
    /// A named set of permissions. A user may hold several roles and has the union of their permissions.
    Role(RoleId = "role") in "role", "roles";
    owner Owner::Nobody;
    display Column "name";

    columns {
        /// Stable key for configuration and exports, e.g. `marketing_manager`; generated from the name if omitted.
        key: String => create().sort().unique().max(100);
        /// Display name.
        name: String => write().always_shown().sort().search().fold("name_fold");
        /// Fold key of the name.
        name_fold: String => physical();
        /// Purpose of the role.
        description: Option<String> => write().max(2_000);
        /// Whether the role is built in; built-in roles cannot be deleted.
        built_in: bool => server().group();
        /// Role that this role was copied from.
        copied_from_id: Option<RoleId> => link("copied_from");
        /// Permissions of the role; anything not listed is not permitted. An update replaces the whole list; a copy
        /// inherits the list of the original if omitted.
        grants: Grants => write().always_shown();
        /// Fields that the role hides or makes read-only. An update replaces the whole list; a copy inherits the list
        /// of the original if omitted.
        field_rules: FieldRules => write().always_shown();
    }
    links {
        /// Users who hold the role.
        holders: User Through { table: "role_assignment", near: "role_id", far: "user_id" };
        /// API keys with this role.
        api_keys: ApiKey Many { column: "role_id" };
    }
}
