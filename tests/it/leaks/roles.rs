//! Random roles, and what their union permits: worked out here from the definition, not by the product.

use std::{collections::BTreeSet, fmt::Write};

use entity::{Department, Kind};
use rand::{RngExt, rngs::StdRng, seq::IndexedRandom};
use serde_json::json;
use tandem::access::{Action, FieldRule, Policy, Reach};

use crate::{
    crew::{self, Hand},
    support::world::World,
};

/// One role: its permissions and its field rules, as its row spells them.
#[derive(Clone, Debug, Default)]
pub struct Role {
    grants: Vec<(Kind, Action, Reach)>,
    rules: Vec<(Kind, String, FieldRule)>,
}

/// The roles of one person.
#[derive(Clone, Debug, Default)]
pub struct Roles(Vec<Role>);

impl Role {
    fn random(random: &mut StdRng) -> Self {
        let mut role = Self::default();
        // Some roles are wide, some narrow, some between.
        let (least, hides) = (random.random_range(0..=2), random.random_bool(0.6));
        for kind in Kind::ALL {
            for action in Action::ALL {
                let reaches = &[Reach::None, Reach::Own, Reach::Team, Reach::All, Reach::All][least..];
                let reach = *reaches.choose(random).expect("there are reaches");
                if reach > Reach::None {
                    role.grants.push((kind, action, reach));
                }
            }
            for field in kind.table().hidable().filter(|_| hides) {
                match random.random_range(0..20) {
                    0..2 => role.rules.push((kind, field.to_owned(), FieldRule::Hidden)),
                    2 => role.rules.push((kind, field.to_owned(), FieldRule::ReadOnly)),
                    _ => {}
                }
            }
        }
        role
    }

    fn reach(&self, kind: Kind, action: Action) -> Reach {
        let cell = self.grants.iter().find(|(k, a, _)| (*k, *a) == (kind, action));
        cell.map_or(Reach::None, |(_, _, reach)| *reach)
    }

    fn hidden(&self, kind: Kind) -> BTreeSet<&str> {
        let hidden = self.rules.iter().filter(|(k, _, rule)| *k == kind && *rule == FieldRule::Hidden);
        hidden.map(|(_, field, _)| field.as_str()).collect()
    }

    fn encode(&self) -> (Vec<String>, Vec<String>) {
        let grants = self
            .grants
            .iter()
            .map(|(kind, action, reach)| format!("{}:{}:{}", kind.name(), action.as_str(), reach.as_str()));
        let rules = self.rules.iter().map(|(kind, field, rule)| format!("{}:{field}:{}", kind.name(), rule.as_str()));
        (grants.collect(), rules.collect())
    }
}

/// How many roles a person can hold here.
pub const MAX_ROLES: usize = 3;

impl Roles {
    /// One to three roles.
    pub fn random(random: &mut StdRng) -> Self {
        Self((0..random.random_range(1..=MAX_ROLES)).map(|_| Role::random(random)).collect())
    }

    /// One role.
    pub fn of(grants: Vec<(Kind, Action, Reach)>, rules: Vec<(Kind, String, FieldRule)>) -> Self {
        Self(vec![Role { grants, rules }])
    }

    /// One role that lets see these kinds in full but for these fields, and do this besides.
    pub fn reading(all: &[Kind], hidden: &[(Kind, &str)], more: &[(Kind, Action, Reach)]) -> Self {
        let grants = all.iter().map(|kind| (*kind, Action::Read, Reach::All)).chain(more.iter().copied()).collect();
        let rules = hidden.iter().map(|(kind, field)| (*kind, (*field).to_owned(), FieldRule::Hidden)).collect();
        Self::of(grants, rules)
    }

    /// The furthest reach of any.
    pub fn reach(&self, kind: Kind, action: Action) -> Reach {
        self.0.iter().map(|role| role.reach(kind, action)).max().unwrap_or_default()
    }

    /// Whether any lets its holder see records of a kind at all.
    pub fn reads(&self, kind: Kind) -> bool {
        self.reach(kind, Action::Read) > Reach::None
    }

    /// The fields that every role which lets see the record keeps, in alphabetical order.
    pub fn hidden(&self, kind: Kind) -> BTreeSet<&str> {
        let readers = self.0.iter().filter(|role| role.reach(kind, Action::Read) > Reach::None);
        let mut hidden = readers.map(|role| role.hidden(kind)).reduce(|one, other| &one & &other).unwrap_or_default();
        // Events name the account of what they tell of: a record that hides its own hides theirs.
        if kind == Kind::Event && Kind::ALL.into_iter().any(|kind| kind != Kind::Event && self.hides(kind, "account")) {
            hidden.insert("account");
        }
        // What is computed of something hidden tells of it.
        if kind == Kind::Deal && (hidden.contains("openedAt") || hidden.contains("closedAt")) {
            hidden.insert("cycleDays");
        }
        hidden
    }

    /// Whether a field or link is kept from sight.
    pub fn hides(&self, kind: Kind, field: &str) -> bool {
        self.hidden(kind).contains(field)
    }

    /// The same as the product compiles it.
    pub fn policy(&self) -> Policy {
        let roles: Vec<Policy> = self.0.iter().map(Role::encode).map(|(g, r)| Policy::encode(&g, &r)).collect();
        Policy::union(&roles)
    }
}

/// Somebody whose roles change from case to case.
pub struct Person {
    pub hand: Hand,
    pub department: Department,
    pub number: usize,
}

impl Person {
    /// Hires somebody and gives them roles that permit nothing yet.
    pub async fn hire(world: &World, number: usize, department: Department) -> Self {
        let hand = crew::hire(world, &format!("person{number}@tandem.test"), "it", department).await;
        let person = Self { hand, department, number };
        let me = Self::sql_id(world, &person.hand.id);
        let mut sql = format!("UPDATE role_assignment SET archived_at = 1 WHERE user_id = {me};");
        for n in 0..MAX_ROLES {
            let (role, held) = (person.made_up(world, 'a', n), person.made_up(world, 'b', n));
            let key = format!("'made_up_{number}_{n}'");
            let _ = write!(
                sql,
                "INSERT INTO role (id, key, name, name_fold, built_in, grants, field_rules, version, created_at, updated_at)
                 VALUES ({role}, {key}, {key}, {key}, FALSE, '[]', '[]', 1, 1, 1);
                 INSERT INTO role_assignment (id, role_id, user_id, from_issuer, version, created_at, updated_at)
                 VALUES ({held}, {role}, {me}, FALSE, 1, 1, 1);"
            );
        }
        crew::behind_the_back(world, &sql).await;
        person
    }

    /// Gives them these roles and no others; they hold after the step of the clock.
    pub async fn hold(&self, world: &World, roles: &Roles) {
        let mut sql = String::new();
        for n in 0..MAX_ROLES {
            let (grants, fields) = roles.0.get(n).cloned().unwrap_or_default().encode();
            let role = self.made_up(world, 'a', n);
            let _ = write!(
                sql,
                "UPDATE role SET grants = '{}', field_rules = '{}', version = version + 1 WHERE id = {role};",
                json!(grants),
                json!(fields)
            );
        }
        crew::behind_the_back(world, &sql).await;
        world.clock.advance(std::time::Duration::from_secs(1));
    }

    fn sql_id(world: &World, global: &str) -> String {
        let (_, id) = entity::id::parse(global).expect("a global id");
        crew::sql_id(world, &id.simple().to_string())
    }

    fn made_up(&self, world: &World, kind: char, n: usize) -> String {
        crew::sql_id(world, &format!("0190000000007000800000{kind}0{:04x}{n:04x}", self.number))
    }
}
