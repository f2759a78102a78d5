//! The people who work an account.

use crate::{account::AccountId, record::record, user::UserId};

record! {
    /// One person's place in the team of one account; reach OWN on the account follows from it.
    AccountTeamMember(AccountTeamMemberId = "atm") in "account_team_member", "accountTeamMembers";
    owner Owner::Parts(&[("account_id", crate::Kind::Account), ("user_id", crate::Kind::User)]);

    columns {
        /// The account.
        account_id: AccountId => link("account").always_shown().fixed();
        /// The person.
        user_id: UserId => link("user").always_shown().fixed();
        /// What the person does for the account, in the company's own words.
        role: Option<String> => write().group();
    }
    links {}
}
