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

/// A new API key.
#[derive(Debug, InputObject)]
pub struct ApiKeyCreateInput {
    /// What the key is for, `Salesforce sync`.
    name: String,
    /// The one role by which it acts. You must hold all that it permits.
    role_id: IdText,
    /// Until when it is good, at most 366 days ahead.
    expires_at: DateTime,
    /// The networks it may call from, in CIDR notation or as single addresses, IPv4 and IPv6, at most 100;
    /// bits beyond the prefix are cleared. From anywhere where there are none.
    allowed_networks: Option<Vec<String>>,
    /// Who answers for it: OWN and TEAM of its role are theirs. You where nobody is named; somebody
    /// else takes the permission `ApiKey:ASSIGN`.
    owner_id: Option<IdText>,
}

/// An API key that gets another secret.
#[derive(Debug, InputObject)]
pub struct ApiKeyRotateInput {
    /// Which key.
    id: IdText,
    /// How long the secret that is replaced stays good, in minutes, from 0 to 10,080 (a week).
    #[graphql(default = 1440)]
    overlap_minutes: i32,
    /// The version you have seen; refused with CONFLICT where the record has moved on.
    expected_version: Option<i32>,
}

/// An API key that ends.
#[derive(Debug, InputObject)]
pub struct ApiKeyRevokeInput {
    /// Which key.
    id: IdText,
    /// The version you have seen; refused with CONFLICT where the record has moved on.
    expected_version: Option<i32>,
    /// Done once.
    #[graphql(flatten)]
    once: Once,
}

payload! {
    /// Answer of `apiKeyCreate`.
    ApiKeyCreatePayload {
        /// The key; null where it failed.
        api_key: Option<Row<api_key::Entity>>,
        /// Send it as `Authorization: Bearer …`. It is shown this once and cannot be learnt again; null where it failed.
        secret: Option<String>,
    }
    /// Answer of `apiKeyRotate`.
    ApiKeyRotatePayload {
        /// The key as it is now; null where it failed.
        api_key: Option<Row<api_key::Entity>>,
        /// The new secret. It is shown this once and cannot be learnt again; null where it failed.
        secret: Option<String>,
    }
    /// Answer of `apiKeyRevoke`.
    ApiKeyRevokePayload {
        /// The key as it is now; null where it failed.
        api_key: Option<Row<api_key::Entity>>,
    }
}

/// The keys of integrations.
#[derive(Clone, Copy, Debug, Default)]
pub struct ApiKeyMutation;

#[Object]
impl ApiKeyMutation {
    /// Creates an API key for an integration. It takes no idempotency key, for a secret is not kept to be
    /// told again: where the answer got lost, revoke what `apiKeys` shows and create another one.
    async fn api_key_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which key.")] input: ApiKeyCreateInput,
    ) -> async_graphql::Result<ApiKeyCreatePayload> {
        let create = async |store: &Store| {
            store.require_sign_in()?;
            super::create(store, &input.into_map()).await
        };
        let (done, user_errors) = outcome(create(store(ctx)?).await)?;
        let (key, secret) = done.unzip();
        Ok(ApiKeyCreatePayload { api_key: key.map(Row::new), secret, user_errors, query: RootQuery })
    }

    /// Gives an API key another secret; the old one stays good for a while, so that the integration can
    /// change over. A secret replaced before ends at once. It takes no idempotency key; send
    /// `expectedVersion`, so that a repetition is refused.
    async fn api_key_rotate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which key, and how.")] input: ApiKeyRotateInput,
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

    /// Ends an API key at once and for good; its open subscriptions end too.
    async fn api_key_revoke(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which key.")] input: ApiKeyRevokeInput,
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
