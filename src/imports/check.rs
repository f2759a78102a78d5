//! Checks a map: every name it uses exists, every field it fills can be filled.

mod cells;
mod links;
#[cfg(test)]
mod tests;

use std::{fs, ops::Range, path::Path};

use chrono_tz::Tz;
use entity::{Instant, Kind, table::Field};
use toml::Spanned;

use super::{
    cell::{Cell, Empty, Source, list},
    convert::{Converter, Currency, Settings},
    dates,
    map::{FieldRule, Identity, LinkRule, Map, fillable, is_required, linkable},
    money::{Style, is_currency},
    read::{Encoding, Format},
    shape::{CellShape, FieldShape, FileShape, IdentityShape, Shape},
};
use crate::{
    error::{Error, Result, UserCode, UserError},
    store::Nouns,
    text::escaped,
};

impl Map {
    /// Reads and checks a map that brings these nouns; every mistake is named with its line.
    pub fn parse(text: &str, nouns: Nouns) -> Result<Self> {
        Checker::check(text, nouns)
    }

    /// Reads and checks a map from a file.
    pub fn load(path: &Path, nouns: Nouns) -> Result<Self> {
        let text = fs::read_to_string(path)
            .map_err(|error| Error::input(UserCode::Invalid, "map", format!("{}: {error}", path.display())))?;
        Self::parse(&text, nouns)
    }
}

/// Words that look a record up by a field of its own, so no other system may be called that.
pub(super) const LOOKUPS: [&str; 5] = ["id", "name", "email", "domain", "key"];

/// Collects all mistakes of a map, so that a person mends them in one go.
pub(super) struct Checker<'t> {
    text: &'t str,
    nouns: Nouns,
    columns: Vec<String>,
    style: Style,
    zone: Option<Tz>,
    errors: Vec<UserError>,
}

impl<'t> Checker<'t> {
    /// Checks the text of a map.
    pub fn check(text: &'t str, nouns: Nouns) -> Result<Map> {
        let mut checker =
            Self { text, nouns, columns: Vec::new(), style: Style::default(), zone: None, errors: Vec::new() };
        let shape: Shape = toml::from_str(text).map_err(|error| {
            let place = checker.place(error.span().unwrap_or_default());
            Error::input(UserCode::Invalid, "map", format!("{place}: {}", escaped(error.message())))
        })?;
        let map = checker.map(shape);
        match map {
            Some(map) if checker.errors.is_empty() => Ok(map),
            _ => Err(Error::Input(checker.errors)),
        }
    }

    fn place(&self, span: Range<usize>) -> String {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        format!("line {line}, column {column}")
    }

    fn wrong(&mut self, span: Range<usize>, path: &str, message: impl AsRef<str>) {
        let place = self.place(span);
        let (path, message) = (escaped(path), escaped(message.as_ref()));
        self.errors.push(UserError::new(UserCode::Invalid, &path, format!("{place}: {path}: {message}")));
    }

