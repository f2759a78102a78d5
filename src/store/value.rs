//! Values between the API's JSON and the columns.

use entity::{
    Day, Instant, Kind, id,
    table::{Field, Part, Parted, Type},
};
use rust_decimal::{Decimal, prelude::ToPrimitive};
use sea_orm::{Value, prelude::Uuid};
use serde_json::Value as Json;

use crate::error::UserCode;

/// Why a JSON value cannot become a column's value.
#[derive(Debug, PartialEq, Eq)]
pub struct Misfit {
    /// What kind of mistake.
    pub code: UserCode,
    /// For people.
    pub message: String,
}

fn misfit<T>(code: UserCode, message: impl Into<String>) -> Result<T, Misfit> {
    Err(Misfit { code, message: message.into() })
}

/// The empty value of a column type.
#[must_use]
pub fn null(ty: Type) -> Value {
    match ty {
        Type::Id | Type::Key(_) => Value::Uuid(None),
        Type::Text | Type::Choice(_) => Value::String(None),
        Type::Texts | Type::Parted(_) | Type::Json => Value::Json(None),
        Type::Int | Type::Day => Value::Int(None),
        Type::Bool => Value::Bool(None),
        Type::Instant | Type::Money => Value::BigInt(None),
    }
}

/// Reads a JSON value of the API as a column's value, checking what its type demands. Money is
/// read by [`money`].
pub fn read(field: &Field, json: &Json) -> Result<Value, Misfit> {
    use UserCode::{Invalid, TooLong};
    if json.is_null() {
        return Ok(null(field.ty));
    }
    let text = || json.as_str().ok_or(Misfit { code: Invalid, message: format!("{} takes a string.", field.name) });
    Ok(match field.ty {
        Type::Text => {
            let text = text()?;
            let length = text.chars().count();
            if length > field.max {
                return misfit(
                    TooLong,
                    format!("{} takes at most {} characters; this has {length}.", field.name, field.max),
                );
            }
            if text.chars().any(|c| c.is_control() && c != '\n' && c != '\r' && c != '\t') {
                return misfit(Invalid, format!("{} has a control character.", field.name));
            }
            check_scalar(field, text)?;
            text.into()
        }
        Type::Texts => match json.as_array() {
            Some(items) if items.len() > 100 => {
                return misfit(TooLong, format!("{} takes at most 100 entries.", field.name));
            }
            Some(items) if items.iter().all(|item| item.as_str().is_some_and(|text| text.chars().count() <= 1_000)) => {
                json.clone().into()
            }
            _ => {
                return misfit(Invalid, format!("{} takes a list of strings of at most 1,000 characters.", field.name));
            }
        },
        Type::Parted(parted) => parted_texts(field, parted, json)?,
        Type::Json => json.clone().into(),
        Type::Int => {
            let number = json.as_i64().and_then(|number| i32::try_from(number).ok());
            let Some(number) = number else { return misfit(Invalid, format!("{} takes a whole number.", field.name)) };
            if let Some((least, greatest)) = field.range
                && !(least..=greatest).contains(&i64::from(number))
            {
                return misfit(UserCode::OutOfRange, format!("{} lies between {least} and {greatest}.", field.name));
            }
            number.into()
        }
        Type::Bool => match json.as_bool() {
            Some(truth) => truth.into(),
            None => return misfit(Invalid, format!("{} takes true or false.", field.name)),
        },
        Type::Instant => match Instant::parse(text()?) {
            Some(at) => at.0.into(),
            None => {
                return misfit(Invalid, format!("{} takes a date and time such as 2026-11-21T09:30:00Z.", field.name));
            }
        },
        Type::Day => match Day::parse(text()?) {
            Some(day) => day.0.into(),
            None => return misfit(Invalid, format!("{} takes a date such as 2026-11-21.", field.name)),
        },
        Type::Choice(choices) => {
            let name = text()?;
            match choices.values.iter().find(|(value, _)| *value == name) {
                Some((value, _)) => (*value).into(),
                None => return misfit(Invalid, format!("{} takes one of {}.", field.name, names(choices))),
            }
        }
        Type::Id => match id::parse(text()?) {
            Some((_, id)) => id.into(),
            None => return misfit(Invalid, format!("{} takes an id.", field.name)),
        },
        Type::Key(kind) => key(kind, text()?)?.into(),
        Type::Money => return misfit(Invalid, format!("{} takes an amount and a currency.", field.name)),
    })
}

/// The most texts of parts that one column holds.
const MOST_PARTED: usize = 1_000;

/// Reads a list of objects as texts of parts between colons.
fn parted_texts(field: &Field, parted: &Parted, json: &Json) -> Result<Value, Misfit> {
    // A single object is a list of one, by GraphQL's input coercion.
    let items = json.as_array().map_or(std::slice::from_ref(json), Vec::as_slice);
    if items.len() > MOST_PARTED {
        return misfit(UserCode::TooLong, format!("{} takes at most {MOST_PARTED} entries.", field.name));
    }
    let mut texts = Vec::with_capacity(items.len());
    for (n, item) in items.iter().enumerate() {
        let part = |part: &Part| item.get(part.name).and_then(Json::as_str).filter(|text| is_word(text));
        let words: Option<Vec<&str>> = parted.parts.iter().map(part).collect();
        let Some(words) = words else {
            let names: Vec<&str> = parted.parts.iter().map(|part| part.name).collect();
            let message = format!("Entry {n} of {} takes {}, each one word.", field.name, names.join(", "));
            return misfit(UserCode::Invalid, message);
        };
        texts.push(words.join(":"));
    }
    Ok(Json::from(texts).into())
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.len() <= 100 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Checks the form that a custom scalar demands.
fn check_scalar(field: &Field, text: &str) -> Result<(), Misfit> {
    let (good, example) = match field.scalar {
        Some("EmailAddress") => (is_email(text), "an e-mail address such as ann@acme.example"),
        Some("URL") => (is_url(text), "an address such as https://acme.example"),
        Some("CountryCode") => {
            (text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase()), "an ISO 3166-1 alpha-2 code such as DE")
        }
        _ => return Ok(()),
    };
    if good { Ok(()) } else { misfit(UserCode::Invalid, format!("{} takes {example}.", field.name)) }
}

