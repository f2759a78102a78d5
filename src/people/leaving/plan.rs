//! What somebody who leaves hands over, and to whom.

use std::collections::{BTreeSet, HashMap, HashSet};

use entity::{HandoverType, Kind, user::UserId};
use sea_orm::{Iterable, prelude::Uuid};
use serde::{Deserialize, Serialize};

use crate::{
    access::{Action, Policy, Reach},
    error::{Result, UserCode, UserError},
    store::{Change, Hold, PLACE, account_of},
};

/// The columns by which people own records.
pub(super) const OWNED: [Hold; 8] = [
    // First, for integrations are to stand still as briefly as can be.
    Hold { kind: Kind::ApiKey, column: "owner_id" },
    Hold { kind: Kind::Account, column: "owner_id" },
    Hold { kind: Kind::Lead, column: "owner_id" },
    Hold { kind: Kind::Deal, column: "owner_id" },
    Hold { kind: Kind::Persona, column: "owner_id" },
    Hold { kind: Kind::Story, column: "owner_id" },
    Hold { kind: Kind::TargetAccountList, column: "marketing_owner_id" },
    Hold { kind: Kind::TargetAccountList, column: "sales_owner_id" },
];

/// What is handed over to one successor.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Rule {
    /// Of this type; of all that people own where none is named.
    pub of: Option<HandoverType>,
    /// At these accounts; wherever where none are named.
    pub accounts: Option<Vec<Uuid>>,
    /// To whom.
    pub to: Uuid,
    /// The input by which it was asked for.
    #[serde(skip)]
    pub input: String,
}

/// Everything that is handed over. Of several rules that a record meets, the first holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Plan {
    /// The rules, in order.
    pub rules: Vec<Rule>,
}

/// The kind of record of a type.
pub(super) fn kind(of: HandoverType) -> Kind {
    match of {
        HandoverType::Account => Kind::Account,
        HandoverType::Lead => Kind::Lead,
        HandoverType::Deal => Kind::Deal,
        HandoverType::Persona => Kind::Persona,
        HandoverType::Story => Kind::Story,
        HandoverType::TargetAccountList => Kind::TargetAccountList,
        HandoverType::ApiKey => Kind::ApiKey,
        HandoverType::AccountTeamMember => Kind::AccountTeamMember,
    }
}

impl Rule {
    /// Whether it is about records of a kind. Places in account teams go to nobody unless they are named.
    pub(super) fn covers(&self, kind: Kind) -> bool {
        match self.of {
            Some(of) => self::kind(of) == kind,
            None => kind != PLACE.kind && (self.accounts.is_none() || account_of(kind).is_some()),
        }
    }

    fn field(&self, name: &str) -> String {
        if self.input.is_empty() { "newOwnerId".to_owned() } else { format!("{}.{name}", self.input) }
    }

    fn mistake(&self, name: &str, code: UserCode, message: impl Into<String>) -> UserError {
        UserError::new(code, &self.field(name), message)
    }
}

/// What somebody holds of a type.
#[derive(Clone, Copy, Debug)]
pub struct Holding {
    /// The type.
    pub of: HandoverType,
    /// Live records.
    pub live: i64,
    /// Archived records.
    pub archived: i64,
    /// The live ones for which no successor is named.
    pub left: i64,
    /// All that is dealt with, by going to a successor or, for places, by ending.
    pub total: i64,
}

/// What is known of those whom rules name, by one statement for each question, however many rules there are.
struct Named {
    /// The successors whom the caller sees.
    seen: HashSet<Uuid>,
    /// Those who have left.
    left: HashSet<Uuid>,
    /// What each may do.
    policies: HashMap<Uuid, Policy>,
    /// The accounts that the caller sees.
    accounts: HashSet<Uuid>,
}

impl Named {
    async fn by(rules: &[Rule], change: &Change) -> Result<Self> {
        let distinct = |ids: BTreeSet<Uuid>| ids.into_iter().collect::<Vec<_>>();
        let people = distinct(rules.iter().map(|rule| rule.to).collect());
        let accounts = distinct(rules.iter().flat_map(|rule| rule.accounts.iter().flatten().copied()).collect());
        let mut held: HashMap<Uuid, Vec<Policy>> = HashMap::new();
        for role in change.roles_held(&people).await? {
            held.entry(role.user.0).or_default().push(role.policy);
        }
        Ok(Self {
            seen: change.seen_among(Kind::User, &people).await?.into_iter().collect(),
            left: change.leavers(&people).await?.into_iter().collect(),
            policies: held.into_iter().map(|(user, policies)| (user, Policy::union(&policies))).collect(),
            accounts: change.seen_among(Kind::Account, &accounts).await?.into_iter().collect(),
        })
    }
}

