//! Documents, parsed and validated once per text and operation, in a bounded cache.

use std::{
    borrow::Cow,
    fmt::Write,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use apollo_compiler::{
    ExecutableDocument as Checked, Name, Node, Schema,
    ast::{Document as Syntax, OperationType},
    executable::Operation,
    response::GraphQLError,
    validation::{DiagnosticList, Valid},
};
use async_graphql::{
    Variables,
    parser::{
        parse_query,
        types::{DocumentOperations, ExecutableDocument},
    },
};
use moka::sync::Cache;

use super::{
    cost::Cost,
    lexer::{self, TooMuch},
    literals, merge,
    refusal::{self, Refusal, pos},
    same, shape,
};
use crate::{
    error::Code,
    http::settings::{Limits, Settings},
};

/// Bytes that a cached document takes for each byte of its text, roughly.
const WEIGHT: usize = 40;

/// Errors of one document that are told; the rest are more of the same.
const ERRORS: usize = 20;

/// Lists of the introspection in each other; the standard query asks for the fields of all types, which are two.
const INTROSPECTION_NESTED: u64 = 2;

/// Lists of the introspection in one operation; the standard query has five.
const INTROSPECTION_LISTS: u64 = 16;

/// One operation of a document that passed every check that does not depend on variables.
pub(in crate::http) struct Document {
    /// Typed, for variables and cost.
    pub checked: Valid<Checked>,
    /// Which of its operations.
    pub operation: Node<Operation>,
    /// Its cost, where no variable has a say in it.
    pub cost: OnceLock<Cost>,
    /// With this operation alone; merged unless `conditional`.
    parsed: ExecutableDocument,
    conditional: bool,
    strictly_valid: AtomicBool,
}

impl Document {
    /// Whether the executor has not yet found it strictly valid.
    pub fn is_first_sight(&self) -> bool {
        !self.strictly_valid.load(Ordering::Relaxed)
    }

    /// The executor found it strictly valid.
    pub fn passed(&self) {
        self.strictly_valid.store(true, Ordering::Relaxed);
    }

    /// What to execute.
    pub fn executable(&self, schema: &Valid<Schema>, variables: &Variables) -> ExecutableDocument {
        let mut document = self.parsed.clone();
        if self.conditional {
            merge::merge(&mut document, schema, variables);
        }
        document
    }

    /// The name of the operation.
    pub fn name(&self) -> Option<&str> {
        self.operation.name.as_ref().map(Name::as_str)
    }

    /// Its kind.
    pub fn kind(&self) -> OperationType {
        self.operation.operation_type
    }
}

/// The schema, and the documents that were checked against it.
pub(super) struct Documents {
    pub schema: Valid<Schema>,
    cache: Cache<String, Arc<Document>>,
    introspection: bool,
}

impl Documents {
    pub fn new(schema: Valid<Schema>, settings: &Settings) -> Self {
        let cache = Cache::builder()
            .max_capacity(settings.document_cache)
            .weigher(|key: &String, _: &Arc<Document>| {
                u32::try_from(key.len().saturating_mul(WEIGHT).saturating_add(4096)).unwrap_or(u32::MAX)
            })
            .build();
        Self { schema, cache, introspection: settings.introspection }
    }

    /// This operation of this document, from the cache or checked now.
    pub fn get(&self, text: &str, operation: Option<&str>, limits: &Limits) -> Result<Arc<Document>, Refusal> {
        if text.len() > limits.document {
            let message = format!("The document is {} bytes long; the limit is {}.", text.len(), limits.document);
            return Err(Refusal::limit(Code::QueryTooLarge, message, limits.document as u64, Some(text.len() as u64)));
        }
        // The length of the name keeps it apart from the text.
        let name = operation.unwrap_or_default();
        let mut key = String::with_capacity(text.len() + name.len() + 8);
        let _ = write!(key, "{}:{name}{text}", name.len());
        if let Some(known) = self.cache.get(key.as_str()) {
            return Ok(known);
        }
        let document = Arc::new(self.check(text, operation, limits)?);
        self.cache.insert(key, Arc::clone(&document));
        Ok(document)
    }

    fn check(&self, text: &str, name: Option<&str>, limits: &Limits) -> Result<Document, Refusal> {
        lexer::scan(text, limits).map_err(|too_much| match too_much {
            TooMuch::Brackets => {
                let message = format!("The document nests brackets deeper than the limit of {}.", limits.brackets);
                Refusal::limit(Code::QueryTooComplex, message, limits.brackets as u64, None)
            }
            TooMuch::Tokens => {
                let message = format!("The document has more tokens than the limit of {}.", limits.tokens);
                Refusal::limit(Code::QueryTooLarge, message, limits.tokens as u64, None)
            }
        })?;
        let syntax = Syntax::parse(text, "request.graphql").map_err(|e| refuse(Code::ParseFailed, &e.errors))?;
        if let Some(name) = literals::twice(&syntax) {
            let at = name.line_column_range(&syntax.sources).map(|range| pos(range.start));
            let message = format!("The input field {name} is given twice in one object.");
            return Err(Refusal::new(Code::ValidationFailed, message).at(at));
        }
        if literals::holds_nul(&syntax) {
            return Err(refusal::nul());
        }
        let checked =
            syntax.to_executable_validate(&self.schema).map_err(|e| refuse(Code::ValidationFailed, &e.errors))?;
        let operation = select(&checked, name)?;
        self.within(&checked, &operation, limits)?;
        let mut parsed = parse_query(text).map_err(|error| {
            let pos = error.positions().next();
            // The library draws a picture of the place; its last line says what is wrong.
            let drawn = error.to_string();
            let reason = drawn.lines().last().unwrap_or_default().trim_start_matches([' ', '=']);
            Refusal::new(Code::ParseFailed, format!("syntax error: {reason}")).at(pos)
        })?;
        if !same::is_same(&checked, &operation, &parsed) {
            return Err(Refusal::new(Code::ParseFailed, "The document is ambiguous."));
        }
        keep_only(&mut parsed, operation.name.as_ref().map(Name::as_str));
        let conditional = merge::is_conditional(&parsed);
        if !conditional {
            merge::merge(&mut parsed, &self.schema, &Variables::default());
        }
        Ok(Document {
            checked,
            operation,
            cost: OnceLock::new(),
            parsed,
            conditional,
            strictly_valid: AtomicBool::new(false),
        })
    }

    fn within(&self, checked: &Checked, operation: &Operation, limits: &Limits) -> Result<(), Refusal> {
        let shape = shape::shape(checked, operation);
        let complex = |what: &str, limit: u64, figure: u64| {
            let message = format!("The operation {what}: {figure}, at most {limit}.");
            Err(Refusal::limit(Code::QueryTooComplex, message, limit, Some(figure)))
        };
        if shape.introspection > 0 && !self.introspection {
            return Err(Refusal::new(Code::ValidationFailed, "Introspection is disabled."));
        }
        if shape.depth > limits.depth {
            return complex("is nested too deeply, including fragments", limits.depth, shape.depth);
        }
        if shape.selections > limits.selections {
            return complex("has too many selections after expanding fragments", limits.selections, shape.selections);
        }
        if shape.introspection > limits.introspection {
            return complex("has too many introspection fields", limits.introspection, shape.introspection);
        }
        if shape.lists > INTROSPECTION_NESTED {
            let what = "nests introspection lists";
            return complex(what, INTROSPECTION_NESTED, shape.lists);
        }
        if shape.listed > INTROSPECTION_LISTS {
            return complex("has too many introspection lists", INTROSPECTION_LISTS, shape.listed);
        }
        Ok(())
    }
}

fn select(checked: &Valid<Checked>, name: Option<&str>) -> Result<Node<Operation>, Refusal> {
    checked.operations.get(name).cloned().map_err(|_| {
        let message = match name {
            Some(name) => Cow::Owned(format!("The document has no operation named \"{}\".", crate::text::short(name))),
            None if checked.operations.is_empty() => Cow::Borrowed("The document has no operation."),
            None => Cow::Borrowed("The document has several operations; operationName is required."),
        };
        Refusal::new(Code::OperationResolution, message)
    })
}

/// Drops the other operations: async-graphql checks their variables too.
fn keep_only(document: &mut ExecutableDocument, name: Option<&str>) {
    if let (DocumentOperations::Multiple(operations), Some(name)) = (&mut document.operations, name) {
        operations.retain(|other, _| other.as_str() == name);
    }
}

fn refuse(code: Code, diagnostics: &DiagnosticList) -> Refusal {
    let mut errors: Vec<_> =
        diagnostics.iter().take(ERRORS).map(|diagnostic| tell(code, &diagnostic.to_json())).collect();
    if errors.is_empty() {
        errors.push(refusal::error(code, "The document is not valid.", None));
    }
    Refusal { code, errors, retry_after: None }
}

fn tell(code: Code, error: &GraphQLError) -> async_graphql::ServerError {
    let mut told = refusal::error(code, super::long(&error.message), None);
    told.locations = error.locations.iter().copied().map(pos).collect();
    told
}