/// Whether a text has the form of an e-mail address: enough to catch mistakes, no more.
#[must_use]
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let clean = |part: &str| {
        !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || c.is_control() || "<>(),;:\\\"[]@".contains(c))
    };
    clean(local)
        && local.len() <= 64
        && clean(domain)
        && domain.contains('.')
        && !domain.starts_with('.')
        && !domain.ends_with('.')
        && !domain.contains("..")
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        !host.is_empty() && !text.chars().any(|c| c.is_whitespace() || c.is_control())
    })
}

fn names(choices: &entity::table::Choices) -> String {
    choices.values.iter().map(|(value, _)| *value).collect::<Vec<_>>().join(", ")
}

/// Reads a global id of one kind.
pub fn key(kind: Kind, text: &str) -> Result<Uuid, Misfit> {
    match id::parse(text) {
        Some((found, id)) if found == kind => Ok(id),
        Some((found, _)) => {
            misfit(UserCode::Invalid, format!("This is the id of {}, not of {}.", article(found), article(kind)))
        }
        None => misfit(UserCode::Invalid, format!("“{}” is not an id of {}.", short(text), article(kind))),
    }
}

fn article(kind: Kind) -> String {
    let name = kind.name();
    let article = if name.starts_with(['A', 'E', 'I', 'O']) { "an" } else { "a" };
    format!("{article} {name}")
}

/// At most 60 characters of what a client sent, for messages.
#[must_use]
pub fn short(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// How many decimal digits a currency's minor unit has (ISO 4217), or none for what is no currency code.
#[must_use]
pub fn minor_digits(currency: &str) -> Option<u32> {
    if currency.len() != 3 || !currency.bytes().all(|b| b.is_ascii_uppercase()) {
        return None;
    }
    Some(match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI" | "VND"
        | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    })
}

/// The greatest amount, in minor units, that a record may hold.
pub const MOST_MONEY: i64 = 1_000_000_000_000_000;

/// Reads a decimal amount as minor units of a currency.
pub fn minor_units(amount: &str, currency: &str) -> Result<i64, Misfit> {
    use UserCode::{Invalid, OutOfRange};
    let Some(digits) = minor_digits(currency) else {
        return misfit(Invalid, format!("“{}” is not an ISO 4217 currency code.", short(currency)));
    };
    let Ok(decimal) = amount.parse::<Decimal>() else {
        return misfit(Invalid, format!("“{}” is not a decimal number.", short(amount)));
    };
    let decimal = decimal.normalize();
    if decimal.scale() > digits {
        return misfit(Invalid, format!("{currency} has {digits} decimal places; {amount} has {}.", decimal.scale()));
    }
    let minor = decimal.checked_mul(Decimal::from(10_i64.pow(digits))).and_then(|minor| minor.to_i64());
    // A bound far below what a column holds, so that no sum over many rows overflows.
    let minor = minor.filter(|minor| minor.abs() <= MOST_MONEY);
    minor.ok_or(Misfit { code: OutOfRange, message: format!("{amount} {currency} is more than can be stored.") })
}

/// Reads `{ amount, currency }` as minor units and currency; null as two empty values.
pub fn money(field: &Field, json: &Json) -> Result<(Value, Value), Misfit> {
    if json.is_null() {
        return Ok((Value::BigInt(None), Value::String(None)));
    }
    let (Some(amount), Some(currency)) =
        (json.get("amount").and_then(Json::as_str), json.get("currency").and_then(Json::as_str))
    else {
        return misfit(UserCode::Invalid, format!("{} takes an amount (a string) and a currency.", field.name));
    };
    Ok((minor_units(amount, currency)?.into(), currency.into()))
}

/// Writes minor units as a decimal amount: `1250` EUR as `12.50`.
#[must_use]
pub fn decimal(minor: i64, currency: &str) -> String {
    decimal_wide(minor.into(), currency)
}

/// Writes minor units of any size as a decimal amount.
#[must_use]
pub fn decimal_wide(minor: i128, currency: &str) -> String {
    let digits = minor_digits(currency).unwrap_or(2) as usize;
    let sign = if minor < 0 { "-" } else { "" };
    let plain = format!("{:0width$}", minor.unsigned_abs(), width = digits + 1);
    let (whole, cents) = plain.split_at(plain.len() - digits);
    if digits == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{cents}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_amount_written_reads_back(minor in -MOST_MONEY..=MOST_MONEY, currency in prop::sample::select(vec!["EUR", "JPY", "BHD", "CLF"])) {
            prop_assert_eq!(minor_units(&decimal(minor, currency), currency), Ok(minor));
        }
    }

    #[test]
    fn an_amount_finer_than_the_currency_is_refused() {
        assert_eq!(minor_units("12.5", "EUR"), Ok(1250));
        assert_eq!(minor_units("12.500", "EUR"), Ok(1250));
        assert!(minor_units("12.505", "EUR").is_err());
        assert!(minor_units("1.5", "JPY").is_err());
        assert!(minor_units("1", "eur").is_err());
        assert!(minor_units("99999999999999999999", "EUR").is_err());
    }
}
