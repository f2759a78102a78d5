//! Whatever text stands at whatever place of an input: the answer is one, and shows what cannot be seen as escapes.

use std::collections::BTreeMap;

use apollo_compiler::{
    Schema,
    ast::Type,
    schema::{ExtendedType, FieldDefinition},
};
use futures_util::{StreamExt, stream};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    shared::{create, pipeline},
    support::client::Client,
};

/// Texts of which nothing is left, that look like others, and that mean something to SQL, LIKE, JSON or a terminal.
const TEXTS: [&str; 3] = [
    "\u{200b}\u{202e}\u{feff}",
    "a\u{1b}[2J\u{202e}",
    "Ｉ\u{307}\u{202e}%_\\'\"\u{ad}\u{1f468}\u{200d}\u{1f469}${x}`e\u{301}",
];

/// What no message shows as it is.
const HIDDEN: [char; 5] = ['\u{200b}', '\u{202e}', '\u{feff}', '\u{ad}', '\u{1b}'];

/// Comparisons that each read a text in a way of their own; where texts contain nothing, the first alone.
const COMPARISONS: [&str; 4] = ["eq", "in", "contains", "startsWith"];

/// How many inputs deep a text is looked for: those of a record's relations are the record's own.
const DEEP: usize = 3;

/// The places of an argument at which a text can stand, as the path of its parts.
fn places(schema: &Schema, ty: &Type, depth: usize) -> Vec<Vec<String>> {
    let name = ty.inner_named_type();
    match schema.types.get(name) {
        Some(ExtendedType::Scalar(_)) if !["Int", "Float", "Boolean", "JSON"].contains(&name.as_str()) => vec![vec![]],
        Some(ExtendedType::InputObject(input)) if depth < DEEP => {
            let has = |part: &str| input.fields.contains_key(part);
            let read = |part: &&str| match (has("isNull"), has("contains")) {
                (true, true) => COMPARISONS.contains(part),
                (true, false) => *part == COMPARISONS[0],
                (false, _) => true,
            };
            let parts = input.fields.iter().filter(|(part, _)| read(&part.as_str()));
            let below = parts.flat_map(|(part, field)| {
                let below = places(schema, &field.ty, depth + 1);
                below.into_iter().map(move |mut path| {
                    path.insert(0, part.to_string());
                    path
                })
            });
            below.collect()
        }
        _ => vec![],
    }
}

/// A value with the text at this place, and besides what is required.
fn value(
    schema: &Schema,
    known: &BTreeMap<String, String>,
    (ty, part): (&Type, &str),
    path: Option<(&[String], &str)>,
) -> Value {
    let one = match schema.types.get(ty.inner_named_type()) {
        Some(ExtendedType::InputObject(input)) => {
            let one_of = input.directives.has("oneOf");
            let ahead = path.and_then(|(path, text)| Some((path.split_first()?, text)));
            let fields = input.fields.iter().filter(|(name, field)| match ahead {
                Some(((next, _), _)) => name.as_str() == *next || (field.is_required() && !one_of),
                None => field.is_required(),
            });
            let value = fields.map(|(name, field)| {
                let ahead = ahead.filter(|((next, _), _)| name.as_str() == *next).map(|((_, rest), text)| (rest, text));
                (name.to_string(), value(schema, known, (&field.ty, name), ahead))
            });
            Value::Object(value.collect())
        }
        Some(ExtendedType::Enum(named)) => json!(named.values.keys().next().expect("an enum has values").as_str()),
        _ => match (path, ty.inner_named_type().as_str()) {
            (Some((_, text)), _) => json!(text),
            (None, "Int" | "Float") => json!(1),
            (None, "Boolean") => json!(true),
            (None, "ID") => json!(known.get(part).map_or("acct_00000000000000000000000000", String::as_str)),
            (None, "Date") => json!("2026-01-01"),
            (None, "DateTime") => json!("2026-01-01T00:00:00Z"),
            (None, "EmailAddress") => json!("ann@acme.example"),
            (None, _) => json!("x"),
        },
    };
    if ty.is_list() { json!([one]) } else { one }
}

/// Whether one of the texts in an answer has a character that nobody sees.
fn hides(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(HIDDEN),
        Value::Array(items) => items.iter().any(hides),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains(HIDDEN) || hides(value)),
        _ => false,
    }
}

/// What is selected of an answer, so that it is worked out and messages alone come back.
fn selection(schema: &Schema, field: &FieldDefinition) -> &'static str {
    let parts = schema.get_object(field.ty.inner_named_type());
    let has = |part: &str| parts.is_some_and(|parts| parts.fields.contains_key(part));
    match (schema.types.get(field.ty.inner_named_type()), has("userErrors"), has("nodes") && has("totalCount")) {
        (Some(ExtendedType::Scalar(_) | ExtendedType::Enum(_)), ..) => "",
        (_, true, _) => "{ userErrors { code field message } }",
        (_, _, true) => "{ totalCount nodes { __typename } }",
        _ => "{ __typename }",
    }
}

