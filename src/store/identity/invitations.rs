//! Invitations: by which token somebody may join, as a hash and until when. Only Tandem itself may
//! touch them, never a client's own store.

use entity::{EventAction, Instant, Kind, user::UserId};
use serde_json::json;

use super::credentials::system_only;
use crate::{
    error::Result,
    store::{Change, Store, change::Event, json as cells, sql::Sql},
};

/// An invitation that has not been followed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invited {
    /// Who may join.
    pub user: UserId,
    /// Until when.
    pub expires_at: Instant,
}

impl Store {
    /// The invitation whose token has this hash.
    pub async fn invitation(&self, hash: &str) -> Result<Option<Invited>> {
        system_only(self)?;
        let mut sql = Sql::new(self.engine());
        sql.push("SELECT i.user_id, i.expires_at FROM invitation i WHERE i.hash = ").bind(hash);
        let rows = self.fetch(sql).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let expires_at = Instant(cells::bigint(row, 1)?.unwrap_or(0));
        Ok(cells::uuid(row, 0)?.map(|user| Invited { user: UserId(user), expires_at }))
    }
}

impl Change {
    /// Invites somebody by a token of this hash; the one before is void. The event says so, and
    /// nothing of the token.
    pub async fn invite(&mut self, user: UserId, hash: &str, expires_at: Instant) -> Result<()> {
        system_only(self.store())?;
        let now = self.store().now().0;
        let mut sql = self.sql();
        sql.push("INSERT INTO invitation (user_id, hash, created_at, expires_at) VALUES (").bind(user.0).push(", ");
        sql.bind(hash).push(", ").bind(now).push(", ").bind(expires_at.0);
        sql.push(") ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, created_at = excluded.created_at, expires_at = excluded.expires_at");
        self.execute(sql).await?;
        let changes = json!({ "invitation": { "before": null, "after": null } });
        self.tell(Event { action: EventAction::Updated, subject: (Kind::User, user.0), account: None, changes }).await
    }

    /// Uses an invitation up; tells whether it was there. Of several who follow it, one finds it.
    pub async fn claim_invitation(&mut self, hash: &str) -> Result<bool> {
        system_only(self.store())?;
        let mut sql = self.sql();
        sql.push("DELETE FROM invitation WHERE hash = ").bind(hash);
        Ok(self.execute(sql).await? > 0)
    }

    /// Makes the invitations of these people void.
    pub async fn withdraw_invitations(&mut self, users: &[UserId]) -> Result<()> {
        system_only(self.store())?;
        let users: Vec<_> = users.iter().map(|user| user.0).collect();
        let mut sql = self.sql();
        sql.push("DELETE FROM invitation WHERE user_id").in_ids(&users);
        self.execute(sql).await.map(|_| ())
    }
}
