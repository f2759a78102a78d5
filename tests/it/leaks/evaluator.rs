//! What filters, searches and orders mean, written from their documentation over visible values only:
//! a test of what is empty fails but for `ne`, `notIn` and `isNull`; `some`, `every` and `none` speak of the
//! live linked records that are seen; empty values stand where `nulls` says; the id decides between equals.

use std::{cell::Cell, cmp::Ordering};

use entity::{
    Kind,
    table::{Field, Join, Link, Type},
};
use serde_json::Value;
use tandem::store::{fold, page::screaming};

use super::{
    plain::{Plain, Row, live, text},
    roles::Roles,
};

/// The question uses what is hidden, so it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

/// All that one person sees.
pub struct Sight<'a> {
    pub plain: &'a Plain,
    pub roles: &'a Roles,
    /// Whether a question had something in it that only one kind has and that is not understood here.
    pub puzzled: Cell<bool>,
}

impl<'a> Sight<'a> {
    fn refuse_hidden(&self, kind: Kind, name: &str) -> Result<(), Refused> {
        if self.roles.hides(kind, name) { Err(Refused) } else { Ok(()) }
    }

    /// Refused where the filter tests what is hidden, whatever the records hold.
    pub fn check_filter(&self, kind: Kind, filter: &Value) -> Result<(), Refused> {
        for (name, test) in filter.as_object().expect("a filter is an object") {
            match name.as_str() {
                _ if is_empty(kind, name, test) => {}
                "and" | "or" => items(test).iter().try_for_each(|filter| self.check_filter(kind, filter))?,
                "not" => self.check_filter(kind, test)?,
                "external" => {}
                _ if key_of(kind, name).is_some() => {
                    if let Some(link) = key_of(kind, name) {
                        self.refuse_hidden(kind, &link.name)?;
                    }
                }
                _ if kind.table().field(name).is_some() => self.refuse_hidden(kind, name)?,
                _ => {
                    let Some(link) = kind.table().link(name).filter(|link| is_filtered(link)) else {
                        self.puzzled.set(true);
                        continue;
                    };
                    self.refuse_hidden(kind, name)?;
                    match link.join {
                        Join::One { .. } => self.check_filter(link.target, test)?,
                        _ => {
                            for inner in test.as_object().expect("some, every or none").values() {
                                if self.hides_way(link) {
                                    return Err(Refused);
                                }
                                self.check_filter(link.target, inner)?;
                            }
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Refused where the order shows what is hidden.
    pub fn check_order(&self, kind: Kind, order: &Value) -> Result<(), Refused> {
        keys(kind, order).into_iter().try_for_each(|key| self.refuse_hidden(kind, &key.field.name))
    }

    /// Whether which records a link ties together is hidden, because the key at its other end is.
    pub fn hides_way(&self, link: &Link) -> bool {
        let Join::Many { column } = link.join else { return false };
        let key = link.target.table().column(column).and_then(|field| field.link_name.as_deref());
        key.is_some_and(|key| self.roles.hides(link.target, key))
    }

    /// The visible records at the other end of a link to many, archived ones too.
    pub fn linked(&self, link: &Link, id: &str) -> Vec<&'a Row> {
        let target = link.target;
        match link.join {
            Join::Many { column } => {
                let key = target.table().column(column).and_then(|field| field.link_name.as_deref()).expect("a key");
                self.plain.of(target).filter(|row| text(row, key) == Some(id)).collect()
            }
            Join::Through { table, near, far } => {
                let between = Kind::ALL.into_iter().find(|kind| kind.table().table == table).expect("a kind");
                let key = |column| {
                    between.table().column(column).and_then(|field| field.link_name.as_deref()).expect("a key")
                };
                let (near, far) = (key(near), key(far));
                let ties = self.plain.of(between).filter(|tie| live(tie) && text(tie, near) == Some(id));
                ties.filter_map(|tie| self.plain.row(text(tie, far)?)).map(|(_, row)| row).collect()
            }
            Join::One { .. } | Join::Subject | Join::Listed => vec![],
        }
    }

    /// Whether a record passes.
    pub fn passes(&self, kind: Kind, row: &Row, filter: &Value) -> bool {
        filter.as_object().expect("a filter is an object").iter().all(|(name, test)| match name.as_str() {
            _ if is_empty(kind, name, test) => true,
            "and" => items(test).iter().all(|filter| self.passes(kind, row, filter)),
            "or" => items(test).iter().any(|filter| self.passes(kind, row, filter)),
            "not" => !self.passes(kind, row, test),
            "external" => external(row, test),
            _ if key_of(kind, name).is_some() => {
                let link = key_of(kind, name).expect("a link");
                is_key(text(row, &link.name), test)
            }
            _ => match (kind.table().field(name), kind.table().link(name)) {
                (Some(field), _) => tests(field, &row[name], test),
                (None, Some(link)) if is_filtered(link) => self.linked_pass(link, row, test),
                // Told by `check_filter`.
                _ => true,
            },
        })
    }

    fn linked_pass(&self, link: &Link, row: &Row, test: &Value) -> bool {
        if matches!(link.join, Join::One { .. }) {
            let other = text(row, &link.name).and_then(|id| self.plain.row(id));
            return other.is_some_and(|(kind, other)| self.passes(kind, other, test));
        }
        let mut others = self.linked(link, text(row, "id").expect("an id"));
        others.retain(|other| live(other));
        let passes = |filter: &Value| others.iter().filter(|other| self.passes(link.target, other, filter)).count();
        test.as_object().expect("some, every or none").iter().all(|(quantifier, filter)| match quantifier.as_str() {
            "some" => passes(filter) > 0,
            "every" => passes(filter) == others.len(),
            _ => passes(filter) == 0,
        })
    }

    /// Whether each word stands in one of the fields that are searched and seen.
    pub fn found(&self, kind: Kind, row: &Row, words: &str) -> bool {
        let fields = || kind.table().fields.iter().filter(|field| field.search && !self.roles.hides(kind, &field.name));
        let has = |field: &Field, word: &str| {
            text(row, &field.name).is_some_and(|text| folded(field, text).contains(&folded(field, word)))
        };
        words.split_whitespace().all(|word| fields().any(|field| has(field, word)))
    }
}

/// Whether filters go through a link as they do for all kinds.
fn is_filtered(link: &Link) -> bool {
    !matches!(link.join, Join::Subject | Join::Listed)
}

/// The to-one link whose id an entry of a filter tests: `ownerId`.
fn key_of(kind: Kind, name: &str) -> Option<&'static Link> {
    let name = name.strip_suffix("Id")?;
    kind.table().links.iter().find(|link| link.name == name && matches!(link.join, Join::One { .. }))
}

/// Whether an entry of a filter tests nothing, at any depth of to-one links.
fn is_empty(kind: Kind, name: &str, test: &Value) -> bool {
    let Some(tests) = test.as_object() else { return false };
    match kind.table().link(name) {
        None if name == "not" => tests.iter().all(|(name, test)| is_empty(kind, name, test)),
        Some(link) if matches!(link.join, Join::One { .. }) => {
            tests.iter().all(|(name, test)| is_empty(link.target, name, test))
        }
        _ => tests.keys().all(|name| name == "ignoreCase"),
    }
}

/// Whether the record that is seen at the other end of a link has such an id.
fn is_key(id: Option<&str>, test: &Value) -> bool {
    let is = |with: &Value| id.is_some_and(|id| with == id);
    test.as_object().expect("a test is an object").iter().all(|(name, with)| match name.as_str() {
        "eq" => is(with),
        "ne" => !is(with),
        "in" => items(with).iter().any(is),
        "notIn" => !items(with).iter().any(is),
        _ => id.is_none() == with.as_bool().expect("a truth"),
    })
}

/// Whether an external system has such an id for a record.
fn external(row: &Row, test: &Value) -> bool {
    let names = row["externalIds"].as_array().expect("a list").iter().filter(|name| name["system"] == test["system"]);
    let ids: Vec<&Value> = names.map(|name| &name["id"]).collect();
    let mut tests =
        test.as_object().expect("a test is an object").iter().filter(|(name, _)| *name != "system").peekable();
    if tests.peek().is_none() {
        return !ids.is_empty();
    }
    tests.all(|(name, with)| match name.as_str() {
        "id" | "in" => items(with).iter().any(|with| ids.contains(&with)),
        _ => ids.is_empty() == with.as_bool().expect("a truth"),
    })
}

/// One object is a list of one.
pub fn items(json: &Value) -> &[Value] {
    json.as_array().map_or(std::slice::from_ref(json), Vec::as_slice)
}

/// The key by which a text compares without case and accents; addresses are their own.
fn folded(field: &Field, text: &str) -> String {
    if field.fold == Some(field.column) { text.to_lowercase() } else { fold(text) }
}

/// A value that compares with others of its field.
fn comparable(field: &Field, value: &Value) -> Comparable {
    match (field.ty, value) {
        (_, Value::Null) => Comparable::Nothing,
        (Type::Money, value) => Comparable::Number(cents(&value["amount"])),
        (Type::Instant, Value::String(at)) => {
            let at = chrono::DateTime::parse_from_rfc3339(at).expect("a point in time");
            Comparable::Number(at.timestamp_millis())
        }
        (_, Value::Bool(truth)) => Comparable::Number((*truth).into()),
        (_, Value::Number(number)) => Comparable::Number(number.as_i64().expect("a whole number")),
        (_, Value::String(text)) => Comparable::Text(text.clone()),
        (_, other) => panic!("{} does not compare: {other}", field.name),
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Comparable {
    Nothing,
    Number(i64),
    Text(String),
}

/// Minor units of an amount in a currency of two decimal places.
pub fn cents(amount: &Value) -> i64 {
    let text = amount.as_str().expect("an amount is a string");
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{rest:0<2}").parse().expect("digits")
}

fn tests(field: &Field, value: &Value, test: &Value) -> bool {
    let test = test.as_object().expect("a test is an object");
    if matches!(field.ty, Type::Money) {
        return test.iter().all(|(name, with)| match name.as_str() {
            "isNull" => value.is_null() == with.as_bool().expect("a truth"),
            "currency" => test.contains_key("isNull") && test.len() == 2 || value["currency"] == *with,
            _ => !value.is_null() && orders(name, cents(&value["amount"]).cmp(&cents(with))),
        });
    }
    let ignores_case = field.fold.is_some() && test.get("ignoreCase").and_then(Value::as_bool) == Some(true);
    let read = |json: &Value| match comparable(field, json) {
        Comparable::Text(words) if ignores_case => Comparable::Text(folded(field, &words)),
        other => other,
    };
    let mine = read(value);
    test.iter().all(|(name, with)| match name.as_str() {
        "ignoreCase" => true,
        "isNull" => value.is_null() == with.as_bool().expect("a truth"),
        "ne" => mine != read(with),
        "in" => mine != Comparable::Nothing && items(with).iter().any(|with| mine == read(with)),
        "notIn" => items(with).iter().all(|with| mine != read(with)),
        "contains" | "startsWith" | "endsWith" => match (&mine, read(with)) {
            (Comparable::Text(mine), Comparable::Text(with)) => match name.as_str() {
                "contains" => mine.contains(&with),
                "startsWith" => mine.starts_with(&with),
                _ => mine.ends_with(&with),
            },
            _ => false,
        },
        _ => mine != Comparable::Nothing && orders(name, mine.cmp(&read(with))),
    })
}

fn orders(name: &str, order: Ordering) -> bool {
    match name {
        "eq" => order.is_eq(),
        "lt" => order.is_lt(),
        "lte" => order.is_le(),
        "gt" => order.is_gt(),
        "gte" => order.is_ge(),
        other => panic!("no comparison {other}"),
    }
}

struct Key {
    field: &'static Field,
    descending: bool,
    nulls_first: bool,
}

fn keys(kind: Kind, order: &Value) -> Vec<Key> {
    let key = |item: &Value| Key {
        field: kind
            .table()
            .readable()
            .find(|field| field.shown() && item["field"] == screaming(&field.name))
            .expect("a field"),
        descending: item["direction"] == "DESC",
        nulls_first: item["nulls"] == "FIRST",
    };
    if order.is_null() { vec![] } else { items(order).iter().map(key).collect() }
}

/// Puts records in an order; between equals the id decides, in the direction of the last key.
pub fn sort(kind: Kind, rows: &mut [&Row], order: &Value) {
    let keys = keys(kind, order);
    let descends = keys.last().is_some_and(|key| key.descending);
    rows.sort_by(|one, other| {
        let by_key = keys.iter().map(|key| {
            let read = |row: &Row| match comparable(key.field, &row[&key.field.name]) {
                Comparable::Text(text) if key.field.fold.is_some() => Comparable::Text(folded(key.field, &text)),
                value => value,
            };
            let (one, other) = (read(one), read(other));
            match (one == Comparable::Nothing, other == Comparable::Nothing) {
                (true, true) => Ordering::Equal,
                (false, false) => {
                    if key.descending {
                        other.cmp(&one)
                    } else {
                        one.cmp(&other)
                    }
                }
                (empty, _) => {
                    if empty == key.nulls_first {
                        Ordering::Less
                    } else {
                        Ordering::Greater
                    }
                }
            }
        });
        let ids = text(one, "id").cmp(&text(other, "id"));
        by_key.fold(Ordering::Equal, Ordering::then).then(if descends { ids.reverse() } else { ids })
    });
}
