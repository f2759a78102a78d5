//! The built-in roles: brought into every database, and kept to what this version means by them until admins edit
//! them.

use std::collections::{HashMap, HashSet};

use entity::{
    Kind,
    permission::{FieldRules, Grants},
};
use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult, Statement, Value, prelude::Uuid};

use crate::{
    access::{
        Grant,
        builtin::{self, BuiltIn},
        has_effect,
    },
    error::Result,
    store::{Backend, fold, json, sql::Sql},
};

/// Permissions and field rules, as a role's row spells them.
#[derive(Clone, Default)]
struct Spelled {
    grants: Vec<String>,
    fields: Vec<String>,
}

impl Spelled {
    /// What a role that Tandem brings permits and hides.
    fn of(role: &BuiltIn, keep: impl Fn(Kind) -> bool) -> Self {
        let grants = role.grants().into_iter().filter(|grant| keep(grant.kind)).map(|grant| grant.encode());
        let fields = role.fields().into_iter().filter(|(kind, ..)| keep(*kind));
        let fields = fields.map(|(kind, field, rule)| rule.encode(kind, &field));
        Self { grants: grants.collect(), fields: fields.collect() }
    }

    /// Whether they say the same, in whatever order.
    fn same(&self, other: &Self) -> bool {
        let same = |one: &[String], other: &[String]| {
            one.iter().collect::<HashSet<_>>() == other.iter().collect::<HashSet<_>>()
        };
        same(&self.grants, &other.grants) && same(&self.fields, &other.fields)
    }

    fn read(row: &QueryResult, at: usize) -> Result<Option<Self>> {
        let grants = row.try_get_by_index::<Option<Grants>>(at)?;
        let fields = row.try_get_by_index::<Option<FieldRules>>(at + 1)?;
        Ok(grants.map(|grants| Self { grants: grants.0, fields: fields.unwrap_or_default().0 }))
    }

    /// What nothing takes is left out. What this version does not know is not its to judge.
    fn clean(&mut self) {
        self.grants.retain(|text| Grant::read(text).is_none_or(|grant| has_effect(grant.kind, grant.action)));
    }

    fn set(&self, sql: &mut Sql, grants: &str, fields: &str) {
        sql.push(grants).push(" = ").bind(Value::from(Grants(self.grants.clone()))).push(", ");
        sql.push(fields).push(" = ").bind(Value::from(FieldRules(self.fields.clone())));
    }
}

/// A role that is there.
struct There {
    id: Uuid,
    key: String,
    built_in: bool,
    has: Spelled,
    /// What Tandem brought last, where no admin had edited it until then.
    brought: Option<Spelled>,
}

/// Adds the built-in roles that are missing, and makes the others what this version means by them where nobody has
/// edited them. To those that were edited it adds what concerns kinds of record that the database did not know
/// before; what admins have changed stays. Permissions that nothing takes go from all roles, so that none comes to
/// life with a later version.
pub(in crate::store) async fn roles(backend: &Backend, tx: &DatabaseTransaction) -> Result<()> {
    let engine = backend.db.engine();
    let read = "SELECT r.id, r.key, r.built_in, r.grants, r.field_rules, r.brought_grants, r.brought_field_rules \
         FROM role r WHERE r.built_in OR r.archived_at IS NULL";
    let mut there = Vec::new();
    for row in tx.query_all_raw(Statement::from_string(engine.backend(), read)).await? {
        there.push(There {
            id: json::uuid(&row, 0)?.unwrap_or_default(),
            key: json::text(&row, 1)?.unwrap_or_default().to_owned(),
            built_in: row.try_get_by_index(2)?,
            has: Spelled::read(&row, 3)?.unwrap_or_default(),
            brought: Spelled::read(&row, 5)?,
        });
    }
    // The administrators' role names every kind that the database knows.
    let known: HashSet<&str> = there
        .iter()
        .filter(|role| role.built_in)
        .flat_map(|role| &role.has.grants)
        .filter_map(|grant| Some(grant.split_once(':')?.0))
        .collect();
    let brings: HashMap<&str, &BuiltIn> = builtin::ROLES.iter().map(|role| (role.key, role)).collect();
    for role in &there {
        let brings = brings.get(&*role.key).filter(|_| role.built_in);
        let pristine = role.brought.as_ref().is_some_and(|brought| brought.same(&role.has));
        let mut becomes = role.has.clone();
        if let Some(brings) = brings {
            if pristine {
                becomes = Spelled::of(brings, |_| true);
            } else {
                let new = Spelled::of(brings, |kind| !known.contains(kind.name()));
                becomes.grants.extend(new.grants);
                becomes.fields.extend(new.fields);
            }
        }
        becomes.clean();
        if becomes.same(&role.has) {
            continue;
        }
        let mut sql = Sql::new(engine);
        sql.push("UPDATE role SET ");
        becomes.set(&mut sql, "grants", "field_rules");
        if pristine {
            sql.push(", ");
            becomes.set(&mut sql, "brought_grants", "brought_field_rules");
        }
        sql.push(", version = version + 1 WHERE id = ").bind(role.id);
        tx.execute_raw(sql.finish()).await?;
    }
    // A company may have made a role of its own by the key of one that Tandem brings later: theirs stays.
    let taken: HashSet<&str> = there.iter().map(|role| &*role.key).collect();
    for role in builtin::ROLES.iter().filter(|role| !taken.contains(role.key)) {
        insert(backend, tx, role).await?;
    }
    Ok(())
}

async fn insert(backend: &Backend, tx: &DatabaseTransaction, role: &BuiltIn) -> Result<()> {
    let (now, encoded) = (backend.now().0, Spelled::of(role, |_| true));
    let mut sql = Sql::new(backend.db.engine());
    sql.push("INSERT INTO role (id, key, name, name_fold, description, built_in, grants, field_rules, brought_grants, brought_field_rules, version, created_at, updated_at) VALUES (");
    sql.bind(backend.new_id()).push(", ").bind(role.key).push(", ").bind(role.name).push(", ");
    sql.bind(fold(role.name)).push(", ").bind(role.description).push(", ").bind(true);
    for _ in 0..2 {
        sql.push(", ").bind(Value::from(Grants(encoded.grants.clone())));
        sql.push(", ").bind(Value::from(FieldRules(encoded.fields.clone())));
    }
    sql.push(", 1, ").bind(now).push(", ").bind(now).push(")");
    tx.execute_raw(sql.finish()).await?;
    Ok(())
}
