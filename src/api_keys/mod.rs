//! API keys: by which integrations call, as whom and until when.

pub mod graphql;
mod rules;

use entity::{
    Instant, Kind, Record, UserStatus, api_key,
    api_key::ApiKeyId,
    user::{self, UserId},
};
use futures_util::future::BoxFuture;
use serde_json::{Map, Value as Json};

use crate::{
    access::{
        Action, Actor, Purpose, Reach,
        key::{self, Fingerprint},
    },
    error::{Error, Result, UserCode, UserError},
    roles,
    store::{Change, Draft, Rules, Slice, Store, Verbs, permission_missing},
};

/// API keys. They are created with their secret and revoked rather than archived, by verbs of their own.
pub static KEY: Slice<api_key::Entity> = Slice::new(Verbs { update: true, ..Verbs::NONE });

impl Rules for api_key::Entity {
    fn complete(draft: &mut Draft, actor: &Actor, _: Instant) {
        if let (None, Some(user)) = (draft.get(Self::table(), "owner_id"), actor.user()) {
            draft.set(Self::table(), "owner_id", user);
        }
    }

    fn settle<'a>(
        change: &'a mut Change,
        row: &'a mut api_key::Model,
        before: Option<&'a api_key::Model>,
        _: &'a Draft,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let (now, mut wrong) = (change.store().now(), Vec::new());
            match rules::networks(&row.allowed_networks) {
                Ok(networks) => row.allowed_networks = networks,
                Err(bad) => wrong.extend(bad),
            }
            if before.is_none_or(|before| before.expires_at != row.expires_at) {
                wrong.extend(rules::may_end(row.expires_at, now).err());
            }
            if !wrong.is_empty() {
                return Err(Error::Input(wrong));
            }
            if before.is_none_or(|before| before.owner_id != row.owner_id) {
                may_answer(change, row.owner_id, before.is_none()).await?;
            }
            // Whoever has the secret can go on with a key that is prolonged, or opened to another network.
            let same = |before: &api_key::Model| {
                (before.role_id, before.owner_id, before.expires_at, &before.allowed_networks)
                    == (row.role_id, row.owner_id, row.expires_at, &row.allowed_networks)
            };
            if !before.is_some_and(same) {
                roles::must_hold_for(change, (row.owner_id, row.role_id)).await?;
            }
            Ok(())
        })
    }

    fn closed(row: &api_key::Model) -> Option<UserError> {
        row.revoked_at.map(|_| ended("API_KEY_REVOKED", "The API key has been revoked; create a new one."))
    }
}

/// Who answers for a key works here. Another than oneself takes the permission to give keys away,
/// which an update asks for by itself.
async fn may_answer(change: &Change, owner: UserId, new: bool) -> Result<()> {
    let actor = change.store().actor();
    let other = new && actor.user().is_some_and(|user| user != owner);
    if other && actor.policy.reach(Kind::ApiKey, Action::Assign) == Reach::None {
        let message = "Assigning an API key to another owner requires the permission ASSIGN on ApiKey records.";
        return Err(UserError::new(UserCode::Forbidden, "ownerId", message).because("PERMISSION_MISSING").into());
    }
    let people = change.unscoped_rows::<user::Entity>("id", owner).await?;
    if people.iter().any(|person| person.status == UserStatus::Active) {
        return Ok(());
    }
    let message = "The owner of an API key must be an active user.";
    Err(UserError::new(UserCode::Invalid, "ownerId", message).because("OWNER_DEACTIVATED").into())
}

fn ended(reason: &'static str, message: &str) -> UserError {
    UserError::new(UserCode::InvalidTransition, "id", message).because(reason)
}

/// Creates a key from an input object; answers it and its secret, which nobody can learn again.
pub async fn create(store: &Store, input: &Map<String, Json>) -> Result<(ApiKeyId, String)> {
    store.require_sign_in()?;
    let mut draft = Draft::read(Kind::ApiKey, input, true, (&store.actor().policy, &[]))?;
    let secret = key::generate();
    draft.set(api_key::Entity::table(), "prefix", key::shown(&secret));
    let mut change = store.begin().await?;
    let key = change.create::<api_key::Entity>(draft).await?.id;
    keep(&mut change, key, (&secret, store.now())).await?;
    change.commit().await?;
    Ok((key, secret))
}

/// Gives a key another secret and answers it. The one it has stays good for some minutes; one that
/// was replaced before ends at once.
pub async fn rotate(store: &Store, key: ApiKeyId, overlap: i32, expected: Option<i32>) -> Result<String> {
    store.require_sign_in()?;
    let (secret, now) = (key::generate(), store.now());
    let mut draft = Draft::default();
    draft.set(api_key::Entity::table(), "prefix", key::shown(&secret));
    draft.set(api_key::Entity::table(), "rotated_at", now.0);
    let mut change = store.begin().await?;
    let (row, _) = change.update::<api_key::Entity>(key.0, expected, draft).await?;
    let until = rules::overlap_ends(overlap, now)?;
    if row.expires_at <= now {
        return Err(ended("API_KEY_EXPIRED", "The API key has expired; extend its expiration date first.").into());
    }
    // Who gets the secret can do all that the key may.
    roles::must_hold_role(&change, row.role_id, "id").await?;
    keep(&mut change, key, (&secret, until)).await?;
    change.commit().await?;
    Ok(secret)
}

/// Ends a key for good, at once. A key that was revoked before stays as it is.
pub async fn revoke(change: &mut Change, key: ApiKeyId, expected: Option<i32>) -> Result<()> {
    let now = change.store().now();
    let row = change.find::<api_key::Entity>(key.0).await?;
    if !change.may(Kind::ApiKey, key.0, Action::Delete).await? {
        return Err(permission_missing("revoke this API key"));
    }
    if row.revoked_at.is_none() {
        let mut draft = Draft::default();
        draft.set(api_key::Entity::table(), "revoked_at", now.0);
        draft.set(api_key::Entity::table(), "archived_at", now.0);
        let end = async |change: &mut Change| change.update::<api_key::Entity>(key.0, expected, draft).await;
        change.as_system(Purpose::SideEffect, end).await?;
    }
    Ok(())
}

async fn keep(change: &mut Change, key: ApiKeyId, (secret, old_until): (&str, Instant)) -> Result<()> {
    let secret = Fingerprint::of(secret);
    let keep = async |change: &mut Change| change.replace_key_secret(key, secret, old_until).await;
    change.as_system(Purpose::SideEffect, keep).await
}
