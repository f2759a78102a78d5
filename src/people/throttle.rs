//! How failed attempts to sign in slow further ones down: by person and place, and never everybody for one's failures.

use std::{net::IpAddr, time::Duration};

use entity::{Instant, session::SessionId};

use crate::{
    access::place,
    store::{Failures, failure_key},
};

/// How long a place is known from which somebody has signed in, in milliseconds.
pub const KNOWN: i64 = 30 * 24 * 60 * 60 * 1000;

/// How long failures are counted after the last of them, in milliseconds.
pub const REMEMBERED: i64 = 24 * 60 * 60 * 1000;

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;

/// What failures under a key do: some are free, each one after them makes the next attempt wait twice as long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    free: i32,
    first: i64,
    longest: i64,
}

/// One person from one place, or on one device.
const PAIR: Rule = Rule { free: 5, first: 5 * SECOND, longest: 15 * MINUTE };

/// One person from a place that they have signed in from: whoever else sits there must not keep them out.
const KNOWN_PAIR: Rule = Rule { longest: MINUTE, ..PAIR };

/// One person from all places that they have not signed in from: the bound where many addresses guess together.
const PERSON: Rule = Rule { free: 20, first: SECOND, longest: MINUTE };

/// One place, for people who have not signed in from there; counted once for each person who failed and has not
/// succeeded since.
const PLACE: Rule = Rule { free: 20, first: SECOND, longest: 30 * SECOND };

impl Rule {
    /// How long after the last failure the next attempt has to wait, in milliseconds.
    fn delay(self, failures: i32) -> i64 {
        match failures.checked_sub(self.free) {
            Some(beyond @ 0..) => (self.first << beyond.min(20)).min(self.longest),
            _ => 0,
        }
    }
}

/// By what somebody who tries to sign in is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acquaintance {
    /// They have signed in on this device before, in this session.
    Device(SessionId),
    /// The person has signed in from this place before.
    Place,
    /// By nothing.
    None,
}

/// Somebody who tries to prove that they are a person.
#[derive(Clone, Debug)]
pub struct Attempt {
    person: String,
    place: Option<IpAddr>,
}

impl Attempt {
    /// Of the person with this e-mail address, from this address.
    pub fn new(email: &str, address: Option<IpAddr>) -> Self {
        Self { person: failure_key(email), place: address.map(place) }
    }

    /// Whether one of these addresses is at the place from which it is tried.
    pub fn comes_from(&self, addresses: &[String]) -> bool {
        let mut places = addresses.iter().filter_map(|address| address.parse().ok()).map(place);
        self.place.is_some_and(|here| places.any(|there| there == here))
    }

    fn encode(&self) -> String {
        self.place.map_or_else(|| "unknown".to_owned(), |place| place.to_string())
    }

    /// The key of the person at the place.
    pub fn pair(&self) -> String {
        format!("{}@{}", self.person, self.encode())
    }

    /// The key of the place.
    pub fn place(&self) -> String {
        format!("place:{}", self.encode())
    }

    /// The key of the person.
    pub fn person(&self) -> &str {
        &self.person
    }

    /// The key of the person on a device.
    pub fn device(&self, session: SessionId) -> String {
        format!("{}#{session}", self.person)
    }

    /// The counts that an attempt waits for, in the order of their keys, in which they are locked.
    pub fn waits_for(&self, known: Acquaintance) -> Vec<(String, Rule)> {
        match known {
            Acquaintance::Device(session) => vec![(self.device(session), PAIR)],
            Acquaintance::Place => vec![(self.pair(), KNOWN_PAIR)],
            Acquaintance::None => {
                vec![(self.person.clone(), PERSON), (self.pair(), PAIR), (self.place(), PLACE)]
            }
        }
    }
}

