//! Values between the API's JSON and the columns.

use entity::{
    Day, Instant, Kind, id,
    table::{Field, Part, Parted, Type},
};
use iso_currency::Currency;
use sea_orm::{Value, prelude::Uuid};
use serde_json::Value as Json;

pub use crate::text::short;
use crate::{
    error::UserCode,
    text::{email, normal},
};

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
    let text = || json.as_str().ok_or(Misfit { code: Invalid, message: format!("{} must be a string.", field.name) });
    Ok(match field.ty {
        Type::Text => {
            let text = normal(text()?);
            let length = text.chars().count();
            if length > field.max {
                return misfit(
                    TooLong,
                    format!("{} may have at most {} characters; got {length}.", field.name, field.max),
                );
            }
            if has_control(&text) {
                return misfit(Invalid, format!("{} must not contain control characters.", field.name));
            }
            scalar(field, &text)?
        }
        Type::Texts => match json.as_array() {
            Some(items) if items.len() > 100 => {
                return misfit(TooLong, format!("{} may have at most 100 entries.", field.name));
            }
            Some(items) if items.iter().any(|item| item.as_str().is_some_and(has_control)) => {
                return misfit(Invalid, format!("{} must not contain control characters.", field.name));
            }
            Some(items) if items.iter().all(|item| item.as_str().is_some_and(|text| text.chars().count() <= 1_000)) => {
                items.iter().filter_map(Json::as_str).map(normal).collect::<Json>().into()
            }
            _ => {
                return misfit(
                    Invalid,
                    format!("{} must be a list of strings of at most 1,000 characters.", field.name),
                );
            }
        },
        Type::Parted(parted) => parted_texts(field, parted, json)?,
        Type::Json => json.clone().into(),
        Type::Int => {
            let number = json.as_i64().and_then(|number| i32::try_from(number).ok());
            let Some(number) = number else { return misfit(Invalid, format!("{} must be an integer.", field.name)) };
            if let Some((least, greatest)) = field.range
                && !(least..=greatest).contains(&i64::from(number))
            {
                return misfit(UserCode::OutOfRange, format!("{} must be between {least} and {greatest}.", field.name));
            }
            number.into()
        }
        Type::Bool => match json.as_bool() {
            Some(truth) => truth.into(),
            None => return misfit(Invalid, format!("{} must be true or false.", field.name)),
        },
        Type::Instant => match Instant::parse(text()?) {
            Some(at) => at.0.into(),
            None => {
                return misfit(
                    Invalid,
                    format!("{} must be a date and time such as 2026-11-21T09:30:00Z.", field.name),
                );
            }
        },
        Type::Day => match Day::parse(text()?) {
            Some(day) => day.0.into(),
            None => return misfit(Invalid, format!("{} must be a date such as 2026-11-21.", field.name)),
        },
        Type::Choice(choices) => {
            let name = text()?;
            match choices.values.iter().find(|(value, _)| *value == name) {
                Some((value, _)) => (*value).into(),
                None => return misfit(Invalid, format!("{} must be one of {}.", field.name, names(choices))),
            }
        }
        Type::Id => match id::parse(text()?) {
            Some((_, id)) => id.into(),
            None => return misfit(Invalid, format!("{} must be an ID.", field.name)),
        },
        Type::Key(kind) => key(kind, text()?)?.into(),
        Type::Money => return misfit(Invalid, format!("{} must have an amount and a currency.", field.name)),
    })
}

/// The most texts of parts that one column holds.
const MAX_PARTED: usize = 1_000;

