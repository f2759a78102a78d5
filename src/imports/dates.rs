//! Dates and instants in the one format that a map names: the whole cell must match, nothing is guessed.

use chrono::{
    DateTime, Duration, LocalResult, Months, NaiveDate, NaiveDateTime, TimeZone,
    format::{Item, StrftimeItems},
};
use chrono_tz::Tz;
use entity::Instant;

/// A checked format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Format {
    text: String,
    reach: Reach,
}

/// What cells of a format tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// RFC 3339 with any offset.
    Rfc3339,
    /// A day.
    Day,
    /// A day and a time in the map's time zone.
    Local,
    /// A point in time.
    Offset,
}

const FIRST: NaiveDate = NaiveDate::from_ymd_opt(1900, 1, 1).expect("a date");

impl Format {
    /// Checks a format: `rfc3339`, or made of the specifiers of strftime.
    pub fn new(text: &str) -> Result<Self, String> {
        if text == "rfc3339" {
            return Ok(Self { text: text.to_owned(), reach: Reach::Rfc3339 });
        }
        if StrftimeItems::new(text).any(|item| matches!(item, Item::Error)) {
            return Err(format!("`{text}` is not a date format; write it like `%Y-%m-%d` or `%d/%m/%Y %H:%M`"));
        }
        if text.contains("%s") || text.contains("%Z") {
            return Err("`%s` and `%Z` are not supported".to_owned());
        }
        // Two points on one day, one of them to the second: what of them comes back tells what the format holds.
        let day = NaiveDate::from_ymd_opt(2021, 12, 31).unwrap_or(FIRST);
        let [early, late] =
            [(3, 4, 0), (15, 6, 0)].map(|(h, m, s)| day.and_hms_opt(h, m, s).unwrap_or_default().and_utc());
        let write = |at: DateTime<chrono::Utc>| at.format(text).to_string();
        let reach = if DateTime::parse_from_str(&write(late), text) == Ok(late.into()) {
            Reach::Offset
        } else if NaiveDateTime::parse_from_str(&write(late), text) == Ok(late.naive_utc()) {
            Reach::Local
        } else if NaiveDate::parse_from_str(&write(late), text) == Ok(day) && write(early) == write(late) {
            Reach::Day
        } else {
            return Err(format!(
                "`{text}` is not a complete date format: it needs day, month and year, and a time with hours and minutes or no time"
            ));
        };
        Ok(Self { text: text.to_owned(), reach })
    }

    /// Whether instants of this format need the map's time zone.
    pub fn needs_zone(&self) -> bool {
        matches!(self.reach, Reach::Day | Reach::Local)
    }

    fn mismatch(&self) -> String {
        format!("is not a date of the form {}", self.text)
    }

    /// A calendar day; of a cell with a time, the day it names.
    pub fn day(&self, cell: &str, now: Instant) -> Result<NaiveDate, String> {
        let day = match self.reach {
            Reach::Rfc3339 => DateTime::parse_from_rfc3339(cell).map_err(|_| self.mismatch())?.date_naive(),
            Reach::Offset => self.offset(cell)?.date_naive(),
            Reach::Local => self.local(cell)?.date(),
            Reach::Day => self.date(cell)?,
        };
        plausible(day, now)?;
        Ok(day)
    }

    /// A point in time. A day without a time stands for its first moment. A local time that the
    /// clocks skip is refused, one that they show twice is the earlier.
    pub fn instant(&self, cell: &str, zone: Tz, now: Instant) -> Result<Instant, String> {
        let skipped = || format!("does not exist in {zone}: the clocks skip it");
        let at = match self.reach {
            Reach::Rfc3339 => DateTime::parse_from_rfc3339(cell).map_err(|_| self.mismatch())?.to_utc(),
            Reach::Offset => self.offset(cell)?.to_utc(),
            Reach::Local => earliest(zone, self.local(cell)?).ok_or_else(skipped)?,
            Reach::Day => {
                let midnight = self.date(cell)?.and_hms_opt(0, 0, 0).unwrap_or_default();
                // Where summer time begins at midnight, the day begins at one.
                let minutes = (0..24 * 60).map(|minute| midnight + Duration::minutes(minute));
                minutes.into_iter().find_map(|local| earliest(zone, local)).ok_or_else(skipped)?
            }
        };
        plausible(at.date_naive(), now)?;
        Ok(Instant::from_utc(at))
    }

