//! What changed somebody's rights, in the API.

use async_graphql::{Context, ID, Object, SimpleObject};
use entity::{Kind, id, user, user::UserId};

use crate::{
    error::{Error, Result},
    graphql::{
        choice::Of,
        forward::Page,
        node::{self, Row},
        scalars::{DateTime, IdText},
    },
    people::history::{self, History},
    store::{RightsEvent, value},
};

/// What changed somebody's rights.
#[derive(Clone, Copy, Debug, Default)]
pub struct HistoryQuery;

/// One change of what somebody may do.
#[derive(Clone, Debug, SimpleObject)]
pub struct UserAccessChange {
    /// Global id of the event that tells of it, in `audit` too.
    event_id: ID,
    /// When it happened.
    occurred_at: DateTime,
    /// What happened, as a sentence about the person.
    summary: String,
    /// What kind of record was changed: `RoleAssignment` for a role given or taken, `Role` for a change of one they held,
    /// `TeamMembership` and `Team` for what TEAM reaches, `ApiKey` for keys that act for them, or the `User` themself.
    resource: Of<Kind>,
    /// Who did it, or answers for the API key that did; null for the system itself. To read them costs a step of their own.
    actor: Option<Row<user::Entity>>,
    /// Their name.
    actor_name: Option<String>,
    /// The name of the API key by which it was done, if any.
    api_key_name: Option<String>,
}

/// A change in a list.
#[derive(Debug, SimpleObject)]
pub struct UserAccessChangeEdge {
    /// The change.
    node: UserAccessChange,
    /// Its place in the list, for `after`.
    cursor: String,
}

/// A page of changes of what somebody may do, the newest first.
#[derive(Debug, SimpleObject)]
pub struct UserAccessChangeConnection {
    /// The changes with their cursors.
    edges: Vec<UserAccessChangeEdge>,
    /// The changes.
    nodes: Vec<UserAccessChange>,
    /// Where the page lies.
    page_info: Page,
}

impl From<&RightsEvent> for UserAccessChange {
    fn from(event: &RightsEvent) -> Self {
        Self {
            event_id: ID(id::global(Kind::Event, event.id)),
            occurred_at: DateTime(event.at),
            summary: history::summary(event),
            resource: Of(event.kind),
            actor: event.actor.map(Row::new),
            actor_name: event.actor_name.clone(),
            api_key_name: event.api_key_name.clone(),
        }
    }
}

#[Object]
impl HistoryQuery {
    /// What changed somebody's rights, the newest first: roles given and taken, edits of roles while they held them, teams
    /// joined, left and moved, API keys that act for them, their status, their department, and their groups at the company's
    /// issuer. For whoever administers people (User MANAGE, ALL) and sees all roles, who holds them, teams, API keys and
    /// events; null where there is no such person.
    async fn user_access_history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose.")] user: IdText,
        #[graphql(desc = "How many changes, at most 200.", default = 25)] first: i32,
        #[graphql(desc = "Only changes after this cursor.")] after: Option<String>,
    ) -> Option<async_graphql::Result<UserAccessChangeConnection>> {
        let read = async {
            let store = node::store(ctx)?;
            store.require_sign_in()?;
            let person = value::key(Kind::User, &user.0).map_err(|misfit| Error::argument(misfit.message))?;
            let found = history::read(store, UserId(person), first, after.as_deref()).await?;
            found.map(|found| page(&found, after.is_some())).transpose()
        };
        read.await.map_err(Into::into).transpose()
    }
}

fn page(found: &History, previous: bool) -> Result<UserAccessChangeConnection> {
    let edge = |event: &RightsEvent| Ok(UserAccessChangeEdge { node: event.into(), cursor: history::cursor(event)? });
    let edges: Vec<UserAccessChangeEdge> = found.events.iter().map(edge).collect::<Result<_>>()?;
    let (start, end) = (edges.first().map(|edge| edge.cursor.clone()), edges.last().map(|edge| edge.cursor.clone()));
    let nodes = edges.iter().map(|edge| edge.node.clone()).collect();
    Ok(UserAccessChangeConnection { edges, nodes, page_info: Page { previous, next: found.more, start, end } })
}