/// A field of `Query` or `Mutation` with a text at a place of one of its arguments.
fn requests(schema: &Schema, root: &str, known: &BTreeMap<String, String>) -> Vec<(String, Value)> {
    let operation = root.to_lowercase();
    let mut requests = Vec::new();
    for (name, field) in &schema.get_object(root).expect("a root").fields {
        // A record of the mutation's own kind.
        let own = known.iter().find(|(noun, _)| name.starts_with(noun.trim_end_matches("Id")));
        let mut known = known.clone();
        known.extend(own.map(|(_, id)| ("id".to_owned(), id.clone())));
        // Figures read the filter of their list.
        let figures = name.ends_with("Aggregate");
        for at in field.arguments.iter().filter(|at| !figures || at.name != "filter") {
            for path in places(schema, &at.ty, 0) {
                for text in TEXTS {
                    let given: Vec<_> =
                        field.arguments.iter().filter(|other| other.name == at.name || other.is_required()).collect();
                    let list = |part: fn(&str, &Type) -> String| {
                        given.iter().map(|one| part(&one.name, &one.ty)).collect::<Vec<_>>().join(", ")
                    };
                    let variables = given.iter().map(|other| {
                        let path = (other.name == at.name).then_some((&*path, text));
                        (other.name.to_string(), value(schema, &known, (&other.ty, &other.name), path))
                    });
                    let document = format!(
                        "{operation} ({}) {{ {name}({}) {} }}",
                        list(|name, ty| format!("${name}: {ty}")),
                        list(|name, _| format!("{name}: ${name}")),
                        selection(schema, field),
                    );
                    requests.push((document, Value::Object(variables.collect())));
                }
            }
        }
    }
    requests
}

/// One record of each kind that inputs name, by the name of the input.
async fn known(admin: &Client) -> BTreeMap<String, String> {
    let mut known = BTreeMap::new();
    for (noun, input) in [
        ("account", json!({ "name": "Known" })),
        ("contact", json!({ "name": "Known" })),
        ("lead", json!({ "name": "Known" })),
        ("persona", json!({ "name": "Known" })),
        ("story", json!({ "title": "Known" })),
        ("targetAccountList", json!({ "name": "Known", "kind": "STATIC" })),
        ("team", json!({ "name": "Known", "department": "SALES" })),
        ("role", json!({ "name": "Known" })),
        ("user", json!({ "name": "Known", "department": "SALES" })),
    ] {
        known.insert(format!("{noun}Id"), create(admin, noun, input).await);
    }
    let (pipeline, [stage, ..]) = pipeline(admin, "Known").await;
    known.extend(
        [("listId", known["targetAccountListId"].clone()), ("pipelineId", pipeline), ("stageId", stage)]
            .map(|(name, id)| (name.to_owned(), id)),
    );
    known
}

on_both_engines! {
    async fn no_text_makes_a_field_fail_or_comes_back_as_what_it_does_not_look_like(world: World) {
        let admin = world.admin().await;
        let schema = Schema::parse_and_validate(tandem::api::sdl(), "schema.graphql").expect("the schema is one");
        let known = known(&admin).await;
        let requests: Vec<_> = ["Query", "Mutation"].iter().flat_map(|root| requests(&schema, root, &known)).collect();
        assert!(requests.len() > 1_000, "{}", requests.len());
        let answers = stream::iter(&requests).map(async |(document, variables)| (document, variables, admin.query_with(document, variables.clone()).await));
        let answers: Vec<_> = answers.buffer_unordered(4).collect().await;
        let wrong: Vec<String> = answers.iter().filter_map(|(document, variables, answer)| {
            let told = answer.body.to_string();
            // Where the request itself is not one, nothing was tried.
            let failed = ["INTERNAL_SERVER_ERROR", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "UNAUTHENTICATED"].iter().any(|code| told.contains(code));
            (failed || answer.status.as_u16() >= 500 || hides(&answer.body)).then(|| format!("{document} {variables}: {answer}"))
        }).collect();
        let done = answers.iter().filter(|(document, _, answer)| document.starts_with("mutation") && answer.body.to_string().contains("\"userErrors\":[]")).count();
        assert!(done > 50, "of the mutations {done} were done");
        assert!(wrong.is_empty(), "{} of {}: {:#?}", wrong.len(), requests.len(), &wrong[..wrong.len().min(20)]);
    }

    async fn what_a_message_quotes_of_a_document_its_variables_and_its_parameters_can_be_seen(world: World) {
        let admin = world.admin().await;
        let text = HIDDEN.iter().collect::<String>();
        for (body, refused) in [
            (json!({ "query": format!("{{ {text} }}") }), true),
            (json!({ "query": format!("{{ accounts(first: {}) {{ totalCount }} }}", json!(text)) }), true),
            (json!({ "query": "{ viewer { user { id } } }", "operationName": text }), true),
            (json!({ "query": "query ($v: Int) { accounts(first: $v) { totalCount } }", "variables": { "v": text } }), true),
            (json!({ "query": "query ($v: AccountFilter) { accounts(filter: $v) { totalCount } }", "variables": { "v": { text.as_str(): 1 } } }), true),
            (json!({ "query": "query ($v: AccountFilter) { accounts(filter: $v) { totalCount } }", "variables": { "v": { "tier": { "eq": text } } } }), true),
            (json!({ "query": "{ viewer { user { id } } }", "variables": { text.as_str(): 1 } }), false),
            (json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": text } } }), true),
        ] {
            let answer = admin.send(admin.request(Method::POST, "/graphql").json(&body)).await;
            assert_eq!(answer.body["errors"].is_array(), refused, "{body}: {answer}");
            assert!(!hides(&answer.body), "{body}: {answer}");
        }
        let events = "subscription ($of: [ID!]) { events(filter: { subjects: $of }) { kind } }";
        let refused = admin.subscribe(events, json!({ "of": [text] })).await.next().await;
        assert!(refused["errors"].is_array() && !hides(&refused), "{refused}");
    }
}
