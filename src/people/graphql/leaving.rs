//! Who leaves and comes back, what it would mean, and how far a hand-over has come.

use async_graphql::{ComplexObject, Context, ID, Object, SimpleObject};
use entity::{HandoverType, Kind, UserHandoverStatus, id, user, user::UserId};
use sea_orm::prelude::Uuid;

use crate::{
    access::{Action, Reach},
    error::{Error, UserError},
    graphql::{
        choice::Of,
        node::{self, AnyRow, Row},
        payload::{outcome, payload},
        root::RootQuery,
        scalars::{DateTime, IdText},
    },
    people::{
        inputs::{UserDeactivateInput, UserReactivateInput},
        leaving::{self, Holding, Preview},
    },
    store::{Change, Handover, HandoverFailure, Store, page::most, value},
};

payload! {
    /// Return type of `userDeactivate`.
    UserDeactivatePayload {
        /// Current state of the user; null if the mutation failed.
        user: Option<Row<user::Entity>>,
        /// Number of records reassigned so far.
        handed_over: i32,
        /// The handover, which may still be running; poll it with `userHandover`. Null if there was nothing to reassign or the mutation failed.
        handover: Option<UserHandover>,
    }
    /// Return type of `userReactivate`.
    UserReactivatePayload {
        /// Current state of the user; null if the mutation failed.
        user: Option<Row<user::Entity>>,
    }
}

/// The reassignment of the records of a deactivated user to new owners. Visible to the user who started it and to
/// users with UPDATE on all users.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct UserHandover {
    /// ID of the handover.
    id: ID,
    /// User who was deactivated; null if you do not have access to them.
    user: Option<Row<user::Entity>>,
    /// User who started the handover; null if unknown or if you do not have access to them.
    started_by: Option<Row<user::Entity>>,
    /// Status of the handover.
    status: Of<UserHandoverStatus>,
    /// Total number of records to process, including archived ones, as counted at the start: records to reassign and
    /// account team memberships to end.
    total: i32,
    /// Number of records processed so far.
    done: i32,
    /// Number of records reassigned so far.
    handed_over: i32,
    /// Number of records that could not be reassigned; see `failures`.
    failed: i32,
    /// Why the handover stopped, if it failed as a whole.
    message: Option<String>,
    /// When the handover started.
    started_at: DateTime,
    /// When the handover finished; null while it is running.
    finished_at: Option<DateTime>,
    #[graphql(skip)]
    key: Uuid,
}

/// A record that could not be reassigned.
#[derive(Debug, SimpleObject)]
pub struct UserHandoverFailure {
    /// Global ID of the record.
    record_id: ID,
    /// The record; null if you do not have access to it.
    record: Option<AnyRow>,
    /// Specific reason, in `SCREAMING_SNAKE_CASE`.
    reason: Option<String>,
    /// Human-readable message.
    message: String,
}

/// The effects of deactivating a user.
#[derive(Debug, SimpleObject)]
pub struct UserDeactivatePreview {
    /// The user; null if you do not have access to them.
    user: Option<Row<user::Entity>>,
    /// Records that the user owns and account teams that they belong to, by type.
    holdings: Vec<UserHolding>,
    /// Number of teams that the user belongs to; these memberships would end.
    teams: i32,
    /// Number of these teams that the user leads.
    teams_led: i32,
    /// Number of sessions that would be revoked.
    sessions: i32,
    /// Whether the handover would continue after the mutation returns.
    outlives_request: bool,
    /// Errors with which the mutation would fail; empty if it would succeed.
    user_errors: Vec<UserError>,
}

/// Records of one type that a user owns, or the account teams that they belong to.
#[derive(Clone, Debug, SimpleObject)]
pub struct UserHolding {
    /// Type of the records.
    #[graphql(name = "type")]
    of: Of<HandoverType>,
    /// Number of non-archived records.
    count: i32,
    /// Number of archived records; they are reassigned together with the others.
    archived: i32,
    /// Number of non-archived records without a new owner. Such account team memberships end; for all other types
    /// this must be 0.
    unassigned: i32,
}

