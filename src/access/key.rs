//! API keys as they are presented: their secrets, the networks they may call from, and why one is refused.

use std::net::IpAddr;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use entity::Instant;
use ipnet::{IpNet, Ipv4Net};
use sha2::{Digest, Sha256};

use crate::error::{Code, Error, Result};

/// How every secret begins.
const PREFIX: &str = "tdk_";
/// Characters of a secret: its beginning and 32 bytes as base64url.
const LENGTH: usize = PREFIX.len() + 43;
/// Characters of a secret that are shown for ever.
const SHOWN: usize = 12;

/// Random bytes as base64url.
pub(super) fn random<const BYTES: usize>() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; BYTES]>())
}

/// A new secret of 256 random bits.
#[must_use]
pub fn generate() -> String {
    format!("{PREFIX}{}", random::<32>())
}

/// How a secret begins, to tell keys apart.
#[must_use]
pub fn shown(secret: &str) -> &str {
    secret.get(..SHOWN).unwrap_or_default()
}

/// Whether a bearer token is meant as the secret of an API key.
#[must_use]
pub fn is_meant(bearer: &str) -> bool {
    bearer.starts_with(PREFIX)
}

/// As which a secret is stored and looked up: its SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of a secret.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// As the database spells it.
    #[must_use]
    pub fn encode(&self) -> String {
        use std::fmt::Write;
        self.0.iter().fold(String::with_capacity(64), |mut hex, byte| {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    /// Reads what [`Fingerprint::encode`] has written.
    #[must_use]
    pub fn read(encoded: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if encoded.len() != 64 || !encoded.is_ascii() {
            return None;
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&encoded[2 * at..2 * at + 2], 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl std::fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fingerprint(…)")
    }
}

/// A secret as somebody presents it: which, and from where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presented {
    /// Which secret.
    pub secret: Fingerprint,
    /// The client's address.
    pub address: Option<IpAddr>,
}

impl Presented {
    /// Reads a bearer token; what cannot be a secret is refused before anybody looks for it.
    pub fn read(bearer: &str, address: Option<IpAddr>) -> Result<Self> {
        let secret = bearer.len() == LENGTH && bearer.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
        if secret { Ok(Self { secret: Fingerprint::of(bearer), address }) } else { Err(unknown()) }
    }
}

/// All that decides whether a secret is good.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Whether the key was revoked.
    pub revoked: bool,
    /// When this secret ends because another has replaced it.
    pub replaced_at: Option<Instant>,
    /// When the key ends.
    pub expires_at: Instant,
    /// Whether its role is live.
    pub role_live: bool,
    /// Whether who answers for it may sign in.
    pub owner_active: bool,
    /// The networks it may call from; from anywhere where there are none.
    pub networks: Vec<IpNet>,
}

impl Standing {
    /// Until when the secret is good if nothing happens.
    #[must_use]
    pub fn ends_at(&self) -> Instant {
        self.replaced_at.map_or(self.expires_at, |at| at.min(self.expires_at))
    }

    /// Refuses a secret that is not good now or not from there; what the owner of the key can least
    /// undo is told first.
    pub fn check(&self, now: Instant, address: Option<IpAddr>) -> Result<()> {
        let from_there = |net: &IpNet| address.is_some_and(|address| net.contains(&address.to_canonical()));
        let (reason, message) = if self.revoked {
            ("API_KEY_REVOKED", "The API key has been revoked; create a new one.".to_owned())
        } else if self.replaced_at.is_some_and(|at| at <= now) {
            ("API_KEY_ROTATED", "This secret was rotated and is no longer valid; use the new one.".to_owned())
        } else if self.expires_at <= now {
            ("API_KEY_EXPIRED", "The API key has expired; extend its expiration date or create a new key.".to_owned())
        } else if !self.role_live {
            ("API_KEY_ROLE_REVOKED", "The role of the API key was deleted; assign another role to the key.".to_owned())
        } else if !self.owner_active {
            let message = "The owner of the API key is deactivated; assign the key to another user.";
            ("API_KEY_OWNER_DEACTIVATED", message.to_owned())
        } else if !self.networks.is_empty() && !self.networks.iter().any(from_there) {
            let from = address.map_or_else(|| "an unknown address".to_owned(), |at| at.to_canonical().to_string());
            ("API_KEY_ADDRESS_REFUSED", format!("The API key may not be used from {from}."))
        } else {
            return Ok(());
        };
        Err(Error::refused_because(Code::Unauthenticated, reason, message))
    }
}

/// The refusal of a secret that there is no key of.
#[must_use]
pub fn unknown() -> Error {
    let message = "The API key is not valid; check that it was copied completely.";
    Error::refused_because(Code::Unauthenticated, "API_KEY_INVALID", message)
}

/// Reads a network in CIDR notation, or a single address as the network of it alone. Bits beyond the
/// prefix are cleared; IPv4 written as IPv6 is IPv4, as which the addresses of requests are known.
#[must_use]
pub fn network(text: &str) -> Option<IpNet> {
    let text = text.trim();
    let net = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).ok()?.trunc();
    if let IpNet::V6(v6) = net
        && v6.prefix_len() >= 96
        && let Some(v4) = v6.addr().to_ipv4_mapped()
    {
        return Ipv4Net::new(v4, v6.prefix_len() - 96).ok().map(IpNet::V4);
    }
    Some(net)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant(1_000);

    fn good() -> Standing {
        let networks = vec![network("203.0.113.0/24").unwrap(), network("2001:db8::1").unwrap()];
        let expires_at = Instant(2_000);
        Standing { revoked: false, replaced_at: None, expires_at, role_live: true, owner_active: true, networks }
    }

    fn reason(standing: &Standing, now: Instant, address: &str) -> String {
        match standing.check(now, Some(address.parse().unwrap())) {
            Ok(()) => "good".to_owned(),
            Err(Error::Refused(refusal)) => refusal.reason.unwrap_or_default().into_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_secret_is_told_by_its_beginning_and_stored_as_its_hash() {
        let secret = generate();
        assert!(is_meant(&secret) && secret.len() == LENGTH && shown(&secret).len() == SHOWN, "{secret}");
        let read = Presented::read(&secret, None).unwrap();
        assert_eq!(read.secret, Fingerprint::of(&secret));
        assert_eq!(Fingerprint::of("abc").encode(), crate::access::token::hash("abc"));
        assert!(!format!("{read:?}").contains(&read.secret.encode()));
        for none in ["tdk_", &secret[..46], &format!("{secret}x"), &secret.replace('_', " ")] {
            assert!(Presented::read(none, None).is_err(), "{none}");
        }
    }

    #[test]
    fn a_secret_is_good_until_something_ends_it() {
        let at = "203.0.113.9";
        assert_eq!(reason(&good(), NOW, at), "good");
        assert_eq!(reason(&good(), Instant(1_999), at), "good");
        assert_eq!(reason(&good(), Instant(2_000), at), "API_KEY_EXPIRED");
        let replaced = Standing { replaced_at: Some(Instant(1_500)), ..good() };
        assert_eq!((replaced.ends_at(), good().ends_at()), (Instant(1_500), Instant(2_000)));
        assert_eq!(reason(&replaced, Instant(1_499), at), "good");
        assert_eq!(reason(&replaced, Instant(1_500), at), "API_KEY_ROTATED");
        assert_eq!(reason(&Standing { revoked: true, ..replaced }, Instant(9_000), at), "API_KEY_REVOKED");
        assert_eq!(reason(&Standing { role_live: false, ..good() }, NOW, at), "API_KEY_ROLE_REVOKED");
        assert_eq!(reason(&Standing { owner_active: false, ..good() }, NOW, at), "API_KEY_OWNER_DEACTIVATED");
    }

    #[test]
    fn a_secret_is_good_from_its_networks_alone() {
        for (address, expected) in [
            ("203.0.113.255", "good"),
            ("::ffff:203.0.113.1", "good"),
            ("2001:db8::1", "good"),
            ("203.0.114.0", "API_KEY_ADDRESS_REFUSED"),
            ("2001:db8::2", "API_KEY_ADDRESS_REFUSED"),
        ] {
            assert_eq!(reason(&good(), NOW, address), expected, "{address}");
        }
        assert!(good().check(NOW, None).is_err(), "an address that is not known is in no network");
        assert!(Standing { networks: vec![], ..good() }.check(NOW, None).is_ok());
    }

    #[test]
    fn networks_are_read_in_one_spelling() {
        let read = |text: &str| network(text).map(|net| net.to_string());
        for (text, expected) in [
            ("203.0.113.7/24", "203.0.113.0/24"),
            (" 203.0.113.7 ", "203.0.113.7/32"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("2001:DB8:0:0::1/64", "2001:db8::/64"),
            ("2001:db8::1", "2001:db8::1/128"),
            ("::ffff:203.0.113.7", "203.0.113.7/32"),
            ("::ffff:203.0.113.0/120", "203.0.113.0/24"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "localhost", "203.0.113.0/33", "203.0.113/24", "203.0.113.1-9", "fe80::1%eth0", "10.0.0.0/8/8"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
