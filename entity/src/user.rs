//! People who work with Tandem, and people whose work is recorded in it.

use crate::{Department, UserStatus, record::record};

record! {
    /// A person of the company: signs in, or stands as owner of records without ever signing in.
    User(UserId = "user") in "user", "users";
    owner Owner::Columns(&["id"]);

    columns {
        /// Full name.
        name: String => write().always_shown().sort().search().fold("name_fold");
        /// Fold key of the name.
        name_fold: String => physical();
        /// E-mail address, by which the person signs in; empty for people who never sign in.
        email: Option<String> => write().sort().unique().max(254).scalar("EmailAddress");
        /// Job title.
        title: Option<String> => write();
        /// The department the person works in; approvals are counted by it.
        department: Department => write().always_shown().group();
        /// Whether the person may sign in.
        status: UserStatus => server().group();
    }
    links {
        /// The teams the person belongs to.
        teams: Team Through { table: "team_membership", near: "user_id", far: "team_id" };
        /// The roles the person holds; what they may do is the union of them.
        roles: Role Through { table: "role_assignment", near: "user_id", far: "role_id" };
        /// Accounts the person owns.
        accounts: Account Many { column: "owner_id" };
        /// Leads the person owns.
        leads: Lead Many { column: "owner_id" };
        /// Deals the person owns.
        deals: Deal Many { column: "owner_id" };
    }
}
