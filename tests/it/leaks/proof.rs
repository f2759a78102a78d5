//! No shape of query shows anything beyond the plain find, whatever the roles.
//!
//! Everything is random and follows from a number that a failure tells; `TANDEM_TEST_SEED=number` runs that
//! case alone, `TANDEM_TEST_SEED=100..200` a hundred others.

use std::{cell::Cell, collections::BTreeSet};

use entity::Kind;
use serde_json::{Value, json};

use super::{
    company::Company,
    evaluator::Sight,
    model::Model,
    plain::{Plain, text},
    reference::{agrees, expected},
    roles::{Person, Roles},
    shrink::shrink,
    words::{said, unexplained},
};
use crate::{
    curious::Curious,
    support::{client::Client, world::World},
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};

/// The company is the same in all cases: what it is decides which roles can show a leak.
pub const COMPANY: u64 = 20_261_122;
/// Role sets, and what is asked under each.
const CASES: u64 = 12;
const QUESTIONS: usize = 40;
const LISTS: usize = 5;
const CHANGES: usize = 12;
/// The day at which the worlds' clocks stand.
pub const TODAY: &str = "2026-03-02";

/// The cases to run: one where one is asked for.
pub fn cases() -> Vec<u64> {
    let Ok(asked) = std::env::var("TANDEM_TEST_SEED") else { return (0..CASES).collect() };
    let number = |text: &str| text.parse::<u64>().expect("TANDEM_TEST_SEED is a number, or two with .. between");
    asked.split_once("..").map_or_else(|| vec![number(&asked)], |(from, to)| (number(from)..number(to)).collect())
}

/// One person under one set of roles, and what they find.
struct Case<'a> {
    seed: u64,

    person: &'a Person,
    roles: Roles,
    plain: Plain,
    /// All words and ids that they know.
    known: BTreeSet<String>,
    curious: Curious,
    random: StdRng,
}

impl<'a> Case<'a> {
    /// Gives the roles, reads the plain find, and holds it against the definition.
    async fn begin(world: &World, company: &'a Company, seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let person = company.people.choose(&mut random).expect("there are people");
        let roles = Roles::random(&mut random);
        person.hold(world, &roles).await;
        let everything = Plain::read(&company.admin).await;
        let plain = Plain::read(&person.hand.client).await;
        let me = (person.hand.id.as_str(), person.department.as_str());
        let defined = Model::new(&everything, &roles, me, TODAY).plain();
        let differences = plain.differences(&defined);
        assert_eq!(
            differences,
            Vec::<String>::new(),
            "TANDEM_TEST_SEED={seed}: found on the left, defined on the right\n{roles:?}"
        );
        let mut known = said(&plain.text());
        known.insert(person.hand.id.clone());
        let mut words: Vec<String> =
            said(&everything.text()).into_iter().filter(|word| word.starts_with("zq")).collect();
        words.truncate(200);
        words.extend(["zq", "Trade 1", "trade", "web", "example", "UTC", "de", "buyer"].map(str::to_owned));
        let ids =
            everything.0.values().flat_map(|rows| rows.keys().cloned()).filter(|id| !id.starts_with("evnt_")).collect();
        let curious = Curious::new(seed, ids, words);
        Self { seed, person, roles, plain, known, curious, random }
    }

