//! Accounts: the companies that Marketing and Sales work together.

use crate::{AccountStage, AccountTier, record::record, user::UserId};

record! {
    /// A company that Marketing and Sales target jointly.
    Account(AccountId = "acct") in "account", "accounts";
    owner Owner::Account { owner: Some("owner_id"), account: "id" };
    display Column "name";

    columns {
        /// Trading or legal name of the company.
        name: String => write().always_shown().sort().search().fold("name_fold");
        /// Fold key of the name.
        name_fold: String => physical();
        /// Primary web domain, normalized to the registrable domain (`https://www.acme.co.uk/x` → `acme.co.uk`); unique among non-archived accounts.
        domain: Option<String> => write().sort().search().fold("domain").unique().max(253);
        /// URL of the website.
        website: Option<String> => write().max(2_000).scalar("URL");
        /// Industry, as free text.
        industry: Option<String> => write().sort().group();
        /// Number of employees.
        employee_count: Option<i32> => write().sort().range(0, 100_000_000);
        /// Annual revenue.
        annual_revenue_minor: Option<i64> => money("annualRevenue", "annual_revenue_currency").sort();
        /// Currency of the revenue.
        annual_revenue_currency: Option<String> => physical();
        /// Country of the headquarters, as an ISO 3166-1 alpha-2 code.
        country: Option<String> => write().sort().group().max(2).scalar("CountryCode");
        /// City of the headquarters.
        city: Option<String> => write().sort().group();
        /// Description of the company.
        description: Option<String> => write().max(10_000);
        /// Priority tier of the account.
        tier: Option<AccountTier> => write().sort().group();
        /// Lifecycle stage of the account.
        stage: AccountStage => write().sort().group().default(AccountStage::Unaware.as_str());
        /// Fit with the ideal customer profile, 0 to 100.
        fit_score: Option<i32> => write().sort().range(0, 100);
        /// Buying intent shown by the account, 0 to 100.
        intent_score: Option<i32> => write().sort().range(0, 100);
        /// The parent company. Accounts form a tree.
        parent_id: Option<AccountId> => link("parent");
        /// The owner of the account. Must be an active user.
        owner_id: Option<UserId> => link("owner");
    }
    links {
        /// The direct subsidiaries.
        children: Account Many { column: "parent_id" };
        /// Additional domains of the company.
        domains: AccountDomain Many { column: "account_id" };
        /// The account team.
        team: AccountTeamMember Many { column: "account_id" };
        /// Contacts at the account.
        contacts: Contact Through { table: "account_contact", near: "account_id", far: "contact_id" };
        /// The positions that contacts hold or held at the account.
        contact_roles: AccountContact Many { column: "account_id" };
        /// The leads at the account.
        leads: Lead Many { column: "account_id" };
        /// Deals with the account.
        deals: Deal Many { column: "account_id" };
        /// Static target account lists that contain the account.
        lists: TargetAccountList Through { table: "target_account_list_member", near: "account_id", far: "list_id" };
        /// The events of the account and of its related records.
        timeline: Event Many { column: "account_id" };
    }
}
