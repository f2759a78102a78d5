//! What somebody may not see has no effect on any answer they get: no id, no name, no count, no order, no group.
//!
//! `proof` makes up roles and questions. The yardstick is the plain find of each person: `plain` reads it, `model`
//! says from the definition what it must be, `reference` works out from it alone what every question must be
//! answered. `halves` and `regressions` are the cases with names.

mod aggregates;
mod cells;
mod company;
mod disturb;
mod evaluator;
mod figures;
mod halves;
mod model;
mod plain;
mod proof;
mod reference;
mod regressions;
pub mod roles;
mod shrink;
mod words;
