//! What a role can permit and hide: worked out from the tables, from the standard mutations of each noun, and from
//! the one list of verbs beside them.

use entity::{Kind, table::Input};

use crate::{
    access::{Action, Grant, Policy, Reach, has_effect},
    store::{Nouns, Verbs},
    text::words,
};

/// What takes a permission besides the standard queries and mutations: a field of the API or a path of the server.
pub const SPECIAL: [(&str, Kind, Action); 22] = [
    ("sessionRevoke", Kind::Session, Action::Delete),
    ("sessionsRevoke", Kind::Session, Action::Delete),
    ("userInvite", Kind::User, Action::Create),
    ("userReinvite", Kind::User, Action::Create),
    ("userDeactivate", Kind::User, Action::Update),
    ("userReactivate", Kind::User, Action::Update),
    ("userSetPassword", Kind::User, Action::Manage),
    ("userUnlock", Kind::User, Action::Manage),
    ("userPasswordResetCreate", Kind::User, Action::Manage),
    ("Tandem-Preview-As", Kind::User, Action::Manage),
    ("roleAssign", Kind::RoleAssignment, Action::Create),
    ("roleUnassign", Kind::RoleAssignment, Action::Delete),
    ("roleDelete", Kind::Role, Action::Delete),
    ("roleExport", Kind::Role, Action::Export),
    ("roleImport", Kind::Role, Action::Import),
    ("signingKeyRotate", Kind::Role, Action::Manage),
    ("apiKeyCreate", Kind::ApiKey, Action::Create),
    ("apiKeyCreate", Kind::ApiKey, Action::Assign),
    ("apiKeyRotate", Kind::ApiKey, Action::Update),
    ("apiKeyRevoke", Kind::ApiKey, Action::Delete),
    ("GET /exports/audit.csv", Kind::Event, Action::Export),
    ("GET /exports/audit.jsonl", Kind::Event, Action::Export),
];

/// What an action on records of a kind permits: queries, mutations and paths; nothing where it has no effect.
#[must_use]
pub fn verbs(nouns: Nouns, kind: Kind, action: Action) -> Vec<String> {
    let table = kind.table();
    let one = table.singular();
    let standard = match nouns.of(kind) {
        Some(noun) => noun.verbs(),
        None => Verbs::NONE,
    };
    let owned = || {
        let owners = table.owner.columns();
        table.fields.iter().any(|field| field.input == Input::Write && owners.contains(&field.column))
    };
    let mut verbs = match action {
        Action::Read => vec![one.clone(), table.plural.to_owned()],
        Action::Create if standard.create && standard.update => {
            vec![format!("{one}Create"), format!("{one}BulkUpsert")]
        }
        Action::Create if standard.create => vec![format!("{one}Create")],
        Action::Update if standard.update && standard.create => {
            vec![format!("{one}Update"), format!("{one}BulkUpsert")]
        }
        Action::Update if standard.update => vec![format!("{one}Update")],
        // Somebody else becomes its owner, or is from the beginning.
        Action::Assign if standard.update && owned() => {
            let mut verbs = vec![format!("{one}Update")];
            verbs
                .extend(["Create", "BulkUpsert"].iter().filter(|_| standard.create).map(|verb| format!("{one}{verb}")));
            verbs
        }
        Action::Delete if standard.archive => vec![format!("{one}Archive"), format!("{one}Restore")],
        // A row of a file may say again what is there, also where nothing else changes it.
        Action::Import | Action::Update if standard.create => vec!["importStart".to_owned()],
        _ => vec![],
    };
    if action == Action::Update && standard.update {
        verbs.push("externalIdMove".to_owned());
    }
    let special = SPECIAL.iter().filter(|(_, of, does)| (*of, *does) == (kind, action));
    verbs.extend(special.map(|(verb, ..)| (*verb).to_owned()));
    verbs
}

/// How far a permission on records of a kind can go.
#[must_use]
pub fn reaches(kind: Kind) -> &'static [Reach] {
    if kind.table().has_owner() { &[Reach::Own, Reach::Team, Reach::All] } else { &[Reach::All] }
}

