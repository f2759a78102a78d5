//! Tokens of the company's issuer: a key set, a token and rules become claims, without network and clock.

mod claims;
mod keys;
#[cfg(test)]
mod tests;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use entity::Instant;
use jsonwebtoken::Algorithm;
use serde_json::{Map, Value as Json};

pub use claims::Claims;
pub use keys::Keys;

use super::token::LEEWAY;
use crate::error::{Code, Error, Result};

/// Longer ones are not looked at.
const LONGEST: usize = 32 * 1024;
/// The standard allows 255.
const LONGEST_SUBJECT: usize = 1_000;

/// What a token must say to be taken.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Who must have given it.
    pub issuer: String,
    /// For whom it must be meant: one of these.
    pub audiences: Vec<String>,
}

/// A token taken apart, of which nothing is proven.
#[derive(Debug)]
pub struct Unproven<'a> {
    header: Map<String, Json>,
    claims: Map<String, Json>,
    message: &'a str,
    signature: &'a str,
}

/// A token whose form is good, still to be proven by the key it names.
#[derive(Debug)]
pub struct Signed<'a> {
    token: Unproven<'a>,
    algorithm: Algorithm,
}

/// Who a token says has given it; nothing where it is no token or does not say.
#[must_use]
pub fn issuer_of(token: &str) -> Option<String> {
    Some(Unproven::read(token)?.claims.get("iss")?.as_str()?.to_owned())
}

impl<'a> Unproven<'a> {
    /// Takes a token apart.
    #[must_use]
    pub fn read(token: &'a str) -> Option<Self> {
        if token.len() > LONGEST {
            return None;
        }
        let (message, signature) = token.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        Some(Self { header: object(header)?, claims: object(claims)?, message, signature })
    }

    /// Checks what needs no key: who gave it, how it is signed, what kind of token it is.
    pub fn check(self, rules: &Rules) -> Result<Signed<'a>> {
        match self.claims.get("iss").and_then(Json::as_str) {
            Some(issuer) if issuer == rules.issuer => {}
            _ => {
                return Err(refused(
                    "TOKEN_ISSUER",
                    "The access token is of another issuer than the one trusted here.",
                ));
            }
        }
        // What the header offers as a key (`jwk`, `jku`, `x5u`, `x5c`) is never looked at: whoever forges
        // a token writes it. Only the name of the key counts, among those that the issuer publishes.
        let algorithm = self.header.get("alg").and_then(Json::as_str).and_then(asymmetric).ok_or_else(|| {
            refused("TOKEN_ALGORITHM", "The access token is not signed by an algorithm that is accepted here.")
        })?;
        let kind = match self.header.get("typ") {
            None => true,
            Some(kind) => kind.as_str().is_some_and(|kind| {
                let kind = kind.to_ascii_lowercase();
                matches!(kind.strip_prefix("application/").unwrap_or(&kind), "jwt" | "at+jwt")
            }),
        };
        if !kind {
            return Err(malformed("This is another kind of token than an access token or an ID token."));
        }
        if self.header.contains_key("crit") {
            return Err(malformed("The access token demands something of its reader that Tandem does not know."));
        }
        Ok(Signed { token: self, algorithm })
    }
}

impl Signed<'_> {
    /// Proves it by the keys of the issuer and checks what it says.
    pub fn prove(self, keys: &Keys, rules: &Rules, now: Instant) -> Result<Claims> {
        let key = keys.for_token(self.key_name(), self.algorithm)?;
        let proven =
            jsonwebtoken::crypto::verify(self.token.signature, self.token.message.as_bytes(), key, self.algorithm);
        if !proven.unwrap_or(false) {
            return Err(refused("TOKEN_SIGNATURE", "The signature of the access token is wrong."));
        }
        let claims = self.token.claims;
        if !meant_for(claims.get("aud"), &rules.audiences) {
            return Err(refused("TOKEN_AUDIENCE", "The access token is meant for another service than this one."));
        }
        let when = |name: &str| claims.get(name).map(|at| seconds(at).ok_or_else(|| unreadable(name))).transpose();
        let needed = |name: &str| when(name)?.ok_or_else(|| unreadable(name));
        let (now, expires, issued) = (now.0.div_euclid(1000), needed("exp")?, needed("iat")?);
        if now >= expires.saturating_add(LEEWAY) {
            return Err(refused("TOKEN_EXPIRED", "The access token has expired; get another one from your issuer."));
        }
        if issued.max(when("nbf")?.unwrap_or(i64::MIN)) > now + LEEWAY {
            return Err(super::token::not_yet_valid());
        }
        let subject = claims.get("sub").and_then(Json::as_str).filter(|subject| {
            !subject.is_empty() && subject.len() <= LONGEST_SUBJECT && !subject.contains(char::is_control)
        });
        let subject = subject.ok_or_else(|| unreadable("sub"))?.to_owned();
        let instant = |seconds: i64| Instant(seconds.saturating_mul(1000));
        let (issued_at, expires_at) = (instant(issued), instant(expires.saturating_add(LEEWAY)));
        Ok(Claims { subject, issued_at, expires_at, all: claims })
    }

    /// Whether there is a key of the name that it bears.
    #[must_use]
    pub fn known_to(&self, keys: &Keys) -> bool {
        keys.has(self.key_name(), self.algorithm)
    }

    fn key_name(&self) -> Option<&str> {
        self.token.header.get("kid").and_then(Json::as_str)
    }
}

/// The algorithms with a public key. A secret one must never be verified with a key that everybody
/// knows, so there is none among them.
fn asymmetric(name: &str) -> Option<Algorithm> {
    Some(match name {
        "RS256" => Algorithm::RS256,
        "RS384" => Algorithm::RS384,
        "RS512" => Algorithm::RS512,
        "PS256" => Algorithm::PS256,
        "PS384" => Algorithm::PS384,
        "PS512" => Algorithm::PS512,
        "ES256" => Algorithm::ES256,
        "ES384" => Algorithm::ES384,
        "EdDSA" | "Ed25519" => Algorithm::EdDSA,
        _ => return None,
    })
}

fn meant_for(audience: Option<&Json>, ours: &[String]) -> bool {
    let is_ours = |one: &Json| one.as_str().is_some_and(|one| ours.iter().any(|ours| ours == one));
    match audience {
        Some(Json::Array(all)) => all.iter().any(is_ours),
        Some(one) => is_ours(one),
        None => false,
    }
}

/// A `NumericDate`, which may have a fraction.
fn seconds(at: &Json) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "it saturates, and so far away all is the same")]
    let rounded = |at: f64| at.floor() as i64;
    at.as_i64().or_else(|| at.as_f64().map(rounded))
}

fn object(part: &str) -> Option<Map<String, Json>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

fn refused(reason: &'static str, message: impl Into<String>) -> Error {
    Error::refused_because(Code::Unauthenticated, reason, message)
}

fn malformed(message: impl Into<String>) -> Error {
    refused("TOKEN_MALFORMED", message)
}

fn unreadable(claim: &str) -> Error {
    malformed(format!("The access token has no readable “{claim}”."))
}
