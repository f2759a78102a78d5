//! The histories of the event feed. A restored database begins a new one, so that a cursor of what was lost
//! is refused for good and not only until the feed has grown past it.

use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement};

use crate::{
    error::{Code, Error, Result},
    store::{
        Backend, Position, Store,
        db::migrating,
        json,
        sql::{Engine, Sql},
    },
};

impl Backend {
    /// The id of the present history. It changes only while no server runs, so it is read once.
    pub async fn history(&self) -> Result<&str> {
        let read = async {
            let mut sql = Sql::new(self.db.engine());
            sql.push("SELECT h.id FROM feed_history h WHERE h.ends_xid IS NULL ORDER BY h.number DESC LIMIT 1");
            let rows = self.db.fetch(sql).await?;
            let id = rows.first().map(|row| json::text(row, 0)).transpose()?.flatten();
            id.map(str::to_owned).ok_or_else(|| Error::internal("the database has no history of its events"))
        };
        self.history.get_or_try_init(|| read).await.map(String::as_str)
    }

    /// Begins a new history: for a database that was restored by other means than `tandem restore`.
    pub async fn renew_history(&self) -> Result<()> {
        let connection = self.db.migrator().await?;
        let tx = migrating::begin(&connection, self.db.engine()).await?;
        renew(self, &tx).await?;
        tx.commit().await?;
        Ok(connection.close().await?)
    }
}

impl Store {
    /// A position as a cursor of the present history.
    pub async fn cursor(&self, position: Position) -> Result<String> {
        Ok(position.cursor(self.backend.history().await?))
    }

    /// The position of a cursor. One of a history that was lost is refused.
    pub async fn feed_position(&self, cursor: &str) -> Result<Position> {
        let (history, position) = Position::read(cursor)?;
        let mut sql = Sql::new(self.engine());
        sql.push("SELECT h.id, h.ends_xid, h.ends_seq FROM feed_history h ORDER BY h.number");
        for row in self.fetch(sql).await? {
            // Cursors of versions without histories are of the first one.
            if history.is_some_and(|history| json::text(&row, 0).ok().flatten() != Some(history)) {
                continue;
            }
            let end = match (json::bigint(&row, 1)?, json::bigint(&row, 2)?) {
                (Some(xid), Some(seq)) => Position::new(xid, seq),
                _ => self.feed_end().await?,
            };
            if position <= end {
                return Ok(position);
            }
            break;
        }
        Err(Error::refused_because(
            Code::InvalidCursor,
            "HISTORY_LOST",
            "The cursor is of a history that this database does not have: it was restored, or is another one. Read the records anew, and subscribe without a cursor.",
        ))
    }
}

/// Ends the present history where the feed ends, and begins another.
pub(in crate::store) async fn renew(backend: &Backend, tx: &DatabaseTransaction) -> Result<()> {
    let engine = backend.db.engine();
    let last = "(SELECT e.xid, e.seq FROM event e ORDER BY e.xid DESC, e.seq DESC LIMIT 1) l";
    let end = format!(
        "UPDATE feed_history SET ends_xid = COALESCE((SELECT l.xid FROM {last}), 0), \
         ends_seq = COALESCE((SELECT l.seq FROM {last}), 0) WHERE ends_xid IS NULL"
    );
    tx.execute_raw(Statement::from_string(engine.backend(), end)).await?;
    let id = backend.new_id().simple().to_string();
    let mut sql = Sql::new(engine);
    // The last digits of an id are random, the first are the time.
    sql.push("INSERT INTO feed_history (number, id) SELECT MAX(number) + 1, ").bind(id[20..].to_owned());
    sql.push(" FROM feed_history");
    tx.execute_raw(sql.finish()).await?;
    Ok(())
}

/// Sees that transaction numbers go on rising where the database has come into another PostgreSQL cluster, and that
/// what the old cluster did after the dump is known as lost. Called under the lock of the migrations.
pub(in crate::store) async fn follow_cluster(backend: &Backend, tx: &DatabaseTransaction) -> Result<()> {
    let statement = |sql: &str| Statement::from_string(Engine::Postgres.backend(), sql);
    let permitted = "SELECT 1 WHERE has_function_privilege('pg_control_system()', 'EXECUTE')";
    let cluster = match tx.query_one_raw(statement(permitted)).await? {
        Some(_) => tx.query_one_raw(statement("SELECT system_identifier::text FROM pg_control_system()")).await?,
        None => None,
    };
    let cluster = cluster.as_ref().map(|row| json::text(row, 0)).transpose()?.flatten();
    // No transaction of this cluster can have made an event with a number that it has yet to hand out.
    let known = "SELECT c.system_identifier, c.xid_offset, COALESCE((SELECT MAX(e.xid) FROM event e), 0), \
         pg_snapshot_xmin(pg_current_snapshot())::text::bigint, pg_snapshot_xmax(pg_current_snapshot())::text::bigint \
         FROM feed_cluster c";
    let row = tx.query_one_raw(statement(known)).await?;
    let row = row.ok_or_else(|| Error::internal("the table feed_cluster is empty"))?;
    let before = json::text(&row, 0)?;
    let number = |column| Ok::<_, Error>(json::bigint(&row, column)?.unwrap_or(0));
    let (offset, last, oldest_open, next) = (number(1)?, number(2)?, number(3)?, number(4)?);
    let moved = before.is_some() && cluster.is_some() && before != cluster;
    let backwards = last >= offset + next;
    if !moved && !backwards && before == cluster {
        return Ok(());
    }
    let offset = if moved || backwards { offset.max(last + 1 - oldest_open) } else { offset };
    let mut sql = Sql::new(Engine::Postgres);
    sql.push("UPDATE feed_cluster SET xid_offset = ").bind(offset);
    if let Some(cluster) = cluster {
        sql.push(", system_identifier = ").bind(cluster.to_owned());
    }
    tx.execute_raw(sql.finish()).await?;
    if moved || backwards {
        renew(backend, tx).await?;
    }
    Ok(())
}
