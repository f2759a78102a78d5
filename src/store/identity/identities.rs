//! By which names the company's issuer knows people. Only Tandem itself may touch it.

use entity::{Instant, user::UserId};
use sea_orm::QueryResult;

use super::credentials::system_only;
use crate::{
    error::Result,
    store::{Change, Lock, Store, json as cells, sql::Sql},
};

/// Somebody as an issuer knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Who it is.
    pub user: UserId,
    /// The roles that the latest token of this subject gave, in the caller's spelling.
    pub roles: String,
    /// When that token was given.
    pub claimed_at: Instant,
    /// When the latest token of the person was given, under whatever subject.
    pub latest: Instant,
}

impl Store {
    /// Who is known to an issuer by this subject.
    pub async fn identity(&self, issuer: &str, subject: &str) -> Result<Option<Identity>> {
        system_only(self)?;
        let rows = self.fetch(identity(Sql::new(self.engine()), issuer, subject)).await?;
        rows.first().map(read).transpose()
    }
}

impl Change {
    /// Who is known to an issuer by this subject; until the end of the transaction nobody else decides it.
    pub async fn identity(&self, issuer: &str, subject: &str) -> Result<Option<Identity>> {
        system_only(self.store())?;
        // There may be no row to lock yet.
        self.lock(Lock::Identity(issuer, subject)).await?;
        self.fetch(identity(self.sql(), issuer, subject)).await?.first().map(read).transpose()
    }

    /// Notes who is known to an issuer by this subject, and what their latest token gave.
    pub async fn keep_identity(
        &mut self,
        (issuer, subject): (&str, &str),
        user: UserId,
        (roles, claimed_at): (&str, Instant),
    ) -> Result<()> {
        system_only(self.store())?;
        let mut sql = self.sql();
        sql.push("INSERT INTO issuer_identity (issuer, subject, user_id, roles, claimed_at) VALUES (").bind(issuer);
        sql.push(", ").bind(subject).push(", ").bind(user.0).push(", ").bind(roles).push(", ").bind(claimed_at.0);
        sql.push(
            ") ON CONFLICT (issuer, subject) DO UPDATE SET roles = excluded.roles, claimed_at = excluded.claimed_at",
        );
        self.execute(sql).await.map(|_| ())
    }
}

fn identity(mut sql: Sql, issuer: &str, subject: &str) -> Sql {
    sql.push("SELECT i.user_id, i.roles, i.claimed_at, ");
    sql.push("(SELECT max(o.claimed_at) FROM issuer_identity o WHERE o.user_id = i.user_id) FROM issuer_identity i WHERE i.issuer = ");
    sql.bind(issuer).push(" AND i.subject = ").bind(subject);
    sql
}

fn read(row: &QueryResult) -> Result<Identity> {
    let claimed_at = Instant(cells::bigint(row, 2)?.unwrap_or(0));
    Ok(Identity {
        user: UserId(cells::uuid(row, 0)?.unwrap_or_default()),
        roles: cells::text(row, 1)?.unwrap_or_default().to_owned(),
        claimed_at,
        latest: cells::bigint(row, 3)?.map_or(claimed_at, Instant),
    })
}
