//! Filters: what a client asks for, as data, and its SQL.

use entity::{
    Kind,
    table::{Field, Join, Link, Table, Type},
};
use sea_orm::Value;
use serde_json::{Map, Value as Json};

use super::{fold, key, scope, sql::Engine, sql::Sql, told::filter::Telling, value};
use crate::{
    access::{Action, Actor},
    error::{Code, Error, Result},
    text::{email_key, normal, tidy},
};

/// How deep a filter may go through relations: each step can multiply the rows looked at.
pub const MOST_HOPS: usize = 3;
/// How many tests a filter may have: the engines bound the depth of an expression.
pub const MOST_TESTS: usize = 200;
/// How many values a filter may compare with: the engines bound the values of a statement.
pub const MOST_VALUES: usize = 5_000;
/// How many words a search may have.
pub const MOST_WORDS: usize = 10;

/// How much a filter asks of the database.
#[derive(Clone, Copy, Default)]
struct Size {
    hops: usize,
    tests: usize,
    values: usize,
}

impl Size {
    fn and(self, other: Self) -> Self {
        Self { hops: self.hops.max(other.hops), tests: self.tests + other.tests, values: self.values + other.values }
    }
}

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
    /// The row that another system knows by this name: system and id.
    External(String, String),
    /// The row with this value of a unique field, already normalised.
    Unique(&'static Field, String),
    /// A test of what an event tells.
    Telling(Telling),
    /// A test of the rows at the other end of a link.
    Linked(&'static Link, Quantifier, Box<Filter>),
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
    /// Reads a filter in the shape of the kind's filter input, within what a database can bear:
    /// relations at most [`MOST_HOPS`] deep, at most [`MOST_TESTS`] tests and [`MOST_VALUES`] values.
    pub fn read(kind: Kind, json: &Json) -> Result<Self> {
        let filter = Self::read_part(kind, json)?;
        let size = filter.size();
        for (what, number, most) in [
            ("relations deep", size.hops, MOST_HOPS),
            ("tests", size.tests, MOST_TESTS),
            ("values", size.values, MOST_VALUES),
        ] {
            if number > most {
                return Err(Error::argument(format!("A filter may have at most {most} {what}; this has {number}.")));
            }
        }
        Ok(filter)
    }

    /// How much it asks of the database.
    fn size(&self) -> Size {
        match self {
            Self::Everything => Size::default(),
            Self::And(all) | Self::Or(all) => {
                all.iter().map(Self::size).fold(Size { tests: 1, ..Size::default() }, Size::and)
            }
            Self::Not(filter) => filter.size(),
            Self::Test(_, test) => Size { tests: 1, values: test.values(), ..Size::default() },
            Self::External(..) | Self::Unique(..) => Size { tests: 1, values: 2, ..Size::default() },
            Self::Telling(telling) => Size { tests: 1, values: telling.values(), ..Size::default() },
            Self::Linked(_, _, filter) => {
                let size = filter.size();
                Size { tests: size.tests + 1, hops: size.hops + 1, ..size }
            }
        }
    }

    fn read_part(kind: Kind, json: &Json) -> Result<Self> {
        let table = kind.table();
        let object = json.as_object().ok_or_else(|| Error::argument(format!("{}Filter is an object.", table.name)))?;
        let mut all = Vec::with_capacity(object.len());
        for (name, json) in object {
            if json.is_null() {
                return Err(Error::argument(format!("`{name}: null` tests nothing; use `isNull`, or leave it out.")));
            }
            all.push(match name.as_str() {
                "and" => Self::And(Self::read_list(kind, json)?),
                "or" => Self::Or(Self::read_list(kind, json)?),
                "not" => Self::Not(Box::new(Self::read_part(kind, json)?)),
                _ => Self::read_entry(table, name, json)?,
            });
        }
        Ok(match all.len() {
            0 => Self::Everything,
            1 => all.remove(0),
            _ => Self::And(all),
        })
    }

    fn read_list(kind: Kind, json: &Json) -> Result<Vec<Self>> {
        // A single object is a list of one, by GraphQL's input coercion.
        json.as_array().map_or_else(
            || Ok(vec![Self::read_part(kind, json)?]),
            |items| items.iter().map(|item| Self::read_part(kind, item)).collect(),
        )
    }

    fn read_entry(table: &'static Table, name: &str, json: &Json) -> Result<Self> {
        if table.kind == Kind::Event
            && let Some(filter) = Telling::read(name, json)?
        {
            return Ok(filter);
        }
        if let Some(field) = table.field(name) {
            let object =
                json.as_object().ok_or_else(|| Error::argument(format!("The filter of {name} is an object.")))?;
            return Ok(Self::Test(field, Test::read(table.kind, field, object)?));
        }
        let Some(link) = table.link(name) else {
            return Err(Error::argument(format!("{}Filter has no field {name}.", table.name)));
        };
        if matches!(link.join, Join::Listed | Join::Subject) {
            return Err(Error::argument(format!("{}Filter has no field {name}.", table.name)));
        }
        if matches!(link.join, Join::One { .. }) {
            return Ok(Self::Linked(link, Quantifier::Some, Box::new(Self::read_part(link.target, json)?)));
        }
        let object = json.as_object().ok_or_else(|| Error::argument(format!("The filter of {name} is an object.")))?;
        let mut all = Vec::new();
        for (quantifier, json) in object {
            if json.is_null() {
                return Err(Error::argument(format!("`{quantifier}: null` tests nothing; leave it out.")));
            }
            let quantifier = match quantifier.as_str() {
                "some" => Quantifier::Some,
                "every" => Quantifier::Every,
                "none" => Quantifier::None,
                other => return Err(Error::argument(format!("{name} takes some, every or none, not {other}."))),
            };
            all.push(Self::Linked(link, quantifier, Box::new(Self::read_part(link.target, json)?)));
        }
        Ok(Self::And(all))
    }

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

    /// Appends the condition on the rows of `alias`, each linked row within the actor's reach.
    /// Refused where it tests what is hidden from the actor.
    pub fn push(&self, sql: &mut Sql, actor: &Actor, (kind, alias): (Kind, &str)) -> Result<()> {
        match self {
            Self::Everything => {
                sql.push("TRUE");
            }
            Self::And(all) | Self::Or(all) => {
                let (empty, between) = if matches!(self, Self::And(_)) { ("TRUE", " AND ") } else { ("FALSE", " OR ") };
                if all.is_empty() {
                    sql.push(empty);
                    return Ok(());
                }
                sql.push("(");
                for (n, filter) in all.iter().enumerate() {
                    if n > 0 {
                        sql.push(between);
                    }
                    filter.push(sql, actor, (kind, alias))?;
                }
                sql.push(")");
            }
            Self::Not(filter) => {
                sql.push("(");
                filter.push(sql, actor, (kind, alias))?;
                sql.push(") IS NOT TRUE");
            }
            Self::Test(field, test) => {
                refuse_hidden(actor, kind, &field.name)?;
                test.push(sql, alias, field, field.column);
            }
            Self::External(system, id) => {
                sql.column(alias, "id")
                    .push(" IN (SELECT e.record_id FROM external_id e WHERE e.resource = ")
                    .bind(kind.name());
                sql.push(" AND e.system = ")
                    .bind(system.as_str())
                    .push(" AND e.external_id = ")
                    .bind(id.as_str())
                    .push(")");
            }
            Self::Unique(field, value) => {
                refuse_hidden(actor, kind, &field.name)?;
                push_unique(sql, actor, (kind, alias), (field, value));
            }
            Self::Telling(telling) => telling.push(sql, actor, alias),
            Self::Linked(link, quantifier, inner) => {
                refuse_hidden(actor, kind, &link.name)?;
                push_linked(sql, actor, alias, (link, *quantifier, inner))?;
            }
        }
        Ok(())
    }

    /// Whether it tests nothing but the id.
    fn only_id(&self) -> Option<&Test> {
        match self {
            Self::Test(field, test) if matches!(field.ty, Type::Id) => Some(test),
            _ => None,
        }
    }
}

/// Appends the condition that a unique field has this value. An account is found by its further
/// domains too, as far as the actor may see those.
fn push_unique(sql: &mut Sql, actor: &Actor, (kind, alias): (Kind, &str), (field, value): (&Field, &str)) {
    let (column, value) = match field.key {
        Some(column) => (column, key(value)),
        // A column that is its own key holds normalised text, accents and all.
        None => (field.column, value.to_owned()),
    };
    sql.push("(").column(alias, column).push(" = ").bind(value.as_str());
    if kind == Kind::Account && field.column == "domain" {
        sql.push(" OR ")
            .column(alias, "id")
            .push(" IN (SELECT d.account_id FROM account_domain d WHERE d.archived_at IS NULL AND d.domain = ");
        sql.bind(value);
        scope::and_within(sql, actor, (Kind::AccountDomain, "d"), Action::Read);
        sql.push(")");
    }
    sql.push(")");
}

/// Refuses what would show a hidden field by its effect.
pub fn refuse_hidden(actor: &Actor, kind: Kind, name: &str) -> Result<()> {
    if actor.policy.hides(kind, name) {
        return Err(Error::refused_because(
            Code::Forbidden,
            "FIELD_HIDDEN",
            format!("{}.{name} is hidden from you.", kind.name()),
        ));
    }
    Ok(())
}

fn push_linked(
    sql: &mut Sql,
    actor: &Actor,
    alias: &str,
    (link, quantifier, inner): (&Link, Quantifier, &Filter),
) -> Result<()> {
    if let (Join::One { column }, Some(test)) = (link.join, inner.only_id())
        && scope::unrestricted(actor, link.target, Action::Read)
    {
        let id = &link.target.table().fields[0];
        sql.push("(").column(alias, column).push(" IS NOT NULL AND ");
        test.push(sql, alias, id, column);
        sql.push(")");
        return Ok(());
    }
    let other = sql.alias();
    sql.push(if quantifier == Quantifier::Some { "EXISTS (" } else { "NOT EXISTS (" });
    push_linked_rows(sql, actor, (link, alias, &other))?;
    match (quantifier, inner) {
        (Quantifier::Every, _) => {
            sql.push(" AND (");
            inner.push(sql, actor, (link.target, &other))?;
            sql.push(") IS NOT TRUE");
        }
        (_, Filter::Everything) => {}
        _ => {
            sql.push(" AND ");
            inner.push(sql, actor, (link.target, &other))?;
        }
    }
    sql.push(")");
    Ok(())
}

/// Appends `SELECT 1 FROM …` of the live rows, within reach, that a link ties to the row of `alias`.
fn push_linked_rows(sql: &mut Sql, actor: &Actor, (link, alias, other): (&Link, &str, &str)) -> Result<()> {
    let target = link.target.table();
    sql.push("SELECT 1 FROM ").table(target.table).push(" ").push(other);
    match link.join {
        Join::One { column } => {
            sql.push(" WHERE ").column(other, "id").push(" = ").column(alias, column);
        }
        Join::Many { column } => {
            if let Some(name) = target.column(column).and_then(|field| field.link_name.as_deref()) {
                refuse_hidden(actor, link.target, name)?;
            }
            sql.push(" WHERE ").column(other, column).push(" = ").column(alias, "id");
            and_live(sql, target, other);
        }
        Join::Through { table, near, far } => {
            let tie = sql.alias();
            sql.push(" JOIN ")
                .table(table)
                .push(" ")
                .push(&tie)
                .push(" ON ")
                .column(&tie, far)
                .push(" = ")
                .column(other, "id");
            sql.push(" WHERE ")
                .column(&tie, near)
                .push(" = ")
                .column(alias, "id")
                .push(" AND ")
                .column(&tie, "archived_at")
                .push(" IS NULL");
            scope::and_listed_today(sql, actor, (table, &tie));
            if let Some(between) = kind_of_table(table) {
                scope::and_within(sql, actor, (between, &tie), Action::Read);
            }
            and_live(sql, target, other);
        }
        Join::Subject | Join::Listed => return Err(Error::argument(format!("{} cannot be filtered by.", link.name))),
    }
    scope::and_within(sql, actor, (link.target, other), Action::Read);
    Ok(())
}

/// The kind stored in a table.
#[must_use]
pub fn kind_of_table(table: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| kind.table().table == table)
}

