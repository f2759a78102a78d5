//! Contacts: the people at the accounts.

use crate::{Department, Seniority, persona::PersonaId, record::record};

record! {
    /// A person at one or more accounts. Ownership (reaches OWN and TEAM) follows from the accounts at which the
    /// contact currently has a position: a position counts from the start of its first day to the end of its last
    /// day, in UTC.
    Contact(ContactId = "cont") in "contact", "contacts";
    owner Owner::Accounts { table: "account_contact", near: "contact_id", since: "since", until: "until" };
    display Column "name";

    columns {
        /// Full name, as displayed.
        name: String => write().always_shown().sort().search().fold("name_fold");
        /// Fold key of the name.
        name_fold: String => physical();
        /// Given name.
        first_name: Option<String> => write();
        /// Family name.
        last_name: Option<String> => write().sort();
        /// E-mail address in lower case; unique among non-archived contacts.
        email: Option<String> => write().sort().search().fold("email").unique().max(254).scalar("EmailAddress");
        /// Phone number, as entered.
        phone: Option<String> => write().max(50);
        /// Job title.
        title: Option<String> => write().sort();
        /// Seniority in the contact's company.
        seniority: Option<Seniority> => write().sort().group();
        /// Department in the contact's company.
        department: Option<Department> => write().group();
        /// Persona that the contact matches.
        persona_id: Option<PersonaId> => link("persona");
    }
    links {
        /// Accounts at which the contact has or had a position.
        accounts: Account Through { table: "account_contact", near: "contact_id", far: "account_id" };
        /// Current and former positions of the contact.
        account_roles: AccountContact Many { column: "contact_id" };
        /// Leads for the contact.
        leads: Lead Many { column: "contact_id" };
    }
}
