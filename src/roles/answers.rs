//! What a preview and an import of roles answer in the API.

use std::{borrow::Cow, collections::HashMap};

use async_graphql::{
    ContextSelectionSet, Name, OutputType, Positioned, ServerResult, SimpleObject, Value, indexmap::IndexMap,
    parser::types::Field, registry::Registry,
};
use entity::Kind;
use sea_orm::prelude::Uuid;

use super::{
    affected::{Holder, Who},
    effect::Shift,
    exchange::Difference,
    known::RoleWarning,
};
use crate::{
    access::{Action, Reach},
    error::UserError,
    graphql::{
        choice::Of,
        describe, node,
        select::{Picked, Selections},
    },
    imports::result::Status,
};

/// The effects of changes to roles.
#[derive(SimpleObject)]
pub struct RolePreview {
    /// Users and API keys whose permissions would change: users first, each group sorted by name; at most `first`.
    pub(super) holders: Holders,
    /// Number of affected users and API keys that you have access to.
    pub(super) total_holders: i32,
    /// Permissions that would have no effect, or less effect than expected, in the resulting roles.
    pub(super) warnings: Vec<RoleWarning>,
    /// Errors with which the changes would fail, each with the `index` of the change; empty if they would succeed.
    pub(super) user_errors: Vec<UserError>,
}

/// A permission whose reach would change.
#[derive(Debug, SimpleObject)]
pub struct RolePreviewPermission {
    /// Record type, e.g. `Account`.
    resource: Of<Kind>,
    /// Permitted action.
    action: Of<Action>,
    /// Current reach.
    from: Of<Reach>,
    /// Reach after the changes.
    to: Of<Reach>,
    /// Number of non-archived records that would come within reach or go out of it; null for CREATE and IMPORT, which
    /// do not apply to existing records, and if you do not have access to all records of this type.
    records: Option<i32>,
}

/// A field of a record type.
#[derive(Debug, SimpleObject)]
pub struct RolePreviewField {
    /// Record type, e.g. `Deal`.
    resource: Of<Kind>,
    /// Name of the field or link, e.g. `amount`.
    field: String,
}

/// Differences between a role document and one existing role.
#[derive(Debug, SimpleObject)]
#[graphql(name = "RoleDiff")]
pub struct RoleDifference {
    /// Key of the role.
    key: String,
    /// Result for the role: CREATED, UPDATED or UNCHANGED.
    status: Of<Status>,
    /// Permissions added to the role, e.g. `Account:UPDATE:OWN`.
    added_permissions: Vec<String>,
    /// Permissions removed from the role.
    removed_permissions: Vec<String>,
    /// Field rules added to the role, e.g. `Deal:amount:HIDDEN`.
    added_field_rules: Vec<String>,
    /// Field rules removed from the role.
    removed_field_rules: Vec<String>,
    /// Changed text fields of the role.
    texts: Vec<RoleTextDifference>,
}

/// A changed text field of a role.
#[derive(Debug, SimpleObject)]
#[graphql(name = "RoleTextDiff")]
pub struct RoleTextDifference {
    /// Name of the field: `name`, `description` or `copyOf`.
    member: &'static str,
    /// Value before the import; null if there is none.
    before: Option<String>,
    /// Value after the import; null if there is none.
    after: Option<String>,
}

impl From<Difference> for RoleDifference {
    fn from(difference: Difference) -> Self {
        let text = |(member, before, after)| RoleTextDifference { member, before, after };
        Self {
            key: difference.key,
            status: Of(Status::of(Some(difference.saved))),
            added_permissions: difference.added_permissions,
            removed_permissions: difference.removed_permissions,
            added_field_rules: difference.added_field_rules,
            removed_field_rules: difference.removed_field_rules,
            texts: difference.texts.into_iter().map(text).collect(),
        }
    }
}

