//! What a table is, as data: its columns, its links, and how its owner is found.
//!
//! One [`Table`] drives everything that would otherwise be written per noun: SQL, the GraphQL
//! type with its filter, order and aggregate inputs, create and update inputs, imports, and which
//! columns a role may hide.

use sea_orm::Value;

use crate::Kind;

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

    /// The field with this API name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name && field.shown())
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
        let fields = self.fields.iter().filter(|field| field.hidable && field.shown());
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

/// A column.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent capability of a column")]
pub struct Field {
    /// API name, `annualRevenue`.
    pub name: String,
    /// Physical column, `annual_revenue_minor`.
    pub column: &'static str,
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
    pub fn told_as(&self) -> &str {
        self.link_name.as_deref().unwrap_or(&self.name)
    }

    /// Whether the API may answer null for it.
    #[must_use]
    pub fn optional(&self) -> bool {
        self.nullable || self.hidable
    }
}

/// What [`record!`](crate::record) says of a column, beyond its Rust type.
#[derive(Debug)]
pub struct Spec(Field);

fn spec(input: Input) -> Spec {
    Spec(Field {
        name: String::new(),
        column: "",
        doc: String::new(),
        ty: Type::Text,
        nullable: false,
        physical: false,
        input,
        sort: false,
        group: false,
        hidable: false,
        search: false,
        unique: false,
        fold: None,
        key: None,
        currency: None,
        link_name: None,
        scalar: None,
        max: 200,
        range: None,
        default: None,
    })
}

/// A column that clients write.
#[must_use]
pub fn write() -> Spec {
    spec(Input::Write).hidable()
}

/// A column that clients set once.
#[must_use]
pub fn create() -> Spec {
    spec(Input::Create)
}

/// A column that the server sets and everybody reads.
#[must_use]
pub fn server() -> Spec {
    spec(Input::Server)
}

/// A column of storage alone.
#[must_use]
pub fn physical() -> Spec {
    let mut spec = spec(Input::Server);
    spec.0.physical = true;
    spec
}

/// A money amount in this (minor units) and in a currency column, shown under one name.
#[must_use]
pub fn money(name: &str, currency: &'static str) -> Spec {
    let Spec(field) = write();
    Spec(Field { name: name.to_owned(), currency: Some(currency), ..field })
}

/// A key, shown as a link of this name; in inputs it is `<name>Id`.
#[must_use]
pub fn link(name: &str) -> Spec {
    let mut spec = write().group();
    spec.0.link_name = Some(camel(name));
    spec
}

impl Spec {
    /// Shown under another name than the column's.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.0.name = camel(name);
        self
    }

    /// A role may hide it.
    #[must_use]
    pub fn hidable(mut self) -> Self {
        self.0.hidable = true;
        self
    }

    /// No role may hide it: other columns or the product's rules make no sense without it.
    #[must_use]
    pub fn always_shown(mut self) -> Self {
        self.0.hidable = false;
        self
    }

    /// Set on creation, then never again.
    #[must_use]
    pub fn fixed(mut self) -> Self {
        self.0.input = Input::Create;
        self
    }

    /// Set by the server alone.
    #[must_use]
    pub fn by_server(mut self) -> Self {
        self.0.input = Input::Server;
        self
    }

    /// Lists may be ordered by it.
    #[must_use]
    pub fn sort(mut self) -> Self {
        self.0.sort = true;
        self
    }

    /// Aggregates may be grouped by it.
    #[must_use]
    pub fn group(mut self) -> Self {
        self.0.group = true;
        self
    }

    /// `search` looks into it; needs a fold key.
    #[must_use]
    pub fn search(mut self) -> Self {
        self.0.search = true;
        self
    }

    /// Its fold key stands in this column.
    #[must_use]
    pub fn fold(mut self, column: &'static str) -> Self {
        self.0.fold = Some(column);
        self
    }

    /// The key by which its values are the same stands in this column; needs a fold key too.
    #[must_use]
    pub fn key(mut self, column: &'static str) -> Self {
        self.0.key = Some(column);
        self
    }

    /// Unique among live rows.
    #[must_use]
    pub fn unique(mut self) -> Self {
        self.0.unique = true;
        self
    }

    /// At most this many characters.
    #[must_use]
    pub fn max(mut self, characters: usize) -> Self {
        self.0.max = characters;
        self
    }

    /// A custom scalar in the API, whose form is checked.
    #[must_use]
    pub fn scalar(mut self, name: &'static str) -> Self {
        self.0.scalar = Some(name);
        self
    }

    /// Between these numbers, both allowed.
    #[must_use]
    pub fn range(mut self, least: i64, greatest: i64) -> Self {
        self.0.range = Some((least, greatest));
        self
    }

    /// The value where a client gives none.
    #[must_use]
    pub fn default(mut self, value: impl Into<Value>) -> Self {
        self.0.default = Some(value.into());
        self
    }

    /// Completes the column with what its declaration says.
    #[must_use]
    pub fn build(self, column: &'static str, ty: Type, nullable: bool, doc: &str) -> Field {
        let mut field = self.0;
        if field.name.is_empty() {
            field.name = camel(column);
        }
        field.column = column;
        field.ty = if field.currency.is_some() { Type::Money } else { ty };
        field.nullable = nullable;
        field.doc = tidy(doc);
        field
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
