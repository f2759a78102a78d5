//! Target-account lists.

use crate::{ListKind, ListProgram, record::record, user::UserId};

record! {
    /// A list of accounts that Marketing and Sales agree to target.
    TargetAccountList(TargetAccountListId = "list") in "target_account_list", "targetAccountLists";
    owner Owner::Columns(&["marketing_owner_id", "sales_owner_id"]);
    display Column "name";

    columns {
        /// Name of the list.
        name: String => write().always_shown().sort().search().fold("name_fold");
        /// Fold key of the name.
        name_fold: String => physical();
        /// Purpose of the list.
        description: Option<String> => write().max(10_000);
        /// Whether the accounts are listed individually or selected by a filter.
        kind: ListKind => create().group();
        /// Filter of a dynamic list: an `AccountFilter` as JSON. Each reader sees only the matching accounts that they have access to.
        filter: Option<serde_json::Value> => write();
        /// Type of ABM program: how many accounts one program of the list addresses.
        program: Option<ListProgram> => write().sort().group();
        /// Number of accounts that the team behind the list can work on.
        capacity: Option<i32> => write().sort().range(0, 1_000_000);
        /// User responsible for the list in Marketing.
        marketing_owner_id: Option<UserId> => link("marketing_owner");
        /// User responsible for the list in Sales.
        sales_owner_id: Option<UserId> => link("sales_owner");
    }
    links {
        /// Accounts on the list: the members of a static list, or the accounts that currently match the filter of a dynamic list.
        accounts: Account Listed;
        /// Members of a static list.
        members: TargetAccountListMember Many { column: "list_id" };
    }
}
