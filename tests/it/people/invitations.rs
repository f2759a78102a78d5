//! Invitations: people join by a token that is shown once, and set their own password.

use std::time::Duration;

use entity::{Department, Kind};
use serde_json::{Value, json};

use super::{role, texts, user_reason};
use crate::{
    crew,
    shared::user_id,
    support::{
        client::{Answer, Client},
        world::SELLER,
    },
};

const SECRET: &str = "snow on seven roofs";

async fn invite(client: &Client, input: Value) -> Answer {
    let document = "mutation($input: UserInviteInput!) { userInvite(input: $input) {
        user { id email status department title roles { nodes { key } } } invitation expiresAt query { viewer { user { id } } }
        userErrors { code reason field message conflict { id } } } }";
    client.query_with(document, json!({ "input": input })).await
}

async fn reinvite(client: &Client, user: &str) -> Answer {
    let document = "mutation($id: ID!) { userReinvite(input: { id: $id }) { user { id } invitation expiresAt userErrors { code reason field message } } }";
    client.query_with(document, json!({ "id": user })).await
}

async fn accept(client: &Client, token: &str, password: &str) -> Answer {
    let document = "mutation($token: String!, $password: String!) { invitationAccept(input: { token: $token, password: $password }) {
        accessToken refreshToken expiresAt user { email } userErrors { code reason field message } } }";
    client.query_with(document, json!({ "token": token, "password": password })).await
}

fn nora() -> Value {
    json!({ "name": "Nora New", "email": "Nora@tandem.test", "title": "Rep", "department": "SALES" })
}

/// Invites Nora; her id and her token.
async fn invited(admin: &Client) -> (String, String) {
    let answer = invite(admin, nora()).await.expect_ok();
    (crew::text(&answer, "userInvite.user.id"), crew::text(&answer, "userInvite.invitation"))
}

async fn role_id(admin: &Client, key: &str) -> String {
    let answer =
        admin.query_with("query($key: String!) { role(by: { key: $key }) { id } }", json!({ "key": key })).await;
    crew::text(&answer.expect_ok(), "role.id")
}

