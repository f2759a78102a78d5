//! Target-account lists.

use crate::{ListKind, ListProgram, record::record, user::UserId};

record! {
    /// A list of accounts that Marketing and Sales agree to go after.
    TargetAccountList(TargetAccountListId = "list") in "target_account_list", "targetAccountLists";
    owner Owner::Columns(&["marketing_owner_id", "sales_owner_id"]);

    columns {
        /// Name of the list.
        name: String => write().always_shown().sort().search().fold("name_fold");
        /// Fold key of the name.
        name_fold: String => physical();
        /// What the list is for.
        description: Option<String> => write().max(10_000);
        /// How its accounts are found.
        kind: ListKind => create().group();
        /// The filter of a dynamic list, an `AccountFilter` as JSON; each reader sees what it finds within their own reach.
        filter: Option<serde_json::Value> => write();
        /// How many accounts one programme of the list addresses.
        program: Option<ListProgram> => write().sort().group();
        /// How many accounts the people behind the list can work.
        capacity: Option<i32> => write().sort().range(0, 1_000_000);
        /// Who answers for the list in Marketing.
        marketing_owner_id: Option<UserId> => link("marketing_owner");
        /// Who answers for the list in Sales.
        sales_owner_id: Option<UserId> => link("sales_owner");
    }
    links {
        /// The accounts on the list: the members of a static list; what the filter of a dynamic one finds now.
        accounts: Account Listed;
        /// The memberships of a static list.
        members: TargetAccountListMember Many { column: "list_id" };
    }
}