fn permissions(shifts: &[Shift]) -> Vec<RolePreviewPermission> {
    let one = |shift: &Shift| RolePreviewPermission {
        resource: Of(shift.kind),
        action: Of(shift.action),
        from: Of(shift.from),
        to: Of(shift.to),
        records: shift.records.map(|records| i32::try_from(records).unwrap_or(i32::MAX)),
    };
    shifts.iter().map(one).collect()
}

fn fields(fields: &[(Kind, String)]) -> Vec<RolePreviewField> {
    fields.iter().map(|(kind, field)| RolePreviewField { resource: Of(*kind), field: field.clone() }).collect()
}

/// Those who gain or lose. The people and keys among them are read in one statement each.
pub struct Holders(pub(super) Vec<Holder>);

const HOLDER: &str = "RolePreviewHolder";

impl OutputType for Holders {
    fn type_name() -> Cow<'static, str> {
        format!("[{HOLDER}!]").into()
    }
    fn create_type_info(registry: &mut Registry) -> String {
        let permissions = <Vec<RolePreviewPermission> as OutputType>::create_type_info(registry);
        let names = <Vec<RolePreviewField> as OutputType>::create_type_info(registry);
        let field = |name: &str, ty: &str, doc: &str| describe::field(name, ty, doc, &[]);
        let holder = vec![
            field("user", "User", "The user; null for an API key."),
            field("apiKey", "ApiKey", "The API key; null for a user."),
            field("gains", &permissions, "Permissions whose reach would widen."),
            field("losses", &permissions, "Permissions whose reach would narrow."),
            field("uncovered", &names, "Fields that would become visible, on records visible both before and after."),
            field("hidden", &names, "Fields that would become hidden, on records visible both before and after."),
            field("unlocked", &names, "Fields that would become editable, on records editable both before and after."),
            field("locked", &names, "Fields that would become read-only, on records editable both before and after."),
        ];
        describe::object(registry, HOLDER, "A user or API key whose permissions would change.", holder);
        format!("[{HOLDER}!]!")
    }
    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        let picked = Selections::new(ctx.query_env).pick(&[&ctx.item.node], HOLDER);
        let mut records: HashMap<&str, Vec<Value>> = HashMap::new();
        for field in &picked {
            let id = match field.name() {
                "user" => |who| if let Who::Person(user) = who { Some(user.0) } else { None },
                "apiKey" => |who| if let Who::Key(key) = who { Some(key.0) } else { None },
                _ => continue,
            };
            let kind = if field.name() == "user" { Kind::User } else { Kind::ApiKey };
            let ids: Vec<Option<Uuid>> = self.0.iter().map(|holder| id(holder.who)).collect();
            records.insert(field.key, node::each(ctx, &[], (kind, field), &ids).await?);
        }
        let mut list = Vec::with_capacity(self.0.len());
        for (n, holder) in self.0.iter().enumerate() {
            let mut object = IndexMap::new();
            for field in &picked {
                let value = match records.get(field.key) {
                    Some(records) => records.get(n).cloned().unwrap_or_default(),
                    None => shown(ctx, field, holder).await?,
                };
                object.insert(Name::new(field.key), value);
            }
            list.push(Value::Object(object));
        }
        Ok(Value::List(list))
    }
}

async fn shown(ctx: &ContextSelectionSet<'_>, field: &Picked<'_>, holder: &Holder) -> ServerResult<Value> {
    let (set, place) = field.merged(ctx.item.pos);
    let inner = ctx.with_selection_set(&set);
    let effect = &holder.effect;
    match field.name() {
        "gains" => permissions(&effect.gains).resolve(&inner, &place).await,
        "losses" => permissions(&effect.losses).resolve(&inner, &place).await,
        "uncovered" => fields(&effect.uncovered).resolve(&inner, &place).await,
        "hidden" => fields(&effect.hidden).resolve(&inner, &place).await,
        "unlocked" => fields(&effect.unlocked).resolve(&inner, &place).await,
        "locked" => fields(&effect.locked).resolve(&inner, &place).await,
        _ => Ok(Value::String(HOLDER.to_owned())),
    }
}
