//! What a client gives to create or change a record: read, checked against the table, applied.

use entity::{
    Kind, Record,
    table::{EXTERNAL_IDS, Field, Input, Table, Type},
};
use sea_orm::{ActiveModelTrait, Iterable, ModelTrait, TryIntoModel, Value, prelude::Uuid};
use serde_json::{Map, Value as Json};

use super::reference::{Named, Reference};
use crate::{
    access::Policy,
    error::{Error, Result, UserCode, UserError},
    store::value,
    text::tidy,
};

/// An input of a noun's create mutation that is no column.
#[derive(Clone, Copy, Debug)]
pub struct Extra {
    /// Its name.
    pub name: &'static str,
    /// Its GraphQL type.
    pub ty: &'static str,
    /// Public description.
    pub doc: &'static str,
}

/// The input that takes names in other systems from a record.
pub const REMOVED_EXTERNAL_IDS: &str = "removeExternalIds";

/// Values for some columns of a record.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    values: Vec<(usize, Value)>,
    /// Keys whose records are named by something else than their id.
    pub(super) references: Vec<Reference>,
    /// Names other systems have for the record.
    pub external_ids: Vec<(String, String)>,
    /// Those that it loses.
    pub removed_external_ids: Vec<(String, String)>,
    /// Inputs that are no columns, for the noun's own rules.
    pub extras: Map<String, Json>,
}

/// The name of a field in inputs: `<link>Id` for keys.
#[must_use]
pub fn input_name(field: &Field) -> String {
    match &field.link_name {
        Some(link) => format!("{link}Id"),
        None => field.name.clone(),
    }
}

impl Draft {
    /// Reads an input object. What is no column must be one of the noun's extras.
    pub fn read(
        kind: Kind,
        input: &Map<String, Json>,
        creating: bool,
        (policy, extras): (&Policy, &[Extra]),
    ) -> Result<Self> {
        let table = kind.table();
        let (mut draft, mut mistakes) = (Self::default(), Vec::new());
        for (name, json) in input {
            let found = table
                .fields
                .iter()
                .position(|field| !field.physical && field.input != Input::Server && input_name(field) == *name);
            let named = || {
                let is = |field: &Field| field.input != Input::Server && field.link_name.as_deref() == Some(name);
                table.fields.iter().position(is)
            };
            let Some(at) = found.or_else(named) else {
                draft.read_other(name, json, extras, &mut mistakes);
                continue;
            };
            let field = &table.fields[at];
            let key = input_name(field);
            if found.is_none() && input.contains_key(&key) {
                let message = format!("{key} and {name} refer to the same record; give only one of them.");
                mistakes.push(UserError::new(UserCode::Invalid, name, message).because("REFERENCE_GIVEN_TWICE"));
                continue;
            }
            if policy.locks(kind, field.link_name.as_deref().unwrap_or(&field.name)) {
                mistakes.push(
                    UserError::new(UserCode::Forbidden, name, format!("You may not set {name}."))
                        .because("FIELD_LOCKED"),
                );
                continue;
            }
            if field.input == Input::Create && !creating {
                mistakes.push(UserError::new(
                    UserCode::Invalid,
                    name,
                    format!("{name} is set on creation and never changes."),
                ));
                continue;
            }
            let read = match (found, field.ty) {
                (None, Type::Key(target)) => draft.read_reference(table, (at, name, target), json),
                _ => draft.read_value(table, at, json),
            };
            if let Err(misfit) = read {
                mistakes.push(UserError::new(misfit.code, name, misfit.message));
            }
        }
        if mistakes.is_empty() { Ok(draft) } else { Err(Error::Input(mistakes)) }
    }

    fn read_value(&mut self, table: &Table, at: usize, json: &Json) -> Result<(), value::Misfit> {
        let field = &table.fields[at];
        if let Some(currency) = field.currency {
            let (minor, code) = value::money(field, json)?;
            self.values.push((at, minor));
            if let Some(at) = table.fields.iter().position(|field| field.column == currency) {
                self.values.push((at, code));
            }
            return Ok(());
        }
        let text = json.as_str().map(tidy);
        let value = match (field.ty, text.as_deref()) {
            // Blank is no value: it clears where that is allowed and is missing where it is not.
            (Type::Text, Some("")) => value::null(field.ty),
            (Type::Text, Some(text)) => value::read(field, &Json::String(text.to_owned()))?,
            _ => value::read(field, json)?,
        };
        if !field.nullable && value == value::null(field.ty) {
            return Err(value::Misfit {
                code: UserCode::Required,
                message: format!("{} must not be empty.", input_name(field)),
            });
        }
        self.values.push((at, value));
        Ok(())
    }

    fn read_reference(
        &mut self,
        table: &Table,
        (at, input, target): (usize, &str, Kind),
        json: &Json,
    ) -> Result<(), value::Misfit> {
        match Reference::read(at, input, target, json)? {
            Named::Id(id) => self.put(at, id),
            Named::Nothing => return self.read_value(table, at, &Json::Null),
            Named::Later(reference) => self.references.push(reference),
        }
        Ok(())
    }

    /// Sets the key at a place.
    pub(super) fn put(&mut self, at: usize, id: Uuid) {
        self.values.push((at, id.into()));
    }