/// What of a kind of record a plan deals with.
enum Covered {
    Nothing,
    /// What belongs to these accounts.
    At(Vec<Uuid>),
    All,
}

impl Plan {
    /// What of a kind it covers.
    fn covered(&self, kind: Kind) -> Covered {
        let rules = || self.rules.iter().filter(|rule| rule.covers(kind));
        if rules().any(|rule| rule.accounts.is_none()) {
            return Covered::All;
        }
        let accounts: Vec<Uuid> = rules().flat_map(|rule| rule.accounts.clone().unwrap_or_default()).collect();
        if accounts.is_empty() { Covered::Nothing } else { Covered::At(accounts) }
    }

    /// What somebody holds, by type, and what of it the plan deals with.
    pub(super) async fn holdings(&self, change: &Change, user: UserId) -> Result<Vec<Holding>> {
        let mut all = Vec::new();
        for of in HandoverType::iter() {
            let kind = kind(of);
            let mut holding = Holding { of, live: 0, archived: 0, left: 0, total: 0 };
            let holds: Vec<Hold> = OWNED.into_iter().chain([PLACE]).filter(|hold| hold.kind == kind).collect();
            for hold in holds {
                let (live, archived) = change.holdings(hold, user, None).await?;
                let archived = if matches!(kind, Kind::ApiKey | Kind::AccountTeamMember) { 0 } else { archived };
                let (given_live, given_archived) = match self.covered(kind) {
                    Covered::Nothing => (0, 0),
                    Covered::All => (live, archived),
                    Covered::At(accounts) => change.holdings(hold, user, Some(&accounts)).await?,
                };
                holding.live += live;
                holding.archived += archived;
                let left = live - given_live;
                holding.left += left;
                holding.total += if kind == PLACE.kind { live } else { given_live + given_archived };
            }
            all.push(holding);
        }
        Ok(all)
    }

    /// The mistakes in it, found before anything happens: successors must be somebody else who works here, whom the
    /// caller sees and who may see what they are to get.
    pub(super) async fn mistakes(&self, change: &Change, user: UserId, holdings: &[Holding]) -> Result<Vec<UserError>> {
        let named = Named::by(&self.rules, change).await?;
        let rules = self.rules.iter().enumerate();
        Ok(rules.filter_map(|rule| self.mistake_of(rule, &named, user, holdings)).collect())
    }

    fn mistake_of(
        &self,
        (place, rule): (usize, &Rule),
        named: &Named,
        user: UserId,
        holdings: &[Holding],
    ) -> Option<UserError> {
        if rule.to == user.0 {
            return Some(rule.mistake("toId", UserCode::Invalid, "The new owner must be another user."));
        }
        if !named.seen.contains(&rule.to) {
            return Some(rule.mistake("toId", UserCode::NotFound, "There is no User with this id, or it is archived."));
        }
        if named.left.contains(&rule.to) {
            let left = rule.mistake("toId", UserCode::Invalid, "The new owner is deactivated.");
            return Some(left.because("OWNER_DEACTIVATED"));
        }
        if let Some(accounts) = &rule.accounts {
            if let Some(of) = rule.of.filter(|of| account_of(kind(*of)).is_none()) {
                let message = format!("Records of type {} do not belong to an account.", of.as_str());
                return Some(rule.mistake("accountIds", UserCode::Invalid, message));
            }
            if accounts.iter().any(|account| !named.accounts.contains(account)) {
                let message = "At least one of these Accounts does not exist or is archived.";
                return Some(rule.mistake("accountIds", UserCode::NotFound, message));
            }
        }
        let reach = |kind| named.policies.get(&rule.to).map_or(Reach::None, |policy| policy.reach(kind, Action::Read));
        // What a rule before it takes altogether, this one does not get.
        let gets = |kind| {
            let taken = self.rules[..place].iter().any(|before| before.accounts.is_none() && before.covers(kind));
            rule.covers(kind) && !taken
        };
        for holding in holdings.iter().filter(|holding| gets(kind(holding.of)) && holding.total > 0) {
            // Who answers for an API key need not administer keys.
            let takes = if holding.of == HandoverType::AccountTeamMember { Kind::Account } else { kind(holding.of) };
            if takes != Kind::ApiKey && reach(takes) == Reach::None {
                let message = format!(
                    "The new owner does not have access to {} records; assign a role that permits it.",
                    takes.name()
                );
                let lacks = rule.mistake("toId", UserCode::Invalid, message);
                return Some(lacks.because("OWNER_WITHOUT_ACCESS"));
            }
        }
        None
    }

