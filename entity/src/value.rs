//! Column types of our own: instants, days, lists of texts, closed sets of names.

use chrono::{DateTime, Datelike, NaiveDate, SecondsFormat, TimeDelta, Utc};
use sea_orm::{DeriveValueType, FromJsonQueryResult};
use serde::{Deserialize, Serialize};

use crate::table::Type;

/// A Rust type that a column can have.
pub trait ColumnType {
    /// What it is in the API.
    const TYPE: Type;
    /// Whether it may be empty.
    const NULLABLE: bool = false;
}

impl<T: ColumnType> ColumnType for Option<T> {
    const TYPE: Type = T::TYPE;
    const NULLABLE: bool = true;
}

macro_rules! column_types {
    ($($rust:ty => $ty:expr),* $(,)?) => {
        $(impl ColumnType for $rust { const TYPE: Type = $ty; })*
    };
}
column_types! {
    String => Type::Text,
    i32 => Type::Int,
    i64 => Type::Money,
    bool => Type::Bool,
    Instant => Type::Instant,
    Day => Type::Day,
    Texts => Type::Texts,
    serde_json::Value => Type::Json,
}

/// A point in time: milliseconds since 1970-01-01T00:00:00Z, the same on both engines.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, DeriveValueType,
)]
#[serde(transparent)]
pub struct Instant(pub i64);

impl Instant {
    /// From a point in time, cut to milliseconds.
    #[must_use]
    pub fn from_utc(at: DateTime<Utc>) -> Self {
        Self(at.timestamp_millis())
    }

    /// As a point in time; out-of-range values become the epoch.
    #[must_use]
    pub fn to_utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or_default()
    }

    /// RFC 3339 in UTC with milliseconds.
    #[must_use]
    pub fn rfc3339(self) -> String {
        self.to_utc().to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    /// The calendar date in UTC.
    #[must_use]
    pub fn day(self) -> Day {
        Day::from_date(self.to_utc().date_naive())
    }

    /// Reads RFC 3339 with any offset, if the moment lies in the years 0001 to 9999 of UTC.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // The calendar library also takes a space for the `T`, signs and longer years.
        let date = text.get(..10).and_then(Day::parse);
        let separated = matches!(text.as_bytes().get(10), Some(b'T' | b't'));
        let at = DateTime::parse_from_rfc3339(text).ok().filter(|_| date.is_some() && separated)?.to_utc();
        (1..=9999).contains(&at.year()).then(|| Self::from_utc(at))
    }
}

/// A calendar date: days since 1970-01-01.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, DeriveValueType,
)]
#[serde(transparent)]
pub struct Day(pub i32);

const EPOCH: NaiveDate = NaiveDate::from_ymd_opt(1970, 1, 1).expect("a date");

impl Day {
    /// From a calendar date.
    #[must_use]
    pub fn from_date(date: NaiveDate) -> Self {
        Self(i32::try_from(date.signed_duration_since(EPOCH).num_days()).unwrap_or(i32::MAX))
    }

    /// As a calendar date; out-of-range values become 1970-01-01.
    #[must_use]
    pub fn to_date(self) -> NaiveDate {
        EPOCH.checked_add_signed(TimeDelta::days(self.0.into())).unwrap_or(EPOCH)
    }

    /// Reads the full date of RFC 3339, `2026-11-21`, in the years 0001 to 9999.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // The calendar library also takes signs, spaces, and months of one digit.
        let shape = text.len() == 10
            && text.bytes().enumerate().all(
                |(at, byte)| {
                    if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() }
                },
            );
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|date| shape && date.year() >= 1)?;
        Some(Self::from_date(date))
    }
}

/// Several texts in one column, in the given order.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Texts(pub Vec<String>);

/// Declares a closed set of names: a Rust enum, its column and its GraphQL enum.
macro_rules! choices {
    ($($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $vdoc:literal])+ $variant:ident = $value:literal),* $(,)? })*) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, sea_orm::EnumIter, sea_orm::DeriveActiveEnum,
                 serde::Serialize, serde::Deserialize)]
        #[sea_orm(rs_type = "String", db_type = "Text")]
        pub enum $name { $($(#[doc = $vdoc])+ #[sea_orm(string_value = $value)] #[serde(rename = $value)] $variant),* }

        impl $name {
            /// The set, for the API.
            pub const CHOICES: &'static $crate::table::Choices = &$crate::table::Choices {
                name: stringify!($name),
                doc: concat!($($doc, "\n"),+),
                values: &[$(($value, concat!($($vdoc, "\n"),+))),*],
            };

            /// Its name in storage and in the API.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $value),* }
            }

            /// The value of this name.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($value => Some(Self::$variant),)* _ => None }
            }
        }

        impl $crate::value::ColumnType for $name {
            const TYPE: $crate::table::Type = $crate::table::Type::Choice(Self::CHOICES);
        }

        impl $crate::value::Choice for $name {
            fn choices() -> &'static $crate::table::Choices { Self::CHOICES }
            fn named(name: &str) -> Option<Self> { Self::parse(name) }
            fn name(self) -> &'static str { self.as_str() }
        }
    )*};
}
pub(crate) use choices;

/// A closed set of names, for code that serves any of them.
pub trait Choice: Copy + Send + Sync + 'static {
    /// The set.
    fn choices() -> &'static crate::table::Choices;
    /// The value of this name.
    fn named(name: &str) -> Option<Self>;
    /// Its name.
    fn name(self) -> &'static str;
}
