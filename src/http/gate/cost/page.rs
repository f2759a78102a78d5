//! How often what stands below a field may come: pages, lists of ids, items of a bulk; and how large a page may be.

use apollo_compiler::{
    ast::{Type, Value},
    executable::Field,
    response::JsonValue,
};

use super::{
    super::refusal::{Refusal, pos},
    Depth, Priced,
};
use crate::error::Code;

/// How a field multiplies what stands below it.
#[derive(Clone, Copy)]
pub(super) enum Times {
    /// One object.
    Once,
    /// A page of this size, in a connection.
    Page(u64),
    /// So many objects.
    Many(u64),
}

/// Reads page sizes, and remembers whether a variable had a say.
pub(super) struct Pages<'a> {
    pub on: &'a Priced<'a>,
    pub variable: bool,
}

impl Pages<'_> {
    /// How often what stands below the field may come.
    pub fn times(&mut self, field: &Field, depth: Depth) -> Result<Times, Refusal> {
        let limit = if depth == Depth::Root { self.on.limits.root_page } else { self.on.limits.nested_page };
        let first = self.page(field, "first", limit)?;
        let last = self.page(field, "last", limit)?;
        if first.is_some() && last.is_some() {
            return Err(self.bad_page(field, "last", "first and last cannot be combined"));
        }
        let page = first.or(last);
        if self.on.is_connection(field.definition.ty.inner_named_type()) {
            return Ok(Times::Page(page.unwrap_or(self.on.limits.page)));
        }
        let items = match self.length(field, &["ids"]) {
            Some(length) => Some(length),
            None => self.length(field, &["input", "items"]),
        };
        Ok(page.or(items).map_or(Times::Once, Times::Many))
    }

    fn page(&mut self, field: &Field, name: &str, limit: u64) -> Result<Option<u64>, Refusal> {
        let Some(definition) = field.definition.argument_by_name(name) else { return Ok(None) };
        if !matches!(&*definition.ty, Type::Named(ty) | Type::NonNullNamed(ty) if ty == "Int") {
            return Ok(None);
        }
        let given = field.specified_argument_by_name(name).or(definition.default_value.as_ref());
        let size = match given.map(|value| &**value) {
            Some(Value::Variable(variable)) => {
                self.variable = true;
                match self.on.variables.get(variable.as_str()) {
                    Some(value) => value.as_i64(),
                    None => definition.default_value.as_ref().and_then(|value| value.to_i32()).map(i64::from),
                }
            }
            Some(value) => value.to_i32().map(i64::from),
            None => None,
        };
        let Some(size) = size else { return Ok(None) };
        match u64::try_from(size) {
            Err(_) => Err(self
                .bad_page(field, name, &format!("{name} must not be negative; got {size}"))
                .with("limit", limit)
                .with("figure", size)),
            Ok(size) if size > limit => {
                let message = format!("{name} must be at most {limit} here; got {size}");
                Err(self.bad_page(field, name, &message).with("limit", limit).with("figure", size))
            }
            Ok(size) => Ok(Some(size)),
        }
    }

    fn bad_page(&self, field: &Field, argument: &str, message: &str) -> Refusal {
        let at = field.name.line_column_range(&self.on.document.sources).map(|range| pos(range.start));
        Refusal::new(Code::BadUserInput, format!("{}: {message}.", field.response_key()))
            .at(at)
            .with("argument", argument)
    }

    /// The length of the list at this path: an argument, then input fields.
    fn length(&mut self, field: &Field, path: &[&str]) -> Option<u64> {
        let mut at: &Value = field.specified_argument_by_name(path[0])?;
        for name in &path[1..] {
            at = match at {
                Value::Object(fields) => &fields.iter().find(|(key, _)| key == name)?.1,
                Value::Variable(variable) => {
                    self.variable = true;
                    let JsonValue::Object(fields) = self.on.variables.get(variable.as_str())? else { return None };
                    let JsonValue::Array(items) = fields.get(*name)? else { return None };
                    return Some(items.len() as u64);
                }
                _ => return None,
            };
        }
        match at {
            Value::List(items) => Some(items.len() as u64),
            Value::Variable(variable) => {
                self.variable = true;
                match self.on.variables.get(variable.as_str())? {
                    JsonValue::Array(items) => Some(items.len() as u64),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}
