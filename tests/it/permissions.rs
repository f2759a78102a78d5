//! Who may do what: the whole matrix at a glance, every root field tried, and the ways around that lead nowhere.

use std::fmt::Write;

use apollo_compiler::{
    Schema,
    ast::{FieldDefinition, Type},
    schema::ExtendedType,
};
use entity::{Department, Kind};
use serde_json::{Value, json};
use tandem::access::{
    Action, Policy, Purpose,
    Reach::{All, None as Nowhere, Own, Team},
    builtin::ROLES,
};

use crate::{
    crew,
    support::{
        client::{Answer, Client},
        world::{OTHER_SELLER, SELLER, TEAM_MATE, World},
    },
};

#[test]
fn the_matrix_of_the_built_in_roles_is_what_was_agreed() {
    let mut matrix = String::new();
    for role in ROLES {
        let policy = Policy::of(&role.grants(), &role.fields());
        let _ = writeln!(matrix, "{} ({})\n  {}", role.name, role.key, role.description);
        for kind in Kind::ALL {
            let mut reaches = String::new();
            for (reach, word) in [(All, "all"), (Team, "team"), (Own, "own")] {
                let actions = Action::ALL.into_iter().filter(|action| policy.reach(kind, *action) == reach);
                let actions: Vec<&str> = actions.map(Action::as_str).collect();
                if actions.len() == Action::ALL.len() {
                    let _ = write!(reaches, "  {word}: everything");
                } else if !actions.is_empty() {
                    let _ = write!(reaches, "  {word}: {}", actions.join(" "));
                }
            }
            if reaches.is_empty() {
                reaches += "  nothing";
            }
            let _ = writeln!(matrix, "    {:26}{reaches}", kind.name());
            for (word, fields) in [
                ("hidden", policy.hidden(kind).collect::<Vec<_>>()),
                ("read only", policy.read_only(kind).filter(|field| !policy.hides(kind, field)).collect()),
            ] {
                if !fields.is_empty() {
                    let _ = writeln!(matrix, "    {:26}  {word}: {}", "", fields.join(", "));
                }
            }
        }
        matrix.push('\n');
    }
    insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("permission_matrix", matrix);
    });
}

/// A root field, with arguments that mean nothing but are well formed.
struct Root {
    operation: &'static str,
    name: String,
    document: String,
}

fn roots() -> Vec<Root> {
    let sdl = tandem::api::sdl();
    let schema = Schema::parse_and_validate(sdl, "schema.graphql").expect("the schema is one");
    let mut roots = Vec::new();
    for (operation, ty) in [("query", "Query"), ("mutation", "Mutation"), ("subscription", "Subscription")] {
        for field in schema.get_object(ty).expect("a root").fields.values() {
            let required = field.arguments.iter().filter(|argument| argument.is_required());
            let given: Vec<String> = required
                .map(|argument| format!("{}: {}", argument.name, value(&schema, field, &argument.name, &argument.ty)))
                .collect();
            let arguments = if given.is_empty() { String::new() } else { format!("({})", given.join(", ")) };
            let leaf = matches!(
                schema.types.get(field.ty.inner_named_type().as_str()),
                Some(ExtendedType::Scalar(_) | ExtendedType::Enum(_))
            );
            let selected = if leaf {
                ""
            } else if operation == "mutation" {
                "{ userErrors { code } }"
            } else {
                "{ __typename }"
            };
            let selected = if field.name.ends_with("BulkUpsert") {
                "{ userErrors { code } results { userErrors { code } } }"
            } else {
                selected
            };
            let name = field.name.to_string();
            roots.push(Root { operation, document: format!("{operation} {{ {name}{arguments} {selected} }}"), name });
        }
    }
    roots
}

/// A map of an import that may stand, so that what refuses it is something else.
const MAP: &str =
    "resource = \"Lead\"\n[identity]\nsystem = \"crm\"\ncolumn = \"id\"\n[fields.name]\ncolumn = \"name\"\n";

/// Some value of a type; ids are of the kind that the field's name speaks of, and of no record.
fn value(schema: &Schema, root: &FieldDefinition, name: &str, ty: &Type) -> String {
    if ty.is_list() {
        return format!("[{}]", value(schema, root, name, ty.item_type()));
    }
    let named = ty.inner_named_type().as_str();
    match schema.types.get(named) {
        Some(ExtendedType::Enum(choices)) => choices.values.keys().next().expect("an enum has values").to_string(),
        Some(ExtendedType::InputObject(input)) if input.directives.has("oneOf") => {
            let by_id = input.fields.get("id").or_else(|| input.fields.values().next()).expect("one of something");
            format!("{{ {}: {} }}", by_id.name, value(schema, root, &by_id.name, &by_id.ty))
        }
        Some(ExtendedType::InputObject(input)) => {
            let required = input.fields.values().filter(|field| field.is_required() && field.default_value.is_none());
            let fields: Vec<String> = required
                .map(|field| format!("{}: {}", field.name, value(schema, root, &field.name, &field.ty)))
                .collect();
            format!("{{ {} }}", fields.join(", "))
        }
        _ => match named {
            "ID" => id(root, name),
            "Int" => "1".to_owned(),
            "Boolean" => "true".to_owned(),
            _ if name == "map" => format!("{MAP:?}"),
            "DateTime" => "\"2026-03-03T09:00:00Z\"".to_owned(),
            "EmailAddress" => "\"nobody@secret.example\"".to_owned(),
            "JSON" => "{}".to_owned(),
            _ => "\"of no meaning at all\"".to_owned(),
        },
    }
}

