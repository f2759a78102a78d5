//! How a column is declared: one line for all that the API, the rules and the import know of it.

use sea_orm::Value;

use super::{Field, Input, Source, Type, camel, tidy};

/// What [`record!`](crate::record) says of a column, beyond its Rust type.
#[derive(Debug)]
pub struct Spec(Field);

fn spec(input: Input) -> Spec {
    Spec(Field {
        name: String::new(),
        column: "",
        source: Source::Column,
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

/// A value that follows from the columns `of` the same row; `{row}` stands for the row's alias in its SQL.
#[must_use]
pub fn expression(sql: &'static str, of: &'static [&'static str]) -> Spec {
    let mut spec = spec(Input::Server).hidable();
    spec.0.source = Source::Expression { sql, of };
    spec
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
