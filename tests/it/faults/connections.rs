//! Connections that are few, cut, silent, or lead to a server that takes no changes.

use std::{net::SocketAddr, time::Duration};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use tandem::store::{Backend, Settings};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};

use super::{CREATE, Outcome, Writers, assert_kept, at, create, limited, names, patient, proxy::Proxy};
use crate::{
    crew,
    support::{client::Client, database::Engine, world::World},
};

/// A test that only PostgreSQL can be put to.
macro_rules! on_postgres {
    ($($(#[$meta:meta])* async fn $name:ident($world:ident: World) $body:block)+) => {$(
        $(#[$meta])*
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            async fn test($world: World) $body
            World::run(Engine::Postgres, test).await;
        }
    )+};
}

/// Whether a server of the tests' own is used, whose socket the proxy knows.
fn has_socket(world: &World) -> bool {
    world.database_url.contains("host=")
}

async fn readiness(client: &Client) -> u16 {
    client.send(client.request(Method::GET, "/health/ready")).await.status.as_u16()
}

/// Keeps a lock that others need, for as long as a test wants.
fn hold(world: &World) -> &'static str {
    match world.engine {
        Engine::Sqlite => "BEGIN IMMEDIATE",
        Engine::Postgres => "BEGIN; LOCK TABLE account",
    }
}

on_both_engines! {
    async fn five_hundred_writers_make_progress_on_two_connections(world: World) {
        let (admin, running) = limited(&world, Settings { connections: 2, ..patient() }).await;
        let outcomes = join_all((0..500).map(|n| {
            let admin = admin.clone();
            // Each with a name of its own, and with what its sender may do asked anew.
            tokio::spawn(async move { create(&admin, &format!("Writer {n}")).await })
        }));
        for outcome in outcomes.await {
            assert_eq!(outcome.expect("no panic"), Outcome::Acknowledged);
        }
        assert_eq!(names(&admin, "Writer").await.len(), 500);
        running.stop().await.unwrap();
    }

    async fn who_waits_too_long_for_a_lock_is_told_so_and_readers_go_on(world: World) {
        let (admin, running) = limited(&world, Settings { wait: Duration::from_secs(1), ..Settings::default() }).await;
        let keeper = crew::Holding::start(&world.database_url, hold(&world)).await;
        let refused = join_all((0..12).map(|n| create(&admin, if n % 2 == 0 { "Even" } else { "Odd" }))).await;
        for outcome in refused {
            assert_eq!(outcome, Outcome::Refused("DATABASE_BUSY".to_owned()));
        }
        admin.query("{ deals { totalCount } viewer { user { id } } }").await.expect_ok();
        keeper.end().await;
        assert_eq!(create(&admin, "After").await, Outcome::Acknowledged);
        running.stop().await.unwrap();
    }

    async fn requests_that_are_cut_off_leave_nothing_behind(world: World) {
        let (admin, running) = limited(&world, Settings { connections: 2, ..patient() }).await;
        let body = |n: usize| json!({ "query": CREATE, "variables": { "name": format!("Cut {n}") } }).to_string();
        for round in 0..30 {
            let cut = (0..10).map(|n| cut_off(&admin, body(round * 10 + n), running.address));
            tokio::join!(join_all(cut), create(&admin, "Beside"));
        }
        // A statement that fails would show in every later change on a connection whose transaction was left open.
        for n in 0..40 {
            let twice = format!("mutation {{ accountCreate(input: {{ name: \"Domain {n}\", domain: \"same.example\" }}) {{ account {{ id }} }} }}");
            admin.query(&twice).await.expect_ok();
            assert_eq!(create(&admin, &format!("Whole {n}")).await, Outcome::Acknowledged);
        }
        assert_eq!(names(&admin, "Whole").await.len(), 40);
        running.stop().await.unwrap();
    }
}

/// Sends a request and is gone before its answer.
async fn cut_off(admin: &Client, body: String, address: SocketAddr) {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: tandem\r\ncontent-type: application/json\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
        admin.token(),
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await.expect("it is read");
    stream.shutdown().await.ok();
}

