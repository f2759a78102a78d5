//! The gate against a small schema: what passes, what it costs, what becomes of it.

use std::time::{Duration, Instant};

use async_graphql::parser::types::{DocumentOperations, ExecutableDocument};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{refusal::Refusal, *};
use crate::error::Code;

const SDL: &str = "
    directive @oneOf on INPUT_OBJECT
    type Query {
        accounts(first: Int, last: Int, after: String): AccountConnection!
        account(by: Ref!): Account
        node(id: ID!): Node
        nodes(ids: [ID!]!): [Node]!
        top(first: Int = 7): [Account!]!
        connection: Connection
        hello: String
    }
    type Mutation { bulk(input: BulkInput!): Bulk bump: Int }
    input BulkInput { items: [Item!]! dryRun: Boolean }
    input Item { name: String! }
    input Ref @oneOf { id: ID domain: String }
    type Bulk { results: [Result!]! }
    type Result { node: Account }
    interface Node { id: ID! }
    type Account implements Node { id: ID! name: String owner: User contacts(first: Int): ContactConnection! parent: Account }
    type Contact implements Node { id: ID! email: String account: Account }
    type User { id: ID! }
    type Connection { id: ID! owner: User }
    type PageInfo { hasNextPage: Boolean! }
    type AccountConnection { edges: [AccountEdge!]! nodes: [Account!]! pageInfo: PageInfo! totalCount: Int! }
    type AccountEdge { node: Account! cursor: String! }
    type ContactConnection { edges: [ContactEdge!]! nodes: [Contact!]! pageInfo: PageInfo! }
    type ContactEdge { node: Contact! }
";

fn gate() -> Gate {
    Gate::new(SDL, &Settings::default()).unwrap()
}

fn admit_in(gate: &Gate, text: &str, operation: Option<&str>, variables: &Json) -> Result<Admitted, Refusal> {
    let variables = serde_json::from_value(variables.clone()).unwrap();
    gate.admit(gate.document(text, operation)?, &variables)
}

fn cost(text: &str, variables: &Json) -> Result<u64, Refusal> {
    admit_in(&gate(), text, None, variables).map(|admitted| admitted.cost)
}

fn refused(text: &str, variables: &Json) -> Refusal {
    admit_in(&gate(), text, None, variables).map(|admitted| admitted.cost).expect_err(text)
}

fn extension(refusal: &Refusal, name: &str) -> Json {
    let value = refusal.errors[0].extensions.as_ref().unwrap().get(name).cloned();
    value.unwrap_or_default().into_json().unwrap()
}

#[test]
fn objects_cost_one_and_pages_multiply() {
    for (text, expected) in [
        ("{ hello }", 0),
        ("{ account(by: {id: 1}) { id name } }", 1),
        ("{ account(by: {id: 1}) { owner { id } } }", 2),
        ("{ accounts(first: 10) { nodes { id } } }", 11),
        ("{ accounts(first: 10) { edges { node { id } cursor } pageInfo { hasNextPage } totalCount } }", 11),
        ("{ accounts(first: 10) { edges { node { id } } nodes { id } } }", 21),
        ("{ accounts { nodes { id } } }", 26),
        ("{ accounts(first: null) { nodes { id } } }", 26),
        ("{ accounts(last: 4) { nodes { owner { id } contacts(first: 5) { nodes { id } } } } }", 1 + 4 * (1 + 1 + 6)),
        ("{ top { id } }", 7),
        ("{ top(first: 3) { owner { id } } }", 6),
        ("{ nodes(ids: [1, 2, 3]) { id } }", 3),
        ("{ connection { owner { id } } }", 2),
        ("{ a: account(by: {id: 1}) { id } b: account(by: {id: 1}) { id } }", 2),
        ("mutation { bulk(input: { items: [{name: \"a\"}, {name: \"b\"}] }) { results { node { id } } } }", 6),
        ("{ accounts(first: 10) { nodes { id } } accounts(first: 10) { nodes { name } } }", 11),
        ("{ accounts(first: 10) @skip(if: true) { nodes { id } } }", 0),
    ] {
        assert_eq!(cost(text, &json!({})).unwrap(), expected, "{text}");
    }
}

