//! A decision in words that can be read aloud: pure.

use entity::{Kind, table::Owner};

use super::Share;
use crate::{
    access::{Action, Bond, Obstacle, Reach},
    store::Tie,
};

/// The most people or roles that a sentence names.
const NAMED: usize = 3;

/// What a decision is about.
pub(super) struct Case<'a> {
    pub person: &'a str,
    pub kind: Kind,
    /// What the record is called, if anything.
    pub record: Option<&'a str>,
    pub action: Action,
    /// The furthest reach of any role.
    pub reach: Reach,
    pub ties: &'a [Tie],
    pub obstacles: &'a [Obstacle],
    /// The records of which it is a part and that the person may not see.
    pub unseen: Vec<Kind>,
}

impl Case<'_> {
    /// Who may, or may not, do what, and why; one or two sentences.
    pub fn summary(&self, roles: &[Share]) -> String {
        let (person, verb, what) = (self.person, verb(self.action), self.what());
        let has = |obstacle| self.obstacles.contains(&obstacle);
        if has(Obstacle::PersonDeactivated) {
            return format!("{person} may not {verb} {what}: they are deactivated and may do nothing.");
        }
        if has(Obstacle::NoPermission) {
            let names: Vec<&str> = roles.iter().map(|role| role.name.as_str()).collect();
            let why = match names.as_slice() {
                [] => "they hold no role".to_owned(),
                [only] => format!("their only role, {only}, does not let them {verb} {}", self.plural()),
                _ => format!("none of their roles, {}, lets them {verb} {}", list(&names), self.plural()),
            };
            return format!("{person} may not {verb} {what}: {why}.");
        }
        let widest = roles.iter().filter(|role| role.reach == self.reach).map(|role| role.name.as_str());
        let widest: Vec<&str> = widest.collect();
        let lets = match widest.as_slice() {
            [one] => format!("the role {one} lets them {verb} {}", self.range(self.reach)),
            several => format!("the roles {} let them {verb} {}", list(several), self.range(self.reach)),
        };
        if self.obstacles.is_empty() {
            let belongs = self.belongs(self.reach).map_or_else(String::new, |why| format!(", and {why}"));
            return format!("{person} may {verb} {what}: {lets}{belongs}.");
        }
        if has(Obstacle::NotReadable) && !has(Obstacle::OutOfReach) && !has(Obstacle::ParentNotSeen) {
            let blind = format!("what they may not see they may not {verb}");
            return format!("{person} may not {verb} {what}: {lets}, but they may not see it. In Tandem, {blind}.");
        }
        let also = if has(Obstacle::NotReadable) { " They may not see it either." } else { "" };
        format!("{person} may not {verb} {what}: {lets}, but {}.{also}", self.beyond(self.reach))
    }

    /// Why one role covers the record, or does not.
    pub fn because(&self, reach: Reach, covers: bool) -> String {
        let verb = verb(self.action);
        if reach == Reach::None {
            return format!("It does not let them {verb} {}.", self.plural());
        }
        let range = self.range(reach);
        if !covers {
            return format!("It lets them {verb} {range}, but {}.", self.beyond(reach));
        }
        match self.belongs(reach) {
            Some(why) => format!("It lets them {verb} {range}, and {why}."),
            None => format!("It lets them {verb} {range}."),
        }
    }

    /// The record: `the account “Acme”`.
    fn what(&self) -> String {
        let kind = words(self.kind.name());
        match self.record {
            Some(name) => format!("the {kind} “{name}”"),
            None => format!("this {kind}"),
        }
    }

    /// Records of its kind: `accounts`.
    fn plural(&self) -> String {
        let kind = words(self.kind.name());
        match kind.strip_suffix('y') {
            Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
            _ => format!("{kind}s"),
        }
    }

    /// The records within a reach: `the accounts of their teams`.
    fn range(&self, reach: Reach) -> String {
        let plural = self.plural();
        match (reach, self.kind.table().owner) {
            (Reach::None, _) => format!("no {plural}"),
            (Reach::All, _) => format!("all {plural}"),
            (_, Owner::Subject) => format!("the {plural} of what they may see"),
            (Reach::Own, _) => format!("their own {plural}"),
            (Reach::Team, Owner::Library { .. }) => format!("their own {plural} and those of their department"),
            (Reach::Team, _) => format!("the {plural} of their teams"),
        }
    }

    /// Why a record within reach is; nothing where all are.
    fn belongs(&self, reach: Reach) -> Option<String> {
        if reach == Reach::All {
            return None;
        }
        if matches!(self.kind.table().owner, Owner::Subject) {
            return Some("they may see the record it is about".to_owned());
        }
        let team = reach == Reach::Team;
        let mut reasons: Vec<String> = Vec::new();
        for tie in self.ties.iter().filter(|tie| tie.own || team && tie.team) {
            let reason = match (&tie.name, tie.own) {
                _ if tie.bond == Bond::Department => "it belongs to their department".to_owned(),
                (_, true) => format!("they {}", self.bond(tie.bond, Person::They)),
                (Some(name), _) => format!("{name}, of their teams, {}", self.bond(tie.bond, Person::One)),
                (None, _) => format!("somebody of their teams {}", self.bond(tie.bond, Person::One)),
            };
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
        reasons.truncate(NAMED);
        let reasons: Vec<&str> = reasons.iter().map(String::as_str).collect();
        Some(match reasons.as_slice() {
            [] if team => "it belongs to their teams".to_owned(),
            [] => "it belongs to them".to_owned(),
            reasons => list(reasons),
        })
    }

    /// Why a record beyond a reach is.
    fn beyond(&self, reach: Reach) -> String {
        if let Some(parent) = self.unseen.first() {
            let parent = words(parent.name());
            let article = if parent.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
            return format!("it is a part of {article} {parent} that they may not see");
        }
        if matches!(self.kind.table().owner, Owner::Subject) {
            return "they may not see the record it is about".to_owned();
        }
        let mut names: Vec<&str> = Vec::new();
        for tie in self.ties {
            let name = match (&tie.name, tie.department) {
                (Some(name), _) => name.as_str(),
                (None, Some(_)) => "another department",
                (None, None) => "somebody else",
            };
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let more = names.len().saturating_sub(NAMED);
        names.truncate(NAMED);
        let owners = match more {
            0 => list(&names),
            more => format!("{} and {more} more", names.join(", ")),
        };
        match (names.is_empty(), reach, self.kind.table().owner) {
            (true, ..) => "it belongs to nobody".to_owned(),
            (_, Reach::Own, _) | (.., Owner::Library { .. }) => format!("it belongs to {owners}"),
            _ => format!("it belongs to {owners}, outside their teams"),
        }
    }

    /// What somebody has to do with the record.
    fn bond(&self, bond: Bond, person: Person) -> String {
        let (is, own, keep) = match person {
            Person::They => ("are", "own", "keep"),
            Person::One => ("is", "owns", "keeps"),
        };
        let account = if self.kind == Kind::Account { "its" } else { "its account's" };
        match bond {
            Bond::Themself => format!("{is} the person it is about"),
            Bond::Owner => format!("{own} it"),
            Bond::AccountOwner => format!("{own} its account"),
            Bond::AccountTeam => format!("{is} on {account} team"),
            Bond::Author => format!("{keep} it"),
            Bond::Department => format!("{is} of its department"),
        }
    }
}

/// Of whom a verb speaks.
#[derive(Clone, Copy)]
enum Person {
    /// They own.
    They,
    /// Ann owns.
    One,
}

const fn verb(action: Action) -> &'static str {
    match action {
        Action::Read => "see",
        Action::Create => "create",
        Action::Update => "change",
        Action::Delete => "archive",
        Action::Approve => "approve",
        Action::Assign => "give away",
        Action::Export => "export",
        Action::Import => "import",
        Action::Merge => "merge",
        Action::Erase => "erase",
        Action::Manage => "administer",
    }
}

