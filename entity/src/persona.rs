//! Personas: the kinds of people who take part in a purchase.

use crate::{BuyingRole, Department, Seniority, Texts, record::record, user::UserId};

record! {
    /// A buyer persona: a type of person involved in a purchase, with their goals, pains, questions and objections.
    Persona(PersonaId = "pers") in "persona", "personas";
    owner Owner::Library { owner: "owner_id", department: "department" };
    display Column "name";

    columns {
        /// Name of the persona.
        name: String => write().always_shown().sort().search().fold("name_fold");
        /// Fold key of the name.
        name_fold: String => physical();
        /// Description of the persona.
        description: Option<String> => write().max(10_000);
        /// Goals of the persona.
        goals: Texts => write();
        /// Pain points of the persona.
        pains: Texts => write();
        /// Questions that the persona asks.
        questions: Texts => write();
        /// Objections of the persona to a purchase.
        objections: Texts => write();
        /// Typical role of the persona in a purchase.
        buying_role: Option<BuyingRole> => write().sort().group();
        /// Typical seniority of the persona.
        seniority: Option<Seniority> => write().group();
        /// Typical department of the persona in their company.
        job_department: Option<Department> => write().group();
        /// Department responsible for the persona.
        department: Department => write().group().default(Department::Marketing.as_str());
        /// User responsible for the persona.
        owner_id: Option<UserId> => link("owner");
    }
    links {
        /// Contacts that match the persona.
        contacts: Contact Many { column: "persona_id" };
        /// Stories for the persona.
        stories: Story Many { column: "persona_id" };
        /// Leads whose persona is this one.
        leads: Lead Many { column: "persona_id" };
    }
}
