//! Random roles, people and records: what is explained of somebody is what the door tells themselves.

use entity::{
    Department, Kind,
    table::{Input, Owner},
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Map, Value, json};
use tandem::access::{Action, Reach, has_effect};

use super::{assign, role};
use crate::{
    crew::{self, Hand},
    shared,
    support::{client::Client, world::World},
};

/// People with random roles.
const PEOPLE: usize = 6;
/// Questions about each of them.
const QUESTIONS: usize = 60;

/// A random role: some permissions on some kinds, a field kept here and there.
async fn random_role(admin: &Client, key: &str, random: &mut StdRng) -> String {
    let (mut grants, mut rules) = (Vec::new(), Vec::new());
    for kind in Kind::ALL {
        for action in Action::ALL {
            // Everybody sees themselves at least.
            let likely = match (kind, action) {
                (Kind::User, Action::Read) => 1.0,
                (_, Action::Read) => 0.7,
                _ => 0.35,
            };
            if random.random_bool(likely) && has_effect(kind, action) {
                let reach = [Reach::Own, Reach::Team, Reach::All].choose(random).expect("three");
                let reach = if kind.table().has_owner() { *reach } else { Reach::All };
                grants.push(format!("{}:{}:{}", kind.name(), action.as_str(), reach.as_str()));
            }
        }
        let fields =
            kind.table().fields.iter().filter(|field| field.hidable && field.shown() && field.input == Input::Write);
        let fields: Vec<&str> = fields.map(|field| field.name.as_str()).collect();
        if let Some(field) = fields.choose(random).filter(|_| random.random_bool(0.4)) {
            let rule = if random.random_bool(0.5) { "HIDDEN" } else { "READ_ONLY" };
            rules.push(format!("{}:{field}:{rule}", kind.name()));
        }
    }
    role(admin, key, &grants, &rules).await
}

/// Records of most kinds, of everybody and of nobody.
async fn records(admin: &Client, people: &[Hand], seed: u64) -> Vec<(Kind, String)> {
    let (pipeline, stages) = shared::pipeline(admin, &format!("P{seed}")).await;
    let mut made = vec![(Kind::Pipeline, pipeline), (Kind::Stage, stages[0].clone())];
    let owners: Vec<Value> = people.iter().map(|hand| json!(hand.id)).chain([Value::Null]).collect();
    for (n, owner) in owners.iter().enumerate() {
        let next = &owners[(n + 1) % owners.len()];
        let account = crew::create(admin, Kind::Account, json!({ "name": format!("A{n}"), "ownerId": owner })).await;
        let library = |name: &str| json!({ name: format!("W{n}"), "ownerId": owner, "department": if n % 2 == 0 { "SALES" } else { "MARKETING" } });
        let list =
            json!({ "name": format!("T{n}"), "kind": "STATIC", "marketingOwnerId": owner, "salesOwnerId": next });
        let list_id = crew::create(admin, Kind::TargetAccountList, list).await;
        let mut more = vec![
            (Kind::AccountDomain, json!({ "accountId": account, "domain": format!("a{n}s{seed}.example") })),
            (Kind::Contact, json!({ "name": format!("C{n}"), "accountId": account })),
            (Kind::Lead, json!({ "name": format!("L{n}"), "accountId": account, "ownerId": next })),
            (Kind::Deal, json!({ "name": format!("D{n}"), "stageId": stages[0], "accountId": account })),
            (Kind::Deal, json!({ "name": format!("E{n}"), "stageId": stages[0], "ownerId": owner })),
            (Kind::Persona, library("name")),
            (Kind::Story, library("title")),
            (Kind::TargetAccountListMember, json!({ "listId": list_id, "accountId": account })),
        ];
        if !next.is_null() {
            more.push((Kind::AccountTeamMember, json!({ "accountId": account, "userId": next })));
        }
        let kinds: Vec<Kind> = more.iter().map(|(kind, _)| *kind).collect();
        made.extend(kinds.into_iter().zip(crew::create_all(admin, more).await));
        made.extend([(Kind::Account, account), (Kind::TargetAccountList, list_id)]);
    }
    for kind in [
        Kind::User,
        Kind::Team,
        Kind::TeamMembership,
        Kind::Role,
        Kind::RoleAssignment,
        Kind::Session,
        Kind::AccountContact,
        Kind::Event,
    ] {
        let plural = kind.table().plural;
        let answer = admin.query(&format!("{{ {plural}(last: 12) {{ nodes {{ id }} }} }}")).await.expect_ok();
        let nodes = answer.data(&format!("{plural}.nodes")).as_array().expect("a list").clone();
        made.extend(nodes.iter().map(|node| (kind, node["id"].as_str().expect("an id").to_owned())));
    }
    made
}

