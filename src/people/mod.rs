//! People: users, teams, roles and sessions; how they sign in, and how they leave.

pub mod admin;
pub mod authority;
mod ended;
pub mod explain;
pub mod graphql;
pub mod history;
mod inputs;
pub mod invitations;
pub mod issuer;
mod keys;
pub mod leaving;
mod must_change;
pub mod passwords;
pub mod preview;
mod proof;
pub mod record_access;
mod refresh;
pub mod sessions;
pub mod sign_in;
#[cfg(test)]
mod tests;
mod throttle;
mod unspent;
mod untold;

use entity::{Instant, Kind, Record, UserStatus, import_job, session, team, team_membership, user};
use futures_util::future::BoxFuture;

use crate::{
    access::{Action, Actor, Reach},
    error::{Result, UserCode, UserError},
    roles::{self, administrators},
    store::{Change, Draft, Rules, Slice, Verbs},
    text,
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
        if before.is_none_or(|before| before.email != row.email) {
            row.email = row.email.take().map(|email| text::email_key(&email));
        }
        Box::pin(async move {
            let Some(before) = before else { return Ok(()) };
            identity(change, row, before).await?;
            if before.email != row.email && row.email.is_none() {
                administrators::must_remain(change, row.id, "email").await?;
            }
            if before.status != row.status {
                roles::must_cover(change, row.id, "decide whether this person signs in").await?;
            }
            if before.status != row.status && row.status == UserStatus::Deactivated {
                administrators::must_remain(change, row.id, "id").await?;
            }
            Ok(())
        })
    }

    fn after<'a>(
        change: &'a mut Change,
        row: &'a user::Model,
        before: Option<&'a user::Model>,
        _: &'a Draft,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { if before.is_none() { change.reach_oneself(row.id).await } else { Ok(()) } })
    }

    fn normalise(_: &str, value: &str) -> String {
        text::email_key(value)
    }
}

/// Who a person is: decided by whoever could also decide about their sign-in. The e-mail address, by which the
/// company's issuer recognises people, and the department, by which TEAM reaches stories and personas, are changed by
/// those alone who keep all people: with less, people would change their own and so what they may do.
async fn identity(change: &Change, row: &user::Model, before: &user::Model) -> Result<()> {
    let same = (&before.name, &before.email, &before.title, before.department)
        == (&row.name, &row.email, &row.title, row.department);
    if same {
        return Ok(());
    }
    roles::must_cover(change, row.id, "change who this person is").await?;
    let keeps_all = change.store().actor().policy.reach(Kind::User, Action::Update) == Reach::All;
    let kept = [
        ("email", "OWN_ADDRESS", before.email != row.email, "e-mail address"),
        ("department", "OWN_DEPARTMENT", before.department != row.department, "department"),
    ];
    match kept.into_iter().find(|(_, _, changed, _)| *changed && !keeps_all) {
        None => Ok(()),
        Some((field, reason, _, what)) => {
            let message = format!("Only somebody with permission to change all people may change this {what}.");
            Err(UserError::new(UserCode::Forbidden, field, message).because(reason).into())
        }
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
            if before.is_some() {
                return Ok(());
            }
            let pair = (("team_id", row.team_id.0), ("user_id", row.user_id.0));
            match change.unscoped_pair::<team_membership::Entity>(pair.0, pair.1).await? {
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
        row: &'a team_membership::Model,
        _: Option<&'a team_membership::Model>,
        _: &'a Draft,
    ) -> BoxFuture<'a, Result<()>> {
        change.rebuild_reach_of(row.user_id);
        Box::pin(async { Ok(()) })
    }
}

impl Rules for session::Entity {}
impl Rules for import_job::Entity {}
