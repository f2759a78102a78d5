//! Tokens: access tokens that tell who calls, refresh tokens that renew them.

use entity::{Instant, Kind, id, session::SessionId, user::UserId};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, errors::ErrorKind};
use serde::{Deserialize, Serialize};

use super::key::{Fingerprint, random};
use crate::error::{Code, Error, Result};

/// How long an access token is good, in seconds.
pub const LIFETIME: i64 = 15 * 60;
/// By how much the clocks of two machines may differ, in seconds.
pub const LEEWAY: i64 = 60;

/// Who has given our own tokens.
pub const ISSUER: &str = "tandem";
const REFRESH: &str = "tdr_";
const INVITATION: &str = "tdi_";

/// What signs access tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    /// Its name, which every token bears.
    pub kid: String,
    /// The secret itself.
    pub secret: String,
    /// Since when it signs no more.
    pub retired_at: Option<Instant>,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("kid", &self.kid).field("retired_at", &self.retired_at).finish_non_exhaustive()
    }
}

impl Key {
    /// A new key of 256 random bits.
    #[must_use]
    pub fn generate() -> Self {
        Self { kid: random::<9>(), secret: random::<32>(), retired_at: None }
    }

    /// The key of the configuration; the same secret has the same name in every process.
    pub fn configured(secret: &str) -> Result<Self> {
        if secret.len() < 32 {
            return Err(Error::internal("the configured signing key is too short: it takes at least 32 bytes"));
        }
        let kid = format!("configured-{}", &hash(&format!("kid {secret}"))[..12]);
        Ok(Self { kid, secret: secret.to_owned(), retired_at: None })
    }

    /// Whether a token that it signed may still be good: a retired key outlives its last token.
    #[must_use]
    pub fn verifies_at(&self, now: Instant) -> bool {
        self.retired_at.is_none_or(|at| now.0 < at.0 + (LIFETIME + 2 * LEEWAY) * 1000)
    }
}

/// What an access token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Whose it is.
    pub user: UserId,
    /// In which session it was given.
    pub session: SessionId,
    /// Until when it is good; by how much the clocks may differ comes on top.
    pub expires_at: Instant,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    iss: String,
    sub: String,
    sid: String,
    iat: i64,
    exp: i64,
}

/// Signs an access token; answers it and when it ends.
pub fn sign(key: &Key, user: UserId, session: SessionId, now: Instant) -> Result<(String, Instant)> {
    let iat = now.0.div_euclid(1000);
    let exp = iat + LIFETIME;
    let wire = Wire { iss: ISSUER.to_owned(), sub: user.to_string(), sid: session.to_string(), iat, exp };
    let header = Header { kid: Some(key.kid.clone()), ..Header::new(Algorithm::HS256) };
    let token = jsonwebtoken::encode(&header, &wire, &EncodingKey::from_secret(key.secret.as_bytes()));
    Ok((token.map_err(Error::internal)?, Instant(exp * 1000)))
}

/// The name of the key that a token says it was signed with.
pub fn key_of(token: &str) -> Result<String> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| malformed())?;
    if header.alg != Algorithm::HS256 {
        return Err(invalid());
    }
    header.kid.ok_or_else(invalid)
}

/// Reads an access token that this key must have signed.
pub fn verify(key: &Key, token: &str, now: Instant) -> Result<Claims> {
    let mut rules = Validation::new(Algorithm::HS256);
    // The time is told by the injected clock, not by the library's.
    rules.validate_exp = false;
    rules.set_required_spec_claims(&["exp", "iss", "sub"]);
    rules.set_issuer(&[ISSUER]);
    let read = jsonwebtoken::decode::<Wire>(token, &DecodingKey::from_secret(key.secret.as_bytes()), &rules);
    let wire = read.map_err(|error| match error.kind() {
        ErrorKind::InvalidToken | ErrorKind::Base64(_) | ErrorKind::Json(_) | ErrorKind::Utf8(_) => malformed(),
        _ => invalid(),
    })?;
    let wire = wire.claims;
    let seconds = now.0.div_euclid(1000);
    // A retired key gives no new tokens, whoever has its secret.
    let latest = key.retired_at.map_or(seconds, |at| at.0.div_euclid(1000).min(seconds));
    if wire.iat > seconds + LEEWAY {
        return Err(not_yet_valid());
    }
    if wire.iat > latest + LEEWAY || wire.exp > wire.iat + LIFETIME {
        return Err(invalid());
    }
    if seconds >= wire.exp + LEEWAY {
        return Err(Error::refused_because(
            Code::Unauthenticated,
            "TOKEN_EXPIRED",
            "The access token has expired; refresh it.",
        ));
    }
    let user = id::parse(&wire.sub).filter(|(kind, _)| *kind == Kind::User);
    let session = id::parse(&wire.sid).filter(|(kind, _)| *kind == Kind::Session);
    match (user, session) {
        (Some((_, user)), Some((_, session))) => {
            Ok(Claims { user: UserId(user), session: SessionId(session), expires_at: Instant(wire.exp * 1000) })
        }
        _ => Err(invalid()),
    }
}

/// The refusal of what is no token at all.
#[must_use]
pub fn malformed() -> Error {
    Error::refused_because(Code::Unauthenticated, "TOKEN_MALFORMED", "This is not an access token; sign in to get one.")
}

