//! The custom scalars, and their Rust types for inputs of the slices' own verbs.

use std::borrow::Cow;

use async_graphql::{
    ContextSelectionSet, InputType, InputValueError, InputValueResult, OutputType, Positioned, ServerResult, Value,
    parser::types::Field, registry::Registry,
};
use entity::{Instant, Kind};
use sea_orm::prelude::Uuid;

use crate::store::value;

/// Name, description and specification of each.
pub const ALL: &[(&str, &str, &str)] = &[
    (
        "DateTime",
        "A date and time in RFC 3339 format, in the years 0001 to 9999 UTC; returned in UTC with milliseconds: `2026-11-21T09:30:00.000Z`.",
        "https://scalars.graphql.org/andimarek/date-time",
    ),
    (
        "Date",
        "A calendar date in RFC 3339 format, in the years 0001 to 9999: `2026-11-21`.",
        "https://scalars.graphql.org/andimarek/local-date",
    ),
    (
        "Decimal",
        "A decimal number as a string: an optional minus sign, digits, and optionally a point followed by digits: `\"12.50\"`. Values are never rounded. Money amounts are stored as a 64-bit number of minor units, so the maximum is `\"92233720368547758.07\"` EUR; sums may exceed it.",
        "https://www.w3.org/TR/xmlschema-2/#decimal",
    ),
    (
        "CurrencyCode",
        "An ISO 4217 currency code: `EUR`. Lower case is accepted; the code is stored in upper case.",
        "https://www.iso.org/iso-4217-currency-codes.html",
    ),
    (
        "CountryCode",
        "An ISO 3166-1 alpha-2 country code: `DE`. Lower case is accepted; the code is stored in upper case.",
        "https://www.iso.org/iso-3166-country-codes.html",
    ),
    ("URL", "A URL: `https://acme.example`.", "https://url.spec.whatwg.org/"),
    (
        "EmailAddress",
        "An e-mail address: `ann@acme.example`.",
        "https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address",
    ),
    ("JSON", "Any JSON value.", "https://www.rfc-editor.org/rfc/rfc8259"),
];

/// A scalar of the schema that [`super::describe`] registers.
macro_rules! scalar {
    ($type:ident, $name:literal) => {
        impl OutputType for $type {
            fn type_name() -> Cow<'static, str> {
                $name.into()
            }
            fn create_type_info(_: &mut Registry) -> String {
                concat!($name, "!").to_owned()
            }
            async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
                Ok(InputType::to_value(self))
            }
        }
    };
}

/// `DateTime` in the slices' own types.
#[derive(Clone, Copy, Debug)]
pub struct DateTime(pub Instant);

impl InputType for DateTime {
    type RawValueType = Self;
    fn type_name() -> Cow<'static, str> {
        "DateTime".into()
    }
    fn create_type_info(registry: &mut Registry) -> String {
        <Self as OutputType>::create_type_info(registry)
    }
    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        match &value {
            Some(Value::String(text)) => Instant::parse(text)
                .map(Self)
                .ok_or_else(|| InputValueError::custom("must be a date and time in RFC 3339 format")),
            _ => Err(InputValueError::expected_type(value.unwrap_or_default())),
        }
    }
    fn to_value(&self) -> Value {
        Value::String(self.0.rfc3339())
    }
    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}
scalar!(DateTime, "DateTime");

/// `EmailAddress` in the slices' own inputs; its form is checked where it is stored.
#[derive(Clone, Debug)]
pub struct EmailAddress(pub String);

impl InputType for EmailAddress {
    type RawValueType = Self;
    fn type_name() -> Cow<'static, str> {
        "EmailAddress".into()
    }
    fn create_type_info(registry: &mut Registry) -> String {
        <Self as OutputType>::create_type_info(registry)
    }
    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        match value {
            Some(Value::String(text)) => Ok(Self(text)),
            _ => Err(InputValueError::expected_type(value.unwrap_or_default())),
        }
    }
    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}
scalar!(EmailAddress, "EmailAddress");

/// Any JSON in the slices' own types.
#[derive(Clone, Debug)]
pub struct Json(pub serde_json::Value);

impl InputType for Json {
    type RawValueType = Self;
    fn type_name() -> Cow<'static, str> {
        "JSON".into()
    }
    fn create_type_info(registry: &mut Registry) -> String {
        <Self as OutputType>::create_type_info(registry)
    }
    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        Ok(Self(value.unwrap_or_default().into_json()?))
    }
    fn to_value(&self) -> Value {
        Value::from_json(self.0.clone()).unwrap_or_default()
    }
    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}
scalar!(Json, "JSON");

/// A global id in the slices' own inputs, checked against the kind it must be of.
#[derive(Clone, Debug)]
pub struct IdText(pub String);

impl IdText {
    /// The id, which must be of this kind.
    pub fn of(&self, kind: Kind) -> crate::error::Result<Uuid> {
        value::key(kind, &self.0).map_err(|misfit| crate::error::Error::input(misfit.code, "id", misfit.message))
    }
}

impl InputType for IdText {
    type RawValueType = Self;
    fn type_name() -> Cow<'static, str> {
        "ID".into()
    }
    fn create_type_info(registry: &mut Registry) -> String {
        <async_graphql::ID as InputType>::create_type_info(registry)
    }
    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        Ok(Self(async_graphql::ID::parse(value).map_err(InputValueError::propagate)?.0))
    }
    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}
