//! A decision in words that can be read aloud: pure.

mod belonging;
mod phrases;

use entity::{Kind, table::Owner};

use self::phrases::{list, plural, verb};
use super::Share;
use crate::{
    access::{Action, Obstacle, Reach},
    store::Tie,
    text::words,
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
    /// Whether the reader may know of everybody to whom it belongs.
    pub all_told: bool,
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
                [only] => format!("their only role, {only}, does not let them {verb} {}", plural(self.kind)),
                _ => format!("none of their roles, {}, lets them {verb} {}", list(&names), plural(self.kind)),
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
            return format!("It does not let them {verb} {}.", plural(self.kind));
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

    /// The records within a reach: `the accounts of their teams`.
    fn range(&self, reach: Reach) -> String {
        let plural = plural(self.kind);
        match (reach, self.kind.table().owner) {
            (Reach::None, _) => format!("no {plural}"),
            (Reach::All, _) => format!("all {plural}"),
            (_, Owner::Subject) => format!("the {plural} of what they may see"),
            (Reach::Own, _) => format!("their own {plural}"),
            (Reach::Team, Owner::Library { .. }) => format!("their own {plural} and those of their department"),
            (Reach::Team, _) => format!("the {plural} of their teams"),
        }
    }
}

#[cfg(test)]
mod tests {
    use entity::role::RoleId;
    use sea_orm::prelude::Uuid;

    use super::*;
    use crate::access::Bond;

    fn tie(bond: Bond, name: &str, (own, team): (bool, bool)) -> Tie {
        Tie { bond, user: None, name: Some(name.to_owned()), department: None, own, team }
    }

    fn said(kind: Kind, reach: Reach, ties: &[Tie], obstacles: &[Obstacle]) -> (String, String) {
        told((kind, reach), ties, obstacles, true)
    }

    fn told((kind, reach): (Kind, Reach), ties: &[Tie], obstacles: &[Obstacle], all_told: bool) -> (String, String) {
        let unseen = if obstacles.contains(&Obstacle::ParentNotSeen) { vec![Kind::Account] } else { vec![] };
        let action = Action::Update;
        let record = Some("Acme");
        let case = Case { person: "Sam", kind, record, action, reach, ties, all_told, obstacles, unseen };
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
    fn belonging_to_nobody_is_not_said_of_what_the_reader_may_not_know() {
        let beyond = [Obstacle::OutOfReach];
        let (summary, because) = told((Kind::Deal, Reach::Own), &[], &beyond, true);
        assert!(summary.ends_with("but it belongs to nobody."), "{summary}");
        assert!(because.ends_with("but it belongs to nobody."), "{because}");
        let (summary, because) = told((Kind::Deal, Reach::Own), &[], &beyond, false);
        let words = "but it does not belong to them; to whom it belongs, if anybody, you may not see.";
        assert!(summary.ends_with(words), "{summary}");
        assert!(because.ends_with(words), "{because}");
        let unnamed = Tie { name: None, ..tie(Bond::Owner, "", (false, false)) };
        let (summary, _) = told((Kind::Deal, Reach::Team), &[unnamed], &beyond, true);
        assert!(
            summary.ends_with("but it belongs to somebody whom you may not see, outside their teams."),
            "{summary}"
        );
        let otto = [tie(Bond::Owner, "Otto", (false, false))];
        let (summary, _) = told((Kind::Deal, Reach::Own), &otto, &beyond, false);
        assert!(summary.ends_with("but as far as you may see, it belongs to Otto."), "{summary}");
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
}
