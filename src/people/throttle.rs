//! How often signing in may fail, for one e-mail address and from one place.

use std::net::IpAddr;

use entity::Instant;

use crate::{access::token, store::Attempts};

/// How long failures are counted, in milliseconds.
pub const WINDOW: i64 = 15 * 60 * 1000;

const PER_EMAIL: i32 = 5;
const PER_ADDRESS: i32 = 20;

/// The key under which the failures of an e-mail address are counted. It is a hash, so that what
/// anybody typed neither stands in the database nor is longer than others.
#[must_use]
pub fn email_key(email: &str) -> String {
    format!("email:{}", token::hash(email))
}

/// The key under which the failures from an address are counted. An IPv6 network counts as one
/// place, since its 2⁶⁴ addresses are all one customer's.
#[must_use]
pub fn address_key(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => format!("address:{address}"),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("address:{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// Until when nobody may try again, if there were too many failures.
#[must_use]
pub fn closed_until(attempts: &[Attempts], now: Instant) -> Option<Instant> {
    let most = |key: &str| if key.starts_with("email:") { PER_EMAIL } else { PER_ADDRESS };
    let full = attempts.iter().filter(|attempts| attempts.failures >= most(&attempts.key));
    full.map(|attempts| Instant(attempts.since.0 + WINDOW)).filter(|until| *until > now).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_hold_until_their_window_ends() {
        let attempts = |key: &str, failures| Attempts { key: key.to_owned(), failures, since: Instant(1_000) };
        let at = |failures, now| closed_until(&[attempts("email:x", failures)], Instant(now));
        assert_eq!(at(4, 2_000), None);
        assert_eq!(at(5, 2_000), Some(Instant(1_000 + WINDOW)));
        assert_eq!(at(5, 1_000 + WINDOW), None);
        assert_eq!(closed_until(&[attempts("address:x", 19)], Instant(2_000)), None);
        assert_eq!(closed_until(&[attempts("address:x", 20)], Instant(2_000)), Some(Instant(1_000 + WINDOW)));
    }

    #[test]
    fn one_place_is_one_key() {
        let key = |text: &str| address_key(text.parse().unwrap());
        assert_eq!(key("192.0.2.7"), key("::ffff:192.0.2.7"));
        assert_ne!(key("192.0.2.7"), key("192.0.2.8"));
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
    }
}
