//! Accounts: the companies that Marketing and Sales work together.

use crate::{AccountStage, AccountTier, record::record, user::UserId};

record! {
    /// A company that Marketing and Sales work together.
    Account(AccountId = "acct") in "account", "accounts";
    owner Owner::Account { owner: Some("owner_id"), account: "id" };

    columns {
        /// Trading or legal name.
        name: String => write().always_shown().sort().search().fold("name_fold");
        /// Fold key of the name.
        name_fold: String => physical();
        /// Primary web domain, normalised to the registrable domain (`https://www.acme.co.uk/x` → `acme.co.uk`); unique among live accounts.
        domain: Option<String> => write().sort().search().fold("domain").unique().max(253);
        /// Address of the web site.
        website: Option<String> => write().max(2_000).scalar("URL");
        /// Industry, in the company's own words.
        industry: Option<String> => write().sort().group();
        /// Number of people employed.
        employee_count: Option<i32> => write().sort().range(0, 100_000_000);
        /// Revenue of one year.
        annual_revenue_minor: Option<i64> => money("annualRevenue", "annual_revenue_currency").sort();
        /// Currency of the revenue.
        annual_revenue_currency: Option<String> => physical();
        /// Country of the headquarters, ISO 3166-1 alpha-2.
        country: Option<String> => write().sort().group().max(2).scalar("CountryCode");
        /// City of the headquarters.
        city: Option<String> => write().sort().group();
        /// What the company does.
        description: Option<String> => write().max(10_000);
        /// How much effort the account deserves.
        tier: Option<AccountTier> => write().sort().group();
        /// How far the account has come.
        stage: AccountStage => write().sort().group().default(AccountStage::Unaware.as_str());
        /// How well the account fits the ideal customer profile, 0 to 100.
        fit_score: Option<i32> => write().sort().range(0, 100);
        /// How strongly the account shows interest in the market, 0 to 100.
        intent_score: Option<i32> => write().sort().range(0, 100);
        /// The company it belongs to; companies form a tree.
        parent_id: Option<AccountId> => link("parent");
        /// Who answers for the account; somebody active.
        owner_id: Option<UserId> => link("owner");
    }
    links {
        /// The companies that belong to it directly.
        children: Account Many { column: "parent_id" };
        /// Further domains of the company.
        domains: AccountDomain Many { column: "account_id" };
        /// The people who work the account.
        team: AccountTeamMember Many { column: "account_id" };
        /// The people known at the account.
        contacts: Contact Through { table: "account_contact", near: "account_id", far: "contact_id" };
        /// The places people hold or held at the account.
        contact_roles: AccountContact Many { column: "account_id" };
        /// The pursuits at the account.
        leads: Lead Many { column: "account_id" };
        /// The deals with the account.
        deals: Deal Many { column: "account_id" };
        /// The static target-account lists it is a member of.
        lists: TargetAccountList Through { table: "target_account_list_member", near: "account_id", far: "list_id" };
        /// What happened at the account and to everything that hangs off it.
        timeline: Event Many { column: "account_id" };
    }
}
