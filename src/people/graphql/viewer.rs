//! The viewer: who is calling, and what they may do.

use async_graphql::{Context, Object, SimpleObject};
use entity::{Kind, api_key, session, session::SessionId, user, user::UserId};

use crate::{
    access::{Action, Actor, Policy, Purpose, Reach, Who},
    graphql::{
        choice::Of,
        node::{self, Row, Through},
    },
    people::preview,
};

/// Who is calling.
#[derive(Clone, Copy, Debug, Default)]
pub struct ViewerQuery;

#[Object]
impl ViewerQuery {
    /// Who is calling and what they may do; null for somebody who has not signed in. By an API key it is
    /// who answers for the key, and what the key may do.
    #[expect(clippy::unused_async, reason = "the library takes asynchronous resolvers alone")]
    async fn viewer(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Viewer>> {
        let actor = node::store(ctx)?.actor().clone();
        Ok(match actor.who {
            Who::User { id, session } => Some(Viewer { user: id, session, actor }),
            Who::Key { owner, .. } => Some(Viewer { user: owner, session: None, actor }),
            Who::Anonymous | Who::System(_) => None,
        })
    }
}

/// A person who has signed in, or an API key.
#[derive(Debug)]
pub struct Viewer {
    user: UserId,
    session: Option<SessionId>,
    actor: Actor,
}

/// One thing that somebody may do.
#[derive(Debug, SimpleObject)]
pub struct Permission {
    /// The record type, `Account`.
    resource: &'static str,
    /// What may be done to records of it.
    action: Of<Action>,
    /// To which of them.
    reach: Of<Reach>,
}

/// Fields of one record type.
#[derive(Debug, SimpleObject)]
pub struct ResourceFields {
    /// The record type, `Deal`.
    resource: &'static str,
    /// The names of the fields, in alphabetical order.
    fields: Vec<String>,
}

impl Viewer {
    /// What any of their roles lets them do.
    fn granted(&self) -> Vec<Permission> {
        let all = Kind::ALL.into_iter().flat_map(|kind| Action::ALL.map(|action| (kind, action)));
        let reached = all.map(|(kind, action)| (kind, action, self.actor.policy.reach(kind, action)));
        let allowed = reached.filter(|(_, _, reach)| *reach > Reach::None);
        allowed
            .map(|(kind, action, reach)| Permission { resource: kind.name(), action: Of(action), reach: Of(reach) })
            .collect()
    }
}

/// The person or API key that is calling, and what they may do: the union of their roles.
#[Object]
impl Viewer {
    /// The person, or who answers for the API key; null where they may not see themselves.
    async fn user(&self) -> Option<Row<user::Entity>> {
        Some(Row::new(self.user))
    }

    /// The session in which they call; null for an API key, and in a preview.
    async fn session(&self) -> Option<Row<session::Entity>> {
        self.session.map(Row::new)
    }

    /// The API key by which the request came, which always sees itself; null for a person.
    #[expect(clippy::unused_async, reason = "the library takes asynchronous resolvers alone")]
    async fn api_key(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Through<Row<api_key::Entity>>>> {
        let Some(key) = self.actor.api_key() else { return Ok(None) };
        let mut actor = self.actor.clone();
        // Where its role lets it see no keys, it sees itself and nothing through itself.
        if actor.policy.reach(Kind::ApiKey, Action::Read) == Reach::None {
            actor.policy = Policy::nothing().with(Kind::ApiKey, Action::Read, Reach::Own);
        }
        Ok(Some(Through(node::store(ctx)?.backend().store(actor, None), Row::new(key))))
    }

    /// Who looks at what this person sees, by the header `Tandem-Preview-As`; null outside a preview.
    /// Read, with all that is selected of it, with their own eyes and not with this person's.
    async fn previewed_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Through<Row<user::Entity>>>> {
        let Some(admin) = self.actor.previewed_by else { return Ok(None) };
        let store = preview::own_eyes(node::store(ctx)?, admin).await?;
        Ok(Some(Through(store, Row::new(admin))))
    }

    /// What they may do, as `Account:UPDATE:OWN` (resource, action, reach): all that a front end needs
    /// to show or hide a button.
    async fn permissions(&self) -> Vec<String> {
        let spell =
            |grant: Permission| format!("{}:{}:{}", grant.resource, grant.action.0.as_str(), grant.reach.0.as_str());
        self.granted().into_iter().map(spell).collect()
    }

    /// The same, part by part.
    async fn grants(&self) -> Vec<Permission> {
        self.granted()
    }

    /// The fields that are kept from them.
    async fn hidden_fields(&self) -> Vec<ResourceFields> {
        fields(|kind| self.actor.policy.hidden(kind).map(str::to_owned).collect())
    }

    /// The fields that they see and may not change.
    async fn read_only_fields(&self) -> Vec<ResourceFields> {
        fields(|kind| {
            let policy = &self.actor.policy;
            policy.read_only(kind).filter(|field| !policy.hides(kind, field)).map(str::to_owned).collect()
        })
    }

    /// Their sessions that are good now, the newest first, at most 100; `sessions` lists all of them. None
    /// by an API key, whose owner's sessions are none of its business.
    async fn sessions(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<Row<session::Entity>>> {
        if self.actor.api_key().is_some() {
            return Ok(vec![]);
        }
        let live = node::store(ctx)?.as_system(Purpose::SignIn).live_sessions(self.user).await?;
        let live: Vec<_> = live.into_iter().map(|session| session.0).collect();
        let seen = node::store(ctx)?.reachable(Kind::Session, Action::Read, &live).await?;
        Ok(live.into_iter().filter(|session| seen.contains(session)).map(Row::new).collect())
    }
}

fn fields(of: impl Fn(Kind) -> Vec<String>) -> Vec<ResourceFields> {
    let all = Kind::ALL.into_iter().map(|kind| ResourceFields { resource: kind.name(), fields: of(kind) });
    all.filter(|resource| !resource.fields.is_empty()).collect()
}
