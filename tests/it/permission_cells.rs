//! The permission matrix, executed cell by cell: each built-in role reads, creates, changes and archives
//! records of its own, of its team, of strangers and of nobody, and gets what the matrix says.

use entity::{Department, Kind, table};
use serde_json::{Value, json};
use tandem::access::{
    Action, Policy,
    Reach::{self, All, None as Nowhere, Own, Team},
    builtin::{BuiltIn, ROLES},
};

use crate::{
    crew::{self, Hand},
    support::{client::Client, world::World},
};

/// To whom a record belongs, seen from the actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    Mine,
    TeamMates,
    Strangers,
    Nobodys,
}
use Whose::{Mine, Nobodys, Strangers, TeamMates};

const EVERYONE: [Whose; 4] = [Mine, TeamMates, Strangers, Nobodys];

/// How a kind takes part.
enum Part {
    /// Records for each owner: what creates one, and what changes it.
    Owned(fn(&Ground, Whose, &str) -> Value, Patch),
    /// Records that always belong to somebody.
    Personal(fn(&Ground, Whose, &str) -> Value, Patch),
    /// Records that belong to nobody.
    Ownerless(fn(&Ground, Whose, &str) -> Value, Patch),
    /// It has no mutations of its own.
    NotWritten,
}

/// The input that changes a record; none where the noun has no update.
type Patch = Option<(&'static str, fn() -> Value)>;

/// Every kind says here how it is tried; a new one does not compile without.
fn part(kind: Kind) -> Part {
    use Part::{NotWritten, Owned, Ownerless, Personal};
    let word: fn() -> Value = || json!("changed");
    match kind {
        Kind::RoleAssignment | Kind::Session | Kind::ImportJob | Kind::Event => NotWritten,
        Kind::Role => Ownerless(|_, _, name| json!({ "name": name }), Some(("description", word))),
        Kind::ApiKey => Personal(
            |ground, whose, name| json!({ "name": name, "ownerId": ground.user(whose), "roleId": ground.role, "expiresAt": "2026-12-01T00:00:00Z" }),
            Some(("name", word)),
        ),
        Kind::User => Ownerless(|_, _, name| json!({ "name": name, "department": "IT" }), Some(("title", word))),
        Kind::Team => Ownerless(|_, _, name| json!({ "name": name, "department": "IT" }), Some(("name", word))),
        Kind::TeamMembership => Ownerless(
            |ground, _, name| json!({ "teamId": ground.team, "userId": ground.spare(name) }),
            Some(("leads", || json!(true))),
        ),
        Kind::Account => {
            Owned(|ground, whose, name| json!({ "name": name, "ownerId": ground.user(whose) }), Some(("city", word)))
        }
        Kind::AccountDomain => Owned(
            |ground, whose, name| json!({ "accountId": ground.account(whose), "domain": format!("{name}.example") }),
            None,
        ),
        Kind::AccountTeamMember => Owned(
            |ground, whose, name| json!({ "accountId": ground.account(whose), "userId": ground.spare(name) }),
            Some(("role", word)),
        ),
        Kind::Contact => Owned(
            |ground, whose, name| json!({ "name": name, "accountId": ground.account(whose) }),
            Some(("title", word)),
        ),
        Kind::AccountContact => Owned(
            |ground, whose, name| json!({ "accountId": ground.place(whose, name), "contactId": ground.contact(whose) }),
            Some(("title", word)),
        ),
        Kind::Persona => Owned(library("name"), Some(("description", word))),
        Kind::Story => Owned(library("title"), Some(("message", word))),
        Kind::TargetAccountList => Owned(
            |ground, whose, name| json!({ "name": name, "kind": "STATIC", "marketingOwnerId": ground.user(whose) }),
            Some(("description", word)),
        ),
        Kind::TargetAccountListMember => Owned(
            |ground, whose, name| json!({ "listId": ground.list(whose), "accountId": ground.place(whose, name) }),
            Some(("reason", word)),
        ),
        Kind::Lead => {
            Owned(|ground, whose, name| json!({ "name": name, "ownerId": ground.user(whose) }), Some(("source", word)))
        }
        Kind::Deal => Owned(
            |ground, whose, name| json!({ "name": name, "ownerId": ground.user(whose), "stageId": ground.stage }),
            Some(("name", word)),
        ),
        Kind::Pipeline => Ownerless(|_, _, name| json!({ "name": name }), Some(("name", word))),
        Kind::Stage => Ownerless(
            |ground, _, name| json!({ "pipelineId": ground.pipeline, "name": name, "position": 9, "category": "OPEN", "probability": 5 }),
            Some(("position", || json!(8))),
        ),
    }
}

/// A shared work is the author's own, and the team's where its department is the actor's.
fn library(title: &'static str) -> fn(&Ground, Whose, &str) -> Value {
    const fn department(whose: Whose) -> &'static str {
        if matches!(whose, TeamMates) { "SALES" } else { "PRODUCT" }
    }
    let named: fn(&Ground, Whose, &str) -> Value =
        |ground, whose, name| json!({ "name": name, "ownerId": ground.user(whose), "department": department(whose) });
    let titled: fn(&Ground, Whose, &str) -> Value =
        |ground, whose, name| json!({ "title": name, "ownerId": ground.user(whose), "department": department(whose) });
    if title == "name" { named } else { titled }
}

