//! The schema: as committed, described throughout, and closed to strangers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

const INTROSPECTION: &str = "query IntrospectionQuery { __schema {
    queryType { name } mutationType { name } subscriptionType { name }
    types { ...FullType }
    directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } } } }
fragment FullType on __Type { kind name description specifiedByURL isOneOf
    fields(includeDeprecated: true) { name description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
    inputFields(includeDeprecated: true) { ...InputValue } interfaces { ...TypeRef }
    enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } }
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } }";

/// What GraphQL itself describes.
const BUILT_IN: [&str; 5] = ["Int", "Float", "String", "Boolean", "ID"];

/// What anybody may ask for: signing in, and who one is.
const OPEN: [&str; 6] = ["signIn", "refresh", "signOut", "viewer", "invitationAccept", "passwordReset"];

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value[name].as_array().into_iter().flatten()
}

fn name(value: &Value) -> &str {
    value["name"].as_str().expect("a name")
}

/// A value that an input of this type takes, or at least looks as if.
fn sample(types: &BTreeMap<&str, &Value>, ty: &Value) -> Value {
    match ty["kind"].as_str() {
        Some("NON_NULL") => sample(types, &ty["ofType"]),
        Some("LIST") => json!([sample(types, &ty["ofType"])]),
        Some("ENUM") => types[name(ty)]["enumValues"][0]["name"].clone(),
        Some("INPUT_OBJECT") => {
            let ty = types[name(ty)];
            let one_of = ty["isOneOf"] == true;
            let wanted = list(ty, "inputFields").filter(|field| one_of || field["type"]["kind"] == "NON_NULL");
            let fields = wanted
                .take(if one_of { 1 } else { usize::MAX })
                .map(|field| (name(field).to_owned(), sample(types, &field["type"])));
            Value::Object(fields.collect())
        }
        _ => match name(ty) {
            "Int" => json!(1),
            "Float" => json!(1.5),
            "Boolean" => json!(true),
            "ID" => json!("acct_00000000000000000000000000"),
            "DateTime" => json!("2026-01-01T00:00:00Z"),
            "Date" => json!("2026-01-01"),
            "JSON" => json!({}),
            "EmailAddress" => json!("ann@acme.example"),
            "URL" => json!("https://acme.example"),
            "CountryCode" => json!("DE"),
            "CurrencyCode" => json!("EUR"),
            "Decimal" => json!("1"),
            _ => json!("x"),
        },
    }
}

/// A type as it is written: `[ID!]!`.
fn written(ty: &Value) -> String {
    match ty["kind"].as_str() {
        Some("NON_NULL") => format!("{}!", written(&ty["ofType"])),
        Some("LIST") => format!("[{}]", written(&ty["ofType"])),
        _ => name(ty).to_owned(),
    }
}

fn is_leaf(ty: &Value) -> bool {
    match ty["kind"].as_str() {
        Some("NON_NULL" | "LIST") => is_leaf(&ty["ofType"]),
        kind => matches!(kind, Some("SCALAR" | "ENUM")),
    }
}

/// A document that selects a root field, and its variables.
fn asking(types: &BTreeMap<&str, &Value>, operation: &str, field: &Value) -> (String, Value) {
    let needed: Vec<&Value> = list(field, "args").filter(|argument| argument["type"]["kind"] == "NON_NULL").collect();
    let declared: Vec<String> =
        needed.iter().map(|argument| format!("${}: {}", name(argument), written(&argument["type"]))).collect();
    let given: Vec<String> = needed.iter().map(|argument| format!("{0}: ${0}", name(argument))).collect();
    let brackets = |inner: &[String]| if inner.is_empty() { String::new() } else { format!("({})", inner.join(", ")) };
    let selection = if is_leaf(&field["type"]) { "" } else { "{ __typename }" };
    let document = format!("{operation}{} {{ {}{} {selection} }}", brackets(&declared), name(field), brackets(&given));
    let variables =
        needed.iter().map(|argument| (name(argument).to_owned(), sample(types, &argument["type"]))).collect();
    (document, Value::Object(variables))
}

on_both_engines! {
    async fn a_stranger_may_sign_in_and_nothing_else(world: World) {
        let anonymous = world.anonymous();
        let schema = anonymous.query(INTROSPECTION).await.expect_ok();
        let schema = schema.data("__schema");
        let types: BTreeMap<&str, &Value> = list(schema, "types").map(|ty| (name(ty), ty)).collect();
        let mut asked = 0;
        for operation in ["query", "mutation"] {
            let root = types[schema[format!("{operation}Type")]["name"].as_str().expect("a root")];
            for field in list(root, "fields").filter(|field| !OPEN.contains(&name(field))) {
                let (document, variables) = asking(&types, operation, field);
                let answer = anonymous.query_with(&document, variables).await;
                assert_eq!(answer.error_code(), Some("UNAUTHENTICATED"), "{document}: {answer}");
                assert!(answer.body["data"].is_null() || answer.body["data"][name(field)].is_null(), "{document}: {answer}");
                asked += 1;
            }
        }
        assert!(asked > 130, "only {asked} fields were asked for");
        let events = anonymous.subscribe("subscription { events { cursor } }", json!({})).await.message().await;
        let error = if events["type"] == "error" { &events["payload"][0] } else { &events["payload"]["errors"][0] };
        assert_eq!(error["extensions"]["code"], "UNAUTHENTICATED", "{events}");
        assert_eq!(anonymous.query("{ viewer { user { id } } }").await.expect_ok().data("viewer"), &Value::Null);
    }

    async fn the_schema_introspects_and_explains_everything(world: World) {
        let schema = world.anonymous().query(INTROSPECTION).await.expect_ok();
        let schema = schema.data("__schema");
        assert_eq!((&schema["queryType"]["name"], &schema["mutationType"]["name"], &schema["subscriptionType"]["name"]), (&json!("Query"), &json!("Mutation"), &json!("Subscription")));
        let mut silent = Vec::new();
        let mut listen = |path: String, what: &Value| {
            if what["description"].as_str().is_none_or(|text| text.trim().is_empty()) {
                silent.push(path);
            }
        };
        for ty in list(schema, "types").filter(|ty| !name(ty).starts_with("__") && !BUILT_IN.contains(&name(ty))) {
            listen(name(ty).to_owned(), ty);
            for part in ["fields", "inputFields", "enumValues"] {
                for inner in list(ty, part) {
                    let path = format!("{}.{}", name(ty), name(inner));
                    list(inner, "args").for_each(|argument| listen(format!("{path}({})", name(argument)), argument));
                    listen(path, inner);
                }
            }
            if ty["kind"] == "SCALAR" {
                assert!(ty["specifiedByURL"].is_string(), "{} says not where it is specified", name(ty));
            }
        }
        assert_eq!(silent, Vec::<String>::new(), "without a description");
        let kinds: Vec<&str> = entity::Kind::ALL.iter().map(|kind| kind.name()).collect();
        let node = list(schema, "types").find(|ty| name(ty) == "Node").expect("an interface");
        let mut nodes: Vec<&str> = list(node, "possibleTypes").map(name).collect();
        nodes.sort_unstable();
        let mut expected = kinds.clone();
        expected.sort_unstable();
        assert_eq!(nodes, expected);
    }
}

#[test]
fn the_committed_schema_is_the_codes() {
    let committed = include_str!("../../schema.graphql");
    let drawn = tandem::api::sdl();
    let differs = committed.lines().zip(drawn.lines()).enumerate().find(|(_, (one, other))| one != other);
    assert_eq!(differs, None, "run `tandem schema > schema.graphql`");
    assert_eq!(committed.len(), drawn.len());
}