#[ComplexObject]
impl UserHandover {
    /// Records that could not be reassigned, sorted by ID.
    async fn failures(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Returns the first n, at most 200.", default = 25)] first: i32,
        #[graphql(desc = "Returns those after the record of this id.")] after: Option<IdText>,
    ) -> async_graphql::Result<Vec<UserHandoverFailure>> {
        let after = after.map(|after| id::parse(&after.0).ok_or_else(|| unknown(&after))).transpose()?;
        let found =
            node::store(ctx)?.backend().handover_failures(self.key, after.map(|(_, id)| id), most(first)?).await?;
        Ok(found.into_iter().map(UserHandoverFailure::from).collect())
    }
}

impl From<HandoverFailure> for UserHandoverFailure {
    fn from(failure: HandoverFailure) -> Self {
        let (kind, key) = failure.record;
        Self {
            record_id: ID(id::global(kind, key)),
            record: Some(AnyRow(kind, key)),
            reason: failure.reason,
            message: failure.message,
        }
    }
}

impl From<Handover> for UserHandover {
    fn from(kept: Handover) -> Self {
        Self {
            id: ID(encode(kept.id)),
            user: Some(Row::new(kept.user)),
            started_by: kept.started_by.map(Row::new),
            status: Of(kept.status),
            total: kept.total,
            done: kept.done,
            handed_over: kept.handed_over,
            failed: kept.failed,
            message: kept.message,
            started_at: DateTime(kept.created_at),
            finished_at: kept.finished_at.map(DateTime),
            key: kept.id,
        }
    }
}

impl From<Holding> for UserHolding {
    fn from(holding: Holding) -> Self {
        let Holding { of, live, archived, left, .. } = holding;
        Self { of: Of(of), count: count(live), archived: count(archived), unassigned: count(left) }
    }
}

fn count(count: i64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// How a hand-over's id begins.
const PREFIX: &str = "hand_";

fn encode(id: Uuid) -> String {
    format!("{PREFIX}{}", String::from_utf8_lossy(&id::base32(id)))
}

fn unknown(id: &IdText) -> Error {
    Error::argument(format!("“{}” is not a valid ID here.", value::short(&id.0)))
}

/// Hand-overs, and what leaving would mean.
#[derive(Clone, Copy, Debug, Default)]
pub struct LeavingQuery;

#[Object]
impl LeavingQuery {
    /// Previews the deactivation of a user: the records they own and account teams they belong to, by type, and the
    /// errors with which it would fail. Nothing is changed. Requires UPDATE on all users.
    async fn user_deactivate_preview(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The person to deactivate, and the new owners of their records.")] input: UserDeactivateInput,
    ) -> async_graphql::Result<UserDeactivatePreview> {
        let look = async |store: &Store| {
            store.require_sign_in()?;
            let user = UserId(input.id.of(Kind::User)?);
            Ok((user, leaving::preview(store, user, &input.plan()?, input.expected_version).await?))
        };
        let (found, refused) = outcome(look(node::store(ctx)?).await)?;
        let (user, preview) = found.unzip();
        let preview = preview.unwrap_or_else(|| Preview { mistakes: refused, ..Preview::default() });
        let outlives_request = preview.outlives_request();
        let Preview { holdings, teams, leads, sessions, mistakes } = preview;
        Ok(UserDeactivatePreview {
            user: user.map(Row::new),
            holdings: holdings.into_iter().map(UserHolding::from).collect(),
            teams: count(teams),
            teams_led: count(leads),
            sessions: count(sessions),
            outlives_request,
            user_errors: mistakes,
        })
    }

    /// Returns a handover by ID; null if it does not exist or you do not have access to it.
    async fn user_handover(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ID of the hand-over.")] id: IdText,
    ) -> async_graphql::Result<Option<UserHandover>> {
        let store = node::store(ctx)?;
        store.require_sign_in()?;
        let key = id.0.strip_prefix(PREFIX).and_then(id::parse_base32).ok_or_else(|| unknown(&id))?;
        let kept = store.backend().handover(key).await?;
        let seen =
            |kept: &Handover| sees_all(store) || (kept.started_by.is_some() && kept.started_by == store.actor().user());
        Ok(kept.filter(seen).map(UserHandover::from))
    }

    /// Lists the most recent handovers that you have access to, newest first.
    async fn user_handovers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Returns the hand-overs of this person.")] user_id: Option<IdText>,
        #[graphql(desc = "Returns the first n, at most 200.", default = 25)] first: i32,
    ) -> async_graphql::Result<Vec<UserHandover>> {
        let store = node::store(ctx)?;
        store.require_sign_in()?;
        let key = |id: IdText| value::key(Kind::User, &id.0).map_err(|misfit| Error::argument(misfit.message));
        let user = user_id.map(key).transpose()?.map(UserId);
        let by = if sees_all(store) { None } else { Some(store.user()?) };
        let kept = store.backend().handovers(user, by, most(first)?).await?;
        Ok(kept.into_iter().map(UserHandover::from).collect())
    }
}

