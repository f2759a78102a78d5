//! What a map means, checked against the description of the record type it fills.

use std::collections::BTreeSet;

use entity::{
    Instant, Kind,
    table::{Field, Input, Type},
};
use serde_json::Value;

use super::{
    cell::{Cell, Row},
    convert::{Converter, Currency, external},
    read::Format,
};
use crate::{error::Result, store::Nouns};

/// A checked map: how the rows of a file become records.
#[derive(Clone, Debug)]
pub struct Map {
    pub(super) resource: Kind,
    /// What can be brought, and how it is written.
    pub(super) nouns: Nouns,
    /// The map as written, for the fingerprint.
    pub(super) text: String,
    pub(super) format: Format,
    pub(super) nulls: BTreeSet<String>,
    /// The columns that the map looks at.
    pub(super) columns: Vec<String>,
    pub(super) identity: Identity,
    pub(super) fields: Vec<FieldRule>,
    pub(super) links: Vec<LinkRule>,
    pub(super) checks: Vec<Cell>,
}

/// How a row is recognised again.
#[derive(Clone, Debug)]
pub(super) enum Identity {
    /// By its id in another system.
    External { system: String, id: Cell },
    /// By a field whose value is unique.
    Field(String),
}

/// How a field gets its value.
#[derive(Clone, Debug)]
pub(super) struct FieldRule {
    pub name: String,
    pub cell: Cell,
    pub converter: Converter,
    /// Whether it is for new records alone.
    pub once: bool,
}

/// How a link finds its record.
#[derive(Clone, Debug)]
pub(super) struct LinkRule {
    /// Input name, `ownerId`.
    pub field: String,
    pub target: Kind,
    /// The other system, or the field by which the record is looked up.
    pub system: String,
    pub id: Cell,
    /// What to create where the record is missing.
    pub create: Option<Vec<FieldRule>>,
}

impl Map {
    /// The kind of record that the file brings.
    #[must_use]
    pub fn resource(&self) -> Kind {
        self.resource
    }

    /// The unique field by which records are recognised, where it is not an external id.
    #[must_use]
    pub fn match_on(&self) -> Option<&str> {
        match &self.identity {
            Identity::External { .. } => None,
            Identity::Field(name) => Some(name),
        }
    }

    /// The columns that the map looks at.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }
}

impl FieldRule {
    /// The field's value in a row; none where the record is to stay as it is.
    pub fn value(&self, row: &Row<'_>, now: Instant) -> Result<Option<Value>, String> {
        let Some(text) = self.cell.text(row)? else {
            return Ok((self.cell.empty == super::cell::Empty::Clear).then_some(Value::Null));
        };
        let currency = match &self.converter {
            Converter::Money { currency: Currency::Column(column), .. } => {
                row.text(*column).map_err(|why| self.cell.refuse(&why))?
            }
            _ => None,
        };
        let value = self.converter.convert(&text, currency.as_deref(), now);
        value.map(Some).map_err(|why| self.cell.refuse_value(&text, &why))
    }
}

impl Cell {
    /// The id of another system in this row.
    pub(super) fn external(&self, row: &Row<'_>) -> Result<Option<String>, String> {
        let Some(text) = self.text(row)? else { return Ok(None) };
        external(&text).map(Some).map_err(|why| self.refuse_value(&text, &why))
    }
}

/// Whether creating a record needs this field from the map.
pub(super) fn is_required(nouns: Nouns, kind: Kind, field: &Field) -> bool {
    let completed = nouns.of(kind).is_some_and(|noun| noun.completes(field.column));
    !completed && field.input != Input::Server && !field.physical && !field.nullable && field.default.is_none()
}

/// The fields a map can fill, for messages.
pub(super) fn fillable(kind: Kind) -> impl Iterator<Item = &'static str> {
    let fields = kind.table().fields.iter();
    let fields = fields.filter(|field| {
        field.shown() && field.input != Input::Server && !matches!(field.ty, Type::Json | Type::Parted(_))
    });
    fields.map(|field| field.name.as_str())
}

/// The links a map can fill: name and key column.
pub(super) fn linkable(kind: Kind) -> impl Iterator<Item = (String, &'static Field, Kind)> {
    kind.table().fields.iter().filter(|field| field.input != Input::Server).filter_map(|field| match field.ty {
        Type::Key(target) => Some((entity::table::camel(field.link_name.as_deref()?), field, target)),
        _ => None,
    })
}
