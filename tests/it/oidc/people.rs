//! Who the bearers of the issuer's tokens are: somebody new, somebody known, or nobody who may come in.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{House, WHO, turned_away};
use crate::{
    crew,
    support::{
        client::Client,
        world::{PEOPLE, SELLER},
    },
};

async fn everybody(admin: &Client) -> usize {
    let count = admin.query("{ users { totalCount } }").await.expect_ok().data("users.totalCount").as_u64();
    usize::try_from(count.expect("a number")).unwrap()
}

async fn user_of(client: &Client) -> String {
    crew::text(&client.query(WHO).await.expect_ok(), "viewer.user.id")
}

on_both_engines! {
    async fn a_first_token_makes_the_person_and_the_next_finds_them(world: World) {
        let (house, admin) = (House::new(&world).await, world.admin().await);
        let first = house.ask(&house.token(json!({ "department": "Customer-Success" , "name": "Ines  Issued " }))).await.expect_ok();
        let person = json!({ "id": first.data("viewer.user.id"), "name": "Ines  Issued", "email": "ines@issued.example",
            "department": "OTHER", "status": "ACTIVE" });
        assert_eq!(first.data("viewer.user"), &person);
        let again = house.ask(&house.token(json!({ "name": "Another Name", "exp": house.time(200) }))).await.expect_ok();
        assert_eq!(again.data("viewer.user"), &person, "what was made is kept here from then on");
        assert_eq!(everybody(&admin).await, PEOPLE.len() + 1);
        let seller = house.token(json!({ "sub": "2", "email": null, "name": null, "given_name": "Ann", "family_name": "Other", "department": "sales" }));
        let seller = house.ask(&seller).await.expect_ok();
        let found = ["name", "email", "department"].map(|field| seller.data("viewer.user")[field].clone());
        assert_eq!(found, [json!("Ann Other"), Value::Null, json!("SALES")]);
        let long = house.token(json!({ "sub": "3", "email": format!("{}@x.example", "a".repeat(300)), "name": "x".repeat(5_000) }));
        let long = house.ask(&long).await.expect_ok();
        assert_eq!(long.data("viewer.user.email"), &Value::Null);
        assert!(long.data("viewer.user.name").as_str().unwrap().len() < 5_000);
        house.end().await;
    }

    async fn what_the_issuer_brings_is_told_in_the_feed(world: World) {
        let (house, admin) = (House::new(&world).await, world.admin().await);
        let client = house.welcome(json!({})).await;
        let user = user_of(&client).await;
        let mut events = admin.subscribe("subscription { events(after: \"ev_0_0\") { kind actor { id } subject { id __typename } changedFields } }", json!({})).await;
        let mut told = Vec::new();
        while told.len() < 2 {
            let event = events.next().await["data"]["events"].take();
            if event["actor"]["id"] == json!(user) {
                told.push(format!("{} {}", event["kind"].as_str().unwrap(), event["subject"]["__typename"].as_str().unwrap()));
            }
        }
        assert_eq!(told, ["user.created User", "roleAssignment.created RoleAssignment"]);
        house.end().await;
    }

    async fn a_person_of_the_same_verified_address_is_the_same_person(world: World) {
        let (house, admin) = (House::new(&world).await, world.admin().await);
        let seller = user_of(&world.seller().await).await;
        for unverified in [json!(false), json!("no"), Value::Null, json!(1)] {
            let token = house.token(json!({ "email": SELLER.email, "email_verified": unverified }));
            turned_away(&house.ask(&token).await, "EMAIL_UNVERIFIED");
        }
        let verified = house.token(json!({ "email": SELLER.email.to_uppercase(), "email_verified": "true", "name": "Not Sam" }));
        let answer = house.ask(&verified).await.expect_ok();
        assert_eq!((answer.data("viewer.user.id"), answer.data("viewer.user.name")), (&json!(seller), &json!(SELLER.name)));
        // Once known, the address counts no more.
        let moved = house.token(json!({ "email": "elsewhere@tandem.test", "email_verified": false, "exp": house.time(100) }));
        assert_eq!(house.ask(&moved).await.expect_ok().data("viewer.user.id"), &json!(seller));
        assert_eq!(everybody(&admin).await, PEOPLE.len());
        // The password goes on working beside it.
        world.seller().await;
        // Somebody of an unverified address that nobody has comes in without it.
        let stranger = house.token(json!({ "sub": "s2", "email": "new@tandem.test", "email_verified": false }));
        assert_eq!(house.ask(&stranger).await.expect_ok().data("viewer.user.email"), &Value::Null);
        house.end().await;
    }

    async fn who_was_deactivated_stays_out_at_once(world: World) {
        let (house, admin) = (House::new(&world).await, world.admin().await);
        let client = house.welcome(json!({})).await;
        let user = user_of(&client).await;
        let events = client.subscribe("subscription { events { cursor } }", json!({})).await;
        let leave = "mutation($id: ID!) { userDeactivate(input: { id: $id }) { userErrors { code } } }";
        let come_back = leave.replace("Deactivate", "Reactivate");
        let here = house.client(&crew::token(&world, crate::support::world::ADMIN.email).await);
        here.query_with(leave, json!({ "id": user })).await.expect_ok();
        turned_away(&client.query(WHO).await, "USER_DEACTIVATED");
        assert_eq!(events.into_socket().last_words().await.0, 4403);
        // Other groups and a newer token change nothing.
        world.clock.advance(std::time::Duration::from_secs(5));
        turned_away(&house.ask(&house.token(json!({ "groups": ["/acme/marketing.eu"] }))).await, "USER_DEACTIVATED");
        here.query_with(&come_back, json!({ "id": user })).await.expect_ok();
        assert_eq!(user_of(&house.client(&house.token(json!({})))).await, user);
        // Who was deactivated before the issuer knew them stays out too, and is not made a second time.
        let seller = user_of(&world.seller().await).await;
        here.query_with(leave, json!({ "id": seller })).await.expect_ok();
        let token = house.token(json!({ "sub": "sam", "email": SELLER.email }));
        turned_away(&house.ask(&token).await, "USER_DEACTIVATED");
        assert_eq!(everybody(&admin).await, PEOPLE.len() + 1);
        house.end().await;
    }

    async fn first_tokens_at_once_make_one_person(world: World) {
        let house = House::new(&world).await;
        let other = house.again(&world, &["Sales Team=rep"]).await;
        house.ask(&house.token(json!({ "sub": "warm", "email": null }))).await.expect_ok();
        let admin = world.admin().await;
        let before = everybody(&admin).await;
        // One subject at two servers, and two subjects of one address.
        let one = house.token(json!({}));
        let asking = (0..10).map(|n| if n % 2 == 0 { house.ask(&one) } else { other.ask(&one) });
        let ids: Vec<String> = join_all(asking).await.into_iter().map(|answer| crew::text(&answer.expect_ok(), "viewer.user.id")).collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        assert_eq!(everybody(&admin).await, before + 1);
        let same = (0..6).map(|n| house.token(json!({ "sub": format!("same-{n}"), "email": "same@issued.example" }))).collect::<Vec<_>>();
        let ids = join_all(same.iter().enumerate().map(|(n, token)| if n % 2 == 0 { house.ask(token) } else { other.ask(token) })).await;
        let ids: Vec<String> = ids.into_iter().map(|answer| crew::text(&answer.expect_ok(), "viewer.user.id")).collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        assert_eq!(everybody(&admin).await, before + 2);
        house.end().await;
        other.end().await;
    }

    async fn a_known_token_costs_no_statement(world: World) {
        let house = House::new(&world).await;
        let client = house.welcome(json!({})).await;
        let own = house.client(&crew::token(&world, SELLER.email).await);
        own.query("{ __typename }").await.expect_ok();
        let asked = house.issuer.asked();
        // PostgreSQL may still be telling of what was written before.
        let (mut before, mut rounds) = (0, 0);
        while before != house.server.statements() {
            before = house.server.statements();
            client.query("{ __typename }").await.expect_ok();
            own.query("{ __typename }").await.expect_ok();
            rounds += 1;
            assert!(rounds < 20, "every request asks the database");
        }
        assert_eq!(house.issuer.asked(), asked);
        // A second later it is read once who they are and what they may do, and nothing is written.
        world.clock.advance(std::time::Duration::from_secs(1));
        client.query("{ __typename }").await.expect_ok();
        assert_eq!(house.server.statements() - before, 2);
        house.end().await;
    }
}
