//! Closed sets of names as GraphQL enums, in the slices' own types.

use std::borrow::Cow;

use async_graphql::{
    ContextSelectionSet, InputType, InputValueError, InputValueResult, Name, OutputType, Positioned, ServerResult,
    Value, parser::types::Field, registry::Registry,
};
use entity::Choice;

/// A value of a closed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Of<T>(pub T);

impl<T: Choice> InputType for Of<T> {
    type RawValueType = Self;
    fn type_name() -> Cow<'static, str> {
        T::choices().name.into()
    }
    fn create_type_info(registry: &mut Registry) -> String {
        super::describe::choices(registry, T::choices());
        format!("{}!", T::choices().name)
    }
    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let found = match &value {
            Some(Value::Enum(name)) => T::named(name),
            Some(Value::String(name)) => T::named(name),
            _ => None,
        };
        found.map(Self).ok_or_else(|| InputValueError::expected_type(value.unwrap_or_default()))
    }
    fn to_value(&self) -> Value {
        Value::Enum(Name::new(self.0.name()))
    }
    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

impl<T: Choice> OutputType for Of<T> {
    fn type_name() -> Cow<'static, str> {
        T::choices().name.into()
    }
    fn create_type_info(registry: &mut Registry) -> String {
        <Self as InputType>::create_type_info(registry)
    }
    async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        Ok(InputType::to_value(self))
    }
}
