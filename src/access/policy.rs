//! Roles as data, compiled to what an actor may do.

use std::{collections::BTreeSet, sync::Arc};

use entity::{Kind, table::Source};

use super::{Action, Reach};

/// One permission of a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// On which records.
    pub kind: Kind,
    /// What may be done.
    pub action: Action,
    /// How far.
    pub reach: Reach,
}

impl Grant {
    /// As a role's row spells it: `Account:UPDATE:OWN`.
    #[must_use]
    pub fn encode(&self) -> String {
        format!("{}:{}:{}", self.kind.name(), self.action.as_str(), self.reach.as_str())
    }

    /// Reads what [`Grant::encoded`] wrote; nothing where this version does not know it.
    #[must_use]
    pub fn read(encoded: &str) -> Option<Self> {
        let mut parts = encoded.split(':');
        let (kind, action, reach) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self { kind: Kind::named(kind)?, action: Action::parse(action)?, reach: Reach::parse(reach)? })
    }
}

/// What a role says of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldRule {
    /// It cannot be seen.
    Hidden,
    /// It can be seen and not changed.
    ReadOnly,
}

impl FieldRule {
    /// A rule of one field as a role's row spells it: `Deal:amount:HIDDEN`.
    #[must_use]
    pub fn encode(self, kind: Kind, field: &str) -> String {
        format!("{}:{field}:{}", kind.name(), self.as_str())
    }

    /// Reads what [`FieldRule::encoded`] wrote; nothing where this version does not know it.
    #[must_use]
    pub fn read(encoded: &str) -> Option<(Kind, String, Self)> {
        let mut parts = encoded.split(':');
        let (kind, field, rule) = (parts.next()?, parts.next()?, parts.next()?);
        Some((Kind::named(kind)?, field.to_owned(), Self::parse(rule)?))
    }
}

/// What an actor may do: a reach per kind and action, and the fields kept from them.
/// Cheap to clone: every request carries one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy(Arc<Rules>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rules {
    cells: [[Reach; Action::ALL.len()]; Kind::ALL.len()],
    /// The fields that roles hide, and these with what follows from them.
    said: Vec<BTreeSet<String>>,
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

    /// The policy of one role, as its row spells it. What an older or newer version wrote and this
    /// one does not know grants nothing.
    #[must_use]
    pub fn encode(grants: &[String], field_rules: &[String]) -> Self {
        let grants: Vec<Grant> = grants.iter().filter_map(|text| Grant::read(text)).collect();
        let fields: Vec<_> = field_rules.iter().filter_map(|text| FieldRule::read(text)).collect();
        Self::of(&grants, &fields)
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
                rules.said[kind].insert(field.clone());
            }
            rules.read_only[kind].insert(field.clone());
        }
        rules.follow();
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
            union.said[k] = common(
                roles.iter().filter(|role| role.reach(kind, Action::Read) > Reach::None).map(|role| &role.0.said[k]),
            );
            let writers = roles.iter().filter(|role| {
                role.reach(kind, Action::Update) > Reach::None || role.reach(kind, Action::Create) > Reach::None
            });
            union.read_only[k] = common(writers.map(|role| &role.0.read_only[k]));
        }
        union.follow();
        Self(Arc::new(union))
    }

    /// The same but for one action on one kind.
    #[must_use]
    pub fn with(&self, kind: Kind, action: Action, reach: Reach) -> Self {
        let mut rules = (*self.0).clone();
        rules.cells[kind as usize][action as usize] = reach;
        Self(Arc::new(rules))
    }

    /// The same without what goes to one's own and one's teams' records of a kind.
    #[must_use]
    pub fn without_own(&self, kind: Kind) -> Self {
        let mut rules = (*self.0).clone();
        for cell in rules.cells[kind as usize].iter_mut().filter(|cell| **cell < Reach::All) {
            *cell = Reach::None;
        }
        Self(Arc::new(rules))
    }

    /// The same with ALL for whatever goes anywhere by these actions: somebody else's own records, and those of
    /// their teams, are not one's own. One's sign-ins are nobody else's concern either way.
    #[must_use]
    pub fn widened(&self, actions: &[Action]) -> Self {
        let mut rules = (*self.0).clone();
        for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Session) {
            for action in actions {
                let cell = &mut rules.cells[kind as usize][*action as usize];
                if *cell > Reach::None {
                    *cell = Reach::All;
                }
            }
        }
        Self(Arc::new(rules))
    }

    /// What `self` would let its holder do beyond `held`, where it did not let them before: nobody
    /// grants what they do not hold.
    #[must_use]
    pub fn excess(&self, before: &Self, held: &Self) -> Vec<Excess> {
        let mut excess = Vec::new();
        for kind in Kind::ALL {
            for action in Action::ALL {
                let reach = self.reach(kind, action);
                if reach > before.reach(kind, action) && reach > held.reach(kind, action) {
                    excess.push(Excess::Action(Grant { kind, action, reach }));
                }
            }
            // A field comes to sight on as many records as are within reach: these must be within one's own as well,
            // also where it could be seen before on fewer. Without fields that are kept, the actions say it all.
            let sight = |policy: &Self, field| policy.sight(kind, field);
            let kept: BTreeSet<&str> = before
                .hidden(kind)
                .filter(|_| before.reach(kind, Action::Read) > Reach::None)
                .chain(held.hidden(kind))
                .collect();
            let uncovered = kept
                .into_iter()
                .filter(|field| sight(self, field) > sight(before, field) && sight(self, field) > sight(held, field));
            excess.extend(uncovered.map(|field| Excess::Sight(kind, field.to_owned())));
            let change = |policy: &Self, field| policy.change(kind, field);
            let unlocked = held.read_only(kind).filter(|field| {
                change(self, field) > change(before, field) && change(self, field) > change(held, field)
            });
            excess.extend(unlocked.map(|field| Excess::Change(kind, field.to_owned())));
        }
        excess
    }

    /// How far an action goes on records of a kind.
    #[must_use]
    pub fn reach(&self, kind: Kind, action: Action) -> Reach {
        self.0.cells[kind as usize][action as usize]
    }

    /// On how many records a field can be seen.
    fn sight(&self, kind: Kind, field: &str) -> Reach {
        if self.hides(kind, field) { Reach::None } else { self.reach(kind, Action::Read) }
    }

    /// On how many records a field can be set.
    fn change(&self, kind: Kind, field: &str) -> Reach {
        let widest = self.reach(kind, Action::Create).max(self.reach(kind, Action::Update));
        if self.locks(kind, field) { Reach::None } else { widest }
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

/// Something that a policy permits and another does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Excess {
    /// An action, or its reach.
    Action(Grant),
    /// To see a field.
    Sight(Kind, String),
    /// To change a field.
    Change(Kind, String),
}

