//! Who belongs to which team.

use crate::{record::record, team::TeamId, user::UserId};

record! {
    /// One person's place in one team.
    TeamMembership(TeamMembershipId = "tmem") in "team_membership", "teamMemberships";
    owner Owner::Parts(&[("team_id", crate::Kind::Team), ("user_id", crate::Kind::User)]);

    columns {
        /// The team.
        team_id: TeamId => link("team").always_shown().fixed();
        /// The person.
        user_id: UserId => link("user").always_shown().fixed();
        /// Whether the person leads the team.
        leads: bool => write().default(false);
    }
    links {}
}
