//! The people who work an account.

use crate::{account::AccountId, record::record, user::UserId};

record! {
    /// The membership of a user in the team of an account; it gives the user OWN reach on the account.
    AccountTeamMember(AccountTeamMemberId = "atm") in "account_team_member", "accountTeamMembers";
    owner Owner::Parts(&[("account_id", crate::Kind::Account), ("user_id", crate::Kind::User)]);
    display Key "user_id";

    columns {
        /// The account.
        account_id: AccountId => link("account").always_shown().fixed();
        /// The user.
        user_id: UserId => link("user").always_shown().fixed();
        /// Role of the user on the account team, as free text.
        role: Option<String> => write().group();
    }
    links {}
}
