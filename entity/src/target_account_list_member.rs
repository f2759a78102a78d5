//! Membership in static target-account lists.

use crate::{Day, account::AccountId, record::record, target_account_list::TargetAccountListId};

record! {
    /// The membership of an account in a static target account list.
    TargetAccountListMember(TargetAccountListMemberId = "lmem") in "target_account_list_member", "targetAccountListMembers";
    owner Owner::Parts(&[("list_id", crate::Kind::TargetAccountList), ("account_id", crate::Kind::Account)]);
    display Key "account_id";

    columns {
        /// The list.
        list_id: TargetAccountListId => link("list").always_shown().fixed();
        /// The account.
        account_id: AccountId => link("account").always_shown().fixed();
        /// Why the account is on the list.
        reason: Option<String> => write().max(2_000);
        /// First day on the list, in UTC; the account is not on the list before it.
        since: Option<Day> => write().sort();
        /// Last day on the list, in UTC; the account is not on the list after it. Null if there is no end date.
        until: Option<Day> => write().sort();
    }
    links {}
}
