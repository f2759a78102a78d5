//! Groups at the issuer give roles here, and take them again.

use std::time::Duration;

use serde_json::{Value, json};

use super::{House, WHO, issuer::Signer};
use crate::{
    crew,
    support::{
        client::Client,
        world::{ADMIN, SELLER},
    },
};

/// The roles of whoever calls: key, and whether it came from the issuer.
async fn roles(admin: &Client, of: &Client) -> Vec<(String, bool)> {
    let user = crew::text(&of.query(WHO).await.expect_ok(), "viewer.user.id");
    let document = "query($user: ID!) { roleAssignments(filter: { user: { id: { eq: $user } } }) { nodes { fromIssuer role { key } } } }";
    let answer = admin.query_with(document, json!({ "user": user })).await.expect_ok();
    let nodes = answer.data("roleAssignments.nodes").as_array().expect("a list").iter();
    let mut roles: Vec<_> = nodes
        .map(|node| (node["role"]["key"].as_str().expect("a key").to_owned(), node["fromIssuer"] == json!(true)))
        .collect();
    roles.sort();
    roles
}

fn held(roles: &[(&str, bool)]) -> Vec<(String, bool)> {
    roles.iter().map(|(key, from_issuer)| ((*key).to_owned(), *from_issuer)).collect()
}

impl House {
    /// The bearer of a token with these groups, given a second after the last.
    async fn in_groups(&self, groups: Value) -> Client {
        self.clock.advance(Duration::from_secs(1));
        self.welcome(json!({ "groups": groups })).await
    }
}

async fn permissions(client: &Client) -> usize {
    client.query(WHO).await.expect_ok().data("viewer.permissions").as_array().expect("a list").len()
}

