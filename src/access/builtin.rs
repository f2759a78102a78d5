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
    cell: fn(ResourceGroup, Action) -> Reach,
    fields: &'static [(Kind, &'static str, FieldRule)],
}

/// Kinds that a built-in role treats alike.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ResourceGroup {
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

/// Every kind says here which group it is in; a new one does not compile without.
const fn group(kind: Kind) -> ResourceGroup {
    match kind {
        Kind::User => ResourceGroup::People,
        Kind::Team | Kind::TeamMembership => ResourceGroup::Directory,
        Kind::Role | Kind::RoleAssignment => ResourceGroup::Roles,
        Kind::Session => ResourceGroup::Sessions,
        Kind::ApiKey => ResourceGroup::Keys,
        Kind::Account | Kind::AccountDomain | Kind::AccountTeamMember => ResourceGroup::Accounts,
        Kind::Contact | Kind::AccountContact => ResourceGroup::Contacts,
        Kind::Lead => ResourceGroup::Leads,
        Kind::Deal => ResourceGroup::Deals,
        Kind::Pipeline | Kind::Stage => ResourceGroup::Pipelines,
        Kind::Persona | Kind::Story => ResourceGroup::Library,
        Kind::TargetAccountList | Kind::TargetAccountListMember => ResourceGroup::Lists,
        Kind::ImportJob => ResourceGroup::Imports,
        Kind::Event => ResourceGroup::Events,
    }
}

impl BuiltIn {
    /// Its permissions.
    #[must_use]
    pub fn grants(&self) -> Vec<Grant> {
        let cells = Kind::ALL.into_iter().flat_map(|kind| Action::ALL.map(|action| (kind, action)));
        cells
            .map(|(kind, action)| Grant { kind, action, reach: (self.cell)(group(kind), action) })
            .filter(|grant| grant.reach > None && has_effect(grant.kind, grant.action))
            .collect()
    }

