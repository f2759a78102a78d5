//! From a row's cells to the text that a field, a link or a check is about.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use regex::Regex;
use serde::Deserialize;

use super::{read::Encoding, records::Record};
use crate::text::{escaped, tidy};

/// What an empty cell means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Empty {
    /// The record shall have no value here.
    Clear,
    /// The record stays as it is here.
    Keep,
    /// The row is refused.
    Refuse,
}

/// Where a text comes from; columns by their place in [`Map::columns`](super::Map).
#[derive(Clone, Debug)]
pub(super) enum Source {
    Column(usize),
    Template(Vec<Part>),
    Constant(String),
}

/// A piece of a template.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Text(String),
    Column(usize),
}

/// Reads a template: `{column}`, with `{{` and `}}` for braces.
pub(super) fn template(text: &str, mut column: impl FnMut(&str) -> usize) -> Result<Vec<Part>, String> {
    let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
    while let Some(brace) = rest.find(['{', '}']) {
        plain.push_str(&rest[..brace]);
        let tail = &rest[brace..];
        if tail.starts_with("{{") || tail.starts_with("}}") {
            plain.push_str(&tail[..1]);
            rest = &tail[2..];
            continue;
        }
        let name = tail.strip_prefix('{').and_then(|tail| tail.split_once('}'));
        let Some((name, tail)) = name.filter(|(name, _)| !name.trim().is_empty() && !name.contains('{')) else {
            return Err(format!(
                "`{text}` is not a valid template: put column names in braces, and double a literal brace"
            ));
        };
        if !plain.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut plain)));
        }
        parts.push(Part::Column(column(name.trim())));
        rest = tail;
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        parts.push(Part::Text(plain));
    }
    Ok(parts)
}

/// What the map says of a text: where it comes from and what it may be.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    /// How refusals call it.
    pub label: String,
    pub source: Source,
    pub allow: Option<Vec<String>>,
    pub pattern: Option<(String, Regex)>,
    pub values: BTreeMap<String, String>,
    pub empty: Empty,
}

impl Cell {
    /// The text in this row, if there is one; else why the row is refused.
    pub fn text<'r>(&'r self, row: &Row<'r>) -> Result<Option<Cow<'r, str>>, String> {
        let text = match &self.source {
            Source::Column(column) => row.text(*column).map_err(|why| self.refuse(&why))?,
            Source::Constant(text) => Some(text.as_str().into()),
            Source::Template(parts) => fill(parts, row).map_err(|why| self.refuse(&why))?,
        };
        if let Some(text) = &text {
            if let Some(allow) = &self.allow
                && !allow.iter().any(|allowed| allowed == text)
            {
                return Err(self.refuse_value(text, &format!("is none of the allowed {}", list(allow.iter()))));
            }
            if let Some((written, pattern)) = &self.pattern
                && !pattern.is_match(text)
            {
                return Err(self.refuse_value(text, &format!("does not match the pattern {written}")));
            }
        }
        let translated = self.values.get(text.as_deref().unwrap_or_default()).map(|value| Cow::from(value.as_str()));
        let text = translated.or(text).filter(|text| !text.is_empty());
        if text.is_none() && self.empty == Empty::Refuse {
            return Err(self.refuse("is empty"));
        }
        Ok(text)
    }

    /// A refusal that quotes no value.
    pub fn refuse(&self, why: &str) -> String {
        format!("{}: {why}", self.label)
    }

    /// A refusal that quotes the value.
    pub fn refuse_value(&self, value: &str, why: &str) -> String {
        format!("{}: {} {why}", self.label, shown(value))
    }
}

fn fill<'r>(parts: &[Part], row: &Row<'r>) -> Result<Option<Cow<'r, str>>, String> {
    let mut filled = String::new();
    for part in parts {
        match part {
            Part::Text(text) => filled.push_str(text),
            Part::Column(column) => match row.text(*column)? {
                Some(text) => filled.push_str(&text),
                None => return Ok(None),
            },
        }
    }
    Ok(Some(filled.into()))
}

/// A value as refusals quote it: at most 60 characters, on one line, with nothing that cannot be seen.
pub(super) fn shown(value: &str) -> String {
    format!("\"{}\"", crate::text::short(value))
}

/// Some names in a sentence.
pub(super) fn list<T: AsRef<str>>(names: impl Iterator<Item = T>) -> String {
    let names: Vec<_> = names.map(|name| format!("`{}`", escaped(name.as_ref()))).collect();
    let more = names.len().saturating_sub(20);
    let shown = names[..names.len() - more].join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// One row of the file, by the columns that the map names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'r> {
    pub record: &'r Record,
    /// Place in the file of each of the map's columns.
    pub places: &'r [usize],
    pub encoding: Encoding,
    /// Cells that say nothing.
    pub nulls: &'r BTreeSet<String>,
}

const SPREADSHEET_ERRORS: [&str; 8] = ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!"];

impl<'r> Row<'r> {
    /// A cell's text without the blanks around it; none where it says nothing.
    pub fn text(&self, column: usize) -> Result<Option<Cow<'r, str>>, String> {
        let text = match self.encoding.decode(self.record.cell(self.places[column]))? {
            Cow::Borrowed(text) => tidy(text),
            Cow::Owned(text) => Cow::Owned(tidy(&text).into_owned()),
        };
        if text.is_empty() || self.nulls.contains(text.as_ref()) {
            return Ok(None);
        }
        let damaged = if text.contains('\0') {
            "holds a NUL byte"
        } else if text.contains('\u{FFFD}') {
            "holds U+FFFD: letters were lost before"
        } else if SPREADSHEET_ERRORS.contains(&text.as_ref()) {
            "is a spreadsheet's error, not a value"
        } else {
            return Ok(Some(text));
        };
        Err(format!("{} {damaged}", shown(&text)))
    }

    /// The bytes that the map looks at, to tell whether two rows say the same.
    pub fn cells(&self) -> impl Iterator<Item = &'r [u8]> {
        let record = self.record;
        self.places.iter().map(move |&place| record.cell(place))
    }
}
