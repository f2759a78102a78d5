//! Cursors of the feed across restored databases.

use std::process::{Command, Stdio};

use serde_json::json;
use tandem::store::{self, Backend};

use super::{admin_at, cursor_of, follow, lost, next_account};
use crate::{
    crew,
    shared::create,
    support::{database::Engine, postgres, tandem::start_server},
};

on_both_engines! {
    async fn a_cursor_holds_where_its_history_does_and_no_further(world: World) {
        let admin = world.admin().await;
        create(&admin, "account", json!({ "name": "Kept" })).await;
        let kept = cursor_of(&mut follow(&admin, "ev_0_0").await, "Kept").await;
        let backend = crew::backend(&world).await;
        backend.renew_history().await.expect("a new history begins");
        backend.db().close().await.expect("it closes");
        // As a server would that wrote what was then lost.
        create(&admin, "account", json!({ "name": "After" })).await;
        let beyond = cursor_of(&mut follow(&admin, &kept).await, "After").await;
        let server = start_server(&world.database_url, world.clock.clone(), None).await;
        let admin = admin_at(server.address).await;
        assert_eq!(next_account(&mut follow(&admin, &kept).await).await, "After");
        lost(&admin, &beyond).await;
        create(&admin, "account", json!({ "name": "Further on" })).await;
        lost(&admin, &beyond).await;
        let now = cursor_of(&mut follow(&admin, &kept).await, "After").await;
        assert_eq!(next_account(&mut follow(&admin, &now).await).await, "Further on");
        // Of versions without histories.
        let (_, place) = kept[3..].split_once('_').expect("a history and a place");
        assert_eq!(next_account(&mut follow(&admin, &format!("ev_{place}")).await).await, "After");
        lost(&admin, &format!("ev_aaaaaaaaaaaa_{place}")).await;
        for nonsense in ["ev_", "ev_1", "ev_+1_2", "ev_a_-1_2", "ev_a_1_2_3", "ev__"] {
            let refused = follow(&admin, nonsense).await.message().await.to_string();
            assert!(refused.contains("INVALID_CURSOR") && !refused.contains("HISTORY_LOST"), "{nonsense}: {refused}");
        }
        server.stop().await;
    }

    async fn the_feed_goes_on_in_a_younger_postgresql_cluster(world: World) {
        let Some(young) = (if world.engine == Engine::Postgres { postgres::another() } else { None }) else { return };
        let admin = world.admin().await;
        // The cluster of the tests may be young itself.
        crew::behind_the_back(&world, "DO $$ BEGIN FOR n IN 1..20000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$").await;
        create(&admin, "account", json!({ "name": "Kept" })).await;
        let kept = cursor_of(&mut follow(&admin, "ev_0_0").await, "Kept").await;
        // A start notes which cluster it is.
        let backend = crew::backend(&world).await;
        store::migrate(&backend).await.expect("nothing is missing");
        backend.db().close().await.expect("it closes");
        let mut dump = Command::new("pg_dump")
            .arg(&world.database_url).stdout(Stdio::piped()).spawn().expect("pg_dump starts");
        let restored = Command::new("psql")
            .args(["--quiet", "--set=ON_ERROR_STOP=1", young.url.as_str()])
            .stdin(dump.stdout.take().expect("it is piped")).output().expect("psql starts");
        assert!(dump.wait().expect("it ends").success() && restored.status.success(), "{restored:?}");
        create(&admin, "account", json!({ "name": "Lost" })).await;
        let beyond = cursor_of(&mut follow(&admin, &kept).await, "Lost").await;
        let backend = Backend::open(young.url.as_str(), world.clock.clone(), tandem::api::NOUNS).await.expect("it answers");
        for _ in 0..2 {
            store::migrate(&backend).await.expect("nothing is missing");
        }
        backend.db().close().await.expect("it closes");
        let server = start_server(young.url.as_str(), world.clock.clone(), None).await;
        let admin = admin_at(server.address).await;
        let mut all = follow(&admin, "ev_0_0").await;
        assert_eq!(cursor_of(&mut all, "Kept").await.rsplit_once('_').map(|(_, seq)| seq.to_owned()),
            kept.rsplit_once('_').map(|(_, seq)| seq.to_owned()), "the old events are told, at their place");
        create(&admin, "account", json!({ "name": "New" })).await;
        assert_eq!(next_account(&mut all).await, "New");
        assert_eq!(next_account(&mut follow(&admin, &kept).await).await, "New");
        lost(&admin, &beyond).await;
        server.stop().await;
    }
}
