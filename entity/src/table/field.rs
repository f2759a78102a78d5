//! A column, seen from the API: what it holds and what clients may do with it.

use sea_orm::Value;

use crate::Kind;

/// What a column holds, seen from the API.
#[derive(Clone, Copy, Debug)]
pub enum Type {
    /// A row's id.
    Id,
    /// The id of a row of another kind; shown as a link, never by itself.
    Key(Kind),
    /// Unicode text.
    Text,
    /// Several texts, stored as a JSON array.
    Texts,
    /// Several texts of parts between colons, stored as a JSON array; shown as objects of the parts.
    Parted(&'static Parted),
    /// 32-bit integer.
    Int,
    /// Truth value.
    Bool,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    Instant,
    /// Days since 1970-01-01.
    Day,
    /// Minor units; the currency stands in another column.
    Money,
    /// One of a closed set of names.
    Choice(&'static Choices),
    /// Any JSON.
    Json,
}

/// A closed set of names with their meanings: a GraphQL enum.
#[derive(Debug)]
pub struct Choices {
    /// GraphQL enum name.
    pub name: &'static str,
    /// Public description.
    pub doc: &'static str,
    /// Value and description, in order.
    pub values: &'static [(&'static str, &'static str)],
}

/// The parts of a text: a GraphQL object, and an input of the name with `Input` behind it.
#[derive(Debug)]
pub struct Parted {
    /// GraphQL type name.
    pub name: &'static str,
    /// Public description.
    pub doc: &'static str,
    /// The parts, in order.
    pub parts: &'static [Part],
}

/// One part of a [`Parted`] text: a word without colons.
#[derive(Debug)]
pub struct Part {
    /// API name.
    pub name: &'static str,
    /// GraphQL type: `String`, or an enum.
    pub ty: &'static str,
    /// Public description.
    pub doc: &'static str,
}

/// When a client may give a column a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Never: the server sets it.
    Server,
    /// On creation only.
    Create,
    /// On creation and in updates.
    Write,
}

/// Where a field's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A column of the table.
    Column,
    /// An expression over other columns of the same row, the same on both engines.
    Expression {
        /// SQL, in which `{row}` stands for the row's alias.
        sql: &'static str,
        /// The columns it is made of: where one of them is hidden, it is hidden too.
        of: &'static [&'static str],
    },
}

/// A column, or what follows from columns.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent capability of a column")]
pub struct Field {
    /// API name, `annualRevenue`.
    pub name: String,
    /// Physical column, `annual_revenue_minor`; of a field that is none, its name in the same spelling.
    pub column: &'static str,
    /// Where its value comes from.
    pub source: Source,
    /// Public description.
    pub doc: String,
    /// What it holds.
    pub ty: Type,
    /// Whether the column may be empty.
    pub nullable: bool,
    /// Whether it serves storage alone and never shows in the API.
    pub physical: bool,
    /// When a client may set it.
    pub input: Input,
    /// Whether lists may be ordered by it.
    pub sort: bool,
    /// Whether aggregates may be grouped by it.
    pub group: bool,
    /// Whether a role may hide it; then it is nullable in the API.
    pub hidable: bool,
    /// Whether `search` looks into it.
    pub search: bool,
    /// Whether it is unique among live rows and so a way to look a row up.
    pub unique: bool,
    /// The column with its fold key, for comparison without case and accents.
    pub fold: Option<&'static str>,
    /// The column with the key by which its values are the same.
    pub key: Option<&'static str>,
    /// The column with the currency of a money amount.
    pub currency: Option<&'static str>,
    /// For a key: the API name of the link.
    pub link_name: Option<String>,
    /// The custom scalar of a text in the API.
    pub scalar: Option<&'static str>,
    /// Most characters (texts) a client may store.
    pub max: usize,
    /// Least and greatest number a client may store.
    pub range: Option<(i64, i64)>,
    /// Value where a client gives none.
    pub default: Option<Value>,
}

impl Field {
    /// Whether the API shows it under its own name.
    #[must_use]
    pub fn shown(&self) -> bool {
        !self.physical && !matches!(self.ty, Type::Key(_))
    }

    /// Whether it is compared as it is stored, without a key beside it: e-mail addresses and domains.
    #[must_use]
    pub fn is_own_key(&self) -> bool {
        self.fold == Some(self.column)
    }

    /// Its name in events: that of the link where it is a key.
    #[must_use]
    pub fn event_name(&self) -> &str {
        self.link_name.as_deref().unwrap_or(&self.name)
    }

    /// Whether the API may answer null for it.
    #[must_use]
    pub fn optional(&self) -> bool {
        self.nullable || self.hidable
    }
}
