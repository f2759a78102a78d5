//! Rows to response bytes: the one place where a column's value becomes JSON.

use entity::{
    Kind, id,
    table::{Field, Type},
};
use sea_orm::{QueryResult, Value, prelude::Uuid, sqlx::Row as _};

use crate::error::{Error, Result};
pub use crate::store::answer::Out;
use crate::store::value;

/// A column of a result row, read without copying.
macro_rules! cell {
    ($row:expr, $at:expr, $type:ty) => {{
        if let Some(row) = $row.try_as_sqlite_row() {
            row.try_get_unchecked::<Option<$type>, usize>($at).map_err(Error::from)
        } else if let Some(row) = $row.try_as_pg_row() {
            row.try_get_unchecked::<Option<$type>, usize>($at).map_err(Error::from)
        } else {
            Err(Error::internal("a row of an unknown engine"))
        }
    }};
}

/// The id in a column.
pub fn uuid(row: &QueryResult, at: usize) -> Result<Option<Uuid>> {
    cell!(row, at, Uuid)
}

/// The text in a column.
pub fn text(row: &QueryResult, at: usize) -> Result<Option<&str>> {
    if let Some(row) = row.try_as_sqlite_row() {
        return Ok(row.try_get_unchecked::<Option<&str>, usize>(at)?);
    }
    match row.try_as_pg_row() {
        Some(row) => Ok(row.try_get_unchecked::<Option<&str>, usize>(at)?),
        None => Err(Error::internal("a row of an unknown engine")),
    }
}

/// The 64-bit number in a column.
pub fn bigint(row: &QueryResult, at: usize) -> Result<Option<i64>> {
    cell!(row, at, i64)
}

/// The 32-bit number in a column.
pub fn int(row: &QueryResult, at: usize) -> Result<Option<i32>> {
    cell!(row, at, i32)
}

/// The truth in a column; an empty one is not true.
pub fn bool(row: &QueryResult, at: usize) -> Result<bool> {
    Ok(cell!(row, at, bool)?.unwrap_or(false))
}

/// A column as a value, for cursors.
pub fn value(row: &QueryResult, at: usize, ty: Type) -> Result<Value> {
    Ok(match ty {
        Type::Id | Type::Key(_) => Value::Uuid(uuid(row, at)?),
        Type::Text | Type::Choice(_) => Value::String(text(row, at)?.map(str::to_owned)),
        Type::Int | Type::Day => Value::Int(int(row, at)?),
        Type::Instant | Type::Money => Value::BigInt(bigint(row, at)?),
        Type::Bool => Value::Bool(cell!(row, at, bool)?),
        Type::Texts | Type::Parted(_) | Type::Json => Value::String(None),
    })
}

/// Writes one column of a row.
pub fn column(out: &mut Out, (row, at): (&QueryResult, usize), kind: Kind, field: &Field) -> Result<()> {
    match field.ty {
        Type::Id => match uuid(row, at)? {
            Some(key) => global_id(out, kind, key),
            None => null(out),
        },
        Type::Key(kind) => match uuid(row, at)? {
            Some(key) => global_id(out, kind, key),
            None => null(out),
        },
        Type::Text => match text(row, at)? {
            Some(text) => string(out, text),
            None => null(out),
        },
        // Names of a closed set need no escaping.
        Type::Choice(_) => match text(row, at)? {
            Some(name) => quoted(out, name),
            None => null(out),
        },
        Type::Texts | Type::Parted(_) | Type::Json => {
            out.extend_from_slice(text(row, at)?.unwrap_or("null").as_bytes());
        }
        Type::Int => match int(row, at)? {
            Some(number) => integer(out, number.into()),
            None => null(out),
        },
        Type::Bool => match cell!(row, at, bool)? {
            Some(truth) => out.extend_from_slice(if truth { b"true" } else { b"false" }),
            None => null(out),
        },
        Type::Instant => match bigint(row, at)? {
            Some(millis) => instant(out, millis),
            None => null(out),
        },
        Type::Day => match int(row, at)? {
            Some(days) => {
                out.push(b'"');
                date(out, days.into());
                out.push(b'"');
            }
            None => null(out),
        },
        Type::Money => match bigint(row, at)? {
            Some(minor) => integer(out, minor),
            None => null(out),
        },
    }
    Ok(())
}

