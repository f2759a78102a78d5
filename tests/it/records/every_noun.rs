//! What holds for every noun alike.

use entity::Kind;
use serde_json::{Value, json};

use crate::{
    shared::{create, id_of, mutate, pipeline},
    support::client::Client,
};

/// One noun, and what it takes to walk it through its life.
struct Walk {
    noun: &'static str,
    input: Value,
    /// A field and a new value, where the noun can be changed.
    change: Option<(&'static str, Value)>,
    archives: bool,
}

fn walk(noun: &'static str, input: Value, field: &'static str, value: Value) -> Walk {
    Walk { noun, input, change: Some((field, value)), archives: true }
}

/// Every noun with mutations; what each refers to is made first.
async fn walks(admin: &Client) -> Vec<Walk> {
    let account = create(admin, "account", json!({ "name": "Referred to" })).await;
    let contact = create(admin, "contact", json!({ "name": "Referred to" })).await;
    let list = create(admin, "targetAccountList", json!({ "name": "Referred to", "kind": "STATIC" })).await;
    let team = create(admin, "team", json!({ "name": "Referred to", "department": "SALES" })).await;
    let user = create(admin, "user", json!({ "name": "Referred to", "department": "SALES" })).await;
    let (pipeline, [open, ..]) = pipeline(admin, "Referred to").await;
    vec![
        walk("account", json!({ "name": "Acme" }), "industry", json!("Bicycles")),
        Walk {
            noun: "accountDomain",
            input: json!({ "accountId": account, "domain": "alias.example" }),
            change: None,
            archives: true,
        },
        walk("accountTeamMember", json!({ "accountId": account, "userId": user }), "role", json!("Engineer")),
        walk("contact", json!({ "name": "Ann" }), "title", json!("Head of Wheels")),
        walk("accountContact", json!({ "accountId": account, "contactId": contact }), "since", json!("2020-02-29")),
        walk("persona", json!({ "name": "Buyer" }), "goals", json!(["less cost", "more speed"])),
        walk("story", json!({ "title": "Why ride" }), "motion", json!("INBOUND")),
        walk("targetAccountList", json!({ "name": "Top", "kind": "STATIC" }), "capacity", json!(50)),
        walk(
            "targetAccountListMember",
            json!({ "listId": list, "accountId": account }),
            "reason",
            json!("asked for it"),
        ),
        walk("lead", json!({ "name": "Ann at Acme" }), "score", json!(70)),
        walk(
            "deal",
            json!({ "name": "100 wheels", "stageId": open }),
            "amount",
            json!({ "amount": "1200.50", "currency": "EUR" }),
        ),
        walk("pipeline", json!({ "name": "Renewals" }), "position", json!(7)),
        walk(
            "stage",
            json!({ "pipelineId": pipeline, "name": "Talks", "position": 5, "category": "OPEN", "probability": 20 }),
            "probability",
            json!(30),
        ),
        Walk {
            archives: false,
            ..walk("user", json!({ "name": "Uwe", "department": "IT" }), "title", json!("Engineer"))
        },
        walk("team", json!({ "name": "West", "department": "SALES" }), "name", json!("Far West")),
        Walk { archives: false, ..walk("role", json!({ "name": "Planner" }), "description", json!("Plans.")) },
        walk("teamMembership", json!({ "teamId": team, "userId": user }), "leads", json!(true)),
    ]
}

/// What a lookup by id and by external id, `node`, and the list say of a record.
async fn seen(admin: &Client, noun: &str, id: &str) -> Value {
    let plural = kind(noun).table().plural;
    let document = format!(
        "query ($id: ID!, $external: ExternalIdInput!) {{
            one: {noun}(by: {{ id: $id }}) {{ id version archivedAt externalIds {{ system id }} }}
            other: {noun}(by: {{ external: $external }}) {{ id }}
            node(id: $id) {{ __typename id }}
            live: {plural}(filter: {{ id: {{ eq: $id }} }}) {{ totalCount nodes {{ id }} }}
            all: {plural}(filter: {{ id: {{ eq: $id }} }}, includeArchived: true) {{ totalCount nodes {{ id }} }}
        }}"
    );
    let external = json!({ "system": "crm", "id": format!("{noun}-1") });
    admin.query_with(&document, json!({ "id": id, "external": external })).await.expect_ok().body["data"].clone()
}

fn kind(noun: &str) -> Kind {
    Kind::ALL.into_iter().find(|kind| kind.table().singular() == noun).expect("a noun")
}

fn page(id: Option<&str>) -> Value {
    let nodes: Vec<Value> = id.iter().map(|id| json!({ "id": id })).collect();
    json!({ "totalCount": nodes.len(), "nodes": nodes })
}

