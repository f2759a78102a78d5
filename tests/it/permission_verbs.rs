//! Every verb has its cell: what each mutation asks of the permission matrix, and who tries it. A mutation, a
//! kind or an action that comes without one is found here.

use std::{collections::BTreeSet, path::Path};

use apollo_compiler::Schema;
use entity::{Department, Kind};
use serde_json::{Value, json};
use tandem::{
    access::{
        Action::{self, Create, Delete, Import, Manage, Update},
        Reach,
    },
    roles::catalogue,
};

use crate::{
    crew,
    leaks::roles::{Person, Roles},
    permission_cells::tries,
    support::{client::Client, world::World},
};

/// What a mutation asks of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Asks {
    /// A cell, tried for each built-in role in `permission_cells` and for random ones in `leaks::cells`.
    Standard(Kind, Action),
    /// Cells that are tried here.
    Special,
    /// Nothing but to be who one is.
    OneSelf,
}

/// What each mutation asks; a new one is not known here until its cell is tried.
fn asks(mutation: &str) -> Option<Asks> {
    for kind in Kind::ALL {
        let Some(verb) = mutation.strip_prefix(kind.table().singular().as_str()) else { continue };
        let action = match verb {
            "Create" | "BulkUpsert" => Create,
            "Update" => Update,
            "Archive" | "Restore" => Delete,
            _ => continue,
        };
        return Some(Asks::Standard(kind, action));
    }
    Some(match mutation {
        "signIn" | "refresh" | "signOut" | "passwordChange" | "invitationAccept" | "passwordReset" => Asks::OneSelf,
        "sessionRevoke"
        | "sessionsRevoke"
        | "userDeactivate"
        | "userReactivate"
        | "userPasswordResetCreate"
        | "userSetPassword"
        | "userUnlock"
        | "signingKeyRotate"
        | "importStart"
        | "userInvite"
        | "userReinvite"
        | "roleDelete"
        | "roleAssign"
        | "roleUnassign"
        | "roleImport"
        | "apiKeyRotate"
        | "apiKeyRevoke"
        | "externalIdMove" => Asks::Special,
        _ => return None,
    })
}

fn mutations() -> BTreeSet<String> {
    let schema = Schema::parse_and_validate(tandem::api::sdl(), "schema.graphql").expect("the schema is one");
    schema.get_object("Mutation").expect("there are mutations").fields.keys().map(ToString::to_string).collect()
}

/// A verb of its own: the mutation, the cells without any of which it is refused, and how far they must reach.
struct Special {
    name: &'static str,
    cells: &'static [(Kind, Action)],
    least: Reach,
    input: fn(&Strangers) -> Value,
}

/// What the verbs are tried on: people and sessions of nobody's team, and what belongs to them.
struct Strangers {
    user: String,
    session: String,
    /// Somebody who was invited and has not come yet.
    invited: String,
    /// A role that permits nothing, which the stranger holds.
    held: String,
    /// Another, which nobody holds.
    free: String,
    key: String,
    /// An account that has the id `a` in `crm`, and another.
    named: [String; 2],
}

impl Strangers {
    async fn come(world: &World) -> Self {
        let stranger = crew::hire(world, "stranger@tandem.test", "rep", Department::Sales).await;
        let session = stranger.client.query("{ viewer { session { id } } }").await.expect_ok();
        let admin = world.admin().await;
        let made = async |name: &str, input: Value, select: &str| {
            let mut ty = name.to_owned();
            ty[..1].make_ascii_uppercase();
            let document = format!(
                "mutation($input: {ty}Input!) {{ {name}(input: $input) {{ {select} {{ id }} userErrors {{ message }} }} }}"
            );
            let answer = admin.query_with(&document, json!({ "input": input })).await.expect_ok();
            crew::text(&answer, &format!("{name}.{select}.id"))
        };
        let held = made("roleCreate", json!({ "name": "Held" }), "role").await;
        made("roleAssign", json!({ "roleId": held, "userId": stranger.id }), "assignment").await;
        let invited = json!({ "name": "Ivy", "email": "ivy@tandem.test", "department": "SALES" });
        let key = json!({ "name": "Sync", "roleId": held, "expiresAt": "2026-12-01T00:00:00Z" });
        let named = json!({ "name": "Named", "externalIds": [{ "system": "crm", "id": "a" }] });
        let accounts = [
            made("accountCreate", named, "account").await,
            made("accountCreate", json!({ "name": "Other" }), "account").await,
        ];
        Self {
            named: accounts,
            session: crew::text(&session, "viewer.session.id"),
            invited: made("userInvite", invited, "user").await,
            free: made("roleCreate", json!({ "name": "Free" }), "role").await,
            key: made("apiKeyCreate", key, "apiKey").await,
            user: stranger.id,
            held,
        }
    }
}

