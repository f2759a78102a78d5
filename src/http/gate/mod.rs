//! The admission gate: what a request must pass before anything of it is executed, the same for every transport.

mod cost;
mod document;
mod lexer;
mod literals;
mod merge;
pub(super) mod refusal;
mod same;
mod shape;
mod variables;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use apollo_compiler::{
    Schema,
    ast::{DirectiveList, FieldDefinition},
    collections::HashMap,
    name,
    response::JsonMap,
    schema::{Component, ExtendedType},
    ty,
    validation::Valid,
};

pub(super) use self::document::Document;
use self::{cost::Priced, document::Documents, refusal::Refusal};
use super::{
    host::FirstSight,
    settings::{Limits, Settings},
};

/// The gate of one schema.
pub(super) struct Gate {
    documents: Documents,
    possible: HashMap<String, Vec<String>>,
    limits: Limits,
}

/// An operation that may be executed.
pub(super) struct Admitted {
    /// What to execute.
    pub request: async_graphql::Request,
    /// What it came from.
    pub document: Arc<Document>,
    /// What it may cost.
    pub cost: u64,
}

impl Gate {
    /// The gate of this schema, or why the schema is none.
    pub fn new(sdl: &str, settings: &Settings) -> Result<Self, String> {
        let mut schema = Schema::parse(sdl, "schema.graphql").map_err(|e| e.errors.to_string())?;
        add_is_one_of(&mut schema);
        let schema = schema.validate().map_err(|e| e.errors.to_string())?;
        let possible = possible(&schema);
        Ok(Self { documents: Documents::new(schema, settings), possible, limits: settings.limits.clone() })
    }

    /// This operation of this document, if it is valid and within the limits.
    pub fn document(&self, text: &str, operation: Option<&str>) -> Result<Arc<Document>, Refusal> {
        self.documents.get(text, operation, &self.limits)
    }

    /// The operation with these variables, if they fit and the cost is within its limit.
    pub fn admit(&self, document: Arc<Document>, variables: &JsonMap) -> Result<Admitted, Refusal> {
        let schema = &self.documents.schema;
        if variables::holds_nul(variables) {
            return Err(refusal::nul());
        }
        let variables = variables::coerce(schema, &document.checked, &document.operation, variables)?;
        let cost = if let Some(cost) = document.cost.get() {
            *cost
        } else {
            let cost = Priced {
                schema,
                possible: &self.possible,
                document: &document.checked,
                operation: &document.operation,
                variables: &variables,
                limits: &self.limits,
            }
            .cost()?;
            if cost.constant {
                let _ = document.cost.set(cost);
            }
            cost
        };
        let variables = variables::convert(variables.into_inner());
        let mut request = async_graphql::Request::new(String::new());
        request.set_parsed_query(document.executable(schema, &variables));
        request.variables = variables;
        request.data.insert(FirstSight(document.is_first_sight()));
        Ok(Admitted { request, document, cost: cost.requested })
    }
}

/// `__Type.isOneOf`, which async-graphql answers and some code generators ask for, but the library does not know.
fn add_is_one_of(schema: &mut Schema) {
    if let Some(ExtendedType::Object(ty)) = schema.types.get_mut("__Type") {
        let field = FieldDefinition {
            description: None,
            name: name!("isOneOf"),
            arguments: vec![],
            ty: ty!(Boolean),
            directives: DirectiveList::default(),
        };
        ty.make_mut().fields.entry(name!("isOneOf")).or_insert_with(|| Component::new(field));
    }
}

fn possible(schema: &Valid<Schema>) -> HashMap<String, Vec<String>> {
    let implementers = schema.implementers_map();
    schema
        .types
        .iter()
        .filter_map(|(name, ty)| {
            let objects: Vec<String> = match ty {
                ExtendedType::Interface(_) => implementers
                    .get(name)
                    .into_iter()
                    .flat_map(|all| all.objects.iter().map(ToString::to_string))
                    .collect(),
                ExtendedType::Union(union) => union.members.iter().map(ToString::to_string).collect(),
                _ => return None,
            };
            Some((name.to_string(), objects))
        })
        .collect()
}

/// At most 100 characters of what a client sent, to be told back.
pub(super) fn short(text: &str) -> &str {
    text.char_indices().nth(100).map_or(text, |(end, _)| &text[..end])
}

/// At most 1,000 characters of a message that may hold what a client sent.
pub(super) fn long(text: &str) -> &str {
    text.char_indices().nth(1_000).map_or(text, |(end, _)| &text[..end])
}