    fn date(&self, cell: &str) -> Result<NaiveDate, String> {
        let parsed = NaiveDate::parse_from_str(cell, &self.text).ok();
        self.exactly(cell, parsed, |at| at.format(&self.text).to_string())
    }

    fn local(&self, cell: &str) -> Result<NaiveDateTime, String> {
        let parsed = NaiveDateTime::parse_from_str(cell, &self.text).ok();
        self.exactly(cell, parsed, |at| at.format(&self.text).to_string())
    }

    fn offset(&self, cell: &str) -> Result<DateTime<chrono::FixedOffset>, String> {
        let parsed = DateTime::parse_from_str(cell, &self.text).ok();
        self.exactly(cell, parsed, |at| at.format(&self.text).to_string())
    }

    /// chrono reads `2018-2-1` by `%Y-%m-%d` and skips blanks; here the cell must be what the
    /// format would have written.
    fn exactly<T>(&self, cell: &str, parsed: Option<T>, write: impl Fn(&T) -> String) -> Result<T, String> {
        parsed.filter(|at| write(at).eq_ignore_ascii_case(cell)).ok_or_else(|| self.mismatch())
    }
}

fn earliest(zone: Tz, local: NaiveDateTime) -> Option<DateTime<chrono::Utc>> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at.to_utc()),
        LocalResult::None => None,
    }
}