fn id(root: &FieldDefinition, name: &str) -> String {
    let stem = match name.strip_suffix("Id") {
        Some("list") => "targetAccountList".to_owned(),
        Some("newOwner") => "user".to_owned(),
        Some(stem) => stem.to_owned(),
        None => root.name.to_string(),
    };
    let fits = |kind: &&Kind| stem.to_lowercase().starts_with(&kind.name().to_lowercase());
    let kind = Kind::ALL.iter().filter(fits).max_by_key(|kind| kind.name().len());
    let kind =
        if stem.starts_with("importRows") || stem.starts_with("importStart") { Some(&Kind::ImportJob) } else { kind };
    let prefix = kind.unwrap_or(&Kind::Account).table().prefix;
    format!("\"{prefix}_{}\"", "0".repeat(25) + "1")
}

/// The codes of an answer, wherever it tells them.
fn codes(answer: &Answer) -> Vec<String> {
    fn collect(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(name, value)| match value {
                Value::String(code) if name == "code" => found.push(code.clone()),
                value => collect(value, found),
            }),
            Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    collect(&answer.body, &mut found);
    found
}

async fn ask(client: &Client, root: &Root) -> Vec<String> {
    if root.operation != "subscription" {
        return codes(&client.query(&root.document).await);
    }
    let message = client.subscribe(&root.document, json!({})).await.message().await;
    let answer =
        Answer { status: reqwest::StatusCode::OK, headers: reqwest::header::HeaderMap::default(), body: message };
    codes(&answer)
}

on_both_engines! {
    async fn without_a_token_there_is_sign_in_and_nothing_else(world: World) {
        let anonymous = world.anonymous();
        let mut open = Vec::new();
        for root in roots() {
            let codes = ask(&anonymous, &root).await;
            if codes != ["UNAUTHENTICATED"] {
                open.push(format!("{} {codes:?}", root.name));
            }
        }
        open.sort();
        assert_eq!(open, ["invitationAccept [\"INVALID\"]", "passwordReset [\"INVALID\"]", "refresh [\"INVALID\"]", "signIn [\"INVALID\"]", "viewer []"]);
        assert_eq!(*anonymous.query("{ viewer { user { id } } }").await.expect_ok().data("viewer"), Value::Null);
    }

    async fn who_may_change_nothing_changes_nothing_by_any_mutation(world: World) {
        let it = crew::hire(&world, "ira@tandem.test", "it", Department::It).await;
        let one_s_own = ["signIn", "refresh", "signOut", "passwordChange", "passwordReset", "invitationAccept"];
        for root in roots() {
            if root.operation != "mutation" || one_s_own.contains(&root.name.as_str()) {
                continue;
            }
            let codes = ask(&it.client, &root).await;
            let refused = !codes.is_empty() && codes.iter().all(|code| code == "FORBIDDEN" || code == "NOT_FOUND");
            assert!(refused, "{} answers {codes:?}", root.document);
        }
    }

    async fn who_may_see_no_customers_finds_empty_lists_and_no_figures(world: World) {
        let admin = world.admin().await;
        let account = crew::create(&admin, Kind::Account, json!({ "name": "Secret" })).await;
        crew::create_all(&admin, vec![
            (Kind::Contact, json!({ "name": "Secret", "accountId": account })),
            (Kind::Lead, json!({ "name": "Secret", "accountId": account })),
            (Kind::AccountDomain, json!({ "accountId": account, "domain": "secret.example" })),
        ]).await;
        let it = crew::hire(&world, "ira@tandem.test", "it", Department::It).await;
        let role = ROLES.iter().find(|role| role.key == "it").unwrap();
        let policy = Policy::of(&role.grants(), &role.fields());
        for kind in Kind::ALL.into_iter().filter(|kind| policy.reach(*kind, Action::Read) == Nowhere) {
            let (plural, singular) = (kind.table().plural, kind.table().singular());
            let document = format!("{{ {plural} {{ totalCount nodes {{ id }} }} {singular}Aggregate {{ count }} }}");
            let answer = it.client.query(&document).await.expect_ok();
            assert_eq!(*answer.data(plural), json!({ "totalCount": 0, "nodes": [] }), "{plural}");
            assert_eq!(answer.data(&format!("{singular}Aggregate.0.count")), 0, "{plural}");
        }
    }
}

async fn id_of(world: &World, email: &str) -> String {
    let answer = world
        .admin()
        .await
        .query_with(
            "query($email: String!) { users(filter: { email: { eq: $email } }) { nodes { id } } }",
            json!({ "email": email }),
        )
        .await;
    crew::text(&answer.expect_ok(), "users.nodes.0.id")
}

