//! Nothing can be changed about what happened.

use entity::Kind;
use serde_json::{Value, json};
use tandem::api::NOUNS;

use super::{count, events};
use crate::{shared::create, support::client::Client};

const MUTATIONS: &str = "{ __schema { mutationType { fields { name args { type { ...T } } type { ...T } } }
    types { kind name inputFields { name type { ...T } } fields { name type { ...T } } } } }
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

fn inner(ty: &Value) -> &str {
    if ty["ofType"].is_object() { inner(&ty["ofType"]) } else { ty["name"].as_str().expect("a name") }
}

/// The fields of a type that hold other types.
fn parts<'a>(schema: &'a Value, ty: &str, of: &str) -> Vec<(&'a str, &'a str)> {
    let ty = schema["types"].as_array().unwrap().iter().find(|other| other["name"] == ty);
    let fields = ty.and_then(|ty| ty[of].as_array()).map(Vec::as_slice).unwrap_or_default();
    fields.iter().map(|field| (field["name"].as_str().expect("a name"), inner(&field["type"]))).collect()
}

/// A mutation about an event, as somebody would try who may do everything.
async fn attempt(admin: &Client, noun: &str, verb: &str, input: Value) -> Vec<String> {
    let of = Kind::ALL.into_iter().find(|kind| kind.table().singular() == noun).expect("a noun").name();
    let document = format!(
        "mutation ($input: {of}{verb}Input!) {{ {noun}{verb}(input: $input) {{ userErrors {{ code field }} }} }}"
    );
    let answer = admin.query_with(&document, json!({ "input": input })).await;
    match answer.error_code() {
        Some(code) => vec![code.to_owned()],
        None => answer.user_errors(&format!("{noun}{verb}")),
    }
}

on_both_engines! {
    async fn no_mutation_takes_or_makes_an_event(world: World) {
        let schema = world.admin().await.query(MUTATIONS).await.expect_ok();
        let schema = schema.data("__schema");
        assert!(NOUNS.of(Kind::Event).is_none(), "events have no standard verbs");
        let mutations = schema["mutationType"]["fields"].as_array().unwrap();
        assert!(mutations.len() > 80, "only {}", mutations.len());
        for mutation in mutations {
            let name = mutation["name"].as_str().unwrap();
            assert!(!name.to_lowercase().starts_with("event") && !name.to_lowercase().contains("audit"), "{name}");
            // Everything that can be given, however deep.
            let mut given: Vec<&str> = mutation["args"].as_array().unwrap().iter().map(|argument| inner(&argument["type"])).collect();
            let mut at = 0;
            while let Some(ty) = given.get(at).copied() {
                assert!(!ty.starts_with("Event") && ty != "FieldChange", "{name} takes {ty}");
                for (_, part) in parts(schema, ty, "inputFields") {
                    if !given.contains(&part) {
                        given.push(part);
                    }
                }
                at += 1;
            }
            // What is answered is the records themselves and `query`; neither is an event that was written.
            for (field, ty) in parts(schema, inner(&mutation["type"]), "fields") {
                assert!(!matches!(ty, "Event" | "EventConnection" | "FieldChange"), "{name}.{field} answers {ty}");
            }
        }
        let types = schema["types"].as_array().unwrap();
        let inputs = types.iter().filter(|ty| ty["kind"] == "INPUT_OBJECT").filter_map(|ty| ty["name"].as_str());
        let of_events: Vec<&str> = inputs.filter(|name| name.starts_with("Event")).collect();
        assert_eq!(of_events, ["EventActionFilter", "EventFilter", "EventGroupBy", "EventOrder", "EventRef", "EventRelationFilter", "EventSubscriptionFilter"]);
    }

    async fn bulk_archive_and_import_refuse_events(world: World) {
        let admin = world.admin().await;
        let account = create(&admin, "account", json!({ "name": "Acme" })).await;
        let before = events(&admin, json!({})).await;
        let event = before.iter().find(|event| event["subjectId"] == account).expect("its event")["id"].clone();
        for noun in NOUNS.0.iter().filter(|noun| noun.verbs().archive).map(|noun| noun.kind().table().singular()) {
            for verb in ["Archive", "Restore"] {
                let refused = attempt(&admin, &noun, verb, json!({ "id": event })).await;
                assert!(!refused.is_empty(), "{noun}{verb} took an event");
            }
        }
        assert!(!attempt(&admin, "account", "Update", json!({ "id": event, "name": "Forged" })).await.is_empty());
        let bulk = "mutation ($item: AccountBulkUpsertItem!) { accountBulkUpsert(input: { items: [$item] }) { userErrors { code } results { status userErrors { code } } } }";
        let item = json!({ "name": "X", "parentId": event });
        let answer = admin.query_with(bulk, json!({ "item": item })).await;
        assert!(answer.error_code().is_some() || answer.data("accountBulkUpsert.results.0.status") == "FAILED", "{answer}");
        for resource in ["Event", "event", "audit"] {
            let map = format!("resource = \"{resource}\"\n[identity]\nsystem = \"crm\"\ncolumn = \"id\"\n[fields.action]\ncolumn = \"action\"\n");
            let document = "mutation ($map: String!) { importStart(input: { map: $map, fileName: \"e.csv\" }) { job { id } userErrors { code field } } }";
            let answer = admin.query_with(document, json!({ "map": map })).await;
            assert_eq!(answer.user_errors("importStart"), ["INVALID map"], "{answer}");
        }
        assert_eq!(events(&admin, json!({})).await, before, "the trail is as it was");
        assert_eq!(count(&admin, json!({ "action": { "eq": "EXPORTED" } })).await, 0);
    }
}
