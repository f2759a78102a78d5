//! The roles that Tandem brings: seeded into the database, then ordinary data.

use entity::{Kind, table::EXTERNAL_IDS};

use super::{
    Action::{self, Approve, Assign, Create, Delete, Export, Import, Merge, Read, Update},
    FieldRule, Grant,
    Reach::{self, All, None, Own, Team},
    has_effect,
};

/// A role that Tandem brings.
#[derive(Debug)]
pub struct BuiltIn {
    /// Stable name.
    pub key: &'static str,
    /// Name for people.
    pub name: &'static str,
    /// What the role is for.
    pub description: &'static str,
    cell: fn(Room, Action) -> Reach,
    fields: &'static [(Kind, &'static str, FieldRule)],
}

/// Kinds that a built-in role treats alike.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    /// People.
    People,
    /// Teams and who belongs to them.
    Directory,
    /// Roles and who holds them.
    Roles,
    /// One's sign-ins.
    Sessions,
    /// The keys of integrations.
    Keys,
    /// Accounts and what describes them.
    Accounts,
    /// The people at accounts.
    Contacts,
    /// Leads.
    Leads,
    /// Deals.
    Deals,
    /// Pipelines and stages.
    Pipelines,
    /// Personas and stories.
    Library,
    /// Target-account lists.
    Lists,
    /// Imports.
    Imports,
    /// What happened.
    Events,
}

/// Every kind says here which room it is in; a new one does not compile without.
const fn room(kind: Kind) -> Room {
    match kind {
        Kind::User => Room::People,
        Kind::Team | Kind::TeamMembership => Room::Directory,
        Kind::Role | Kind::RoleAssignment => Room::Roles,
        Kind::Session => Room::Sessions,
        Kind::ApiKey => Room::Keys,
        Kind::Account | Kind::AccountDomain | Kind::AccountTeamMember => Room::Accounts,
        Kind::Contact | Kind::AccountContact => Room::Contacts,
        Kind::Lead => Room::Leads,
        Kind::Deal => Room::Deals,
        Kind::Pipeline | Kind::Stage => Room::Pipelines,
        Kind::Persona | Kind::Story => Room::Library,
        Kind::TargetAccountList | Kind::TargetAccountListMember => Room::Lists,
        Kind::ImportJob => Room::Imports,
        Kind::Event => Room::Events,
    }
}

impl BuiltIn {
    /// Its permissions.
    #[must_use]
    pub fn grants(&self) -> Vec<Grant> {
        let cells = Kind::ALL.into_iter().flat_map(|kind| Action::ALL.map(|action| (kind, action)));
        cells
            .map(|(kind, action)| Grant { kind, action, reach: (self.cell)(room(kind), action) })
            .filter(|grant| grant.reach > None && has_effect(grant.kind, grant.action))
            .collect()
    }

    /// Whether it writes records of a kind that other systems know and may not say under which name: that is for who
    /// brings records in from there. Whoever gives a record the name that another system looks for next, is told what
    /// that system writes.
    fn may_not_name(&self, kind: Kind) -> bool {
        let may = |action| (self.cell)(room(kind), action) > None;
        let shared = matches!(room(kind), Room::Accounts | Room::Contacts | Room::Leads | Room::Deals | Room::Lists);
        let named = shared && kind.table().is_named_elsewhere();
        named && (may(Create) || may(Update)) && !may(Import)
    }

    /// Its field rules.
    #[must_use]
    pub fn fields(&self) -> Vec<(Kind, String, FieldRule)> {
        let own = self.fields.iter().map(|(kind, field, rule)| (*kind, (*field).to_owned(), *rule));
        let unnamed = Kind::ALL.into_iter().filter(|kind| self.may_not_name(*kind));
        own.chain(unnamed.map(|kind| (kind, EXTERNAL_IDS.to_owned(), FieldRule::ReadOnly))).collect()
    }
}

/// What everybody may: see the directory, the shared library and set-up, the events of what they
/// see, and their own sessions.
const fn everybody(room: Room, action: Action) -> Reach {
    match (room, action) {
        (Room::People | Room::Directory | Room::Pipelines | Room::Library | Room::Lists | Room::Events, Read) => All,
        (Room::Sessions, Read | Delete) => Own,
        _ => None,
    }
}

