//! The hand-over itself: in steps of one short transaction each, resumed by whichever process holds the job.

use entity::{Kind, Record, account_team_member, api_key::ApiKeyId, user::UserId};
use futures_util::future::BoxFuture;
use sea_orm::prelude::Uuid;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::plan::{OWNED, Plan};
use crate::{
    access::Purpose,
    error::{Error, Result, UserCode, UserError},
    store::{Change, Draft, HandoverFailure, HandoverStep, Hold, PLACE, Place},
    worker::{Ended, Held, Job},
};

/// Its name in the queue.
pub(super) const KIND: &str = "user_handover";

/// Records that one step deals with; others write after each. A few statements give them all.
pub(super) const STEP: usize = 500;

/// Places in account teams that one step gives to a successor, each by the rules of a new one.
const PLACES: usize = 50;

/// What a hand-over's job has to know.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Payload {
    pub handover: Uuid,
    pub key: Option<Uuid>,
}

/// How far the passes over the plan have come.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub(super) struct Progress {
    task: usize,
    /// Whether this pass has found anything, so that another one looks whether more has come meanwhile.
    found: bool,
}

/// One part of a plan: records that somebody holds by one column and that go to one successor.
#[derive(Clone, Copy, Debug)]
struct Task<'p> {
    hold: Hold,
    accounts: Option<&'p [Uuid]>,
    /// Nobody where places in account teams end.
    to: Option<UserId>,
}

/// One hand-over.
#[derive(Clone, Debug)]
pub(super) struct Work {
    pub id: Uuid,
    pub user: UserId,
    pub plan: Plan,
}

