//! A forgotten password is replaced by a token that is shown once.

use std::time::Duration;

use entity::Department;
use serde_json::json;

use super::{role, texts, user_reason};
use crate::{
    crew,
    shared::{self, user_id},
    support::{
        client::{Answer, Client},
        world::{ADMIN, PASSWORD, SELLER},
    },
};

const SECRET: &str = "snow on seven roofs";

async fn create(client: &Client, user: &str) -> Answer {
    let document = "mutation($id: ID!) { userPasswordResetCreate(input: { id: $id }) { user { id } token expiresAt userErrors { code reason field message } } }";
    client.query_with(document, json!({ "id": user })).await
}

async fn token(client: &Client, user: &str) -> String {
    crew::text(&create(client, user).await.expect_ok(), "userPasswordResetCreate.token")
}

async fn reset(client: &Client, token: &str, password: &str) -> Answer {
    let document =
        "mutation($token: String!, $password: String!) { passwordReset(input: { token: $token, password: $password }) {
        accessToken user { email } userErrors { code reason field message } } }";
    client.query_with(document, json!({ "token": token, "password": password })).await
}

on_both_engines! {
    async fn who_has_forgotten_the_password_sets_another_by_a_token_once(world: World) {
        let (admin, anonymous) = (world.admin().await, world.anonymous());
        let sam = user_id(&admin, SELLER.email).await;
        let before = crew::sign_in(&world, SELLER.email, PASSWORD).await;
        let first = token(&admin, &sam).await;
        before.query("{ viewer { user { id } } }").await.expect_ok();
        let second = token(&admin, &sam).await;
        assert_eq!(user_reason(&reset(&anonymous, &first, SECRET).await, "passwordReset"), "PASSWORD_RESET_INVALID", "replaced");
        let done = reset(&anonymous, &second, SECRET).await.expect_ok();
        assert_eq!(done.data("passwordReset.user.email"), SELLER.email);
        let client = world.anonymous().with_token(crew::text(&done, "passwordReset.accessToken"));
        client.query("{ viewer { user { id } } }").await.expect_ok();
        let ended = before.query("{ viewer { user { id } } }").await;
        assert_eq!(ended.body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "the sessions of before end");
        assert_eq!(user_reason(&reset(&anonymous, &second, "another long secret").await, "passwordReset"), "PASSWORD_RESET_INVALID", "used");
        crew::sign_in(&world, SELLER.email, SECRET).await;
        assert!(crew::try_sign_in(&anonymous, SELLER.email, PASSWORD).await.data("signIn.accessToken").is_null());
    }

    async fn a_token_to_reset_a_password_ends_after_a_day(world: World) {
        let (admin, anonymous) = (world.admin().await, world.anonymous());
        let sam = user_id(&admin, SELLER.email).await;
        let token = token(&admin, &sam).await;
        world.clock.advance(Duration::from_hours(24));
        assert_eq!(user_reason(&reset(&anonymous, &token, SECRET).await, "passwordReset"), "PASSWORD_RESET_EXPIRED");
        assert_eq!(user_reason(&reset(&anonymous, "nonsense", SECRET).await, "passwordReset"), "PASSWORD_RESET_INVALID");
    }

    async fn nobody_resets_the_password_of_somebody_who_may_do_more(world: World) {
        let admin = world.admin().await;
        role(&admin, "keeper", &texts(&["User:READ:ALL", "User:MANAGE:ALL"]), &[]).await;
        role(&admin, "clerk", &texts(&["User:READ:ALL", "User:UPDATE:ALL"]), &[]).await;
        let keeper = crew::hire(&world, "keeper@tandem.test", "keeper", Department::It).await.client;
        let clerk = crew::hire(&world, "clerk@tandem.test", "clerk", Department::It).await.client;
        for email in [ADMIN.email, SELLER.email] {
            let user = user_id(&admin, email).await;
            assert_eq!(user_reason(&create(&keeper, &user).await, "userPasswordResetCreate"), "EXCEEDS_OWN_PERMISSIONS");
            assert_eq!(user_reason(&create(&clerk, &user).await, "userPasswordResetCreate"), "PERMISSION_MISSING");
        }
        let stranger = crew::stranger(&admin, "Nils").await;
        assert_eq!(user_reason(&create(&keeper, &stranger).await, "userPasswordResetCreate"), "EMAIL_MISSING");
    }

    async fn a_token_is_void_once_the_person_may_do_more_by_a_role_that_was_widened(world: World) {
        let (admin, anonymous) = (world.admin().await, world.anonymous());
        let id = role(&admin, "small", &texts(&["User:READ:OWN"]), &[]).await;
        let small = crew::hire(&world, "small@tandem.test", "small", Department::It).await;
        let token = token(&admin, &small.id).await;
        let grants = json!([{ "resource": "User", "action": "READ", "reach": "ALL" }]);
        shared::update(&admin, "role", json!({ "id": id, "grants": grants })).await;
        assert_eq!(user_reason(&reset(&anonymous, &token, SECRET).await, "passwordReset"), "PASSWORD_RESET_INVALID");
    }
}
