//! Roles: what the people who hold them may see and do.

use crate::{
    permission::{FieldRules, Grants},
    record::record,
};

record! {
    /// A named set of permissions. People may hold several; what they may do is the union.
    Role(RoleId = "role") in "role", "roles";
    owner Owner::Nobody;

    columns {
        /// Stable name for configuration and exports, `marketing_manager`; made from the name where none is given.
        key: String => create().sort().unique().max(100);
        /// Name for people.
        name: String => write().always_shown().sort().search().fold("name_fold");
        /// Fold key of the name.
        name_fold: String => physical();
        /// What the role is for.
        description: Option<String> => write().max(2_000);
        /// Whether Tandem brought the role; built-in roles cannot be deleted.
        built_in: bool => server().group();
        /// The role it was copied from.
        copied_from_id: Option<RoleId> => link("copied_from");
        /// What its holders may do; what is not listed they may not. An update replaces the whole list; a copy
        /// for which none is given gets the original's.
        grants: Grants => write().always_shown();
        /// Fields that are kept from its holders. An update replaces the whole list; a copy for which none is
        /// given gets the original's.
        field_rules: FieldRules => write().always_shown();
    }
    links {
        /// The people who hold it.
        holders: User Through { table: "role_assignment", near: "role_id", far: "user_id" };
        /// The API keys that act by it.
        api_keys: ApiKey Many { column: "role_id" };
    }
}