/// A name for people: `targetAccountList` becomes `Target account list`.
#[must_use]
pub fn label(name: &str) -> String {
    let mut label = words(name);
    if let Some(first) = label.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    label
}

/// Why a permission does less than it seems to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The permission.
    pub grant: Grant,
    /// `NO_EFFECT`, `READ_MISSING` or `READ_NARROWER`.
    pub reason: &'static str,
    /// The same in words.
    pub message: String,
}

/// The permissions among these that do nothing, or less than they seem to.
#[must_use]
pub fn warnings(grants: &[Grant]) -> Vec<Warning> {
    let policy = Policy::of(grants, &[]);
    let warning = |grant: &Grant| {
        let (kind, action) = (grant.kind.name(), grant.action.as_str());
        let (sees, reach) = (policy.reach(grant.kind, Action::Read), grant.reach);
        // What is new is made, not found: these need no sight of what is there.
        let makes = policy.reach(grant.kind, Action::Create) > Reach::None;
        let needs_sight = match grant.action {
            Action::Read | Action::Create | Action::Import => false,
            Action::Assign => !makes,
            _ => true,
        };
        let (reason, message) = if reach == Reach::None {
            return None;
        } else if !has_effect(grant.kind, grant.action) {
            ("NO_EFFECT", format!("The permission to {action} {kind} records is not used in this version."))
        } else if needs_sight && sees == Reach::None {
            ("READ_MISSING", format!("Without READ on {kind} records {action} permits nothing."))
        } else if needs_sight && sees < reach {
            let sees = sees.as_str();
            (
                "READ_NARROWER",
                format!("The reach of {action} on {kind} records is limited to that of READ, which is {sees}."),
            )
        } else {
            return None;
        };
        Some(Warning { grant: *grant, reason, message })
    };
    grants.iter().filter_map(warning).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::NOUNS;

    fn reasons(grants: &[&str]) -> Vec<&'static str> {
        let grants: Vec<Grant> = grants.iter().map(|text| Grant::read(text).expect("a permission")).collect();
        warnings(&grants).into_iter().map(|warning| warning.reason).collect()
    }

    #[test]
    fn what_does_nothing_is_told() {
        assert_eq!(reasons(&["Deal:READ:ALL", "Deal:MERGE:ALL"]), ["NO_EFFECT"]);
        assert_eq!(reasons(&["Session:READ:ALL", "Session:APPROVE:ALL"]), ["NO_EFFECT"]);
        assert_eq!(reasons(&["Deal:UPDATE:OWN"]), ["READ_MISSING"]);
        assert_eq!(reasons(&["Deal:READ:OWN", "Deal:UPDATE:ALL"]), ["READ_NARROWER"]);
        assert_eq!(reasons(&["Lead:CREATE:ALL", "Deal:READ:TEAM", "Deal:UPDATE:OWN", "Event:READ:ALL"]), [""; 0]);
    }

    #[test]
    fn what_has_an_effect_is_what_a_verb_takes() {
        for kind in Kind::ALL {
            for action in Action::ALL {
                assert_eq!(has_effect(kind, action), !verbs(NOUNS, kind, action).is_empty(), "{kind:?} {action:?}");
            }
        }
    }

    #[test]
    fn every_kind_can_be_read_and_has_a_label() {
        for kind in Kind::ALL {
            assert!(!verbs(NOUNS, kind, Action::Read).is_empty() && !label(kind.name()).is_empty());
        }
        assert_eq!(
            (label("annualRevenue"), label("TargetAccountList")),
            ("Annual revenue".into(), "Target account list".into())
        );
        assert_eq!(verbs(NOUNS, Kind::Deal, Action::Assign), ["dealUpdate", "dealCreate", "dealBulkUpsert"]);
        assert!(verbs(NOUNS, Kind::Pipeline, Action::Assign).is_empty());
    }
}
