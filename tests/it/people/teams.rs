//! Teams: an administrator builds the tree, and reach TEAM follows at once.

use std::collections::BTreeSet;

use entity::{Department, Kind};
use serde_json::{Value, json};

use crate::{
    crew::{self, Hand},
    shared::{self, mutate},
    support::{client::Client, world::World},
};

/// Region above North and South: a lead of the region, a rep in each.
struct Tree {
    admin: Client,
    lead: Hand,
    rep: Hand,
    region: String,
    south: String,
    place: String,
    account: String,
}

impl Tree {
    async fn grow(world: &World) -> Self {
        let admin = world.admin().await;
        let lead = crew::hire(world, "lea@tandem.test", "rep", Department::Sales).await;
        let rep = crew::hire(world, "rik@tandem.test", "rep", Department::Sales).await;
        let team = async |name: &str, parent: Option<&str>| {
            shared::create(&admin, "team", json!({ "name": name, "department": "SALES", "parentId": parent })).await
        };
        let region = team("Region", None).await;
        let south = team("Southern", Some(&region)).await;
        shared::create(&admin, "teamMembership", json!({ "teamId": region, "userId": lead.id, "leads": true })).await;
        let place = shared::create(&admin, "teamMembership", json!({ "teamId": south, "userId": rep.id })).await;
        let account = crew::create(&admin, Kind::Account, json!({ "name": "Acme", "ownerId": rep.id })).await;
        Self { admin, lead, rep, region, south, place, account }
    }

    /// Whether each of the two sees the other's account; the rep's own is seen by the rep in any case.
    async fn lead_sees(&self) -> bool {
        let seen = self
            .lead
            .client
            .query_with("query($id: ID!) { node(id: $id) { id } }", json!({ "id": self.account }))
            .await;
        !seen.expect_ok().data("node").is_null()
    }

    async fn move_south(&self, parent: Value) {
        shared::update(&self.admin, "team", json!({ "id": self.south, "parentId": parent })).await;
    }
}

