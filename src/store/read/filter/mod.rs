//! Filters: what a client asks for, as data. They are read in the shape of the API's inputs, checked against what
//! their reader may see, and only then turned into SQL.

mod check;
mod event;
mod parse;
mod search;
mod sql;

use entity::table::{Field, Link};
use sea_orm::Value;

pub(in crate::store) use self::event::push_changed;
pub use self::{
    check::{Checked, refuse_hidden},
    event::EventPredicate,
    parse::{EXTERNAL, MAX_HOPS, MAX_TESTS, MAX_VALUES},
    search::{MAX_WORDS, search},
    sql::{and_live, kind_of_table},
};

/// A condition on rows of one kind.
#[derive(Clone, Debug, Default)]
pub enum Filter {
    /// Every row.
    #[default]
    Everything,
    /// All of these.
    And(Vec<Filter>),
    /// At least one of these.
    Or(Vec<Filter>),
    /// Not this. What is unknown counts as not.
    Not(Box<Filter>),
    /// A test of one column.
    Test(&'static Field, Test),
    /// What another system knows the row by.
    External(String, Known),
    /// The row with this value of a unique field, already normalised.
    Unique(&'static Field, String),
    /// A test of what an event tells.
    EventPredicate(EventPredicate),
    /// A test of the rows at the other end of a link.
    Linked(&'static Link, Quantifier, Box<Filter>),
}

/// Whether, and by which id, another system knows a row.
#[derive(Clone, Debug)]
pub enum Known {
    /// By one of these.
    By(Vec<String>),
    /// By any, or by none.
    AtAll(bool),
}

/// How many of the linked rows must pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantifier {
    /// At least one.
    Some,
    /// All, which none at all also are.
    Every,
    /// Not one.
    None,
}

/// A test of one column.
#[derive(Clone, Debug)]
pub enum Test {
    /// Compared with a value by an operator of SQL.
    Compare(&'static str, Value),
    /// One of these, or none of these.
    In(Vec<Value>, bool),
    /// Empty, or not.
    Null(bool),
    /// Contains, starts or ends with this text.
    Like(Place, String),
    /// The same on the fold key.
    Folded(Box<Test>),
    /// A money amount in one currency.
    Money(String, Box<Test>),
    /// All of these.
    All(Vec<Test>),
}

/// Where a text stands in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Anywhere.
    Inside,
    /// At its start.
    Start,
    /// At its end.
    End,
}

impl Filter {
    /// Both conditions.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Everything, filter) | (filter, Self::Everything) => filter,
            (one, other) => Self::And(vec![one, other]),
        }
    }

    /// The rows whose column holds this value.
    #[must_use]
    pub fn eq(field: &'static Field, value: impl Into<Value>) -> Self {
        Self::Test(field, Test::Compare("=", value.into()))
    }
}