    fn sight(&self) -> Sight<'_> {
        Sight { plain: &self.plain, roles: &self.roles, puzzled: Cell::new(false) }
    }

    async fn ask(&self, question: &str) -> Value {
        answer(&self.person.hand.client, question).await
    }

    /// What is wrong with the answer to a question, if anything is.
    async fn wrong(&self, question: &str) -> Option<String> {
        let expected = expected(self.sight(), self.curious.schema(), question);
        let body = self.ask(question).await;
        let (data, refused) = (&body["data"], body.get("errors").is_some());
        let strange = unexplained(&body, &self.known, question);
        let agrees = !expected.understood || refused == expected.refused && agrees(&expected.data, data);
        if agrees && strange.is_empty() {
            return None;
        }
        Some(format!("beyond the plain find: {strange:?}\nanswered {body:#}\nexpected {expected:#?}"))
    }

    /// Questions of all shapes are answered from the plain find and from nothing else.
    async fn questions(&mut self) -> Told {
        let mut told = Told::default();
        for _ in 0..QUESTIONS {
            let question = self.curious.ask("Query", reads_records);
            let Some(_) = self.wrong(&question).await else {
                told.add(&self.ask(&question).await);
                continue;
            };
            let still = async |question: &str| self.wrong(question).await.is_some();
            let smallest = shrink(self.curious.schema(), question, still).await;
            let wrong = self.wrong(&smallest).await.expect("it is wrong");
            panic!("TANDEM_TEST_SEED={} {smallest}\n{wrong}\n{:?}", self.seed, self.roles);
        }
        told
    }

    /// Whatever else can be asked names nothing beyond the plain find.
    async fn other_questions(&mut self) {
        for _ in 0..4 {
            let question = self.curious.ask("Query", |name| !reads_records(name) && !name.starts_with("__"));
            let body = answer_any(&self.person.hand.client, &question).await;
            let strange = unexplained(&body, &self.known, &question);
            assert_eq!(strange, Vec::<String>::new(), "TANDEM_TEST_SEED={} {question}\n{body:#}", self.seed);
        }
    }

    /// Page by page, forwards and backwards, a list comes to what is visible in its order.
    async fn pages(&mut self) {
        for _ in 0..LISTS {
            let kind = *Kind::ALL.choose(&mut self.random).expect("there are kinds");
            let root = kind.table().plural;
            let arguments = self.curious.arguments(root, &["filter", "orderBy", "search", "includeArchived"]);
            let whole = format!("{{ {root}(first: 200{arguments}) {{ nodes {{ id }} }} }}");
            let expected = expected(self.sight(), self.curious.schema(), &whole);
            if !expected.understood {
                continue;
            }
            for (size, after, cursor, more) in
                [("first", "after", "endCursor", "hasNextPage"), ("last", "before", "startCursor", "hasPreviousPage")]
            {
                let (mut found, mut position) = (Vec::new(), Value::Null);
                loop {
                    let from = if position.is_null() { String::new() } else { format!(", {after}: {position}") };
                    let page = self.random.random_range(3..=40);
                    let question = format!(
                        "{{ {root}({size}: {page}{from}{arguments}) {{ nodes {{ id }} pageInfo {{ {cursor} {more} }} }} }}"
                    );
                    let body = self.ask(&question).await;
                    assert_eq!(
                        body.get("errors").is_some(),
                        expected.refused,
                        "TANDEM_TEST_SEED={} {question}\n{body:#}",
                        self.seed
                    );
                    if expected.refused {
                        break;
                    }
                    let page = &body["data"][root];
                    let nodes = page["nodes"].as_array().expect("a list").clone();
                    if size == "first" {
                        found.extend(nodes);
                    } else {
                        found.splice(0..0, nodes);
                    }
                    position = page["pageInfo"][cursor].clone();
                    if page["pageInfo"][more] == false {
                        break;
                    }
                }
                if !expected.refused {
                    let all = expected.data[root]["nodes"].as_array().expect("a list");
                    assert!(
                        all.len() == 200 || *all == found,
                        "TANDEM_TEST_SEED={} {whole}\n{found:?}\n{all:?}",
                        self.seed
                    );
                }
            }
        }
    }

    /// The feed tells of what is visible, of visible fields, in its order, and of nothing else.
    async fn feed(&self) {
        let mut expected = Vec::new();
        for event in self.plain.of(Kind::Event) {
            let Some((kind, _)) = event["subject"]["id"].as_str().and_then(|id| self.plain.row(id)) else { continue };
            let action = text(event, "action").expect("an action").to_lowercase();
            expected.push(
                json!({ "kind": format!("{}.{action}", kind.table().singular()), "occurredAt": event["occurredAt"],
                "subject": event["subject"]["id"], "actor": event["actor"] }),
            );
        }
        let document =
            "subscription { events(after: \"ev_0_0\") { kind occurredAt subject { id } actor { id } changedFields } }";
        let client = &self.person.hand.client;
        let mut socket = client.subscribe(document, json!({})).await;
        let mut stream = client.stream(document, json!({})).await;
        let mut told = Vec::new();
        for _ in &expected {
            let body = socket.next().await;
            assert_eq!(stream.next().await["data"], body["data"], "both ways tell the same");
            let strange = unexplained(&body["data"], &self.known, "");
            assert_eq!(strange, Vec::<String>::new(), "TANDEM_TEST_SEED={} {body}", self.seed);
            let event = &body["data"]["events"];
            let subject = event["subject"]["id"].as_str().expect("nobody hears of what they do not see");
            let kind = entity::id::parse(subject).expect("an id").0;
            for field in event["changedFields"].as_array().expect("names") {
                assert!(
                    !self.roles.hides(kind, field.as_str().expect("a name")),
                    "TANDEM_TEST_SEED={} {body}",
                    self.seed
                );
            }
            told.push(json!({ "kind": event["kind"], "occurredAt": event["occurredAt"], "subject": subject, "actor": event["actor"]["id"] }));
        }
        // Two processes have made them, whose ids do not run in the feed's order.
        let by_text = |event: &Value| event.to_string();
        told.sort_by_key(by_text);
        expected.sort_by_key(by_text);
        assert_eq!(told, expected, "TANDEM_TEST_SEED={}", self.seed);
    }

    /// What changes are answered, done or refused, names nothing beyond the plain find.
    async fn changes(&mut self) {
        for _ in 0..CHANGES {
            let question = self.curious.ask("Mutation", changes_records);
            let body = answer_any(&self.person.hand.client, &question).await;
            let mut known = self.known.clone();
            if !unexplained(&body, &known, &question).is_empty() {
                known.extend(said(&Plain::read(&self.person.hand.client).await.text()));
            }
            let strange = unexplained(&body, &known, &question);
            assert_eq!(
                strange,
                Vec::<String>::new(),
                "TANDEM_TEST_SEED={} {question}\n{body:#}\n{:?}",
                self.seed,
                self.roles
            );
        }
    }
}

