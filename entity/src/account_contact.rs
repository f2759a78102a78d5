//! Who works or worked where.

use crate::{Day, account::AccountId, contact::ContactId, record::record};

record! {
    /// One person's place at one account, over time.
    AccountContact(AccountContactId = "acon") in "account_contact", "accountContacts";
    owner Owner::Parts(&[("account_id", crate::Kind::Account), ("contact_id", crate::Kind::Contact)]);

    columns {
        /// The account.
        account_id: AccountId => link("account").always_shown().fixed();
        /// The person.
        contact_id: ContactId => link("contact").always_shown().fixed();
        /// Whether it is the person's main place; one at most.
        is_primary: bool => write().group().default(false);
        /// Job title held there.
        title: Option<String> => write();
        /// First day, if known, in UTC; before it the place gives no reach over the person.
        since: Option<Day> => write().sort();
        /// Last day; null while it lasts.
        until: Option<Day> => write().sort();
    }
    links {}
}
