//! The event table's months: on PostgreSQL each has a partition of its own, made ahead.

use chrono::{Datelike, Months, NaiveDate};
use entity::Instant;
use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement};

use crate::{
    error::Result,
    store::{Backend, db::migrating, json, sql::Engine},
};

/// How long making a partition may wait for those who read and write events; then it is tried again later.
const PATIENCE: &str = "SET LOCAL lock_timeout = '2s'";

/// Gives this month and the next two, and every month with events in the default partition, a partition of its own.
///
/// Events that fell into the default partition move into theirs. Who reads or writes events waits for the end of
/// the transaction in which this happens.
pub(in crate::store) async fn add(tx: &DatabaseTransaction, now: Instant) -> Result<()> {
    let today = now.to_utc().date_naive();
    let ahead = |months| first_of(today)?.checked_add_months(Months::new(months));
    let mut months: Vec<NaiveDate> = (0..3).filter_map(ahead).collect();
    // What is older than the first partition is history that came in later, and stays together.
    let fallen = "SELECT DISTINCT (extract(epoch FROM date_trunc('month', to_timestamp(occurred_at / 1000.0) AT TIME ZONE 'UTC')))::bigint \
         FROM event_other WHERE occurred_at >= (SELECT extract(epoch FROM to_timestamp(MIN(tablename), '\"event\"_YYYY_MM')::timestamp) * 1000 \
         FROM pg_tables WHERE tablename ~ '^event_[0-9]{4}_[0-9]{2}$' AND schemaname = current_schema())";
    for row in tx.query_all_raw(statement(fallen)).await? {
        let start = json::bigint(&row, 0)?.and_then(|seconds| chrono::DateTime::from_timestamp(seconds, 0));
        months.extend(start.and_then(|start| first_of(start.date_naive())));
    }
    months.sort_unstable();
    months.dedup();
    for month in months {
        let Some(end) = month.checked_add_months(Months::new(1)) else { continue };
        let name = month.format("event_%Y_%m").to_string();
        let there = format!("SELECT 1 FROM pg_tables WHERE tablename = '{name}' AND schemaname = current_schema()");
        if tx.query_one_raw(statement(&there)).await?.is_none() {
            make(tx, &name, bound(month), bound(end)).await?;
        }
    }
    Ok(())
}

fn statement(sql: &str) -> Statement {
    Statement::from_string(Engine::Postgres.backend(), sql)
}

fn first_of(day: NaiveDate) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(day.year(), day.month(), 1)
}

fn bound(date: NaiveDate) -> i64 {
    date.and_hms_opt(0, 0, 0).unwrap_or_default().and_utc().timestamp_millis()
}

/// Makes a partition with what the default one holds of it, and attaches it; the indexes follow from the table's.
///
/// All in one transaction rather than in chunks, for in no moment may an event be missing or be there twice: a row that
/// has left the default partition is only seen again once its partition is attached, and PostgreSQL attaches none while
/// the default one holds rows of it. So the time that readers and writers wait grows with the events that fell into the
/// default partition. That is none where a server runs: it makes each month two months ahead. Only a database that was
/// served for months by a version that did so at its start alone has any, once.
async fn make(tx: &DatabaseTransaction, name: &str, from: i64, to: i64) -> Result<()> {
    let within = format!("occurred_at >= {from} AND occurred_at < {to}");
    for sql in [
        // The whole table and at once: a row that is on its way into the default partition while another takes its month
        // over would be refused, and a lock that grows may wait for somebody who waits for us.
        "LOCK TABLE event IN ACCESS EXCLUSIVE MODE".to_owned(),
        format!("CREATE TABLE {name} (LIKE event INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)"),
        format!("INSERT INTO {name} SELECT * FROM event_other WHERE {within}"),
        format!("DELETE FROM event_other WHERE {within}"),
        format!("ALTER TABLE event ATTACH PARTITION {name} FOR VALUES FROM ({from}) TO ({to})"),
    ] {
        tx.execute_unprepared(&sql).await?;
    }
    Ok(())
}

impl Backend {
    /// Makes the partitions that are missing, one process at a time.
    pub async fn add_partitions(&self) -> Result<()> {
        if self.db.engine() != Engine::Postgres {
            return Ok(());
        }
        let connection = self.db.migrator().await?;
        let tx = migrating::begin(&connection, Engine::Postgres).await?;
        migrating::lock(&tx).await?;
        tx.execute_unprepared(PATIENCE).await?;
        add(&tx, self.now()).await?;
        tx.commit().await?;
        Ok(connection.close().await?)
    }
}