/// A map of an import that may stand.
const MAP: &str =
    "resource = \"Lead\"\n[identity]\nsystem = \"crm\"\ncolumn = \"id\"\n[fields.name]\ncolumn = \"name\"\n";

const SPECIALS: [Special; 18] = [
    Special {
        name: "externalIdMove",
        cells: &[(Kind::Account, Update)],
        least: Reach::All,
        input: |them| json!({ "system": "crm", "id": "a", "toId": them.named[1] }),
    },
    Special {
        name: "sessionRevoke",
        cells: &[(Kind::Session, Delete)],
        least: Reach::All,
        input: |them| json!({ "id": them.session }),
    },
    Special {
        name: "sessionsRevoke",
        cells: &[(Kind::Session, Delete)],
        least: Reach::All,
        input: |them| json!({ "userId": them.user }),
    },
    Special {
        name: "userDeactivate",
        cells: &[(Kind::User, Update)],
        least: Reach::All,
        input: |them| json!({ "id": them.user }),
    },
    Special {
        name: "userReactivate",
        cells: &[(Kind::User, Update)],
        least: Reach::All,
        input: |them| json!({ "id": them.user }),
    },
    Special {
        name: "userSetPassword",
        cells: &[(Kind::User, Manage)],
        least: Reach::All,
        input: |them| json!({ "id": them.user, "password": "quite another long password" }),
    },
    Special {
        name: "userUnlock",
        cells: &[(Kind::User, Manage)],
        least: Reach::All,
        input: |them| json!({ "id": them.user }),
    },
    Special {
        name: "userPasswordResetCreate",
        cells: &[(Kind::User, Manage)],
        least: Reach::All,
        input: |them| json!({ "id": them.user }),
    },
    Special { name: "signingKeyRotate", cells: &[(Kind::Role, Manage)], least: Reach::All, input: |_| Value::Null },
    Special {
        name: "importStart",
        cells: &[(Kind::Lead, Import), (Kind::Lead, Create), (Kind::Lead, Update)],
        least: Reach::Own,
        input: |_| json!({ "map": MAP, "fileName": "leads.csv" }),
    },
    Special {
        name: "userInvite",
        cells: &[(Kind::User, Create)],
        least: Reach::All,
        input: |_| json!({ "name": "Ned", "email": "ned@tandem.test", "department": "SALES" }),
    },
    Special {
        name: "userReinvite",
        cells: &[(Kind::User, Create)],
        least: Reach::All,
        input: |them| json!({ "id": them.invited }),
    },
    Special {
        name: "roleAssign",
        cells: &[(Kind::RoleAssignment, Create)],
        least: Reach::All,
        input: |them| json!({ "roleId": them.free, "userId": them.user }),
    },
    Special {
        name: "roleUnassign",
        cells: &[(Kind::RoleAssignment, Delete)],
        least: Reach::All,
        input: |them| json!({ "roleId": them.held, "userId": them.user }),
    },
    Special {
        name: "roleDelete",
        cells: &[(Kind::Role, Delete)],
        least: Reach::All,
        input: |them| json!({ "id": them.free, "evenIfInUse": true }),
    },
    Special {
        name: "roleImport",
        cells: &[(Kind::Role, Import)],
        least: Reach::All,
        input: |_| json!({ "document": { "format": "tandem-roles/1", "roles": [] } }),
    },
    Special {
        name: "apiKeyRotate",
        cells: &[(Kind::ApiKey, Update)],
        least: Reach::All,
        input: |them| json!({ "id": them.key }),
    },
    Special {
        name: "apiKeyRevoke",
        cells: &[(Kind::ApiKey, Delete)],
        least: Reach::All,
        input: |them| json!({ "id": them.key }),
    },
];

/// Everything but one cell, which reaches no further than this.
fn everything_but(cell: (Kind, Action), reach: Reach) -> Roles {
    let cells = Kind::ALL.into_iter().flat_map(|kind| Action::ALL.map(|action| (kind, action)));
    let grants = cells.map(|(kind, action)| (kind, action, if (kind, action) == cell { reach } else { Reach::All }));
    Roles::of(grants.filter(|(_, _, reach)| *reach > Reach::None).collect(), vec![])
}

