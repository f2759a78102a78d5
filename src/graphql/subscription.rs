//! The event feed as a subscription, every event read again through the subscriber's own reach.

use async_graphql::{InputObject, SimpleObject, Subscription as Events};
use entity::{EventAction, Kind, api_key, user};
use futures_util::Stream;

use super::{
    choice::Of,
    node::{AnyRow, Row, Through},
    scalars::{DateTime, IdText},
};
use crate::{
    error::{Error, Result},
    store::{FeedEvent, Store, Wanted, value::short},
};

/// What can be followed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Subscription;

/// Which events to follow. All entries given must hold.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(name = "EventSubscriptionFilter")] // `EventFilter` is the filter of lists of events.
pub struct EventFilter {
    /// Only records of these types, `Account`.
    subject_types: Option<Vec<String>>,
    /// Only these records, at most 100.
    subjects: Option<Vec<IdText>>,
    /// Only what happened in these ways.
    actions: Option<Vec<Of<EventAction>>>,
}

/// Something that happened to a record.
#[derive(Debug, SimpleObject)]
pub struct RecordEvent {
    /// Its place in the feed: follow on with `events(after:)`.
    cursor: String,
    /// What happened to what: `account.updated`.
    kind: String,
    /// When it happened.
    occurred_at: DateTime,
    /// Who did it, or answers for the API key that did; null for the system itself.
    actor: Option<Through<Row<user::Entity>>>,
    /// The API key by which it was done, if any.
    api_key: Option<Through<Row<api_key::Entity>>>,
    /// The record as it is now.
    subject: Option<Through<AnyRow>>,
    /// The changed fields that you may see; all that have a value for a new record.
    changed_fields: Vec<String>,
}

impl RecordEvent {
    /// As it is seen through a store: what its reader may see now, not when they began to follow.
    fn of(event: FeedEvent, cursor: String, store: &Store) -> Self {
        let (kind, id) = event.subject;
        Self {
            cursor,
            kind: format!("{}.{}", kind.table().singular(), event.action.as_str().to_lowercase()),
            occurred_at: DateTime(event.occurred_at),
            actor: event.actor.map(|user| Through(store.clone(), Row::new(user))),
            api_key: event.api_key.map(|key| Through(store.clone(), Row::new(key))),
            subject: Some(Through(store.clone(), AnyRow(kind, id))),
            changed_fields: event.changed,
        }
    }
}

/// What can be followed.
#[Events]
impl Subscription {
    /// What happens to the records within your reach, from now on or after a cursor; nothing is
    /// skipped and nothing comes twice.
    async fn events(
        &self,
        ctx: &async_graphql::Context<'_>,
        #[graphql(desc = "Which events.")] filter: Option<EventFilter>,
        #[graphql(desc = "Begin after this cursor instead of now.")] after: Option<String>,
    ) -> async_graphql::Result<impl Stream<Item = async_graphql::Result<RecordEvent>> + use<>> {
        let store = super::node::store(ctx)?.clone();
        store.require_sign_in()?;
        let wanted = wanted(filter.unwrap_or_default())?;
        let follower = store.follow(wanted, after.as_deref()).await?;
        Ok(futures_util::stream::try_unfold(follower, |mut follower| async move {
            let (event, store) = follower.next().await?;
            let cursor = store.cursor(event.position).await?;
            Ok(Some((RecordEvent::of(event, cursor, &store), follower)))
        }))
    }
}

/// Understands a filter.
fn wanted(filter: EventFilter) -> Result<Wanted> {
    let kind =
        |name: &String| Kind::named(name).ok_or_else(|| Error::argument(format!("{name} is no type of record.")));
    let subject = |id: &IdText| {
        entity::id::parse(&id.0).ok_or_else(|| Error::argument(format!("“{}” is not a global id.", short(&id.0))))
    };
    let subjects: Vec<IdText> = filter.subjects.unwrap_or_default();
    if subjects.len() > 100 {
        return Err(Error::argument(format!("subjects takes at most 100; this has {}.", subjects.len())));
    }
    Ok(Wanted {
        kinds: filter.subject_types.unwrap_or_default().iter().map(kind).collect::<Result<_>>()?,
        subjects: subjects.iter().map(subject).collect::<Result<_>>()?,
        actions: filter.actions.unwrap_or_default().into_iter().map(|action| action.0).collect(),
    })
}
