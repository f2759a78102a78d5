//! Signed-in sessions.

use crate::{Instant, record::record, user::UserId};

record! {
    /// A sign-in on one device. Revoking the session invalidates its access token and refresh tokens.
    Session(SessionId = "sess") in "session", "sessions";
    owner Owner::Columns(&["user_id"]);
    display Key "user_id";

    columns {
        /// User of the session.
        user_id: UserId => link("user").always_shown().by_server();
        /// User agent of the client, as sent by it.
        user_agent: Option<String> => server().max(500);
        /// IP address of the sign-in.
        address: Option<String> => server();
        /// When the session was last refreshed.
        last_used_at: Instant => server().sort();
        /// When the session expires unless refreshed.
        expires_at: Instant => server().sort();
        /// When the session was revoked; null if it has not been revoked.
        revoked_at: Option<Instant> => server();
    }
    links {}
}