/// Reads a list of objects as texts of parts between colons.
fn parted_texts(field: &Field, parted: &Parted, json: &Json) -> Result<Value, Misfit> {
    // A single object is a list of one, by GraphQL's input coercion.
    let items = json.as_array().map_or(std::slice::from_ref(json), Vec::as_slice);
    if items.len() > MAX_PARTED {
        return misfit(UserCode::TooLong, format!("{} takes at most {MAX_PARTED} entries.", field.name));
    }
    let mut texts = Vec::with_capacity(items.len());
    for (n, item) in items.iter().enumerate() {
        let part = |part: &Part| item.get(part.name).and_then(Json::as_str).filter(|text| is_word(text));
        let words: Option<Vec<&str>> = parted.parts.iter().map(part).collect();
        let Some(words) = words else {
            let names: Vec<&str> = parted.parts.iter().map(|part| part.name).collect();
            let message = format!("Entry {n} of {} must have {}, each a single word.", field.name, names.join(", "));
            return misfit(UserCode::Invalid, message);
        };
        texts.push(words.join(":"));
    }
    Ok(Json::from(texts).into())
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.len() <= 100 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Whether a text has a control character that is neither a line break nor a tab.
#[must_use]
pub fn has_control(text: &str) -> bool {
    text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

/// Reads a country code of ISO 3166-1 alpha-2 in either case, as upper case.
pub fn country(text: &str) -> Result<String, Misfit> {
    let code = text.to_ascii_uppercase();
    if rust_iso3166::from_alpha2(&code).is_some() {
        return Ok(code);
    }
    // Codes that are reserved for other uses, or that other lists have for the same country.
    let instead = match code.as_str() {
        "UK" => Some("GB"),
        "EL" => Some("GR"),
        "SU" => Some("RU"),
        "TP" => Some("TL"),
        "ZR" => Some("CD"),
        "BU" => Some("MM"),
        _ => rust_iso3166::from_alpha3(&code).map(|country| country.alpha2),
    };
    let hint = instead.map_or_else(|| "use a code such as DE".to_owned(), |code| format!("use {code}"));
    misfit(UserCode::Invalid, format!("“{}” is not an ISO 3166-1 alpha-2 country code; {hint}.", short(text)))
}

/// Reads a currency code of ISO 4217 in either case, as upper case.
pub fn currency(text: &str) -> Result<String, Misfit> {
    let code = text.to_ascii_uppercase();
    // Gold, drawing rights, test codes and the like have no minor unit and are nothing to be paid in.
    if Currency::from_code(&code).is_some_and(|currency| currency.exponent().is_some()) {
        return Ok(code);
    }
    let instead = match code.as_str() {
        "RMB" => Some("CNY"),
        "NTD" => Some("TWD"),
        "UKP" => Some("GBP"),
        "RUR" => Some("RUB"),
        "TRL" => Some("TRY"),
        _ => None,
    };
    let hint = instead.map_or_else(|| "use a code such as EUR".to_owned(), |code| format!("use {code}"));
    misfit(UserCode::Invalid, format!("“{}” is not an ISO 4217 currency code; {hint}.", short(text)))
}

/// Reads a text of a custom scalar, as it is stored.
fn scalar(field: &Field, text: &str) -> Result<Value, Misfit> {
    let (read, example) = match field.scalar {
        Some("CountryCode") => return country(text).map(Value::from),
        Some("EmailAddress") => (email(text), "an e-mail address such as ann@acme.example"),
        Some("URL") => (is_url(text).then(|| text.to_owned()), "an address such as https://acme.example"),
        _ => (Some(text.to_owned()), ""),
    };
    read.map(Value::from)
        .ok_or_else(|| Misfit { code: UserCode::Invalid, message: format!("{} must be {example}.", field.name) })
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

/// How many decimal digits a currency's minor unit has (ISO 4217). Two for a code that the standard
/// does not know: older rows may have one, and were written so.
#[must_use]
pub fn minor_digits(currency: &str) -> u32 {
    Currency::from_code(currency).and_then(Currency::exponent).map_or(2, u32::from)
}

/// Whether this is a decimal number in the API's grammar: an optional minus sign, digits, and
/// optionally a point with digits after it.
fn is_decimal(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    text.split_once('.').map_or_else(|| digits(text), |(whole, fraction)| digits(whole) && digits(fraction))
}

/// Reads a decimal amount as minor units of a currency.
pub fn minor_units(amount: &str, currency: &str) -> Result<i64, Misfit> {
    use UserCode::{Invalid, OutOfRange};
    let currency = self::currency(currency)?;
    let digits = minor_digits(&currency) as usize;
    if !is_decimal(amount) {
        return misfit(Invalid, format!("“{}” is not a decimal number such as -12.50.", short(amount)));
    }
    // By its digits, not through a decimal type: those round what has too many.
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > digits {
        let message = format!("{currency} has {digits} decimal places; {} has {}.", short(amount), fraction.len());
        return misfit(Invalid, message);
    }
    let minor = format!("{whole}{fraction:0<digits$}").parse::<i64>();
    minor.map_err(|_| Misfit {
        code: OutOfRange,
        message: format!("{} {currency} exceeds the maximum amount that can be stored.", short(amount)),
    })
}

/// Reads `{ amount, currency }` as minor units and currency; null as two empty values.
pub fn money(field: &Field, json: &Json) -> Result<(Value, Value), Misfit> {
    if json.is_null() {
        return Ok((Value::BigInt(None), Value::String(None)));
    }
    let (Some(amount), Some(currency)) =
        (json.get("amount").and_then(Json::as_str), json.get("currency").and_then(Json::as_str))
    else {
        return misfit(UserCode::Invalid, format!("{} must have an amount (a string) and a currency.", field.name));
    };
    Ok((minor_units(amount, currency)?.into(), self::currency(currency)?.into()))
}

/// Writes minor units as a decimal amount: `1250` EUR as `12.50`. Sums are wider than what a record holds.
#[must_use]
pub fn decimal(minor: impl Into<i128>, currency: &str) -> String {
    let minor: i128 = minor.into();
    let digits = minor_digits(currency) as usize;
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
        fn an_amount_written_reads_back(minor in any::<i64>(), currency in prop::sample::select(vec!["EUR", "JPY", "BHD", "CLF"])) {
            prop_assert_eq!(minor_units(&decimal(minor, currency), currency), Ok(minor));
        }
    }

    #[test]
    fn an_amount_finer_than_the_currency_is_refused() {
        assert_eq!(minor_units("12.5", "EUR"), Ok(1250));
        assert_eq!(minor_units("12.500", "EUR"), Ok(1250));
        assert!(minor_units("12.505", "EUR").is_err());
        assert!(minor_units("1.5", "JPY").is_err());
        assert!(minor_units("99999999999999999999", "EUR").is_err());
        assert_eq!(minor_units("92233720368547758.07", "EUR"), Ok(i64::MAX));
        assert!(minor_units("92233720368547758.08", "EUR").is_err());
    }

    #[test]
    fn a_decimal_is_digits_with_an_optional_sign_and_fraction() {
        for amount in ["1_000", "1e3", " 1", "1 ", "+1", "1.", ".5", "", "-", ".", "--1", "1.-5", "٣", "0x1", "1,5"] {
            assert_eq!(minor_units(amount, "EUR").unwrap_err().code, UserCode::Invalid, "{amount}");
        }
        assert!(minor_units("12.3400000000000000000000000000001", "EUR").is_err(), "no digit is rounded away");
        assert_eq!(minor_units("-0012.3400000000000000000000000000000", "eur"), Ok(-1234));
        assert_eq!(minor_units("-0.05", "EUR"), Ok(-5));
    }

    #[test]
    fn codes_are_those_of_the_standards() {
        assert_eq!(country("de").unwrap(), "DE");
        assert!(country("uk").unwrap_err().message.contains("use GB"));
        assert!(country("DEU").unwrap_err().message.contains("use DE"));
        assert!(["XX", "ZZ", "D", "", "Germany", "ſe"].iter().all(|code| country(code).is_err()));
        assert_eq!(currency("inr").unwrap(), "INR");
        assert!(currency("RMB").unwrap_err().message.contains("use CNY"));
        assert!(["ZZZ", "XXX", "XAU", "XTS", "EU", "EURO", ""].iter().all(|code| currency(code).is_err()));
    }

    #[test]
    fn amounts_stored_before_the_list_keep_their_minor_units() {
        for (digits, codes) in [
            (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
            (3, "BHD IQD JOD KWD LYD OMR TND"),
            (4, "CLF UYW"),
            (2, "EUR USD GBP CHF INR IDR RUB HUF TWD XXX ZZZ RMB HRK XAU"),
        ] {
            for code in codes.split(' ') {
                assert_eq!(minor_digits(code), digits, "{code}");
            }
        }
    }
}