/// Appends the condition that a row is not archived, where its table knows archiving.
pub fn and_live(sql: &mut Sql, table: &Table, alias: &str) {
    if table.column("archived_at").is_some() {
        sql.push(" AND ").column(alias, "archived_at").push(" IS NULL");
    }
}

/// Whether a column can be compared in this way.
fn compares(field: &Field, name: &str) -> bool {
    match name {
        "eq" | "ne" => true,
        "in" | "notIn" => !matches!(field.ty, Type::Bool),
        "isNull" => !matches!(field.ty, Type::Id),
        "lt" | "lte" | "gt" | "gte" => matches!(field.ty, Type::Text | Type::Int | Type::Instant | Type::Day),
        "contains" | "startsWith" | "endsWith" => matches!(field.ty, Type::Text),
        "ignoreCase" => field.fold.is_some(),
        _ => false,
    }
}

impl Test {
    /// How many values it compares with.
    fn values(&self) -> usize {
        match self {
            Self::In(values, _) => values.len(),
            Self::Folded(test) | Self::Money(_, test) => test.values() + 1,
            Self::All(all) => all.iter().map(Self::values).sum(),
            Self::Compare(..) | Self::Null(_) | Self::Like(..) => 1,
        }
    }

    fn read(kind: Kind, field: &Field, object: &Map<String, Json>) -> Result<Self> {
        if matches!(field.ty, Type::Money) {
            return Self::read_money(field, object);
        }
        let folded = object.get("ignoreCase").map(|json| truth("ignoreCase", json)).transpose()?.unwrap_or(false)
            && field.fold.is_some();
        let convert = |json: &Json| -> Result<Value> {
            // A comparison may use any length; only storing is limited.
            if let (Type::Text, Some(text)) = (field.ty, json.as_str()) {
                return match field.scalar {
                    Some("CountryCode") => value::country(text).map_err(|misfit| Error::argument(misfit.message)),
                    Some("EmailAddress") => Ok(email_key(text)),
                    _ if field.is_own_key() => Ok(host(text)),
                    _ if folded => Ok(fold(text)),
                    _ => Ok(normal(text).into_owned()),
                }
                .map(Value::from);
            }
            let read = match (field.ty, json.as_str()) {
                (Type::Id, Some(text)) => value::key(kind, text).map(Value::from),
                _ => value::read(field, json),
            };
            read.map_err(|misfit| Error::argument(misfit.message))
        };
        let mut all = Vec::new();
        for (name, json) in object {
            if json.is_null() {
                return Err(Error::argument(format!("`{name}: null` tests nothing; use `isNull`.")));
            }
            if !compares(field, name) {
                return Err(Error::argument(format!("{} has no comparison {name}.", field.name)));
            }
            let like = |place| match json.as_str() {
                Some(text) => Ok(needle(field, place, text, folded)),
                None => Err(Error::argument(format!("{name} takes a string."))),
            };
            let test = match name.as_str() {
                "eq" => Self::Compare("=", convert(json)?),
                "ne" => Self::Compare("IS DISTINCT FROM", convert(json)?),
                "lt" => Self::Compare("<", convert(json)?),
                "lte" => Self::Compare("<=", convert(json)?),
                "gt" => Self::Compare(">", convert(json)?),
                "gte" => Self::Compare(">=", convert(json)?),
                "in" | "notIn" => {
                    let values = match json.as_array() {
                        Some(items) => items.iter().map(convert).collect::<Result<Vec<_>>>()?,
                        None => vec![convert(json)?],
                    };
                    if values.len() > 1_000 {
                        return Err(Error::argument(format!(
                            "{name} takes at most 1,000 values; this has {}.",
                            values.len()
                        )));
                    }
                    Self::In(values, name == "notIn")
                }
                "isNull" => {
                    all.push(Self::Null(truth(name, json)?));
                    continue;
                }
                "contains" => like(Place::Inside)?,
                "startsWith" => like(Place::Start)?,
                "endsWith" => like(Place::End)?,
                "ignoreCase" => continue,
                other => return Err(Error::argument(format!("{} has no comparison {other}.", field.name))),
            };
            all.push(if folded { Self::Folded(Box::new(test)) } else { test });
        }
        Ok(Self::All(all))
    }

