//! Signing in and out over HTTP, and everything that ends a session.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    crew,
    support::{
        client::{Answer, Client},
        world::{PASSWORD, SELLER},
    },
};

const WHO: &str = "{ viewer { user { id email } } }";

async fn refresh(client: &Client, token: &str) -> Answer {
    let document = "mutation($token: String!) { refresh(input: { refreshToken: $token }) {
        accessToken refreshToken userErrors { code reason message } } }";
    client.query_with(document, json!({ "token": token })).await
}

/// The token is refused: 401, why, and how to do better.
#[track_caller]
fn turned_away(answer: &Answer, reason: Option<&str>) {
    assert_eq!((answer.status.as_u16(), answer.error_code()), (401, Some("UNAUTHENTICATED")), "{answer}");
    assert_eq!(answer.headers["www-authenticate"], "Bearer");
    assert!(answer.body.get("data").is_none());
    if let Some(reason) = reason {
        assert_eq!(answer.error_reason(), Some(reason), "{answer}");
    }
}

on_both_engines! {
    async fn somebody_signs_in_and_is_known(world: World) {
        let answer = crew::try_sign_in(&world.anonymous(), "  SAM@tandem.test ", PASSWORD).await.expect_ok();
        assert_eq!(answer.data("signIn.expiresAt"), "2026-03-02T09:15:00.000Z");
        let client = world.anonymous().with_token(crew::text(&answer, "signIn.accessToken"));
        assert_eq!(client.query(WHO).await.expect_ok().data("viewer.user.email"), "sam@tandem.test");
        assert_eq!(*world.anonymous().query(WHO).await.expect_ok().data("viewer"), Value::Null);
    }

    async fn a_wrong_address_and_a_wrong_password_get_the_same_answer(world: World) {
        let wrong_password = crew::try_sign_in(&world.anonymous(), SELLER.email, "not the password, sorry").await;
        let wrong_address = crew::try_sign_in(&world.anonymous(), "nobody@tandem.test", PASSWORD).await;
        assert_eq!(wrong_password.body["data"], wrong_address.body["data"]);
        assert_eq!((wrong_password.status, wrong_address.status), (reqwest::StatusCode::OK, reqwest::StatusCode::OK));
        assert_eq!(wrong_password.user_errors("signIn"), ["INVALID"]);
        assert_eq!(*wrong_password.data("signIn.accessToken"), Value::Null);
    }

    async fn a_token_ends_with_its_time(world: World) {
        let client = world.seller().await;
        client.query(WHO).await.expect_ok();
        world.clock.advance(Duration::from_mins(17));
        turned_away(&client.query(WHO).await, Some("TOKEN_EXPIRED"));
        turned_away(&client.query("{ accounts { totalCount } }").await, Some("TOKEN_EXPIRED"));
    }

    async fn a_token_that_is_none_is_refused_whatever_is_asked(world: World) {
        let good = crew::token(&world, SELLER.email).await;
        let [head, claims, signature] = good.split('.').collect::<Vec<_>>().try_into().expect("a token has three parts");
        let unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
        let turned: String = signature.chars().rev().collect();
        for token in [
            "nonsense".to_owned(), "a.b.c".to_owned(), "🏃".repeat(3).escape_unicode().to_string(), format!("{head}.{claims}."),
            format!("{head}.{claims}.{turned}"), format!("{unsigned}.{claims}."), format!("{head}.{claims}"), "x".repeat(8_000),
        ] {
            let client = world.anonymous().with_token(&token);
            turned_away(&client.query("{ __typename }").await, None);
        }
        world.anonymous().with_token(good).query(WHO).await.expect_ok();
    }

    async fn a_refresh_token_works_once_and_its_copy_ends_the_session(world: World) {
        let anonymous = world.anonymous();
        let first = crew::try_sign_in(&anonymous, SELLER.email, PASSWORD).await.expect_ok();
        let first = crew::text(&first, "signIn.refreshToken");
        let second = refresh(&anonymous, &first).await.expect_ok();
        let client = anonymous.clone().with_token(crew::text(&second, "refresh.accessToken"));
        let next = crew::text(&second, "refresh.refreshToken");
        assert_ne!(first, next);
        assert_eq!(client.query(WHO).await.expect_ok().data("viewer.user.email"), SELLER.email);
        let reused = refresh(&anonymous, &first).await;
        assert_eq!(reused.data("refresh.userErrors.0.reason"), "REFRESH_TOKEN_REUSED");
        assert!(!reused.body.to_string().contains(&first), "secrets are not repeated");
        turned_away(&client.query(WHO).await, Some("SESSION_ENDED"));
        assert_eq!(refresh(&anonymous, &next).await.data("refresh.accessToken"), &Value::Null);
    }

    async fn signing_out_ends_the_session_at_once(world: World) {
        let (client, other) = (world.seller().await, world.seller().await);
        assert_eq!(client.query("mutation { signOut { signedOut } }").await.expect_ok().data("signOut.signedOut"), &json!(true));
        turned_away(&client.query(WHO).await, Some("SESSION_ENDED"));
        other.query(WHO).await.expect_ok();
    }

    async fn a_new_password_ends_the_other_sessions(world: World) {
        let (here, elsewhere) = (world.seller().await, world.seller().await);
        elsewhere.query(WHO).await.expect_ok();
        let change = "mutation($current: String!, $new: String!) {
            passwordChange(input: { currentPassword: $current, newPassword: $new }) { user { id } userErrors { code field reason } } }";
        let to = |current: &str, new: &str| json!({ "current": current, "new": new });
        let refused = here.query_with(change, to("not my password", "a brand new password")).await;
        assert_eq!(refused.user_errors("passwordChange"), ["INVALID currentPassword"]);
        let short = here.query_with(change, to(PASSWORD, "short")).await;
        assert_eq!(short.user_errors("passwordChange"), ["TOO_SHORT newPassword"]);
        here.query_with(change, to(PASSWORD, "a brand new password")).await.expect_ok();
        here.query(WHO).await.expect_ok();
        turned_away(&elsewhere.query(WHO).await, Some("SESSION_ENDED"));
        let old = crew::try_sign_in(&world.anonymous(), SELLER.email, PASSWORD).await;
        assert_eq!(old.user_errors("signIn"), ["INVALID"]);
        crew::try_sign_in(&world.anonymous(), SELLER.email, "a brand new password").await.expect_ok();
    }

    async fn who_has_left_is_turned_away_at_once(world: World) {
        let (admin, seller) = (world.admin().await, world.seller().await);
        let id = crew::text(&seller.query(WHO).await.expect_ok(), "viewer.user.id");
        let leave = "mutation($id: ID!) { userDeactivate(input: { id: $id }) { user { id } userErrors { code field message } } }";
        admin.query_with(leave, json!({ "id": id })).await.expect_ok();
        turned_away(&seller.query(WHO).await, Some("SESSION_ENDED"));
        let again = crew::try_sign_in(&world.anonymous(), SELLER.email, PASSWORD).await;
        assert_eq!(again.user_errors("signIn"), ["INVALID"]);
    }

    async fn a_rep_learns_what_they_may_do(world: World) {
        let answer = world.seller().await.query(
            "{ viewer { grants { resource action reach } hiddenFields { resource fields } } }").await.expect_ok();
        let all = answer.data("viewer.grants").as_array().unwrap();
        let reach = |kind: &str, action: &str| {
            let found = all.iter().find(|cell| cell["resource"] == kind && cell["action"] == action);
            found.map_or("NONE", |cell| cell["reach"].as_str().unwrap()).to_owned()
        };
        let cells = [("Account", "READ"), ("Account", "CREATE"), ("Lead", "UPDATE"), ("Deal", "ASSIGN"), ("Story", "READ")];
        assert_eq!(cells.map(|(kind, action)| reach(kind, action)), ["TEAM", "NONE", "OWN", "NONE", "ALL"]);
        assert_eq!(answer.data("viewer.hiddenFields"), &json!([]));
        let service = world.sign_in(&crate::support::world::SERVICE).await;
        let answer = service.query("{ viewer { hiddenFields { resource fields } } }").await.expect_ok();
        let hidden = json!([{ "resource": "Account", "fields": ["annualRevenue"] }, { "resource": "Deal", "fields": ["amount"] }]);
        assert_eq!(answer.data("viewer.hiddenFields"), &hidden);
    }

    async fn secrets_are_never_repeated(world: World) {
        let client = world.seller().await;
        let secret = "the-very-secret-thing";
        for (document, variables) in [
            ("mutation($v: Int!) { signIn(input: { email: \"a@b.example\", password: $v }) { accessToken } }", json!({ "v": secret })),
            ("mutation { signIn(input: { email: 7, password: \"the-very-secret-thing\" }) { accessToken } }", json!({})),
            ("mutation($v: String!) { signIn(input: { email: \"sam@tandem.test\", password: $v }) { accessToken userErrors { message } } }", json!({ "v": secret })),
            ("mutation($v: String!) { refresh(input: { refreshToken: $v }) { accessToken userErrors { message } } }", json!({ "v": secret })),
            ("mutation($v: String!) { passwordChange(input: { currentPassword: $v, newPassword: $v }) { userErrors { message } } }", json!({ "v": secret })),
            ("mutation($v: [String!]!) { refresh(input: { refreshToken: $v }) { accessToken } }", json!({ "v": secret })),
        ] {
            let answer = client.query_with(document, variables).await;
            assert!(!answer.body.to_string().contains(secret), "repeated by {answer}");
        }
        let bearer = world.anonymous().with_token(secret).query(WHO).await;
        assert!(!bearer.body.to_string().contains(secret), "{bearer}");
    }
}
