//! API keys: how integrations sign in.

use crate::{Instant, Texts, record::record, role::RoleId, user::UserId};

record! {
    /// A key that an integration uses to call the API, with the permissions of its role; reaches OWN and TEAM are
    /// those of its owner. The secret is shown once and never stored.
    ApiKey(ApiKeyId = "akey") in "api_key", "apiKeys";
    owner Owner::Columns(&["owner_id"]);
    display Column "name";

    columns {
        /// Purpose of the key, e.g. `Salesforce sync`.
        name: String => write().always_shown().sort().search().fold("name_fold");
        /// Fold key of the name.
        name_fold: String => physical();
        /// Role of the key. Whoever sets it must hold all of its permissions.
        role_id: RoleId => link("role").always_shown();
        /// User responsible for the key; defaults to the caller.
        owner_id: UserId => link("owner").always_shown();
        /// First characters of the key, to tell keys apart, e.g. `tdk_4Yq8ZrW1`.
        prefix: String => server();
        /// When the key expires, at most 366 days ahead.
        expires_at: Instant => write().always_shown().sort();
        /// IPv4 and IPv6 networks that may use the key, at most 100, in CIDR notation such as `203.0.113.0/24` or as
        /// single addresses; bits beyond the prefix are cleared. If empty, any address may use it.
        allowed_networks: Texts => write();
        /// When the key was last used, accurate to one minute; null if never.
        last_used_at: Option<Instant> => server().sort();
        /// When the secret was last rotated; null if never.
        rotated_at: Option<Instant> => server();
        /// When the key was revoked; null if it has not been revoked.
        revoked_at: Option<Instant> => server();
    }
    links {}
}