fn plausible(day: NaiveDate, now: Instant) -> Result<(), String> {
    let last = now.to_utc().date_naive().checked_add_months(Months::new(240)).unwrap_or(NaiveDate::MAX);
    if day < FIRST || day > last {
        return Err(format!("is not plausible: dates lie between {FIRST} and {last}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use chrono_tz::{America::Sao_Paulo, Europe::Berlin};
    use proptest::prelude::*;

    use super::*;

    fn now() -> Instant {
        Instant::parse("2026-11-21T00:00:00Z").unwrap()
    }

    fn instant(format: &str, cell: &str, zone: Tz) -> Result<String, String> {
        Format::new(format).unwrap().instant(cell, zone, now()).map(Instant::rfc3339)
    }

    fn day(format: &str, cell: &str) -> Result<String, String> {
        Format::new(format).unwrap().day(cell, now()).map(|day| day.to_string())
    }

    #[test]
    fn the_map_decides_whether_the_day_comes_first() {
        assert_eq!(day("%d-%m-%Y", "04-05-2018").unwrap(), "2018-05-04");
        assert_eq!(day("%m-%d-%Y", "04-05-2018").unwrap(), "2018-04-05");
        assert_eq!(day("%-m/%-d/%Y", "2/26/2018").unwrap(), "2018-02-26");
        assert!(day("%-d/%-m/%Y", "2/26/2018").unwrap_err().contains("%-d/%-m/%Y"));
    }

    #[test]
    fn the_whole_cell_must_match() {
        for cell in
            ["2018-2-1", "2018-02-01 ", " 2018-02-01", "2018-02-01 10:00", "+2018-02-01", "2018-02-30", "01-May"]
        {
            assert!(day("%Y-%m-%d", cell).is_err(), "{cell}");
        }
        assert!(day("%-m/%-d/%Y", "02/06/2018").is_err());
        assert_eq!(day("%d-%b-%y", "26-FEB-18").unwrap(), "2018-02-26");
    }

    #[test]
    fn a_day_stands_for_its_first_moment_in_the_zone() {
        assert_eq!(instant("%Y-%m-%d", "2018-05-04", Sao_Paulo).unwrap(), "2018-05-04T03:00:00.000Z");
        // Summer time began at midnight, so this day began at one.
        assert_eq!(instant("%Y-%m-%d", "2017-10-15", Sao_Paulo).unwrap(), "2017-10-15T03:00:00.000Z");
        // Samoa had no such day.
        assert!(instant("%Y-%m-%d", "2011-12-30", chrono_tz::Pacific::Apia).unwrap_err().contains("skip"));
    }

    #[test]
    fn a_skipped_local_time_is_refused_and_a_repeated_one_is_the_earlier() {
        let format = "%Y-%m-%d %H:%M";
        assert!(instant(format, "2026-03-29 02:30", Berlin).unwrap_err().contains("Europe/Berlin"));
        assert_eq!(instant(format, "2026-10-25 02:30", Berlin).unwrap(), "2026-10-25T00:30:00.000Z");
    }

    #[test]
    fn an_offset_in_the_cell_needs_no_zone() {
        assert!(!Format::new("rfc3339").unwrap().needs_zone());
        assert_eq!(instant("rfc3339", "2026-01-02T03:04:05+02:00", Berlin).unwrap(), "2026-01-02T01:04:05.000Z");
        assert_eq!(instant("%Y-%m-%d %H:%M %z", "2026-01-02 03:04 +0200", Berlin).unwrap(), "2026-01-02T01:04:00.000Z");
        assert!(Format::new("%Y-%m-%d %H:%M").unwrap().needs_zone());
    }

    #[test]
    fn a_format_that_names_no_whole_date_is_refused() {
        for format in ["", "%Y", "%m-%d", "%Y-%m-%d %H", "%H:%M", "%Q", "%s", "2018-01-01", "%d.%m.%Y %I:%M"] {
            assert!(Format::new(format).is_err(), "{format}");
        }
        for format in ["%F", "%d.%m.%y", "%FT%T", "%d %B %Y", "%Y%m%d", "%-m/%-d/%Y %-H:%M", "%I:%M %p %d.%m.%Y"] {
            assert!(Format::new(format).is_ok(), "{format}");
        }
    }

    #[test]
    fn implausible_dates_are_refused() {
        assert!(day("%Y-%m-%d", "1899-12-30").unwrap_err().contains("plausible"));
        assert!(day("%Y-%m-%d", "2046-11-22").unwrap_err().contains("2046-11-21"));
        assert!(day("%Y-%m-%d", "2046-11-21").is_ok());
        assert!(instant("%Y-%m-%d", "0218-02-01", Berlin).is_err());
    }

    proptest! {
        #[test]
        fn whatever_a_format_writes_it_reads_back(seconds in -2_208_900_000_i64..2_400_000_000) {
            let at = DateTime::from_timestamp(seconds, 0).unwrap();
            for format in ["%Y-%m-%d %H:%M:%S", "%d-%m-%Y %T", "%-m/%-d/%Y %-H:%M:%S", "%d %b %Y %I:%M:%S %p", "%s%.f"] {
                let Ok(checked) = Format::new(format) else { continue };
                let read = checked.instant(&at.format(format).to_string(), Tz::UTC, now());
                prop_assert_eq!(read.map(Instant::to_utc), Ok(at));
            }
            let local = at.with_timezone(&Berlin).format("%F %T").to_string();
            let read = Format::new("%F %T").unwrap().instant(&local, Berlin, now()).unwrap().to_utc();
            // The second pass through a repeated hour reads as the first.
            prop_assert!(read == at || (read < at && read.with_timezone(&Berlin).naive_local() == at.with_timezone(&Berlin).naive_local()));
        }

        #[test]
        fn no_cell_panics(cell in "\\PC*", format in "[-%YmdHMSbypIzfT./: ]{0,12}") {
            if let Ok(format) = Format::new(&format) {
                let _ = format.day(&cell, now());
                let _ = format.instant(&cell, Berlin, now());
            }
        }
    }
}