/// What the records stand on. Nothing of it is changed.
struct Ground {
    users: [Option<String>; 4],
    accounts: [String; 4],
    /// Two accounts for each owner: one for the records that are there, one for those that are tried.
    places: [[String; 2]; 4],
    contacts: [String; 4],
    lists: [String; 4],
    spares: [String; 2],
    team: String,
    pipeline: String,
    stage: String,
    role: String,
}

/// What is created before the actor comes is called this; what the actor tries, otherwise.
const THERE: &str = "there";

impl Ground {
    async fn lay(admin: &Client, me: &str) -> Self {
        let [mate, stranger] = [crew::stranger(admin, "Mate").await, crew::stranger(admin, "Stranger").await];
        let spares = [crew::stranger(admin, "Spare").await, crew::stranger(admin, "Other spare").await];
        crew::team(admin, "Mine", &[me, &mate]).await;
        crew::team(admin, "Theirs", &[&stranger]).await;
        let team = crew::team(admin, "Spares", &[]).await;
        let users = [Some(me.to_owned()), Some(mate), Some(stranger), None];
        let four = async |kind: Kind, input: &dyn Fn(usize) -> Value| -> [String; 4] {
            let four = crew::create_all(admin, (0..4).map(|n| (kind, input(n))).collect()).await;
            four.try_into().expect("four were asked for")
        };
        let owned = |n: usize| json!({ "name": "Ground", "ownerId": users[n] });
        let accounts = four(Kind::Account, &owned).await;
        let (first, second) = (four(Kind::Account, &owned).await, four(Kind::Account, &owned).await);
        let contacts = four(Kind::Contact, &|n| json!({ "name": "Ground", "accountId": accounts[n] })).await;
        let lists =
            four(Kind::TargetAccountList, &|n| json!({ "name": "Ground", "kind": "STATIC", "salesOwnerId": users[n] }))
                .await;
        let pipeline = crew::create(admin, Kind::Pipeline, json!({ "name": "Ground" })).await;
        let open =
            json!({ "pipelineId": pipeline, "name": "Open", "position": 1, "category": "OPEN", "probability": 1 });
        let stage = crew::create(admin, Kind::Stage, open).await;
        let role = admin.query("{ role(by: { key: \"integration\" }) { id } }").await.expect_ok();
        let role = crew::text(&role, "role.id");
        let places = std::array::from_fn(|n| [first[n].clone(), second[n].clone()]);
        Self { users, accounts, places, contacts, lists, spares, team, pipeline, stage, role }
    }