/// The roles, in the order they are shown.
#[expect(clippy::match_same_arms, reason = "one line a room reads as the matrix it is")]
pub const ROLES: &[BuiltIn] = &[
    BuiltIn {
        key: "admin",
        name: "Administrator",
        description: "Everything, including who may do what.",
        cell: |_, _| All,
        fields: &[],
    },
    BuiltIn {
        key: "marketing_manager",
        name: "Marketing manager",
        description: "Runs marketing: all accounts, contacts, leads, lists, personas and stories; sees all deals.",
        cell: |room, action| match (room, action) {
            (
                Room::Accounts | Room::Contacts | Room::Leads | Room::Lists | Room::Library,
                Read | Create | Update | Delete | Approve | Assign | Export | Import | Merge,
            ) => All,
            (Room::Deals, Read | Export) => All,
            (Room::Imports, Read | Create) => Own,
            _ => everybody(room, action),
        },
        fields: &[],
    },
    BuiltIn {
        key: "marketer",
        name: "Marketer",
        description: "Works on accounts, contacts and leads, also for sellers; writes personas, stories and lists of the own department.",
        cell: |room, action| match (room, action) {
            (Room::Accounts | Room::Contacts | Room::Leads, Read | Create | Update | Assign) => All,
            (Room::Deals, Read) => All,
            (Room::Library, Create | Update) => Team,
            // A list of one's own names a seller beside oneself.
            (Room::Lists, Create | Update | Assign) => Own,
            (Room::Imports, Read | Create) => Own,
            _ => everybody(room, action),
        },
        fields: &[],
    },
    BuiltIn {
        key: "sales_manager",
        name: "Sales manager",
        description: "Runs sales: all accounts, contacts, leads, deals, pipelines and lists.",
        cell: |room, action| match (room, action) {
            (
                Room::Accounts | Room::Contacts | Room::Leads | Room::Deals | Room::Lists,
                Read | Create | Update | Delete | Approve | Assign | Export | Import | Merge,
            ) => All,
            (Room::Pipelines, Create | Update | Delete) => All,
            (Room::Library, Approve) => All,
            (Room::Imports, Read | Create) => Own,
            _ => everybody(room, action),
        },
        fields: &[],
    },
    BuiltIn {
        key: "rep",
        name: "Sales representative",
        description: "Sees the accounts, contacts, leads and deals of the own team; works on the own ones.",
        cell: |room, action| match (room, action) {
            (Room::Accounts | Room::Contacts | Room::Leads | Room::Deals, Read) => Team,
            (Room::Accounts | Room::Contacts | Room::Leads | Room::Deals, Update) => Own,
            (Room::Contacts | Room::Leads | Room::Deals, Create) => Own,
            _ => everybody(room, action),
        },
        fields: &[],
    },
    BuiltIn {
        key: "service",
        name: "Service",
        description: "Sees accounts, contacts and deals without their amounts.",
        cell: |room, action| match (room, action) {
            (Room::Accounts | Room::Contacts | Room::Deals, Read) => All,
            (Room::Contacts, Update) => All,
            _ => everybody(room, action),
        },
        fields: &[(Kind::Deal, "amount", FieldRule::Hidden), (Kind::Account, "annualRevenue", FieldRule::Hidden)],
    },
    BuiltIn {
        key: "it",
        name: "IT",
        description: "Keeps connections and imports running; sees who holds which role, and no customer data.",
        cell: |room, action| match (room, action) {
            (Room::Roles | Room::Imports | Room::Sessions | Room::Keys, Read) => All,
            _ => everybody(room, action),
        },
        fields: &[],
    },
    BuiltIn {
        key: "executive",
        name: "Executive (read only)",
        description: "Sees everything, changes nothing.",
        cell: |room, action| match (room, action) {
            (Room::Sessions, _) => everybody(room, action),
            (_, Read | Export) => All,
            _ => everybody(room, action),
        },
        fields: &[],
    },
    BuiltIn {
        key: "integration",
        name: "Integration",
        description: "Writes accounts, contacts, leads and deals for a connected system; deletes nothing.",
        cell: |room, action| match (room, action) {
            (
                Room::Accounts | Room::Contacts | Room::Leads | Room::Deals | Room::Lists,
                Read | Create | Update | Assign | Export | Import,
            ) => All,
            (Room::Imports, Read | Create) => Own,
            // Sign-ins are people's.
            (Room::Sessions, _) => None,
            _ => everybody(room, action),
        },
        fields: &[],
    },
    BuiltIn {
        key: "crm_sync",
        name: "CRM synchronisation",
        description: "Keeps a CRM and Tandem alike in both directions: writes and archives accounts, contacts, leads, deals and lists, takes out events, and names people by the CRM's ids.",
        cell: |room, action| match (room, action) {
            (
                Room::Accounts | Room::Contacts | Room::Leads | Room::Deals | Room::Lists,
                Read | Create | Update | Delete | Assign | Export | Import,
            ) => All,
            // Their external ids; who they are is not the CRM's to say.
            (Room::People, Update) => All,
            (Room::Events, Export) => All,
            (Room::Imports, Read | Create) => Own,
            (Room::Sessions, _) => None,
            _ => everybody(room, action),
        },
        fields: &[
            (Kind::User, "name", FieldRule::ReadOnly),
            (Kind::User, "email", FieldRule::ReadOnly),
            (Kind::User, "department", FieldRule::ReadOnly),
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_rule_names_a_field_that_may_be_hidden() {
        for role in ROLES {
            for (kind, field, rule) in role.fields() {
                if rule == FieldRule::ReadOnly {
                    assert!(
                        field == EXTERNAL_IDS || kind.table().field(&field).is_some(),
                        "{}: {}.{field}",
                        role.key,
                        kind.name()
                    );
                    continue;
                }
                assert!(kind.table().hidable().any(|name| name == field), "{}: {}.{field}", role.key, kind.name());
            }
        }
    }
}
