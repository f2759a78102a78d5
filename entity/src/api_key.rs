//! API keys: how integrations sign in.

use crate::{Instant, Texts, record::record, role::RoleId, user::UserId};

record! {
    /// A key by which an integration calls the API. It may do what its role permits; OWN and TEAM are
    /// those of the person who answers for it. The key itself is shown once and never stored.
    ApiKey(ApiKeyId = "akey") in "api_key", "apiKeys";
    owner Owner::Columns(&["owner_id"]);

    columns {
        /// What the key is for, `Salesforce sync`.
        name: String => write().always_shown().sort().search().fold("name_fold");
        /// Fold key of the name.
        name_fold: String => physical();
        /// The one role by which it acts. Who sets it must hold all that it permits.
        role_id: RoleId => link("role").always_shown();
        /// Who answers for it; the caller where nobody is named.
        owner_id: UserId => link("owner").always_shown();
        /// How the key begins, to tell keys apart: `tdk_4Yq8ZrW1`.
        prefix: String => server();
        /// Until when it is good, at most 366 days ahead.
        expires_at: Instant => write().always_shown().sort();
        /// The networks it may call from, IPv4 and IPv6, at most 100, in CIDR notation such as `203.0.113.0/24` or as
        /// single addresses; bits beyond the prefix are cleared. From anywhere where there are none.
        allowed_networks: Texts => write();
        /// When it was last used, to within a minute; null if never.
        last_used_at: Option<Instant> => server().sort();
        /// When its secret was last replaced; null if never.
        rotated_at: Option<Instant> => server();
        /// When it was revoked; null while it is good.
        revoked_at: Option<Instant> => server();
    }
    links {}
}