#[test]
fn variables_count_and_only_then_is_a_cost_not_kept() {
    let text = "query($n: Int = 5, $ids: [ID!]!, $no: Boolean!) {
        accounts(first: $n) { nodes { id } } nodes(ids: $ids) { id } account(by: {id: 1}) @include(if: $no) { id } }";
    let gate = gate();
    for (variables, expected) in [
        (json!({"ids": ["a"], "no": false}), 6 + 1),
        (json!({"n": 9, "ids": ["a", "b"], "no": true}), 10 + 2 + 1),
        (json!({"n": null, "ids": [], "no": false}), 26 + 1),
    ] {
        assert_eq!(admit_in(&gate, text, None, &variables).unwrap().cost, expected, "{variables}");
    }
    let text = "mutation($input: BulkInput!) { bulk(input: $input) { results { node { id } } } }";
    let items = vec![json!({"name": "x"}); 1000];
    assert_eq!(cost(text, &json!({"input": {"items": items}})).unwrap(), 3000);
    let text = "mutation($items: [Item!]!) { bulk(input: {items: $items}) { results { node { id } } } }";
    assert_eq!(cost(text, &json!({"items": items})).unwrap(), 3000);
}

#[test]
fn the_dearest_type_of_an_interface_counts_and_each_response_key_once() {
    for (text, expected) in [
        ("{ node(id: 1) { id } }", 1),
        ("{ node(id: 1) { ... on Account { owner { id } } ... on Contact { account { owner { id } } } } }", 3),
        ("{ node(id: 1) { ... on Account { owner { id } } ...A } } fragment A on Account { owner { id } }", 2),
        (
            "{ node(id: 1) { ...A ...B } } fragment A on Account { owner { id } } fragment B on Account { o: owner { id } }",
            3,
        ),
        ("{ nodes(ids: [1, 2]) { ... on Account { contacts(first: 3) { nodes { id } } } } }", 2 * (1 + 4)),
    ] {
        assert_eq!(cost(text, &json!({})).unwrap(), expected, "{text}");
    }
}

#[test]
fn pages_have_limits_and_directions_exclude_each_other() {
    for (text, figure, limit) in [
        ("{ accounts(first: 201) { nodes { id } } }", 201, 200),
        ("{ accounts(last: -1) { nodes { id } } }", -1, 200),
        ("{ account(by: {id: 1}) { contacts(first: 51) { nodes { id } } } }", 51, 50),
    ] {
        let refusal = refused(text, &json!({}));
        assert_eq!(refusal.code, Code::BadUserInput, "{text}");
        assert_eq!((extension(&refusal, "figure"), extension(&refusal, "limit")), (json!(figure), json!(limit)));
        assert!(refusal.errors[0].message.contains(&figure.to_string()), "{}", refusal.errors[0].message);
        assert_eq!(refusal.errors[0].locations.len(), 1);
    }
    let refusal = refused("query($n: Int) { accounts(first: $n) { nodes { id } } }", &json!({"n": 4000}));
    assert_eq!((extension(&refusal, "argument"), extension(&refusal, "figure")), (json!("first"), json!(4000)));
    assert_eq!(refused("{ accounts(first: 1, last: 1) { totalCount } }", &json!({})).code, Code::BadUserInput);
    assert!(cost("{ accounts(first: 200) { nodes { id } } }", &json!({})).is_ok());
}

#[test]
fn what_is_too_dear_names_its_dearest_paths() {
    let text = "{ accounts(first: 200) { nodes { owner { id } all: contacts(first: 50) { nodes { account { \
                contacts(first: 50) { nodes { id } } } } } } } }";
    let refusal = refused(text, &json!({}));
    assert_eq!(refusal.code, Code::QueryTooComplex);
    let each = 1 + 1 + 1 + 50 * (1 + 1 + 51);
    assert_eq!(extension(&refusal, "figure"), json!(1 + 200 * each));
    let dearest = extension(&refusal, "dearest");
    assert_eq!(dearest[0], json!({"path": "accounts.nodes.all.nodes.account.contacts.nodes", "cost": 500_000}));
    assert_eq!(dearest.as_array().unwrap().len(), 5);
    assert!(refusal.errors[0].message.contains("accounts.nodes.all.nodes.account.contacts.nodes (500000)"));
}

