//! Signed-in sessions.

use crate::{Instant, record::record, user::UserId};

record! {
    /// One sign-in on one device. Revoking it ends its access token and its refresh tokens.
    Session(SessionId = "sess") in "session", "sessions";
    owner Owner::Columns(&["user_id"]);

    columns {
        /// Whose session it is.
        user_id: UserId => link("user").always_shown().by_server();
        /// The program that signed in, as it named itself.
        user_agent: Option<String> => server().max(500);
        /// The address it signed in from.
        address: Option<String> => server();
        /// When it was last refreshed.
        last_used_at: Instant => server().sort();
        /// When it ends unless it is refreshed.
        expires_at: Instant => server().sort();
        /// When it was revoked; null while it is good.
        revoked_at: Option<Instant> => server();
    }
    links {}
}
