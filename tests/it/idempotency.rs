//! Idempotency keys: the same request sent twice is done once, whichever way it is written.

use apollo_compiler::Schema;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    crew::{self, counted},
    shared::create,
    support::{
        client::{Answer, Client},
        world::SELLER,
    },
};

const CREATE: &str = "mutation ($input: AccountCreateInput!) { accountCreate(input: $input) {
    account { id name version } userErrors { code field } } }";

const UPSERT: &str = "mutation ($input: AccountBulkUpsertInput!) { accountBulkUpsert(input: $input) {
    results { index status node { name } userErrors { code field reason conflict { id } } } userErrors { code field } } }";

/// Asks with the key in the request's header.
async fn keyed(client: &Client, key: &str, document: &str, variables: Value) -> Answer {
    let request = client.request(Method::POST, "/graphql").header("Idempotency-Key", key);
    client.send(request.json(&json!({ "query": document, "variables": variables }))).await
}

/// The names of all accounts, in order.
async fn names(client: &Client) -> String {
    let answer =
        client.query("{ accounts(first: 100, orderBy: [{ field: NAME }]) { nodes { name } } }").await.expect_ok();
    let nodes = answer.data("accounts.nodes").as_array().expect("nodes");
    nodes.iter().filter_map(|node| node["name"].as_str()).collect::<Vec<_>>().join(" ")
}

fn statuses(answer: &Answer) -> Vec<&str> {
    let results = answer.data("accountBulkUpsert.results").as_array().expect("results");
    results.iter().map(|result| result["status"].as_str().expect("a status")).collect()
}

