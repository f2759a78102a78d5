//! Variables, coerced to their types before execution, so that a wrong one refuses the request and not a field.

use std::fmt::Write;

use apollo_compiler::{
    ExecutableDocument, Schema,
    ast::Type,
    executable::Operation,
    request::coerce_variable_values,
    response::{JsonMap, JsonValue},
    validation::Valid,
};
use async_graphql::{Name, Value, Variables};

use super::refusal::{Refusal, pos};
use crate::error::Code;

/// The variables of this operation with their defaults, if each fits its type.
pub(super) fn coerce(
    schema: &Valid<Schema>,
    document: &ExecutableDocument,
    operation: &Operation,
    given: &JsonMap,
) -> Result<Valid<JsonMap>, Refusal> {
    let coerced = coerce_variable_values(schema, operation, given).map_err(|error| {
        let told = error.to_graphql_error(&document.sources);
        let message = super::long(&told.message).to_owned();
        Refusal::new(Code::BadUserInput, message).at(told.locations.first().copied().map(pos))
    })?;
    for variable in &operation.variables {
        if let Some(value) = coerced.get(variable.name.as_str()) {
            let mut path = format!("variable {}", variable.name);
            one_of(schema, &variable.ty, value, &mut path)?;
        }
    }
    Ok(coerced)
}

/// Whether a text or a key among them holds the character U+0000, which no text of PostgreSQL can.
pub(super) fn holds_nul(variables: &JsonMap) -> bool {
    fn value(json: &JsonValue) -> bool {
        match json {
            JsonValue::String(text) => text.as_str().contains('\0'),
            JsonValue::Array(items) => items.iter().any(value),
            JsonValue::Object(fields) => holds_nul(fields),
            _ => false,
        }
    }
    variables.iter().any(|(name, inner)| name.as_str().contains('\0') || value(inner))
}

/// `@oneOf`, which the library does not know: exactly one field, and not null.
fn one_of(schema: &Schema, ty: &Type, value: &JsonValue, path: &mut String) -> Result<(), Refusal> {
    let length = path.len();
    match value {
        JsonValue::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let _ = write!(path, "[{index}]");
                one_of(schema, ty.item_type(), item, path)?;
                path.truncate(length);
            }
        }
        JsonValue::Object(fields) => {
            let Some(input) = schema.get_input_object(ty.inner_named_type()) else { return Ok(()) };
            if input.directives.has("oneOf") && (fields.len() != 1 || fields.values().any(JsonValue::is_null)) {
                let message =
                    format!("{path}: exactly one field of {} must be given and must not be null.", input.name);
                return Err(Refusal::new(Code::BadUserInput, message));
            }
            for (name, inner) in fields {
                if let Some(field) = input.fields.get(name.as_str()) {
                    let _ = write!(path, ".{}", name.as_str());
                    one_of(schema, &field.ty, inner, path)?;
                    path.truncate(length);
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// The same variables in the words of async-graphql.
pub(super) fn convert(variables: JsonMap) -> Variables {
    Variables::from_value(object(variables))
}

fn object(fields: JsonMap) -> Value {
    Value::Object(fields.into_iter().map(|(name, value)| (Name::new(name.as_str()), constant(value))).collect())
}

fn constant(value: JsonValue) -> Value {
    match value {
        JsonValue::Null => Value::Null,
        JsonValue::Bool(value) => Value::Boolean(value),
        JsonValue::Number(value) => Value::Number(value),
        JsonValue::String(value) => Value::String(value.as_str().to_owned()),
        JsonValue::Array(items) => Value::List(items.into_iter().map(constant).collect()),
        JsonValue::Object(fields) => object(fields),
    }
}
