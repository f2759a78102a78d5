//! What can be granted and hidden, and which permissions of roles do nothing, in the API.

use async_graphql::{Context, Object, SimpleObject};
use entity::Kind;

use super::catalogue::{self, Warning};
use crate::{
    access::{Action, Grant, Reach},
    error::{Code, Error},
    graphql::{choice::Of, node::store},
    store::{Nouns, value::short},
};

/// What roles can say.
#[derive(Clone, Copy, Debug, Default)]
pub struct AccessCatalogueQuery;

/// All that a role can permit and hide.
#[derive(Clone, Debug, SimpleObject)]
pub struct AccessCatalogue {
    /// Every record type.
    resources: Vec<AccessCatalogueResource>,
}

/// What a role can say of one record type.
#[derive(Clone, Debug, SimpleObject)]
pub struct AccessCatalogueResource {
    /// The record type as permissions name it, `TargetAccountList`.
    resource: Of<Kind>,
    /// Its name for people, `Target account list`.
    label: String,
    /// The actions that have an effect on records of it.
    actions: Vec<AccessCatalogueAction>,
    /// The fields and links that a role can hide.
    hidable_fields: Vec<AccessCatalogueField>,
}

/// An action that can be permitted on records of a type.
#[derive(Clone, Debug, SimpleObject)]
pub struct AccessCatalogueAction {
    /// The action.
    action: Of<Action>,
    /// The queries, mutations, headers and paths that take it.
    verbs: Vec<String>,
    /// How far it can reach; some verbs take ALL.
    reaches: Vec<Of<Reach>>,
    /// What it means.
    description: &'static str,
}

/// A field or link that a role can hide.
#[derive(Clone, Debug, SimpleObject)]
pub struct AccessCatalogueField {
    /// Its name, `annualRevenue`.
    field: String,
    /// Its name for people, `Annual revenue`.
    label: String,
}

/// A permission that does nothing, or less than it seems to.
#[derive(Clone, Debug, SimpleObject)]
pub struct RoleWarning {
    /// The key of the role; null in a preview.
    role_key: Option<String>,
    /// The place of the change in a preview; null elsewhere.
    index: Option<i32>,
    /// `NO_EFFECT`: nothing in this version takes it. `READ_MISSING`: without READ it permits nothing. `READ_NARROWER`: it
    /// reaches no further than READ does.
    reason: &'static str,
    /// The record type of the permission.
    resource: Of<Kind>,
    /// Its action.
    action: Of<Action>,
    /// Its reach.
    reach: Of<Reach>,
    /// The reason in words.
    message: String,
}

impl RoleWarning {
    pub(super) fn of(warning: Warning, role_key: Option<String>, index: Option<usize>) -> Self {
        let Warning { grant, reason, message } = warning;
        let index = index.and_then(|index| i32::try_from(index).ok());
        let (action, reach) = (Of(grant.action), Of(grant.reach));
        Self { role_key, index, reason, resource: Of(grant.kind), action, reach, message }
    }
}

/// What roles can say.
#[Object]
impl AccessCatalogueQuery {
    /// Everything that a role can permit, and which fields it can hide: for a page on which roles are edited.
    #[expect(clippy::unused_async, reason = "the library takes asynchronous resolvers alone")]
    async fn access_catalogue(&self, ctx: &Context<'_>) -> async_graphql::Result<AccessCatalogue> {
        let store = store(ctx)?;
        store.require_sign_in()?;
        let resources = Kind::ALL.into_iter().map(|kind| resource(store.backend().nouns(), kind));
        Ok(AccessCatalogue { resources: resources.collect() })
    }

    /// The permissions of roles that do nothing, or less than they seem to. Needs READ of roles; in the `query` of
    /// a payload it tells of the role that was just saved.
    async fn role_warnings(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The keys of the roles; all where they are left out.")] keys: Option<Vec<String>>,
    ) -> async_graphql::Result<Vec<RoleWarning>> {
        let store = store(ctx)?;
        store.require_sign_in()?;
        if !store.sees_all(Kind::Role) {
            return Err(Error::refused_because(Code::Forbidden, "PERMISSION_MISSING", "You may not see roles.").into());
        }
        let roles = store.roles().await?;
        if let Some(key) = keys.iter().flatten().find(|key| !roles.iter().any(|role| role.key == **key)) {
            let message = format!("There is no role with the key {}.", short(key));
            return Err(Error::refused_because(Code::NotFound, "ROLE_UNKNOWN", message).into());
        }
        let mut found = Vec::new();
        for role in roles.iter().filter(|role| keys.as_ref().is_none_or(|keys| keys.contains(&role.key))) {
            let grants: Vec<Grant> = role.grants.0.iter().filter_map(|text| Grant::read(text)).collect();
            let warnings = catalogue::warnings(&grants).into_iter();
            found.extend(warnings.map(|warning| RoleWarning::of(warning, Some(role.key.clone()), None)));
        }
        Ok(found)
    }
}

fn resource(nouns: Nouns, kind: Kind) -> AccessCatalogueResource {
    let action = |action: Action| {
        let verbs = catalogue::verbs(nouns, kind, action);
        let description = Action::CHOICES.values.iter().find(|(name, _)| *name == action.as_str());
        let reaches = catalogue::reaches(kind).iter().copied().map(Of).collect();
        let description = description.map_or("", |(_, description)| description);
        (!verbs.is_empty()).then_some(AccessCatalogueAction { action: Of(action), verbs, reaches, description })
    };
    let field = |field: &str| AccessCatalogueField { field: field.to_owned(), label: catalogue::label(field) };
    AccessCatalogueResource {
        resource: Of(kind),
        label: catalogue::label(kind.name()),
        actions: Action::ALL.into_iter().filter_map(action).collect(),
        hidable_fields: kind.table().hidable().map(field).collect(),
    }
}