    fn read_money(field: &Field, object: &Map<String, Json>) -> Result<Self> {
        let currency = object.get("currency").and_then(Json::as_str).map(value::currency).transpose();
        let currency = currency.map_err(|misfit| Error::argument(misfit.message))?;
        let mut all = Vec::new();
        for (name, json) in object {
            if json.is_null() {
                return Err(Error::argument(format!("`{name}: null` tests nothing; use `isNull`, or leave it out.")));
            }
            let operator = match name.as_str() {
                "currency" => continue,
                "isNull" => {
                    all.push(Self::Null(truth(name, json)?));
                    continue;
                }
                "eq" => "=",
                "lt" => "<",
                "lte" => "<=",
                "gt" => ">",
                "gte" => ">=",
                other => return Err(Error::argument(format!("{} has no comparison {other}.", field.name))),
            };
            let Some(currency) = &currency else {
                return Err(Error::argument(format!("Comparing {} needs its currency.", field.name)));
            };
            let amount = json.as_str().map_or_else(|| json.to_string(), str::to_owned);
            let minor = value::minor_units(&amount, currency).map_err(|misfit| Error::argument(misfit.message))?;
            all.push(Self::Money(currency.to_owned(), Box::new(Self::Compare(operator, minor.into()))));
        }
        if let (true, Some(currency)) = (all.is_empty(), currency) {
            all.push(Self::Money(currency, Box::new(Self::Null(false))));
        }
        Ok(Self::All(all))
    }

