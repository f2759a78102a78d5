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
    /// The caller and their permissions; null if not signed in. For an API key, the owner of the key and the
    /// permissions of the key.
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

/// Permission for one action on records of one type.
#[derive(Debug, SimpleObject)]
pub struct Permission {
    /// Record type, e.g. `Account`.
    resource: &'static str,
    /// Permitted action.
    action: Of<Action>,
    /// Reach of the permission: the records it applies to.
    reach: Of<Reach>,
}

/// Fields of one record type.
#[derive(Debug, SimpleObject)]
pub struct ResourceFields {
    /// Record type, e.g. `Deal`.
    resource: &'static str,
    /// Names of the fields, in alphabetical order.
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

/// The user or API key making the request, and their permissions: the union of their roles.
#[Object]
impl Viewer {
    /// The user, or the owner of the API key; null if they do not have access to their own user record.
    async fn user(&self) -> Option<Row<user::Entity>> {
        Some(Row::new(self.user))
    }

    /// Session of the request; null for an API key and in a preview.
    async fn session(&self) -> Option<Row<session::Entity>> {
        self.session.map(Row::new)
    }

    /// API key of the request, which can always read itself; null for a user.
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

    /// User who is previewing as this user with the `Tandem-Preview-As` header; null outside a preview. This field
    /// and its subfields are read with the previewing user's own permissions.
    async fn previewed_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Through<Row<user::Entity>>>> {
        let Some(admin) = self.actor.previewed_by else { return Ok(None) };
        let store = preview::own_eyes(node::store(ctx)?, admin).await?;
        Ok(Some(Through(store, Row::new(admin))))
    }

    /// Permissions in the format `Account:UPDATE:OWN` (resource, action, reach), e.g. to show or hide buttons.
    async fn permissions(&self) -> Vec<String> {
        let spell =
            |grant: Permission| format!("{}:{}:{}", grant.resource, grant.action.0.as_str(), grant.reach.0.as_str());
        self.granted().into_iter().map(spell).collect()
    }

    /// The same permissions as objects.
    async fn grants(&self) -> Vec<Permission> {
        self.granted()
    }

    /// Fields that are hidden from the viewer.
    async fn hidden_fields(&self) -> Vec<ResourceFields> {
        fields(|kind| self.actor.policy.hidden(kind).map(str::to_owned).collect())
    }

    /// Fields that the viewer can see but not change.
    async fn read_only_fields(&self) -> Vec<ResourceFields> {
        fields(|kind| {
            let policy = &self.actor.policy;
            policy.read_only(kind).filter(|field| !policy.hides(kind, field)).map(str::to_owned).collect()
        })
    }

    /// Active sessions of the viewer, newest first, at most 100; use the root field `sessions` to list all. Empty for
    /// an API key, which has no access to its owner's sessions.
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
