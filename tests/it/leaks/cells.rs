//! The permission matrix cell by cell on the made-up company: who finds, changes, gives away, archives and
//! creates what, under the built-in roles and under random ones, against the definition of reach.

use entity::{
    Kind,
    table::{Input, Type},
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};
use tandem::access::{Action, Reach, builtin::ROLES};

use super::{
    company::Company,
    model::Model,
    plain::{Plain, Row, live, text},
    proof::{COMPANY, TODAY, cases},
    roles::{Person, Roles},
};
use crate::{crew, support::world::World};

/// Records tried per action and set of roles.
const TRIED: usize = 30;

/// A person under some roles, everything there is, and who may do what to it.
struct Ground<'a> {
    person: &'a Person,
    roles: &'a Roles,
    everything: Plain,
    told: String,
}

impl<'a> Ground<'a> {
    async fn lay(world: &World, company: &Company, person: &'a Person, (roles, told): (&'a Roles, String)) -> Self {
        person.hold(world, roles).await;
        Self { person, roles, everything: Plain::read(&company.admin).await, told }
    }

    fn model(&self) -> Model<'_> {
        let me = (self.person.hand.id.as_str(), self.person.department.as_str());
        Model::new(&self.everything, self.roles, me, TODAY)
    }

    /// What is found is what reach defines, for every kind.
    async fn read(&self) {
        let found = Plain::read(&self.person.hand.client).await;
        assert_eq!(found.differences(&self.model().plain()), Vec::<String>::new(), "{}", self.told);
    }

    /// Live records of kinds that are changed by standard mutations.
    fn some(&self, random: &mut StdRng, fits: impl Fn(Kind) -> bool) -> Vec<(Kind, &Row)> {
        let kinds = Kind::ALL.into_iter().filter(|kind| fits(*kind));
        let rows: Vec<(Kind, &Row)> = kinds
            .flat_map(|kind| self.everything.of(kind).filter(|row| live(row)).map(move |row| (kind, row)))
            .collect();
        rows.sample(random, TRIED).copied().collect()
    }

    async fn try_each(&self, verb: &str, tried: Vec<(Kind, Value, Result<(), Vec<String>>)>) {
        let inputs = tried.iter().map(|(kind, input, _)| (*kind, input.clone())).collect();
        let done = crew::mutate(&self.person.hand.client, verb, inputs).await;
        for ((kind, input, expected), done) in tried.into_iter().zip(done) {
            assert_eq!(
                done.map(drop),
                expected,
                "{}: {}{verb} {input}\n{:?}",
                self.told,
                kind.table().singular(),
                self.roles
            );
        }
    }

    /// What an action on a record comes to.
    fn outcome(model: &Model<'_>, (kind, row): (Kind, &Row), action: Action) -> Result<(), Vec<String>> {
        match (model.sees(kind, row), model.may(kind, row, action)) {
            (false, _) => Err(vec!["NOT_FOUND id".to_owned()]),
            (true, false) => Err(vec!["FORBIDDEN".to_owned()]),
            (true, true) => Ok(()),
        }
    }

    /// An update that changes nothing else than a text. Who a person is asks for more: `roles::holders` tries it.
    async fn update(&self, random: &mut StdRng) {
        let model = self.model();
        let policy = self.roles.policy();
        let mut tried = Vec::new();
        for (kind, row) in self.some(random, |kind| changes(kind) && kind != Kind::User && patch(kind).is_some()) {
            let field = patch(kind).expect("it was asked for");
            let mut expected = Self::outcome(&model, (kind, row), Action::Update);
            if policy.locks(kind, field) {
                expected = Err(vec![format!("FORBIDDEN {field}")]);
            }
            tried.push((kind, json!({ "id": row["id"], field: "said anew" }), expected));
        }
        self.try_each("Update", tried).await;
    }

    /// A new owner takes ASSIGN besides, and the record must stay where it could be changed.
    async fn assign(&self, random: &mut StdRng) {
        let model = self.model();
        let policy = self.roles.policy();
        let users: Vec<&str> =
            self.everything.of(Kind::User).filter(|row| live(row)).filter_map(|row| text(row, "id")).collect();
        let mut tried = Vec::new();
        for (kind, row) in self.some(random, |kind| matches!(kind, Kind::Lead | Kind::Deal)) {
            let user = *users.choose(random).expect("there are users");
            let mut after = row.clone();
            after.insert("owner".to_owned(), json!(user));
            let known = self.everything.row(user).is_some_and(|(kind, row)| model.sees(kind, row));
            let expected = match Self::outcome(&model, (kind, row), Action::Update) {
                _ if policy.locks(kind, "owner") => Err(vec!["FORBIDDEN ownerId".to_owned()]),
                Err(why) => Err(why),
                Ok(()) if !known => Err(vec!["NOT_FOUND ownerId".to_owned()]),
                Ok(()) if row["owner"] == json!(user) => Ok(()),
                Ok(()) if !model.may(kind, row, Action::Assign) => Err(vec!["FORBIDDEN ownerId".to_owned()]),
                Ok(()) if !model.may(kind, &after, Action::Update) => Err(vec!["FORBIDDEN".to_owned()]),
                Ok(()) => Ok(()),
            };
            // One that they could change and see no more afterwards is done, and not shown.
            if expected.is_ok() && !model.sees(kind, &after) {
                continue;
            }
            tried.push((kind, json!({ "id": row["id"], "ownerId": user }), expected));
        }
        self.try_each("Update", tried).await;
    }

    /// What is left to somebody must be theirs to leave there, and somebody else takes ASSIGN.
    async fn create(&self, random: &mut StdRng) {
        let model = self.model();
        let policy = self.roles.policy();
        let users: Vec<(&str, &Row)> = self
            .everything
            .of(Kind::User)
            .filter(|row| live(row))
            .filter_map(|row| Some((text(row, "id")?, row)))
            .collect();
        let mut tried = Vec::new();
        for _ in 0..8 {
            let (user, row) = *users.choose(random).expect("there are users");
            let lead = json!({ "id": "", "owner": user, "account": null });
            let lead = lead.as_object().expect("an object");
            let expected = match self.roles.reach(Kind::Lead, Action::Create) {
                _ if policy.locks(Kind::Lead, "owner") => Err(vec!["FORBIDDEN ownerId".to_owned()]),
                Reach::None => Err(vec!["FORBIDDEN".to_owned()]),
                _ if !model.sees(Kind::User, row) => Err(vec!["NOT_FOUND ownerId".to_owned()]),
                _ if user != self.person.hand.id && !model.may(Kind::Lead, lead, Action::Assign) => {
                    Err(vec!["FORBIDDEN ownerId".to_owned()])
                }
                _ if !model.may(Kind::Lead, lead, Action::Create) => Err(vec!["FORBIDDEN".to_owned()]),
                _ => Ok(()),
            };
            if expected.is_ok() && !model.sees(Kind::Lead, lead) {
                continue;
            }
            tried.push((Kind::Lead, json!({ "name": "Tried", "ownerId": user }), expected));
        }
        self.try_each("Create", tried).await;
    }

    /// Archiving takes DELETE.
    async fn archive(&self, random: &mut StdRng) {
        let model = self.model();
        // What decides about others' reach stays, and what others hang off may be in use.
        let free = |kind| {
            matches!(
                kind,
                Kind::Story
                    | Kind::Persona
                    | Kind::AccountDomain
                    | Kind::Lead
                    | Kind::Deal
                    | Kind::TargetAccountListMember
            )
        };
        let some = self.some(random, free);
        let tried = some
            .into_iter()
            .map(|(kind, row)| (kind, json!({ "id": row["id"] }), Self::outcome(&model, (kind, row), Action::Delete)));
        self.try_each("Archive", tried.collect()).await;
    }
}

