//! A second, plain executor of queries: every answer worked out from nothing but what the asker finds by the
//! plain find, so that an answer with anything more, or anything less, is told apart.

use std::cell::Cell;

use apollo_compiler::{
    ExecutableDocument, Schema,
    ast::Value as Literal,
    executable::{Field, Selection, SelectionSet},
    validation::Valid,
};
use entity::{
    Kind,
    table::{Join, Link, Type},
};
use serde_json::{Map, Value, json};

use super::{
    evaluator::{Refused, Sight, sort},
    plain::{Row, live, text},
};

/// Stands in an expected answer for a cursor, which only the server can read.
const CURSOR: &str = "\0cursor";

/// What an operation should be answered.
#[derive(Debug)]
pub struct Expected {
    /// The data; null where a root field that may not be null is refused.
    pub data: Value,
    /// Whether anything is refused.
    pub refused: bool,
    /// Whether all of the question was understood; else the expectation is none.
    pub understood: bool,
}

/// One operation before one person's sight.
pub struct Reference<'a> {
    pub sight: Sight<'a>,
    document: &'a ExecutableDocument,
    refused: Cell<bool>,
}

/// One key of an answer: its field, and all selections made under it.
pub struct Picked<'d> {
    pub key: &'d str,
    pub field: &'d Field,
    pub sets: Vec<&'d SelectionSet>,
}

/// What an operation should be answered to somebody who sees this.
pub fn expected(sight: Sight<'_>, schema: &Valid<Schema>, question: &str) -> Expected {
    let document = ExecutableDocument::parse_and_validate(schema, question, "question.graphql").expect("it is valid");
    let operation = document.operations.anonymous.as_ref().expect("one operation without a name");
    let this = Reference { sight, document: &document, refused: Cell::new(false) };
    let mut data = Map::new();
    for picked in this.pick(&[&operation.selection_set], "Query") {
        match this.root(&picked) {
            Ok(value) => {
                data.insert(picked.key.to_owned(), value);
            }
            Err(Refused) if picked.field.definition.ty.is_non_null() => {
                return Expected { data: Value::Null, refused: true, understood: !this.sight.puzzled.get() };
            }
            Err(Refused) => {
                this.refused.set(true);
                data.insert(picked.key.to_owned(), Value::Null);
            }
        }
    }
    Expected { data: data.into(), refused: this.refused.get(), understood: !this.sight.puzzled.get() }
}

/// Whether an answer is what was expected, cursors aside.
pub fn agrees(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::String(text), Value::String(_)) if text == CURSOR => true,
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| agrees(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|other| agrees(value, other)))
        }
        (one, other) => one == other,
    }
}

