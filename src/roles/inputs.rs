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

/// A role to delete.
#[derive(Debug, InputObject)]
pub struct RoleDeleteInput {
    /// Which role.
    id: IdText,
    /// The version you have seen; refused with CONFLICT where the record has moved on.
    expected_version: Option<i32>,
    /// Whether to delete it although people hold it or API keys act by it: it is taken from its holders, its keys are refused from then on.
    #[graphql(default = false)]
    even_if_in_use: bool,
    /// Done once.
    #[graphql(flatten)]
    pub(super) once: Once,
}

/// A role for somebody.
#[derive(Debug, InputObject)]
pub struct RoleAssignInput {
    /// Which role.
    role_id: IdText,
    /// Who is to hold it.
    user_id: IdText,
    /// Done once.
    #[graphql(flatten)]
    pub(super) once: Once,
}

/// A role to take from somebody.
#[derive(Debug, InputObject)]
pub struct RoleUnassignInput {
    /// Which role.
    role_id: IdText,
    /// Who is to hold it no more.
    user_id: IdText,
    /// Done once.
    #[graphql(flatten)]
    pub(super) once: Once,
}

/// Roles to bring in.
#[derive(Debug, InputObject)]
pub struct RoleImportInput {
    /// A document as `roleExport` answers it. Roles are recognised by their keys; those that are not in it stay as they are.
    pub(super) document: scalars::Json,
    /// The fingerprint of the difference that you have been shown; without it nothing is changed.
    pub(super) fingerprint: Option<String>,
}

/// One change of roles; exactly one of its fields.
#[derive(Debug, OneofObject)]
pub enum RoleChangeInput {
    /// A role is made, as by `roleCreate`.
    Create(RoleCreateInput),
    /// A role is changed, as by `roleUpdate`.
    Update(RoleUpdateInput),
    /// A role is deleted, as by `roleDelete`.
    Delete(RoleDeleteInput),
    /// Somebody gets a role, as by `roleAssign`.
    Assign(RoleAssignInput),
    /// Somebody loses a role, as by `roleUnassign`.
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
                    _ => Err(InputValueError::custom("takes an object")),
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
