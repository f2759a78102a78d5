//! Preview: an administrator sees what somebody else sees, changes nothing, and it is told.

use entity::{Kind, id, user::UserId};

use crate::{
    access::{Action, Actor, Policy, Purpose, Reach, Who},
    error::{Code, Error, Result},
    store::{Backend, Store},
};
use std::sync::Arc;

/// The person of this id as the actor of a preview by `admin`.
pub async fn preview(backend: &Arc<Backend>, admin: &Actor, as_whom: &str) -> Result<Actor> {
    let by = match admin.who {
        Who::User { id, .. } => id,
        Who::Anonymous => {
            return Err(Error::refused(Code::Unauthenticated, "Sign in first: send `Authorization: Bearer …`."));
        }
        Who::Key { .. } | Who::System(_) => return Err(forbidden("An API key cannot preview as a user.")),
    };
    if admin.policy.reach(Kind::User, Action::Manage) < Reach::All {
        return Err(forbidden("You do not have permission to preview as another user."));
    }
    let unknown = || {
        let message = "Tandem-Preview-As must be the global ID of a user.";
        Error::refused_because(Code::BadRequest, "PREVIEW_UNKNOWN", message)
    };
    let (_, person) = id::parse(as_whom).filter(|(kind, _)| *kind == Kind::User).ok_or_else(unknown)?;
    if backend.store(admin.clone(), None).reachable(Kind::User, Action::Read, &[person]).await?.is_empty() {
        return Err(unknown());
    }
    let person = UserId(person);
    let known = backend.known(person, None).await?;
    if !known.good {
        let message = "The user is deactivated and has no access.";
        return Err(Error::refused_because(Code::Forbidden, "PREVIEW_DEACTIVATED", message));
    }
    // Their own and their teams' records are others than the administrator's own.
    let sight = known.policy.widened(&SEEN);
    if let Some(beyond) = sight.excess(&Policy::nothing(), &admin.policy).first() {
        return Err(forbidden(&format!("The user has access that you do not have: {beyond}.")));
    }
    Ok(Actor { previewed_by: Some(by), ..Actor::person(person, None, known.department, known.policy) })
}

/// Tells of a request of a preview before it runs; of no other.
pub async fn tell(store: &Store) -> Result<()> {
    let (Some(admin), Some(person)) = (store.actor().previewed_by, store.actor().user()) else { return Ok(()) };
    let mut change = store.as_system(Purpose::Oversight).begin().await?;
    change.written_by(admin);
    change.record_preview(person).await?;
    change.commit().await
}

/// A store that sees with the eyes of who previews.
pub async fn own_eyes(store: &Store, admin: UserId) -> Result<Store> {
    let known = store.backend().known(admin, None).await?;
    let actor = Actor { previewed_by: Some(admin), ..Actor::person(admin, None, known.department, known.policy) };
    Ok(store.backend().store(actor, None))
}

/// What a preview shows: records, and what may be taken out.
const SEEN: [Action; 2] = [Action::Read, Action::Export];

fn forbidden(message: &str) -> Error {
    Error::refused_because(Code::Forbidden, "PREVIEW_FORBIDDEN", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Grant;

    #[test]
    fn what_is_another_s_own_takes_sight_of_all() {
        let own = |reach| Policy::of(&[Grant { kind: Kind::Deal, action: Action::Read, reach }], &[]);
        let beyond = |theirs, mine| !own(theirs).widened(&SEEN).excess(&Policy::nothing(), &own(mine)).is_empty();
        assert!(beyond(Reach::Own, Reach::Own), "their own deals are not mine");
        assert!(beyond(Reach::Own, Reach::Team));
        assert!(!beyond(Reach::Own, Reach::All));
        assert!(!beyond(Reach::None, Reach::None));
    }
}
