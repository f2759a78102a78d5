//! The floor: bare handlers, each of which passes through what one hand-written statement returns.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use sea_orm::{
    ConnectionTrait, Statement as SeaStatement,
    prelude::Uuid,
    sqlx::{
        self, ConnectOptions,
        postgres::{PgConnectOptions, PgPool, PgPoolOptions},
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous},
    },
};
use serde::Deserialize;
use tandem::clock::{Clock, SystemClock};

use crate::{
    Outcome,
    data::{EMPLOYEES, INDUSTRIES, World, account_name},
    engine::{Engine, connect},
};

/// One statement, in both dialects.
struct Sql {
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! sql {
    ($($name:ident = $file:literal),*) => {
        $(const $name: Sql = Sql {
            sqlite: include_str!(concat!("sql/sqlite/", $file, ".sql")),
            postgres: include_str!(concat!("sql/postgres/", $file, ".sql")),
        };)*
    };
}
sql! {
    ACCOUNT = "account", FILTERED = "filtered", NESTED = "nested", AGGREGATE = "aggregate", PAGE = "page",
    CREATE = "create", UPDATE = "update"
}

/// A parameter.
enum Argument {
    Id(Uuid),
    Text(String),
    Int(i64),
}

/// Connections, as many and as tuned as a server would have them.
enum Pools {
    Sqlite { readers: SqlitePool, writer: SqlitePool },
    Postgres(PgPool),
}

macro_rules! fetch {
    ($sql:expr, $arguments:expr, $pool:expr) => {{
        let mut query = sqlx::query_scalar::<_, String>($sql);
        for argument in $arguments {
            query = match argument {
                Argument::Id(id) => query.bind(id),
                Argument::Text(text) => query.bind(text),
                Argument::Int(int) => query.bind(int),
            };
        }
        query.fetch_optional($pool).await
    }};
}

impl Pools {
    async fn open(engine: Engine, url: &str) -> Outcome<Self> {
        if engine == Engine::Postgres {
            let options: PgConnectOptions = url.parse()?;
            let options = options.statement_cache_capacity(256).disable_statement_logging();
            let pool = PgPoolOptions::new().max_connections(8).test_before_acquire(false);
            return Ok(Self::Postgres(pool.connect_with(options).await?));
        }
        let options = url
            .parse::<SqliteConnectOptions>()?
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(Duration::from_secs(5))
            .foreign_keys(true)
            .row_buffer_size(512)
            .pragma("mmap_size", "4294967296")
            .pragma("cache_size", "-65536")
            .disable_statement_logging();
        let pool = |size| SqlitePoolOptions::new().max_connections(size).test_before_acquire(false);
        let writer = pool(1).connect_with(options.clone()).await?;
        Ok(Self::Sqlite { readers: pool(4).connect_with(options).await?, writer })
    }

    async fn answer(&self, sql: Sql, arguments: impl IntoIterator<Item = Argument>, writes: bool) -> Response {
        let json = match self {
            Self::Sqlite { readers, writer } => fetch!(sql.sqlite, arguments, if writes { writer } else { readers }),
            Self::Postgres(pool) => fetch!(sql.postgres, arguments, pool),
        };
        match json {
            Ok(Some(json)) => ([(header::CONTENT_TYPE, "application/json")], json).into_response(),
            Ok(None) => StatusCode::NOT_FOUND.into_response(),
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        }
    }
}

type Shared = State<Arc<Pools>>;

#[derive(Deserialize)]
struct ById {
    id: Uuid,
}

async fn account(State(pools): Shared, Query(by): Query<ById>) -> Response {
    pools.answer(ACCOUNT, [Argument::Id(by.id)], false).await
}

#[derive(Deserialize)]
struct Filter {
    industry: String,
    employees: i64,
}

async fn filtered(State(pools): Shared, Query(filter): Query<Filter>) -> Response {
    pools.answer(FILTERED, [Argument::Text(filter.industry), Argument::Int(filter.employees)], false).await
}

async fn nested(State(pools): Shared) -> Response {
    pools.answer(NESTED, [], false).await
}

async fn aggregate(State(pools): Shared) -> Response {
    pools.answer(AGGREGATE, [], false).await
}

#[derive(Deserialize)]
struct After {
    name: String,
    id: Uuid,
}

async fn page(State(pools): Shared, Query(after): Query<After>) -> Response {
    pools.answer(PAGE, [Argument::Text(after.name), Argument::Id(after.id)], false).await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewLead {
    name: String,
    account_id: Uuid,
    source: String,
    received_at: i64,
}

async fn create(State(pools): Shared, Json(lead): Json<NewLead>) -> Response {
    let now = SystemClock.now().0;
    let id =
        uuid::Builder::from_unix_timestamp_millis(u64::try_from(now).unwrap_or_default(), &rand::random()).into_uuid();
    let fold = lead.name.to_lowercase();
    let arguments = [
        Argument::Id(id),
        Argument::Text(lead.name),
        Argument::Text(fold),
        Argument::Text(lead.source),
        Argument::Int(lead.received_at),
        Argument::Id(lead.account_id),
        Argument::Int(now),
    ];
    pools.answer(CREATE, arguments, true).await
}

#[derive(Deserialize)]
struct Described {
    id: Uuid,
    description: String,
}

async fn update(State(pools): Shared, Json(account): Json<Described>) -> Response {
    let arguments = [Argument::Id(account.id), Argument::Text(account.description), Argument::Int(SystemClock.now().0)];
    pools.answer(UPDATE, arguments, true).await
}

/// Serves until killed, and says on the first line of its output where.
pub async fn serve(engine: Engine, url: &str) -> Outcome<()> {
    let pools = Arc::new(Pools::open(engine, url).await?);
    let router = Router::new()
        .route("/health/ready", get(async || "ready"))
        .route("/account", get(account))
        .route("/accounts/filtered", get(filtered))
        .route("/accounts/nested", get(nested))
        .route("/accounts/page", get(page))
        .route("/deals/by-stage", get(aggregate))
        .route("/leads", post(create))
        .route("/accounts", post(update))
        .with_state(pools);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    axum::serve(axum::serve::ListenerExt::tap_io(listener, |stream| drop(stream.set_nodelay(true))), router).await?;
    Ok(())
}

/// Prints the plans of the statements that read.
pub async fn explain(engine: Engine, url: &str, world: &World) -> Outcome<()> {
    let connection = connect(engine, url, false).await?;
    let backend = connection.get_database_backend();
    let (id, name) = (world.account_at(world.page_after()), account_name(world.page_after()).to_lowercase());
    let some: [(&str, Sql, Vec<sea_orm::Value>); 5] = [
        ("account", ACCOUNT, vec![id.into()]),
        ("filtered", FILTERED, vec![INDUSTRIES[0].into(), i64::from(EMPLOYEES).into()]),
        ("nested", NESTED, vec![]),
        ("aggregate", AGGREGATE, vec![]),
        ("page", PAGE, vec![name.into(), id.into()]),
    ];
    for (title, sql, values) in some {
        let (text, column) = match engine {
            Engine::Sqlite => (format!("EXPLAIN QUERY PLAN {}", sql.sqlite), 3),
            Engine::Postgres => (format!("EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {}", sql.postgres), 0),
        };
        println!("\n{} {title}", engine.name());
        for row in connection.query_all_raw(SeaStatement::from_sql_and_values(backend, text, values)).await? {
            println!("  {}", row.try_get_by_index::<String>(column)?);
        }
    }
    Ok(())
}
