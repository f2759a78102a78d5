//! People: users, teams, roles and sessions; how they sign in, and how they leave.

pub mod admin;
pub mod explain;
pub mod graphql;
mod inputs;
pub mod invitations;
pub mod issuer;
mod keys;
pub mod leaving;
pub mod preview;
pub mod sign_in;
#[cfg(test)]
mod tests;
mod throttle;

use entity::{Instant, Kind, Record, UserStatus, import_job, session, team, team_membership, user};
use futures_util::future::BoxFuture;

use crate::{
    access::{Action, Actor, Reach},
    error::{Result, UserCode, UserError},
    roles,
    store::{Change, Draft, Rules, Slice, Verbs},
};

/// Users.
pub static USER: Slice<user::Entity> = Slice::new(Verbs { archive: false, ..Verbs::ALL });
/// Teams.
pub static TEAM: Slice<team::Entity> = Slice::new(Verbs::ALL);
/// Who belongs to which team.
pub static MEMBERSHIP: Slice<team_membership::Entity> = Slice::new(Verbs::ALL);

impl Rules for user::Entity {
    fn complete(draft: &mut Draft, _: &Actor, _: Instant) {
        if draft.get(user::Entity::table(), "status").is_none() {
            draft.set(user::Entity::table(), "status", UserStatus::Active.as_str());
        }
    }

    fn settle<'a>(
        change: &'a mut Change,
        row: &'a mut user::Model,
        before: Option<&'a user::Model>,
        _: &'a Draft,
    ) -> BoxFuture<'a, Result<()>> {
        row.email = row.email.take().map(|email| email.to_lowercase());
        Box::pin(async move {
            let Some(before) = before else { return Ok(()) };
            if before.email != row.email {
                roles::must_cover(change, row.id, "change this e-mail address").await?;
                // The company's issuer recognises people by it: nobody takes somebody else's for their own.
                let actor = change.store().actor();
                if actor.user() == Some(row.id) && actor.policy.reach(Kind::User, Action::Update) < Reach::All {
                    let message = "Have somebody who keeps the company's people change your e-mail address.";
                    return Err(UserError::new(UserCode::Forbidden, "email", message).because("OWN_ADDRESS").into());
                }
                if row.email.is_none() {
                    admin::must_remain(change, row.id, "email").await?;
                }
            }
            if before.status != row.status {
                roles::must_cover(change, row.id, "decide whether this person signs in").await?;
            }
            if before.status != row.status && row.status == UserStatus::Deactivated {
                admin::must_remain(change, row.id, "id").await?;
            }
            Ok(())
        })
    }

    fn after<'a>(
        change: &'a mut Change,
        _: &'a user::Model,
        before: Option<&'a user::Model>,
        _: &'a Draft,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if before.is_none() {
                change.rebuild_reach();
            }
            Ok(())
        })
    }

    fn normalise(_: &str, value: &str) -> String {
        value.trim().to_lowercase()
    }
}

impl Rules for team::Entity {
    fn settle<'a>(
        change: &'a mut Change,
        row: &'a mut team::Model,
        before: Option<&'a team::Model>,
        _: &'a Draft,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let parent = row.parent_id.filter(|parent| before.is_none_or(|before| before.parent_id != Some(*parent)));
            if parent.is_some() {}
            match parent {
                Some(parent) if change.leads_up_to::<team::Entity>("parent_id", parent.0, row.id.0).await? => {
                    let message = "A team cannot stand below itself.";
                    Err(UserError::new(UserCode::Invalid, "parentId", message).because("TEAM_CYCLE").into())
                }
                _ => Ok(()),
            }
        })
    }

    fn after<'a>(
        change: &'a mut Change,
        _: &'a team::Model,
        _: Option<&'a team::Model>,
        _: &'a Draft,
    ) -> BoxFuture<'a, Result<()>> {
        change.rebuild_reach();
        Box::pin(async { Ok(()) })
    }
}

impl Rules for team_membership::Entity {
    fn settle<'a>(
        change: &'a mut Change,
        row: &'a mut team_membership::Model,
        before: Option<&'a team_membership::Model>,
        _: &'a Draft,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if before.is_some() {
                return Ok(());
            }
            let pair = (("team_id", row.team_id.0), ("user_id", row.user_id.0));
            match change.pair::<team_membership::Entity>(pair.0, pair.1).await? {
                Some(other) => {
                    let taken = UserError::new(UserCode::Taken, "userId", "This person is in the team already.");
                    Err(taken.against(Kind::TeamMembership, other).into())
                }
                None => Ok(()),
            }
        })
    }

    fn after<'a>(
        change: &'a mut Change,
        _: &'a team_membership::Model,
        _: Option<&'a team_membership::Model>,
        _: &'a Draft,
    ) -> BoxFuture<'a, Result<()>> {
        change.rebuild_reach();
        Box::pin(async { Ok(()) })
    }
}

impl Rules for session::Entity {}
impl Rules for import_job::Entity {}
