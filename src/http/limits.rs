//! How much cost a caller may spend: a leaky bucket for each, that refills as time goes by.

use std::{
    net::IpAddr,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock as GovernorClock, Reference},
    middleware::StateInformationMiddleware,
    nanos::Nanos,
    state::keyed::HashMapStateStore,
};

use super::{gate::refusal::Refusal, settings::Rate};
use crate::{
    access::{guess::Guesses, place},
    clock::Clock,
    error::Code,
};

/// Charges between two sweeps of buckets that are full again.
const SWEEP: u64 = 4096;

/// What credentials cost that are no good, or that nobody has met yet; at most a tenth of an allowance.
const GUESS: u32 = 10;

/// The state of a caller's bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Throttle {
    pub maximum: u32,
    pub available: u32,
    pub restore: u32,
}

/// The buckets.
pub(super) struct Buckets {
    limiter: RateLimiter<String, HashMapStateStore<String>, Ticks, StateInformationMiddleware>,
    rate: Rate,
    charges: AtomicU64,
}

impl Buckets {
    /// Buckets of this size, by this clock.
    pub fn new(rate: Rate, clock: Arc<dyn Clock>) -> Self {
        let maximum = NonZeroU32::new(rate.maximum).unwrap_or(NonZeroU32::MIN);
        let restore = NonZeroU32::new(rate.restore).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(restore).allow_burst(maximum);
        let limiter = RateLimiter::hashmap_with_clock(quota, Ticks(clock)).with_middleware();
        let rate = Rate { maximum: maximum.get(), restore: restore.get() };
        Self { limiter, rate, charges: AtomicU64::new(0) }
    }

    /// Takes this cost out of the caller's bucket, or tells when there will be enough.
    pub fn charge(&self, key: &str, cost: u64) -> Result<Throttle, Refusal> {
        if self.charges.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        let Rate { maximum, restore } = self.rate;
        // What is dearer than the whole bucket empties it.
        let cost = u32::try_from(cost).unwrap_or(u32::MAX).clamp(1, maximum);
        let cost = NonZeroU32::new(cost).unwrap_or(NonZeroU32::MIN);
        match self.limiter.check_key_n(&key.to_owned(), cost) {
            Ok(Ok(state)) => Ok(Throttle { maximum, available: state.remaining_burst_capacity(), restore }),
            Ok(Err(not_until)) => {
                Err(refuse(not_until.wait_time_from(self.limiter.clock().now()), cost.get(), maximum))
            }
            Err(_) => Err(refuse(Duration::from_secs(1), cost.get(), maximum)),
        }
    }

    /// Takes the cost of a guessed credential out of the bucket that its address has for guesses. It is not the one of
    /// callers without a token, so that guesses shut nobody out.
    pub fn charge_guess(&self, address: IpAddr) -> Result<Throttle, Refusal> {
        self.charge_at("guesses", address)
    }

    /// The same for anything else that somebody may guess at or repeat before it is known who they are, out of a bucket
    /// for this alone.
    pub fn charge_for(&self, what: &str, whom: &str) -> Result<Throttle, Refusal> {
        let cost = GUESS.min(self.rate.maximum / 10).max(1);
        self.charge(&format!("{what}:{whom}"), cost.into())
    }

    /// The same out of a bucket of an address.
    pub fn charge_at(&self, what: &str, address: IpAddr) -> Result<Throttle, Refusal> {
        self.charge_for(what, &place(address).to_string())
    }

    /// The buckets as what resolvers charge for guesses from this address.
    pub fn guesses(self: &Arc<Self>, address: IpAddr) -> Guesses {
        let buckets = Arc::clone(self);
        Guesses::charged_by(move |guess| {
            let charged = buckets.charge_at(guess.as_str(), address);
            charged.map(|_| ()).map_err(Refusal::into_error)
        })
    }
}

fn refuse(wait: Duration, cost: u32, maximum: u32) -> Refusal {
    let message = format!(
        "The request costs {cost}, which exceeds what is left of your limit of {maximum}; try again in {:.1} seconds.",
        wait.as_secs_f64()
    );
    let mut refusal = Refusal::limit(Code::RateLimited, message, maximum.into(), Some(cost.into()))
        .with("retryAfter", wait.as_secs_f64());
    refusal.retry_after = Some(wait);
    refusal
}

/// The injected clock in the limiter's words.
#[derive(Clone)]
struct Ticks(Arc<dyn Clock>);

impl GovernorClock for Ticks {
    type Instant = Millis;

    fn now(&self) -> Millis {
        Millis(u64::try_from(self.0.now().0).unwrap_or_default())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Millis(u64);

impl std::ops::Add<Nanos> for Millis {
    type Output = Self;

    fn add(self, nanos: Nanos) -> Self {
        Self(self.0 + nanos.as_u64().div_ceil(1_000_000))
    }
}

impl Reference for Millis {
    fn duration_since(&self, earlier: Self) -> Nanos {
        Duration::from_millis(self.0.saturating_sub(earlier.0)).into()
    }

    fn saturating_sub(&self, duration: Nanos) -> Self {
        Self(self.0.saturating_sub(duration.as_u64() / 1_000_000))
    }
}

#[cfg(test)]
mod tests {
    use entity::Instant;

    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn a_bucket_empties_by_cost_and_refills_with_time() {
        let clock = Arc::new(ManualClock::at(Instant(1_700_000_000_000)));
        let buckets = Buckets::new(Rate { maximum: 100, restore: 10 }, clock.clone());
        assert_eq!(buckets.charge("a", 60).unwrap().available, 40);
        assert_eq!(buckets.charge("a", 0).unwrap().available, 39, "nothing is free");
        let refusal = buckets.charge("a", 60).unwrap_err();
        assert_eq!(refusal.code, Code::RateLimited);
        let wait = refusal.retry_after.unwrap();
        assert!(wait > Duration::from_secs(2) && wait <= Duration::from_millis(2_110), "{wait:?}");
        assert_eq!(buckets.charge("b", 60).unwrap().available, 40, "another's bucket is their own");
        clock.advance(Duration::from_millis(2_200));
        assert!(buckets.charge("a", 60).is_ok());
    }

    #[test]
    fn guesses_of_one_network_are_paid_from_one_bucket_of_their_own() {
        let clock = Arc::new(ManualClock::at(Instant(1_700_000_000_000)));
        let buckets = Buckets::new(Rate { maximum: 100, restore: 10 }, clock.clone());
        let guess = |address: &str| buckets.charge_guess(address.parse().unwrap());
        for n in 0..10 {
            guess(&format!("2001:db8::{n}")).unwrap();
        }
        assert_eq!(guess("2001:db8::ffff").unwrap_err().code, Code::RateLimited);
        guess("2001:db8:0:1::1").unwrap();
        guess("192.0.2.1").unwrap();
        buckets.charge("anonymous:2001:db8::1", 100).unwrap();
        clock.advance(Duration::from_millis(1_100));
        guess("2001:db8::1").unwrap();
        assert!(guess("2001:db8::1").is_err());
    }

    #[test]
    fn what_is_dearer_than_the_bucket_empties_it() {
        let clock = Arc::new(ManualClock::at(Instant(0)));
        let buckets = Buckets::new(Rate { maximum: 100, restore: 10 }, clock);
        assert_eq!(buckets.charge("a", u64::MAX).unwrap().available, 0);
        assert!(buckets.charge("a", 1).is_err());
    }
}