    fn push(&self, sql: &mut Sql, alias: &str, field: &Field, column: &str) {
        match self {
            Self::Compare(operator, value) => {
                sql.column(alias, column).push(" ").push(operator).push(" ").bind(value.clone());
            }
            Self::In(values, negated) => {
                if values.is_empty() {
                    sql.push(if *negated { "TRUE" } else { "FALSE" });
                    return;
                }
                sql.push("(").column(alias, column).push(if *negated { " NOT IN (" } else { " IN (" });
                for (n, value) in values.iter().enumerate() {
                    if n > 0 {
                        sql.push(",");
                    }
                    sql.bind(value.clone());
                }
                sql.push(")");
                if *negated {
                    sql.push(" OR ").column(alias, column).push(" IS NULL");
                }
                sql.push(")");
            }
            Self::Null(yes) => {
                sql.column(alias, column).push(if *yes { " IS NULL" } else { " IS NOT NULL" });
            }
            Self::Like(place, text) => push_like(sql, (alias, column), *place, text),
            Self::Folded(test) => test.push(sql, alias, field, field.fold.unwrap_or(column)),
            Self::Money(currency, test) => {
                sql.push("(")
                    .column(alias, field.currency.unwrap_or(column))
                    .push(" = ")
                    .bind(currency.clone())
                    .push(" AND ");
                test.push(sql, alias, field, column);
                sql.push(")");
            }
            Self::All(all) => {
                if all.is_empty() {
                    sql.push("TRUE");
                    return;
                }
                sql.push("(");
                for (n, test) in all.iter().enumerate() {
                    if n > 0 {
                        sql.push(" AND ");
                    }
                    test.push(sql, alias, field, column);
                }
                sql.push(")");
            }
        }
    }
}

