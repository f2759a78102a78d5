//! Checks where texts come from and what they may be.

use std::ops::Range;

use entity::table::Field;
use regex::RegexBuilder;
use toml::{Spanned, Value};

use super::Checker;
use crate::imports::{
    cell::{Cell, Empty, Source, template},
    shape::CellShape,
};

impl Checker<'_> {
    pub(super) fn column(&mut self, name: &str) -> usize {
        let name = name.trim();
        self.columns.iter().position(|column| column == name).unwrap_or_else(|| {
            self.columns.push(name.to_owned());
            self.columns.len() - 1
        })
    }

    pub(super) fn template(&mut self, span: Range<usize>, path: &str, text: &str) -> Option<Source> {
        match template(text, |column| self.column(column)) {
            Ok(parts) => Some(Source::Template(parts)),
            Err(message) => {
                self.wrong(span, path, message);
                None
            }
        }
    }

    pub(super) fn cell(&mut self, span: Range<usize>, path: &str, shape: CellShape, empty: Empty) -> Option<Cell> {
        let (source, label) = match (shape.column, shape.template, shape.value) {
            (Some(column), None, None) if !column.trim().is_empty() => (Source::Column(self.column(&column)), column),
            (None, Some(text), None) => (self.template(text.span(), path, text.get_ref())?, text.into_inner()),
            (None, None, Some(value)) => {
                let Some(text) = constant(value.get_ref()) else {
                    self.wrong(value.span(), path, "`value` is a text, a whole number, or true or false");
                    return None;
                };
                (Source::Constant(text), path.to_owned())
            }
            _ => {
                self.wrong(
                    span,
                    path,
                    "needs exactly one source: `column`, `template` or (not for an identity) `value`",
                );
                return None;
            }
        };
        let pattern = match shape.pattern {
            None => None,
            Some(written) => {
                // The whole cell must match, and a map from afar must not cost memory.
                let whole = format!("^(?:{})$", written.get_ref());
                let pattern = RegexBuilder::new(&whole).size_limit(1 << 20).build();
                if pattern.is_err() {
                    self.wrong(written.span(), path, format!("`{}` is no regular expression", written.get_ref()));
                }
                pattern.ok().map(|pattern| (written.into_inner(), pattern))
            }
        };
        let allow = shape.allow;
        Some(Cell { label: label.trim().to_owned(), source, allow, pattern, values: shape.values, empty })
    }

    pub(super) fn empty(&mut self, field: &Field, path: &str, empty: Option<Spanned<Empty>>) -> Empty {
        match empty {
            None if field.nullable => Empty::Clear,
            None => Empty::Refuse,
            Some(empty) => {
                if *empty.get_ref() == Empty::Clear && !field.nullable {
                    self.wrong(
                        empty.span(),
                        path,
                        "is never without a value, so an empty cell cannot clear it: \"keep\" or \"refuse\"",
                    );
                }
                empty.into_inner()
            }
        }
    }
}

/// A constant's text.
fn constant(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(truth) => Some(truth.to_string()),
        _ => None,
    }
}