impl std::fmt::Display for Excess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Action(grant) => f.write_str(&grant.encode()),
            Self::Sight(kind, field) => write!(f, "read access to {}.{field}", kind.name()),
            Self::Change(kind, field) => write!(f, "write access to {}.{field}", kind.name()),
        }
    }
}

impl Rules {
    /// What must be hidden because something else is: what is computed from it, and the account that events name, so
    /// that of a deal, say, cannot be kept secret by the deal alone.
    fn follow(&mut self) {
        const ACCOUNT: &str = "account";
        self.hidden.clone_from(&self.said);
        for kind in Kind::ALL {
            let (table, hidden) = (kind.table(), &mut self.hidden[kind as usize]);
            for field in &table.computed {
                let Source::Expression { of, .. } = field.source else { continue };
                let mut parts = of.iter().filter_map(|column| table.column(column));
                if parts.any(|part| hidden.contains(part.event_name())) {
                    hidden.insert(field.name.clone());
                }
            }
        }
        if Kind::ALL.into_iter().any(|kind| kind != Kind::Event && self.hidden[kind as usize].contains(ACCOUNT)) {
            self.hidden[Kind::Event as usize].insert(ACCOUNT.to_owned());
        }
    }

    fn nothing() -> Self {
        let none = vec![BTreeSet::new(); Kind::ALL.len()];
        Self { cells: Default::default(), said: none.clone(), hidden: none.clone(), read_only: none }
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
    fn nobody_grants_what_they_do_not_hold() {
        let (wide, narrow) = (role(Reach::All, &[]), role(Reach::Own, &["amount"]));
        assert_eq!(narrow.excess(&Policy::nothing(), &wide), []);
        let beyond = wide.excess(&Policy::nothing(), &narrow);
        let grant = Grant { kind: Kind::Deal, action: Action::Read, reach: Reach::All };
        assert_eq!(beyond, [Excess::Action(grant), Excess::Sight(Kind::Deal, "amount".to_owned())]);
        assert_eq!(wide.excess(&wide, &narrow), [], "what it permitted before is not granted anew");
        assert_eq!(narrow.excess(&narrow, &Policy::nothing()), []);
    }

    #[test]
    fn a_field_comes_to_sight_by_whom_may_see_it_as_widely() {
        let (kept, shown) = (role(Reach::All, &["amount"]), role(Reach::All, &[]));
        let beyond = [Excess::Sight(Kind::Deal, "amount".to_owned())];
        assert_eq!(shown.excess(&kept, &role(Reach::Team, &[])), beyond);
        assert_eq!(shown.excess(&kept, &role(Reach::All, &[])), []);
    }

    #[test]
    fn a_field_is_not_carried_further_by_whom_does_not_see_it() {
        let (near, far, kept) = (role(Reach::Own, &[]), role(Reach::All, &[]), role(Reach::All, &["amount"]));
        assert_eq!(far.excess(&near, &kept), [Excess::Sight(Kind::Deal, "amount".to_owned())]);
        assert_eq!(far.excess(&near, &far), []);
    }

    #[test]
    fn events_do_not_tell_the_account_that_a_record_hides() {
        let keeps = role(Reach::All, &["account"]);
        assert!(keeps.hides(Kind::Event, "account"));
        let shows = Policy::union(&[keeps, role(Reach::All, &[])]);
        assert!(!shows.hides(Kind::Event, "account"));
    }

    #[test]
    fn what_is_spelled_reads_back() {
        let grant = Grant { kind: Kind::Deal, action: Action::Read, reach: Reach::Team };
        assert_eq!(Grant::read(&grant.encode()), Some(grant));
        let rule = FieldRule::Hidden.encode(Kind::Deal, "amount");
        assert_eq!(FieldRule::read(&rule), Some((Kind::Deal, "amount".to_owned(), FieldRule::Hidden)));
        assert_eq!(Grant::read("Unheard:READ:ALL"), None);
    }

    #[test]
    fn a_role_that_cannot_see_the_record_does_not_uncover_its_fields() {
        let both = Policy::union(&[role(Reach::Own, &["amount"]), role(Reach::None, &[])]);
        assert!(both.hides(Kind::Deal, "amount"));
    }
}
