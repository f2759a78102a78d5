//! The harness itself, so that a red test speaks of Tandem.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{
    client::Answer,
    database::Engine,
    world::{self, PEOPLE, World},
};

const CREATE: &str = r#"mutation { accountCreate(input: { name: "Acme", domain: "acme.example" }) { account { createdAt } userErrors { code field } } }"#;

on_both_engines! {
    async fn a_world_has_a_migrated_database_of_its_own(world: World) {
        let admin = world.admin().await;
        let engine = if world.engine == Engine::Sqlite { "sqlite" } else { "postgres" };
        assert!(world.database_url.starts_with(engine));
        let seen = admin.query("{ accounts { totalCount } users { totalCount } }").await.expect_ok();
        assert_eq!((seen.data("accounts.totalCount"), seen.data("users.totalCount")), (&json!(0), &json!(PEOPLE.len())));
    }

    async fn what_one_world_writes_another_does_not_see(world: World) {
        // The twin runs beside this one and would find the domain taken.
        write_once(&world).await;
    }

    async fn and_its_twin_does_not_either(world: World) {
        write_once(&world).await;
    }

    async fn the_clock_stands_still_until_it_is_moved(world: World) {
        let admin = world.admin().await;
        let created = admin.query(CREATE).await.expect_ok();
        assert_eq!(created.data("accountCreate.account.createdAt"), "2026-03-02T09:00:00.000Z");
        world.clock.advance(std::time::Duration::from_secs(90));
        let created = admin.query(&CREATE.replace("acme", "globex")).await.expect_ok();
        assert_eq!(created.data("accountCreate.account.createdAt"), "2026-03-02T09:01:30.000Z");
    }

    async fn everybody_signs_in_and_has_their_team_and_role(world: World) {
        let admin = world.admin().await;
        for person in &PEOPLE {
            let name = "query ($email: EmailAddress!) { user(by: { email: $email }) { name department teams { nodes { name } } roles { nodes { key } } } }";
            let seen = admin.query_with(name, json!({ "email": person.email })).await.expect_ok();
            let teams: Vec<_> = person.team.iter().map(|team| json!({ "name": team })).collect();
            let expected = json!({
                "name": person.name, "department": person.department.as_str(),
                "teams": { "nodes": teams },
                "roles": { "nodes": [{ "key": person.role }] },
            });
            assert_eq!(seen.data("user"), &expected);
            let own = world.sign_in(person).await.query("{ __typename teams { totalCount } }").await.expect_ok();
            assert_eq!(own.data("teams.totalCount"), 2);
        }
    }

    async fn malformed_bodies_and_other_paths_can_be_asked_for(world: World) {
        let client = world.anonymous();
        let answer = client.post("application/json", "{ not json").await;
        assert_eq!((answer.status, answer.error_code()), (StatusCode::BAD_REQUEST, Some("BAD_REQUEST")));
        let nowhere = client.send(client.request(Method::GET, "/nowhere")).await;
        assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
    }
}

async fn write_once(world: &World) {
    let client = world.admin().await;
    let created = client.query(CREATE).await.expect_ok();
    assert_eq!(created.user_errors("accountCreate"), Vec::<String>::new());
    let again = client.query(CREATE).await;
    assert_eq!(again.user_errors("accountCreate"), ["TAKEN domain"]);
    assert!(std::panic::catch_unwind(|| again.expect_ok()).is_err(), "user errors are not ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_that_fails_is_told_and_leaves_no_database() {
    let (tell, told) = std::sync::mpsc::channel();
    let failing = World::run(Engine::Sqlite, |world| async move {
        let file = world.database_url.trim_start_matches("sqlite://").trim_end_matches("?mode=rwc").to_owned();
        assert!(std::path::Path::new(&file).exists());
        tell.send(file).expect("the test listens");
        panic!("as it should");
    });
    let outcome = AssertUnwindSafe(failing).catch_unwind().await;
    assert_eq!(outcome.expect_err("the panic goes on").downcast_ref(), Some(&"as it should"));
    let file = told.recv().expect("the world was there");
    assert!(!std::path::Path::new(&file).exists(), "{file} stays");
}

#[test]
fn an_answer_is_read_by_path() {
    let body = json!({ "data": { "accounts": { "nodes": [{ "name": "Acme" }] } } });
    let answer = Answer { status: StatusCode::OK, headers: reqwest::header::HeaderMap::new(), body };
    assert_eq!(answer.data("accounts.nodes.0.name"), "Acme");
    assert_eq!(answer.error_code(), None);
    assert!(std::panic::catch_unwind(|| answer.data("accounts.nodes.1.name").clone()).is_err());
}

#[test]
fn no_two_people_share_an_address() {
    let mut addresses: Vec<&str> = PEOPLE.iter().map(|person| person.email).collect();
    addresses.sort_unstable();
    addresses.dedup();
    assert_eq!(addresses.len(), world::PEOPLE.len());
}
