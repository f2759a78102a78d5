//! New tokens for old ones.

use entity::{Instant, UserStatus, session};

use super::{
    authority::Authority,
    sessions::revoke,
    sessions::{SESSION, Tokens},
};
use crate::{
    access::{Purpose, token},
    error::{Error, Result, UserCode, UserError},
    store::{Claimed, Store},
};

impl Authority {
    /// New tokens for a refresh token. One that was used before ends its whole session, for
    /// somebody has a copy of it.
    pub async fn refresh(&self, store: &Store, refresh: &str) -> Result<Tokens> {
        let key = self.signing_key().await?;
        let store = store.as_system(Purpose::SignIn);
        let now = store.now();
        let mut change = store.begin().await?;
        let session = match change.claim_refresh_token(&token::hash(refresh.trim())).await? {
            Claimed::Fresh(session) => session,
            Claimed::Used(session) => {
                let user = change.find::<session::Entity>(session.0).await?.user_id;
                change.written_by(user);
                revoke(&mut change, session).await?;
                change.commit().await?;
                tracing::warn!(session = %session, "a refresh token was used twice; its session is revoked");
                return Err(ended(
                    "REFRESH_TOKEN_REUSED",
                    "The refresh token was already used, so the session was revoked; sign in again.",
                ));
            }
            Claimed::Expired => {
                return Err(ended("REFRESH_TOKEN_EXPIRED", "The refresh token has expired; sign in again."));
            }
            Claimed::Unknown => {
                return Err(ended("REFRESH_TOKEN_INVALID", "The refresh token is not valid; sign in again."));
            }
        };
        let row = change.find::<session::Entity>(session.0).await?;
        let people = change.unscoped_rows::<entity::user::Entity>("id", row.user_id).await?;
        let active = people.iter().any(|person| person.status == UserStatus::Active);
        if row.revoked_at.is_some() || row.expires_at <= now || !active {
            return Err(ended("SESSION_ENDED", "The session has ended; sign in again."));
        }
        let next = token::refresh();
        change.keep_refresh_token(session, &token::hash(&next), Instant(now.0 + SESSION)).await?;
        change.commit().await?;
        let (access, expires_at) = token::sign(&key, row.user_id, session, now)?;
        Ok(Tokens { access, refresh: next, expires_at, user: row.user_id, session })
    }
}

fn ended(reason: &'static str, message: &str) -> Error {
    UserError::new(UserCode::Invalid, "refreshToken", message).because(reason).into()
}
