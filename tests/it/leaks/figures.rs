//! What aggregates come to, worked out from visible records: groups by visible values, a key that leads out
//! of sight as an empty one, figures of the values there are.

use std::{cmp::Ordering, collections::BTreeMap, str::FromStr};

use chrono::{DateTime, NaiveDate, TimeZone, Utc};
use chrono_tz::Tz;
use entity::{
    Kind,
    table::{Field, Type},
};
use serde_json::{Value, json};
use tandem::{graphql::select::groupable, store::bucket::Bucket};

use super::{
    evaluator::{Refused, Sight, cents, items},
    plain::Row,
};

/// One key to group by.
pub struct Group {
    /// The API name of the field or link.
    pub name: &'static str,
    pub field: &'static Field,
    bucket: Option<(Bucket, Tz)>,
}

impl Group {
    /// Reads `groupBy`.
    pub fn read(kind: Kind, json: &Value) -> Vec<Self> {
        let one = |json: &Value| {
            let wanted = json["field"].as_str().expect("a field is named");
            let (_, field) = groupable(kind).find(|(name, _)| name == wanted).expect("a field to group by");
            let zone = json["timeZone"].as_str().unwrap_or("UTC");
            let bucket = json["bucket"].as_str().and_then(Bucket::parse);
            Self {
                name: field.link_name.as_deref().unwrap_or(&field.name),
                field,
                bucket: bucket.map(|bucket| (bucket, Tz::from_str(zone).expect("a time zone"))),
            }
        };
        if json.is_null() { vec![] } else { items(json).iter().map(one).collect() }
    }

    /// Refused where it would show what is hidden.
    pub fn check(&self, sight: &Sight<'_>, kind: Kind) -> Result<(), Refused> {
        if sight.roles.hides(kind, self.name) { Err(Refused) } else { Ok(()) }
    }

    /// What a record has in common with the others of its group.
    fn key(&self, row: &Row) -> Value {
        let value = &row[self.name];
        let Some((bucket, zone)) = self.bucket else { return value.clone() };
        let Some(text) = value.as_str() else { return Value::Null };
        if matches!(self.field.ty, Type::Day) {
            return json!(bucket.start(NaiveDate::from_str(text).expect("a date")).to_string());
        }
        let at = DateTime::parse_from_rfc3339(text).expect("a point in time").with_timezone(&zone);
        let start = bucket.start(at.date_naive()).and_hms_opt(0, 0, 0).expect("midnight");
        let start = zone.from_local_datetime(&start).earliest().expect("these zones have their midnights");
        json!(start.with_timezone(&Utc).format("%Y-%m-%dT%H:%M:%S.000Z").to_string())
    }
}

/// The records of a group and what they have in common, key by key.
pub type Grouped<'a> = (Vec<Value>, Vec<&'a Row>);

/// Puts records into groups, in the order in which groups are answered; without keys there is one of all.
pub fn group<'a>(rows: Vec<&'a Row>, groups: &[Group]) -> Vec<Grouped<'a>> {
    if groups.is_empty() {
        return vec![(vec![], rows)];
    }
    let mut grouped: Vec<Grouped<'a>> = Vec::new();
    for row in rows {
        let key: Vec<Value> = groups.iter().map(|group| group.key(row)).collect();
        match grouped.iter_mut().find(|(other, _)| *other == key) {
            Some((_, rows)) => rows.push(row),
            None => grouped.push((key, vec![row])),
        }
    }
    grouped.sort_by(|(one, _), (other, _)| {
        let pairs = one.iter().zip(other);
        pairs.map(|(one, other)| by_key(one, other)).fold(Ordering::Equal, Ordering::then)
    });
    grouped
}

/// Empty keys come last.
fn by_key(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Greater,
        (_, Value::Null) => Ordering::Less,
        (Value::String(one), Value::String(other)) => one.cmp(other),
        (Value::Bool(one), Value::Bool(other)) => one.cmp(other),
        (Value::Number(one), Value::Number(other)) => one.as_i64().cmp(&other.as_i64()),
        _ => panic!("{one} and {other} do not compare"),
    }
}

/// One figure of a column over a group, with all parts of an amount.
pub fn figure(function: &str, field: &Field, rows: &[&Row]) -> Value {
    let values = rows.iter().map(|row| &row[&field.name]).filter(|value| !value.is_null());
    match field.ty {
        Type::Money => {
            let mut amounts: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
            for value in values {
                let currency = value["currency"].as_str().expect("a currency");
                amounts.entry(currency).or_default().push(cents(&value["amount"]));
            }
            let one = |(currency, amounts): (&str, Vec<i64>)| {
                let cents = money(function, &amounts);
                let amount =
                    format!("{}{}.{:02}", if cents < 0 { "-" } else { "" }, cents.abs() / 100, cents.abs() % 100);
                json!({ "__typename": "Money", "amount": amount, "currency": currency })
            };
            amounts.into_iter().map(one).collect()
        }
        Type::Int => {
            let numbers: Vec<i64> = values.map(|value| value.as_i64().expect("a whole number")).collect();
            let sum: i64 = numbers.iter().sum();
            match function {
                _ if numbers.is_empty() => Value::Null,
                "sum" => json!(sum.to_string()),
                #[expect(clippy::cast_precision_loss, reason = "a mean is a floating-point figure")]
                "avg" => {
                    // JSON writes a whole mean without a point.
                    let mean = (sum as f64 / numbers.len() as f64).to_string();
                    serde_json::from_str(&mean).expect("a number")
                }
                "min" => json!(numbers.iter().min()),
                _ => json!(numbers.iter().max()),
            }
        }
        _ => {
            let texts = values.map(|value| value.as_str().expect("a date"));
            json!(if function == "min" { texts.min() } else { texts.max() })
        }
    }
}

fn money(function: &str, amounts: &[i64]) -> i64 {
    let (sum, count) = (amounts.iter().sum::<i64>(), i64::try_from(amounts.len()).expect("few"));
    match function {
        "sum" => sum,
        // Half a cent goes away from zero.
        "avg" => (sum.abs() * 2 + count) / (2 * count) * sum.signum(),
        "min" => *amounts.iter().min().expect("some"),
        _ => *amounts.iter().max().expect("some"),
    }
}
