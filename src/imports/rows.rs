//! The walk over a file: each row becomes an item, a repetition or a refusal.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasher, RandomState},
    io::Read,
};

use entity::Instant;
use serde_json::{Map as Object, Value};

use super::{
    Item, LinkRef, Map, Row,
    cell::{self, Empty, shown},
    map::{FieldRule, Identity, LinkRule},
    read::Sheet,
    records::Record,
};
use crate::{error::Result, text::escaped};

/// The rows of a file.
#[derive(Debug)]
pub struct Rows<'m, R> {
    map: &'m Map,
    now: Instant,
    sheet: Sheet<R>,
    places: Vec<usize>,
    record: Record,
    seen: Seen,
    ended: bool,
}

/// The identities met so far, as hashes under random keys: line and content of their first row.
#[derive(Debug, Default)]
struct Seen {
    keys: (RandomState, RandomState),
    first: HashMap<(u64, u64), (u64, u64)>,
}

impl Seen {
    /// The line in which this identity stood before, and whether that row said the same.
    fn before(&mut self, identity: &str, line: u64, content: &[u8]) -> Option<(u64, bool)> {
        let key = (self.keys.0.hash_one(identity), self.keys.1.hash_one(identity));
        let content = self.keys.0.hash_one(content);
        match self.first.entry(key) {
            Entry::Occupied(first) => Some((first.get().0, first.get().1 == content)),
            Entry::Vacant(place) => {
                place.insert((line, content));
                None
            }
        }
    }
}

impl<'m, R: Read> Rows<'m, R> {
    pub(super) fn open(map: &'m Map, input: R, now: Instant) -> Result<Self> {
        let sheet = Sheet::open(map.format, input, &map.columns)?;
        let place = |name: &String| sheet.columns.iter().position(|column| column == name);
        let places = map.columns.iter().filter_map(place).collect();
        Ok(Self { map, now, sheet, places, record: Record::default(), seen: Seen::default(), ended: false })
    }

    /// Columns of the file that the map does not look at: worth a notice to the person.
    pub fn unused(&self) -> impl Iterator<Item = &str> {
        let columns = self.sheet.columns.iter().filter(|name| !name.is_empty() && !self.map.columns.contains(name));
        columns.map(String::as_str)
    }

    fn row(&mut self) -> Row {
        let line = self.record.line;
        if let Some(reason) = self.misshapen() {
            return Row::Refused { line, external: None, reasons: vec![reason] };
        }
        let row = cell::Row {
            record: &self.record,
            places: &self.places,
            encoding: self.sheet.encoding,
            nulls: &self.map.nulls,
        };
        let mut reasons = Vec::new();
        let mut external = None;
        if let Identity::External { system, id } = &self.map.identity {
            let id = keep(&mut reasons, id.external(&row)).flatten();
            external = id.map(|id| (system.clone(), id));
        }
        reasons.extend(self.map.checks.iter().filter_map(|check| check.text(&row).err()));
        let (mut values, initial) = fill(&self.map.fields, &row, self.now, &mut reasons);
        let mut links = Vec::new();
        for rule in &self.map.links {
            links.extend(keep(&mut reasons, link(rule, &row, self.now, &mut values)).flatten());
        }
        let identity = match &self.map.identity {
            Identity::External { .. } => external.as_ref().map(|(_, id)| id.clone()),
            Identity::Field(name) => self.normalise(name, &mut values),
        };
        // What will be stored is compared, not how it is written; a row that is refused is as it is written.
        let content = if reasons.is_empty() {
            serde_json::to_vec(&(&values, &initial, &links)).unwrap_or_default()
        } else {
            row.cells().flat_map(|cell| [cell.len().to_le_bytes().as_slice(), cell].concat()).collect()
        };
        let before = identity.as_ref().and_then(|identity| self.seen.before(identity, line, &content));
        match before {
            Some((first, false)) => {
                let identity = shown(identity.as_deref().unwrap_or_default());
                reasons.push(format!("{identity} stands in line {first} already, with other content"));
            }
            Some((first, true)) if reasons.is_empty() => return Row::Repeated { line, first, external },
            _ => {}
        }
        if identity.is_none() && reasons.is_empty() {
            reasons.push("has no identity to match it by".to_owned());
        }
        if reasons.is_empty() {
            Row::Item(Item { line, external, values, initial, links })
        } else {
            let reasons = reasons.iter().map(|reason| escaped(reason)).collect();
            Row::Refused { line, external, reasons }
        }
    }

    /// The field by which the record is recognised, among the values as it will be stored.
    fn normalise(&self, field: &str, values: &mut Values) -> Option<String> {
        let text = values.get(field)?.as_str()?;
        let stored =
            self.map.nouns.of(self.map.resource).map_or_else(|| text.to_owned(), |noun| noun.normalise(field, text));
        // What cannot be stored stays as it is, to be refused with its reason.
        let stored = if stored.is_empty() { text.to_owned() } else { stored };
        values.insert(field.to_owned(), stored.clone().into());
        Some(stored.to_lowercase())
    }

    /// Why a row cannot be divided into the header's columns.
    fn misshapen(&self) -> Option<String> {
        let (record, width) = (&self.record, self.sheet.columns.len());
        let lines = if record.last_line > record.line {
            format!(" (lines {} to {} were read as one row because of a quote)", record.line, record.last_line)
        } else {
            String::new()
        };
        if record.stray {
            Some(format!("text follows a closing quote in the same cell{lines}"))
        } else if record.width() != width {
            Some(format!("has {} cells, the header has {width}{lines}", record.width()))
        } else if record.is_blank() {
            Some("has nothing but empty cells".to_owned())
        } else {
            None
        }
    }
}

impl<R: Read> Iterator for Rows<'_, R> {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        match self.sheet.records.next(&mut self.record) {
            Ok(true) => Some(Ok(self.row())),
            Ok(false) => {
                self.ended = true;
                None
            }
            Err(stop) => {
                self.ended = true;
                Some(Err(stop.into()))
            }
        }
    }
}

fn keep<T>(reasons: &mut Vec<String>, result: Result<T, String>) -> Option<T> {
    result.map_err(|reason| reasons.push(reason)).ok()
}

type Values = Object<String, Value>;

/// The values of a row, and those for a new record alone.
fn fill(rules: &[FieldRule], row: &cell::Row<'_>, now: Instant, reasons: &mut Vec<String>) -> (Values, Values) {
    let (mut values, mut initial) = (Values::new(), Values::new());
    for rule in rules {
        if let Some(value) = keep(reasons, rule.value(row, now)).flatten() {
            let values = if rule.once { &mut initial } else { &mut values };
            values.insert(rule.name.clone(), value);
        }
    }
    (values, initial)
}

/// The link of a row; where it is to be cleared, that stands among the values.
fn link(rule: &LinkRule, row: &cell::Row<'_>, now: Instant, values: &mut Values) -> Result<Option<LinkRef>, String> {
    let Some(id) = rule.id.external(row)? else {
        if rule.id.empty == Empty::Clear {
            values.insert(rule.field.clone(), Value::Null);
        }
        return Ok(None);
    };
    let create = match &rule.create {
        None => None,
        Some(rules) => {
            let mut reasons = Vec::new();
            let (values, _) = fill(rules, row, now, &mut reasons);
            if let Some(reason) = reasons.into_iter().next() {
                return Err(reason);
            }
            Some(values)
        }
    };
    let LinkRule { field, target, system, .. } = rule;
    let label = rule.id.label.clone();
    Ok(Some(LinkRef { field: field.clone(), label, target: *target, system: system.clone(), id, create }))
}
