//! From a cell's text to the JSON that the GraphQL input takes for the field.

use chrono_tz::Tz;
use entity::{
    Instant,
    table::{Choices, Field, Type},
};
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Value, json};

use super::{
    cell::list,
    dates::Format,
    money::{Style, is_currency},
};

/// How one field's texts become values.
#[derive(Clone, Debug)]
pub(super) enum Converter {
    Text { max: usize },
    Texts { separator: String, max: usize },
    Int { style: Style, range: (i64, i64) },
    Bool,
    Choice(&'static Choices),
    Day(Format),
    Instant(Format, Tz),
    Money { style: Style, currency: Currency },
}

/// Where an amount's currency comes from.
#[derive(Clone, Debug)]
pub(super) enum Currency {
    Fixed(String),
    /// The place in the map's columns.
    Column(usize),
}

/// What a field needs beyond its description.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub style: Style,
    pub zone: Option<Tz>,
    pub format: Option<Format>,
    pub currency: Option<Currency>,
    pub separator: Option<String>,
}

impl Converter {
    /// The converter of a field, or what the map lacks or has too much for it.
    pub fn of(field: &Field, settings: Settings) -> Result<Self, String> {
        let Settings { style, zone, format, currency, separator } = settings;
        let dated = matches!(field.ty, Type::Day | Type::Instant);
        let surplus = [
            (format.is_some() && !dated, "format", "dates"),
            (currency.is_some() && !matches!(field.ty, Type::Money), "currency", "amounts of money"),
            (separator.is_some() && !matches!(field.ty, Type::Texts), "separator", "lists of texts"),
        ];
        if let Some((_, key, what)) = surplus.into_iter().find(|(surplus, ..)| *surplus) {
            return Err(format!("`{key}` belongs to {what} only"));
        }
        let format = || format.ok_or("needs a `format`, such as \"%Y-%m-%d\" or \"rfc3339\": dates are never guessed");
        Ok(match field.ty {
            Type::Text => Self::Text { max: field.max },
            Type::Texts => Self::Texts {
                separator: separator.filter(|mark| !mark.is_empty()).ok_or("needs a `separator`, such as \";\"")?,
                max: field.max,
            },
            Type::Int => Self::Int { style, range: field.range.unwrap_or((i64::from(i32::MIN), i64::from(i32::MAX))) },
            Type::Bool => Self::Bool,
            Type::Choice(choices) => Self::Choice(choices),
            Type::Day => Self::Day(format()?),
            Type::Instant => {
                let format = format()?;
                if zone.is_none() && format.needs_zone() {
                    return Err("needs `time_zone` at the top of the map, such as \"America/Sao_Paulo\": \
                                the format holds no offset"
                        .to_owned());
                }
                Self::Instant(format, zone.unwrap_or(Tz::UTC))
            }
            Type::Money => {
                let currency = currency.ok_or("needs a `currency`, such as \"BRL\", or a `currency_column`")?;
                Self::Money { style, currency }
            }
            Type::Id | Type::Key(_) | Type::Json | Type::Parted(_) => return Err("cannot be imported".to_owned()),
        })
    }

    /// The value that a text stands for; `currency` is the text of the currency's column.
    pub fn convert(&self, text: &str, currency: Option<&str>, now: Instant) -> Result<Value, String> {
        match self {
            Self::Text { max } => checked(text, *max).map(Value::from),
            Self::Texts { separator, max } => {
                let parts = text.split(separator.as_str()).map(str::trim).filter(|part| !part.is_empty());
                parts.map(|part| checked(part, *max)).collect::<Result<Vec<_>, _>>().map(Value::from)
            }
            Self::Int { style, range: (least, greatest) } => {
                // Spreadsheets and data frames write whole numbers as `100.0`.
                let number = style.decimal(text)?.normalize();
                if number.scale() > 0 {
                    return Err("is not a whole number".to_owned());
                }
                let number = number.to_i64().filter(|number| (least..=greatest).contains(&number));
                number.map(Value::from).ok_or_else(|| format!("lies not between {least} and {greatest}"))
            }
            Self::Bool => match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "1" => Ok(Value::Bool(true)),
                "false" | "no" | "0" => Ok(Value::Bool(false)),
                _ => Err("is neither true nor false (true, yes, 1, false, no, 0)".to_owned()),
            },
            Self::Choice(choices) => {
                let known = choices.values.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
                let names = || list(choices.values.iter().map(|(name, _)| name));
                known.map(|(name, _)| json!(name)).ok_or_else(|| format!("is none of {}", names()))
            }
            Self::Day(format) => format.day(text, now).map(|day| json!(day.format("%Y-%m-%d").to_string())),
            Self::Instant(format, zone) => format.instant(text, *zone, now).map(|at| json!(at.rfc3339())),
            Self::Money { style, currency: named } => {
                let currency = match named {
                    Currency::Fixed(code) => code,
                    Currency::Column(_) => currency.ok_or("is an amount without a currency")?,
                };
                if !is_currency(currency) {
                    return Err(format!(
                        "has the currency {}, which is no code like EUR",
                        super::cell::shown(currency)
                    ));
                }
                Ok(json!({ "amount": style.amount(text, currency)?, "currency": currency.to_ascii_uppercase() }))
            }
        }
    }
}

