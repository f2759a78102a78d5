//! What the keeping of roles takes in the API.

use async_graphql::{
    InputObject, InputType, InputValueError, InputValueResult, OneofObject, Value, registry::Registry,
};
use entity::{Kind, role::RoleId, user::UserId};
use sea_orm::prelude::Uuid;
use serde_json::{Map, Value as Json};
use std::borrow::Cow;

use super::{affected::Step, holding::InUse};
use crate::{
    error::{Error, Result},
    graphql::{
        once::{self, Once},
        scalars,
        scalars::IdText,
    },
    store::value,
};

/// Input for `roleDelete`.
#[derive(Debug, InputObject)]
pub struct RoleDeleteInput {
    /// The global ID of the role.
    id: IdText,
    /// The `version` you have read. If the record has changed since, the mutation is refused with CONFLICT.
    expected_version: Option<i32>,
    /// Whether to delete the role even if users or API keys have it: it is removed from the users, and its API keys are rejected from then on.
    #[graphql(default = false)]
    even_if_in_use: bool,
    /// Done once.
    #[graphql(flatten)]
    pub(super) once: Once,
}

/// Input for `roleAssign`.
#[derive(Debug, InputObject)]
pub struct RoleAssignInput {
    /// The global ID of the role.
    role_id: IdText,
    /// The global ID of the user who gets the role.
    user_id: IdText,
    /// Done once.
    #[graphql(flatten)]
    pub(super) once: Once,
}

/// Input for `roleUnassign`.
#[derive(Debug, InputObject)]
pub struct RoleUnassignInput {
    /// The global ID of the role.
    role_id: IdText,
    /// The global ID of the user who loses the role.
    user_id: IdText,
    /// Done once.
    #[graphql(flatten)]
    pub(super) once: Once,
}

/// Input for `roleImport`.
#[derive(Debug, InputObject)]
pub struct RoleImportInput {
    /// Document in the format returned by `roleExport`. Roles are matched by key; roles that are not in the document are unchanged.
    pub(super) document: scalars::Json,
    /// Fingerprint of the difference returned by the previous call; if omitted, nothing is changed.
    pub(super) fingerprint: Option<String>,
}

/// A change to a role or role assignment; requires exactly one of its fields.
#[derive(Debug, OneofObject)]
pub enum RoleChangeInput {
    /// Creates a role, as `roleCreate` does.
    Create(RoleCreateInput),
    /// Updates a role, as `roleUpdate` does.
    Update(RoleUpdateInput),
    /// Deletes a role, as `roleDelete` does.
    Delete(RoleDeleteInput),
    /// Assigns a role to a user, as `roleAssign` does.
    Assign(RoleAssignInput),
    /// Removes a role from a user, as `roleUnassign` does.
    Unassign(RoleUnassignInput),
}

impl RoleDeleteInput {
    pub(super) fn read(&self) -> Result<(RoleId, Option<i32>, InUse)> {
        let in_use = if self.even_if_in_use { InUse::Take } else { InUse::Refuse };
        Ok((RoleId(self.id.of(Kind::Role)?), self.expected_version, in_use))
    }
}

impl RoleAssignInput {
    pub(super) fn read(&self) -> Result<(RoleId, UserId)> {
        pair(&self.role_id, &self.user_id)
    }
}

impl RoleUnassignInput {
    pub(super) fn read(&self) -> Result<(RoleId, UserId)> {
        pair(&self.role_id, &self.user_id)
    }
}

fn pair(role: &IdText, user: &IdText) -> Result<(RoleId, UserId)> {
    let read = |kind, id: &IdText, field: &str| -> Result<Uuid> {
        value::key(kind, &id.0).map_err(|misfit| Error::input(misfit.code, field, misfit.message))
    };
    Ok((RoleId(read(Kind::Role, role, "roleId")?), UserId(read(Kind::User, user, "userId")?)))
}

impl RoleChangeInput {
    pub(super) fn read(self) -> Result<Step> {
        Ok(match self {
            Self::Create(input) => Step::Create(unkeyed(input.0)),
            Self::Update(input) => Step::Update(unkeyed(input.0)),
            Self::Delete(input) => {
                let (role, expected, in_use) = input.read()?;
                Step::Delete(role, expected, in_use)
            }
            Self::Assign(input) => {
                let (role, user) = input.read()?;
                Step::Assign(role, user)
            }
            Self::Unassign(input) => {
                let (role, user) = input.read()?;
                Step::Unassign(role, user)
            }
        })
    }
}

/// An input without its idempotency key: what is undone again is done as often as it is asked for.
fn unkeyed(mut input: Map<String, Json>) -> Map<String, Json> {
    input.remove(once::FIELD);
    input
}

/// An input that [`describe`] draws from the table, as it was given.
macro_rules! drawn {
    ($(#[doc = $doc:literal] $type:ident = $name:literal;)+) => {$(
        #[doc = $doc]
        #[derive(Clone, Debug)]
        pub struct $type(Map<String, Json>);

        impl InputType for $type {
            type RawValueType = Self;
            fn type_name() -> Cow<'static, str> {
                $name.into()
            }
            fn create_type_info(_: &mut Registry) -> String {
                concat!($name, "!").to_owned()
            }
            fn parse(value: Option<Value>) -> InputValueResult<Self> {
                match value.unwrap_or_default().into_json()? {
                    Json::Object(input) => Ok(Self(input)),
                    _ => Err(InputValueError::custom("must be an object")),
                }
            }
            fn to_value(&self) -> Value {
                Value::from_json(Json::Object(self.0.clone())).unwrap_or_default()
            }
            fn as_raw_value(&self) -> Option<&Self> {
                Some(self)
            }
        }
    )+};
}

drawn! {
    /// What `roleCreate` takes.
    RoleCreateInput = "RoleCreateInput";
    /// What `roleUpdate` takes.
    RoleUpdateInput = "RoleUpdateInput";
}