on_both_engines! {
    async fn roles_follow_the_groups_of_the_latest_token(world: World) {
        let (house, admin) = (House::new(&world).await, world.admin().await);
        let old = house.token(json!({}));
        let client = house.in_groups(json!(["Sales Team", "Canteen"])).await;
        assert_eq!(roles(&admin, &client).await, held(&[("rep", true)]));
        let client = house.in_groups(json!(["/acme/marketing.eu", "Sales Team"])).await;
        assert_eq!(roles(&admin, &client).await, held(&[("marketer", true), ("rep", true)]));
        let client = house.in_groups(json!("/acme/marketing.eu")).await;
        assert_eq!(roles(&admin, &client).await, held(&[("marketer", true)]));
        assert!(permissions(&client).await > 0);
        // An older token is still good, and undoes nothing.
        house.ask(&old).await.expect_ok();
        assert_eq!(roles(&admin, &house.client(&old)).await, held(&[("marketer", true)]));
        let other = house.again(&world, &["Sales Team=rep"]).await;
        other.ask(&old).await.expect_ok();
        assert_eq!(roles(&admin, &client).await, held(&[("marketer", true)]));
        house.end().await;
        other.end().await;
    }

    async fn an_older_token_undoes_nothing_though_the_newer_one_changed_nothing(world: World) {
        let (house, admin) = (House::new(&world).await, world.admin().await);
        house.in_groups(json!(["Sales Team"])).await;
        world.clock.advance(Duration::from_secs(5));
        let between = house.token(json!({ "groups": ["/acme/marketing.eu"] }));
        let newest = house.in_groups(json!(["Sales Team"])).await;
        house.ask(&between).await.expect_ok();
        assert_eq!(roles(&admin, &newest).await, held(&[("rep", true)]));
        house.end().await;
    }

    async fn without_a_mapped_group_one_may_do_nothing(world: World) {
        let house = House::new(&world).await;
        for groups in [json!(["Canteen"]), json!([]), Value::Null, json!({ "a": "Sales Team" }), json!([["Sales Team"], 7]), json!("sales team")] {
            let client = house.in_groups(groups).await;
            let answer = client.query("{ viewer { permissions grants { action } user { id } } }").await.expect_ok();
            assert_eq!(answer.data("viewer"), &json!({ "permissions": [], "grants": [], "user": null }));
            let refused = client.query("mutation { accountCreate(input: { name: \"A\" }) { account { id } userErrors { code } } }").await;
            assert_eq!(refused.user_errors("accountCreate"), ["FORBIDDEN"]);
            assert_eq!(client.query("{ accounts { totalCount } }").await.expect_ok().data("accounts.totalCount"), 0);
        }
        house.end().await;
    }

    async fn what_was_given_by_hand_stays(world: World) {
        let (house, admin) = (House::new(&world).await, world.admin().await);
        let sam = json!({ "sub": "sam", "email": SELLER.email, "groups": ["/acme/marketing.eu", "Sales Team"] });
        let client = house.welcome(sam).await;
        assert_eq!(roles(&admin, &client).await, held(&[("marketer", true), ("rep", false)]));
        world.clock.advance(Duration::from_secs(1));
        let client = house.welcome(json!({ "sub": "sam", "groups": [] })).await;
        assert_eq!(roles(&admin, &client).await, held(&[("rep", false)]));
        house.end().await;
    }

    async fn what_is_given_by_hand_too_stays_without_the_group(world: World) {
        let (house, admin) = (House::new(&world).await, world.admin().await);
        let client = house.welcome(json!({ "sub": "new", "groups": ["Sales Team"] })).await;
        assert_eq!(roles(&admin, &client).await, held(&[("rep", true)]));
        let who = crew::text(&client.query("{ viewer { user { id } } }").await.expect_ok(), "viewer.user.id");
        let role = crew::text(&admin.query("{ role(by: { key: \"rep\" }) { id } }").await.expect_ok(), "role.id");
        let assign = "mutation($input: RoleAssignInput!) { roleAssign(input: $input) { userErrors { code message } } }";
        admin.query_with(assign, json!({ "input": { "roleId": role, "userId": who } })).await.expect_ok();
        world.clock.advance(Duration::from_secs(1));
        let client = house.welcome(json!({ "sub": "new", "groups": [] })).await;
        assert_eq!(roles(&admin, &client).await, held(&[("rep", false)]));
        house.end().await;
    }

    async fn groups_may_stand_inside_another_claim(world: World) {
        let admin = world.admin().await;
        let house = House::configured(&world, "realm_access.roles", &["Sales Team=rep", "boss=sales_manager,boss=marketer"]).await;
        let client = house.welcome(json!({ "realm_access": { "roles": ["boss"] } })).await;
        assert_eq!(roles(&admin, &client).await, held(&[("marketer", true), ("sales_manager", true)]));
        house.end().await;
    }

    async fn another_mapping_holds_from_the_next_start_on(world: World) {
        let (house, admin) = (House::new(&world).await, world.admin().await);
        let client = house.welcome(json!({})).await;
        let other = house.again(&world, &["Sales Team=marketer"]).await;
        other.ask(&house.token(json!({}))).await.expect_ok();
        assert_eq!(roles(&admin, &client).await, held(&[("marketer", true)]));
        house.end().await;
        other.end().await;
    }

    async fn the_last_administrator_stays_one(world: World) {
        let house = House::new(&world).await;
        let group = json!(["CN=Admins,O=ACME"]);
        let client = house.in_groups(group.clone()).await;
        let admin = house.client(&crew::token(&world, ADMIN.email).await);
        assert_eq!(roles(&admin, &client).await, held(&[("admin", true)]));
        // While there is another, the group is followed.
        let client = house.in_groups(json!([])).await;
        assert_eq!(permissions(&client).await, 0);
        let client = house.in_groups(group).await;
        let ada = crew::text(&admin.query(WHO).await.expect_ok(), "viewer.user.id");
        let leave = "mutation($id: ID!) { userDeactivate(input: { id: $id }) { userErrors { code } } }";
        client.query_with(leave, json!({ "id": ada })).await.expect_ok();
        let client = house.in_groups(json!(["Sales Team"])).await;
        assert_eq!(roles(&client, &client).await, held(&[("admin", true), ("rep", true)]));
        // As soon as there is another again, it goes.
        let come_back = leave.replace("Deactivate", "Reactivate");
        client.query_with(&come_back, json!({ "id": ada })).await.expect_ok();
        let admin = house.client(&crew::token(&world, ADMIN.email).await);
        let client = house.in_groups(json!(["Sales Team"])).await;
        assert_eq!(roles(&admin, &client).await, held(&[("rep", true)]));
        house.end().await;
    }

    async fn a_mapped_role_that_is_gone_gives_nothing(world: World) {
        let (house, admin) = (House::new(&world).await, world.admin().await);
        crew::behind_the_back(&world, "UPDATE role SET archived_at = 1 WHERE key = 'marketer'").await;
        let client = house.in_groups(json!(["Sales Team", "/acme/marketing.eu"])).await;
        assert_eq!(roles(&admin, &client).await, held(&[("rep", true)]));
        house.end().await;
    }

    async fn a_role_made_anew_by_the_key_of_a_deleted_one_is_given_by_no_group(world: World) {
        let admin = world.admin().await;
        let make = async |key: &str| {
            let document = "mutation($input: RoleCreateInput!) { roleCreate(input: $input) { role { id } userErrors { message } } }";
            let grants = ["Deal", "User"].map(|kind| json!({ "resource": kind, "action": "READ", "reach": "ALL" }));
            let input = json!({ "key": key, "name": key, "grants": grants });
            crew::text(&admin.query_with(document, json!({ "input": input })).await.expect_ok(), "roleCreate.role.id")
        };
        let partner = make("partner").await;
        let house = House::configured(&world, "groups", &["Partners=partner"]).await;
        let client = house.in_groups(json!(["Partners"])).await;
        assert_eq!(roles(&admin, &client).await, held(&[("partner", true)]));
        let delete = "mutation($id: ID!) { roleDelete(input: { id: $id, evenIfInUse: true }) { userErrors { message } } }";
        admin.query_with(delete, json!({ "id": partner })).await.expect_ok();
        make("partner").await;
        let client = house.in_groups(json!(["Partners", "Canteen"])).await;
        assert_eq!(permissions(&client).await, 0);
        // Nor to whoever comes for the first time, nor by another process.
        let other = house.again(&world, &["Partners=partner"]).await;
        let newcomer = other.welcome(json!({ "sub": "new", "email": "new@issued.example", "groups": ["Partners"] })).await;
        assert_eq!(permissions(&newcomer).await, 0);
        house.end().await;
        other.end().await;
    }

    async fn a_change_of_groups_holds_in_a_socket_that_is_open(world: World) {
        let (house, admin) = (House::new(&world).await, world.admin().await);
        let token = house.token(json!({ "groups": ["CN=Admins,O=ACME"] }));
        let client = house.client(&token);
        // From the beginning, since the account may be there before the subscription is; and accounts alone, since
        // PostgreSQL may only now show what the token itself has written.
        let follow = "subscription { events(after: \"ev_0_0\", filter: { subjectTypes: [\"Account\"] }) { subject { __typename } } }";
        let mut events = client.subscribe(follow, json!({})).await;
        crew::create(&admin, entity::Kind::Account, json!({ "name": "Seen" })).await;
        assert_eq!(events.next().await["data"]["events"]["subject"]["__typename"], "Account");
        world.clock.advance(Duration::from_secs(2));
        let now = Signer::P256.sign(&house.claims(json!({ "groups": [] })));
        house.ask(&now).await.expect_ok();
        assert_eq!(permissions(&client).await, 0, "the older token acts with what the latest gave");
        house.end().await;
    }
}