#[test]
fn wrong_variables_refuse_the_request() {
    for (text, variables) in [
        ("query($n: Int!) { accounts(first: $n) { totalCount } }", json!({})),
        ("query($n: Int) { accounts(first: $n) { totalCount } }", json!({"n": "ten"})),
        ("query($by: Ref!) { account(by: $by) { id } }", json!({"by": {"id": "1", "domain": "x"}})),
        ("query($by: Ref!) { account(by: $by) { id } }", json!({"by": {}})),
        ("query($by: Ref!) { account(by: $by) { id } }", json!({"by": {"id": null}})),
    ] {
        assert_eq!(refused(text, &variables).code, Code::BadUserInput, "{text} {variables}");
    }
    assert!(cost("query($by: Ref!) { account(by: $by) { id } }", &json!({"by": {"id": "1"}})).is_ok());
}

#[test]
fn documents_are_refused_with_the_right_code() {
    for (text, operation, code) in [
        ("{", None, Code::ParseFailed),
        ("", None, Code::ParseFailed),
        ("{ nope }", None, Code::ValidationFailed),
        ("query A { hello } query B { hello }", None, Code::OperationResolution),
        ("query A { hello } query B { hello }", Some("C"), Code::OperationResolution),
        ("{ ...F } fragment F on Query { ...F }", None, Code::ValidationFailed),
        ("{ hello } fragment F on Query { hello }", None, Code::ValidationFailed),
        ("{ account(by: {id: 1, id: 1}) { id } }", None, Code::ValidationFailed),
        (
            "mutation { bulk(input: {items: [{name: \"a\", name: \"a\"}]}) { results { node { id } } } }",
            None,
            Code::ValidationFailed,
        ),
    ] {
        let refusal = admit_in(&gate(), text, operation, &json!({})).map(|a| a.cost).unwrap_err();
        assert_eq!(refusal.code, code, "{text}");
    }
    assert!(
        admit_in(
            &gate(),
            "query A { hello } query B($n: Int!) { accounts(first: $n) { totalCount } }",
            Some("A"),
            &json!({})
        )
        .is_ok()
    );
    let closed = Gate::new(SDL, &Settings { introspection: false, ..Settings::default() }).unwrap();
    let refusal = admit_in(&closed, "{ __schema { types { name } } }", None, &json!({})).map(|a| a.cost).unwrap_err();
    assert_eq!(refusal.code, Code::ValidationFailed);
    assert!(admit_in(&closed, "{ __typename }", None, &json!({})).is_ok());
}

/// A chain of fragments, each spreading the next so often: exponential once expanded.
fn bomb(length: usize, spreads: usize) -> String {
    let fragments = several(length, |n| {
        let spread = several(spreads, |i| format!("a{i}: parent {{ ...F{} }}", n + 1));
        format!("fragment F{n} on Account {{ {spread} }}")
    });
    format!("{{ account(by: {{id: 1}}) {{ ...F0 }} }} {fragments} fragment F{length} on Account {{ id }}")
}

fn several(number: usize, one: impl Fn(usize) -> String) -> String {
    (0..number).map(one).collect::<Vec<_>>().join(" ")
}