/// A text that a column can hold. Line breaks and tabs are for the long ones alone.
fn checked(text: &str, max: usize) -> Result<String, String> {
    let text = text.replace("\r\n", "\n");
    let length = text.chars().count();
    if length > max {
        return Err(format!("has {length} characters, more than {max}"));
    }
    let lines = max > 200;
    match text.chars().find(|&c| c.is_control() && !(lines && matches!(c, '\n' | '\t'))) {
        Some(control) => Err(format!("holds the control character U+{:04X}", u32::from(control))),
        None => Ok(text),
    }
}

/// An id of another system. What spreadsheets and other tools make of long numbers, `1.23E+15`, is no
/// id: several ids have become one. The API takes such an id, for its client sends what it has.
pub(super) fn external(text: &str) -> Result<String, String> {
    if is_rounded(text) {
        let told = "is a number that a spreadsheet has rounded, not an id; export the column as text";
        return Err(told.to_owned());
    }
    checked(text, 200)
}

/// Whether a text is a number in scientific notation. `12e34` is none: no tool writes more than one digit
/// without a point or a sign, and ids of hexadecimal digits look so.
fn is_rounded(text: &str) -> bool {
    let Some((number, power)) = text.split_once(['e', 'E']) else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = number.strip_prefix(['-', '+', '−']).unwrap_or(number);
    let (whole, part) = number.split_once(['.', ',', '٫']).map_or((number, None), |(whole, part)| (whole, Some(part)));
    let plain = power.strip_prefix(['+', '-', '−']);
    let sign = plain.is_some();
    let power = plain.unwrap_or(power);
    if !digits(whole) || !digits(power) || part.is_some_and(|part| !part.is_empty() && !digits(part)) {
        return false;
    }
    part.is_some() || sign || (whole.len() == 1 && power.len() >= 2)
}

#[cfg(test)]
mod tests {
    use entity::Kind;

    use super::*;

    fn convert(kind: Kind, field: &str, settings: Settings, text: &str) -> Result<Value, String> {
        let field = kind.table().field(field).unwrap();
        Converter::of(field, settings)?.convert(text, Some("EUR"), Instant::parse("2026-11-21T00:00:00Z").unwrap())
    }

    fn plain(kind: Kind, field: &str, text: &str) -> Result<Value, String> {
        convert(kind, field, Settings::default(), text)
    }

    #[test]
    fn numbers_are_whole_and_within_the_columns_range() {
        assert_eq!(plain(Kind::Lead, "score", "100.0").unwrap(), json!(100));
        assert_eq!(plain(Kind::Lead, "score", "007").unwrap(), json!(7));
        assert_eq!(plain(Kind::Lead, "score", "101").unwrap_err(), "lies not between 0 and 100");
        assert_eq!(plain(Kind::Lead, "score", "99.5").unwrap_err(), "is not a whole number");
        assert!(plain(Kind::Lead, "score", "99999999999999999999").is_err());
        assert!(plain(Kind::Lead, "score", "1-5").is_err());
    }

    #[test]
    fn choices_are_names_of_the_set() {
        assert_eq!(plain(Kind::Lead, "stage", "mql").unwrap(), json!("MQL"));
        assert!(plain(Kind::Lead, "stage", "qualified").unwrap_err().contains("`RAW`, `INQUIRY`"));
    }

