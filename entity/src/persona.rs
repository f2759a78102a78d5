//! Personas: the kinds of people who take part in a purchase.

use crate::{BuyingRole, Department, Seniority, Texts, record::record, user::UserId};

record! {
    /// A kind of person who takes part in a purchase, and what moves them.
    Persona(PersonaId = "pers") in "persona", "personas";
    owner Owner::Library { owner: "owner_id", department: "department" };

    columns {
        /// Name of the persona.
        name: String => write().always_shown().sort().search().fold("name_fold");
        /// Fold key of the name.
        name_fold: String => physical();
        /// Who they are.
        description: Option<String> => write().max(10_000);
        /// What they want to achieve.
        goals: Texts => write();
        /// What hurts them today.
        pains: Texts => write();
        /// What they ask.
        questions: Texts => write();
        /// What they hold against a purchase.
        objections: Texts => write();
        /// The part they usually play in a purchase.
        buying_role: Option<BuyingRole> => write().sort().group();
        /// Their usual rank.
        seniority: Option<Seniority> => write().group();
        /// Their usual department.
        job_department: Option<Department> => write().group();
        /// The department that answers for the persona.
        department: Department => write().group().default(Department::Marketing.as_str());
        /// Who keeps the persona.
        owner_id: Option<UserId> => link("owner");
    }
    links {
        /// The people who match it.
        contacts: Contact Many { column: "persona_id" };
        /// The stories told to it.
        stories: Story Many { column: "persona_id" };
        /// The pursuits of people who match it.
        leads: Lead Many { column: "persona_id" };
    }
}