on_postgres! {
    async fn a_commit_without_an_answer_is_told_as_unknown_and_repeated_safely(world: World) {
        if !has_socket(&world) { return }
        let proxy = Proxy::before(&world.database_url).await;
        let (admin, running) = at(&proxy.url(&world.database_url, &[]), &world, patient()).await;
        let document = "mutation { accountCreate(input: { name: \"Once\", idempotencyKey: \"once\" }) { account { id } userErrors { code } } }";
        proxy.lose_next_commit();
        let unknown = admin.query(document).await;
        assert_eq!(unknown.error_code(), Some("SERVICE_UNAVAILABLE"), "{unknown}");
        assert_eq!(unknown.error_reason(), Some("OUTCOME_UNKNOWN"), "{unknown}");
        admin.query(document).await.expect_ok();
        let found = admin.query("{ accounts(filter: { name: { eq: \"Once\" } }) { totalCount } }").await.expect_ok();
        assert_eq!(found.data("accounts.totalCount"), 1);
        running.stop().await.unwrap();
    }

    async fn connections_that_fall_silent_are_given_up(world: World) {
        if !has_socket(&world) { return }
        let proxy = Proxy::before(&world.database_url).await;
        let settings = tandem::http::Settings { deadline: Duration::from_secs(2), ..crew::generous() };
        let url = proxy.url(&world.database_url, &[]);
        let backend = Backend::open_with(&url, world.clock.clone(), tandem::api::NOUNS, Settings::default()).await.unwrap();
        let (client, running) = crew::serve(backend, settings).await;
        let signed_in = crew::try_sign_in(&client, "ada@tandem.test", crate::support::world::PASSWORD).await.expect_ok();
        let admin = client.with_token(crew::text(&signed_in, "signIn.accessToken"));
        // As many connections as there may be.
        join_all((0..16).map(|n| create(&admin, if n % 2 == 0 { "Even" } else { "Odd" }))).await;
        proxy.silence();
        let mut tried = 0;
        while !admin.query_with(CREATE, json!({ "name": "Heard" })).await.body["data"]["accountCreate"]["account"]["id"].is_string() {
            tried += 1;
            assert!(tried < 20, "it does not find the database again");
        }
        assert_eq!(readiness(&admin).await, 200);
        running.stop().await.unwrap();
    }

    async fn the_server_that_takes_changes_is_used_of_several(world: World) {
        if !has_socket(&world) { return }
        let proxy = Proxy::before(&world.database_url).await;
        // A port that nobody listens on.
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let (admin, running) = at(&proxy.url(&world.database_url, &[closed]), &world, patient()).await;
        assert_eq!(create(&admin, "Here").await, Outcome::Acknowledged);
        running.stop().await.unwrap();
    }

    async fn a_server_that_takes_no_changes_is_told_and_left_for_one_that_does(world: World) {
        let (admin, running) = limited(&world, patient()).await;
        let mut writers = Writers::start(&admin, 4);
        writers.until_acknowledged(5).await;
        let name = world.database_url.split('?').next().and_then(|url| url.rsplit('/').next()).unwrap().to_owned();
        let read_only = |on: &str| format!("ALTER DATABASE {name} SET default_transaction_read_only = {on}");
        crew::behind_the_back(&world, &read_only("on")).await;
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
        crew::behind_the_back(&world, cut).await;
        writers.until_refused(5).await;
        assert_eq!(readiness(&admin).await, 503, "it takes no changes");
        let again = Backend::open(&world.database_url, world.clock.clone(), tandem::api::NOUNS).await.expect_err("it takes no changes");
        assert!(again.to_string().contains("standby"), "{again}");
        admin.query("{ accounts { totalCount } }").await.expect_ok();
        let server = crate::support::postgres::server().expect("it runs").expect("it is there");
        crew::run_sql(server.as_str(), &read_only("off")).await;
        // Its readers came in while there was nothing better.
        crew::run_sql(server.as_str(), &cut.replace("current_database()", &format!("'{name}'"))).await;
        writers.until_acknowledged(5).await;
        assert_eq!(readiness(&admin).await, 200);
        let written = writers.stop().await;
        assert_kept(&written, &names(&admin, "Written").await);
        running.stop().await.unwrap();
    }
}
