//! Figures over groups of records.

mod groups;
mod random;
