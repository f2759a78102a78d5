//! Requests that name another client while their peer is none of the trusted proxies, told to whoever runs the server.

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use entity::Instant;

/// How often the log tells of them, in milliseconds.
const TOLD: i64 = 60_000;

/// How many there were since the log last told of them.
#[derive(Debug, Default)]
pub(super) struct Forwarders(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    last: Option<Instant>,
    since: u64,
}

impl Forwarders {
    /// Notes one, and warns once a minute at most.
    pub fn note(&self, peer: IpAddr, now: Instant) {
        if let Some(count) = self.due(now) {
            tracing::warn!(
                %peer,
                count,
                "X-Forwarded-For comes from a peer that is no trusted proxy and is not believed; if it is your proxy, name it \
                 in --trusted-proxies, or all who come through it count as one address"
            );
        }
    }

    fn due(&self, now: Instant) -> Option<u64> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.since += 1;
        if told.last.is_some_and(|last| now.0 - last.0 < TOLD) {
            return None;
        }
        told.last = Some(now);
        Some(std::mem::take(&mut told.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_once_a_minute_how_many_there_were() {
        let forwarders = Forwarders::default();
        let due = |now| forwarders.due(Instant(now));
        assert_eq!([due(0), due(1), due(TOLD - 1), due(TOLD), due(TOLD + 1)], [Some(1), None, None, Some(3), None]);
    }
}