on_both_engines! {
    async fn every_noun_lives_from_its_making_to_its_return(world: World) {
        let admin = world.admin().await;
        for Walk { noun, mut input, change, archives } in walks(&admin).await {
            input["externalIds"] = json!([{ "system": "crm", "id": format!("{noun}-1") }]);
            let made = mutate(&admin, noun, "Create", input, "createdAt updatedAt archivedAt").await.expect_ok();
            let id = id_of(&made, noun);
            let payload = format!("{noun}Create.{noun}");
            let now = tandem::clock::Clock::now(&*world.clock).rfc3339();
            assert_eq!(made.data(&payload), &json!({ "id": id, "version": 1, "createdAt": now, "updatedAt": now, "archivedAt": null }));
            let externals = json!([{ "system": "crm", "id": format!("{noun}-1") }]);
            let mut version = 1;
            let expected = |version: i32, archived: Value| json!({
                "one": { "id": id, "version": version, "archivedAt": archived, "externalIds": externals },
                "other": { "id": id },
                "node": { "__typename": kind(noun).name(), "id": id },
                "live": page(archived.is_null().then_some(&*id)),
                "all": page(Some(&id)),
            });
            assert_eq!(seen(&admin, noun, &id).await, expected(version, Value::Null), "{noun}");
            world.clock.advance(std::time::Duration::from_secs(10));
            if let Some((field, value)) = change {
                let select = if value["currency"].is_string() { format!("{field} {{ amount currency }} updatedAt") } else { format!("{field} updatedAt") };
                let input = json!({ "id": id, "expectedVersion": 1, field: value });
                let changed = mutate(&admin, noun, "Update", input, &select).await.expect_ok();
                version += 1;
                let payload = changed.data(&format!("{noun}Update.{noun}"));
                assert_eq!((&payload["version"], &payload[field]), (&json!(version), &value), "{noun}");
                assert!(payload["updatedAt"].as_str() > Some(&now), "{noun}: {payload}");
                let again = mutate(&admin, noun, "Update", json!({ "id": id, field: value }), "").await.expect_ok();
                assert_eq!(again.data(&format!("{noun}Update.{noun}.version")), version, "{noun}: saving what is so changes nothing");
            }
            if !archives {
                continue;
            }
            let archived = mutate(&admin, noun, "Archive", json!({ "id": id, "expectedVersion": version }), "archivedAt").await.expect_ok();
            version += 1;
            let at = archived.data(&format!("{noun}Archive.{noun}.archivedAt")).clone();
            assert!(at.is_string(), "{noun}");
            assert_eq!(seen(&admin, noun, &id).await, expected(version, at.clone()), "{noun}");
            let again = mutate(&admin, noun, "Archive", json!({ "id": id }), "archivedAt").await.expect_ok();
            assert_eq!(again.data(&format!("{noun}Archive.{noun}")), &json!({ "id": id, "version": version, "archivedAt": at }), "{noun}");
            if let Some((field, value)) = change_of_archived(noun) {
                let refused = mutate(&admin, noun, "Update", json!({ "id": id, field: value }), "").await;
                assert_eq!(refused.user_errors(&format!("{noun}Update")), ["INVALID_TRANSITION id"], "{noun}");
                assert_eq!(refused.data(&format!("{noun}Update.userErrors.0.reason")), "ARCHIVED");
            }
            let restored = mutate(&admin, noun, "Restore", json!({ "id": id, "expectedVersion": version }), "archivedAt").await.expect_ok();
            version += 1;
            assert_eq!(restored.data(&format!("{noun}Restore.{noun}.archivedAt")), &Value::Null);
            assert_eq!(seen(&admin, noun, &id).await, expected(version, Value::Null), "{noun}");
        }
    }

    async fn every_noun_refuses_a_stale_version_and_the_ids_of_others(world: World) {
        let admin = world.admin().await;
        for Walk { noun, input, change, archives } in walks(&admin).await {
            let id = create(&admin, noun, input).await;
            let stranger = if noun == "persona" { id.replace("pers_", "acct_") } else { id.replace(&id[..4], "pers") };
            let unknown = format!("{}{}", &id[..id.len() - 4], if id.ends_with("0000") { "1111" } else { "0000" });
            let mut verbs: Vec<(&str, Value)> = change.iter().map(|(field, value)| ("Update", json!({ *field: value }))).collect();
            if archives {
                verbs.extend([("Archive", json!({})), ("Restore", json!({}))]);
            }
            for (verb, input) in verbs {
                let with = |key: &str, value: Value| {
                    let mut input = input.clone();
                    input["id"] = json!(id);
                    input[key] = value;
                    input
                };
                let payload = format!("{noun}{verb}");
                let stale = mutate(&admin, noun, verb, with("expectedVersion", json!(9)), "").await;
                assert_eq!(stale.user_errors(&payload), ["CONFLICT expectedVersion"], "{payload}");
                assert_eq!(stale.data(&format!("{payload}.userErrors.0.conflict")), &json!({ "__typename": kind(noun).name(), "id": id }));
                assert_eq!(stale.data(&format!("{payload}.{noun}")), &Value::Null);
                let other = mutate(&admin, noun, verb, with("id", json!(stranger)), "").await;
                assert_eq!(other.user_errors(&payload), ["INVALID id"], "{payload} of {stranger}");
                let nobody = mutate(&admin, noun, verb, with("id", json!(unknown)), "").await;
                assert_eq!(nobody.user_errors(&payload), ["NOT_FOUND id"], "{payload} of {unknown}");
                let nonsense = mutate(&admin, noun, verb, with("id", json!("nonsense")), "").await;
                assert_eq!(nonsense.user_errors(&payload), ["INVALID id"], "{payload}");
            }
            let now = admin.query_with("query ($id: ID!) { node(id: $id) { id } }", json!({ "id": id })).await.expect_ok();
            assert_eq!(now.data("node.id"), &json!(id));
        }
    }
}

fn change_of_archived(noun: &str) -> Option<(&'static str, Value)> {
    Some(match noun {
        "account" => ("industry", json!("Cars")),
        "deal" | "stage" | "lead" => ("name", json!("Renamed")),
        "contact" => ("title", json!("Gone")),
        _ => return None,
    })
}