/// Writes `null`.
pub fn null(out: &mut Out) {
    out.extend_from_slice(b"null");
}

/// Writes an escaped string.
pub fn string(out: &mut Out, text: &str) {
    out.push(b'"');
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0..=0x1f => b"",
            _ => continue,
        };
        out.extend_from_slice(&text.as_bytes()[start..at]);
        if escape.is_empty() {
            out.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
        } else {
            out.extend_from_slice(escape);
        }
        start = at + 1;
    }
    out.extend_from_slice(&text.as_bytes()[start..]);
    out.push(b'"');
}

/// Writes a string that needs no escaping.
pub fn quoted(out: &mut Out, text: &str) {
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Writes a number.
pub fn integer(out: &mut Out, number: i64) {
    use std::io::Write;
    // Writing into a Vec cannot fail.
    let _ = write!(out, "{number}");
}

/// Writes a global id.
pub fn global_id(out: &mut Out, kind: Kind, key: Uuid) {
    out.push(b'"');
    out.extend_from_slice(kind.table().prefix.as_bytes());
    out.push(b'_');
    out.extend_from_slice(&id::base32(key));
    out.push(b'"');
}

/// Writes RFC 3339 in UTC with milliseconds.
pub fn instant(out: &mut Out, millis: i64) {
    let (days, rest) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
    out.push(b'"');
    date(out, days);
    out.push(b'T');
    digits(out, rest / 3_600_000, 2);
    out.push(b':');
    digits(out, rest / 60_000 % 60, 2);
    out.push(b':');
    digits(out, rest / 1_000 % 60, 2);
    out.push(b'.');
    digits(out, rest % 1_000, 3);
    out.extend_from_slice(b"Z\"");
}

/// Writes the calendar date of a day number: the civil-from-days algorithm of Howard Hinnant
/// (<https://howardhinnant.github.io/date_algorithms.html#civil_from_days>).
fn date(out: &mut Out, days: i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    digits(out, year, 4);
    out.push(b'-');
    digits(out, month, 2);
    out.push(b'-');
    digits(out, day, 2);
}

fn digits(out: &mut Out, number: i64, width: u32) {
    let mut divisor = 10_i64.pow(width - 1);
    let mut rest = number.abs();
    while divisor > 0 {
        out.push(b'0' + u8::try_from(rest / divisor % 10).unwrap_or(0));
        rest %= divisor;
        divisor /= 10;
    }
}

/// Writes one part of a money amount.
pub fn money(out: &mut Out, minor: i128, currency: &str, part: &str) {
    match part {
        "currency" => string(out, currency),
        _ => quoted(out, &value::decimal(minor, currency)),
    }
}

/// The number in the first column of the first row.
pub(in crate::store) fn first_count(rows: &[QueryResult]) -> Result<i64> {
    rows.first().map_or(Ok(0), |row| Ok(bigint(row, 0)?.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use entity::{Day, Instant};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_instant_is_written_as_chrono_would(millis in 0_i64..253_402_300_799_000) {
            let mut out = Out::new();
            instant(&mut out, millis);
            prop_assert_eq!(std::str::from_utf8(&out).unwrap(), format!("\"{}\"", Instant(millis).rfc3339()));
        }

        #[test]
        fn a_date_is_written_as_chrono_would(days in -700_000_i32..2_900_000) {
            let mut out = Out::new();
            date(&mut out, days.into());
            prop_assert_eq!(std::str::from_utf8(&out).unwrap(), Day(days).to_date().to_string());
        }

        #[test]
        fn any_text_survives_escaping(text in any::<String>()) {
            let mut out = Out::new();
            string(&mut out, &text);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }
}
