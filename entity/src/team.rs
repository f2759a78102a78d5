//! Teams and the tree they form.

use crate::{Department, record::record};

record! {
    /// A team of users. Reach TEAM covers the members of a user's own teams and of all teams below them.
    Team(TeamId = "team") in "team", "teams";
    owner Owner::Nobody;
    display Column "name";

    columns {
        /// Name of the team.
        name: String => write().always_shown().sort().search().fold("name_fold");
        /// Fold key of the name.
        name_fold: String => physical();
        /// Department of the team.
        department: Department => write().group();
        /// Parent team.
        parent_id: Option<TeamId> => link("parent");
    }
    links {
        /// Direct child teams.
        children: Team Many { column: "parent_id" };
        /// Members of the team.
        members: User Through { table: "team_membership", near: "team_id", far: "user_id" };
    }
}
