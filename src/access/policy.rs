//! Roles as data, compiled to what an actor may do.

use std::{collections::BTreeSet, sync::Arc};

use entity::Kind;

use super::{Action, Reach};

/// One permission of a role: a row of `role_permission`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// On which records.
    pub kind: Kind,
    /// What may be done.
    pub action: Action,
    /// How far.
    pub reach: Reach,
}

/// What a role says of one field: a row of `role_field`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldRule {
    /// It cannot be seen.
    Hidden,
    /// It can be seen and not changed.
    ReadOnly,
}

impl FieldRule {
    /// Its name in storage.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hidden => "HIDDEN",
            Self::ReadOnly => "READ_ONLY",
        }
    }

    /// The rule of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "HIDDEN" => Some(Self::Hidden),
            "READ_ONLY" => Some(Self::ReadOnly),
            _ => None,
        }
    }
}

/// What an actor may do: a reach per kind and action, and the fields kept from them.
/// Cheap to clone: every request carries one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy(Arc<Rules>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rules {
    cells: [[Reach; Action::ALL.len()]; Kind::ALL.len()],
    hidden: Vec<BTreeSet<String>>,
    read_only: Vec<BTreeSet<String>>,
}

impl Policy {
    /// Nothing at all.
    #[must_use]
    pub fn nothing() -> Self {
        Self(Arc::new(Rules::nothing()))
    }

    /// Everything.
    #[must_use]
    pub fn everything() -> Self {
        let mut rules = Rules::nothing();
        rules.cells = [[Reach::All; Action::ALL.len()]; Kind::ALL.len()];
        Self(Arc::new(rules))
    }

    /// The policy of one role.
    #[must_use]
    pub fn of(grants: &[Grant], fields: &[(Kind, String, FieldRule)]) -> Self {
        let mut rules = Rules::nothing();
        for grant in grants {
            rules.cells[grant.kind as usize][grant.action as usize] = grant.reach;
        }
        for (kind, field, rule) in fields {
            let kind = *kind as usize;
            if *rule == FieldRule::Hidden {
                rules.hidden[kind].insert(field.clone());
            }
            rules.read_only[kind].insert(field.clone());
        }
        Self(Arc::new(rules))
    }

    /// What the holder of several roles may do: the furthest reach of any; a field is kept from
    /// them only where every role that lets them see (or change) the record keeps it.
    #[must_use]
    pub fn union(roles: &[Self]) -> Self {
        let mut union = Rules::nothing();
        for kind in Kind::ALL {
            let k = kind as usize;
            for (a, cell) in union.cells[k].iter_mut().enumerate() {
                *cell = roles.iter().map(|role| role.0.cells[k][a]).max().unwrap_or_default();
            }
            union.hidden[k] = common(
                roles.iter().filter(|role| role.reach(kind, Action::Read) > Reach::None).map(|role| &role.0.hidden[k]),
            );
            let writers = roles.iter().filter(|role| {
                role.reach(kind, Action::Update) > Reach::None || role.reach(kind, Action::Create) > Reach::None
            });
            union.read_only[k] = common(writers.map(|role| &role.0.read_only[k]));
        }
        Self(Arc::new(union))
    }

    /// How far an action goes on records of a kind.
    #[must_use]
    pub fn reach(&self, kind: Kind, action: Action) -> Reach {
        self.0.cells[kind as usize][action as usize]
    }

    /// Whether a field or link of this API name is kept from sight.
    #[must_use]
    pub fn hides(&self, kind: Kind, name: &str) -> bool {
        let hidden = &self.0.hidden[kind as usize];
        !hidden.is_empty() && hidden.contains(name)
    }

    /// Whether a field or link of this API name may not be changed.
    #[must_use]
    pub fn locks(&self, kind: Kind, name: &str) -> bool {
        self.hides(kind, name) || self.0.read_only[kind as usize].contains(name)
    }

    /// The hidden fields of a kind, in alphabetical order.
    pub fn hidden(&self, kind: Kind) -> impl Iterator<Item = &str> {
        self.0.hidden[kind as usize].iter().map(String::as_str)
    }

    /// The fields of a kind that can be seen but not changed, in alphabetical order.
    pub fn read_only(&self, kind: Kind) -> impl Iterator<Item = &str> {
        self.0.read_only[kind as usize].iter().map(String::as_str)
    }
}

impl Rules {
    fn nothing() -> Self {
        let none = vec![BTreeSet::new(); Kind::ALL.len()];
        Self { cells: Default::default(), hidden: none.clone(), read_only: none }
    }
}

fn common<'a>(mut sets: impl Iterator<Item = &'a BTreeSet<String>>) -> BTreeSet<String> {
    let Some(first) = sets.next() else { return BTreeSet::new() };
    sets.fold(first.clone(), |common, set| common.intersection(set).cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(reach: Reach, hidden: &[&str]) -> Policy {
        let fields: Vec<_> = hidden.iter().map(|field| (Kind::Deal, (*field).to_owned(), FieldRule::Hidden)).collect();
        Policy::of(&[Grant { kind: Kind::Deal, action: Action::Read, reach }], &fields)
    }

    #[test]
    fn roles_add_up_and_never_take_away() {
        let both = Policy::union(&[role(Reach::Own, &["amount"]), role(Reach::Team, &[])]);
        assert_eq!(both.reach(Kind::Deal, Action::Read), Reach::Team);
        assert!(!both.hides(Kind::Deal, "amount"));
        assert_eq!(both.reach(Kind::Lead, Action::Read), Reach::None);
    }

    #[test]
    fn a_role_that_cannot_see_the_record_does_not_uncover_its_fields() {
        let both = Policy::union(&[role(Reach::Own, &["amount"]), role(Reach::None, &[])]);
        assert!(both.hides(Kind::Deal, "amount"));
    }
}