/// The test that a text has another in some place. Of every text it is true that it has the empty one; one of which
/// nothing is left to look for is in none.
fn needle(field: &Field, place: Place, text: &str, folded: bool) -> Test {
    let form = match normal(text) {
        form if !folded => form.into_owned(),
        form if field.is_own_key() => form.to_lowercase(),
        form => fold(&form),
    };
    if form.is_empty() && !text.is_empty() { Test::In(vec![], false) } else { Test::Like(place, form) }
}

/// A host name as domains are stored, as far as the text is one.
fn host(text: &str) -> String {
    let text = tidy(text);
    idna::domain_to_ascii(&text).unwrap_or_else(|_| text.to_lowercase())
}

fn truth(name: &str, json: &Json) -> Result<bool> {
    json.as_bool().ok_or_else(|| Error::argument(format!("{name} takes true or false.")))
}

/// Without LIKE, whose case rules differ between the engines and whose wildcards need escaping.
fn push_like(sql: &mut Sql, (alias, column): (&str, &str), place: Place, text: &str) {
    if text.is_empty() {
        sql.column(alias, column).push(" IS NOT NULL");
        return;
    }
    match (place, sql.engine()) {
        (Place::Inside, Engine::Sqlite) => {
            sql.push("instr(").column(alias, column).push(", ").bind(text).push(") > 0");
        }
        (Place::Inside, Engine::Postgres) => {
            sql.push("position(").bind(text).push("::text in ").column(alias, column).push(") > 0");
        }
        (Place::Start, Engine::Sqlite) => {
            sql.push("substr(").column(alias, column).push(", 1, length(").bind(text).push(")) = ").bind(text);
        }
        (Place::Start, Engine::Postgres) => {
            sql.push("starts_with(").column(alias, column).push(", ").bind(text).push(")");
        }
        (Place::End, Engine::Sqlite) => {
            sql.push("substr(").column(alias, column).push(", -length(").bind(text).push(")) = ").bind(text);
        }
        (Place::End, Engine::Postgres) => {
            sql.push("right(").column(alias, column).push(", length(").bind(text).push(")) = ").bind(text);
        }
    }
}