/// The refusal of a token that nobody here has given.
#[must_use]
pub fn invalid() -> Error {
    Error::refused_because(Code::Unauthenticated, "TOKEN_INVALID", "The access token is not valid; sign in again.")
}

/// The refusal of a token that is from the future: some machine's clock is wrong, ours or the giver's.
#[must_use]
pub fn not_yet_valid() -> Error {
    let message = "The access token is not valid yet: the clocks of this server and the issuer differ.";
    Error::refused_because(Code::Unauthenticated, "TOKEN_NOT_YET_VALID", message)
}

/// A new refresh token.
#[must_use]
pub fn refresh() -> String {
    format!("{REFRESH}{}", random::<32>())
}

/// A new invitation's token.
#[must_use]
pub fn invitation() -> String {
    format!("{INVITATION}{}", random::<32>())
}

/// As which a secret that is looked up is stored.
#[must_use]
pub fn hash(secret: &str) -> String {
    Fingerprint::of(secret).encode()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use entity::Record;

    const NOW: Instant = Instant(1_795_000_000_500);

    fn whose() -> (UserId, SessionId) {
        assert_eq!(entity::user::Entity::KIND, Kind::User);
        (UserId(sea_orm::prelude::Uuid::from_u128(7)), SessionId(sea_orm::prelude::Uuid::from_u128(8)))
    }

    fn reason(error: &Error) -> String {
        match error {
            Error::Refused(refusal) => refusal.reason.as_deref().unwrap_or_default().to_owned(),
            other => other.to_string(),
        }
    }

    #[test]
    fn a_token_reads_back_until_it_ends() {
        let (key, (user, session)) = (Key::generate(), whose());
        let (token, expires_at) = sign(&key, user, session, NOW).unwrap();
        assert_eq!(key_of(&token).unwrap(), key.kid);
        assert_eq!(verify(&key, &token, NOW).unwrap(), Claims { user, session, expires_at });
        assert!(verify(&key, &token, Instant(expires_at.0 + LEEWAY * 1000 - 1)).is_ok());
        let late = verify(&key, &token, Instant(expires_at.0 + LEEWAY * 1000)).unwrap_err();
        assert_eq!(reason(&late), "TOKEN_EXPIRED");
    }

    #[test]
    fn a_token_from_the_future_is_not_valid_yet() {
        let (key, (user, session)) = (Key::generate(), whose());
        let ahead = |seconds: i64| sign(&key, user, session, Instant(NOW.0 + seconds * 1000)).unwrap().0;
        assert!(verify(&key, &ahead(59), NOW).is_ok());
        assert_eq!(reason(&verify(&key, &ahead(61), NOW).unwrap_err()), "TOKEN_NOT_YET_VALID");
        let retired = Key { retired_at: Some(NOW), ..key.clone() };
        assert_eq!(reason(&verify(&retired, &ahead(61), NOW).unwrap_err()), "TOKEN_NOT_YET_VALID");
    }

    #[test]
    fn another_key_another_algorithm_or_another_text_is_refused() {
        let (key, (user, session)) = (Key::generate(), whose());
        let (token, _) = sign(&key, user, session, NOW).unwrap();
        assert_eq!(reason(&verify(&Key::generate(), &token, NOW).unwrap_err()), "TOKEN_INVALID");
        assert_eq!(reason(&key_of("rubbish").unwrap_err()), "TOKEN_MALFORMED");
        let rest = token.split_once('.').unwrap().1;
        let unsigned = format!("{}.{rest}", URL_SAFE_NO_PAD.encode(r#"{"alg":"none","kid":"x"}"#));
        assert_eq!(reason(&key_of(&unsigned).unwrap_err()), "TOKEN_MALFORMED");
        let stronger = format!("{}.{rest}", URL_SAFE_NO_PAD.encode(r#"{"alg":"HS512","kid":"x"}"#));
        assert_eq!(reason(&key_of(&stronger).unwrap_err()), "TOKEN_INVALID");
    }

    #[test]
    fn a_retired_key_verifies_what_it_signed_and_signs_nothing_new() {
        let (mut key, (user, session)) = (Key::generate(), whose());
        let (old, _) = sign(&key, user, session, NOW).unwrap();
        key.retired_at = Some(Instant(NOW.0 + 1000));
        let later = Instant(NOW.0 + 10 * 60 * 1000);
        assert!(verify(&key, &old, later).is_ok());
        let (forged, _) = sign(&key, user, session, later).unwrap();
        assert_eq!(reason(&verify(&key, &forged, later).unwrap_err()), "TOKEN_INVALID");
        assert!(key.verifies_at(later));
        assert!(!key.verifies_at(Instant(NOW.0 + 20 * 60 * 1000)));
    }

    #[test]
    fn secrets_stay_out_of_what_is_printed() {
        let key = Key::generate();
        assert!(!format!("{key:?}").contains(&key.secret));
        assert!(Key::configured("short").is_err());
        assert_eq!(Key::configured(&key.secret).unwrap().kid, Key::configured(&key.secret).unwrap().kid);
        let refresh = refresh();
        assert!(refresh.starts_with("tdr_") && refresh.len() == 47, "{refresh}");
        assert_eq!(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
