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
    /// Answer of `userDeactivate`.
    UserDeactivatePayload {
        /// The person as they are now; null where it failed.
        user: Option<Row<user::Entity>>,
        /// How many records have gone to a new owner by now.
        handed_over: i32,
        /// The hand-over, which may go on: read it again by `userHandover`. Null where nothing was to be handed over, or it failed.
        handover: Option<UserHandover>,
    }
    /// Answer of `userReactivate`.
    UserReactivatePayload {
        /// The person as they are now; null where it failed.
        user: Option<Row<user::Entity>>,
    }
}

/// How what somebody owned who has left goes to their successors. Shown to whoever began it, and to whoever may update
/// all people.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct UserHandover {
    /// Its id.
    id: ID,
    /// Who has left.
    user: Option<Row<user::Entity>>,
    /// Who began it.
    started_by: Option<Row<user::Entity>>,
    /// How far it has come.
    status: Of<UserHandoverStatus>,
    /// Records to be dealt with, archived ones included, as counted at the beginning: those that go to a successor, and
    /// the places in account teams that end.
    total: i32,
    /// Records dealt with so far.
    done: i32,
    /// Records that went to a new owner so far.
    handed_over: i32,
    /// Records that their successor could not be given; `failures` lists them.
    failed: i32,
    /// Why it stopped, where it failed as a whole.
    message: Option<String>,
    /// When it began.
    started_at: DateTime,
    /// When it ended; null while it is under way.
    finished_at: Option<DateTime>,
    #[graphql(skip)]
    key: Uuid,
}

/// A record that its successor could not be given.
#[derive(Debug, SimpleObject)]
pub struct UserHandoverFailure {
    /// Global id of the record.
    record_id: ID,
    /// The record; null where you may not see it.
    record: Option<AnyRow>,
    /// The particular reason, in `SCREAMING_SNAKE_CASE`.
    reason: Option<String>,
    /// Why, for people.
    message: String,
}

/// What it would mean that somebody leaves.
#[derive(Debug, SimpleObject)]
pub struct UserDeactivatePreview {
    /// The person; null where you may not see them.
    user: Option<Row<user::Entity>>,
    /// What they own and are linked in, by type.
    holdings: Vec<UserHolding>,
    /// How many teams they belong to; their memberships end.
    teams: i32,
    /// How many of these teams they lead.
    teams_led: i32,
    /// How many sessions of theirs would end.
    sessions: i32,
    /// Whether the hand-over would go on after the answer.
    outlives_request: bool,
    /// Why it would be refused; empty where it would not be.
    user_errors: Vec<UserError>,
}

/// What somebody owns or is linked in, of one type.
#[derive(Clone, Debug, SimpleObject)]
pub struct UserHolding {
    /// The type.
    #[graphql(name = "type")]
    of: Of<HandoverType>,
    /// How many live records.
    count: i32,
    /// How many archived records; they go along with the live ones.
    archived: i32,
    /// For how many of the live ones no successor is named. Places in account teams then end; of all others none may
    /// be left.
    unassigned: i32,
}

#[ComplexObject]
impl UserHandover {
    /// The records that their successors could not be given, in the order of their ids.
    async fn failures(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, at most 200.", default = 25)] first: i32,
        #[graphql(desc = "Only those after the record of this id.")] after: Option<IdText>,
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
            id: ID(spelled(kept.id)),
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

fn spelled(id: Uuid) -> String {
    format!("{PREFIX}{}", String::from_utf8_lossy(&id::base32(id)))
}

fn unknown(id: &IdText) -> Error {
    Error::argument(format!("“{}” is not an id of this kind.", value::short(&id.0)))
}

/// Hand-overs, and what leaving would mean.
#[derive(Clone, Copy, Debug, Default)]
pub struct LeavingQuery;

#[Object]
impl LeavingQuery {
    /// What it would mean that somebody is deactivated in this way: what they own and are linked in, by type, and why it
    /// would be refused. Nothing is changed. For whoever may update all people.
    async fn user_deactivate_preview(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who would leave, and what would go to whom.")] input: UserDeactivateInput,
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

    /// A hand-over by its id; null where there is none, or you may not see it.
    async fn user_handover(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which hand-over.")] id: IdText,
    ) -> async_graphql::Result<Option<UserHandover>> {
        let store = node::store(ctx)?;
        store.require_sign_in()?;
        let key = id.0.strip_prefix(PREFIX).and_then(id::parse_base32).ok_or_else(|| unknown(&id))?;
        let kept = store.backend().handover(key).await?;
        let seen =
            |kept: &Handover| sees_all(store) || (kept.started_by.is_some() && kept.started_by == store.actor().user());
        Ok(kept.filter(seen).map(UserHandover::from))
    }

    /// The last hand-overs that you may see, the newest first.
    async fn user_handovers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only of this person, who has left.")] user_id: Option<IdText>,
        #[graphql(desc = "How many, at most 200.", default = 25)] first: i32,
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
    /// Takes a person out of service: they sign in no more, their sessions end, they leave their teams, and what they
    /// own goes to their successors. All that is refused is refused before anything happens. More than 500 records go
    /// over after the answer; `handover` and later `userHandover` tell how far it has come. From then on nobody can give
    /// them work. Done once more, it hands over what is still theirs.
    async fn user_deactivate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who leaves, and what goes to whom.")] input: UserDeactivateInput,
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

    /// Lets a deactivated person sign in again; what was handed over stays where it is, and a hand-over that is under
    /// way ends.
    async fn user_reactivate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who comes back.")] input: UserReactivateInput,
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
