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

/// A change of a user's access.
#[derive(Clone, Debug, SimpleObject)]
pub struct UserAccessChange {
    /// Global ID of the event that recorded the change, also listed by `audit`.
    event_id: ID,
    /// When the change was made.
    occurred_at: DateTime,
    /// Description of the change, as a sentence about the user.
    summary: String,
    /// Type of the changed record: `RoleAssignment` if a role was assigned or unassigned, `Role` if a role of the
    /// user was edited, `TeamMembership` or `Team` if the TEAM reach changed, `ApiKey` for keys owned by the user, or
    /// `User` for the user itself.
    resource: Of<Kind>,
    /// User who made the change, or the owner of the API key that did; null for the system. Selecting it adds a separate read per entry.
    actor: Option<Row<user::Entity>>,
    /// Name of the actor.
    actor_name: Option<String>,
    /// Name of the API key that made the change, if any.
    api_key_name: Option<String>,
}

/// A change with its cursor.
#[derive(Debug, SimpleObject)]
pub struct UserAccessChangeEdge {
    /// The change.
    node: UserAccessChange,
    /// Cursor of the change, for `after`.
    cursor: String,
}

/// A page of changes of a user's access, newest first.
#[derive(Debug, SimpleObject)]
pub struct UserAccessChangeConnection {
    /// The changes of the page with their cursors.
    edges: Vec<UserAccessChangeEdge>,
    /// The changes of the page.
    nodes: Vec<UserAccessChange>,
    /// Pagination information.
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
    /// Lists changes of a user's access, newest first: roles assigned and unassigned, edits of roles while the user
    /// held them, teams joined, left and moved, API keys owned by the user, their status, department, and groups at
    /// the OpenID issuer. Requires User MANAGE with reach ALL, and READ on all roles, role assignments, teams, API
    /// keys and events; null if the user does not exist.
    async fn user_access_history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The person.")] user: IdText,
        #[graphql(desc = "Returns the first n changes, at most 200.", default = 25)] first: i32,
        #[graphql(desc = "Returns the changes after this cursor.")] after: Option<String>,
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
