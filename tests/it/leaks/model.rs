//! Who sees which records, written from the definition of reach in the documentation: OWN is whoever a
//! record belongs to, TEAM their team-mates and all teams below, a part is seen where what it is part
//! of is seen. It knows nothing but what an administrator reads.

use std::collections::BTreeSet;

use entity::{Kind, table::Join};
use serde_json::{Value, json};
use tandem::access::{
    Action,
    Reach::{self, All, None as Nowhere, Own, Team},
    has_effect,
};

use super::{
    plain::{Plain, Row, live, text},
    roles::Roles,
};

/// One person before all records.
pub struct Model<'a> {
    all: &'a Plain,
    roles: &'a Roles,
    me: &'a str,
    department: &'a str,
    today: &'a str,
    mates: BTreeSet<&'a str>,
}

impl<'a> Model<'a> {
    /// Of somebody who holds these roles, on a day.
    pub fn new(all: &'a Plain, roles: &'a Roles, (me, department): (&'a str, &'a str), today: &'a str) -> Self {
        let mut model = Self { all, roles, me, department, today, mates: BTreeSet::from([me]) };
        let places = || all.of(Kind::TeamMembership).filter(|row| live(row));
        let is_live = |team: &str| all.row(team).is_some_and(|(_, team)| live(team));
        let mut teams: BTreeSet<&str> = places()
            .filter(|row| text(row, "user") == Some(me))
            .filter_map(|row| text(row, "team"))
            .filter(|team| is_live(team))
            .collect();
        loop {
            let below = all.of(Kind::Team).filter(|team| live(team));
            let below = below.filter(|team| text(team, "parent").is_some_and(|parent| teams.contains(parent)));
            let wider: BTreeSet<&str> =
                teams.iter().copied().chain(below.filter_map(|team| text(team, "id"))).collect();
            if wider == teams {
                break;
            }
            teams = wider;
        }
        let mates = places().filter(|row| text(row, "team").is_some_and(|team| teams.contains(team)));
        model.mates.extend(mates.filter_map(|row| text(row, "user")));
        model
    }

    /// What they find: the records they may see, without what is hidden and what leads out of sight.
    pub fn plain(&self) -> Plain {
        let mut plain = Plain::default();
        for kind in Kind::ALL {
            let seen = self.all.of(kind).filter(|row| self.sees(kind, row)).map(|row| self.shown(kind, row));
            plain.0.insert(kind, seen.map(|row| (text(&row, "id").unwrap_or_default().to_owned(), row)).collect());
        }
        plain
    }

    fn shown(&self, kind: Kind, row: &Row) -> Row {
        let mut row = row.clone();
        let hidden = self.roles.hidden(kind);
        for (name, value) in &mut row {
            if hidden.contains(name.as_str()) {
                *value = Value::Null;
            }
        }
        for link in &kind.table().links {
            let leads_to = match link.join {
                Join::One { .. } => text(&row, &link.name),
                Join::Subject => row[&link.name]["id"].as_str(),
                _ => continue,
            };
            if leads_to.is_some_and(|id| !self.sees_id(id)) {
                row.insert(link.name.clone(), Value::Null);
            }
        }
        row.insert("hiddenFields".to_owned(), json!(hidden));
        let name = self.name(kind, &row).map_or(Value::Null, |name| json!(name));
        row.insert("displayName".to_owned(), name);
        let may = |action| {
            has_effect(kind, action)
                && self.may(kind, self.all.0[&kind].get(text(&row, "id").unwrap_or_default()).unwrap_or(&row), action)
        };
        let can = json!({
            "update": may(Action::Update), "delete": may(Action::Delete), "assign": may(Action::Assign),
            "export": may(Action::Export), "manage": may(Action::Manage),
        });
        row.insert("viewerCan".to_owned(), can);
        row
    }