    fn map(&mut self, shape: Shape) -> Option<Map> {
        let Some(kind) = Kind::named(shape.resource.get_ref()).filter(|kind| fillable(*kind).next().is_some()) else {
            let kinds = Kind::ALL.into_iter().filter(|kind| fillable(*kind).next().is_some()).map(Kind::name);
            let message = format!("`{}` cannot be imported; these can: {}", shape.resource.get_ref(), list(kinds));
            self.wrong(shape.resource.span(), "resource", message);
            return None;
        };
        if let Some(zone) = &shape.time_zone {
            match zone.get_ref().parse() {
                Ok(zone) => self.zone = Some(zone),
                Err(_) => self.wrong(
                    zone.span(),
                    "time_zone",
                    "is no time zone; name one like \"America/Sao_Paulo\" or \"UTC\"",
                ),
            }
        }
        let format = self.format(&shape.file);
        let identity_span = shape.identity.span();
        let identity = self.identity(kind, shape.identity);
        let mut fields = Vec::new();
        for (name, field) in shape.fields {
            let path = format!("fields.{name}");
            match kind.table().field(&name).filter(|field| fillable(kind).any(|name| name == field.name)) {
                Some(described) => fields.extend(self.field(described, &path, field)),
                None => self.unknown(field.span(), &path, kind, fillable(kind)),
            }
        }
        let mut links = Vec::new();
        for (name, link) in shape.links {
            let path = format!("links.{name}");
            match linkable(kind).find(|(link, ..)| *link == name) {
                Some((_, field, target)) => links.extend(self.link(field, target, &path, link)),
                None => self.unknown(link.span(), &path, kind, linkable(kind).map(|(name, ..)| name)),
            }
        }
        let mut checks = Vec::new();
        for (column, check) in shape.checks {
            let path = format!("checks.{column}");
            let span = check.span();
            let check = check.into_inner();
            if check.allow.is_none() && check.pattern.is_none() && !check.required {
                self.wrong(span.clone(), &path, "checks nothing: give `allow`, `pattern` or `required = true`");
            }
            let shape =
                CellShape { column: Some(column), allow: check.allow, pattern: check.pattern, ..CellShape::default() };
            checks.extend(self.cell(span, &path, shape, if check.required { Empty::Refuse } else { Empty::Keep }));
        }
        if let Some(Identity::Field(name)) = &identity
            && !fields.iter().any(|field| field.name == *name && !field.once)
        {
            self.wrong(identity_span, "identity.by", format!("`{name}` is not filled: add [fields.{name}]"));
        }
        let filled = |field: &Field| {
            fields.iter().any(|rule: &FieldRule| rule.name == field.name)
                || links.iter().any(|rule: &LinkRule| rule.field == field.name)
        };
        let missing = kind.table().fields.iter().filter(|field| is_required(self.nouns, kind, field) && !filled(field));
        let missing: Vec<_> = missing.map(|field| field.link_name.as_ref().unwrap_or(&field.name).clone()).collect();
        if !missing.is_empty() && self.errors.is_empty() {
            let message =
                format!("a {} needs {}: fill it under [fields] or [links]", kind.name(), list(missing.iter()));
            self.wrong(shape.resource.span(), "resource", message);
        }
        let nulls = shape.file.null.into_iter().collect();
        let (text, columns) = (self.text.to_owned(), std::mem::take(&mut self.columns));
        Some(Map {
            resource: kind,
            nouns: self.nouns,
            text,
            format,
            nulls,
            columns,
            identity: identity?,
            fields,
            links,
            checks,
        })
    }

    fn unknown<T: AsRef<str>>(&mut self, span: Range<usize>, path: &str, kind: Kind, names: impl Iterator<Item = T>) {
        let message = format!("a {} has nothing of this name to fill; it has {}", kind.name(), list(names));
        self.wrong(span, path, message);
    }