impl Work {
    fn tasks(&self) -> Vec<Task<'_>> {
        let mut tasks = Vec::new();
        for hold in OWNED.into_iter().chain([PLACE]) {
            for rule in self.plan.rules.iter().filter(|rule| rule.covers(hold.kind)) {
                tasks.push(Task { hold, accounts: rule.accounts.as_deref(), to: Some(UserId(rule.to)) });
            }
        }
        tasks.push(Task { hold: PLACE, accounts: None, to: None });
        tasks
    }

    /// Deals with the next records; false where there are none. For Tandem itself.
    pub async fn step(&self, change: &mut Change, progress: &mut Progress) -> Result<bool> {
        let tasks = self.tasks();
        loop {
            let Some(task) = tasks.get(progress.task) else {
                if progress.found {
                    *progress = Progress::default();
                    continue;
                }
                return Ok(false);
            };
            // What others have changed in this moment is looked at again.
            if let Some(given) = self.run(change, *task).await? {
                progress.found = true;
                change.advance_handover(self.id, given).await?;
                return Ok(true);
            }
            progress.task += 1;
        }
    }

    /// Deals with the API keys, of which there are few, so that integrations do not stand still.
    pub async fn keys(&self, change: &mut Change) -> Result<()> {
        for task in self.tasks().into_iter().filter(|task| task.hold.kind == Kind::ApiKey) {
            if let Some(given) = self.run(change, task).await? {
                change.advance_handover(self.id, given).await?;
            }
        }
        Ok(())
    }

    /// Deals with some records of a task; nothing where there are none.
    async fn run(&self, change: &mut Change, task: Task<'_>) -> Result<Option<HandoverStep>> {
        let whose = (self.user, task.accounts);
        match task.to {
            Some(to) if task.hold != PLACE => {
                let ids = change.owned_by(task.hold, whose, STEP).await?;
                if ids.is_empty() {
                    return Ok(None);
                }
                let done = change.give(task.hold, &ids, (self.user, to)).await?;
                Ok(Some(HandoverStep { done, handed_over: done, failed: 0 }))
            }
            to => {
                let places = change.places(whose, to, if to.is_some() { PLACES } else { STEP }).await?;
                if places.is_empty() {
                    return Ok(None);
                }
                let mut given = HandoverStep::default();
                if let Some(to) = to {
                    for place in places.iter().filter(|place| place.free) {
                        if self.take_over(change, place, to).await? {
                            given.handed_over += 1;
                        } else {
                            given.failed += 1;
                        }
                    }
                }
                let ids: Vec<Uuid> = places.iter().map(|place| place.id).collect();
                given.done = change.archive_all(PLACE.kind, &ids).await?;
                Ok(Some(given))
            }
        }
    }

    /// Gives the successor a place like this one; false, and noted, where a rule is in the way.
    async fn take_over(&self, change: &mut Change, place: &Place, to: UserId) -> Result<bool> {
        let table = account_team_member::Entity::table();
        let mut draft = Draft::default();
        draft.set(table, "account_id", place.account);
        draft.set(table, "user_id", to.0);
        if let Some(role) = &place.role {
            draft.set(table, "role", role.as_str());
        }
        let create = async |change: &mut Change| change.create::<account_team_member::Entity>(draft).await;
        match change.attempt(create).await {
            Ok(_) => Ok(true),
            Err(Error::Input(mistakes)) => {
                let first = mistakes.into_iter().next();
                let failure = HandoverFailure {
                    record: (PLACE.kind, place.id),
                    reason: first
                        .as_ref()
                        .map(|mistake| mistake.reason.as_deref().unwrap_or_else(|| mistake.code.as_str()).to_owned()),
                    message: first.map(|mistake| mistake.message).unwrap_or_default(),
                };
                change.note_failure(self.id, failure).await?;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// The successors must still work here.
    async fn must_be_here(&self, change: &Change) -> Result<()> {
        let mut successors: Vec<Uuid> = self.plan.rules.iter().map(|rule| rule.to).collect();
        successors.sort_unstable();
        successors.dedup();
        if change.leavers(&successors).await?.is_empty() {
            return Ok(());
        }
        let message = "A new owner was deactivated in the meantime; deactivate the user again with other new owners.";
        Err(UserError::new(UserCode::Invalid, "", message).because("OWNER_DEACTIVATED").into())
    }
}

/// Hand-overs of more than one step.
#[derive(Debug)]
pub(crate) struct HandOver;

impl Job for HandOver {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn run<'a>(&'a self, held: &'a Held) -> BoxFuture<'a, Result<Ended>> {
        Box::pin(run(held))
    }

    fn ended<'a>(
        &'a self,
        change: &'a mut Change,
        payload: &'a Json,
        error: Option<&'a str>,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let payload = Payload::deserialize(payload).map_err(Error::internal)?;
            change.end_handover(payload.handover, error).await
        })
    }
}

async fn run(held: &Held) -> Result<Ended> {
    let payload = Payload::deserialize(held.payload()).map_err(Error::internal)?;
    let backend = held.backend();
    let (Some(kept), Some(plan)) =
        (backend.handover(payload.handover).await?, backend.handover_plan(payload.handover).await?)
    else {
        return Ok(Ended::Done);
    };
    let plan = serde_json::from_str(&plan).map_err(Error::internal)?;
    let work = Work { id: kept.id, user: kept.user, plan };
    let mut progress = Option::<Progress>::deserialize(held.progress()).map_err(Error::internal)?.unwrap_or_default();
    while held.goes_on() {
        let mut change = held.backend().as_system(Purpose::SideEffect).begin().await?;
        if let Some(by) = kept.started_by {
            change.written_by(by);
        }
        if let Some(key) = payload.key {
            change.written_by_key(ApiKeyId(key));
        }
        // Whoever comes back, or is handed over anew, ends this one and waits for the step under way.
        if !change.hold_handover(work.id).await? {
            return Ok(Ended::Done);
        }
        work.must_be_here(&change).await?;
        let more = work.step(&mut change, &mut progress).await?;
        let noted = serde_json::to_value(progress).map_err(Error::internal)?;
        held.keep(&mut change, Some(&noted)).await?;
        change.commit().await?;
        if !more {
            return Ok(Ended::Done);
        }
    }
    Ok(Ended::Stopped)
}
