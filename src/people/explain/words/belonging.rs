//! To whom a record belongs, in words: why it is within somebody's reach, or beyond it.

use entity::{Kind, table::Owner};

use super::{Case, NAMED, phrases::list};
use crate::{
    access::{Bond, Reach},
    text::words,
};

/// Of whom a verb speaks.
#[derive(Clone, Copy)]
enum Person {
    /// They own.
    They,
    /// Ann owns.
    One,
}

impl Case<'_> {
    /// Why a record within reach is; nothing where all are.
    pub(super) fn belongs(&self, reach: Reach) -> Option<String> {
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
                (None, _) => {
                    format!("somebody of their teams, whom you cannot see, {}", self.bond(tie.bond, Person::One))
                }
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
    pub(super) fn beyond(&self, reach: Reach) -> String {
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
                (None, None) => "somebody whom you may not see",
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
        let known = if self.all_told { "" } else { "as far as you may see, " };
        match (names.is_empty(), reach, self.kind.table().owner) {
            (true, ..) if self.all_told => "it belongs to nobody".to_owned(),
            (true, Reach::Team, _) => {
                "it does not belong to their teams; to whom it belongs, if anybody, you may not see".to_owned()
            }
            (true, ..) => "it does not belong to them; to whom it belongs, if anybody, you may not see".to_owned(),
            (_, Reach::Own, _) | (.., Owner::Library { .. }) => format!("{known}it belongs to {owners}"),
            _ => format!("{known}it belongs to {owners}, outside their teams"),
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
