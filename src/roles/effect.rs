//! What the difference between two policies means to whoever holds them: pure.

use entity::Kind;

use crate::access::{Action, Policy, Reach};

/// One permission that reaches further or less far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shift {
    /// On which records.
    pub kind: Kind,
    /// What may be done.
    pub action: Action,
    /// How far it went.
    pub from: Reach,
    /// How far it goes.
    pub to: Reach,
    /// How many records that adds or removes, where it is known.
    pub records: Option<i64>,
}

/// What somebody gains and loses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// Permissions that reach further.
    pub gains: Vec<Shift>,
    /// Permissions that reach less far.
    pub losses: Vec<Shift>,
    /// Fields that come to sight.
    pub uncovered: Vec<(Kind, String)>,
    /// Fields that go out of sight.
    pub hidden: Vec<(Kind, String)>,
    /// Fields that can be changed now.
    pub unlocked: Vec<(Kind, String)>,
    /// Fields that cannot be changed any more.
    pub locked: Vec<(Kind, String)>,
}

impl Effect {
    /// Of going from one policy to another.
    #[must_use]
    pub fn between(before: &Policy, after: &Policy) -> Self {
        let mut effect = Self::default();
        for kind in Kind::ALL {
            for action in Action::ALL {
                let (from, to) = (before.reach(kind, action), after.reach(kind, action));
                let shift = Shift { kind, action, from, to, records: None };
                if to > from {
                    effect.gains.push(shift);
                } else if to < from {
                    effect.losses.push(shift);
                }
            }
            effect.compare_fields(kind, before, after);
        }
        effect
    }

    /// Fields of records that could be seen (changed) before and still can: of others there is
    /// nothing to cover or uncover.
    fn compare_fields(&mut self, kind: Kind, before: &Policy, after: &Policy) {
        let named = |fields: Vec<&str>| fields.into_iter().map(|field| (kind, field.to_owned())).collect::<Vec<_>>();
        let sees = |policy: &Policy| policy.reach(kind, Action::Read) > Reach::None;
        if sees(before) && sees(after) {
            self.uncovered.extend(named(before.hidden(kind).filter(|field| !after.hides(kind, field)).collect()));
            self.hidden.extend(named(after.hidden(kind).filter(|field| !before.hides(kind, field)).collect()));
        }
        let writes =
            |policy: &Policy| [Action::Create, Action::Update].iter().any(|a| policy.reach(kind, *a) > Reach::None);
        if writes(before) && writes(after) {
            let locks = |policy: &Policy| -> Vec<String> {
                let mut fields: Vec<String> =
                    policy.read_only(kind).chain(policy.hidden(kind)).map(str::to_owned).collect();
                fields.sort_unstable();
                fields.dedup();
                fields
            };
            let (had, has) = (locks(before), locks(after));
            self.unlocked.extend(named(had.iter().map(String::as_str).filter(|f| !after.locks(kind, f)).collect()));
            self.locked.extend(named(has.iter().map(String::as_str).filter(|f| !before.locks(kind, f)).collect()));
        }
    }

    /// Whether nothing is gained and nothing lost.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The permissions that changed.
    pub(super) fn shifts(&self) -> impl Iterator<Item = &Shift> {
        self.gains.iter().chain(&self.losses)
    }

    pub(super) fn shifts_mut(&mut self) -> impl Iterator<Item = &mut Shift> {
        self.gains.iter_mut().chain(&mut self.losses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{FieldRule, Grant};

    fn policy(reach: Reach, hidden: &[&str]) -> Policy {
        let grants = [Action::Read, Action::Update].map(|action| Grant { kind: Kind::Deal, action, reach });
        let fields: Vec<_> = hidden.iter().map(|field| (Kind::Deal, (*field).to_owned(), FieldRule::Hidden)).collect();
        Policy::of(&grants, &fields)
    }

    #[test]
    fn what_is_gained_one_way_is_lost_the_other() {
        let (less, more) = (policy(Reach::Own, &["amount"]), policy(Reach::All, &[]));
        let (there, back) = (Effect::between(&less, &more), Effect::between(&more, &less));
        assert_eq!((there.gains.len(), there.losses.len()), (2, 0));
        assert_eq!((back.gains.len(), back.losses.len()), (0, 2));
        let amount = vec![(Kind::Deal, "amount".to_owned())];
        assert_eq!((&there.uncovered, &there.unlocked), (&amount, &amount));
        assert_eq!((&back.hidden, &back.locked), (&amount, &amount));
        assert!(Effect::between(&less, &less).is_none());
    }

    #[test]
    fn fields_of_records_that_were_out_of_sight_are_neither_covered_nor_uncovered() {
        let effect = Effect::between(&Policy::nothing(), &policy(Reach::All, &["amount"]));
        assert_eq!((effect.hidden, effect.uncovered, effect.locked), (vec![], vec![], vec![]));
    }
}