    /// Whether it writes records of a kind that other systems know and may not say under which name: that is for who
    /// brings records in from there. Whoever gives a record the name that another system looks for next, is told what
    /// that system writes.
    fn may_not_name(&self, kind: Kind) -> bool {
        let may = |action| (self.cell)(group(kind), action) > None;
        let shared = matches!(
            group(kind),
            ResourceGroup::Accounts
                | ResourceGroup::Contacts
                | ResourceGroup::Leads
                | ResourceGroup::Deals
                | ResourceGroup::Lists
        );
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
const fn everybody(group: ResourceGroup, action: Action) -> Reach {
    match (group, action) {
        (
            ResourceGroup::People
            | ResourceGroup::Directory
            | ResourceGroup::Pipelines
            | ResourceGroup::Library
            | ResourceGroup::Lists
            | ResourceGroup::Events,
            Read,
        ) => All,
        (ResourceGroup::Sessions, Read | Delete) => Own,
        _ => None,
    }
}

/// The roles, in the order they are shown.
#[expect(clippy::match_same_arms, reason = "one line a group reads as the matrix it is")]
pub const ROLES: &[BuiltIn] = &[
    BuiltIn {
        key: "admin",
        name: "Administrator",
        description: "Full access, including users, roles and permissions.",
        cell: |_, _| All,
        fields: &[],
    },
    BuiltIn {
        key: "marketing_manager",
        name: "Marketing manager",
        description: "Manages all accounts, contacts, leads, lists, personas and stories; can see all deals.",
        cell: |group, action| match (group, action) {
            (
                ResourceGroup::Accounts
                | ResourceGroup::Contacts
                | ResourceGroup::Leads
                | ResourceGroup::Lists
                | ResourceGroup::Library,
                Read | Create | Update | Delete | Approve | Assign | Export | Import | Merge,
            ) => All,
            (ResourceGroup::Deals, Read | Export) => All,
            (ResourceGroup::Imports, Read | Create) => Own,
            _ => everybody(group, action),
        },
        fields: &[],
    },
    BuiltIn {
        key: "marketer",
        name: "Marketer",
        description: "Edits accounts, contacts and leads, including those of sellers, and the personas, stories and lists of their own department.",
        cell: |group, action| match (group, action) {
            (
                ResourceGroup::Accounts | ResourceGroup::Contacts | ResourceGroup::Leads,
                Read | Create | Update | Assign,
            ) => All,
            (ResourceGroup::Deals, Read) => All,
            (ResourceGroup::Library, Create | Update) => Team,
            // A list of one's own names a seller beside oneself.
            (ResourceGroup::Lists, Create | Update | Assign) => Own,
            (ResourceGroup::Imports, Read | Create) => Own,
            _ => everybody(group, action),
        },
        fields: &[],
    },
    BuiltIn {
        key: "sales_manager",
        name: "Sales manager",
        description: "Manages all accounts, contacts, leads, deals, pipelines and lists.",
        cell: |group, action| match (group, action) {
            (
                ResourceGroup::Accounts
                | ResourceGroup::Contacts
                | ResourceGroup::Leads
                | ResourceGroup::Deals
                | ResourceGroup::Lists,
                Read | Create | Update | Delete | Approve | Assign | Export | Import | Merge,
            ) => All,
            (ResourceGroup::Pipelines, Create | Update | Delete) => All,
            (ResourceGroup::Library, Approve) => All,
            (ResourceGroup::Imports, Read | Create) => Own,
            _ => everybody(group, action),
        },
        fields: &[],
    },
    BuiltIn {
        key: "rep",
        name: "Sales representative",
        description: "Can see the accounts, contacts, leads and deals of their team; edits their own.",
        cell: |group, action| match (group, action) {
            (ResourceGroup::Accounts | ResourceGroup::Contacts | ResourceGroup::Leads | ResourceGroup::Deals, Read) => {
                Team
            }
            (
                ResourceGroup::Accounts | ResourceGroup::Contacts | ResourceGroup::Leads | ResourceGroup::Deals,
                Update,
            ) => Own,
            (ResourceGroup::Contacts | ResourceGroup::Leads | ResourceGroup::Deals, Create) => Own,
            _ => everybody(group, action),
        },
        fields: &[],
    },
    BuiltIn {
        key: "service",
        name: "Service",
        description: "Can see accounts, contacts and deals, without deal amounts.",
        cell: |group, action| match (group, action) {
            (ResourceGroup::Accounts | ResourceGroup::Contacts | ResourceGroup::Deals, Read) => All,
            (ResourceGroup::Contacts, Update) => All,
            _ => everybody(group, action),
        },
        fields: &[(Kind::Deal, "amount", FieldRule::Hidden), (Kind::Account, "annualRevenue", FieldRule::Hidden)],
    },
    BuiltIn {
        key: "it",
        name: "IT",
        description: "Manages integrations and imports; can see role assignments, but no customer data.",
        cell: |group, action| match (group, action) {
            (ResourceGroup::Roles | ResourceGroup::Imports | ResourceGroup::Sessions | ResourceGroup::Keys, Read) => {
                All
            }
            _ => everybody(group, action),
        },
        fields: &[],
    },
    BuiltIn {
        key: "executive",
        name: "Executive (read only)",
        description: "Read-only access to everything.",
        cell: |group, action| match (group, action) {
            (ResourceGroup::Sessions, _) => everybody(group, action),
            (_, Read | Export) => All,
            _ => everybody(group, action),
        },
        fields: &[],
    },
    BuiltIn {
        key: "integration",
        name: "Integration",
        description: "Creates and updates accounts, contacts, leads and deals for a connected system; cannot delete.",
        cell: |group, action| match (group, action) {
            (
                ResourceGroup::Accounts
                | ResourceGroup::Contacts
                | ResourceGroup::Leads
                | ResourceGroup::Deals
                | ResourceGroup::Lists,
                Read | Create | Update | Assign | Export | Import,
            ) => All,
            (ResourceGroup::Imports, Read | Create) => Own,
            // Sign-ins are people's.
            (ResourceGroup::Sessions, _) => None,
            _ => everybody(group, action),
        },
        fields: &[],
    },
    BuiltIn {
        key: "crm_sync",
        name: "CRM synchronisation",
        description: "Synchronizes a CRM and Tandem in both directions: writes and archives accounts, contacts, leads, deals and lists, exports events, and sets the CRM's IDs of users.",
        cell: |group, action| match (group, action) {
            (
                ResourceGroup::Accounts
                | ResourceGroup::Contacts
                | ResourceGroup::Leads
                | ResourceGroup::Deals
                | ResourceGroup::Lists,
                Read | Create | Update | Delete | Assign | Export | Import,
            ) => All,
            // Their external ids; who they are is not the CRM's to say.
            (ResourceGroup::People, Update) => All,
            (ResourceGroup::Events, Export) => All,
            (ResourceGroup::Imports, Read | Create) => Own,
            (ResourceGroup::Sessions, _) => None,
            _ => everybody(group, action),
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