/// Kinds with a standard update that no right of anybody hangs on.
fn changes(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Account
            | Kind::AccountTeamMember
            | Kind::Contact
            | Kind::AccountContact
            | Kind::Persona
            | Kind::Story
            | Kind::TargetAccountList
            | Kind::TargetAccountListMember
            | Kind::Lead
            | Kind::Deal
    )
}

/// A plain text of a kind that a client may change.
fn patch(kind: Kind) -> Option<&'static str> {
    let plain = |field: &&entity::table::Field| {
        matches!(field.ty, Type::Text)
            && field.input == Input::Write
            && !field.physical
            && !field.unique
            && field.scalar.is_none()
            && field.max >= 50
    };
    kind.table().fields.iter().find(plain).map(|field| field.name.as_str())
}

on_both_engines! {
    async fn every_built_in_role_finds_what_reach_defines(world: World) {
        let company = Company::found(&world, COMPANY).await;
        for (n, role) in ROLES.iter().enumerate() {
            let roles = Roles::of(role.grants().iter().map(|grant| (grant.kind, grant.action, grant.reach)).collect(), role.fields());
            let person = &company.people[n % company.people.len()];
            Ground::lay(&world, &company, person, (&roles, role.key.to_owned())).await.read().await;
        }
    }

    async fn random_roles_do_what_reach_defines_and_no_more(world: World) {
        let company = Company::found(&world, COMPANY).await;
        for seed in cases() {
            let mut random = StdRng::seed_from_u64(seed);
            let person = company.people.choose(&mut random).expect("there are people");
            let roles = Roles::random(&mut random);
            let told = || format!("TANDEM_TEST_SEED={seed}");
            // Each action on the company as the one before has left it.
            Ground::lay(&world, &company, person, (&roles, told())).await.update(&mut random).await;
            Ground::lay(&world, &company, person, (&roles, told())).await.assign(&mut random).await;
            Ground::lay(&world, &company, person, (&roles, told())).await.create(&mut random).await;
            if random.random_bool(0.5) {
                Ground::lay(&world, &company, person, (&roles, told())).await.archive(&mut random).await;
            }
        }
    }
}