/// How much the questions found, so that it shows if they find too little to prove anything.
#[derive(Default)]
struct Told {
    words: usize,
    refused: usize,
}

impl Told {
    fn add(&mut self, body: &Value) {
        self.words += said(&body["data"].to_string()).len();
        self.refused += usize::from(body.get("errors").is_some());
    }
}

/// Whether a root field reads records by the rules that all kinds have in common.
fn reads_records(name: &str) -> bool {
    let kinds = Kind::ALL.into_iter().map(Kind::table);
    let mut names =
        kinds.flat_map(|table| [table.singular(), table.plural.to_owned(), format!("{}Aggregate", table.singular())]);
    name == "node" || name == "nodes" || names.any(|other| other == name)
}

/// Whether a root field reads what is changed behind the back.
fn of_customers(name: &str) -> bool {
    let about = ["account", "contact", "lead", "deal", "persona", "stories", "story", "targetAccount", "search"];
    about.iter().any(|stem| name.starts_with(stem))
}

/// Whether a mutation is one of those that all nouns have, on what decides about nobody's rights.
fn changes_records(name: &str) -> bool {
    let free = [
        Kind::Account,
        Kind::AccountDomain,
        Kind::Contact,
        Kind::AccountContact,
        Kind::Persona,
        Kind::Story,
        Kind::TargetAccountList,
        Kind::TargetAccountListMember,
        Kind::Lead,
        Kind::Deal,
        Kind::Pipeline,
        Kind::Stage,
    ];
    let verbs = ["Create", "Update", "Archive", "Restore", "BulkUpsert"];
    free.into_iter().any(|kind| verbs.into_iter().any(|verb| name == format!("{}{verb}", kind.table().singular())))
}

/// An answer whose question was understood, without what it cost.
async fn answer(client: &Client, question: &str) -> Value {
    let mut body = answer_any(client, question).await;
    for error in body["errors"].as_array().into_iter().flatten() {
        assert_eq!(error["extensions"]["code"], "FORBIDDEN", "{question}\n{body:#}");
    }
    if body["errors"].is_null() {
        body.as_object_mut().expect("an object").shift_remove("errors");
    }
    body
}

async fn answer_any(client: &Client, question: &str) -> Value {
    let mut body = client.query(question).await.body;
    body.as_object_mut().expect("an object").shift_remove("extensions");
    let inside = body["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|error| error["extensions"]["code"] == "INTERNAL_SERVER_ERROR");
    assert!(!inside, "{question}\n{body:#}");
    body
}

on_both_engines! {
    async fn no_shape_of_query_shows_more_than_the_plain_find(world: World) {
        let company = Company::found(&world, COMPANY).await;
        let mut told = Told::default();
        for seed in cases() {
            let mut case = Case::begin(&world, &company, seed).await;
            let found = case.questions().await;
            told = Told { words: told.words + found.words, refused: told.refused + found.refused };
            case.other_questions().await;
            case.pages().await;
            case.feed().await;
        }
        let asked = cases().len() * QUESTIONS;
        assert!(told.words > asked, "{asked} questions found only {} words and ids", told.words);
        assert!(told.refused < asked / 3, "{} of {asked} questions were refused", told.refused);
    }

    async fn no_change_is_answered_with_more_than_the_plain_find(world: World) {
        let company = Company::found(&world, COMPANY).await;
        for seed in cases() {
            Case::begin(&world, &company, seed).await.changes().await;
        }
    }

    async fn what_no_role_shows_changes_no_answer(world: World) {
        let company = Company::found(&world, COMPANY).await;
        let mut noticed = 0;
        for seed in cases() {
            let mut case = Case::begin(&world, &company, seed).await;
            let mut asked = Vec::new();
            for _ in 0..QUESTIONS {
                let question = case.curious.ask("Query", of_customers);
                asked.push((told(&case.person.hand.client, &question).await, told(&company.admin, &question).await, question));
            }
            super::disturb::disturb(&world, &case.plain, &case.roles, (&company.ids, seed)).await;
            let after = Plain::read(&case.person.hand.client).await;
            assert_eq!(after.differences(&case.plain), Vec::<String>::new(), "TANDEM_TEST_SEED={seed}: the plain find itself changed");
            for (theirs, everybody_s, question) in asked {
                assert_eq!(told(&case.person.hand.client, &question).await, theirs, "TANDEM_TEST_SEED={seed} {question}\n{:?}", case.roles);
                noticed += usize::from(told(&company.admin, &question).await != everybody_s);
            }
        }
        assert!(noticed > cases().len() * QUESTIONS / 8, "who sees everything noticed only {noticed} changes");
    }
}

/// An answer byte by byte; root fields run side by side, so in which order two of them fail is chance.
async fn told(client: &Client, question: &str) -> String {
    let mut body = answer_any(client, question).await;
    if body["data"].is_null() {
        return "refused".to_owned();
    }
    if let Some(errors) = body["errors"].as_array_mut() {
        errors.sort_by_key(|error| error["path"].to_string());
    }
    body.to_string()
}
