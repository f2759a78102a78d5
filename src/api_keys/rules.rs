//! Rules of API keys: until when, and from where.

use entity::{Instant, Texts};

use crate::{
    access::key,
    error::{UserCode, UserError},
    store::value::short,
};

/// How far ahead a key may end, in milliseconds: 366 days.
const FURTHEST: i64 = 366 * 24 * 60 * 60 * 1_000;

/// How long the secret that a rotation replaces may stay good, in minutes: a week.
const LONGEST_OVERLAP: i32 = 7 * 24 * 60;

/// A key ends, and its end can be foreseen.
pub(super) fn may_end(at: Instant, now: Instant) -> Result<(), UserError> {
    let wrong = |message| Err(UserError::new(UserCode::OutOfRange, "expiresAt", message));
    if at <= now {
        return wrong("expiresAt must be in the future.".to_owned());
    }
    if at.0 > now.0.saturating_add(FURTHEST) {
        let latest = Instant(now.0 + FURTHEST).rfc3339();
        return wrong(format!("expiresAt must be within 366 days, by {latest}; it can be extended later."));
    }
    Ok(())
}

/// When a secret that is replaced now ends.
pub(super) fn overlap_ends(minutes: i32, now: Instant) -> Result<Instant, UserError> {
    if (0..=LONGEST_OVERLAP).contains(&minutes) {
        return Ok(Instant(now.0 + i64::from(minutes) * 60_000));
    }
    let message = format!("overlapMinutes must be between 0 and {LONGEST_OVERLAP}; got {minutes}.");
    Err(UserError::new(UserCode::OutOfRange, "overlapMinutes", message))
}

/// Networks in one spelling, each once; or what is wrong with which of them.
pub(super) fn networks(given: &Texts) -> Result<Texts, Vec<UserError>> {
    let (mut read, mut wrong) = (Vec::with_capacity(given.0.len()), Vec::new());
    for (n, text) in given.0.iter().enumerate() {
        match key::network(text).map(|net| net.to_string()) {
            Some(net) if read.contains(&net) => {}
            Some(net) => read.push(net),
            None => {
                let message = format!(
                    "“{}” is neither an address nor a network such as 203.0.113.0/24 or 2001:db8::/48.",
                    short(text)
                );
                wrong.push(UserError::new(UserCode::Invalid, &format!("allowedNetworks.{n}"), message));
            }
        }
    }
    if wrong.is_empty() { Ok(Texts(read)) } else { Err(wrong) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_ends_between_now_and_in_366_days() {
        let now = Instant(1_000);
        for (at, good) in
            [(0, false), (1_000, false), (1_001, true), (1_000 + FURTHEST, true), (1_001 + FURTHEST, false)]
        {
            assert_eq!(may_end(Instant(at), now).is_ok(), good, "{at}");
        }
    }

    #[test]
    fn a_replaced_secret_stays_for_a_week_at_most() {
        let now = Instant(1_000);
        assert_eq!(overlap_ends(0, now), Ok(now));
        assert_eq!(overlap_ends(10_080, now), Ok(Instant(1_000 + 10_080 * 60_000)));
        assert!(overlap_ends(-1, now).is_err() && overlap_ends(10_081, now).is_err());
    }

    #[test]
    fn bad_networks_are_told_by_their_place() {
        let texts = |texts: &[&str]| Texts(texts.iter().map(|text| (*text).to_owned()).collect());
        let good = networks(&texts(&["203.0.113.7/24", "203.0.113.0/24", "::1"])).unwrap();
        assert_eq!(good, texts(&["203.0.113.0/24", "::1/128"]));
        let wrong = networks(&texts(&["10.0.0.0/8", "nonsense", "::/129"])).unwrap_err();
        let fields: Vec<String> = wrong.iter().map(|error| error.field.join(".")).collect();
        assert_eq!(fields, ["allowedNetworks.1", "allowedNetworks.2"]);
    }
}