on_both_engines! {
    async fn a_request_sent_twice_is_done_once_and_answered_alike(world: World) {
        let admin = world.admin().await;
        let input = |name: &str| json!({ "input": { "name": name, "idempotencyKey": "key-1" } });
        let first = admin.query_with(CREATE, input("Acme")).await.expect_ok();
        let second = admin.query_with(CREATE, input("Acme")).await.expect_ok();
        assert_eq!(first.data("accountCreate"), second.data("accountCreate"));
        let other = admin.query_with(CREATE, input("Globex")).await;
        assert_eq!(other.user_errors("accountCreate"), ["IDEMPOTENCY_KEY_REUSED idempotencyKey"]);
        assert_eq!(names(&admin).await, "Acme");
        // Somebody else's keys are their own.
        let marketer = world.marketer().await;
        marketer.query_with(CREATE, input("Globex")).await.expect_ok();
        assert_eq!(names(&admin).await, "Acme Globex");
        for key in ["", "with space", &"x".repeat(256), "ümlaut"] {
            let refused = admin.query_with(CREATE, json!({ "input": { "name": "X", "idempotencyKey": key } })).await;
            assert_eq!(refused.user_errors("accountCreate"), ["INVALID idempotencyKey"], "{key}");
        }
    }

    async fn a_failed_request_may_be_put_right_under_its_key(world: World) {
        let admin = world.admin().await;
        let input = json!({ "input": { "name": "", "idempotencyKey": "key-1" } });
        assert_eq!(admin.query_with(CREATE, input).await.user_errors("accountCreate"), ["REQUIRED name"]);
        let input = json!({ "input": { "name": "Acme", "idempotencyKey": "key-1" } });
        admin.query_with(CREATE, input).await.expect_ok();
    }

    async fn the_header_serves_as_well_as_the_input(world: World) {
        let admin = world.admin().await;
        let send = async |key: &str, variables: Value| keyed(&admin, key, UPSERT, variables).await;
        let items = |name: &str| json!({ "input": { "items": [{ "name": name }, { "name": "" }] } });
        let first = send("key-1", items("Acme")).await.expect_ok();
        let second = send("key-1", items("Acme")).await.expect_ok();
        assert_eq!(first.data("accountBulkUpsert"), second.data("accountBulkUpsert"));
        assert_eq!(statuses(&second), ["CREATED", "FAILED"]);
        assert_eq!(send("key-1", items("Globex")).await.user_errors("accountBulkUpsert"), ["IDEMPOTENCY_KEY_REUSED idempotencyKey"]);
        // The input's key goes before the header's.
        let mut other = items("Globex");
        other["input"]["idempotencyKey"] = json!("key-2");
        send("key-1", other).await.expect_ok();
        assert_eq!(names(&admin).await, "Acme Globex");
    }

    async fn a_key_is_forgotten_after_a_day(world: World) {
        let document = "mutation { accountCreate(input: { name: \"Acme\", idempotencyKey: \"key-1\" }) { account { id } userErrors { code } } }";
        world.admin().await.query(document).await.expect_ok();
        world.clock.advance(std::time::Duration::from_secs(24 * 60 * 60 - 1));
        let admin = world.admin().await;
        admin.query(document).await.expect_ok();
        assert_eq!(names(&admin).await, "Acme");
        world.clock.advance(std::time::Duration::from_secs(1));
        admin.query(document).await.expect_ok();
        assert_eq!(names(&admin).await, "Acme Acme");
    }

    async fn it_is_the_same_request_however_its_input_is_written(world: World) {
        let admin = world.admin().await;
        let variables = json!({ "input": { "name": "Acme", "annualRevenue": { "amount": "12.50", "currency": "EUR" }, "employeeCount": 12 } });
        let first = keyed(&admin, "create", CREATE, variables).await.expect_ok();
        let others = [
            (CREATE, json!({ "input": { "employeeCount": 12, "annualRevenue": { "currency": "EUR", "amount": "12.50" }, "name": "Acme" } })),
            ("mutation { accountCreate(input: { employeeCount: 12, name: \"Acme\", annualRevenue: { amount: \"12.50\", currency: \"EUR\" } }) { account { id name version } userErrors { code field } } }", json!({})),
            ("mutation ($name: String!, $currency: CurrencyCode!) { accountCreate(input: { name: $name, annualRevenue: { amount: \"12.50\", currency: $currency }, employeeCount: 12 }) { account { id name version } userErrors { code field } } }", json!({ "name": "Acme", "currency": "EUR" })),
        ];
        for (document, variables) in others {
            let again = keyed(&admin, "create", document, variables).await.expect_ok();
            assert_eq!(again.data("accountCreate"), first.data("accountCreate"), "{document}");
        }
        // What is to be cleared is not what is left out, and another value is another request.
        for input in [json!({ "name": "Acme" }), json!({ "name": "Acme", "annualRevenue": null, "employeeCount": 12 })] {
            let other = keyed(&admin, "create", CREATE, json!({ "input": input })).await;
            assert_eq!(other.user_errors("accountCreate"), ["IDEMPOTENCY_KEY_REUSED idempotencyKey"]);
        }
        let items = json!({ "input": { "onError": "ROLLBACK_ALL", "items": [{ "city": "Bonn", "name": "Globex" }] } });
        keyed(&admin, "bulk", UPSERT, items).await.expect_ok();
        let literal = UPSERT.replace("($input: AccountBulkUpsertInput!)", "").replace("$input", "{ items: [{ name: \"Globex\", city: \"Bonn\" }], onError: ROLLBACK_ALL }");
        assert_eq!(statuses(&keyed(&admin, "bulk", &literal, json!({})).await.expect_ok()), ["CREATED"]);
        assert_eq!(names(&admin).await, "Acme Globex");
    }

    async fn a_change_whose_answer_was_lost_is_repeated_without_a_conflict(world: World) {
        let admin = world.admin().await;
        let acme = create(&admin, "account", json!({ "name": "Acme" })).await;
        let steps = [
            ("accountUpdate", json!({ "id": acme, "expectedVersion": 1, "city": "Bonn" })),
            ("accountArchive", json!({ "id": acme, "expectedVersion": 2 })),
            ("accountRestore", json!({ "id": acme, "expectedVersion": 3 })),
        ];
        for (n, (mutation, input)) in steps.into_iter().enumerate() {
            let ty = mutation.replacen('a', "A", 1);
            let document = format!("mutation ($input: {ty}Input!) {{ {mutation}(input: $input) {{ account {{ version }} userErrors {{ code field }} }} }}");
            for _ in 0..2 {
                let answer = keyed(&admin, mutation, &document, json!({ "input": input })).await.expect_ok();
                assert_eq!(answer.data(mutation)["account"]["version"], n + 2, "{mutation}");
            }
            // Without the key it is another request, and the record has moved on.
            let answer = admin.query_with(&document, json!({ "input": input })).await;
            assert_eq!(answer.user_errors(mutation), ["CONFLICT expectedVersion"], "{mutation}");
            // The key is of this request alone.
            let mut other = input.clone();
            other["expectedVersion"] = json!(n + 2);
            let answer = keyed(&admin, mutation, &document, json!({ "input": other })).await;
            assert_eq!(answer.user_errors(mutation), ["IDEMPOTENCY_KEY_REUSED idempotencyKey"], "{mutation}");
        }
        assert_eq!(counted(&world, "SELECT COUNT(*) AS found FROM event WHERE subject_kind = 'Account'").await, 4);
    }

    async fn of_many_equal_changes_at_once_one_is_made(world: World) {
        let admin = world.admin().await;
        let acme = create(&admin, "account", json!({ "name": "Acme" })).await;
        let document = "mutation ($input: AccountUpdateInput!) { accountUpdate(input: $input) { account { version } userErrors { code field } } }";
        let input = json!({ "input": { "id": acme, "expectedVersion": 1, "city": "Bonn", "idempotencyKey": "k" } });
        for answer in join_all((0..8).map(|_| admin.query_with(document, input.clone()))).await {
            assert_eq!(answer.expect_ok().data("accountUpdate.account.version"), 2);
        }
    }

    async fn the_verbs_of_roles_people_keys_and_imports_are_done_once(world: World) {
        let admin = world.admin().await;
        let seller = crew::hire(&world, "back@tandem.test", "rep", entity::Department::Sales).await;
        let role = create(&admin, "role", json!({ "key": "guest", "name": "Guest" })).await;
        let assign = json!({ "roleId": role, "userId": seller.id });
        let steps = [
            ("roleAssign", "assignment { id }", assign.clone(), "RoleAssignment"),
            ("roleUnassign", "assignment { id }", assign, "RoleAssignment"),
            ("roleDelete", "role { id }", json!({ "id": role, "expectedVersion": 1 }), "Role"),
            ("userReactivate", "user { id }", json!({ "id": seller.id }), "User"),
            ("importStart", "job { id } uploadPath", json!({ "map": MAP, "fileName": "leads.csv" }), "ImportJob"),
        ];
        for (mutation, fields, input, resource) in steps {
            if mutation == "userReactivate" {
                admin.query_with("mutation ($id: ID!) { userDeactivate(input: { id: $id }) { userErrors { code } } }", json!({ "id": seller.id })).await.expect_ok();
            }
            let ty = format!("{}{}", mutation[..1].to_uppercase(), &mutation[1..]);
            let document = format!("mutation ($input: {ty}Input!) {{ {mutation}(input: $input) {{ {fields} userErrors {{ code field }} }} }}");
            let events = format!("SELECT COUNT(*) AS found FROM event WHERE subject_kind = '{resource}'");
            let before = counted(&world, &events).await;
            let first = keyed(&admin, "key", &document, json!({ "input": input })).await.expect_ok();
            let after = counted(&world, &events).await;
            let second = keyed(&admin, "key", &document, json!({ "input": input })).await.expect_ok();
            assert_eq!(first.data(mutation), second.data(mutation));
            assert_eq!(counted(&world, &events).await, after, "{mutation}");
            assert!(after > before || mutation == "importStart", "{mutation} did nothing");
            let mut other = input;
            other["idempotencyKey"] = json!("key ");
            let refused = admin.query_with(&document, json!({ "input": other })).await;
            assert_eq!(refused.user_errors(mutation), ["INVALID idempotencyKey"], "{mutation}");
        }
        assert_eq!(admin.query("{ importJobs { totalCount } }").await.expect_ok().data("importJobs.totalCount"), 1);
    }

    async fn a_mutation_that_takes_no_key_refuses_it_and_nothing_of_the_document_is_done(world: World) {
        let admin = world.admin().await;
        let account = "accountCreate(input: { name: \"Acme\" }) { userErrors { code } }";
        let refused = [
            format!("signIn(input: {{ email: \"{}\", password: \"x\" }}) {{ userErrors {{ code }} }}", SELLER.email),
            "signOut { userErrors { code } }".to_owned(),
            "signingKeyRotate { userErrors { code } }".to_owned(),
            "roleImport(input: { document: {} }) { userErrors { code } }".to_owned(),
        ];
        for field in refused {
            for document in [format!("mutation {{ {account} {field} }}"), format!("mutation {{ {field} ...Rest }} fragment Rest on Mutation {{ {account} }}")] {
                let answer = keyed(&admin, "key", &document, json!({})).await;
                assert_eq!((answer.error_code(), answer.error_reason()), (Some("BAD_USER_INPUT"), Some("IDEMPOTENCY_UNSUPPORTED")), "{answer}");
            }
        }
        assert_eq!(names(&admin).await, "");
        // Reads take any.
        keyed(&admin, "key", "{ viewer { user { id } } }", json!({})).await.expect_ok();
    }

    async fn a_key_is_as_long_in_the_header_as_in_the_input(world: World) {
        let admin = world.admin().await;
        let longest = "k".repeat(255);
        let input = json!({ "input": { "name": "Acme" } });
        let aliased = CREATE.replacen("accountCreate", &format!("{}: accountCreate", "a".repeat(200)), 1);
        keyed(&admin, &longest, CREATE, input.clone()).await.expect_ok();
        keyed(&admin, &longest, &aliased, input.clone()).await.expect_ok();
        keyed(&admin, &longest, &aliased, input.clone()).await.expect_ok();
        let mut inside = input.clone();
        inside["input"]["idempotencyKey"] = json!(longest);
        admin.query_with(CREATE, inside).await.expect_ok();
        // One of the header, one of the header for another field of the document, and one of the input.
        assert_eq!(names(&admin).await, "Acme Acme Acme");
        let refused = keyed(&admin, &"k".repeat(256), CREATE, input).await;
        assert_eq!((refused.status.as_u16(), refused.error_code()), (400, Some("BAD_REQUEST")));
    }

    async fn a_repetition_tells_all_that_the_first_answer_told(world: World) {
        let admin = world.admin().await;
        create(&admin, "account", json!({ "name": "Acme", "domain": "acme.com" })).await;
        let input = json!({ "input": { "items": [{ "name": "Other", "domain": "acme.com" }, { "name": "Globex", "parentId": "nobody" }] } });
        let first = keyed(&admin, "key", UPSERT, input.clone()).await.expect_ok();
        assert_eq!(statuses(&first), ["FAILED", "FAILED"]);
        assert!(first.data("accountBulkUpsert.results.0.userErrors.0.conflict.id").is_string(), "{first}");
        let second = keyed(&admin, "key", UPSERT, input).await.expect_ok();
        assert_eq!(first.data("accountBulkUpsert"), second.data("accountBulkUpsert"));
    }
}

