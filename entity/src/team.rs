//! Teams and the tree they form.

use crate::{Department, record::record};

record! {
    /// A team. Reach TEAM covers the members of one's own teams and of all teams below them.
    Team(TeamId = "team") in "team", "teams";
    owner Owner::Nobody;

    columns {
        /// Name of the team.
        name: String => write().always_shown().sort().search().fold("name_fold");
        /// Fold key of the name.
        name_fold: String => physical();
        /// The department the team works in.
        department: Department => write().group();
        /// The team above it.
        parent_id: Option<TeamId> => link("parent");
    }
    links {
        /// The teams directly below it.
        children: Team Many { column: "parent_id" };
        /// The people who belong to it.
        members: User Through { table: "team_membership", near: "team_id", far: "user_id" };
    }
}
