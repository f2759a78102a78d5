//! Changes what somebody may not see, behind the server's back: the values of records out of their reach, and
//! the hidden values of those within it.

use std::fmt::Write;

use entity::{
    Kind,
    table::{Field, Type},
};

use super::{plain::Plain, roles::Roles};
use crate::{crew, support::world::World};

/// Changes every value of these records that the plain find does not show, but for keys and times, which
/// decide what is seen.
pub async fn disturb(world: &World, plain: &Plain, roles: &Roles, (ids, seed): (&[String], u64)) {
    let mut sql = String::new();
    for (n, global) in ids.iter().enumerate() {
        // Other values in each case, and none of them twice.
        let n = n + 1_000 * usize::try_from(seed % 1_000).expect("small");
        let (kind, id) = entity::id::parse(global).expect("a global id");
        if matches!(kind, Kind::User | Kind::Team | Kind::TeamMembership) {
            continue;
        }
        let id = crew::sql_id(world, &id.simple().to_string());
        let visible = plain.row(global).is_some();
        let fields =
            kind.table().fields.iter().filter(|field| !field.physical && (!visible || roles.hides(kind, &field.name)));
        let mut changes: Vec<String> = fields.filter_map(|field| other(field, n)).collect();
        if !visible && decides_nothing(kind) && n % 3 == 0 {
            changes.push("archived_at = CASE WHEN archived_at IS NULL THEN 1 END".to_owned());
        }
        if !changes.is_empty() {
            let _ = writeln!(sql, "UPDATE {} SET {} WHERE id = {id};", kind.table().table, changes.join(", "));
        }
    }
    crew::behind_the_back(world, &sql).await;
}

/// Whether nobody's reach over other records depends on whether a record of this kind is there.
fn decides_nothing(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Lead | Kind::Deal | Kind::Story | Kind::Persona | Kind::Account | Kind::Contact | Kind::AccountDomain
    )
}

/// Another value for a column.
fn other(field: &Field, n: usize) -> Option<String> {
    let column = field.column;
    let value = match field.ty {
        Type::Money => {
            let currency = field.currency.expect("money has a currency");
            return Some(format!("{column} = {}, {currency} = 'USD'", 4_711 + n));
        }
        // Two columns that would contradict each other, and a choice that a rule hangs on, stay as they are.
        Type::Text if field.name != "resource" => match field.fold {
            Some(fold) if fold != column => {
                return Some(format!("{column} = 'Aaa other {n}', {fold} = 'aaa other {n}'"));
            }
            _ => format!("'other{n}.example'"),
        },
        Type::Int if field.column != "version" => format!("{}", (n / 1_000 + n) % 100),
        _ => return None,
    };
    Some(format!("{column} = {value}"))
}
