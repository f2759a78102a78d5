//! Creating, rotating and revoking API keys.

use async_graphql::{Context, InputObject, Object};
use entity::{Kind, api_key, api_key::ApiKeyId};
use serde_json::{Map, Value as Json, json};

use crate::{
    graphql::{
        node::{Row, store},
        once::Once,
        payload::{outcome, payload},
        root::RootQuery,
        scalars::{DateTime, IdText},
    },
    store::{Change, Store},
};

/// Input for `apiKeyCreate`.
#[derive(Debug, InputObject)]
pub struct ApiKeyCreateInput {
    /// Purpose of the key, e.g. `Salesforce sync`.
    name: String,
    /// Role of the key. You must hold all of its permissions.
    role_id: IdText,
    /// When the key expires, at most 366 days from now.
    expires_at: DateTime,
    /// IPv4 and IPv6 networks that may use the key, at most 100, in CIDR notation or as single addresses; bits beyond
    /// the prefix are cleared. If empty, any address may use it.
    allowed_networks: Option<Vec<String>>,
    /// Owner of the key, who determines the records that reaches OWN and TEAM cover. Defaults to you; another user
    /// requires the permission `ApiKey:ASSIGN`.
    owner_id: Option<IdText>,
}

/// Input for `apiKeyRotate`.
#[derive(Debug, InputObject)]
pub struct ApiKeyRotateInput {
    /// The global ID of the API key.
    id: IdText,
    /// How long the previous secret remains valid, in minutes, from 0 to 10,080 (one week).
    #[graphql(default = 1440)]
    overlap_minutes: i32,
    /// The `version` you have read. If the record has changed since, the mutation is refused with CONFLICT.
    expected_version: Option<i32>,
}

/// Input for `apiKeyRevoke`.
#[derive(Debug, InputObject)]
pub struct ApiKeyRevokeInput {
    /// The global ID of the API key.
    id: IdText,
    /// The `version` you have read. If the record has changed since, the mutation is refused with CONFLICT.
    expected_version: Option<i32>,
    /// Done once.
    #[graphql(flatten)]
    once: Once,
}

payload! {
    /// Return type of `apiKeyCreate`.
    ApiKeyCreatePayload {
        /// The API key; null if the mutation failed.
        api_key: Option<Row<api_key::Entity>>,
        /// Secret of the key, to send as `Authorization: Bearer …`. Returned only here and cannot be retrieved later; null if the mutation failed.
        secret: Option<String>,
    }
    /// Return type of `apiKeyRotate`.
    ApiKeyRotatePayload {
        /// Current state of the API key; null if the mutation failed.
        api_key: Option<Row<api_key::Entity>>,
        /// The new secret. Returned only here and cannot be retrieved later; null if the mutation failed.
        secret: Option<String>,
    }
    /// Return type of `apiKeyRevoke`.
    ApiKeyRevokePayload {
        /// Current state of the API key; null if the mutation failed.
        api_key: Option<Row<api_key::Entity>>,
    }
}

/// The keys of integrations.
#[derive(Clone, Copy, Debug, Default)]
pub struct ApiKeyMutation;

#[Object]
impl ApiKeyMutation {
    /// Creates an API key for an integration. Does not support idempotency keys, because the secret is not stored: if
    /// the response was lost, revoke the key listed by `apiKeys` and create a new one.
    async fn api_key_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The API key.")] input: ApiKeyCreateInput,
    ) -> async_graphql::Result<ApiKeyCreatePayload> {
        let create = async |store: &Store| {
            store.require_sign_in()?;
            super::create(store, &input.into_map()).await
        };
        let (done, user_errors) = outcome(create(store(ctx)?).await)?;
        let (key, secret) = done.unzip();
        Ok(ApiKeyCreatePayload { api_key: key.map(Row::new), secret, user_errors, query: RootQuery })
    }

    /// Replaces the secret of an API key; the previous secret remains valid for `overlapMinutes`, so that the
    /// integration can switch over. Any earlier secret becomes invalid immediately. Does not support idempotency
    /// keys; send `expectedVersion`, so that a repeated call is rejected.
    async fn api_key_rotate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The API key and the options of the rotation.")] input: ApiKeyRotateInput,
    ) -> async_graphql::Result<ApiKeyRotatePayload> {
        let rotate = async |store: &Store| {
            store.require_sign_in()?;
            let key = ApiKeyId(input.id.of(Kind::ApiKey)?);
            let secret = super::rotate(store, key, input.overlap_minutes, input.expected_version).await?;
            Ok((key, secret))
        };
        let (key, user_errors) = outcome(rotate(store(ctx)?).await)?;
        let (key, secret) = key.unzip();
        Ok(ApiKeyRotatePayload { api_key: key.map(Row::new), secret, user_errors, query: RootQuery })
    }

    /// Revokes an API key immediately and permanently, and closes its open subscriptions.
    async fn api_key_revoke(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The API key.")] input: ApiKeyRevokeInput,
    ) -> async_graphql::Result<ApiKeyRevokePayload> {
        let revoke = async |store: &Store| {
            store.require_sign_in()?;
            let once = input.once.key(ctx)?;
            let key = ApiKeyId(input.id.of(Kind::ApiKey)?);
            let revoke = async |change: &mut Change| {
                super::revoke(change, key, input.expected_version).await?;
                Ok(key.0)
            };
            store.once(once.as_ref(), revoke).await
        };
        let (key, user_errors) = outcome(revoke(store(ctx)?).await)?;
        Ok(ApiKeyRevokePayload { api_key: key.map(Row::new), user_errors, query: RootQuery })
    }
}

impl ApiKeyCreateInput {
    /// As the columns' own reading takes it, so that the same forms are asked for as in an update.
    fn into_map(self) -> Map<String, Json> {
        let mut map = Map::new();
        map.insert("name".to_owned(), self.name.into());
        map.insert("roleId".to_owned(), self.role_id.0.into());
        map.insert("expiresAt".to_owned(), self.expires_at.0.rfc3339().into());
        map.extend(self.allowed_networks.map(|networks| ("allowedNetworks".to_owned(), json!(networks))));
        map.extend(self.owner_id.map(|owner| ("ownerId".to_owned(), owner.0.into())));
        map
    }
}
