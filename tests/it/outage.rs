//! A database that goes away, or that somebody else keeps: told with a clear code, and found again.

use entity::Kind;
use serde_json::json;

use crate::{
    crew,
    support::{client::Answer, database::Engine},
};

const CREATE: &str = "mutation { accountCreate(input: { name: \"A\" }) { account { id } userErrors { code } } }";

/// It went well, or the client is told to come again; anything else is a fault.
#[track_caller]
fn went_well(answer: &Answer) -> bool {
    let code = answer.error_code();
    assert!(matches!(code, None | Some("SERVICE_UNAVAILABLE")), "{answer}");
    code.is_none()
}

on_both_engines! {
    async fn connections_that_the_database_has_cut_are_replaced(world: World) {
        if world.engine == Engine::Sqlite {
            return;
        }
        let admin = world.admin().await;
        crew::create(&admin, Kind::Account, json!({ "name": "Before" })).await;
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
        for document in ["{ accounts { totalCount } }", CREATE] {
            crew::behind_the_back(&world, cut).await;
            // Each connection of the pool may fail once.
            let mut tried = 0;
            while !went_well(&admin.query(document).await) {
                tried += 1;
                assert!(tried < 20, "it does not find the database again");
            }
        }
        assert_eq!(admin.query("{ accounts { totalCount } }").await.expect_ok().data("accounts.totalCount"), 2);
    }
}
