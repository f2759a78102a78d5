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

/// All permissions and field rules that a role can have.
#[derive(Clone, Debug, SimpleObject)]
pub struct AccessCatalogue {
    /// All record types.
    resources: Vec<AccessCatalogueResource>,
}

/// Permissions and field rules that a role can have for one record type.
#[derive(Clone, Debug, SimpleObject)]
pub struct AccessCatalogueResource {
    /// Record type as used in permissions, e.g. `TargetAccountList`.
    resource: Of<Kind>,
    /// Display name, e.g. `Target account list`.
    label: String,
    /// Actions that have an effect on records of this type.
    actions: Vec<AccessCatalogueAction>,
    /// Fields and links that a role can hide.
    hidable_fields: Vec<AccessCatalogueField>,
}

/// An action that can be permitted on records of one type.
#[derive(Clone, Debug, SimpleObject)]
pub struct AccessCatalogueAction {
    /// The action.
    action: Of<Action>,
    /// Queries, mutations, headers and paths that require the permission.
    verbs: Vec<String>,
    /// Reaches with which it can be granted; some of the operations require ALL.
    reaches: Vec<Of<Reach>>,
    /// Description of the action.
    description: &'static str,
}

/// A field or link that a role can hide.
#[derive(Clone, Debug, SimpleObject)]
pub struct AccessCatalogueField {
    /// Name of the field or link, e.g. `annualRevenue`.
    field: String,
    /// Display name, e.g. `Annual revenue`.
    label: String,
}

/// A permission that has no effect, or less effect than expected.
#[derive(Clone, Debug, SimpleObject)]
pub struct RoleWarning {
    /// Key of the role; null in a preview.
    role_key: Option<String>,
    /// Position of the change in a preview, starting at 0; null otherwise.
    index: Option<i32>,
    /// `NO_EFFECT`: not used in this version. `READ_MISSING`: has no effect without READ. `READ_NARROWER`: is limited
    /// to the narrower reach of READ.
    reason: &'static str,
    /// Record type of the permission.
    resource: Of<Kind>,
    /// Action of the permission.
    action: Of<Action>,
    /// Reach of the permission.
    reach: Of<Reach>,
    /// Human-readable explanation of the reason.
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
    /// Returns all permissions that a role can grant and all fields that it can hide, e.g. for a role editor.
    #[expect(clippy::unused_async, reason = "the library takes asynchronous resolvers alone")]
    async fn access_catalogue(&self, ctx: &Context<'_>) -> async_graphql::Result<AccessCatalogue> {
        let store = store(ctx)?;
        store.require_sign_in()?;
        let resources = Kind::ALL.into_iter().map(|kind| resource(store.backend().nouns(), kind));
        Ok(AccessCatalogue { resources: resources.collect() })
    }

    /// Lists permissions of roles that have no effect, or less effect than expected. Requires READ on roles. In the
    /// `query` field of a payload, the role just saved is included.
    async fn role_warnings(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The keys of the roles; all roles if left out.")] keys: Option<Vec<String>>,
    ) -> async_graphql::Result<Vec<RoleWarning>> {
        let store = store(ctx)?;
        store.require_sign_in()?;
        if !store.sees_all(Kind::Role) {
            return Err(Error::refused_because(
                Code::Forbidden,
                "PERMISSION_MISSING",
                "You do not have permission to read roles.",
            )
            .into());
        }
        let roles = store.roles().await?;
        if let Some(key) = keys.iter().flatten().find(|key| !roles.iter().any(|role| role.key == **key)) {
            let message = format!("No role exists with the key {}.", short(key));
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
