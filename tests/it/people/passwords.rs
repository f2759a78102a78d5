//! Passwords that are guessed first are refused wherever one is set.

use serde_json::json;

use super::user_reason;
use crate::{
    crew,
    shared::user_id,
    support::{
        client::{Answer, Client},
        world::{PASSWORD, SELLER},
    },
};

const WEAK: [(&str, &str); 5] = [
    ("eleven char", "PASSWORD_TOO_SHORT"),
    ("P@ssw0rd-2026", "PASSWORD_COMMON"),
    ("qwertyuiop123", "PASSWORD_COMMON"),
    ("123456789012", "PASSWORD_COMMON"),
    ("Sam.Seller.2026", "PASSWORD_PERSONAL"),
];

const GIVEN: &str = "a word for the first day";
const CHOSEN: &str = "snow on seven roofs";

/// Signs in with a password and, where it must be changed, another one.
async fn sign_in(client: &Client, password: &str, new: Option<&str>) -> Answer {
    let document = "mutation($email: String!, $password: String!, $new: String) {
        signIn(input: { email: $email, password: $password, newPassword: $new }) { accessToken user { email } userErrors { code field reason } } }";
    client.query_with(document, json!({ "email": SELLER.email, "password": password, "new": new })).await
}

/// Why a sign-in was refused, and in which field.
#[track_caller]
fn refused(answer: &Answer) -> (String, serde_json::Value) {
    assert!(answer.data("signIn.accessToken").is_null(), "{answer}");
    (user_reason(answer, "signIn").to_owned(), answer.data("signIn.userErrors.0.field").clone())
}

on_both_engines! {
    async fn a_password_that_must_be_changed_opens_no_session_until_another_one_is_chosen(world: World) {
        let (admin, seller) = (world.admin().await, world.seller().await);
        let sam = user_id(&admin, SELLER.email).await;
        let set = "mutation($input: UserSetPasswordInput!) { userSetPassword(input: $input) { userErrors { message } } }";
        let input = json!({ "id": sam, "password": GIVEN, "mustChangePassword": true });
        admin.query_with(set, json!({ "input": input })).await.expect_ok();
        assert_eq!(seller.query("{ viewer { user { id } } }").await.error_code(), Some("UNAUTHENTICATED"), "old sessions have ended");
        let nobody = world.anonymous();
        let required = ("PASSWORD_CHANGE_REQUIRED".to_owned(), json!(["newPassword"]));
        assert_eq!(refused(&sign_in(&nobody, GIVEN, None).await), required);
        // Whoever does not know the password learns nothing of it.
        for new in [None, Some(CHOSEN)] {
            assert_eq!(refused(&sign_in(&nobody, "not the password", new).await).0, "INVALID_CREDENTIALS");
        }
        assert_eq!(refused(&sign_in(&nobody, GIVEN, Some(GIVEN)).await).0, "PASSWORD_UNCHANGED");
        for (weak, why) in WEAK {
            assert_eq!(refused(&sign_in(&nobody, GIVEN, Some(weak)).await), (why.to_owned(), json!(["newPassword"])), "{weak}");
        }
        assert_eq!(refused(&sign_in(&nobody, GIVEN, None).await), required, "nothing of that has changed it");
        let chosen = sign_in(&nobody, GIVEN, Some(CHOSEN)).await.expect_ok();
        assert_eq!(chosen.data("signIn.user.email"), SELLER.email);
        assert_eq!(refused(&sign_in(&nobody, GIVEN, Some(CHOSEN)).await).0, "INVALID_CREDENTIALS");
        assert_eq!(refused(&sign_in(&nobody, CHOSEN, Some("another word of mine")).await).0, "PASSWORD_CHANGE_NOT_REQUIRED");
        sign_in(&nobody, CHOSEN, None).await.expect_ok();
        // The audit tells that it was given to be changed, and by whom it was changed.
        let audit = "query($id: ID!) { audit(last: 20, filter: { subject: { eq: $id }, field: { eq: \"password\" } }) { nodes { actor { id } changes { field after } } } }";
        let told = admin.query_with(audit, json!({ "id": sam })).await.expect_ok();
        let nodes = told.data("audit.nodes").as_array().expect("events").clone();
        let [.., given, chosen] = nodes.as_slice() else { panic!("{told}") };
        let must = json!([{ "field": "password", "after": null }, { "field": "mustChangePassword", "after": true }]);
        assert_eq!((&given["changes"], chosen["actor"]["id"] == json!(sam)), (&must, true), "{told}");
    }

    async fn a_reset_by_token_and_a_password_given_anew_take_the_duty_away(world: World) {
        let admin = world.admin().await;
        let sam = user_id(&admin, SELLER.email).await;
        let set = "mutation($input: UserSetPasswordInput!) { userSetPassword(input: $input) { userErrors { message } } }";
        let must = json!({ "id": sam, "password": GIVEN, "mustChangePassword": true });
        admin.query_with(set, json!({ "input": must })).await.expect_ok();
        admin.query_with(set, json!({ "input": { "id": sam, "password": GIVEN } })).await.expect_ok();
        sign_in(&world.anonymous(), GIVEN, None).await.expect_ok();
        admin.query_with(set, json!({ "input": must })).await.expect_ok();
        let reset = "mutation($id: ID!) { userPasswordResetCreate(input: { id: $id }) { token userErrors { message } } }";
        let token = crew::text(&admin.query_with(reset, json!({ "id": sam })).await.expect_ok(), "userPasswordResetCreate.token");
        let choose = "mutation($token: String!, $new: String!) { passwordReset(input: { token: $token, password: $new }) { accessToken userErrors { message } } }";
        world.anonymous().query_with(choose, json!({ "token": token, "new": CHOSEN })).await.expect_ok();
        sign_in(&world.anonymous(), CHOSEN, None).await.expect_ok();
    }

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
