//! SQL text with its bound values, and the two engines' ways of saying the same.

use entity::table::{Field, Source};
use sea_orm::{DbBackend, Statement, Value, prelude::Uuid};

/// Which database engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Embedded.
    Sqlite,
    /// Networked.
    Postgres,
}

impl Engine {
    /// sea-orm's name for it.
    #[must_use]
    pub const fn backend(self) -> DbBackend {
        match self {
            Self::Sqlite => DbBackend::Sqlite,
            Self::Postgres => DbBackend::Postgres,
        }
    }
}

/// A statement under construction. Values are always bound, never written into the text.
#[derive(Debug)]
pub struct Sql {
    engine: Engine,
    text: String,
    values: Vec<Value>,
    aliases: u32,
}

impl Sql {
    /// An empty statement.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        Self { engine, text: String::with_capacity(512), values: Vec::new(), aliases: 0 }
    }

    /// The engine it is for.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Appends text.
    pub fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Appends `alias.column`.
    pub fn column(&mut self, alias: &str, column: &str) -> &mut Self {
        self.push(alias).push(".").push(column)
    }

    /// Appends the value of a field of the row of `alias`, or of a column beside it: its fold key, its currency. The one
    /// place that knows where the values of fields come from.
    pub fn value(&mut self, alias: &str, field: &Field, column: &str) -> &mut Self {
        match field.source {
            Source::Expression { sql, .. } if column == field.column => self.push(&sql.replace("{row}", alias)),
            Source::Expression { .. } | Source::Column => self.column(alias, column),
        }
    }

    /// Appends a table name; `user` is a word of SQL, so names are quoted.
    pub fn table(&mut self, table: &str) -> &mut Self {
        self.push("\"").push(table).push("\"")
    }

    /// Appends a placeholder and binds its value.
    pub fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        let sign = if self.engine == Engine::Postgres { '$' } else { '?' };
        self.text.push(sign);
        let number = self.values.len();
        self.push(&number.to_string())
    }

    /// A table alias not used before in this statement.
    pub fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("t{}", self.aliases)
    }

    /// Appends ` IN (…)` or its like over ids, as one bound value, so that the text stays the same
    /// for any number of them.
    pub fn in_ids(&mut self, ids: &[Uuid]) -> &mut Self {
        match self.engine {
            Engine::Postgres => self.push(" = ANY(").bind(uuid_array(ids)).push(")"),
            Engine::Sqlite => self.push(" IN (SELECT unhex(value) FROM json_each(").bind(hex_array(ids)).push("))"),
        }
    }

    /// Appends a subquery `(…) p` with columns `id` and `ord`: the given ids in their order.
    pub fn ids_table(&mut self, ids: &[Uuid]) -> &mut Self {
        match self.engine {
            Engine::Postgres => self.push("unnest(").bind(uuid_array(ids)).push(") WITH ORDINALITY AS p(id, ord)"),
            Engine::Sqlite => {
                self.push("(SELECT unhex(value) AS id, key AS ord FROM json_each(").bind(hex_array(ids)).push(")) p")
            }
        }
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The finished statement.
    #[must_use]
    pub fn finish(self) -> Statement {
        Statement::from_sql_and_values(self.engine.backend(), self.text, self.values)
    }
}

fn uuid_array(ids: &[Uuid]) -> Value {
    Value::Array(sea_orm::sea_query::ArrayType::Uuid, Some(Box::new(ids.iter().map(|id| Value::from(*id)).collect())))
}

fn hex_array(ids: &[Uuid]) -> String {
    let mut json = String::with_capacity(ids.len() * 35 + 2);
    json.push('[');
    for (i, id) in ids.iter().enumerate() {
        if i > 0 {
            json.push(',');
        }
        json.push('"');
        json.push_str(id.simple().encode_lower(&mut Uuid::encode_buffer()));
        json.push('"');
    }
    json.push(']');
    json
}