on_both_engines! {
    async fn somebody_is_invited_and_joins(world: World) {
        let (admin, anonymous) = (world.admin().await, world.anonymous());
        let rep = role_id(&admin, "rep").await;
        let mut input = nora();
        input["roleIds"] = json!([rep, rep]);
        let answer = invite(&admin, input).await.expect_ok();
        let person = answer.data("userInvite.user");
        assert_eq!((&person["email"], &person["status"], &person["title"]), (&json!("nora@tandem.test"), &json!("ACTIVE"), &json!("Rep")));
        assert_eq!(person["roles"]["nodes"], json!([{ "key": "rep" }]));
        assert_eq!(answer.data("userInvite.expiresAt"), "2026-03-09T09:00:00.000Z");
        let token = crew::text(&answer, "userInvite.invitation");
        assert!(token.starts_with("tdi_") && token.len() == 47, "{token}");
        assert_eq!(crew::try_sign_in(&anonymous, "nora@tandem.test", &token).await.user_errors("signIn"), ["INVALID"], "a token is no password");

        let joined = accept(&anonymous, &format!(" {token} "), SECRET).await.expect_ok();
        assert_eq!(joined.data("invitationAccept.user.email"), "nora@tandem.test");
        assert_eq!(joined.data("invitationAccept.expiresAt"), "2026-03-02T09:15:00.000Z");
        let nora = anonymous.clone().with_token(crew::text(&joined, "invitationAccept.accessToken"));
        let viewer = nora.query("{ viewer { user { email } session { id } permissions } }").await.expect_ok();
        assert!(viewer.data("viewer.permissions").as_array().unwrap().contains(&json!("Account:READ:TEAM")), "{viewer}");
        crew::try_sign_in(&anonymous, "nora@tandem.test", SECRET).await.expect_ok();
        let renew = "mutation($token: String!) { refresh(input: { refreshToken: $token }) { accessToken userErrors { code } } }";
        let refresh = crew::text(&joined, "invitationAccept.refreshToken");
        anonymous.query_with(renew, json!({ "token": refresh })).await.expect_ok();

        let again = accept(&anonymous, &token, "another seven roofs").await;
        assert_eq!((again.user_errors("invitationAccept"), user_reason(&again, "invitationAccept")), (vec!["INVALID token".to_owned()], "INVITATION_INVALID"));
        let id = person["id"].as_str().unwrap();
        let joined_already = reinvite(&admin, id).await;
        assert_eq!(joined_already.user_errors("userReinvite"), ["INVALID_TRANSITION id"]);
        assert_eq!(user_reason(&joined_already, "userReinvite"), "ALREADY_JOINED");
    }

    async fn an_invitation_ends_after_a_week_and_another_takes_its_place(world: World) {
        let (admin, anonymous) = (world.admin().await, world.anonymous());
        let (id, first) = invited(&admin).await;
        world.clock.advance(Duration::from_hours(7 * 24) - Duration::from_secs(1));
        let admin = world.admin().await;
        let second = crew::text(&reinvite(&admin, &id).await.expect_ok(), "userReinvite.invitation");
        assert_ne!(first, second);
        assert_eq!(user_reason(&accept(&anonymous, &first, SECRET).await, "invitationAccept"), "INVITATION_INVALID", "the first is void");
        world.clock.advance(Duration::from_hours(7 * 24));
        let late = accept(&anonymous, &second, SECRET).await;
        assert_eq!((late.user_errors("invitationAccept"), user_reason(&late, "invitationAccept")), (vec!["INVALID token".to_owned()], "INVITATION_EXPIRED"));
        assert_eq!(crew::try_sign_in(&anonymous, "nora@tandem.test", SECRET).await.user_errors("signIn"), ["INVALID"]);
        let third = crew::text(&reinvite(&world.admin().await, &id).await.expect_ok(), "userReinvite.invitation");
        accept(&anonymous, &third, SECRET).await.expect_ok();
    }

    async fn whoever_has_left_or_got_a_password_joins_by_no_invitation(world: World) {
        let (admin, anonymous) = (world.admin().await, world.anonymous());
        let (id, token) = invited(&admin).await;
        let leave = "mutation($id: ID!) { userDeactivate(input: { id: $id }) { userErrors { code message } } }";
        admin.query_with(leave, json!({ "id": id })).await.expect_ok();
        assert_eq!(user_reason(&accept(&anonymous, &token, SECRET).await, "invitationAccept"), "INVITATION_INVALID");
        assert_eq!(user_reason(&reinvite(&admin, &id).await, "userReinvite"), "USER_DEACTIVATED");
        let back = "mutation($id: ID!) { userReactivate(input: { id: $id }) { userErrors { code message } } }";
        admin.query_with(back, json!({ "id": id })).await.expect_ok();
        assert_eq!(user_reason(&accept(&anonymous, &token, SECRET).await, "invitationAccept"), "INVITATION_INVALID", "void for good");
        let token = crew::text(&reinvite(&admin, &id).await.expect_ok(), "userReinvite.invitation");
        let set = "mutation($id: ID!, $password: String!) { userSetPassword(input: { id: $id, password: $password }) { userErrors { code message } } }";
        admin.query_with(set, json!({ "id": id, "password": SECRET })).await.expect_ok();
        assert_eq!(user_reason(&accept(&anonymous, &token, "another seven roofs").await, "invitationAccept"), "INVITATION_INVALID");
        crew::try_sign_in(&anonymous, "nora@tandem.test", SECRET).await.expect_ok();
    }

    async fn whoever_gets_another_role_is_invited_anew(world: World) {
        let (admin, anonymous) = (world.admin().await, world.anonymous());
        let (id, token) = invited(&admin).await;
        let assign = "mutation($input: RoleAssignInput!) { roleAssign(input: $input) { userErrors { code message } } }";
        let role = role_id(&admin, "sales_manager").await;
        admin.query_with(assign, json!({ "input": { "roleId": role, "userId": id } })).await.expect_ok();
        assert_eq!(user_reason(&accept(&anonymous, &token, SECRET).await, "invitationAccept"), "INVITATION_INVALID");
        let token = crew::text(&reinvite(&admin, &id).await.expect_ok(), "userReinvite.invitation");
        accept(&anonymous, &token, SECRET).await.expect_ok();
    }

    async fn a_weak_password_uses_no_invitation_up(world: World) {
        let (admin, anonymous) = (world.admin().await, world.anonymous());
        let (_, token) = invited(&admin).await;
        for (password, why) in [("too short", "PASSWORD_TOO_SHORT"), ("Password2026!", "PASSWORD_COMMON"), ("NoraNew-2026", "PASSWORD_PERSONAL")] {
            let refused = accept(&anonymous, &token, password).await;
            assert_eq!(user_reason(&refused, "invitationAccept"), why, "{refused}");
            assert_eq!(refused.data("invitationAccept.userErrors.0.field"), &json!(["password"]));
        }
        accept(&anonymous, &token, SECRET).await.expect_ok();
    }

    async fn nobody_invites_who_may_do_more_than_they(world: World) {
        let (admin, seller) = (world.admin().await, world.seller().await);
        assert_eq!(user_reason(&invite(&seller, nora()).await, "userInvite"), "PERMISSION_MISSING");
        role(&admin, "hr", &texts(&["User:READ:ALL", "User:CREATE:ALL", "Role:READ:ALL", "RoleAssignment:READ:ALL", "RoleAssignment:CREATE:ALL"]), &[]).await;
        let hr = crew::hire(&world, "hr@tandem.test", "hr", Department::Executive).await.client;
        let mut input = nora();
        input["roleIds"] = json!([role_id(&admin, "hr").await, role_id(&admin, "admin").await]);
        let beyond = invite(&hr, input.clone()).await;
        assert_eq!(beyond.user_errors("userInvite"), ["FORBIDDEN roleIds.1"], "{beyond}");
        assert_eq!(*beyond.data("userInvite.invitation"), Value::Null);
        input["roleIds"] = json!(["nonsense"]);
        assert_eq!(invite(&hr, input.clone()).await.user_errors("userInvite"), ["INVALID roleIds.0"]);
        input["roleIds"] = json!([format!("role_{}", "0".repeat(26))]);
        assert_eq!(invite(&hr, input).await.user_errors("userInvite"), ["NOT_FOUND roleIds.0"]);
        let people = admin.query("{ users(filter: { email: { eq: \"nora@tandem.test\" } }) { totalCount } }").await.expect_ok();
        assert_eq!(people.data("users.totalCount"), &json!(0), "nothing of a refused invitation stays");
        // Who has the token becomes the person: so who invites again must hold what they hold.
        let (id, _) = invited(&admin).await;
        super::assign(&admin, &role_id(&admin, "sales_manager").await, &id).await;
        let taken_over = reinvite(&hr, &id).await;
        assert_eq!(taken_over.user_errors("userReinvite"), ["FORBIDDEN"], "{taken_over}");
        assert_eq!(reinvite(&seller, &id).await.user_errors("userReinvite"), ["FORBIDDEN"]);
        let nobody = format!("user_{}", "0".repeat(26));
        assert_eq!(reinvite(&admin, &nobody).await.user_errors("userReinvite"), ["NOT_FOUND id"]);
    }

    async fn an_invitation_is_checked_as_a_person_is(world: World) {
        let admin = world.admin().await;
        let with = |field: &str, value: Value| { let mut input = nora(); input[field] = value; input };
        for (input, expected) in [
            (with("email", json!(SELLER.email)), "TAKEN email"),
            (with("email", json!("no address")), "INVALID email"),
            (with("email", json!("  ")), "REQUIRED email"),
            (with("name", json!(" ")), "REQUIRED name"),
            (with("name", json!("x".repeat(201))), "TOO_LONG name"),
        ] {
            assert_eq!(invite(&admin, input).await.user_errors("userInvite"), [expected]);
        }
        assert_eq!(invite(&world.anonymous(), nora()).await.error_code(), Some("UNAUTHENTICATED"));
        let strange = accept(&world.anonymous(), "tdi_nonsense", SECRET).await;
        assert!(!strange.body.to_string().contains("tdi_nonsense") && user_reason(&strange, "invitationAccept") == "INVITATION_INVALID");
    }

    async fn the_token_is_told_to_nobody_else(world: World) {
        let (admin, anonymous) = (world.admin().await, world.anonymous());
        let (id, first) = invited(&admin).await;
        let second = crew::text(&reinvite(&admin, &id).await.expect_ok(), "userReinvite.invitation");
        accept(&anonymous, &second, SECRET).await.expect_ok();
        let plural = Kind::Event.table().plural;
        let told = admin.query(&format!("{{ {plural}(last: 50) {{ nodes {{ action actor {{ email }} subject {{ __typename id }} }} }} }}")).await.expect_ok();
        let about = told.data(&format!("{plural}.nodes")).as_array().unwrap().iter().filter(|event| event["subject"]["id"] == *id);
        let about: Vec<(&Value, &Value)> = about.map(|event| (&event["action"], &event["actor"]["email"])).collect();
        let admins = json!("ada@tandem.test");
        let nora = json!("nora@tandem.test");
        let (created, updated) = (json!("CREATED"), json!("UPDATED"));
        assert_eq!(about, [(&created, &admins), (&updated, &admins), (&updated, &admins), (&updated, &nora)], "made, invited, invited again, joined");
        let subscribed = crew::backend(&world).await;
        let system = subscribed.as_system(tandem::access::Purpose::CommandLine);
        let (events, _) = system.feed(tandem::store::Position::default(), &[], 1_000).await.unwrap();
        let all = format!("{events:?}");
        assert!(all.contains("invitation") && !all.contains(&first) && !all.contains(&second), "the field is told, not the token");
        subscribed.db().close().await.unwrap();
        assert_eq!(user_id(&admin, "nora@tandem.test").await, id);
    }
}
