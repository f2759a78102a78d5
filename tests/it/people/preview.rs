//! Preview as somebody else: the header `Tandem-Preview-As`, read only, and told to whoever audits.

use entity::{Department, Kind};
use reqwest::Method;
use serde_json::{Value, json};
use tandem::http::settings::Rate;

use super::{role, texts};
use crate::{
    crew,
    shared::user_id,
    support::{
        client::{Answer, Client},
        world::{ADMIN, OTHER_SELLER, SALES_MANAGER, SELLER},
    },
};

const PREVIEW_AS: &str = "tandem-preview-as";
const SEEN: &str =
    "{ viewer { user { email } previewedBy { email } session { id } permissions } accounts { totalCount } }";

async fn as_whom(client: &Client, whom: &str, document: &str) -> Answer {
    let request = client.request(Method::POST, "/graphql").header("accept", "application/graphql-response+json");
    client.send(request.header(PREVIEW_AS, whom).json(&json!({ "query": document }))).await
}

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str, why: &str) {
    assert_eq!(
        (answer.status.as_u16(), answer.error_code(), answer.error_reason()),
        (status, Some(code), Some(why)),
        "{answer}"
    );
    assert!(answer.body.get("data").is_none(), "nothing was run: {answer}");
}

on_both_engines! {
    async fn an_admin_sees_what_a_seller_sees(world: World) {
        let (admin, seller) = (world.admin().await, world.seller().await);
        let (sam, otto) = (user_id(&admin, SELLER.email).await, user_id(&admin, OTHER_SELLER.email).await);
        let accounts = [&sam, &otto, &otto].map(|owner| (Kind::Account, json!({ "name": "A", "ownerId": owner })));
        crew::create_all(&admin, accounts.into()).await;
        let own = seller.query(SEEN).await.expect_ok();
        let seen = as_whom(&admin, &sam, SEEN).await.expect_ok();
        assert_eq!((own.data("accounts.totalCount"), seen.data("accounts.totalCount")), (&json!(1), &json!(1)));
        assert_eq!(own.data("viewer.permissions"), seen.data("viewer.permissions"));
        assert_eq!((seen.data("viewer.user.email"), seen.data("viewer.session")), (&json!(SELLER.email), &Value::Null));
        assert_eq!((seen.data("viewer.previewedBy.email"), own.data("viewer.previewedBy")), (&json!(ADMIN.email), &Value::Null));
        assert_eq!(admin.query(SEEN).await.expect_ok().data("accounts.totalCount"), &json!(3), "without the header as ever");
        // Who previews reads themselves with their own eyes.
        let eyes = as_whom(&admin, &sam, "{ viewer { previewedBy { roles { nodes { key } } } } users(first: 1) { nodes { roles { totalCount } } } }").await.expect_ok();
        assert_eq!(eyes.data("viewer.previewedBy.roles.nodes"), &json!([{ "key": "admin" }]));
        assert_eq!(eyes.data("users.nodes.0.roles.totalCount"), &json!(0), "a seller sees no roles");
        let get = admin.request(Method::GET, "/graphql?query=%7B%20accounts%20%7B%20totalCount%20%7D%20%7D");
        let got = admin.send(get.header(PREVIEW_AS, &sam)).await.expect_ok();
        assert_eq!(got.data("accounts.totalCount"), &json!(1));
    }

    async fn a_preview_changes_nothing_by_any_way(world: World) {
        let admin = world.admin().await;
        let sam = user_id(&admin, SELLER.email).await;
        let create = "mutation { accountCreate(input: { name: \"New\" }) { userErrors { code } } }";
        for document in [create, "mutation { signOut { signedOut } }", "mutation { refresh(input: { refreshToken: \"x\" }) { accessToken } }"] {
            refused(&as_whom(&admin, &sam, document).await, 403, "FORBIDDEN", "PREVIEW_READ_ONLY");
        }
        assert_eq!(admin.query("{ accounts { totalCount } }").await.expect_ok().data("accounts.totalCount"), &json!(0));
        let stream = admin.request(Method::POST, "/graphql/stream").header("accept", "text/event-stream");
        let stream = stream.header(PREVIEW_AS, &sam).json(&json!({ "query": "subscription { events { cursor } }" }));
        refused(&admin.send(stream).await, 403, "FORBIDDEN", "PREVIEW_READ_ONLY");
        let upload = admin.request(Method::PUT, &format!("/uploads/impj_{}", "0".repeat(26)));
        let upload = upload.header(PREVIEW_AS, &sam).header("content-type", "text/csv").body("id\n");
        refused(&admin.send(upload).await, 403, "FORBIDDEN", "PREVIEW_READ_ONLY");
        let socket = admin.request(Method::GET, "/graphql/ws").header(PREVIEW_AS, &sam);
        let socket = socket.header("connection", "upgrade").header("upgrade", "websocket").header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==").header("sec-websocket-protocol", "graphql-transport-ws");
        refused(&admin.send(socket).await, 403, "FORBIDDEN", "PREVIEW_READ_ONLY");
    }

    async fn who_may_not_preview_is_refused(world: World) {
        let (admin, seller) = (world.admin().await, world.seller().await);
        let (sam, otto) = (user_id(&admin, SELLER.email).await, user_id(&admin, OTHER_SELLER.email).await);
        for whom in [&otto, &sam] {
            refused(&as_whom(&seller, whom, SEEN).await, 403, "FORBIDDEN", "PREVIEW_FORBIDDEN");
        }
        let nameless = as_whom(&world.anonymous(), &sam, SEEN).await;
        assert_eq!((nameless.status.as_u16(), nameless.error_code()), (401, Some("UNAUTHENTICATED")));
        let account = crew::create(&admin, Kind::Account, json!({ "name": "A" })).await;
        for nobody in ["nonsense", "", "two words", &account, &format!("user_{}", "0".repeat(26))] {
            refused(&as_whom(&admin, nobody, SEEN).await, 400, "BAD_REQUEST", "PREVIEW_UNKNOWN");
        }
        let leave = "mutation($id: ID!) { userDeactivate(input: { id: $id }) { userErrors { code message } } }";
        admin.query_with(leave, json!({ "id": otto })).await.expect_ok();
        refused(&as_whom(&admin, &otto, SEEN).await, 403, "FORBIDDEN", "PREVIEW_DEACTIVATED");
    }

    async fn nobody_sees_more_through_another_s_eyes_than_with_their_own(world: World) {
        let admin = world.admin().await;
        let (sam, max) = (user_id(&admin, SELLER.email).await, user_id(&admin, SALES_MANAGER.email).await);
        // May do on their own records all that a seller may on theirs: that is not the same records.
        let all_alike: Vec<String> = {
            let grants = world.seller().await.query("{ viewer { permissions } }").await.expect_ok();
            grants.data("viewer.permissions").as_array().unwrap().iter().map(|grant| grant.as_str().unwrap().to_owned()).collect()
        };
        let manage = texts(&["User:MANAGE:ALL"]);
        role(&admin, "alike", &[all_alike.clone(), manage.clone()].concat(), &[]).await;
        let wide: Vec<String> = all_alike.iter().map(|grant| match grant.rsplit_once(':') {
            Some((cell, _)) if cell.ends_with(":READ") => format!("{cell}:ALL"),
            _ => grant.clone(),
        }).collect();
        role(&admin, "support", &[wide.clone(), manage.clone()].concat(), &[]).await;
        role(&admin, "half_blind", &[wide, manage].concat(), &texts(&["Deal:amount:HIDDEN"])).await;
        let hand = async |role: &str| crew::hire(&world, &format!("{role}@tandem.test"), role, Department::It).await.client;
        refused(&as_whom(&hand("alike").await, &sam, SEEN).await, 403, "FORBIDDEN", "PREVIEW_FORBIDDEN");
        refused(&as_whom(&hand("half_blind").await, &sam, SEEN).await, 403, "FORBIDDEN", "PREVIEW_FORBIDDEN");
        let support = hand("support").await;
        as_whom(&support, &sam, SEEN).await.expect_ok();
        refused(&as_whom(&support, &max, SEEN).await, 403, "FORBIDDEN", "PREVIEW_FORBIDDEN");
    }

    async fn every_previewed_request_is_told_with_both_names(world: World) {
        let admin = world.admin().await;
        let sam = user_id(&admin, SELLER.email).await;
        let mut requests = Vec::new();
        for _ in 0..2 {
            let seen = as_whom(&admin, &sam, "{ accounts { nodes { name } } leads { totalCount } }").await.expect_ok();
            requests.push(seen.headers["x-request-id"].to_str().unwrap().to_owned());
        }
        as_whom(&admin, &sam, "mutation { signOut { signedOut } }").await;
        let document = format!(
            "{{ {}(filter: {{ action: {{ eq: PREVIEWED }} }}) {{ nodes {{ action requestId actor {{ email }} subject {{ id }} }} }} }}",
            Kind::Event.table().plural);
        let told = admin.query(&document).await.expect_ok();
        let mut nodes = told.data(&format!("{}.nodes", Kind::Event.table().plural)).as_array().unwrap().clone();
        nodes.sort_by_key(|node| requests.iter().position(|request| node["requestId"] == **request));
        let expected: Vec<Value> = requests.iter().map(|request| json!({
            "action": "PREVIEWED", "requestId": request, "actor": { "email": ADMIN.email }, "subject": { "id": sam },
        })).collect();
        assert_eq!(nodes, expected, "what was refused showed nothing");
    }

    async fn a_preview_is_paid_by_whoever_looks(world: World) {
        let settings = tandem::http::Settings { rate: Rate { maximum: 100, restore: 1 }, ..crew::generous() };
        let (server, running) = crew::second_server(&world, settings).await;
        let admin = server.clone().with_token(crew::token(&world, ADMIN.email).await);
        let seller = server.with_token(crew::token(&world, SELLER.email).await);
        let sam = user_id(&world.admin().await, SELLER.email).await;
        let left = |answer: &Answer| answer.body["extensions"]["cost"]["throttle"]["available"].as_u64().expect("what is left");
        let query = "{ accounts(first: 10) { nodes { id } } }";
        let first = left(&as_whom(&admin, &sam, query).await.expect_ok());
        let second = left(&as_whom(&admin, &sam, query).await.expect_ok());
        assert!(second < first, "{second} after {first}");
        assert_eq!(left(&seller.query(query).await.expect_ok()), first, "the seller's bucket was full");
        running.stop().await.unwrap();
    }
}
