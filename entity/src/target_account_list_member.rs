//! Membership in static target-account lists.

use crate::{Day, account::AccountId, record::record, target_account_list::TargetAccountListId};

record! {
    /// One account's place on one static list.
    TargetAccountListMember(TargetAccountListMemberId = "lmem") in "target_account_list_member", "targetAccountListMembers";
    owner Owner::Parts(&[("list_id", crate::Kind::TargetAccountList), ("account_id", crate::Kind::Account)]);

    columns {
        /// The list.
        list_id: TargetAccountListId => link("list").always_shown().fixed();
        /// The account.
        account_id: AccountId => link("account").always_shown().fixed();
        /// Why the account is on the list.
        reason: Option<String> => write().max(2_000);
        /// First day on the list, in UTC; before it the account does not count as on the list.
        since: Option<Day> => write().sort();
        /// Last day on the list, in UTC; from the day after it the account does not count as on the list. Null while it lasts.
        until: Option<Day> => write().sort();
    }
    links {}
}