    fn user(&self, whose: Whose) -> Option<&str> {
        self.users[whose as usize].as_deref()
    }
    fn account(&self, whose: Whose) -> &str {
        &self.accounts[whose as usize]
    }
    fn contact(&self, whose: Whose) -> &str {
        &self.contacts[whose as usize]
    }
    fn list(&self, whose: Whose) -> &str {
        &self.lists[whose as usize]
    }
    fn place(&self, whose: Whose, name: &str) -> &str {
        &self.places[whose as usize][usize::from(!name.starts_with(THERE))]
    }
    fn spare(&self, name: &str) -> &str {
        &self.spares[usize::from(!name.starts_with(THERE))]
    }
}

/// Whether an action on a kind is tried for each built-in role.
pub fn tries(kind: Kind, action: Action) -> bool {
    match (part(kind), action) {
        (Part::NotWritten, _) => false,
        (_, Action::Read | Action::Create) => true,
        (Part::Owned(_, patch) | Part::Ownerless(_, patch) | Part::Personal(_, patch), Action::Update) => {
            patch.is_some()
        }
        (_, Action::Delete) => kind != Kind::User,
        _ => false,
    }
}

/// One record to be tried.
struct Cell {
    kind: Kind,
    whose: Whose,
    input: fn(&Ground, Whose, &str) -> Value,
    patch: Patch,
}

fn cells() -> Vec<Cell> {
    let of = |kind| match part(kind) {
        Part::Personal(input, patch) => {
            [Mine, TeamMates, Strangers].map(|whose| Cell { kind, whose, input, patch }).into()
        }
        Part::Owned(input, patch) => EVERYONE.map(|whose| Cell { kind, whose, input, patch }).into(),
        Part::Ownerless(input, patch) => vec![Cell { kind, whose: Nobodys, input, patch }],
        Part::NotWritten => vec![],
    };
    Kind::ALL.into_iter().flat_map(of).collect()
}

/// Whether a reach covers an owner.
fn owns(reach: Reach, whose: Whose) -> bool {
    match reach {
        Nowhere => false,
        Own => whose == Mine,
        Team => matches!(whose, Mine | TeamMates),
        All => true,
    }
}

/// Whether the policy lets the actor do this to a record of this owner.
fn covers(policy: &Policy, kind: Kind, whose: Whose, action: Action) -> bool {
    let reach = policy.reach(kind, action);
    match kind.table().owner {
        table::Owner::Nobody | table::Owner::Subject => reach == All,
        table::Owner::Parts(parents) => {
            let belongs = !matches!(parents[0].1.table().owner, table::Owner::Nobody);
            (reach == All || belongs && owns(reach, whose))
                && parents.iter().all(|(_, parent)| covers(policy, *parent, whose, Action::Read))
        }
        // The directory's people are tried as nobody's.
        _ => owns(reach, whose),
    }
}

/// What a change of a record that is there comes to.
fn outcome(policy: &Policy, cell: &Cell, action: Action) -> Result<(), Vec<String>> {
    if !covers(policy, cell.kind, cell.whose, Action::Read) {
        return Err(vec!["NOT_FOUND id".to_owned()]);
    }
    if covers(policy, cell.kind, cell.whose, action) { Ok(()) } else { Err(vec!["FORBIDDEN".to_owned()]) }
}

