//! What everything in the demo company is made of: chance that repeats itself, working time, ids and the record of what happened.

use entity::{Day, EventAction, Instant, Kind, account::AccountId, user::UserId};
use sea_orm::prelude::Uuid;
use serde_json::{Value, json};

use super::Happening;

pub(super) const MINUTE: i64 = 60_000;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;

/// `SplitMix64`. Our own, because the generators of libraries may change their stream with a release.
#[derive(Debug)]
pub(super) struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number between these, both possible.
    pub(super) fn between(&mut self, least: i64, most: i64) -> i64 {
        let span = u128::from(most.abs_diff(least)) + 1;
        let step = (u128::from(self.next()) * span) >> 64;
        least + i64::try_from(step).unwrap_or(0)
    }

    /// Whether something of this probability comes true.
    pub(super) fn percent(&mut self, probability: i64) -> bool {
        self.between(0, 99) < probability
    }

    fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.between(0, i64::try_from(len).unwrap_or(1) - 1)).unwrap_or(0)
    }

    /// One of several.
    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.index(from.len())]
    }

    /// One of several, each as likely as its weight says.
    pub(super) fn weighted<T: Copy>(&mut self, from: &[(T, i64)]) -> T {
        let mut rest = self.between(1, from.iter().map(|(_, weight)| weight).sum());
        for &(value, weight) in from {
            rest -= weight;
            if rest <= 0 {
                return value;
            }
        }
        from[from.len() - 1].0
    }

    /// Puts them in any order.
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.index(last + 1));
        }
    }

    /// A number whose distribution has these quantiles at equal distances: whole numbers only, because
    /// logarithms differ in their last digit from machine to machine.
    pub(super) fn quantile(&mut self, quantiles: &[i64]) -> i64 {
        let place = self.index(quantiles.len() - 1);
        self.between(quantiles[place], quantiles[place + 1])
    }
}

/// The state of the making.
#[derive(Debug)]
pub(super) struct World {
    pub(super) chance: Chance,
    /// The first moment of the history.
    pub(super) start: Instant,
    /// The moment after which nothing has happened yet.
    pub(super) now: Instant,
    pub(super) history: Vec<Happening>,
    fold: fn(&str) -> String,
}

/// A record that something happened to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject {
    pub(super) kind: Kind,
    pub(super) id: Uuid,
    pub(super) account: Option<AccountId>,
}

impl World {
    pub(super) fn new(seed: u64, now: Instant, fold: fn(&str) -> String) -> Self {
        let start = Instant(now.0 - 730 * DAY);
        Self { chance: Chance(seed), start, now, history: vec![], fold }
    }

    /// The key by which a text is found and ordered.
    pub(super) fn fold(&self, text: &str) -> String {
        (self.fold)(text)
    }

    /// An id of this moment.
    pub(super) fn id(&mut self, at: Instant) -> Uuid {
        let mut random = [0; 10];
        let bytes = self.chance.next().to_be_bytes().into_iter().chain(self.chance.next().to_be_bytes());
        random.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
        uuid::Builder::from_unix_timestamp_millis(u64::try_from(at.0).unwrap_or(0), &random).into_uuid()
    }

    /// A working moment so many days after another; nothing if that is yet to come.
    pub(super) fn after(&mut self, from: Instant, least_days: i64, most_days: i64) -> Option<Instant> {
        let at = working(&mut self.chance, from.0 + least_days * DAY, from.0 + most_days * DAY);
        let at = Instant(at.max(from.0 + self.chance.between(5, 90) * MINUTE));
        (at < self.now).then_some(at)
    }

    /// A working moment between two others; their middle where there is none.
    pub(super) fn within(&mut self, from: Instant, until: Instant) -> Instant {
        let at = working(&mut self.chance, from.0, until.0);
        if at > from.0 && at < until.0 { Instant(at) } else { Instant(i64::midpoint(from.0, until.0)) }
    }

    /// Notes that a record was changed.
    pub(super) fn updated(&mut self, at: Instant, actor: UserId, subject: Subject, changes: Value) {
        let Subject { kind, id, account } = subject;
        let event = Uuid::nil();
        self.history.push(Happening { event, at, actor, kind, id, account, action: EventAction::Updated, changes });
    }
}

/// A moment between two, moved into office hours of a weekday.
fn working(chance: &mut Chance, from: i64, until: i64) -> i64 {
    let mut day = chance.between(from, until.max(from)).div_euclid(DAY);
    // 1970-01-01 was a Thursday: 3 days after Monday.
    day += match (day + 3).rem_euclid(7) {
        5 => 2,
        6 => 1,
        _ => 0,
    };
    day * DAY + chance.between(7 * HOUR, 17 * HOUR)
}

/// The calendar date of a moment.
pub(super) fn day_of(at: Instant) -> Day {
    Day(i32::try_from(at.0.div_euclid(DAY)).unwrap_or(0))
}

/// One changed field.
pub(super) fn became(field: &str, before: impl Into<Value>, after: impl Into<Value>) -> Value {
    json!({ field: { "before": before.into(), "after": after.into() } })
}

/// Latin letters without marks, in lower case, joined by `separator`: for domains and e-mail addresses.
/// Germans write `ü` as `ue`, everybody else as `u`.
pub(super) fn ascii(text: &str, german: bool, separator: char) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' | '0'..='9' => plain.push(c),
            'ä' => plain.push_str(if german { "ae" } else { "a" }),
            'ö' => plain.push_str(if german { "oe" } else { "o" }),
            'ü' => plain.push_str(if german { "ue" } else { "u" }),
            'ß' => plain.push_str("ss"),
            'æ' => plain.push_str("ae"),
            'œ' => plain.push_str("oe"),
            'á' | 'à' | 'â' | 'å' | 'ã' | 'ą' => plain.push('a'),
            'é' | 'è' | 'ê' | 'ë' | 'ę' => plain.push('e'),
            'í' | 'ì' | 'î' | 'ï' => plain.push('i'),
            'ó' | 'ò' | 'ô' | 'ø' => plain.push('o'),
            'ú' | 'ù' | 'û' => plain.push('u'),
            'ç' | 'ć' => plain.push('c'),
            'ñ' | 'ń' => plain.push('n'),
            'ś' => plain.push('s'),
            'ł' => plain.push('l'),
            'ź' | 'ż' => plain.push('z'),
            '\'' | '’' => {}
            _ if !plain.is_empty() && !plain.ends_with(separator) => plain.push(separator),
            _ => {}
        }
    }
    plain.trim_end_matches(separator).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_addresses_as_each_country_writes_them() {
        assert_eq!(ascii("Jürgen Weiß", true, '.'), "juergen.weiss");
        assert_eq!(ascii("Björn Ångström", false, '.'), "bjorn.angstrom");
        assert_eq!(ascii("Łukasz Dąbrowski", false, '.'), "lukasz.dabrowski");
        assert_eq!(ascii("Jean-François O’Neill", false, '-'), "jean-francois-oneill");
    }

    #[test]
    fn work_is_done_on_weekdays_in_office_hours() {
        let mut chance = Chance(7);
        for _ in 0..500 {
            let at = working(&mut chance, 1_700_000_000_000, 1_760_000_000_000);
            assert!((at.div_euclid(DAY) + 3).rem_euclid(7) < 5);
            assert!((7 * HOUR..=17 * HOUR).contains(&at.rem_euclid(DAY)));
        }
    }
}
