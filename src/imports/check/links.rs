//! Checks links: what they lead to, how it is found, and what is created where it is missing.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use entity::{
    Kind,
    table::{Field, Type},
};
use toml::{Spanned, Value};

use super::Checker;
use crate::imports::{
    cell::{Empty, list},
    convert::Settings,
    map::{FieldRule, LinkRule, fillable, is_required},
    shape::{CellShape, LinkShape},
};

impl Checker<'_> {
    pub(super) fn link(
        &mut self,
        field: &Field,
        target: Kind,
        path: &str,
        link: Spanned<LinkShape>,
    ) -> Option<LinkRule> {
        let span = link.span();
        let LinkShape { system, by, column, template, value, values, allow, pattern, empty, create } =
            link.into_inner();
        let empty = self.empty(field, path, empty);
        let system = match (system, by) {
            (Some(system), None) => self.system(&system, path)?,
            (None, Some(by)) => {
                if !lookups(target).any(|name| name == by.get_ref()) {
                    let message = format!(
                        "a {} cannot be looked up by `{}`; it can by: {}",
                        target.name(),
                        by.get_ref(),
                        list(lookups(target))
                    );
                    self.wrong(by.span(), path, message);
                    return None;
                }
                if create.is_some() {
                    self.wrong(
                        by.span(),
                        path,
                        "`create` needs a `system`: what is created must be found again by its external id",
                    );
                }
                by.into_inner()
            }
            _ => {
                self.wrong(
                    span,
                    path,
                    "needs the `system` of the external id, or `by` with the field to look it up by",
                );
                return None;
            }
        };
        let shape = CellShape { column, template, value, values, allow, pattern };
        let id = self.cell(span.clone(), path, shape, empty)?;
        let create = create.map(|create| self.create(target, span, path, create));
        Some(LinkRule { field: field.name.clone(), target, system, id, create })
    }

    pub(super) fn create(
        &mut self,
        target: Kind,
        span: Range<usize>,
        path: &str,
        create: BTreeMap<String, Spanned<Value>>,
    ) -> Vec<FieldRule> {
        let given: BTreeSet<_> = create.keys().cloned().collect();
        let missing = target
            .table()
            .fields
            .iter()
            .filter(|field| is_required(self.nouns, target, field) && !given.contains(&field.name));
        let missing: Vec<_> = missing.map(|field| field.name.as_str()).collect();
        if !missing.is_empty() {
            self.wrong(span, &format!("{path}.create"), format!("a {} needs {}", target.name(), list(missing.iter())));
        }
        let mut rules = Vec::new();
        for (name, value) in create {
            let path = format!("{path}.create.{name}");
            let span = value.span();
            let described = target.table().field(&name).filter(|_| fillable(target).any(|field| field == name));
            let Some(described) = described else {
                self.unknown(span, &path, target, fillable(target));
                continue;
            };
            // A text with braces is a template, any other value a constant.
            let shape = match value.get_ref() {
                Value::String(text) if text.contains(['{', '}']) => {
                    CellShape { template: Some(Spanned::new(span.clone(), text.clone())), ..CellShape::default() }
                }
                _ => CellShape { value: Some(value), ..CellShape::default() },
            };
            let empty = if described.nullable { Empty::Keep } else { Empty::Refuse };
            if let Some(cell) = self.cell(span.clone(), &path, shape, empty) {
                let settings = Settings { zone: self.zone, ..Settings::default() };
                rules.extend(self.rule(described, span, &path, cell, settings));
            }
        }
        rules
    }
}

/// The fields by which a record of this kind can be looked up. A stage goes by `Pipeline / Stage`;
/// the names of the others are not unique, and one that two records share refuses its row.
fn lookups(target: Kind) -> impl Iterator<Item = &'static str> {
    let unique = target.table().unique().filter(|field| field.shown() && matches!(field.ty, Type::Text));
    let named = matches!(target, Kind::Stage | Kind::Persona | Kind::TargetAccountList | Kind::Team).then_some("name");
    unique.map(|field| field.name.as_str()).chain(named)
}
