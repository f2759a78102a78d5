//! What there is to permit: which actions on which records anything in this version takes a permission for.

use entity::Kind::{
    self, Account, ApiKey, Deal, Event, ImportJob, Lead, Persona, Role, RoleAssignment, Session, Story,
    TargetAccountList, User,
};

use super::Action;

/// Whether a permission has an effect. What has none is not granted: a later version could give it one, and nobody
/// would have decided about that. `roles::catalogue`, which is worked out from the verbs, is tested to say the same.
#[must_use]
pub const fn has_effect(kind: Kind, action: Action) -> bool {
    match action {
        Action::Read => true,
        Action::Create => !matches!(kind, Session | ImportJob | Event),
        Action::Update => !matches!(kind, RoleAssignment | Session | ImportJob | Event),
        Action::Delete => !matches!(kind, User | ImportJob | Event),
        Action::Assign => {
            matches!(kind, Account | Lead | Deal | Persona | Story | TargetAccountList | ApiKey)
        }
        Action::Import => !matches!(kind, RoleAssignment | Session | ApiKey | ImportJob | Event),
        Action::Export => matches!(kind, Role | Event),
        Action::Manage => matches!(kind, User | Role),
        Action::Approve | Action::Merge | Action::Erase => false,
    }
}
