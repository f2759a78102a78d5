//! What a query asks for, as data: which rows, which of their columns, what hangs off them, and
//! under which keys they are written. Built by the GraphQL kit, executed by [`super::read`].

use std::collections::BTreeMap;

use chrono_tz::Tz;
use entity::{
    Kind,
    table::{Field, Join, Link, Parted, Type},
};
use sea_orm::prelude::Uuid;

use super::{
    bucket::Bucket,
    filter::Filter,
    page::{Order, Page},
};
use crate::access::Action;

/// A whole root field.
#[derive(Debug)]
pub enum Plan {
    /// One row or null.
    One(One),
    /// A page of a list.
    List(Find, Box<Connection>),
    /// Rows of any kind by id, in the given order, null where there is none.
    Nodes(Vec<Option<(Kind, Uuid)>>, Any),
    /// One row of any kind, or null.
    Node(Option<(Kind, Uuid)>, Any),
    /// Figures over groups of rows.
    Aggregate(Box<Aggregate>),
}

/// One row found by a condition that at most one row meets.
#[derive(Debug)]
pub struct One {
    /// The condition.
    pub filter: Filter,
    /// Whether an archived row counts.
    pub archived: bool,
    /// What is read of it.
    pub rows: Rows,
    /// How it is written.
    pub shape: Shape,
}

/// Which rows of a list.
#[derive(Debug)]
pub struct Find {
    /// The condition.
    pub filter: Filter,
    /// Words to be found in the kind's searchable fields.
    pub search: Option<String>,
    /// Whether archived rows count.
    pub archived: bool,
    /// Their order.
    pub order: Order,
    /// Which page.
    pub page: Page,
}

/// What is read of the rows of one level.
#[derive(Debug)]
pub struct Rows {
    /// Their kind.
    pub kind: Kind,
    /// Columns; the id is always the first.
    pub slots: Vec<Slot>,
    /// What hangs off them.
    pub children: Vec<Child>,
}

/// A value that is read of each row.
#[derive(Clone, Copy, Debug)]
pub enum Slot {
    /// Of a field, which is read as null where it is hidden from the actor; and which of its columns: its own, its
    /// currency or its fold key.
    Field(&'static Field, &'static str),
    /// Whether the actor may do this to the row.
    Permitted(Action),
}

impl Slot {
    /// What it holds.
    #[must_use]
    pub fn ty(&self) -> Type {
        match self {
            Self::Field(field, column) if *column == field.column => field.ty,
            Self::Field(..) => Type::Text,
            Self::Permitted(_) => Type::Bool,
        }
    }

    fn is(&self, column: &str) -> bool {
        matches!(self, Self::Field(_, other) if *other == column)
    }
}

/// How one object is written: keys in the order asked for.
#[derive(Debug, Default)]
pub struct Shape(pub Vec<(String, Item)>);

