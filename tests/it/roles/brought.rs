//! The built-in roles in a database of before: those that nobody has edited follow this version, the others stay.

use serde_json::{Value, json};
use tandem::store;

use super::{encode, grants, role, save};
use crate::{
    crew,
    support::{database::Engine, world::World},
};

/// Starts this version over the database again.
async fn start_again(world: &World) {
    let backend = crew::backend(world).await;
    store::migrate(&backend).await.expect("it migrates");
    backend.db().close().await.expect("it closes");
    world.clock.advance(std::time::Duration::from_secs(1));
}

fn json_list(world: &World, texts: &[&str]) -> String {
    let cast = if world.engine == Engine::Postgres { "::jsonb" } else { "" };
    format!("'{}'{cast}", json!(texts))
}

on_both_engines! {
    async fn a_role_that_nobody_has_edited_gets_what_this_version_means_by_it(world: World) {
        let admin = world.admin().await;
        let (today, _) = encode(&role(&admin, "marketer").await);
        assert!(today.contains(&"Lead:ASSIGN:ALL".to_owned()));
        let before: Vec<&str> = today.iter().map(String::as_str).filter(|text| !text.contains(":ASSIGN:")).collect();
        let list = json_list(&world, &before);
        crew::behind_the_back(&world, &format!("UPDATE role SET grants = {list}, brought_grants = {list} WHERE key = 'marketer'")).await;
        start_again(&world).await;
        let (mut has, _) = encode(&role(&admin, "marketer").await);
        let mut wanted = today;
        has.sort();
        wanted.sort();
        assert_eq!(has, wanted);
        let version = role(&admin, "marketer").await["version"].clone();
        start_again(&world).await;
        assert_eq!(role(&admin, "marketer").await["version"], version, "nothing is left to do");
    }

    async fn a_role_that_an_administrator_has_edited_stays(world: World) {
        let admin = world.admin().await;
        let marketer = role(&admin, "marketer").await;
        let few = ["Lead:READ:ALL", "Lead:CREATE:ALL"];
        save(&admin, "Update", json!({ "id": marketer["id"], "grants": grants(&few) })).await.expect_ok();
        start_again(&world).await;
        assert_eq!(encode(&role(&admin, "marketer").await).0, few);
    }

    async fn permissions_that_nothing_takes_go_from_every_role_so_that_none_comes_to_life(world: World) {
        let admin = world.admin().await;
        save(&admin, "Create", json!({ "name": "Ours", "key": "ours", "grants": grants(&["Deal:READ:ALL"]) })).await.expect_ok();
        let list = json_list(&world, &["Deal:READ:ALL", "Deal:MERGE:ALL", "Unheard:READ:ALL"]);
        crew::behind_the_back(&world, &format!("UPDATE role SET grants = {list} WHERE key = 'ours'")).await;
        start_again(&world).await;
        let count = |text: &str| format!("SELECT count(*) AS found FROM role WHERE key = 'ours' AND CAST(grants AS text) LIKE '%{text}%'");
        assert_eq!(crew::counted(&world, &count("Deal:MERGE")).await, 0);
        assert_eq!(crew::counted(&world, &count("Unheard:READ")).await, 1, "what a newer version wrote is its own");
        let built_in = admin.query("{ roles(filter: { builtIn: { eq: true } }) { nodes { key grants { resource action } } } }").await.expect_ok();
        for role in built_in.data("roles.nodes").as_array().expect("roles") {
            for grant in role["grants"].as_array().expect("a list") {
                let word = |name: &str| grant[name].as_str().map(str::to_owned).unwrap_or_default();
                let (kind, action) = (entity::Kind::named(&word("resource")), tandem::access::Action::parse(&word("action")));
                assert!(tandem::access::has_effect(kind.unwrap(), action.unwrap()), "{role}: {grant}");
            }
        }
        assert_eq!(admin.query("{ roleWarnings { reason } }").await.expect_ok().data("roleWarnings"), &Value::Array(vec![]));
    }
}