async fn run(client: &Client, special: &Special, strangers: &Strangers) -> Vec<String> {
    let (name, input) = (special.name, (special.input)(strangers));
    let answer = if input.is_null() {
        client.query(&format!("mutation {{ {name} {{ userErrors {{ code message }} }} }}")).await
    } else {
        let mut type_name = name.to_owned();
        type_name[..1].make_ascii_uppercase();
        let document = format!(
            "mutation($input: {type_name}Input!) {{ {name}(input: $input) {{ userErrors {{ code message }} }} }}"
        );
        client.query_with(&document, json!({ "input": input })).await
    };
    answer.user_errors(name)
}

#[test]
fn every_mutation_has_a_cell_that_is_tried() {
    for name in mutations() {
        match asks(&name) {
            None => panic!("{name} asks nothing of the matrix that is tried"),
            Some(Asks::Standard(kind, action)) => assert!(tries(kind, action), "{name} is tried by nobody"),
            Some(Asks::Special) => {
                assert!(SPECIALS.iter().any(|special| special.name == name), "{name} is tried by nobody");
            }
            Some(Asks::OneSelf) => {}
        }
    }
    for special in &SPECIALS {
        assert!(mutations().contains(special.name), "{} is no mutation", special.name);
    }
}

#[test]
fn the_catalogue_names_every_verb_that_takes_a_permission() {
    let mut named = BTreeSet::new();
    for kind in Kind::ALL {
        for action in Action::ALL {
            named.extend(catalogue::verbs(tandem::api::NOUNS, kind, action));
        }
    }
    for mutation in mutations() {
        let takes = asks(&mutation) != Some(Asks::OneSelf);
        assert_eq!(named.contains(&mutation), takes, "{mutation} is missing in roles::catalogue, or should be");
    }
    for special in &SPECIALS {
        let (kind, action) = special.cells[0];
        let verbs = catalogue::verbs(tandem::api::NOUNS, kind, action);
        assert!(verbs.iter().any(|verb| verb == special.name), "{} takes {kind:?} {action:?}", special.name);
    }
    let schema = Schema::parse_and_validate(tandem::api::sdl(), "schema.graphql").expect("the schema is one");
    let queries = schema.get_object("Query").expect("there are queries");
    for verb in named.iter().filter(|verb| !verb.starts_with("GET ") && *verb != "Tandem-Preview-As") {
        let there = mutations().contains(verb) || queries.fields.contains_key(verb.as_str());
        assert!(there, "{verb} is neither a query nor a mutation");
    }
}

/// Actions that the product asks for, and where they are tried; the others permit nothing yet.
const TRIED: [Action; 8] = [
    Action::Read,   // permission_cells, leaks
    Action::Create, // permission_cells, leaks::cells
    Update,         // permission_cells, leaks::cells
    Delete,         // permission_cells, leaks::cells
    Action::Assign, // leaks::cells
    Action::Export, // audit::export, roles::exchange
    Import,         // here
    Manage,         // here
];

#[test]
fn every_action_that_is_asked_for_is_tried() {
    fn read(folder: &Path, text: &mut String) {
        for entry in std::fs::read_dir(folder).expect("the folder is there") {
            let path = entry.expect("it can be read").path();
            // Who may do what is defined in `access`, and named in explanations; here is what asks for it.
            if path.is_dir() && !path.ends_with("src/access") && !path.ends_with("src/people/explain") {
                read(&path, text);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&std::fs::read_to_string(&path).expect("it is text"));
            }
        }
    }
    let mut source = String::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut source);
    for action in Action::ALL {
        let asked =
            source.match_indices(&format!("Action::{action:?}")).any(|(at, _)| !source[..at].ends_with("Event"));
        assert_eq!(asked, TRIED.contains(&action), "{action:?} is asked for or tried, not both");
    }
}

on_both_engines! {
    async fn a_verb_of_its_own_takes_its_cell_and_no_less(world: World) {
        let person = Person::hire(&world, 0, Department::It).await;
        let strangers = Strangers::come(&world).await;
        for special in &SPECIALS {
            for cell in special.cells {
                for reach in Reach::ALL.into_iter().filter(|reach| *reach < special.least) {
                    person.hold(&world, &everything_but(*cell, reach)).await;
                    let codes = run(&person.hand.client, special, &strangers).await;
                    let refused = !codes.is_empty() && codes.iter().all(|code| code.starts_with("FORBIDDEN"));
                    assert!(refused, "{} with {cell:?} at {reach:?} answers {codes:?}", special.name);
                }
            }
            person.hold(&world, &everything_but(special.cells[0], special.least)).await;
            let codes = run(&person.hand.client, special, &strangers).await;
            // The test's signing key comes with the settings and is not replaced, whoever asks.
            let done = codes.is_empty() || special.name == "signingKeyRotate" && codes == ["INVALID_TRANSITION"];
            assert!(done, "{} answers {codes:?}", special.name);
        }
    }
}
