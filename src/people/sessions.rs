//! Sessions: how one begins, and who ends it.

use entity::{Instant, Kind, Record, session, session::SessionId, user::UserId};

use crate::{
    access::{
        Action, Origin, Purpose, Reach, Who,
        token::{self, Key},
    },
    error::{Result, UserCode, UserError},
    store::{Change, Draft, Store, permission_missing},
};

/// How long a session lasts after it was last refreshed, in milliseconds.
pub const SESSION: i64 = 30 * 24 * 60 * 60 * 1000;

/// What somebody who has signed in gets.
#[derive(Clone)]
pub struct Tokens {
    /// Tells who calls, for 15 minutes.
    pub access: String,
    /// Renews both, once.
    pub refresh: String,
    /// Until when the access token is good.
    pub expires_at: Instant,
    /// Whose they are.
    pub user: UserId,
    /// Of which session they are.
    pub session: SessionId,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("user", &self.user).field("session", &self.session).finish_non_exhaustive()
    }
}

/// Opens somebody's session as the last step of a change, which is kept.
pub(super) async fn session_of(mut change: Change, key: &Key, user: UserId, origin: &Origin) -> Result<Tokens> {
    let now = change.store().now();
    let expires_at = Instant(now.0 + SESSION);
    let table = session::Entity::table();
    let mut draft = Draft::default();
    draft.set(table, "user_id", user.0);
    draft.set(table, "user_agent", origin.user_agent.as_ref().map(|agent| agent.chars().take(500).collect::<String>()));
    draft.set(table, "address", origin.address.map(|address| address.to_canonical().to_string()));
    draft.set(table, "last_used_at", now.0);
    draft.set(table, "expires_at", expires_at.0);
    let session = change.create::<session::Entity>(draft).await?.id;
    let refresh = token::refresh();
    change.keep_refresh_token(session, &token::hash(&refresh), expires_at).await?;
    change.commit().await?;
    let (access, expires_at) = token::sign(key, user, session, now)?;
    Ok(Tokens { access, refresh, expires_at, user, session })
}

/// Ends the caller's session; tells whether there was one to end.
pub async fn sign_out(store: &Store) -> Result<bool> {
    let (_, Some(session)) = person(store)? else { return Ok(false) };
    let mut change = store.begin().await?;
    let ended = change.as_system(Purpose::SignIn, async |change| revoke(change, session).await).await?;
    change.commit().await?;
    Ok(ended)
}

/// Ends a session that the caller may end: one of their own, or anybody's for whoever may.
pub async fn end_session(store: &Store, session: SessionId) -> Result<()> {
    person(store)?;
    let mut change = store.begin().await?;
    change.find::<session::Entity>(session.0).await?;
    if !change.may(Kind::Session, session.0, Action::Delete).await? {
        return Err(permission_missing("revoke this session"));
    }
    change.as_system(Purpose::SignIn, async |change| revoke(change, session).await).await?;
    change.commit().await
}

/// Ends all sessions of somebody, or of oneself; tells how many.
pub async fn end_sessions(store: &Store, user: UserId) -> Result<usize> {
    let (caller, _) = person(store)?;
    let mut change = store.begin().await?;
    change.must_see(Kind::User, user.0, "userId").await?;
    let reach = change.store().actor().policy.reach(Kind::Session, Action::Delete);
    if reach != Reach::All && (reach == Reach::None || caller != user) {
        return Err(permission_missing("revoke this user's sessions"));
    }
    let ended = change.as_system(Purpose::SignIn, async |change| revoke_all(change, user, None).await).await?;
    change.commit().await?;
    Ok(ended)
}

/// The person who calls, and their session. An API key acts for its owner, but it is not them: their
/// password and their sessions are none of its business.
pub(super) fn person(store: &Store) -> Result<(UserId, Option<SessionId>)> {
    match store.actor().who {
        Who::User { id, session } => Ok((id, session)),
        Who::Key { .. } => {
            let message = "This is only available to signed-in users, not to API keys.";
            Err(UserError::new(UserCode::Forbidden, "", message).because("PERSON_ONLY").into())
        }
        Who::Anonymous | Who::System(_) => store.user().map(|user| (user, None)),
    }
}

/// Ends a session; tells whether it was still good.
pub(super) async fn revoke(change: &mut Change, session: SessionId) -> Result<bool> {
    let now = change.store().now();
    let mut ended = false;
    let revoke = |row: &mut session::Model| {
        ended = row.revoked_at.is_none();
        row.revoked_at = row.revoked_at.or(Some(now));
    };
    change.edit::<session::Entity>(session.0, revoke).await?;
    Ok(ended)
}

/// Ends all sessions of somebody but one; tells how many.
pub(super) async fn revoke_all(change: &mut Change, user: UserId, keep: Option<SessionId>) -> Result<usize> {
    let mut ended = 0;
    loop {
        let mut live = change.live_sessions(user).await?;
        live.retain(|session| Some(*session) != keep);
        if live.is_empty() {
            return Ok(ended);
        }
        for session in live {
            revoke(change, session).await?;
            ended += 1;
        }
    }
}
