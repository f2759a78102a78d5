//! Calendar periods, in which dates and points in time are grouped.

use std::str::FromStr;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, TimeZone};
use chrono_tz::Tz;

use crate::{
    error::{Error, Result},
    store::value,
};

/// A calendar period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    /// From midnight to midnight.
    Day,
    /// From Monday to Sunday (ISO 8601).
    Week,
    /// A calendar month.
    Month,
    /// Three calendar months, the first from January on.
    Quarter,
    /// A calendar year.
    Year,
}

impl Bucket {
    /// The period of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "DAY" => Self::Day,
            "WEEK" => Self::Week,
            "MONTH" => Self::Month,
            "QUARTER" => Self::Quarter,
            "YEAR" => Self::Year,
            _ => return None,
        })
    }

    /// The first day of the period that a date lies in.
    #[must_use]
    pub fn start(self, date: NaiveDate) -> NaiveDate {
        let first = |month| NaiveDate::from_ymd_opt(date.year(), month, 1).unwrap_or(date);
        match self {
            Self::Day => date,
            Self::Week => {
                date.checked_sub_days(Days::new(date.weekday().num_days_from_monday().into())).unwrap_or(date)
            }
            Self::Month => first(date.month()),
            Self::Quarter => first((date.month0() / 3) * 3 + 1),
            Self::Year => first(1),
        }
    }

    /// The power of two, in milliseconds or days, of a stretch of which three cover a period.
    pub(super) fn stretch(self, instants: bool) -> u32 {
        match (self, instants) {
            (Self::Day, true) => 26,
            (Self::Week, true) => 29,
            (Self::Month, true) => 31,
            (Self::Quarter, true) => 33,
            (Self::Year, true) => 35,
            (Self::Day, false) => 0,
            (Self::Week, false) => 2,
            (Self::Month, false) => 4,
            (Self::Quarter, false) => 6,
            (Self::Year, false) => 8,
        }
    }

    /// The first day of the next period.
    #[must_use]
    pub fn next(self, start: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Day => start.checked_add_days(Days::new(1)),
            Self::Week => start.checked_add_days(Days::new(7)),
            Self::Month => start.checked_add_months(Months::new(1)),
            Self::Quarter => start.checked_add_months(Months::new(3)),
            Self::Year => start.checked_add_months(Months::new(12)),
        }
    }
}

/// Midnight of a date in a zone, in milliseconds; where the clock skips it, the first moment after
/// it, which for a day that is skipped whole is the start of the next.
pub(super) fn midnight(date: NaiveDate, zone: Tz) -> i64 {
    let midnight = date.and_hms_opt(0, 0, 0).unwrap_or_default();
    if let Some(at) = zone.from_local_datetime(&midnight).earliest() {
        return at.timestamp_millis();
    }
    // Clocks are at most 26 hours away from UTC and skip at most one day.
    let (mut before, mut after) =
        (midnight.and_utc().timestamp_millis() - 2 * DAY, midnight.and_utc().timestamp_millis() + 2 * DAY);
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        let local = DateTime::from_timestamp_millis(middle).map(|at| at.with_timezone(&zone).naive_local());
        if local.is_some_and(|local| local < midnight) { before = middle } else { after = middle }
    }
    after
}

/// Milliseconds of a day.
pub(super) const DAY: i64 = 86_400_000;

/// Reads an IANA time-zone name.
pub fn time_zone(name: &str) -> Result<Tz> {
    Tz::from_str(name)
        .map_err(|_| Error::argument(format!("“{}” is not a time zone such as Europe/Berlin.", value::short(name))))
}

#[cfg(test)]
mod tests {
    use entity::Day;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_date_lies_in_its_period(days in -10_000_i32..40_000, bucket in prop::sample::select(vec![Bucket::Day, Bucket::Week, Bucket::Month, Bucket::Quarter, Bucket::Year])) {
            let date = Day(days).to_date();
            let start = bucket.start(date);
            prop_assert!(start <= date && date < bucket.next(start).unwrap());
            prop_assert_eq!(bucket.start(start), start);
        }
    }

    #[test]
    fn a_skipped_day_starts_with_the_next() {
        let [skipped, next] = [30, 31].map(|day| NaiveDate::from_ymd_opt(2011, 12, day).unwrap());
        let apia = chrono_tz::Pacific::Apia;
        assert_eq!(midnight(skipped, apia), midnight(next, apia));
        assert_eq!(
            midnight(next, apia),
            next.and_hms_opt(0, 0, 0).unwrap().and_utc().timestamp_millis() - 14 * DAY / 24
        );
    }

    #[test]
    fn a_day_that_has_no_midnight_starts_at_its_first_moment() {
        // São Paulo's clocks went from 23:59:59 to 01:00 on 4 November 2018.
        let date = NaiveDate::from_ymd_opt(2018, 11, 4).unwrap();
        assert_eq!(
            midnight(date, chrono_tz::America::Sao_Paulo),
            date.and_hms_opt(3, 0, 0).unwrap().and_utc().timestamp_millis()
        );
    }
}
