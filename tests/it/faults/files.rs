//! The database's files: removed, moved or replaced under the server, and a log that must stay short.

use std::{
    fs,
    path::{Path, PathBuf},
};

use futures_util::future::join_all;
use reqwest::Method;
use tandem::store::Settings;

use super::{Outcome, create, limited, names, patient};
use crate::support::{client::Client, database::Engine, world::World};

fn file(world: &World) -> PathBuf {
    let path = world.database_url.strip_prefix("sqlite://").expect("SQLite");
    Path::new(path.split('?').next().unwrap_or_default()).to_owned()
}

fn log(world: &World) -> PathBuf {
    let mut path = file(world).into_os_string();
    path.push("-wal");
    path.into()
}

async fn readiness(client: &Client) -> u16 {
    client.send(client.request(Method::GET, "/health/ready")).await.status.as_u16()
}

async fn is_refused(client: &Client, what: &str) {
    assert_eq!(readiness(client).await, 503, "{what}");
    assert_eq!(create(client, "Lost").await, Outcome::Refused("DATABASE_FILE_MOVED".to_owned()), "{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_file_that_is_moved_or_replaced_takes_no_writes() {
    World::run(Engine::Sqlite, async |world: World| {
        let admin = world.admin().await;
        assert_eq!(create(&admin, "Before").await, Outcome::Acknowledged);
        let (file, elsewhere) = (file(&world), file(&world).with_extension("elsewhere"));
        fs::rename(&file, &elsewhere).unwrap();
        is_refused(&admin, "moved away").await;
        fs::copy(&elsewhere, &file).unwrap();
        is_refused(&admin, "replaced by a copy").await;
        fs::rename(&elsewhere, &file).unwrap();
        assert_eq!(readiness(&admin).await, 200, "back in its place");
        assert_eq!(create(&admin, "After").await, Outcome::Acknowledged);
        assert_eq!(names(&admin, "").await.into_iter().collect::<Vec<_>>(), ["After", "Before"]);
        fs::rename(log(&world), log(&world).with_extension("gone")).unwrap();
        is_refused(&admin, "without its log").await;
        fs::rename(log(&world).with_extension("gone"), log(&world)).unwrap();
        fs::remove_file(&file).unwrap();
        is_refused(&admin, "removed").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_write_ahead_log_stays_short_while_readers_follow_each_other() {
    const LOG: u64 = 512 * 1024;
    World::run(Engine::Sqlite, async |world: World| {
        let (admin, running) = limited(&world, Settings { log: LOG, ..patient() }).await;
        let reads = async |rounds: usize| {
            for _ in 0..rounds {
                names(&admin, "").await;
            }
        };
        let writes = async || {
            for n in 0..60 {
                let items: Vec<_> = (0..50).map(|m| serde_json::json!({ "name": format!("{n}-{m}"), "externalIds": [{ "system": "crm", "id": format!("{n}-{m}") }] })).collect();
                let document = "mutation($items: [AccountBulkUpsertItem!]!) { accountBulkUpsert(input: { items: $items }) { results { status } userErrors { code } } }";
                admin.query_with(document, serde_json::json!({ "items": items })).await.expect_ok();
                running.backend.db().tidy().await.expect("the log can be written back");
                let length = fs::metadata(log(&world)).unwrap().len();
                assert!(length < 4 * LOG, "the log has {length} bytes");
            }
        };
        tokio::join!(join_all((0..4).map(|_| reads(20))), writes());
        running.backend.db().tidy().await.unwrap();
        assert!(fs::metadata(log(&world)).unwrap().len() <= LOG);
        assert_eq!(names(&admin, "").await.len(), 3_000);
        running.stop().await.unwrap();
    })
    .await;
}