    fn read_other(&mut self, name: &str, json: &Json, extras: &[Extra], mistakes: &mut Vec<UserError>) {
        let names = match name {
            EXTERNAL_IDS => &mut self.external_ids,
            REMOVED_EXTERNAL_IDS => &mut self.removed_external_ids,
            _ => {
                if extras.iter().any(|extra| extra.name == name) {
                    self.extras.insert(name.to_owned(), json.clone());
                } else {
                    mistakes.push(
                        UserError::new(UserCode::Invalid, name, format!("{name} cannot be set."))
                            .because("UNKNOWN_FIELD"),
                    );
                }
                return;
            }
        };
        for (n, item) in json.as_array().into_iter().flatten().enumerate() {
            let part = |part: &str| item.get(part).and_then(Json::as_str).unwrap_or_default();
            match Self::external_id(part("system"), part("id")) {
                Ok(one) => names.push(one),
                Err(mistake) => {
                    mistakes.push(UserError { field: vec![name.to_owned(), n.to_string()], ..mistake });
                }
            }
        }
    }

    /// Nothing but a name in another system for a record that has it from then on.
    #[must_use]
    pub fn naming(name: (String, String)) -> Self {
        Self { external_ids: vec![name], ..Self::default() }
    }

    /// Nothing but a name in another system for a record that has it no more.
    #[must_use]
    pub fn unnaming(name: (String, String)) -> Self {
        Self { removed_external_ids: vec![name], ..Self::default() }
    }

    /// A name that another system has for a record, as it is stored.
    pub fn external_id(system: &str, id: &str) -> Result<(String, String), UserError> {
        let (system, id) = (tidy(system), tidy(id));
        if system.is_empty()
            || id.is_empty()
            || system.chars().count() > 100
            || id.chars().count() > 200
            || [&system, &id].iter().any(|text| value::has_control(text))
        {
            let message = "An external ID must have a system of 1 to 100 characters and an ID of 1 to 200 characters, without control characters.";
            return Err(UserError::new(UserCode::Invalid, "id", message));
        }
        Ok((system.into_owned(), id.into_owned()))
    }

    /// The keys it sets: field and id.
    pub fn keys(&self, table: &'static Table) -> impl Iterator<Item = (&'static Field, Kind, Uuid)> {
        self.values.iter().filter_map(|(at, value)| match (table.fields[*at].ty, value) {
            (Type::Key(kind), Value::Uuid(Some(id))) => Some((&table.fields[*at], kind, *id)),
            _ => None,
        })
    }

    /// Leaves out what is set on creation and never changes, for a record that exists.
    pub fn forget_fixed(&mut self, table: &Table) {
        self.values.retain(|(at, _)| table.fields[*at].input == Input::Write || table.fields[*at].physical);
        self.references.retain(|reference| table.fields[reference.at].input == Input::Write);
        self.extras.clear();
    }

    /// Leaves a column as it is.
    pub fn forget(&mut self, table: &Table, column: &str) {
        self.values.retain(|(at, _)| table.fields[*at].column != column);
    }

    /// Columns it sets that are set on creation and never change, by their place.
    pub fn fixed(&self, table: &Table) -> impl Iterator<Item = usize> {
        self.values.iter().map(|(at, _)| *at).filter(|at| table.fields[*at].input == Input::Create)
    }

    /// Sets a column, for rules and imports that know better than the client.
    pub fn set(&mut self, table: &Table, column: &str, value: impl Into<Value>) {
        if let Some(at) = table.fields.iter().position(|field| field.column == column) {
            self.values.retain(|(other, _)| *other != at);
            self.values.push((at, value.into()));
        }
    }

    /// The value it gives a column.
    #[must_use]
    pub fn get(&self, table: &Table, column: &str) -> Option<&Value> {
        self.values.iter().find(|(at, _)| table.fields[*at].column == column).map(|(_, value)| value)
    }

    /// Writes its values into a row.
    pub fn apply<E: Record>(&self, row: &mut E::Model) -> Result<()> {
        let columns: Vec<E::Column> = E::Column::iter().collect();
        for (at, value) in &self.values {
            row.try_set(columns[*at], value.clone())?;
        }
        Ok(())
    }

    /// A new row with its values, and the table's defaults for the rest. What has neither and may
    /// not be empty gets a placeholder and is named in the second result.
    pub fn build<E: Record>(&self, id: Uuid, now: entity::Instant) -> Result<(E::Model, Vec<usize>)> {
        let table = E::table();
        let mut row = <E::ActiveModel as ActiveModelTrait>::default();
        let mut missing = Vec::new();
        for (at, column) in E::Column::iter().enumerate() {
            let field = &table.fields[at];
            let given = self.values.iter().find(|(other, _)| *other == at).map(|(_, value)| value.clone());
            let value = given.or_else(|| field.default.clone()).unwrap_or_else(|| match field.column {
                "id" => id.into(),
                "version" => 1.into(),
                "created_at" | "updated_at" => now.0.into(),
                _ if field.nullable => value::null(field.ty),
                _ if matches!(field.ty, Type::Texts | Type::Parted(_)) => Json::Array(vec![]).into(),
                _ => {
                    missing.push(at);
                    placeholder(field.ty)
                }
            });
            row.try_set(column, value)?;
        }
        Ok((row.try_into_model()?, missing))
    }
}

/// Any value of a type; it never reaches the database.
fn placeholder(ty: Type) -> Value {
    match ty {
        Type::Id | Type::Key(_) => Uuid::nil().into(),
        Type::Text => "".into(),
        Type::Choice(choices) => choices.values[0].0.into(),
        Type::Texts | Type::Parted(_) => Json::Array(vec![]).into(),
        Type::Json => Json::Null.into(),
        Type::Int | Type::Day => 0_i32.into(),
        Type::Bool => false.into(),
        Type::Instant | Type::Money => 0_i64.into(),
    }
}
