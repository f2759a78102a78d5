//! Giving roles, taking them, deleting them; and the last administrator.

use entity::{Department, Kind, Record, api_key};
use serde_json::{Value, json};
use tandem::{access::Purpose, store::Draft};

use super::{assign, delete, events, grants, role, role_id, said, save, unassign};
use crate::{
    crew,
    shared::{self, user_id},
    support::world::{ADMIN, MORNING, SELLER, World},
};

const NOBODY: &str = "user_00000000000000000000000000";

/// An API key of the administrator's that acts by a role.
async fn key(world: &World, name: &str, role: &str) {
    let owner = entity::id::parse(&user_id(&world.admin().await, ADMIN.email).await).unwrap().1;
    let backend = crew::backend(world).await;
    let mut change = backend.as_system(Purpose::CommandLine).begin().await.unwrap();
    let table = api_key::Entity::table();
    let mut draft = Draft::default();
    draft.set(table, "name", name);
    draft.set(table, "role_id", entity::id::parse(role).unwrap().1);
    draft.set(table, "owner_id", owner);
    draft.set(table, "prefix", "tdk_00000000");
    draft.set(table, "expires_at", MORNING.0 + 1_000);
    change.create::<api_key::Entity>(draft).await.unwrap();
    change.commit().await.unwrap();
    backend.db().close().await.unwrap();
}

/// What a mutation said, of somebody who may be out of service by the time it is their turn.
fn told(answer: &crate::support::client::Answer, mutation: &str) -> Vec<String> {
    if answer.error_code() == Some("UNAUTHENTICATED") {
        vec!["UNAUTHENTICATED".to_owned()]
    } else {
        said(answer, mutation)
    }
}