    /// What a record is called as far as they see it: by a text of its own, or by that of the record it ties to another.
    fn name<'r>(&'r self, kind: Kind, row: &'r Row) -> Option<&'r str> {
        let other = match kind {
            Kind::Story => return text(row, "title"),
            Kind::AccountDomain => return text(row, "domain"),
            Kind::ImportJob => return text(row, "fileName"),
            Kind::AccountContact => "contact",
            Kind::AccountTeamMember | Kind::Session | Kind::TeamMembership => "user",
            Kind::TargetAccountListMember => "account",
            Kind::RoleAssignment => "role",
            _ => return text(row, "name"),
        };
        let (kind, other) = self.all.row(text(row, other)?)?;
        if self.roles.hides(kind, "name") { None } else { text(other, "name") }
    }

    fn sees_id(&self, id: &str) -> bool {
        self.all.row(id).is_some_and(|(kind, row)| self.sees(kind, row))
    }

    /// Whether they may see a record.
    pub fn sees(&self, kind: Kind, row: &Row) -> bool {
        self.may(kind, row, Action::Read)
    }

    /// Whether their reach for an action covers a record.
    pub fn may(&self, kind: Kind, row: &Row, action: Action) -> bool {
        let reach = self.roles.reach(kind, action);
        let parents = parts(kind);
        if reach == Nowhere {
            return false;
        }
        if kind == Kind::Event {
            return row["subject"]["id"].as_str().is_some_and(|id| self.sees_id(id));
        }
        let near = reach == All || self.belongs(kind, row, reach);
        near && parents.iter().all(|link| text(row, link).is_some_and(|id| self.sees_id(id)))
    }

    /// Whether a record belongs to them (OWN) or to those their teams cover (TEAM).
    fn belongs(&self, kind: Kind, row: &Row, reach: Reach) -> bool {
        let whose = |link: &str| text(row, link).is_some_and(|user| self.covers(user, reach));
        let account = |link: &str| text(row, link).is_some_and(|account| self.has_account(account, reach));
        match kind {
            Kind::Role | Kind::Team | Kind::Pipeline | Kind::Event => false,
            Kind::User => whose("id"),
            Kind::Session | Kind::ImportJob => whose("user"),
            Kind::ApiKey => whose("owner"),
            Kind::TargetAccountList => whose("marketingOwner") || whose("salesOwner"),
            Kind::Account => account("id"),
            Kind::Lead | Kind::Deal => whose("owner") || account("account"),
            Kind::Contact => self.all.of(Kind::AccountContact).any(|place| {
                let current = text(place, "until").is_none_or(|until| until >= self.today)
                    && text(place, "since").is_none_or(|since| since <= self.today);
                live(place)
                    && current
                    && place["contact"] == row["id"]
                    && text(place, "account").is_some_and(|account| self.has_account(account, reach))
            }),
            Kind::Persona | Kind::Story => {
                text(row, "owner") == Some(self.me) || reach == Team && text(row, "department") == Some(self.department)
            }
            Kind::RoleAssignment
            | Kind::TeamMembership
            | Kind::AccountDomain
            | Kind::AccountTeamMember
            | Kind::AccountContact
            | Kind::TargetAccountListMember
            | Kind::Stage => {
                let parent = text(row, parts(kind)[0]).and_then(|id| self.all.row(id));
                parent.is_some_and(|(kind, row)| self.belongs(kind, row, reach))
            }
        }
    }

    fn covers(&self, user: &str, reach: Reach) -> bool {
        if reach == Own { user == self.me } else { self.mates.contains(user) }
    }

    /// Whether an account is owned by one of them or has one of them in its team.
    fn has_account(&self, account: &str, reach: Reach) -> bool {
        let owner = self.all.row(account).and_then(|(_, account)| text(account, "owner"));
        let mut team = self.all.of(Kind::AccountTeamMember).filter(|place| live(place) && place["account"] == account);
        owner.is_some_and(|owner| self.covers(owner, reach))
            || team.any(|place| text(place, "user").is_some_and(|user| self.covers(user, reach)))
    }
}

/// The links to what a record is part of; it belongs to whom the first belongs to.
fn parts(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::RoleAssignment => &["role", "user"],
        Kind::TeamMembership => &["team", "user"],
        Kind::AccountDomain => &["account"],
        Kind::AccountTeamMember => &["account", "user"],
        Kind::AccountContact => &["account", "contact"],
        Kind::TargetAccountListMember => &["list", "account"],
        Kind::Stage => &["pipeline"],
        _ => &[],
    }
}
