//! Passwords that are guessed first are refused wherever one is set.

use serde_json::json;

use super::user_reason;
use crate::{
    crew,
    shared::user_id,
    support::world::{PASSWORD, SELLER},
};

const WEAK: [(&str, &str); 5] = [
    ("eleven char", "PASSWORD_TOO_SHORT"),
    ("P@ssw0rd-2026", "PASSWORD_COMMON"),
    ("qwertyuiop123", "PASSWORD_COMMON"),
    ("123456789012", "PASSWORD_COMMON"),
    ("Sam.Seller.2026", "PASSWORD_PERSONAL"),
];

on_both_engines! {
    async fn a_password_that_is_guessed_first_is_refused_wherever_it_is_set(world: World) {
        let (admin, seller) = (world.admin().await, world.seller().await);
        let sam = user_id(&admin, SELLER.email).await;
        let change = "mutation($current: String!, $new: String!) { passwordChange(input: { currentPassword: $current, newPassword: $new }) { userErrors { code field reason } } }";
        let set = "mutation($id: ID!, $password: String!) { userSetPassword(input: { id: $id, password: $password }) { userErrors { code field reason } } }";
        for (password, why) in WEAK {
            let changed = seller.query_with(change, json!({ "current": PASSWORD, "new": password })).await;
            assert_eq!(user_reason(&changed, "passwordChange"), why, "{password}");
            assert_eq!(changed.data("passwordChange.userErrors.0.field"), &json!(["newPassword"]));
            let given = admin.query_with(set, json!({ "id": sam, "password": password })).await;
            assert_eq!(user_reason(&given, "userSetPassword"), why, "{password}");
        }
        crew::try_sign_in(&world.anonymous(), SELLER.email, PASSWORD).await.expect_ok();
        seller.query_with(change, json!({ "current": PASSWORD, "new": "snow on seven roofs" })).await.expect_ok();
        crew::try_sign_in(&world.anonymous(), SELLER.email, "snow on seven roofs").await.expect_ok();
    }
}