/// What stands under a key of an object.
#[derive(Debug)]
pub enum Item {
    /// The type's name.
    Typename,
    /// A column.
    Column(usize),
    /// A money amount: slots of minor units and currency, and its parts.
    Money(usize, usize, Vec<(String, &'static str)>),
    /// Texts of parts: their slot, and which parts are written.
    Parted(usize, &'static Parted, Vec<(String, &'static str)>),
    /// The names of the fields hidden from the actor.
    HiddenFields,
    /// What the actor may do to the row: slots, or the type's name.
    Permissions(Vec<(String, Option<usize>)>),
    /// What the one row that hangs off this one is called: the first entry of its shape.
    NameOf(usize),
    /// A global id: slots of the kind's name and of the id.
    AnyId(usize, usize),
    /// The names of the fields that an event tells of: slots of its subject's kind and of the changes.
    ChangedFields(usize, usize),
    /// What hangs off the row.
    Child(usize),
    /// JSON that is the same for every row.
    Fixed(String),
}

/// What hangs off the rows of a level, read in one statement for all of them.
#[derive(Debug)]
pub enum Child {
    /// The row whose id stands in a slot.
    One {
        /// The slot.
        slot: usize,
        /// What is read of it.
        rows: Rows,
        /// How it is written.
        shape: Shape,
    },
    /// A page of rows per parent.
    Many {
        /// The link.
        link: &'static Link,
        /// Which rows.
        find: Find,
        /// How the page is written.
        connection: Box<Connection>,
    },
    /// The record of any kind that an event is about.
    Subject {
        /// Slot of the kind's name.
        kind: usize,
        /// Slot of the id.
        id: usize,
        /// How it is written.
        any: Any,
    },
    /// What an event tells of each changed field.
    Changes {
        /// Slot of the name of its subject's kind.
        kind: usize,
        /// Slot of the changes.
        changes: usize,
        /// What is written of each.
        parts: Vec<(String, &'static str)>,
    },
    /// The names other systems have for the row.
    ExternalIds(Vec<(String, &'static str)>),
}

/// How a page of a list is written.
#[derive(Debug)]
pub struct Connection {
    /// What is read of its rows.
    pub rows: Rows,
    /// Slots of the order's keys, where a cursor is asked for.
    pub cursor: Option<Vec<usize>>,
    /// Whether the rows themselves are asked for at all.
    pub reads_rows: bool,
    /// Keys in the order asked for.
    pub items: Vec<(String, ConnectionItem)>,
}

/// What stands under a key of a connection.
#[derive(Debug)]
pub enum ConnectionItem {
    /// The type's name.
    Typename,
    /// The rows.
    Nodes(Shape),
    /// The rows with their cursors.
    Edges(Vec<(String, EdgeItem)>),
    /// Where the page lies.
    PageInfo(Vec<(String, &'static str)>),
    /// How many rows the list has.
    TotalCount,
}

/// What stands under a key of an edge.
#[derive(Debug)]
pub enum EdgeItem {
    /// The type's name.
    Typename,
    /// The row.
    Node(Shape),
    /// Its cursor.
    Cursor,
}

/// How a row of any kind is written.
#[derive(Debug, Default)]
pub struct Any(pub BTreeMap<Kind, (Rows, Shape)>);

/// The most groups an answer may have.
pub const MAX_GROUPS: usize = 1_000;

/// Figures over groups of rows.
#[derive(Debug)]
pub struct Aggregate {
    /// Which rows; order and page do not count.
    pub find: Find,
    /// What groups them.
    pub groups: Vec<Group>,
    /// The key's columns (one slot per group, in order) and what hangs off them.
    pub key: Rows,
    /// What is measured.
    pub measures: Vec<Measure>,
    /// Keys in the order asked for.
    pub items: Vec<(String, AggregateItem)>,
}

/// One thing that groups rows.
#[derive(Clone, Debug)]
pub struct Group {
    /// The column.
    pub field: &'static Field,
    /// For dates and instants: the calendar period.
    pub bucket: Option<(Bucket, Tz)>,
}

/// One figure of one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// The sum.
    Sum,
    /// The arithmetic mean of the values there are.
    Avg,
    /// The least.
    Min,
    /// The greatest.
    Max,
}

/// What is measured.
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    /// How.
    pub function: Function,
    /// Of which column.
    pub field: &'static Field,
}

/// What stands under a key of an aggregate.
#[derive(Debug)]
pub enum AggregateItem {
    /// The type's name.
    Typename(String),
    /// What its rows have in common.
    Key(Shape),
    /// How many rows.
    Count,
    /// Figures of columns: indexes of measures; for money also the parts asked for.
    Figures(Vec<(String, Figure)>),
}

/// What stands under a key of a group of figures.
#[derive(Debug)]
pub enum Figure {
    /// The type's name.
    Typename(String),
    /// A measure.
    Measure(usize, Vec<(String, &'static str)>),
}

impl Rows {
    /// Nothing but the id.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        let id = &kind.table().fields[0];
        Self { kind, slots: vec![Slot::Field(id, id.column)], children: Vec::new() }
    }

    /// The slot of a column, added where it is not read yet.
    pub fn slot(&mut self, field: &'static Field, column: &'static str) -> usize {
        self.slots.iter().position(|slot| slot.is(column)).unwrap_or_else(|| {
            self.slots.push(Slot::Field(field, column));
            self.slots.len() - 1
        })
    }

    /// The slot of whether the actor may do this to the row.
    pub fn permitted_slot(&mut self, action: Action) -> usize {
        let same = |slot: &Slot| matches!(slot, Slot::Permitted(other) if *other == action);
        self.slots.iter().position(same).unwrap_or_else(|| {
            self.slots.push(Slot::Permitted(action));
            self.slots.len() - 1
        })
    }

    /// The slot of a column of this name.
    pub fn column_slot(&mut self, column: &str) -> Option<usize> {
        self.kind.table().column(column).map(|field| self.slot(field, field.column))
    }

    /// The slot of the key behind a to-one link.
    pub fn key_slot(&mut self, link: &Link) -> Option<usize> {
        let Join::One { column } = link.join else { return None };
        self.column_slot(column)
    }

    /// The slots of the kind and of the id of the record that an event is about.
    pub fn subject_slots(&mut self) -> Option<(usize, usize)> {
        self.column_slot("subject_kind").zip(self.column_slot("subject_id"))
    }

    /// Adds what hangs off the rows.
    pub fn child(&mut self, child: Child) -> usize {
        self.children.push(child);
        self.children.len() - 1
    }
}

impl Connection {
    /// Whether the number of rows is asked for.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.items.iter().any(|(_, item)| matches!(item, ConnectionItem::TotalCount))
    }
}
