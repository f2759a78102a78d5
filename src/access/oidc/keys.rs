//! The keys that an issuer publishes, and which of them a token may be verified with.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use serde_json::Value as Json;

use super::refused;
use crate::error::Result;

/// The keys of an issuer that can verify a signature.
#[derive(Clone, Debug, Default)]
pub struct Keys(pub(super) Vec<Key>);

#[derive(Clone, Debug)]
pub(super) struct Key {
    name: Option<String>,
    shape: Shape,
    /// For which algorithm alone it is meant.
    only: Option<String>,
    public: DecodingKey,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Rsa,
    P256,
    P384,
    Ed25519,
}

impl Keys {
    /// Reads a JWK set. Keys that cannot verify are left out: for encryption, secret, of unknown kinds,
    /// or too weak.
    #[must_use]
    pub fn read(set: &Json) -> Option<Self> {
        Some(Self(set.get("keys")?.as_array()?.iter().filter_map(Key::read).collect()))
    }

    /// Whether none of them can verify anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is a key of this name; without a name, one that fits.
    pub(super) fn has(&self, name: Option<&str>, algorithm: Algorithm) -> bool {
        match name {
            Some(_) => self.0.iter().any(|key| key.name.as_deref() == name),
            None => self.0.iter().any(|key| key.fits(algorithm)),
        }
    }

    /// The key to verify a token with. A token that names none is taken where only one key can be meant.
    pub(super) fn for_token(&self, name: Option<&str>, algorithm: Algorithm) -> Result<&DecodingKey> {
        let named: Vec<&Key> = self.0.iter().filter(|key| name.is_none() || key.name.as_deref() == name).collect();
        let mut fitting = named.iter().filter(|key| key.fits(algorithm));
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(&key.public),
            (Some(key), Some(_)) if name.is_some() => Ok(&key.public),
            (None, _) if name.is_some() && !named.is_empty() => {
                Err(refused("TOKEN_ALGORITHM", "The algorithm of the access token does not match its key."))
            }
            _ => Err(refused("TOKEN_KEY_UNKNOWN", "The issuer has no key with the ID given in the access token.")),
        }
    }
}

impl Key {
    fn read(jwk: &Json) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Json::as_str);
        let verifies = |of: &Json| of.as_array().is_some_and(|all| all.iter().any(|one| one == "verify"));
        if text("use").is_some_and(|of| of != "sig") || jwk.get("key_ops").is_some_and(|of| !verifies(of)) {
            return None;
        }
        let (shape, public) = match (text("kty")?, text("crv")) {
            ("RSA", _) => {
                // RFC 7518: less than 2048 bits must not be used.
                let modulus = URL_SAFE_NO_PAD.decode(text("n")?).ok()?;
                if modulus.iter().skip_while(|byte| **byte == 0).count() < 256 {
                    return None;
                }
                (Shape::Rsa, DecodingKey::from_rsa_components(text("n")?, text("e")?))
            }
            ("EC", Some("P-256")) => (Shape::P256, DecodingKey::from_ec_components(text("x")?, text("y")?)),
            ("EC", Some("P-384")) => (Shape::P384, DecodingKey::from_ec_components(text("x")?, text("y")?)),
            ("OKP", Some("Ed25519")) => (Shape::Ed25519, DecodingKey::from_ed_components(text("x")?)),
            _ => return None,
        };
        Some(Self {
            name: text("kid").map(str::to_owned),
            shape,
            only: text("alg").map(str::to_owned),
            public: public.ok()?,
        })
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        let shape = match algorithm.family() {
            AlgorithmFamily::Rsa => Shape::Rsa,
            AlgorithmFamily::Ec if algorithm == Algorithm::ES256 => Shape::P256,
            AlgorithmFamily::Ec => Shape::P384,
            AlgorithmFamily::Ed => Shape::Ed25519,
            AlgorithmFamily::Hmac => return false,
        };
        self.shape == shape && self.only.as_deref().is_none_or(|only| super::asymmetric(only) == Some(algorithm))
    }
}
