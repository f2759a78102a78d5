//! New ids: `UUIDv7` from the injected clock, in order even within one millisecond.

use std::sync::{Mutex, PoisonError};

use entity::Instant;
use sea_orm::prelude::Uuid;

/// Makes ids.
#[derive(Debug, Default)]
pub struct Ids(Mutex<(u64, u16)>);

impl Ids {
    /// The next id: the clock's millisecond, a counter in the twelve bits behind it, and 62 random bits.
    pub fn next(&self, now: Instant) -> Uuid {
        let now = u64::try_from(now.0).unwrap_or(0);
        let (millis, counter) = {
            let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            *last = match *last {
                // The counter is full: borrow from the next millisecond.
                (millis, 0x0fff) if now <= millis => (millis + 1, 0),
                // A clock that stands or goes back must not put ids out of order.
                (millis, counter) if now <= millis => (millis, counter + 1),
                _ => (now, 0),
            };
            *last
        };
        let random: u64 = rand::random();
        let high = millis << 16 | 0x7000 | u64::from(counter);
        let low = random >> 2 | 1 << 63;
        Uuid::from_u64_pair(high, low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_7_and_in_order_even_when_the_clock_stands_or_goes_back() {
        let ids = Ids::default();
        let mut made: Vec<Uuid> =
            (0..10_000).map(|n| ids.next(Instant(1_700_000_000_000 - i64::from(n % 7 == 0) * 50))).collect();
        assert!(made.iter().all(|id| id.get_version_num() == 7 && id.get_variant() == uuid::Variant::RFC4122));
        let sorted = {
            let mut sorted = made.clone();
            sorted.sort();
            sorted
        };
        assert_eq!(made, sorted);
        made.dedup();
        assert_eq!(made.len(), 10_000);
    }
}
