//! A made-up company with something of every kind: teams in a tree, accounts with their people past and
//! present, leads, deals, lists of both sorts, stories, sessions, imports and keys, some of them archived.

use std::fmt::Write;

use entity::{Department, Kind};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};

use super::{roles::Person, words::Words};
use crate::{
    crew,
    support::{
        client::Client,
        world::{OTHER_SELLER, SELLER, World},
    },
};

/// The company, its people of changing roles, and somebody who sees everything.
pub struct Company {
    pub admin: Client,
    pub people: Vec<Person>,
    /// The ids of all records that were made.
    pub ids: Vec<String>,
    pub words: Words,
    pub random: StdRng,
}

/// Records of each kind that others hang off.
#[derive(Default)]
struct Made {
    users: Vec<String>,
    accounts: Vec<String>,
    contacts: Vec<String>,
    personas: Vec<String>,
    stages: Vec<String>,
    leads: Vec<String>,
}

impl Company {
    /// Founds it; the seed decides everything.
    pub async fn found(world: &World, seed: u64) -> Self {
        let admin = world.admin().await;
        let mut people = Vec::new();
        let departments =
            [Department::Sales, Department::Sales, Department::Marketing, Department::Marketing, Department::Service];
        for (number, department) in departments.into_iter().enumerate() {
            people.push(Person::hire(world, number, department).await);
        }
        let (words, random) = (Words::default(), StdRng::seed_from_u64(seed));
        let mut company = Self { admin, people, ids: vec![], words, random };
        let mut made = Made::default();
        company.teams(&mut made).await;
        company.library(&mut made).await;
        company.accounts(&mut made).await;
        company.customers(&mut made).await;
        company.lists(&made).await;
        company.platform(world, &made).await;
        company.archive_some().await;
        company
    }

    async fn create(&mut self, records: Vec<(Kind, Value)>) -> Vec<String> {
        let made = crew::create_all(&self.admin, records).await;
        self.ids.extend(made.iter().cloned());
        made
    }

