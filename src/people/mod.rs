//! People: users, teams, roles and sessions; how they sign in, and how they leave.

pub mod admin;
pub mod graphql;
mod inputs;
pub mod issuer;
mod keys;
pub mod leaving;
pub mod sign_in;
#[cfg(test)]
mod tests;
mod throttle;

use entity::{
    Instant, Record, UserStatus, api_key, import_job, role, role_assignment, session, team, team_membership, user,
};
use futures_util::future::BoxFuture;

use crate::{
    access::Actor,
    error::{Result, UserCode, UserError},
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
        _: &'a mut Change,
        row: &'a mut user::Model,
        _: Option<&'a user::Model>,
        _: &'a Draft,
    ) -> BoxFuture<'a, Result<()>> {
        row.email = row.email.take().map(|email| email.to_lowercase());
        Box::pin(async { Ok(()) })
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
            match row.parent_id.filter(|parent| before.is_none_or(|before| before.parent_id != Some(*parent))) {
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
            let members = change.rows::<team_membership::Entity>("team_id", row.team_id).await?;
            match members.iter().find(|other| before.is_none() && other.user_id == row.user_id) {
                Some(other) => {
                    let taken = UserError::new(UserCode::Taken, "userId", "This person is in the team already.");
                    Err(taken.against(entity::Kind::TeamMembership, other.id.0).into())
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

impl Rules for role::Entity {}
impl Rules for role_assignment::Entity {}
impl Rules for session::Entity {}
impl Rules for api_key::Entity {}
impl Rules for import_job::Entity {}