    /// Refuses to leave work with nobody to do it.
    pub(super) fn must_suffice(holdings: &[Holding]) -> Option<UserError> {
        let left: Vec<&Holding> = holdings
            .iter()
            .filter(|holding| holding.left > 0 && holding.of != HandoverType::AccountTeamMember)
            .collect();
        let owned: i64 = left.iter().map(|holding| holding.left).sum();
        if owned == 0 {
            return None;
        }
        let types: Vec<String> =
            left.iter().map(|holding| format!("{} {}", holding.left, holding.of.as_str())).collect();
        let message =
            format!("The user owns {owned} non-archived records ({}); a new owner is required.", types.join(", "));
        Some(UserError::new(UserCode::Required, "newOwnerId", message).because("NEW_OWNER_REQUIRED"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use entity::table::{Owner, Type};

    #[test]
    fn every_column_by_which_people_own_records_is_handed_over() {
        for table_kind in Kind::ALL {
            let table = table_kind.table();
            let columns: Vec<&str> = match table.owner {
                Owner::Columns(columns) => columns.to_vec(),
                Owner::Account { owner, .. } => owner.into_iter().collect(),
                Owner::Library { owner, .. } => vec![owner],
                _ => vec![],
            };
            // Who a person is, signed in and imported stays theirs.
            if matches!(table_kind, Kind::User | Kind::Session | Kind::ImportJob) {
                continue;
            }
            for column in columns {
                assert!(OWNED.contains(&Hold { kind: table_kind, column }), "{}.{column}", table_kind.name());
                assert!(HandoverType::iter().any(|of| kind(of) == table_kind), "{}", table_kind.name());
            }
        }
        for hold in OWNED {
            let field = hold.kind.table().column(hold.column).expect("a column");
            assert!(matches!(field.ty, Type::Key(Kind::User)), "{}.{}", hold.kind.name(), hold.column);
        }
    }

    #[test]
    fn the_column_of_the_account_is_the_one_that_leads_to_it() {
        for hold in OWNED.into_iter().chain([PLACE]) {
            let table = hold.kind.table();
            let field = table
                .fields
                .iter()
                .find(|field| matches!(field.ty, Type::Key(Kind::Account)) && field.column == "account_id");
            let expected = if hold.kind == Kind::Account { Some("id") } else { field.map(|field| field.column) };
            assert_eq!(account_of(hold.kind), expected, "{}", hold.kind.name());
        }
    }

    #[test]
    fn a_rule_without_a_type_is_about_all_that_people_own_and_about_no_places() {
        let rule = |of, accounts| Rule { of, accounts, to: Uuid::nil(), input: String::new() };
        assert!(rule(None, None).covers(Kind::Story) && !rule(None, None).covers(Kind::AccountTeamMember));
        let at = Some(vec![Uuid::nil()]);
        assert!(rule(None, at.clone()).covers(Kind::Deal) && !rule(None, at.clone()).covers(Kind::Story));
        assert!(rule(Some(HandoverType::AccountTeamMember), at).covers(Kind::AccountTeamMember));
    }

    #[test]
    fn a_plan_is_stored_and_read_back() {
        let rule = Rule { of: Some(HandoverType::Deal), accounts: None, to: Uuid::from_u128(7), input: "x".to_owned() };
        let stored = serde_json::to_value(Plan { rules: vec![rule] }).expect("it can be written");
        let read: Plan = serde_json::from_value(stored).expect("it can be read");
        assert_eq!((read.rules[0].of, read.rules[0].to), (Some(HandoverType::Deal), Uuid::from_u128(7)));
    }
}