impl Reference<'_> {
    pub fn pick<'d>(&'d self, sets: &[&'d SelectionSet], type_name: &str) -> Vec<Picked<'d>> {
        let mut picked = Vec::new();
        for set in sets {
            self.pick_from(set, type_name, &mut picked);
        }
        picked
    }

    fn pick_from<'d>(&'d self, set: &'d SelectionSet, type_name: &str, picked: &mut Vec<Picked<'d>>) {
        let applies =
            |condition: &str| condition == type_name || condition == "Node" && Kind::named(type_name).is_some();
        for selection in &set.selections {
            match selection {
                Selection::Field(field) => {
                    let key = field.response_key().as_str();
                    match picked.iter_mut().find(|other| other.key == key) {
                        Some(other) => other.sets.push(&field.selection_set),
                        None => picked.push(Picked { key, field, sets: vec![&field.selection_set] }),
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = &self.document.fragments[&spread.fragment_name];
                    if applies(&fragment.selection_set.ty) {
                        self.pick_from(&fragment.selection_set, type_name, picked);
                    }
                }
                Selection::InlineFragment(fragment) => {
                    if fragment.type_condition.as_ref().is_none_or(|condition| applies(condition)) {
                        self.pick_from(&fragment.selection_set, type_name, picked);
                    }
                }
            }
        }
    }

    fn root(&self, picked: &Picked<'_>) -> Result<Value, Refused> {
        let (name, arguments) = (picked.field.name.as_str(), arguments(picked.field));
        if name == "node" {
            self.check_any(&picked.sets)?;
            return Ok(self.any(&arguments["id"], &picked.sets));
        }
        if name == "nodes" {
            self.check_any(&picked.sets)?;
            let ids = super::evaluator::items(&arguments["ids"]);
            return Ok(ids.iter().map(|id| self.any(id, &picked.sets)).collect());
        }
        let called = |kind: &Kind| {
            let (one, many) = (kind.table().singular(), kind.table().plural);
            [one.as_str(), many, &format!("{one}Aggregate")].contains(&name)
        };
        let kind = Kind::ALL.into_iter().find(called).unwrap_or_else(|| panic!("{name} reads no kind"));
        if name == kind.table().plural {
            self.check_list(kind, picked)?;
            return Ok(self.connection(kind, self.sight.plain.of(kind).collect(), picked));
        }
        if name.ends_with("Aggregate") {
            return self.aggregate(kind, picked);
        }
        self.check(kind, &picked.sets)?;
        let found = self.named(kind, &arguments["by"])?;
        Ok(found.map_or(Value::Null, |row| self.object(kind, row, &picked.sets)))
    }

    /// The one record that a reference names.
    fn named(&self, kind: Kind, by: &Value) -> Result<Option<&Row>, Refused> {
        let (name, value) = by.as_object().and_then(|by| by.iter().next()).expect("one name");
        let rows = || self.sight.plain.of(kind);
        if name == "id" {
            return Ok(rows().find(|row| row["id"] == *value));
        }
        if name == "external" {
            let named = |row: &&Row| row["externalIds"].as_array().is_some_and(|names| names.contains(value));
            return Ok(rows().find(named));
        }
        if self.sight.roles.hides(kind, name) {
            return Err(Refused);
        }
        let wanted = value.as_str().expect("a text").trim();
        let wanted = match name.as_str() {
            "domain" => tandem::accounts::rules::domain(wanted).unwrap_or_default(),
            "email" => wanted.to_lowercase(),
            "name" => tandem::store::fold(wanted),
            _ => wanted.to_owned(),
        };
        let has = |row: &&Row| {
            let own =
                text(row, name).map(|text| if name == "name" { tandem::store::fold(text) } else { text.to_owned() });
            // An account is found by its further domains too.
            let mut further = self
                .sight
                .plain
                .of(Kind::AccountDomain)
                .filter(|domain| live(domain) && domain["account"] == row["id"]);
            own.as_ref() == Some(&wanted)
                || kind == Kind::Account && further.any(|domain| text(domain, "domain") == Some(&wanted))
        };
        let found: Vec<&Row> = rows().filter(|row| live(row)).filter(has).collect();
        Ok(if let [one] = found[..] { Some(one) } else { None })
    }

    /// Refused where anything selected below uses what is hidden, whatever the records hold.
    pub fn check(&self, kind: Kind, sets: &[&SelectionSet]) -> Result<(), Refused> {
        for picked in self.pick(sets, kind.name()) {
            match kind.table().link(picked.field.name.as_str()) {
                Some(link) if matches!(link.join, Join::One { .. }) => self.check(link.target, &picked.sets)?,
                Some(link) if matches!(link.join, Join::Subject) => self.check_any(&picked.sets)?,
                Some(link) => self.check_list(link.target, &picked)?,
                None => {}
            }
        }
        Ok(())
    }

    fn check_any(&self, sets: &[&SelectionSet]) -> Result<(), Refused> {
        Kind::ALL.into_iter().try_for_each(|kind| self.check(kind, sets))
    }

    fn check_list(&self, kind: Kind, picked: &Picked<'_>) -> Result<(), Refused> {
        let arguments = arguments(picked.field);
        self.sight.check_order(kind, &arguments["orderBy"])?;
        if !arguments["filter"].is_null() {
            self.sight.check_filter(kind, &arguments["filter"])?;
        }
        for part in self.pick(&picked.sets, &format!("{}Connection", kind.name())) {
            match part.field.name.as_str() {
                "nodes" => self.check(kind, &part.sets)?,
                "edges" => {
                    for edge in self.pick(&part.sets, &format!("{}Edge", kind.name())) {
                        self.check(kind, &edge.sets)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    pub fn any(&self, id: &Value, sets: &[&SelectionSet]) -> Value {
        let found = id.as_str().and_then(|id| self.sight.plain.row(id));
        found.map_or(Value::Null, |(kind, row)| self.object(kind, row, sets))
    }

    fn object(&self, kind: Kind, row: &Row, sets: &[&SelectionSet]) -> Value {
        let mut object = Map::new();
        for picked in self.pick(sets, kind.name()) {
            let name = picked.field.name.as_str();
            let value = match (kind.table().field(name), kind.table().link(name)) {
                _ if name == "__typename" => json!(kind.name()),
                _ if name == "viewerCan" => self.parts(&row[name], "ViewerPermissions", &picked.sets),
                _ if name == "externalIds" => self.parts(&row[name], "ExternalId", &picked.sets),
                (Some(field), _) => match field.ty {
                    Type::Money => self.parts(&row[name], "Money", &picked.sets),
                    Type::Parted(parted) => self.parts(&row[name], parted.name, &picked.sets),
                    _ => row[name].clone(),
                },
                (None, Some(link)) => self.link(link, row, &picked),
                (None, None) => row.get(name).cloned().unwrap_or_else(|| {
                    self.sight.puzzled.set(true);
                    Value::Null
                }),
            };
            object.insert(picked.key.to_owned(), value);
        }
        object.into()
    }

    /// The selected parts of a small object, or of each of several.
    pub fn parts(&self, value: &Value, type_name: &str, sets: &[&SelectionSet]) -> Value {
        match value {
            Value::Array(items) => items.iter().map(|item| self.parts(item, type_name, sets)).collect(),
            Value::Object(parts) => {
                let part = |picked: Picked<'_>| {
                    let name = picked.field.name.as_str();
                    let value = if name == "__typename" { json!(type_name) } else { parts[name].clone() };
                    (picked.key.to_owned(), value)
                };
                Value::Object(self.pick(sets, type_name).into_iter().map(part).collect())
            }
            _ => Value::Null,
        }
    }

    fn link(&self, link: &'static Link, row: &Row, picked: &Picked<'_>) -> Value {
        match link.join {
            Join::One { .. } => self.any(&row[&link.name], &picked.sets),
            Join::Subject => self.any(&row[&link.name]["id"], &picked.sets),
            Join::Listed => {
                if let Ok(rows) = self.listed(row) {
                    return self.connection(link.target, rows, picked);
                }
                // Such a list fails alone.
                self.refused.set(true);
                Value::Null
            }
            _ if self.sight.hides_way(link) => self.connection(link.target, vec![], picked),
            _ => {
                let rows = self.sight.linked(link, text(row, "id").expect("an id"));
                self.connection(link.target, rows, picked)
            }
        }
    }

    /// The accounts of a target-account list: members, or what the filter finds within the reader's own sight.
    fn listed(&self, list: &Row) -> Result<Vec<&Row>, Refused> {
        let sight = &self.sight;
        if !sight.roles.reads(Kind::Account) {
            return Ok(vec![]);
        }
        if list["kind"] != "DYNAMIC" {
            let members = sight.plain.of(Kind::TargetAccountListMember);
            let members = members.filter(|member| live(member) && member["list"] == list["id"]);
            return Ok(members
                .filter_map(|member| sight.plain.row(text(member, "account")?))
                .map(|(_, row)| row)
                .collect());
        }
        if sight.roles.hides(Kind::TargetAccountList, "filter") {
            return Err(Refused);
        }
        sight.check_filter(Kind::Account, &list["filter"])?;
        Ok(sight.plain.of(Kind::Account).filter(|row| sight.passes(Kind::Account, row, &list["filter"])).collect())
    }

    pub fn found<'r>(&self, kind: Kind, rows: Vec<&'r Row>, arguments: &Value) -> Vec<&'r Row> {
        let filter = &arguments["filter"];
        let keeps = |row: &&Row| {
            (arguments["includeArchived"] == true || live(row))
                && (filter.is_null() || self.sight.passes(kind, row, filter))
                && arguments["search"].as_str().is_none_or(|words| self.sight.found(kind, row, words))
        };
        rows.into_iter().filter(keeps).collect()
    }

    fn connection(&self, kind: Kind, rows: Vec<&Row>, picked: &Picked<'_>) -> Value {
        let arguments = arguments(picked.field);
        let mut rows = self.found(kind, rows, &arguments);
        let total = rows.len();
        sort(kind, &mut rows, &arguments["orderBy"]);
        let size = |name: &str| arguments[name].as_u64().map(|size| usize::try_from(size).expect("small"));
        let (page, back) = match size("last") {
            Some(last) => (&rows[total.saturating_sub(last)..], true),
            None => (&rows[..total.min(size("first").unwrap_or(25))], false),
        };
        let more = page.len() < total;
        let mut object = Map::new();
        for part in self.pick(&picked.sets, &format!("{}Connection", kind.name())) {
            let value = match part.field.name.as_str() {
                "totalCount" => json!(total),
                "nodes" => page.iter().map(|row| self.object(kind, row, &part.sets)).collect(),
                "edges" => page.iter().map(|row| self.edge(kind, row, &part.sets)).collect(),
                "pageInfo" => {
                    let cursor = if page.is_empty() { Value::Null } else { json!(CURSOR) };
                    let info = json!({ "hasNextPage": more && !back, "hasPreviousPage": more && back, "startCursor": cursor, "endCursor": cursor });
                    self.parts(&info, "PageInfo", &part.sets)
                }
                _ => json!(format!("{}Connection", kind.name())),
            };
            object.insert(part.key.to_owned(), value);
        }
        object.into()
    }

    fn edge(&self, kind: Kind, row: &Row, sets: &[&SelectionSet]) -> Value {
        let part = |part: Picked<'_>| {
            let value = match part.field.name.as_str() {
                "cursor" => json!(CURSOR),
                "node" => self.object(kind, row, &part.sets),
                _ => json!(format!("{}Edge", kind.name())),
            };
            (part.key.to_owned(), value)
        };
        Value::Object(self.pick(sets, &format!("{}Edge", kind.name())).into_iter().map(part).collect())
    }
}

/// A field's arguments; null under the names of those not given.
pub fn arguments(field: &Field) -> Value {
    field
        .arguments
        .iter()
        .map(|argument| (argument.name.to_string(), literal(&argument.value)))
        .collect::<Map<_, _>>()
        .into()
}

fn literal(value: &Literal) -> Value {
    match value {
        Literal::Null | Literal::Variable(_) => Value::Null,
        Literal::Enum(name) => json!(name.as_str()),
        Literal::String(text) => json!(text),
        Literal::Float(number) => json!(number.try_to_f64().expect("a number")),
        Literal::Int(number) => json!(number.try_to_i32().expect("a small number")),
        Literal::Boolean(truth) => json!(truth),
        Literal::List(items) => items.iter().map(|item| literal(item)).collect(),
        Literal::Object(fields) => {
            fields.iter().map(|(name, value)| (name.to_string(), literal(value))).collect::<Map<_, _>>().into()
        }
    }
}
