//! People who work with Tandem, and people whose work is recorded in it.

use crate::{Department, UserStatus, record::record};

record! {
    /// A person in your company, who signs in or only owns records without ever signing in.
    User(UserId = "user") in "user", "users";
    owner Owner::Columns(&["id"]);
    display Column "name";

    columns {
        /// Full name.
        name: String => write().always_shown().sort().search().fold("name_fold");
        /// Fold key of the name.
        name_fold: String => physical();
        /// E-mail address, used to sign in; null for people who never sign in.
        email: Option<String> => write().sort().unique().max(254).scalar("EmailAddress");
        /// Job title.
        title: Option<String> => write();
        /// Department of the user; approvals are counted by department.
        department: Department => write().always_shown().group();
        /// Whether the user may sign in.
        status: UserStatus => server().group();
    }
    links {
        /// Teams of the user.
        teams: Team Through { table: "team_membership", near: "user_id", far: "team_id" };
        /// Roles of the user, who has the union of their permissions.
        roles: Role Through { table: "role_assignment", near: "user_id", far: "role_id" };
        /// Accounts owned by the user.
        accounts: Account Many { column: "owner_id" };
        /// Leads owned by the user.
        leads: Lead Many { column: "owner_id" };
        /// Deals owned by the user.
        deals: Deal Many { column: "owner_id" };
    }
}
