//! Further domains of an account.

use crate::{account::AccountId, record::record};

record! {
    /// A further domain by which an account is known.
    AccountDomain(AccountDomainId = "adom") in "account_domain", "accountDomains";
    owner Owner::Parts(&[("account_id", crate::Kind::Account)]);

    columns {
        /// The account.
        account_id: AccountId => link("account").always_shown().fixed();
        /// The domain, normalised to the registrable domain; unique among live accounts' domains.
        domain: String => write().always_shown().fixed().sort().fold("domain").unique().max(253);
    }
    links {}
}