    #[test]
    fn texts_are_short_enough_and_clean() {
        assert!(plain(Kind::Lead, "name", &"ä".repeat(200)).is_ok());
        assert_eq!(plain(Kind::Lead, "name", &"ä".repeat(201)).unwrap_err(), "has 201 characters, more than 200");
        assert_eq!(plain(Kind::Lead, "name", "a\u{7}b").unwrap_err(), "holds the control character U+0007");
        assert!(plain(Kind::Lead, "name", "a\nb").is_err());
        assert_eq!(plain(Kind::Account, "description", "a\r\nb\tc").unwrap(), json!("a\nb\tc"));
    }

    #[test]
    fn lists_of_texts_are_split_where_the_map_says() {
        let settings = Settings { separator: Some(";".into()), ..Settings::default() };
        assert_eq!(convert(Kind::Persona, "goals", settings, "grow; save ;;").unwrap(), json!(["grow", "save"]));
        assert!(plain(Kind::Persona, "goals", "grow").unwrap_err().contains("separator"));
    }

    #[test]
    fn amounts_carry_their_currency() {
        let fixed = |code: &str| Settings { currency: Some(Currency::Fixed(code.into())), ..Settings::default() };
        assert_eq!(
            convert(Kind::Deal, "amount", fixed("BRL"), "12.5").unwrap(),
            json!({"amount": "12.50", "currency": "BRL"})
        );
        assert!(convert(Kind::Deal, "amount", fixed("real"), "12.5").is_err());
        let column = Settings { currency: Some(Currency::Column(0)), ..Settings::default() };
        assert_eq!(convert(Kind::Deal, "amount", column, "12").unwrap(), json!({"amount": "12.00", "currency": "EUR"}));
        assert!(plain(Kind::Deal, "amount", "12").unwrap_err().contains("currency"));
    }

    #[test]
    fn truth_has_six_spellings() {
        let now = Instant(0);
        for (text, value) in [("True", true), ("YES", true), ("1", true), ("FALSE", false), ("no", false), ("0", false)]
        {
            assert_eq!(Converter::Bool.convert(text, None, now).unwrap(), json!(value));
        }
        assert!(Converter::Bool.convert("2", None, now).is_err());
        assert!(Converter::Bool.convert("on", None, now).is_err());
    }

    #[test]
    fn dates_become_what_the_api_takes() {
        let settings = |format| Settings {
            format: Some(Format::new(format).unwrap()),
            zone: Some(chrono_tz::America::Sao_Paulo),
            ..Settings::default()
        };
        assert_eq!(convert(Kind::Deal, "closeDate", settings("%d.%m.%y"), "04.05.18").unwrap(), json!("2018-05-04"));
        assert_eq!(
            convert(Kind::Deal, "closedAt", settings("%d.%m.%y %H:%M"), "04.05.18 01:30").unwrap(),
            json!("2018-05-04T04:30:00.000Z")
        );
        assert!(plain(Kind::Deal, "closedAt", "2018-05-04").unwrap_err().contains("never guessed"));
        let zoneless = Settings { format: Some(Format::new("%F").unwrap()), ..Settings::default() };
        assert!(convert(Kind::Deal, "closedAt", zoneless, "2018-05-04").unwrap_err().contains("time_zone"));
    }

    #[test]
    fn an_id_that_a_tool_rounded_is_none() {
        for text in [
            "1.23E+15",
            "5E+03",
            "1.234568e+15",
            "1.23E15",
            "1,23E+15",
            "1,23e15",
            "1e+15",
            "1E15",
            "1e15",
            "-1.2E+10",
            "+1.2e10",
            "1.E+15",
            "12.3E+14",
            "1.0E-7",
            "123E+13",
            "1.234567890123456E15",
            "0e00",
        ] {
            assert!(external(text).unwrap_err().contains("rounded"), "{text}");
        }
        for text in [
            "E+3",
            "dac32acd4db4c29c230538b72f8dd87d",
            "1234e56",
            "12e34",
            "1e5",
            "e15",
            "1.2.3E+4",
            "1e",
            "1e1x",
            "A1E15",
            "1.5",
            "0x1E15",
            "1e15e1",
            "E15",
            "2026-11-25",
        ] {
            assert_eq!(external(text).as_deref(), Ok(text));
        }
    }
}