on_both_engines! {
    async fn a_role_is_given_once_and_taken_once(world: World) {
        let (admin, seller) = (world.admin().await, world.seller().await);
        let (executive, sam) = (role_id(&admin, "executive").await, user_id(&admin, SELLER.email).await);
        let sees = async || seller.query("{ roles { totalCount } }").await.expect_ok().data("roles.totalCount").clone();
        assert_eq!(sees().await, 0);
        let given = assign(&admin, &executive, &sam).await.expect_ok();
        assert_eq!((&given.data("roleAssign.assignment.version"), sees().await), (&&json!(1), json!(10)), "it holds at once");
        let before = events(&admin).await;
        let again = assign(&admin, &executive, &sam).await.expect_ok();
        assert_eq!(again.data("roleAssign.assignment"), given.data("roleAssign.assignment"));
        assert_eq!(events(&admin).await, before, "whoever holds it gets nothing new");
        let taken = unassign(&admin, &executive, &sam).await.expect_ok();
        assert_eq!(taken.data("roleUnassign.assignment.id"), given.data("roleAssign.assignment.id"));
        assert!(taken.data("roleUnassign.assignment.archivedAt").is_string());
        assert_eq!(sees().await, 0, "it is gone at once");
        let again = unassign(&admin, &executive, &sam).await.expect_ok();
        assert_eq!(again.data("roleUnassign.assignment"), &Value::Null);
        assert_ne!(assign(&admin, &executive, &sam).await.expect_ok().data("roleAssign.assignment.id"), given.data("roleAssign.assignment.id"));
    }

    async fn what_is_asked_amiss_of_roles_says_what_is_amiss(world: World) {
        let (admin, seller) = (world.admin().await, world.seller().await);
        let (rep, sam) = (role_id(&admin, "rep").await, user_id(&admin, SELLER.email).await);
        for (answer, field) in [(assign(&admin, "role_00000000000000000000000000", &sam).await, "roleAssign"), (unassign(&admin, "role_00000000000000000000000000", &sam).await, "roleUnassign")] {
            assert_eq!(said(&answer, field), ["NOT_FOUND roleId"]);
        }
        assert_eq!(said(&assign(&admin, &rep, NOBODY).await, "roleAssign"), ["NOT_FOUND userId"]);
        assert_eq!(said(&assign(&admin, &sam, &rep).await, "roleAssign"), ["INVALID roleId"]);
        assert_eq!(said(&unassign(&admin, &rep, "nonsense").await, "roleUnassign"), ["INVALID userId"]);
        assert_eq!(said(&delete(&admin, json!({ "id": "role_00000000000000000000000000" })).await, "roleDelete"), ["NOT_FOUND id"]);
        // Who sees no roles is told of none; who sees them and may do nothing, that they may not.
        assert_eq!(said(&assign(&seller, &rep, &sam).await, "roleAssign"), ["NOT_FOUND roleId"]);
        assert_eq!(said(&delete(&seller, json!({ "id": rep })).await, "roleDelete"), ["NOT_FOUND id"]);
        let it = crew::hire(&world, "ira@tandem.test", "it", Department::It).await;
        assert_eq!(said(&assign(&it.client, &rep, &it.id).await, "roleAssign"), ["FORBIDDEN PERMISSION_MISSING"]);
        assert_eq!(said(&unassign(&it.client, &rep, &sam).await, "roleUnassign"), ["FORBIDDEN PERMISSION_MISSING"]);
        assert_eq!(said(&delete(&it.client, json!({ "id": rep })).await, "roleDelete"), ["FORBIDDEN PERMISSION_MISSING"]);
        assert_eq!(said(&save(&it.client, "Update", json!({ "id": rep, "name": "Mine" })).await, "roleUpdate"), ["FORBIDDEN PERMISSION_MISSING"]);
    }

    async fn a_role_in_use_is_deleted_by_whoever_insists_and_a_built_in_one_by_nobody(world: World) {
        let admin = world.admin().await;
        let refused = delete(&admin, json!({ "id": role_id(&admin, "rep").await, "evenIfInUse": true })).await;
        assert_eq!(said(&refused, "roleDelete"), ["INVALID_TRANSITION ROLE_BUILT_IN id"]);
        let id = shared::create(&admin, "role", json!({ "name": "Hunter", "grants": grants(&["Account:READ:ALL", "User:READ:OWN"]) })).await;
        let hunter = crew::hire(&world, "hal@tandem.test", "hunter", Department::Sales).await;
        key(&world, "Sync", &id).await;
        crew::create(&admin, Kind::Account, json!({ "name": "A" })).await;
        let sees = async || hunter.client.query("{ accounts { totalCount } }").await.expect_ok().data("accounts.totalCount").clone();
        assert_eq!(sees().await, 1);
        let refused = delete(&admin, json!({ "id": id })).await;
        assert_eq!(said(&refused, "roleDelete"), ["IN_USE ROLE_IN_USE id"]);
        let message = crew::text(&refused, "roleDelete.userErrors.0.message");
        assert!(message.contains("1 users") && message.contains("1 active API keys"), "{message}");
        let stale = delete(&admin, json!({ "id": id, "evenIfInUse": true, "expectedVersion": 7 })).await;
        assert_eq!(said(&stale, "roleDelete"), ["CONFLICT STALE_VERSION expectedVersion"]);
        assert_eq!(sees().await, 1, "what fails leaves nothing behind");
        let deleted = delete(&admin, json!({ "id": id, "evenIfInUse": true, "expectedVersion": 1 })).await.expect_ok();
        assert!(deleted.data("roleDelete.role.archivedAt").is_string());
        assert_eq!((sees().await, role(&admin, "hunter").await), (json!(0), Value::Null));
        let kept = admin.query("{ apiKeys { nodes { name revokedAt } } }").await.expect_ok();
        assert_eq!(kept.data("apiKeys.nodes"), &json!([{ "name": "Sync", "revokedAt": null }]), "its keys stay, to be looked at");
        assert_eq!(said(&assign(&admin, &id, &hunter.id).await, "roleAssign"), ["NOT_FOUND roleId"]);
        // Its key is free again, and what gets it is another role.
        let next = save(&admin, "Create", json!({ "name": "Hunter", "key": "hunter" })).await.expect_ok();
        assert_ne!(next.data("roleCreate.role.id"), &json!(id));
        delete(&admin, json!({ "id": role_id(&admin, "hunter").await })).await.expect_ok();
    }

    async fn the_last_administrator_stays_one(world: World) {
        let admin = world.admin().await;
        let (role, me) = (role_id(&admin, "admin").await, user_id(&admin, ADMIN.email).await);
        assert_eq!(said(&unassign(&admin, &role, &me).await, "roleUnassign"), ["IN_USE LAST_ADMIN userId"]);
        let leave = async |who: &str| super::verb(&admin, "userDeactivate", json!({ "id": who }), "user { status }").await;
        assert_eq!(said(&leave(&me).await, "userDeactivate"), ["IN_USE LAST_ADMIN id"]);
        // Somebody who is out of service does not count.
        let other = crew::hire(&world, "second@tandem.test", "admin", Department::It).await;
        leave(&other.id).await.expect_ok();
        assert_eq!(said(&unassign(&admin, &role, &me).await, "roleUnassign"), ["IN_USE LAST_ADMIN userId"]);
        unassign(&admin, &role, &other.id).await.expect_ok();
        let third = crew::hire(&world, "third@tandem.test", "admin", Department::It).await;
        unassign(&third.client, &role, &me).await.expect_ok();
        assert_eq!(said(&unassign(&third.client, &role, &third.id).await, "roleUnassign"), ["IN_USE LAST_ADMIN userId"]);
    }

    async fn of_two_administrators_who_demote_each_other_at_once_one_stays(world: World) {
        let admin = world.admin().await;
        let (role, me) = (role_id(&admin, "admin").await, user_id(&admin, ADMIN.email).await);
        for n in 0..3 {
            let other = crew::hire(&world, &format!("other{n}@tandem.test"), "admin", Department::It).await;
            let leave = async |by: &crate::support::client::Client, who: &str| super::verb(by, "userDeactivate", json!({ "id": who }), "user { id }").await;
            let (one, two) = if n == 1 {
                let (one, two) = tokio::join!(unassign(&admin, &role, &other.id), leave(&other.client, &me));
                (told(&one, "roleUnassign"), told(&two, "userDeactivate"))
            } else {
                let (one, two) = tokio::join!(unassign(&admin, &role, &other.id), unassign(&other.client, &role, &me));
                (told(&one, "roleUnassign"), told(&two, "roleUnassign"))
            };
            assert!(one.is_empty() != two.is_empty(), "{one:?} {two:?}");
            let lost = if one.is_empty() { two } else { one };
            assert!(["IN_USE LAST_ADMIN userId", "IN_USE LAST_ADMIN id", "NOT_FOUND roleId", "NOT_FOUND id", "FORBIDDEN PERMISSION_MISSING", "UNAUTHENTICATED"].contains(&lost[0].as_str()), "{lost:?}");
            let left = crew::backend(&world).await;
            let change = left.as_system(Purpose::CommandLine).begin().await.unwrap();
            let held = change.unscoped_rows::<entity::role_assignment::Entity>("role_id", entity::id::parse(&role).unwrap().1).await.unwrap();
            let mut active = 0;
            for held in &held {
                active += usize::from(change.find::<entity::user::Entity>(held.user_id.0).await.unwrap().status == entity::UserStatus::Active);
            }
            assert_eq!(active, 1);
            change.roll_back().await.unwrap();
            left.db().close().await.unwrap();
            let still = admin.query("{ viewer { permissions } }").await;
            let mine = still.body["data"]["viewer"]["permissions"].as_array().is_some_and(|all| all.len() > 100);
            if !mine {
                return;
            }
        }
    }
}
