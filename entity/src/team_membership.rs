//! Who belongs to which team.

use crate::{record::record, team::TeamId, user::UserId};

record! {
    /// The membership of a user in a team.
    TeamMembership(TeamMembershipId = "tmem") in "team_membership", "teamMemberships";
    owner Owner::Parts(&[("team_id", crate::Kind::Team), ("user_id", crate::Kind::User)]);
    display Key "user_id";

    columns {
        /// The team.
        team_id: TeamId => link("team").always_shown().fixed();
        /// The user.
        user_id: UserId => link("user").always_shown().fixed();
        /// Whether the user leads the team.
        leads: bool => write().default(false);
    }
    links {}
}