#[test]
fn bombs_are_refused_in_no_time() {
    let gate = gate();
    let aliases = several(3_000, |n| format!("a{n}: hello"));
    let same = "hello ".repeat(9_000);
    let same_deep = format!("{{ {} }}", "account(by: {id: 1}) { owner { id } } ".repeat(600));
    let introspection = "{ __schema { types { fields { type { fields { type { fields { type { name } } } } } } } } }";
    for (text, passes) in [
        (bomb(20, 2), false),
        (bomb(30, 20), false),
        (bomb(28, 1), true),
        (bomb(300, 1), false),
        (format!("{{ {aliases} }}"), true),
        (format!("{{ {same} }}"), true),
        (same_deep, true),
        (format!("{{ accounts(after: {}1{}) {{ totalCount }} }}", "[".repeat(100_000), "]".repeat(100_000)), false),
        ("{".repeat(1_000), false),
        ("{ a ".repeat(3_000), false),
        (introspection.to_owned(), false),
        ("{ __schema { types { interfaces { possibleTypes { name } } } } }".to_owned(), false),
        (format!("{{ {} }}", several(9, |n| format!("a{n}: __schema {{ types {{ fields {{ name }} }} }}"))), false),
        ("{ __type(name: \"Query\") { fields { type { fields { name } } } } }".to_owned(), true),
        (format!("{{ {} }}", "a ".repeat(4_900)), false),
        ("\u{feff}{ hello }".to_owned(), true),
    ] {
        let since = Instant::now();
        let admitted = admit_in(&gate, &text, None, &json!({}));
        let start: String = text.chars().take(60).collect();
        assert_eq!(admitted.is_ok(), passes, "{start}: {:?}", admitted.err());
        // An unoptimised build on a busy machine; what is exponential takes minutes.
        assert!(since.elapsed() < Duration::from_mins(1), "{start} took {:?}", since.elapsed());
        println!("{start:60} {} {:?}", text.len(), since.elapsed());
    }
}

#[test]
fn what_is_weighed_is_what_is_run() {
    // Each of these could hide a field from one of the parsers, if they did not agree.
    for text in [
        "{ hello # \r accounts(first: 9000) { totalCount }\n }",
        "{ hello # \u{2028} accounts(first: 9000) { totalCount }\n }",
        "{ hello # \u{85} accounts(first: 9000) { totalCount }\n }",
        "{ hello # \u{b} accounts(first: 9000) { totalCount }\n }",
        "{ accounts(after: \"\"\"\\\"\"\", first: 9000) { totalCount } # \"\"\") { totalCount } }",
        "{ accounts(after: \"\\\"\", first: 9000) { totalCount } }",
        "{ accounts(first: 00009000) { totalCount } }",
        "{ accounts(first: 9000_) { totalCount } }",
    ] {
        if let Ok(admitted) = admit_in(&gate(), text, None, &json!({})) {
            let Admitted { mut request, .. } = admitted;
            let run = format!("{:?}", request.parsed_query().unwrap());
            assert!(!run.contains("Number(9000)"), "{text:?} runs {run}");
        }
    }
    let everything = "query($v: [ID!]! = [\"a\", \"b\"], $on: Boolean = true) { a: account(by: {id: \"\\u00e9 \\n\"}) { id } \
        accounts(first: 3, after: \"\"\"block \"quoted\" \"\"\") { nodes { ...F @include(if: $on) ... on Node { id } ... { id } } } \
        nodes(ids: $v) { id } top(first: 2) { id } } fragment F on Account { name }";
    assert!(admit_in(&gate(), everything, None, &json!({})).is_ok());
}

fn merged(text: &str, variables: &Json) -> String {
    let admitted = admit_in(&gate(), text, None, variables).unwrap();
    let Admitted { mut request, .. } = admitted;
    render(request.parsed_query().unwrap())
}

/// Response keys of a document's operation, nested, in order.
fn render(document: &ExecutableDocument) -> String {
    use async_graphql::parser::types::{Selection, SelectionSet};
    fn set(set: &SelectionSet) -> String {
        let items = set.items.iter().map(|item| match &item.node {
            Selection::Field(field) if field.node.selection_set.node.items.is_empty() => {
                field.node.response_key().node.to_string()
            }
            Selection::Field(field) => {
                format!("{}{{{}}}", field.node.response_key().node, set_of(&field.node.selection_set.node))
            }
            Selection::FragmentSpread(spread) => format!("...{}", spread.node.fragment_name.node),
            Selection::InlineFragment(fragment) => {
                let on = fragment.node.type_condition.as_ref().map(|on| on.node.on.node.to_string());
                format!("on {}{{{}}}", on.unwrap_or_default(), set_of(&fragment.node.selection_set.node))
            }
        });
        items.collect::<Vec<_>>().join(" ")
    }
    fn set_of(inner: &SelectionSet) -> String {
        set(inner)
    }
    let operation = match &document.operations {
        DocumentOperations::Single(operation) => operation,
        DocumentOperations::Multiple(operations) => operations.values().next().unwrap(),
    };
    let mut fragments: Vec<_> = document.fragments.keys().map(ToString::to_string).collect();
    fragments.sort();
    let variables = operation.node.variable_definitions.iter().map(|v| format!("${}", v.node.name.node));
    let rest: Vec<_> = fragments.into_iter().chain(variables).collect();
    format!("{} | {}", set(&operation.node.selection_set.node), rest.join(" "))
}

