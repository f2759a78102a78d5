//! Who works or worked where.

use crate::{Day, account::AccountId, contact::ContactId, record::record};

record! {
    /// The position of a contact at an account, with its start and end dates.
    AccountContact(AccountContactId = "acon") in "account_contact", "accountContacts";
    owner Owner::Parts(&[("account_id", crate::Kind::Account), ("contact_id", crate::Kind::Contact)]);
    display Key "contact_id";

    columns {
        /// The account.
        account_id: AccountId => link("account").always_shown().fixed();
        /// The contact.
        contact_id: ContactId => link("contact").always_shown().fixed();
        /// Whether this is the contact's primary position; at most one per contact.
        is_primary: bool => write().group().default(false);
        /// Job title in this position.
        title: Option<String> => write();
        /// First day, in UTC, if known; before this day the position does not grant access to the contact.
        since: Option<Day> => write().sort();
        /// Last day; null if the position is current.
        until: Option<Day> => write().sort();
    }
    links {}
}