fn sees_all(store: &Store) -> bool {
    store.actor().policy.reach(Kind::User, Action::Update) == Reach::All
}

/// Who leaves and comes back.
#[derive(Clone, Copy, Debug, Default)]
pub struct LeavingMutation;

#[Object]
impl LeavingMutation {
    /// Deactivates a user: they can no longer sign in, their sessions are revoked, they are removed from their teams,
    /// and their records are reassigned to new owners. All errors are reported before anything is changed. More than
    /// 500 records are reassigned asynchronously; `handover` and `userHandover` show the progress. Records can no
    /// longer be assigned to the user. Calling it again reassigns the records that the user still owns.
    async fn user_deactivate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The person to deactivate, and the new owners of their records.")] input: UserDeactivateInput,
    ) -> async_graphql::Result<UserDeactivatePayload> {
        let deactivate = async |store: &Store| {
            store.require_sign_in()?;
            let key = input.once.key(ctx)?;
            let (user, plan) = (UserId(input.id.of(Kind::User)?), input.plan()?);
            let leave =
                async |change: &mut Change| leaving::deactivate(change, user, plan, input.expected_version).await;
            let handover = store.once(key.as_ref(), leave).await?;
            if handover.is_some() {
                store.backend().look_for_jobs();
            }
            Ok((user, handover))
        };
        let store = node::store(ctx)?;
        let (done, user_errors) = outcome(deactivate(store).await)?;
        let handover = match done.and_then(|(_, handover)| handover) {
            Some(handover) => store.backend().handover(handover).await?.map(UserHandover::from),
            None => None,
        };
        Ok(UserDeactivatePayload {
            user: done.map(|(user, _)| Row::new(user)),
            handed_over: handover.as_ref().map_or(0, |handover| handover.handed_over),
            handover,
            user_errors,
            query: RootQuery,
        })
    }

    /// Reactivates a user, who can then sign in again. Reassigned records stay with their new owners, and a running
    /// handover is cancelled.
    async fn user_reactivate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The person to reactivate.")] input: UserReactivateInput,
    ) -> async_graphql::Result<UserReactivatePayload> {
        let reactivate = async |store: &Store| {
            store.require_sign_in()?;
            let key = input.once.key(ctx)?;
            let user = UserId(input.id.of(Kind::User)?);
            let back = async |change: &mut Change| {
                leaving::reactivate(change, user, input.expected_version).await?;
                Ok(user.0)
            };
            store.once(key.as_ref(), back).await
        };
        let (user, user_errors) = outcome(reactivate(node::store(ctx)?).await)?;
        Ok(UserReactivatePayload { user: user.map(Row::new), user_errors, query: RootQuery })
    }
}
