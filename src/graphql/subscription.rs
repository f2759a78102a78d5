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

/// The root of all subscriptions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Subscription;

/// Filters a subscription to events. All given conditions must match.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(name = "EventSubscriptionFilter")] // `EventFilter` is the filter of lists of events.
pub struct EventFilter {
    /// Only events of records of these types, e.g. `Account`.
    subject_types: Option<Vec<String>>,
    /// Only events of these records, given by global ID, at most 100.
    subjects: Option<Vec<IdText>>,
    /// Only events with these actions.
    actions: Option<Vec<Of<EventAction>>>,
}

/// An event delivered by a subscription.
#[derive(Debug, SimpleObject)]
pub struct RecordEvent {
    /// Cursor of the event, to resume with `events(after:)`.
    cursor: String,
    /// Record type and action, e.g. `account.updated`.
    kind: String,
    /// When the event occurred.
    occurred_at: DateTime,
    /// User who made the change, or the owner of the API key that did; null for the system.
    actor: Option<Through<Row<user::Entity>>>,
    /// API key that made the change, if any.
    api_key: Option<Through<Row<api_key::Entity>>>,
    /// Current state of the record.
    subject: Option<Through<AnyRow>>,
    /// Names of the changed fields that are not hidden from you; for a new record, all fields with a value.
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

/// The root of all subscriptions.
#[Events]
impl Subscription {
    /// Streams events of the records that you have access to, from now on or after a cursor. Each event is delivered
    /// exactly once.
    async fn events(
        &self,
        ctx: &async_graphql::Context<'_>,
        #[graphql(desc = "Which events to deliver.")] filter: Option<EventFilter>,
        #[graphql(desc = "Starts after this cursor instead of now.")] after: Option<String>,
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
        |name: &String| Kind::named(name).ok_or_else(|| Error::argument(format!("{name} is not a record type.")));
    let subject = |id: &IdText| {
        entity::id::parse(&id.0).ok_or_else(|| Error::argument(format!("“{}” is not a global ID.", short(&id.0))))
    };
    let subjects: Vec<IdText> = filter.subjects.unwrap_or_default();
    if subjects.len() > 100 {
        return Err(Error::argument(format!("subjects may have at most 100 entries; got {}.", subjects.len())));
    }
    Ok(Wanted {
        kinds: filter.subject_types.unwrap_or_default().iter().map(kind).collect::<Result<_>>()?,
        subjects: subjects.iter().map(subject).collect::<Result<_>>()?,
        actions: filter.actions.unwrap_or_default().into_iter().map(|action| action.0).collect(),
    })
}