/// How long somebody has to wait who tries now; nothing where they may try. Beside it are the counts under which only
/// one attempt is permitted now.
pub fn judge(counted: &[Failures], rules: &[(String, Rule)], now: Instant) -> Result<Vec<Failures>, Duration> {
    let mut one_only = Vec::new();
    let mut wait = 0;
    for (key, rule) in rules {
        let remembered = |count: &&Failures| count.key == *key && now.0 - count.last_at.0 < REMEMBERED;
        let Some(count) = counted.iter().find(remembered) else { continue };
        let delay = rule.delay(count.failures);
        if delay > 0 {
            wait = wait.max(count.last_at.0 + delay - now.0);
            one_only.push(count.clone());
        }
    }
    if wait > 0 { Err(Duration::from_millis(wait.unsigned_abs())) } else { Ok(one_only) }
}

/// How long those wait who tried at the same moment as somebody else, where one attempt was permitted.
pub fn beaten(rules: &[(String, Rule)], count: &Failures) -> Duration {
    let rule = rules.iter().find(|(key, _)| *key == count.key).map_or(PAIR, |(_, rule)| *rule);
    Duration::from_millis(rule.delay(count.failures).unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(address: &str) -> Attempt {
        Attempt::new("ann@acme.example", Some(address.parse().unwrap()))
    }

    #[test]
    fn delays_grow_and_have_an_end() {
        let seconds = |rule: Rule, failures| rule.delay(failures) / SECOND;
        assert_eq!([0, 4, 5, 6, 7, 12, 13, i32::MAX].map(|n| seconds(PAIR, n)), [0, 0, 5, 10, 20, 640, 900, 900]);
        assert_eq!([4, 5, 8, 9, 100].map(|n| seconds(KNOWN_PAIR, n)), [0, 5, 40, 60, 60]);
        assert_eq!([19, 20, 25, 26].map(|n| seconds(PERSON, n)), [0, 1, 32, 60]);
        assert_eq!([19, 20, 24, 25].map(|n| seconds(PLACE, n)), [0, 1, 16, 30]);
        assert_eq!(PAIR.delay(-1), 0);
    }

    #[test]
    fn an_attempt_waits_for_the_longest_delay_that_concerns_it() {
        let attempt = attempt("192.0.2.7");
        let count = |key: &str, failures| Failures { key: key.to_owned(), failures, last_at: Instant(1_000) };
        let counted = [count(attempt.person(), 20), count(&attempt.pair(), 6), count(&attempt.place(), 3)];
        let judged = |known, now| judge(&counted, &attempt.waits_for(known), Instant(now));
        assert_eq!(judged(Acquaintance::None, 2_000), Err(Duration::from_secs(9)));
        let permitted = judged(Acquaintance::None, 11_000).unwrap();
        assert_eq!(permitted, counted[..2], "one attempt each");
        assert_eq!(judged(Acquaintance::Device(SessionId(sea_orm::prelude::Uuid::nil())), 1_000), Ok(vec![]));
        assert_eq!(judged(Acquaintance::None, 1_000 + REMEMBERED), Ok(vec![]), "a day later");
        let others = [count(attempt.person(), 99), count(&attempt.place(), 99)];
        assert_eq!(judge(&others, &attempt.waits_for(Acquaintance::Place), Instant(1_000)), Ok(vec![]));
    }

    #[test]
    fn keys_stand_in_the_order_in_which_they_are_locked() {
        let keys: Vec<String> =
            attempt("2001:db8::1").waits_for(Acquaintance::None).into_iter().map(|it| it.0).collect();
        assert!(keys.is_sorted(), "{keys:?}");
        assert!(keys[1] < format!("{}~", keys[0]) && keys[2] > format!("{}~", keys[0]));
    }

    #[test]
    fn one_place_is_one_key() {
        let key = |text: &str| attempt(text).place();
        assert_eq!(key("192.0.2.7"), key("::ffff:192.0.2.7"));
        assert_ne!(key("192.0.2.7"), key("192.0.2.8"));
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        let known = |address: &str| attempt("2001:db8:1:2::1").comes_from(&[address.to_owned()]);
        assert!(known("2001:db8:1:2::9") && !known("192.0.2.7") && !known("no address"));
        assert!(!Attempt::new("x", None).comes_from(&["192.0.2.7".to_owned()]), "nowhere is no place");
    }
}