/// Fills leads from a column.
const MAP: &str =
    "resource = \"Lead\"\n[identity]\nsystem = \"crm\"\ncolumn = \"id\"\n[fields.name]\ncolumn = \"name\"\n";

/// A new mutation takes a key, or it is said here why it takes none.
#[test]
fn every_mutation_takes_a_key_but_those_of_secrets_and_those_that_may_be_repeated() {
    let schema = Schema::parse_and_validate(tandem::api::sdl(), "schema.graphql").expect("the schema is one");
    let takes =
        |input: &str| schema.get_input_object(input).is_some_and(|input| input.fields.contains_key("idempotencyKey"));
    let fields = &schema.get_object("Mutation").expect("there are mutations").fields;
    let without: Vec<&str> = fields
        .iter()
        .filter(|(_, field)| !field.arguments.iter().any(|argument| takes(argument.ty.inner_named_type())))
        .map(|(name, _)| name.as_str())
        .collect();
    let secret = [
        "signIn",
        "refresh",
        "invitationAccept",
        "passwordReset",
        "passwordChange",
        "userInvite",
        "userReinvite",
        "userPasswordResetCreate",
        "userSetPassword",
        "apiKeyCreate",
        "apiKeyRotate",
    ];
    let harmless = ["signOut", "sessionRevoke", "sessionsRevoke", "signingKeyRotate", "roleImport", "userUnlock"];
    let named: Vec<&str> = secret.iter().chain(&harmless).copied().collect();
    assert!(without.iter().all(|name| named.contains(name)), "these take no key: {without:?}");
    assert!(named.iter().all(|name| without.contains(name)), "of these some take a key: {named:?}");
}