/// `TargetAccountList` → `target account list`.
fn words(name: &str) -> String {
    let mut words = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(c.to_ascii_lowercase());
    }
    words
}

/// `Ann, Bob and Cleo`.
fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use entity::role::RoleId;
    use sea_orm::prelude::Uuid;

    use super::*;

    fn tie(bond: Bond, name: &str, (own, team): (bool, bool)) -> Tie {
        Tie { bond, user: None, name: Some(name.to_owned()), department: None, own, team }
    }

    fn said(kind: Kind, reach: Reach, ties: &[Tie], obstacles: &[Obstacle]) -> (String, String) {
        let unseen = if obstacles.contains(&Obstacle::ParentNotSeen) { vec![Kind::Account] } else { vec![] };
        let action = Action::Update;
        let case = Case { person: "Sam", kind, record: Some("Acme"), action, reach, ties, obstacles, unseen };
        let because = case.because(reach, obstacles.is_empty());
        let share = Share {
            role: RoleId(Uuid::nil()),
            name: "Rep".to_owned(),
            reach,
            covers: obstacles.is_empty(),
            because: because.clone(),
        };
        (case.summary(&[share]), because)
    }

    #[test]
    fn who_may_is_told_by_what() {
        let mine = [tie(Bond::Owner, "Sam", (true, true)), tie(Bond::AccountTeam, "Tia", (false, true))];
        let (summary, because) = said(Kind::Account, Reach::Own, &mine, &[]);
        assert_eq!(
            summary,
            "Sam may change the account “Acme”: the role Rep lets them change their own accounts, and they own it."
        );
        assert_eq!(because, "It lets them change their own accounts, and they own it.");
        let (summary, _) = said(Kind::Account, Reach::Team, &mine, &[]);
        assert!(
            summary.ends_with("the accounts of their teams, and they own it and Tia, of their teams, is on its team."),
            "{summary}"
        );
        let (summary, _) = said(Kind::Story, Reach::All, &[], &[]);
        assert_eq!(summary, "Sam may change the story “Acme”: the role Rep lets them change all stories.");
    }

    #[test]
    fn who_may_not_is_told_why() {
        let others = [tie(Bond::Owner, "Otto", (false, false)), tie(Bond::AccountOwner, "Otto", (false, false))];
        let (summary, _) = said(Kind::Deal, Reach::Own, &others, &[Obstacle::OutOfReach]);
        assert_eq!(
            summary,
            "Sam may not change the deal “Acme”: the role Rep lets them change their own deals, but it belongs to Otto."
        );
        let (summary, _) = said(Kind::Deal, Reach::Team, &others, &[Obstacle::OutOfReach, Obstacle::NotReadable]);
        assert!(
            summary.ends_with("but it belongs to Otto, outside their teams. They may not see it either."),
            "{summary}"
        );
        let (summary, _) = said(Kind::Pipeline, Reach::Team, &[], &[Obstacle::OutOfReach]);
        assert!(summary.ends_with("the pipelines of their teams, but it belongs to nobody."), "{summary}");
        let (summary, because) = said(Kind::Deal, Reach::None, &others, &[Obstacle::NoPermission]);
        assert_eq!(
            summary,
            "Sam may not change the deal “Acme”: their only role, Rep, does not let them change deals."
        );
        assert_eq!(because, "It does not let them change deals.");
        let (summary, _) = said(Kind::AccountDomain, Reach::All, &[], &[Obstacle::ParentNotSeen]);
        assert!(
            summary.ends_with("all account domains, but it is a part of an account that they may not see."),
            "{summary}"
        );
        let (summary, _) = said(Kind::Deal, Reach::All, &[], &[Obstacle::NotReadable]);
        assert!(
            summary
                .ends_with("all deals, but they may not see it. In Tandem, what they may not see they may not change."),
            "{summary}"
        );
        let (summary, _) = said(Kind::Deal, Reach::All, &[], &[Obstacle::PersonDeactivated]);
        assert_eq!(summary, "Sam may not change the deal “Acme”: they are deactivated and may do nothing.");
    }

    #[test]
    fn kinds_are_spoken_as_words() {
        let plural = |kind| {
            Case {
                person: "",
                kind,
                record: None,
                action: Action::Read,
                reach: Reach::All,
                ties: &[],
                obstacles: &[],
                unseen: vec![],
            }
            .plural()
        };
        assert_eq!(words("TargetAccountList"), "target account list");
        assert_eq!((plural(Kind::Story), plural(Kind::ApiKey)), ("stories".to_owned(), "api keys".to_owned()));
    }
}