const UPDATE: &str = "mutation($input: AccountUpdateInput!) { accountUpdate(input: $input) {
    account { id owner { id } version } userErrors { code field reason } } }";

on_both_engines! {
    async fn a_seller_cannot_give_an_account_away(world: World) {
        let (admin, seller) = (world.admin().await, world.seller().await);
        let me = id_of(&world, SELLER.email).await;
        let account = crew::create(&admin, Kind::Account, json!({ "name": "Mine", "ownerId": me })).await;
        for owner in [json!(id_of(&world, TEAM_MATE.email).await), json!(id_of(&world, OTHER_SELLER.email).await), Value::Null] {
            let answer = seller.query_with(UPDATE, json!({ "input": { "id": account, "ownerId": owner } })).await;
            assert_eq!(answer.user_errors("accountUpdate"), ["FORBIDDEN ownerId"]);
        }
        let answer = seller.query_with(UPDATE, json!({ "input": { "id": account, "city": "Ulm" } })).await.expect_ok();
        assert_eq!((answer.data("accountUpdate.account.version"), answer.data("accountUpdate.account.owner.id")), (&json!(2), &json!(me)));
        let manager = world.sign_in(&crate::support::world::SALES_MANAGER).await;
        let mate = id_of(&world, TEAM_MATE.email).await;
        manager.query_with(UPDATE, json!({ "input": { "id": account, "ownerId": mate } })).await.expect_ok();
    }

    async fn nothing_is_left_where_one_could_not_have_put_it(world: World) {
        let (admin, seller) = (world.admin().await, world.seller().await);
        let (me, mate, other) = (id_of(&world, SELLER.email).await, id_of(&world, TEAM_MATE.email).await, id_of(&world, OTHER_SELLER.email).await);
        let [mine, mates, others] = crew::create_all(&admin, [&me, &mate, &other].map(|owner| {
            (Kind::Account, json!({ "name": "A", "ownerId": owner }))
        }).into()).await.try_into().unwrap();
        let tried = vec![
            (Kind::Lead, json!({ "name": "L", "ownerId": me })),
            (Kind::Lead, json!({ "name": "L", "ownerId": mate })),
            (Kind::Lead, json!({ "name": "L", "accountId": mine })),
            (Kind::Lead, json!({ "name": "L", "accountId": mates })),
            (Kind::Lead, json!({ "name": "L", "accountId": others })),
            (Kind::Contact, json!({ "name": "C", "accountId": mine })),
            (Kind::Contact, json!({ "name": "C", "accountId": mates })),
            (Kind::Contact, json!({ "name": "C" })),
        ];
        let done: Vec<_> = crew::mutate(&seller, "Create", tried).await.into_iter().map(|done| done.map(drop)).collect();
        let forbidden = || Err(vec!["FORBIDDEN".to_owned()]);
        let (unseen, unassigned) = (Err(vec!["NOT_FOUND accountId".to_owned()]), Err(vec!["FORBIDDEN ownerId".to_owned()]));
        // What says nothing of an owner is the seller's own, also at an account of a team-mate.
        assert_eq!(done, [Ok(()), unassigned, Ok(()), Ok(()), unseen, Ok(()), forbidden(), forbidden()]);
        // A record that is one's own only through its account cannot be moved out of one's reach.
        let lead = crew::create(&admin, Kind::Lead, json!({ "name": "L", "accountId": mine })).await;
        for account in [json!(mates), Value::Null] {
            let moved = crew::mutate(&seller, "Update", vec![(Kind::Lead, json!({ "id": lead, "accountId": account }))]).await;
            assert_eq!(moved[0].clone().map(drop), forbidden());
        }
        let total = admin.query("{ leads { totalCount } contacts { totalCount } }").await.expect_ok();
        assert_eq!((total.data("leads.totalCount"), total.data("contacts.totalCount")), (&json!(4), &json!(1)));
    }

    async fn another_role_holds_at_once_here_and_within_a_second_elsewhere(world: World) {
        let (elsewhere, running) = crew::second_server(&world, crew::generous()).await;
        crew::create(&world.admin().await, Kind::Account, json!({ "name": "Nobody's" })).await;
        let token = crew::token(&world, SELLER.email).await;
        let (seller, seller_elsewhere) = (world.anonymous().with_token(&token), elsewhere.with_token(&token));
        let count = async |client: &Client| client.query("{ accounts { totalCount } }").await.expect_ok().data("accounts.totalCount").clone();
        assert_eq!((count(&seller).await, count(&seller_elsewhere).await), (json!(0), json!(0)));
        // The one who changes it works in the process of the second server.
        let user = entity::id::parse(&id_of(&world, SELLER.email).await).unwrap().1;
        let mut change = running.backend.as_system(Purpose::CommandLine).begin().await.unwrap();
        tandem::roles::administrators::assign_role(&mut change, user.into(), "sales_manager").await.unwrap();
        change.commit().await.unwrap();
        assert_eq!(count(&seller_elsewhere).await, 1, "in the process where it was changed, at once");
        world.clock.advance(std::time::Duration::from_secs(1));
        assert_eq!(count(&seller).await, 1, "elsewhere within a second");
        running.stop().await.unwrap();
    }
}
