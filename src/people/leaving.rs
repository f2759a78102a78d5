//! Somebody leaves: their access ends at once, and what they own gets a new owner. And somebody comes back.

pub(crate) mod handover;
mod plan;

use entity::{
    Kind, Record, UserStatus,
    api_key::ApiKeyId,
    team_membership,
    user::{self, UserId},
};
use sea_orm::prelude::Uuid;

use self::handover::{KIND, Payload, Progress, STEP, Work};
pub use self::plan::{Holding, Plan, Rule};
use super::sessions;
use crate::{
    access::{Action, Purpose},
    error::{Error, Result, UserError},
    store::{Change, Draft, Rules, Store},
};

/// Takes somebody out of service: their sign-in, sessions, keys and memberships end at once. What they own goes to
/// their successors, who must be named for all that is live: at once where a step suffices, and otherwise by a job.
/// Answers the hand-over, if there was anything to be handed over; jobs are to be looked for once it is kept.
pub async fn deactivate(change: &mut Change, user: UserId, plan: Plan, expected: Option<i32>) -> Result<Option<Uuid>> {
    may_do(change, user).await?;
    let holdings = plan.holdings(change, user).await?;
    let mut mistakes = plan.mistakes(change, user, &holdings).await?;
    if mistakes.is_empty() {
        mistakes.extend(Plan::must_suffice(&holdings));
    }
    if !mistakes.is_empty() {
        return Err(Error::Input(mistakes));
    }
    set_status(change, user, UserStatus::Deactivated, expected).await?;
    let total = holdings.iter().map(|holding| holding.total).sum();
    let key = change.store().actor().api_key();
    let leave = async |change: &mut Change| {
        sessions::revoke_all(change, user, None).await?;
        change.withdraw_invitations(&[user]).await?;
        let handover = hand_over(change, user, (plan, total), key).await?;
        archive::<team_membership::Entity>(change, user).await?;
        Ok(handover)
    };
    change.as_system(Purpose::SideEffect, leave).await
}

async fn hand_over(
    change: &mut Change,
    user: UserId,
    (plan, total): (Plan, i64),
    key: Option<ApiKeyId>,
) -> Result<Option<Uuid>> {
    if total == 0 {
        change.cancel_handovers(user).await?;
        return Ok(None);
    }
    let stored = serde_json::to_value(&plan).map_err(Error::internal)?;
    let id = change.open_handover(user, (&stored, total)).await?;
    let work = Work { id, user, plan };
    if usize::try_from(total).is_ok_and(|total| total <= STEP) {
        let mut progress = Progress::default();
        while work.step(change, &mut progress).await? {}
        change.end_handover(id, None).await?;
    } else {
        work.keys(change).await?;
        let payload = Payload { handover: id, key: key.map(|key| key.0) };
        change.enqueue(KIND, &serde_json::to_value(payload).map_err(Error::internal)?).await?;
    }
    Ok(Some(id))
}

/// What it would mean that somebody leaves.
#[derive(Debug, Default)]
pub struct Preview {
    /// What they own and are linked in, by type.
    pub holdings: Vec<Holding>,
    /// Teams they belong to.
    pub teams: i64,
    /// Those that they lead.
    pub leads: i64,
    /// Their open sessions.
    pub sessions: i64,
    /// What is in the way.
    pub mistakes: Vec<UserError>,
}

impl Preview {
    /// Whether it would take more than the request itself.
    #[must_use]
    pub fn outlives_request(&self) -> bool {
        let total: i64 = self.holdings.iter().map(|holding| holding.total).sum();
        usize::try_from(total).is_ok_and(|total| total > STEP)
    }
}

/// What it would mean that somebody leaves in this way. Nothing is changed.
pub async fn preview(store: &Store, user: UserId, plan: &Plan, expected: Option<i32>) -> Result<Preview> {
    let mut change = store.begin().await?;
    may_do(&mut change, user).await?;
    let holdings = plan.holdings(&change, user).await?;
    let mut mistakes = plan.mistakes(&change, user, &holdings).await?;
    mistakes.extend(Plan::must_suffice(&holdings));
    let members = change.unscoped_rows::<team_membership::Entity>("user_id", user).await?;
    let count_sessions = async |change: &mut Change| change.count_live_sessions(user).await;
    let sessions = change.as_system(Purpose::Oversight, count_sessions).await?;
    match set_status(&mut change, user, UserStatus::Deactivated, expected).await {
        Ok(()) => {}
        Err(Error::Input(found)) => mistakes.extend(found),
        Err(error) => return Err(error),
    }
    change.roll_back().await?;
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    Ok(Preview {
        holdings,
        teams: count(members.len()),
        leads: count(members.iter().filter(|member| member.leads).count()),
        sessions,
        mistakes,
    })
}

/// Lets somebody sign in again. Their records stay with whom they went to; what has not gone yet stays theirs.
pub async fn reactivate(change: &mut Change, user: UserId, expected: Option<i32>) -> Result<()> {
    may_do(change, user).await?;
    set_status(change, user, UserStatus::Active, expected).await?;
    change.as_system(Purpose::SideEffect, async |change| change.cancel_handovers(user).await).await
}

async fn may_do(change: &mut Change, user: UserId) -> Result<()> {
    change.store().require_sign_in()?;
    change.find::<user::Entity>(user.0).await?;
    change.store().require(Kind::User, Action::Update, "activate or deactivate users")
}

async fn set_status(change: &mut Change, user: UserId, status: UserStatus, expected: Option<i32>) -> Result<()> {
    let mut draft = Draft::default();
    draft.set(user::Entity::table(), "status", status.as_str());
    change.update::<user::Entity>(user.0, expected, draft).await.map(|_| ())
}

async fn archive<E: Rules>(change: &mut Change, user: UserId) -> Result<()> {
    for row in change.unscoped_rows::<E>("user_id", user).await? {
        change.archive::<E>(E::id(&row), None, true).await?;
    }
    Ok(())
}