/// The condition that any of the kind's searchable fields contains each word of `text`, fields
/// hidden from the actor left out. Refused where the kind has nothing to search and where there are
/// more than [`MOST_WORDS`] words: a word that is left out would find what was not asked for.
pub fn search(kind: Kind, text: &str, actor: &Actor) -> Result<Filter> {
    let fields: Vec<&'static Field> =
        kind.table().fields.iter().filter(|field| field.search && !actor.policy.hides(kind, &field.name)).collect();
    if !kind.table().fields.iter().any(|field| field.search) {
        return Err(Error::argument(format!("{} has nothing to search.", kind.table().plural)));
    }
    let form = normal(text);
    let words: Vec<&str> = form.split_whitespace().collect();
    // Nothing is asked for by white space; what cannot be seen is asked for, and is nowhere.
    if words.is_empty() && !text.trim().is_empty() {
        return Ok(Filter::Or(vec![]));
    }
    if words.len() > MOST_WORDS {
        let message = format!("search takes at most {MOST_WORDS} words; this has {}.", words.len());
        return Err(Error::argument(message));
    }
    Ok(Filter::And(
        words
            .iter()
            .map(|word| {
                let contains = |field: &&'static Field| {
                    Filter::Test(field, Test::Folded(Box::new(needle(field, Place::Inside, word, true))))
                };
                Filter::Or(fields.iter().map(contains).collect())
            })
            .collect(),
    ))
}