    fn format(&mut self, file: &FileShape) -> Format {
        let mut format = Format::default();
        if let Some(delimiter) = &file.delimiter {
            match delimiter.get_ref().as_bytes() {
                b"auto" => {}
                [byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() && !b"\"\r\n".contains(byte) => {
                    format.delimiter = Some(*byte);
                }
                _ => self.wrong(
                    delimiter.span(),
                    "file.delimiter",
                    "is one character such as \",\", \";\" or \"\\t\", or \"auto\"",
                ),
            }
        }
        if let Some(encoding) = &file.encoding {
            match encoding.get_ref().as_str() {
                "auto" => {}
                "utf-8" => format.encoding = Some(Encoding::Utf8),
                "windows-1252" => format.encoding = Some(Encoding::Windows1252),
                _ => self.wrong(encoding.span(), "file.encoding", "is \"utf-8\", \"windows-1252\" or \"auto\""),
            }
        }
        if let Some(decimal) = &file.decimal {
            match decimal.get_ref().as_str() {
                "." => self.style.decimal = '.',
                "," => self.style.decimal = ',',
                _ => self.wrong(decimal.span(), "file.decimal", "is \".\" or \",\""),
            }
        }
        if let Some(thousands) = &file.thousands {
            let mut mark = thousands.get_ref().chars();
            match (mark.next(), mark.next()) {
                (Some(c), None)
                    if matches!(c, '.' | ',' | ' ' | '\'' | '\u{A0}' | '\u{202F}') && c != self.style.decimal =>
                {
                    self.style.thousands = Some(c);
                }
                _ => self.wrong(
                    thousands.span(),
                    "file.thousands",
                    "is one of \".\", \",\", \" \", \"'\" and not what stands before decimals",
                ),
            }
        }
        format
    }

    fn identity(&mut self, kind: Kind, identity: Spanned<IdentityShape>) -> Option<Identity> {
        let span = identity.span();
        let IdentityShape { system, by, column, template, pattern } = identity.into_inner();
        let unique = || kind.table().unique().filter(|field| field.shown()).map(|field| field.name.as_str());
        match (system, by) {
            (Some(system), None) => {
                let system = self.system(&system, "identity.system")?;
                let shape = CellShape { column, template, pattern, ..CellShape::default() };
                let id = self.cell(span, "identity", shape, Empty::Refuse)?;
                Some(Identity::External { system, id })
            }
            (None, Some(by)) if column.is_none() && template.is_none() && pattern.is_none() => {
                if !unique().any(|name| name == by.get_ref()) {
                    let message = format!("no unique field of a {}; unique are: {}", kind.name(), list(unique()));
                    self.wrong(by.span(), "identity.by", message);
                }
                Some(Identity::Field(by.into_inner()))
            }
            _ => {
                let message =
                    "says how a row is recognised again: `system` with `column` (or `template`), or `by` alone";
                self.wrong(span, "identity", message);
                None
            }
        }
    }

    fn system(&mut self, system: &Spanned<String>, path: &str) -> Option<String> {
        let name = system.get_ref();
        let fit = !name.is_empty() && name.len() <= 100 && name.chars().all(|c| c.is_ascii_graphic());
        if !fit || LOOKUPS.contains(&name.as_str()) {
            let message = format!(
                "`{name}` cannot name a system: 1 to 100 printable characters, and none of {}",
                list(LOOKUPS.iter())
            );
            self.wrong(system.span(), path, message);
            return None;
        }
        Some(name.clone())
    }

    fn field(&mut self, described: &Field, path: &str, field: Spanned<FieldShape>) -> Option<FieldRule> {
        let span = field.span();
        let mut field = field.into_inner();
        let empty = self.empty(described, path, field.empty.take());
        let format = match field.format.as_ref().map(|format| (format.span(), dates::Format::new(format.get_ref()))) {
            None => None,
            Some((_, Ok(format))) => Some(format),
            Some((span, Err(message))) => {
                self.wrong(span, path, message);
                return None;
            }
        };
        let currency = match (field.currency.take(), field.currency_column.take()) {
            (None, None) => None,
            (Some(code), None) if is_currency(code.get_ref()) => Some(Currency::Fixed(code.into_inner())),
            (None, Some(column)) => Some(Currency::Column(self.column(&column))),
            _ => {
                self.wrong(span, path, "`currency` is a code like \"EUR\", or stands in a `currency_column`");
                return None;
            }
        };
        let settings =
            Settings { style: self.style, zone: self.zone, format, currency, separator: field.separator.take() };
        let FieldShape { column, template, value, values, allow, pattern, once, .. } = field;
        let shape = CellShape { column, template, value, values, allow, pattern };
        let cell = self.cell(span.clone(), path, shape, empty)?;
        let rule = self.rule(described, span, path, cell, settings)?;
        Some(FieldRule { once, ..rule })
    }

    fn rule(
        &mut self,
        described: &Field,
        span: Range<usize>,
        path: &str,
        cell: Cell,
        settings: Settings,
    ) -> Option<FieldRule> {
        let converter = match Converter::of(described, settings) {
            Ok(converter) => converter,
            Err(message) => {
                self.wrong(span, path, message);
                return None;
            }
        };
        // What the map itself says must be right before the first row. Dates are judged then as in 2100.
        let constant = match &cell.source {
            Source::Constant(text) => Some(text),
            _ => None,
        };
        let written = cell.values.values().filter(|text| !text.is_empty()).chain(constant);
        let fixed = !matches!(converter, Converter::Money { currency: Currency::Column(_), .. });
        let mistake = written.filter(|_| fixed).find_map(|text| {
            let why = converter.convert(text, None, Instant(4_102_444_800_000)).err()?;
            Some(format!("{} {why}", super::cell::shown(text)))
        });
        if let Some(mistake) = mistake {
            self.wrong(span, path, mistake);
            return None;
        }
        Some(FieldRule { name: described.name.clone(), cell, converter, once: false })
    }
}
