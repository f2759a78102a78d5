//! Further domains of an account.

use crate::{account::AccountId, record::record};

record! {
    /// An additional domain of an account.
    AccountDomain(AccountDomainId = "adom") in "account_domain", "accountDomains";
    owner Owner::Parts(&[("account_id", crate::Kind::Account)]);
    display Column "domain";

    columns {
        /// The account.
        account_id: AccountId => link("account").always_shown().fixed();
        /// The domain, normalized to the registrable domain; unique among the domains of non-archived accounts.
        domain: String => write().always_shown().fixed().sort().fold("domain").unique().max(253);
    }
    links {}
}
