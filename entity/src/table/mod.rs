//! What a table is, as data: its columns, its links, and how its owner is found.
//!
//! One [`Table`] drives everything that would otherwise be written per noun: SQL, the GraphQL
//! type with its filter, order and aggregate inputs, create and update inputs, imports, and which
//! columns a role may hide.

mod field;
mod spec;

use crate::Kind;

pub use field::{Choices, Field, Input, Part, Parted, Source, Type};
pub use spec::{Spec, create, expression, link, money, physical, server, write};

/// A record type: one database table and one GraphQL object type.
#[derive(Debug)]
pub struct Table {
    /// The variant of [`Kind`] that stands for it.
    pub kind: Kind,
    /// GraphQL type name, `TargetAccountList`.
    pub name: &'static str,
    /// Root field that lists it, `targetAccountLists`.
    pub plural: &'static str,
    /// Physical table name.
    pub table: &'static str,
    /// Prefix of its global ids, `acct`.
    pub prefix: &'static str,
    /// Public description.
    pub doc: String,
    /// Columns, in the order of the struct.
    pub fields: Vec<Field>,
    /// Fields that are no columns.
    pub computed: Vec<Field>,
    /// What its rows are called.
    pub display: Display,
    /// Relations, in the order they are shown.
    pub links: Vec<Link>,
    /// How a row's owner is found.
    pub owner: Owner,
}

impl Table {
    /// Name of the root field that fetches one row and stem of its mutations, `targetAccountList`.
    #[must_use]
    pub fn singular(&self) -> String {
        let mut name = self.name.to_owned();
        name[..1].make_ascii_lowercase();
        name
    }

    /// All fields that can be read: the columns, then those that are none.
    pub fn readable(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().chain(&self.computed)
    }

    /// The field with this API name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.readable().find(|field| field.name == name && field.shown())
    }

    /// The field stored in this column.
    #[must_use]
    pub fn column(&self, column: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.column == column)
    }

    /// The link with this API name.
    #[must_use]
    pub fn link(&self, name: &str) -> Option<&Link> {
        self.links.iter().find(|link| link.name == name)
    }

    /// Whether rows of this table belong to a user in any way, so that OWN and TEAM mean something.
    #[must_use]
    pub fn has_owner(&self) -> bool {
        match self.owner {
            Owner::Nobody | Owner::Subject => false,
            // A part belongs to whom its first parent belongs.
            Owner::Parts(parents) => parents.first().is_some_and(|(_, parent)| parent.table().has_owner()),
            _ => true,
        }
    }

    /// Whether clients may give its records the names that other systems have for them.
    #[must_use]
    pub fn is_named_elsewhere(&self) -> bool {
        self.fields.iter().any(|field| field.input == Input::Write)
    }

    /// API names that a role may hide.
    pub fn hidable(&self) -> impl Iterator<Item = &str> {
        let fields = self.readable().filter(|field| field.hidable && field.shown());
        let links = self.fields.iter().filter(|field| field.hidable).filter_map(|field| field.link_name.as_deref());
        fields.map(|field| field.name.as_str()).chain(links)
    }

    /// Fields by which a row can be looked up alone: unique among live rows.
    pub fn unique(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| field.unique)
    }
}

/// The API name of a record's names in other systems, which are no column of it.
pub const EXTERNAL_IDS: &str = "externalIds";

/// What a row is called: the `displayName` of its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Display {
    /// The text in one of its columns.
    Column(&'static str),
    /// What the row behind this key is called.
    Key(&'static str),
    /// It has no name.
    Nothing,
}

/// A relation from one record type to another.
#[derive(Debug)]
pub struct Link {
    /// API name.
    pub name: String,
    /// Public description.
    pub doc: String,
    /// The record type at its other end.
    pub target: Kind,
    /// How rows meet.
    pub join: Join,
}

/// How the rows at both ends of a [`Link`] meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// This row's column holds the other's id.
    One {
        /// The column of this table.
        column: &'static str,
    },
    /// The other rows' column holds this row's id.
    Many {
        /// The column of the target table.
        column: &'static str,
    },
    /// The ids of both stand in a third table, whose archived rows do not count.
    Through {
        /// The table between.
        table: &'static str,
        /// Its column with this row's id.
        near: &'static str,
        /// Its column with the other row's id.
        far: &'static str,
    },
    /// Two columns name any record: its kind and its id.
    Subject,
    /// The accounts of a target account list: its members, or what its filter finds now.
    Listed,
}

/// How the users to whom a row belongs are found. Reach OWN and TEAM are defined by it.
#[derive(Clone, Copy, Debug)]
pub enum Owner {
    /// Nobody: only reach ALL sees it.
    Nobody,
    /// Whoever stands in one of these columns.
    Columns(&'static [&'static str]),
    /// Whoever stands in `owner`, and the team of the account named by `account`.
    Account {
        /// Column of the owner, if there is one.
        owner: Option<&'static str>,
        /// Column with the account's id (`id` in the account itself).
        account: &'static str,
    },
    /// Whoever owns, or is on the team of, an account to which a link table ties the row now.
    Accounts {
        /// The table between, whose archived rows do not count.
        table: &'static str,
        /// Its column with this row's id.
        near: &'static str,
        /// Its column with the first day (UTC) on which it ties; empty where it always did.
        since: &'static str,
        /// Its column with the last day (UTC) on which it ties; empty while it lasts.
        until: &'static str,
    },
    /// A shared work: OWN is its author, TEAM its department.
    Library {
        /// Column of the author.
        owner: &'static str,
        /// Column of the owning department.
        department: &'static str,
    },
    /// A part of one or more other rows: reached when all of them are.
    Parts(&'static [(&'static str, Kind)]),
    /// A row about another row: reached when that is.
    Subject,
}

impl Owner {
    /// The columns in which owners stand.
    #[must_use]
    pub fn columns(&self) -> Vec<&'static str> {
        match *self {
            // A user's own id is no owner that could be changed.
            Self::Columns(columns) => columns.iter().copied().filter(|column| *column != "id").collect(),
            Self::Account { owner, .. } => owner.into_iter().collect(),
            Self::Library { owner, .. } => vec![owner],
            Self::Nobody | Self::Accounts { .. } | Self::Parts(_) | Self::Subject => vec![],
        }
    }
}

/// `annual_revenue` → `annualRevenue`.
#[must_use]
pub fn camel(snake: &str) -> String {
    let mut camel = String::with_capacity(snake.len());
    let mut upper = false;
    for c in snake.chars() {
        if c == '_' {
            upper = true;
        } else if std::mem::take(&mut upper) {
            camel.push(c.to_ascii_uppercase());
        } else {
            camel.push(c);
        }
    }
    camel
}

/// A doc comment's lines as one description.
#[must_use]
pub fn tidy(doc: &str) -> String {
    doc.lines().map(str::trim).collect::<Vec<_>>().join("\n").trim().to_owned()
}