/// What must hold within an explanation.
fn check(kind: Kind, explained: &Value, question: &str) {
    let allowed = explained["allowed"].as_bool().expect("a truth");
    let obstacles = explained["obstacles"].as_array().expect("a list");
    assert_eq!(allowed, obstacles.is_empty(), "{question}: {explained}");
    let summary = explained["summary"].as_str().expect("a text");
    assert_eq!(allowed, !summary.contains(" may not "), "{question}: {explained}");
    let ties = explained["ties"].as_array().expect("a list");
    let by_any = |name: &str| ties.iter().any(|tie| tie[name] == true);
    let whole = !obstacles.iter().any(|obstacle| obstacle == "PARENT_NOT_SEEN");
    for role in explained["roles"].as_array().expect("a list") {
        let covers = role["covers"].as_bool().expect("a truth");
        let bound = match role["reach"].as_str().expect("a reach") {
            "OWN" => by_any("isPerson"),
            "TEAM" => by_any("inTeams"),
            reach => reach == "ALL",
        };
        match kind.table().owner {
            // An event is within reach where the record is that it is about.
            Owner::Subject => {}
            _ => assert_eq!(covers, bound && whole, "{question}: the ties say otherwise than the door: {explained}"),
        }
    }
}

on_both_engines! {
    async fn what_is_explained_of_somebody_is_what_the_door_tells_themselves(world: World) {
        for seed in [7, 11] {
            let random = &mut StdRng::seed_from_u64(seed);
            agree(&world, seed, random).await;
        }
    }
}

async fn agree(world: &World, seed: u64, random: &mut StdRng) {
    let admin = world.admin().await;
    let mut roles = Vec::new();
    for n in 0..5 {
        roles.push(random_role(&admin, &format!("random_{seed}_{n}"), random).await);
    }
    let mut people = Vec::new();
    for n in 0..PEOPLE {
        let department = if n % 2 == 0 { Department::Sales } else { Department::Marketing };
        let hand =
            crew::hire(world, &format!("p{n}s{seed}@tandem.test"), &format!("random_{seed}_{}", n % 5), department)
                .await;
        // Some hold several.
        for role in roles.iter().filter(|_| random.random_bool(0.25)) {
            assign(&admin, role, &hand.id).await;
        }
        people.push(hand);
    }
    let above = crew::team(&admin, "Above", &[&people[0].id, &people[1].id]).await;
    let below = crew::team(&admin, "Below", &[&people[1].id, &people[2].id, &people[3].id]).await;
    shared::update(&admin, "team", json!({ "id": below, "parentId": above })).await;
    let records = records(&admin, &people, seed).await;
    let (mut yes, mut no) = (0, 0);
    for hand in &people {
        for _ in 0..QUESTIONS / 20 {
            let (mut heads, mut mine, mut of_them, mut variables) = (vec![], vec![], vec![], Map::new());
            let asked: Vec<(Kind, Action)> = (0..20).map(|n| {
                let (kind, id) = records.choose(random).expect("there are records");
                let action = if random.random_bool(0.5) { Action::Read } else { *Action::ALL.choose(random).expect("eleven") };
                heads.push(format!("$r{n}: ID!"));
                mine.push(format!("q{n}: can(resource: {}, action: {}, ids: [$r{n}]) {{ allowed }}", kind.name(), action.as_str()));
                of_them.push(format!("q{n}: explainAccess(user: \"{}\", record: $r{n}, action: {}) {{ allowed summary obstacles roles {{ reach covers because }} ties {{ how isPerson inTeams }} }}", hand.id, action.as_str()));
                variables.insert(format!("r{n}"), json!(id));
                (*kind, action)
            }).collect();
            let document = |fields: &[String]| format!("query({}) {{ {} }}", heads.join(", "), fields.join("\n"));
            let door = hand.client.query_with(&document(&mine), variables.clone().into()).await.expect_ok();
            let explained = admin.query_with(&document(&of_them), variables.clone().into()).await.expect_ok();
            for (n, (kind, action)) in asked.into_iter().enumerate() {
                let question = format!("seed {seed}: {} {} {}", hand.id, action.as_str(), variables[&format!("r{n}")]);
                let told = explained.data(&format!("q{n}"));
                assert_eq!(told["allowed"], *door.data(&format!("q{n}.0.allowed")), "{question}: {told}");
                check(kind, told, &question);
                *(if told["allowed"] == true { &mut yes } else { &mut no }) += 1;
            }
        }
    }
    assert!(yes > 50 && no > 50, "the questions say little: {yes} times yes, {no} times no");
}