    fn one<'a>(&mut self, of: &'a [String]) -> &'a str {
        of.choose(&mut self.random).expect("there is one")
    }

    fn maybe(&mut self, of: &[String]) -> Value {
        if self.random.random_bool(0.25) { Value::Null } else { json!(self.one(of)) }
    }

    fn either(&mut self, values: &[&str]) -> Value {
        json!(values.choose(&mut self.random).expect("there is one"))
    }

    fn number(&mut self, most: i32) -> Value {
        if self.random.random_bool(0.2) { Value::Null } else { json!(self.random.random_range(0..=most)) }
    }

    fn money(&mut self) -> Value {
        if self.random.random_bool(0.2) {
            return Value::Null;
        }
        let amount = format!("{}.{:02}", self.random.random_range(0..90_000), self.random.random_range(0..100));
        json!({ "amount": amount, "currency": self.either(&["EUR", "USD"]) })
    }

    /// One team above two others, one of those above a fourth, and one by itself.
    async fn teams(&mut self, made: &mut Made) {
        made.users = self.people.iter().map(|person| person.hand.id.clone()).collect();
        let mut teams: Vec<String> = Vec::new();
        for parent in [None, Some(0), Some(0), Some(1), None] {
            let team = json!({ "name": self.words.next(), "department": "SALES", "parentId": parent.map(|at: usize| teams[at].clone()) });
            teams.push(self.create(vec![(Kind::Team, team)]).await.remove(0));
        }
        let others = vec![
            (Kind::User, json!({ "name": self.words.next(), "department": "SALES", "title": self.words.next() })),
            (
                Kind::User,
                json!({ "name": self.words.next(), "department": "MARKETING", "email": format!("{}@tandem.test", self.words.next()) }),
            ),
        ];
        made.users.extend(self.create(others).await);
        let places = [(0, 0), (1, 1), (2, 2), (2, 3), (3, 4), (5, 1), (6, 3), (4, 4)];
        let places = places
            .map(|(user, team)| (Kind::TeamMembership, json!({ "teamId": teams[team], "userId": made.users[user] })));
        self.create(places.into()).await;
    }

    async fn library(&mut self, made: &mut Made) {
        let mut personas = Vec::new();
        for _ in 0..5 {
            let persona = json!({
                "name": self.words.next(), "description": self.words.next(), "goals": [self.words.next(), self.words.next()],
                "ownerId": self.maybe(&made.users), "department": self.either(&["SALES", "MARKETING", "PRODUCT"]),
                "seniority": self.either(&["C_LEVEL", "MANAGER"]),
            });
            personas.push((Kind::Persona, persona));
        }
        made.personas = self.create(personas).await;
        let mut cores: Vec<String> = Vec::new();
        for n in 0..7 {
            let core = if n < 4 { Value::Null } else { self.maybe(&cores[..4]) };
            let story = json!({
                "title": self.words.next(), "message": self.words.next(), "body": self.words.next(), "coreId": core,
                "personaId": self.maybe(&made.personas), "ownerId": self.maybe(&made.users),
                "department": self.either(&["SALES", "MARKETING", "PRODUCT"]),
            });
            cores.extend(self.create(vec![(Kind::Story, story)]).await);
        }
    }

    async fn accounts(&mut self, made: &mut Made) {
        for n in 0..14 {
            let account = json!({
                "name": self.words.next(), "domain": format!("{}.example", self.words.next()), "city": self.words.next(),
                "description": self.words.next(), "industry": self.either(&["Trade 1", "Trade 2", "trade 1"]),
                "tier": self.either(&["TIER_1", "TIER_2", "TIER_3"]), "country": self.either(&["DE", "FR"]),
                "employeeCount": self.number(500), "fitScore": self.number(100), "annualRevenue": self.money(),
                "ownerId": self.maybe(&made.users), "externalIds": [{ "system": "crm", "id": self.words.next() }],
                "parentId": if n < 3 { Value::Null } else { self.maybe(&made.accounts) },
            });
            let id = self.create(vec![(Kind::Account, account)]).await.remove(0);
            made.accounts.push(id);
        }
        let mut hangs = Vec::new();
        for account in made.accounts.clone() {
            if self.random.random_bool(0.6) {
                hangs.push((
                    Kind::AccountDomain,
                    json!({ "accountId": account, "domain": format!("{}.example", self.words.next()) }),
                ));
            }
            if self.random.random_bool(0.4) {
                let user = self.one(&made.users).to_owned();
                hangs.push((
                    Kind::AccountTeamMember,
                    json!({ "accountId": account, "userId": user, "role": self.words.next() }),
                ));
            }
        }
        self.create(hangs).await;
    }

    async fn customers(&mut self, made: &mut Made) {
        let pipelines = vec![
            (Kind::Pipeline, json!({ "name": self.words.next() })),
            (Kind::Pipeline, json!({ "name": self.words.next() })),
        ];
        let pipelines = self.create(pipelines).await;
        let mut stages = Vec::new();
        for (position, (category, probability)) in [("OPEN", 10), ("OPEN", 60), ("WON", 100)].into_iter().enumerate() {
            for pipeline in &pipelines {
                stages.push((
                    Kind::Stage,
                    json!({ "pipelineId": pipeline, "name": self.words.next(), "position": position,
                    "category": category, "probability": probability }),
                ));
            }
        }
        made.stages = self.create(stages).await;
        let mut contacts = Vec::new();
        for _ in 0..14 {
            contacts.push((Kind::Contact, json!({
                "name": self.words.next(), "lastName": self.words.next(), "email": format!("{}@secret.example", self.words.next()),
                "phone": self.words.next(), "title": self.either(&["Head", "Buyer"]), "personaId": self.maybe(&made.personas),
                "seniority": self.either(&["C_LEVEL", "MANAGER"]),
            })));
        }
        made.contacts = self.create(contacts).await;
        // The clock stands on the 2nd of March: places that have ended, that end today, that last, that begin later.
        let times = [
            (None, Some("2025-12-31")),
            (None, Some("2026-03-01")),
            (None, Some("2026-03-02")),
            (None, None),
            (Some("2026-04-01"), None),
        ];
        let mut places = Vec::new();
        for contact in made.contacts.clone() {
            let from = self.random.random_range(0..made.accounts.len());
            for n in 0..self.random.random_range(1..=2) {
                let (since, until) = *times.choose(&mut self.random).expect("there are times");
                let account = &made.accounts[(from + n) % made.accounts.len()];
                let title = self.words.next();
                places.push((Kind::AccountContact, json!({ "contactId": contact, "accountId": account, "title": title, "since": since, "until": until })));
            }
        }
        self.create(places).await;
        let mut leads = Vec::new();
        for _ in 0..14 {
            leads.push((Kind::Lead, json!({
                "name": self.words.next(), "source": self.either(&["web", "fair"]), "score": self.number(100),
                "landingPage": self.words.next(), "accountId": self.maybe(&made.accounts), "contactId": self.maybe(&made.contacts),
                "personaId": self.maybe(&made.personas), "ownerId": self.maybe(&made.users),
            })));
        }
        made.leads = self.create(leads).await;
        let mut deals = Vec::new();
        for _ in 0..12 {
            deals.push((Kind::Deal, json!({
                "name": self.words.next(), "amount": self.money(), "closeDate": self.either(&["2026-03-02", "2026-06-30", "2026-01-01"]),
                "closeReason": self.words.next(), "stageId": self.one(&made.stages), "accountId": self.maybe(&made.accounts),
                "leadId": self.maybe(&made.leads), "ownerId": self.maybe(&made.users),
            })));
        }
        self.create(deals).await;
    }

    async fn lists(&mut self, made: &Made) {
        let filters = [
            json!({ "industry": { "eq": "Trade 1" } }),
            json!({ "annualRevenue": { "currency": "EUR", "gte": "100" } }),
            json!({ "not": { "deals": { "some": { "amount": { "isNull": false } } } } }),
            json!({ "owner": { "department": { "eq": "SALES" } }, "leads": { "every": { "score": { "lt": 60 } } } }),
        ];
        let mut lists = Vec::new();
        for filter in filters {
            lists.push((
                Kind::TargetAccountList,
                json!({ "name": self.words.next(), "description": self.words.next(), "kind": "DYNAMIC",
                "filter": filter, "salesOwnerId": self.maybe(&made.users) }),
            ));
        }
        for _ in 0..3 {
            lists.push((
                Kind::TargetAccountList,
                json!({ "name": self.words.next(), "kind": "STATIC", "capacity": self.number(50),
                "marketingOwnerId": self.maybe(&made.users), "salesOwnerId": self.maybe(&made.users) }),
            ));
        }
        let lists = self.create(lists).await;
        let mut members = Vec::new();
        for list in &lists[4..] {
            for account in made.accounts.iter().filter(|_| self.random.random_bool(0.5)).cloned().collect::<Vec<_>>() {
                let reason = self.words.next();
                members.push((
                    Kind::TargetAccountListMember,
                    json!({ "listId": list, "accountId": account, "reason": reason }),
                ));
            }
        }
        self.create(members).await;
    }

    /// Sessions, imports and keys of several people.
    async fn platform(&mut self, world: &World, made: &Made) {
        for person in [&SELLER, &OTHER_SELLER] {
            world.sign_in(person).await;
        }
        let document = "mutation($input: ImportStartInput!) { importStart(input: $input) { job { id } userErrors { code message } } }";
        let map =
            "resource = \"Lead\"\n[identity]\nsystem = \"crm\"\ncolumn = \"id\"\n[fields.name]\ncolumn = \"name\"\n";
        let mut sql = String::new();
        for (n, user) in made.users[..4].iter().enumerate() {
            let file = format!("{}.csv", self.words.next());
            let answer =
                self.admin.query_with(document, json!({ "input": { "map": map, "fileName": file } })).await.expect_ok();
            let job = crew::text(&answer, "importStart.job.id");
            let raw =
                |global: &str| crew::sql_id(world, &entity::id::parse(global).expect("an id").1.simple().to_string());
            let _ = write!(sql, "UPDATE import_job SET user_id = {} WHERE id = {};", raw(user), raw(&job));
            self.ids.push(job);
            let key = crew::sql_id(world, &format!("01900000000070008000c00{n:09x}"));
            let (name, prefix) = (self.words.next(), self.words.next());
            let _ = write!(
                sql,
                "INSERT INTO api_key (id, name, name_fold, role_id, owner_id, prefix, expires_at, allowed_networks, version, created_at, updated_at)
                 SELECT {key}, '{name}', '{name}', (SELECT id FROM role WHERE key = 'integration'), {}, '{prefix}', 1800000000000, '[]', 1, 1, 1;",
                raw(user)
            );
        }
        crew::behind_the_back(world, &sql).await;
    }

    async fn archive_some(&mut self) {
        let free = [
            Kind::AccountTeamMember,
            Kind::AccountDomain,
            Kind::AccountContact,
            Kind::TargetAccountListMember,
            Kind::Lead,
            Kind::Contact,
            Kind::Account,
            Kind::Story,
            Kind::Persona,
            Kind::TargetAccountList,
            Kind::TeamMembership,
            Kind::Deal,
        ];
        let mut gone = Vec::new();
        for id in self.ids.clone() {
            let (kind, _) = entity::id::parse(&id).expect("a global id");
            if free.contains(&kind) && self.random.random_bool(0.12) {
                gone.push((kind, json!({ "id": id })));
            }
        }
        let done = crew::mutate(&self.admin, "Archive", gone).await;
        assert!(done.iter().all(Result::is_ok), "{done:?}");
    }
}
