//! Contacts: the people at the accounts.

use crate::{Department, Seniority, persona::PersonaId, record::record};

record! {
    /// A person at one or more accounts. They belong to those to whom any account belongs where they have
    /// a place now: a place counts from the start of its first day to the end of its last day, in UTC.
    Contact(ContactId = "cont") in "contact", "contacts";
    owner Owner::Accounts { table: "account_contact", near: "contact_id", since: "since", until: "until" };

    columns {
        /// Full name, as shown.
        name: String => write().always_shown().sort().search().fold("name_fold");
        /// Fold key of the name.
        name_fold: String => physical();
        /// Given name.
        first_name: Option<String> => write();
        /// Family name.
        last_name: Option<String> => write().sort();
        /// E-mail address in lower case; unique among live contacts.
        email: Option<String> => write().sort().search().fold("email").unique().max(254).scalar("EmailAddress");
        /// Telephone number, as given.
        phone: Option<String> => write().max(50);
        /// Job title.
        title: Option<String> => write().sort();
        /// Rank in their company.
        seniority: Option<Seniority> => write().sort().group();
        /// Department in their company.
        department: Option<Department> => write().group();
        /// The persona the person matches.
        persona_id: Option<PersonaId> => link("persona");
    }
    links {
        /// The accounts the person works or worked at.
        accounts: Account Through { table: "account_contact", near: "contact_id", far: "account_id" };
        /// The places the person holds or held.
        account_roles: AccountContact Many { column: "contact_id" };
        /// The pursuits of the person.
        leads: Lead Many { column: "contact_id" };
    }
}