/// What the creation of a record comes to.
fn creation(policy: &Policy, cell: &Cell, input: &Value) -> Result<(), Vec<String>> {
    let forbidden = Err(vec!["FORBIDDEN".to_owned()]);
    let given = input.as_object().expect("an input is an object").keys();
    let locked = given.filter(|field| policy.locks(cell.kind, field)).map(|field| format!("FORBIDDEN {field}"));
    let locked: Vec<String> = locked.collect();
    if !locked.is_empty() {
        return Err(locked);
    }
    if policy.reach(cell.kind, Action::Create) == Nowhere {
        return forbidden;
    }
    let key = |name: &str| match name {
        "accountId" => Some(Kind::Account),
        "contactId" => Some(Kind::Contact),
        "listId" => Some(Kind::TargetAccountList),
        _ => None,
    };
    let named = input.as_object().expect("an input is an object").keys();
    let unseen = named.filter(|name| key(name).is_some_and(|kind| !covers(policy, kind, cell.whose, Action::Read)));
    let unseen: Vec<String> = unseen.map(|name| format!("NOT_FOUND {name}")).collect();
    if !unseen.is_empty() {
        return Err(unseen);
    }
    // Who creates for somebody else gives the record away.
    let owner = ["ownerId", "marketingOwnerId"].into_iter().find(|name| input[name].is_string());
    match owner.filter(|_| cell.whose != Mine && !covers(policy, cell.kind, cell.whose, Action::Assign)) {
        Some(owner) => Err(vec![format!("FORBIDDEN {owner}")]),
        None if covers(policy, cell.kind, cell.whose, Action::Create) => Ok(()),
        None => forbidden,
    }
}

async fn try_everything(world: World, role: &'static BuiltIn) {
    let policy = Policy::of(&role.grants(), &role.fields());
    let admin = world.admin().await;
    let me = crew::hire(&world, "me@tandem.test", role.key, Department::Sales).await;
    let ground = Ground::lay(&admin, &me.id).await;
    let cells = cells();
    let inputs = cells
        .iter()
        .enumerate()
        .map(|(n, cell)| (cell.kind, (cell.input)(&ground, cell.whose, &format!("{THERE}{n}"))));
    let ids = crew::create_all(&admin, inputs.collect()).await;

    read(&me, &policy, &cells, &ids).await;

    let inputs: Vec<Value> =
        cells.iter().enumerate().map(|(n, cell)| (cell.input)(&ground, cell.whose, &format!("tried{n}"))).collect();
    let tried = cells.iter().zip(&inputs).map(|(cell, input)| (cell.kind, input.clone())).collect();
    let done = crew::mutate(&me.client, "Create", tried).await;
    for ((cell, input), done) in cells.iter().zip(&inputs).zip(done) {
        let expected = creation(&policy, cell, input);
        assert_eq!(done.map(|_| ()), expected, "{} creates {:?} {:?}", role.key, cell.whose, cell.kind);
    }

    let changed: Vec<usize> = (0..cells.len()).filter(|n| cells[*n].patch.is_some()).collect();
    let update = |n: usize| {
        let (field, value) = cells[n].patch.expect("only what can be changed is");
        json!({ "id": ids[n], field: value() })
    };
    verb(&admin, &me, role, &cells, &ids, ("Update", Action::Update, &changed), update).await;

    let (keys, rest): (Vec<usize>, Vec<usize>) = (0..cells.len()).partition(|n| cells[*n].kind == Kind::ApiKey);
    let id = |n: usize| json!({ "id": ids[n] });
    verb(&admin, &me, role, &cells, &ids, ("Rotate", Action::Update, &keys), id).await;
    verb(&admin, &me, role, &cells, &ids, ("Revoke", Action::Delete, &keys), id).await;
    let archived: Vec<usize> =
        rest.into_iter().filter(|n| !matches!(cells[*n].kind, Kind::User | Kind::Role)).collect();
    verb(&admin, &me, role, &cells, &ids, ("Archive", Action::Delete, &archived), id).await;
}