/// Who reaches whom, worked out anew from teams and memberships.
const REACH: &str = "WITH RECURSIVE below(top, id) AS (SELECT t.id, t.id FROM team t WHERE t.archived_at IS NULL
    UNION SELECT b.top, t.id FROM team t JOIN below b ON t.parent_id = b.id WHERE t.archived_at IS NULL),
    reach AS (SELECT m.user_id, o.user_id AS member_id FROM team_membership m JOIN below b ON b.top = m.team_id
    JOIN team_membership o ON o.team_id = b.id WHERE m.archived_at IS NULL AND o.archived_at IS NULL
    UNION SELECT u.id, u.id FROM \"user\" u)";

/// What is kept of it is neither more nor less.
async fn kept_is_right(world: &World) {
    for (one, other) in [("reach", "user_reach"), ("user_reach", "reach")] {
        let sql = format!(
            "{REACH} SELECT COUNT(*) AS found FROM (SELECT user_id, member_id FROM {one} EXCEPT SELECT user_id, member_id FROM {other}) d"
        );
        assert_eq!(crew::counted(world, &sql).await, 0, "{one} without {other}");
    }
}

on_both_engines! {
    async fn who_reaches_whom_is_kept_as_people_come_to_teams_and_leave_them(world: World) {
        let admin = world.admin().await;
        let (mut people, mut teams, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for n in 0..5 {
            people.push(crew::create(&admin, Kind::User, json!({ "name": format!("P{n}"), "department": "SALES" })).await);
            let parent = teams.last().cloned();
            teams.push(crew::create(&admin, Kind::Team, json!({ "name": format!("T{n}"), "department": "SALES", "parentId": parent })).await);
            kept_is_right(&world).await;
        }
        for (n, person) in people.iter().enumerate() {
            for team in [&teams[n], &teams[(n * 2 + 1) % 5], &teams[(n + 2) % 5]].into_iter().collect::<BTreeSet<_>>() {
                places.push(crew::create(&admin, Kind::TeamMembership, json!({ "teamId": team, "userId": person })).await);
                kept_is_right(&world).await;
            }
        }
        assert!(crew::counted(&world, "SELECT COUNT(*) AS found FROM user_reach WHERE user_id <> member_id").await > 10);
        for (n, place) in places.iter().enumerate().filter(|(n, _)| n % 2 == 0) {
            let verb = |verb: &str| format!("mutation {{ teamMembership{verb}(input: {{ id: \"{place}\" }}) {{ userErrors {{ message }} }} }}");
            admin.query(&verb("Archive")).await.expect_ok();
            kept_is_right(&world).await;
            if n % 4 == 0 {
                admin.query(&verb("Restore")).await.expect_ok();
                kept_is_right(&world).await;
            }
        }
        admin.query(&format!("mutation {{ teamArchive(input: {{ id: \"{}\" }}) {{ userErrors {{ message }} }} }}", teams[2])).await.expect_ok();
        kept_is_right(&world).await;
    }

    async fn who_stands_above_sees_what_those_below_own_as_soon_as_it_is_so(world: World) {
        let tree = Tree::grow(&world).await;
        assert!(tree.lead_sees().await, "from above");
        let own = crew::create(&tree.admin, Kind::Account, json!({ "name": "Lead's", "ownerId": tree.lead.id })).await;
        let below = tree.rep.client.query_with("query($id: ID!) { node(id: $id) { id } }", json!({ "id": own })).await.expect_ok();
        assert_eq!(below.data("node"), &Value::Null, "not from below");
        tree.move_south(Value::Null).await;
        assert!(!tree.lead_sees().await, "the team was moved away");
        let middle = shared::create(&tree.admin, "team", json!({ "name": "Middle", "department": "SALES", "parentId": tree.region })).await;
        tree.move_south(json!(middle)).await;
        assert!(tree.lead_sees().await, "two levels down");
        shared::archive(&tree.admin, "team", &middle).await;
        assert!(!tree.lead_sees().await, "a team that is archived joins nothing");
        tree.move_south(json!(tree.region)).await;
        shared::archive(&tree.admin, "teamMembership", &tree.place).await;
        assert!(!tree.lead_sees().await, "the rep has left the team");
        mutate(&tree.admin, "teamMembership", "Restore", json!({ "id": tree.place }), "").await.expect_ok();
        assert!(tree.lead_sees().await, "and is back");
        let rename = json!({ "id": tree.south, "name": "Deep south", "department": "SERVICE" });
        shared::update(&tree.admin, "team", rename).await;
        let seen = tree.admin.query_with(
            "query($id: ID!) { team(by: { id: $id }) { name department parent { name } children { totalCount } members { nodes { email } } } }",
            json!({ "id": tree.south })).await.expect_ok();
        assert_eq!(*seen.data("team"), json!({ "name": "Deep south", "department": "SERVICE", "parent": { "name": "Region" },
            "children": { "totalCount": 0 }, "members": { "nodes": [{ "email": "rik@tandem.test" }] } }));
    }

    async fn teams_form_a_tree_and_nobody_is_in_one_twice(world: World) {
        let tree = Tree::grow(&world).await;
        for (team, parent) in [(&tree.region, &tree.region), (&tree.region, &tree.south)] {
            let cycle = mutate(&tree.admin, "team", "Update", json!({ "id": team, "parentId": parent }), "").await;
            assert_eq!(cycle.user_errors("teamUpdate"), ["INVALID parentId"]);
            assert_eq!(super::user_reason(&cycle, "teamUpdate"), "TEAM_CYCLE");
        }
        let twice = mutate(&tree.admin, "teamMembership", "Create", json!({ "teamId": tree.south, "userId": tree.rep.id }), "").await;
        assert_eq!(twice.user_errors("teamMembershipCreate"), ["TAKEN userId"]);
        assert_eq!(twice.data("teamMembershipCreate.userErrors.0.conflict.id"), &json!(tree.place));
        shared::create(&tree.admin, "teamMembership", json!({ "teamId": tree.region, "userId": tree.rep.id })).await;
        let member = json!({ "accountId": tree.account, "userId": tree.lead.id });
        let first = shared::create(&tree.admin, "accountTeamMember", member.clone()).await;
        let twice = mutate(&tree.admin, "accountTeamMember", "Create", member, "").await;
        assert_eq!(twice.user_errors("accountTeamMemberCreate"), ["TAKEN userId"]);
        assert_eq!(twice.data("accountTeamMemberCreate.userErrors.0.conflict.id"), &json!(first));
        let list = shared::create(&tree.admin, "targetAccountList", json!({ "name": "L", "kind": "STATIC" })).await;
        let member = json!({ "listId": list, "accountId": tree.account });
        let first = shared::create(&tree.admin, "targetAccountListMember", member.clone()).await;
        let twice = mutate(&tree.admin, "targetAccountListMember", "Create", member, "").await;
        assert_eq!(twice.user_errors("targetAccountListMemberCreate"), ["TAKEN accountId"]);
        assert_eq!(twice.data("targetAccountListMemberCreate.userErrors.0.conflict.id"), &json!(first));
        let away = mutate(&tree.rep.client, "team", "Update", json!({ "id": tree.south, "parentId": null }), "").await;
        assert_eq!(away.user_errors("teamUpdate"), ["FORBIDDEN"], "the tree is the administrators' to build");
    }
}
