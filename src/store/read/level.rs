//! The rows of a level once they are read.

use std::collections::{BTreeMap, HashMap};

use entity::Kind;
use sea_orm::{QueryResult, prelude::Uuid};

use super::{
    plan::{Rows, Shape},
    visible_changes::FieldChange,
};
use crate::error::Error;

/// The rows of one level and what hangs off them.
pub(in crate::store) struct Level {
    pub rows: Vec<QueryResult>,
    pub children: Vec<Loaded>,
}

/// What hangs off the rows of a level.
pub(in crate::store) enum Loaded {
    /// Rows by id.
    One(Level, HashMap<Uuid, usize>),
    /// Pages by parent.
    Many(Level, HashMap<Uuid, Span>),
    /// Rows of several kinds by id.
    Subject(BTreeMap<Kind, (Level, HashMap<Uuid, usize>)>),
    /// Changed fields, row by row.
    Changes(Vec<Vec<FieldChange>>),
    /// Systems and ids by row.
    ExternalIds(HashMap<Uuid, Vec<(String, String)>>),
}

/// One parent's page.
#[derive(Default)]
pub(in crate::store) struct Span {
    pub rows: Vec<usize>,
    pub more: bool,
    pub count: i64,
    /// Why there is none.
    pub failed: Option<Error>,
}

/// How a shape and its rows belong together.
pub(in crate::store) type Drawn<'a> = (&'a Rows, &'a Shape);