/// By id, by reference and in the list, a record is there or it is not.
async fn read(me: &Hand, policy: &Policy, cells: &[Cell], ids: &[String]) {
    let answer = me.client.query_with("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", json!({ "ids": ids })).await;
    let nodes = answer.expect_ok().data("nodes").clone();
    for (n, cell) in cells.iter().enumerate() {
        let (noun, plural) = (cell.kind.table().singular(), cell.kind.table().plural);
        let document = format!(
            "query($id: ID!, $in: [ID!]) {{ one: {noun}(by: {{ id: $id }}) {{ id }}
               many: {plural}(filter: {{ id: {{ in: $in }} }}) {{ nodes {{ id }} totalCount }} }}"
        );
        let answer = me.client.query_with(&document, json!({ "id": ids[n], "in": [ids[n]] })).await.expect_ok();
        let seen = covers(policy, cell.kind, cell.whose, Action::Read);
        let one = if seen { json!({ "id": ids[n] }) } else { Value::Null };
        let what = format!("{:?} {:?}", cell.whose, cell.kind);
        assert_eq!(nodes[n], one, "{what} among nodes");
        assert_eq!(*answer.data("one"), one, "{what} by reference");
        let many =
            if seen { json!({ "nodes": [one], "totalCount": 1 }) } else { json!({ "nodes": [], "totalCount": 0 }) };
        assert_eq!(*answer.data("many"), many, "{what} in the list");
    }
}

/// Does one thing to every record, and sees as administrator that exactly what was permitted was done.
async fn verb(
    admin: &Client,
    me: &Hand,
    role: &'static BuiltIn,
    cells: &[Cell],
    ids: &[String],
    (verb, action, which): (&str, Action, &[usize]),
    input: impl Fn(usize) -> Value,
) {
    let policy = Policy::of(&role.grants(), &role.fields());
    let before = versions(admin, ids).await;
    let done = crew::mutate(&me.client, verb, which.iter().map(|n| (cells[*n].kind, input(*n))).collect()).await;
    let after = versions(admin, ids).await;
    for (n, done) in which.iter().copied().zip(done) {
        let expected = outcome(&policy, &cells[n], action);
        let what = format!("{verb} of {:?} {:?} as {}", cells[n].whose, cells[n].kind, role.key);
        assert_eq!(done.map(|_| ()), expected, "{what}");
        assert_eq!(after[n] - before[n], i64::from(expected.is_ok()), "{what}: saves");
    }
}

async fn versions(admin: &Client, ids: &[String]) -> Vec<i64> {
    let kinds = Kind::ALL.iter().map(|kind| format!("... on {} {{ version }}", kind.name()));
    let kinds: Vec<String> = kinds.filter(|fragment| !fragment.contains("on Event ")).collect();
    let document = format!("query($ids: [ID!]!) {{ nodes(ids: $ids) {{ id {} }} }}", kinds.join(" "));
    let answer = admin.query_with(&document, json!({ "ids": ids })).await.expect_ok();
    let nodes = answer.data("nodes").as_array().expect("a list");
    nodes.iter().map(|node| node["version"].as_i64().expect("the administrator sees everything")).collect()
}

macro_rules! roles {
    ($($test:ident = $key:literal),* $(,)?) => {
        on_both_engines! {
            $(async fn $test(world: World) {
                let role = ROLES.iter().find(|role| role.key == $key).expect("a built-in role");
                try_everything(world, role).await;
            })*
        }

        #[test]
        fn no_built_in_role_is_left_out() {
            let tried = [$($key),*];
            let left: Vec<&str> = ROLES.iter().map(|role| role.key).filter(|key| !tried.contains(key)).collect();
            assert_eq!(left, Vec::<&str>::new());
        }
    };
}

roles! {
    an_administrator_may_do_what_the_matrix_says = "admin",
    a_marketing_manager_may_do_what_the_matrix_says = "marketing_manager",
    a_marketer_may_do_what_the_matrix_says = "marketer",
    a_sales_manager_may_do_what_the_matrix_says = "sales_manager",
    a_rep_may_do_what_the_matrix_says = "rep",
    service_may_do_what_the_matrix_says = "service",
    it_may_do_what_the_matrix_says = "it",
    an_executive_may_do_what_the_matrix_says = "executive",
    an_integration_may_do_what_the_matrix_says = "integration",
    a_crm_synchronisation_may_do_what_the_matrix_says = "crm_sync",
}