#[test]
fn selections_with_one_response_key_become_one() {
    for (text, expected) in [
        ("{ hello hello }", "hello | "),
        (
            "{ account(by: {id: 1}) { id } account(by: {id: 1}) { name owner { id } } ... { account(by: {id: 1}) { owner { o: id } } } }",
            "account{id name owner{id o}} | ",
        ),
        (
            "{ ...Q hello ...Q } fragment Q on Query { account(by: {id: 1}) { ...A } } fragment A on Account { id parent { ...B } parent { name } } fragment B on Account { id }",
            "account{id parent{...B name}} hello | B",
        ),
        (
            "{ node(id: 1) { id ...A ... on Account { contacts { nodes { email } } } ... on Node { i: id } } } fragment A on Account { contacts { nodes { id } } }",
            "node{id on Account{contacts{nodes{id} nodes{email}}} i} | ",
        ),
        ("query A { hello } ", "hello | "),
        ("mutation { bump bump b: bump }", "bump b | "),
    ] {
        assert_eq!(merged(text, &json!({})), expected, "{text}");
    }
}

#[test]
fn conditions_are_decided_before_selections_are_merged() {
    let text = "query($yes: Boolean!, $n: Int) { account(by: {id: 1}) @include(if: $yes) { id } \
                account(by: {id: 1}) @skip(if: $yes) { name } ...Q @skip(if: $yes) } \
                fragment Q on Query { accounts(first: $n) { totalCount } }";
    assert_eq!(merged(text, &json!({"yes": true})), "account{id} | ");
    assert_eq!(merged(text, &json!({"yes": false})), "account{name} accounts{totalCount} | $n");
}

#[test]
fn a_document_is_checked_once_and_told_first_until_it_passed() {
    let gate = gate();
    let first = gate.document("{ hello }", None).unwrap();
    assert!(first.is_first_sight());
    first.passed();
    assert!(!gate.document("{ hello }", None).unwrap().is_first_sight());
    assert!(gate.document("query A { hello }", Some("A")).unwrap().is_first_sight());
}

fn selection(depth: u32) -> BoxedStrategy<String> {
    let leaf = prop_oneof![Just("id".to_owned()), Just("name".to_owned()), Just("__typename".to_owned())];
    leaf.prop_recursive(depth, 24, 4, |inner| {
        let several = prop::collection::vec(inner, 1..4).prop_map(|all| all.join(" ")).boxed();
        prop_oneof![
            several.clone().prop_map(|set| format!("parent {{ {set} }}")),
            several.clone().prop_map(|set| format!("... on Account {{ {set} }}")),
            several.clone().prop_map(|set| format!("... on Node {{ ... on Account {{ {set} }} }}")),
            (several.clone(), 0..50_u32)
                .prop_map(|(set, n)| { format!("c{n}: contacts(first: {n}) {{ nodes {{ account {{ {set} }} }} }}") }),
            several.prop_map(|set| format!("contacts(first: $n) {{ edges {{ node {{ account {{ {set} }} }} }} }}")),
        ]
    })
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn cost_never_panics_and_grows_with_the_page(set in selection(4), n in 0..49_u32) {
        let text = format!("query($n: Int!) {{ accounts(first: $n) {{ nodes {{ id {set} }} }} }}");
        let settings = Settings {
            limits: Limits { cost: u64::MAX, ..Limits::default() },
            ..Settings::default()
        };
        let gate = Gate::new(SDL, &settings).unwrap();
        let at = |n: u32| admit_in(&gate, &text, None, &json!({"n": n})).map(|admitted| admitted.cost);
        if let (Ok(less), Ok(more)) = (at(n), at(n + 1)) {
            prop_assert!(less < more, "{text}: {less} at {n}, {more} at {}", n + 1);
        }
    }
}
