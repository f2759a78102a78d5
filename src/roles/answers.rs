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

/// What changes of roles would mean.
#[derive(SimpleObject)]
pub struct RolePreview {
    /// Those who gain or lose, people first, each group by name; at most `first`.
    pub(super) holders: Holders,
    /// How many people and keys that you may see gain or lose.
    pub(super) total_holders: i32,
    /// Permissions that would do nothing, or less than they seem to, in the roles as they would be saved.
    pub(super) warnings: Vec<RoleWarning>,
    /// Why the changes could not be made, each with the `index` of the change; empty where they could.
    pub(super) user_errors: Vec<UserError>,
}

/// A permission that would reach further or less far.
#[derive(Debug, SimpleObject)]
pub struct RolePreviewPermission {
    /// The record type, `Account`.
    resource: Of<Kind>,
    /// What may be done to records of it.
    action: Of<Action>,
    /// To which it may be done now.
    from: Of<Reach>,
    /// To which it could be done afterwards.
    to: Of<Reach>,
    /// How many live records come within reach or go out of it; null for CREATE and IMPORT, which
    /// reach no record that is there, and where you do not see all records of the type yourself.
    records: Option<i32>,
}

/// A field of a record type.
#[derive(Debug, SimpleObject)]
pub struct RolePreviewField {
    /// The record type, `Deal`.
    resource: Of<Kind>,
    /// The field, `amount`.
    field: String,
}

/// What a document changes of one role.
#[derive(Debug, SimpleObject)]
#[graphql(name = "RoleDiff")]
pub struct RoleDifference {
    /// The role's key.
    key: String,
    /// What becomes of it: CREATED, UPDATED or UNCHANGED.
    status: Of<Status>,
    /// Permissions that it gets, `Account:UPDATE:OWN`.
    added_permissions: Vec<String>,
    /// Permissions that it loses.
    removed_permissions: Vec<String>,
    /// Field rules that it gets, `Deal:amount:HIDDEN`.
    added_field_rules: Vec<String>,
    /// Field rules that it loses.
    removed_field_rules: Vec<String>,
    /// Its texts that change.
    texts: Vec<RoleTextDifference>,
}

/// A text of a role that changes.
#[derive(Debug, SimpleObject)]
#[graphql(name = "RoleTextDiff")]
pub struct RoleTextDifference {
    /// Which: `name`, `description` or `copyOf`.
    member: &'static str,
    /// As it is before; null where there is none.
    before: Option<String>,
    /// As it is afterwards; null where there is none.
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
            field("user", "User", "The person; null for an API key."),
            field("apiKey", "ApiKey", "The API key; null for a person."),
            field("gains", &permissions, "Permissions that would reach further."),
            field("losses", &permissions, "Permissions that would reach less far."),
            field("uncovered", &names, "Fields that would come to sight, on records that are seen now and then."),
            field("hidden", &names, "Fields that would go out of sight, on records that are seen now and then."),
            field("unlocked", &names, "Fields that could be changed, on records that may be written now and then."),
            field(
                "locked",
                &names,
                "Fields that could not be changed any more, on records that may be written now and then.",
            ),
        ];
        describe::object(registry, HOLDER, "Somebody who would gain or lose by changes of roles.", holder);
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
