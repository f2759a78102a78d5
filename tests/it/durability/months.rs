//! The partitions of the event table on PostgreSQL.

use std::time::{Duration, Instant};

use sea_orm::{ConnectOptions, ConnectionTrait, Database, Statement};

use crate::{
    crew::behind_the_back,
    shared::create,
    support::{database::Engine, world::World},
};

const TEN_MONTHS: Duration = Duration::from_hours(306 * 24);

#[expect(clippy::disallowed_methods, reason = "a connection that ends with the call")]
async fn number(world: &World, sql: &str) -> i64 {
    let mut options = ConnectOptions::new(&world.database_url);
    options.max_connections(1).sqlx_logging(false);
    let connection = Database::connect(options).await.expect("the database answers");
    let found = connection.query_one_raw(Statement::from_string(Engine::backend(world.engine), sql)).await;
    let found = found.expect("the statement holds").expect("a row").try_get_by_index(0).expect("a number");
    connection.close().await.expect("the connection closes");
    found
}

impl Engine {
    fn backend(self) -> sea_orm::DbBackend {
        if self == Self::Sqlite { sea_orm::DbBackend::Sqlite } else { sea_orm::DbBackend::Postgres }
    }
}

on_both_engines! {
    async fn a_server_that_runs_for_months_gives_each_its_partition_with_what_fell_out_of_it(world: World) {
        if world.engine == Engine::Sqlite {
            return;
        }
        // 2027-01-02: no partition is there yet.
        behind_the_back(&world, "INSERT INTO event (id, occurred_at, action, subject_kind, subject_id, changes)
            SELECT gen_random_uuid(), 1798891200000 + n, 'UPDATED', 'Account', gen_random_uuid(), '{}' FROM generate_series(1, 500) n").await;
        world.clock.advance(TEN_MONTHS);
        let admin = world.admin().await;
        create(&admin, "account", serde_json::json!({ "name": "Later" })).await;
        let since = Instant::now();
        while number(&world, "SELECT count(*) FROM pg_tables WHERE tablename IN ('event_2027_01', 'event_2027_02', 'event_2027_03')").await < 3 {
            assert!(since.elapsed() < Duration::from_mins(2), "no partitions are made");
            tokio::task::yield_now().await;
        }
        assert_eq!(number(&world, "SELECT count(*) FROM event_other").await, 0);
        assert!(number(&world, "SELECT count(*) FROM event_2027_01").await > 500);
        let indexes = |table: &str| format!("SELECT count(*) FROM pg_indexes WHERE tablename = '{table}'");
        let expected = number(&world, &indexes("event_2026_03")).await;
        assert!(expected > 4);
        assert_eq!(number(&world, &indexes("event_2027_01")).await, expected);
        let constraints = "SELECT count(*) FROM pg_constraint WHERE conrelid = ANY(ARRAY['event_2027_01'::regclass]) AND contype = 'p'";
        assert_eq!(number(&world, constraints).await, 1);
        create(&admin, "account", serde_json::json!({ "name": "Still written" })).await;
        assert_eq!(number(&world, "SELECT count(*) FROM event_other").await, 0);
    }
}
