//! Writes the rows of a plan as JSON, key by key.

use std::collections::{BTreeMap, HashMap};

use entity::{Kind, table::Parted};
use sea_orm::{QueryResult, prelude::Uuid};

use super::{
    level::{Drawn, Level, Loaded, Span},
    plan::{Any, Child, Connection, ConnectionItem, EdgeItem, Find, Item, Rows, Shape, Slot},
    visible_changes::{self, FieldChange},
};
use crate::{
    error::Result,
    store::{
        Store,
        json::{self, Out},
    },
};

/// Writes one row.
pub(in crate::store) fn object(
    store: &Store,
    out: &mut Out,
    (rows, shape): Drawn<'_>,
    (level, at): (&Level, usize),
) -> Result<()> {
    store.count_object();
    let row = &level.rows[at];
    out.push(b'{');
    for (n, (key, item)) in shape.0.iter().enumerate() {
        write_key(out, n, key);
        match item {
            Item::Typename => json::quoted(out, rows.kind.name()),
            Item::Column(slot) => write_column(out, (row, *slot), rows)?,
            Item::Permissions(parts) => write_permissions(out, row, parts)?,
            Item::NameOf(child) => match (&rows.children[*child], &level.children[*child]) {
                (Child::One { slot, rows, shape }, Loaded::One(inner, index)) => {
                    let found = json::uuid(row, *slot)?.and_then(|id| index.get(&id));
                    match (found, shape.0.first()) {
                        (Some(at), Some((_, Item::Column(slot)))) => {
                            write_column(out, (&inner.rows[*at], *slot), rows)?;
                        }
                        _ => json::null(out),
                    }
                }
                _ => json::null(out),
            },
            Item::Money(minor, currency, parts) => match (json::bigint(row, *minor)?, json::text(row, *currency)?) {
                (Some(minor), Some(currency)) => write_money(out, minor.into(), currency, parts),
                _ => json::null(out),
            },
            Item::Parted(slot, parted, parts) => match json::text(row, *slot)? {
                Some(texts) => write_parted(out, texts, parted, parts)?,
                None => json::null(out),
            },
            Item::HiddenFields => {
                out.push(b'[');
                for (n, name) in store.actor().policy.hidden(rows.kind).enumerate() {
                    if n > 0 {
                        out.push(b',');
                    }
                    json::quoted(out, name);
                }
                out.push(b']');
            }
            Item::AnyId(kind, id) => match (json::text(row, *kind)?.and_then(Kind::named), json::uuid(row, *id)?) {
                (Some(kind), Some(id)) => json::global_id(out, kind, id),
                _ => json::null(out),
            },
            Item::ChangedFields(kind, changes) => {
                let kind = json::text(row, *kind)?.and_then(Kind::named);
                let changes = visible_changes::seen(store.actor(), kind, json::text(row, *changes)?)?;
                let names: Vec<String> = changes.into_iter().map(|change| change.field).collect();
                serde_json::to_writer(&mut **out, &names)?;
            }
            Item::Fixed(json) => out.extend_from_slice(json.as_bytes()),
            Item::Child(child) => write_child(store, out, (rows, *child), (level, at))?,
        }
    }
    out.push(b'}');
    Ok(())
}

fn write_column(out: &mut Out, (row, slot): (&QueryResult, usize), rows: &Rows) -> Result<()> {
    match rows.slots[slot] {
        Slot::Field(field, _) => json::column(out, (row, slot), rows.kind, field),
        Slot::Permitted(_) => {
            boolean(out, json::bool(row, slot)?);
            Ok(())
        }
    }
}

/// Writes what the actor may do to a row.
fn write_permissions(out: &mut Out, row: &QueryResult, parts: &[(String, Option<usize>)]) -> Result<()> {
    out.push(b'{');
    for (n, (key, slot)) in parts.iter().enumerate() {
        write_key(out, n, key);
        match slot {
            Some(slot) => boolean(out, json::bool(row, *slot)?),
            None => json::quoted(out, "ViewerPermissions"),
        }
    }
    out.push(b'}');
    Ok(())
}

/// Writes an object of which nothing depends on a row.
pub(in crate::store) fn fixed(out: &mut Out, shape: &Shape) {
    out.push(b'{');
    for (n, (key, item)) in shape.0.iter().enumerate() {
        write_key(out, n, key);
        match item {
            Item::Fixed(json) => out.extend_from_slice(json.as_bytes()),
            _ => json::null(out),
        }
    }
    out.push(b'}');
}

fn write_child(
    store: &Store,
    out: &mut Out,
    (rows, child): (&Rows, usize),
    (level, at): (&Level, usize),
) -> Result<()> {
    let row = &level.rows[at];
    match (&rows.children[child], &level.children[child]) {
        (Child::One { slot, rows, shape }, Loaded::One(inner, index)) => {
            match json::uuid(row, *slot)?.and_then(|id| index.get(&id)) {
                Some(found) => object(store, out, (rows, shape), (inner, *found))?,
                None => json::null(out),
            }
        }
        (Child::Many { find, connection: plan, .. }, Loaded::Many(inner, spans)) => {
            let empty = Span::default();
            let span = json::uuid(row, 0)?.and_then(|id| spans.get(&id)).unwrap_or(&empty);
            match &span.failed {
                Some(error) => out.fail(error.clone()),
                None => connection(store, out, (find, plan), (inner, span))?,
            }
        }
        (Child::Subject { kind, id, any: plan }, Loaded::Subject(loaded)) => {
            let kind = json::text(row, *kind)?.and_then(Kind::named);
            any(store, out, plan, loaded, kind.zip(json::uuid(row, *id)?))?;
        }
        (Child::Changes { parts, .. }, Loaded::Changes(told)) => write_changes(out, &told[at], parts)?,
        (Child::ExternalIds(parts), Loaded::ExternalIds(found)) => {
            out.push(b'[');
            let names = json::uuid(row, 0)?.and_then(|id| found.get(&id));
            for (n, (system, external)) in names.into_iter().flatten().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                out.push(b'{');
                for (n, (key, part)) in parts.iter().enumerate() {
                    write_key(out, n, key);
                    match *part {
                        "system" => json::string(out, system),
                        "id" => json::string(out, external),
                        _ => json::quoted(out, "ExternalId"),
                    }
                }
                out.push(b'}');
            }
            out.push(b']');
        }
        _ => json::null(out),
    }
    Ok(())
}

/// Writes what an event tells of each changed field.
fn write_changes(out: &mut Out, changes: &[FieldChange], parts: &[(String, &'static str)]) -> Result<()> {
    out.push(b'[');
    for (n, change) in changes.iter().enumerate() {
        out.extend_from_slice(if n > 0 { b",{" } else { b"{" });
        for (n, (key, part)) in parts.iter().enumerate() {
            write_key(out, n, key);
            match *part {
                "field" => json::string(out, &change.field),
                "before" => serde_json::to_writer(&mut **out, &change.before)?,
                "after" => serde_json::to_writer(&mut **out, &change.after)?,
                _ => json::quoted(out, "FieldChange"),
            }
        }
        out.push(b'}');
    }
    out.push(b']');
    Ok(())
}

/// Writes a money amount.
pub(in crate::store) fn write_money(out: &mut Out, minor: i128, currency: &str, parts: &[(String, &'static str)]) {
    out.push(b'{');
    for (n, (key, part)) in parts.iter().enumerate() {
        write_key(out, n, key);
        match *part {
            "__typename" => json::quoted(out, "Money"),
            part => json::money(out, minor, currency, part),
        }
    }
    out.push(b'}');
}

/// Writes texts of parts, stored as a JSON array, as objects.
fn write_parted(out: &mut Out, texts: &str, parted: &Parted, parts: &[(String, &'static str)]) -> Result<()> {
    out.push(b'[');
    for (n, text) in serde_json::from_str::<Vec<String>>(texts)?.iter().enumerate() {
        out.extend_from_slice(if n > 0 { b",{" } else { b"{" });
        for (n, (key, name)) in parts.iter().enumerate() {
            write_key(out, n, key);
            match parted.parts.iter().position(|part| part.name == *name) {
                Some(at) => json::string(out, text.split(':').nth(at).unwrap_or_default()),
                None => json::quoted(out, parted.name),
            }
        }
        out.push(b'}');
    }
    out.push(b']');
    Ok(())
}

/// Writes a row of any kind, or null.
pub(in crate::store) fn any(
    store: &Store,
    out: &mut Out,
    plan: &Any,
    loaded: &BTreeMap<Kind, (Level, HashMap<Uuid, usize>)>,
    id: Option<(Kind, Uuid)>,
) -> Result<()> {
    let found = id.and_then(|(kind, id)| {
        let (level, index) = loaded.get(&kind)?;
        let (rows, shape) = plan.0.get(&kind)?;
        Some(((rows, shape), (level, *index.get(&id)?)))
    });
    if let Some((drawn, row)) = found {
        object(store, out, drawn, row)
    } else {
        json::null(out);
        Ok(())
    }
}

/// Writes a page of a list.
pub(in crate::store) fn connection(
    store: &Store,
    out: &mut Out,
    (find, plan): (&Find, &Connection),
    (level, span): (&Level, &Span),
) -> Result<()> {
    let name = plan.rows.kind.name();
    let cursor_of = |at: usize| -> Result<Option<String>> {
        let Some(slots) = &plan.cursor else { return Ok(None) };
        let values = slots.iter().map(|slot| json::value(&level.rows[at], *slot, plan.rows.slots[*slot].ty()));
        Ok(Some(find.order.cursor(&values.collect::<Result<Vec<_>>>()?)))
    };
    out.push(b'{');
    for (n, (key, item)) in plan.items.iter().enumerate() {
        write_key(out, n, key);
        match item {
            ConnectionItem::Typename => json::quoted(out, &format!("{name}Connection")),
            ConnectionItem::TotalCount => json::integer(out, span.count),
            ConnectionItem::Nodes(shape) => {
                out.push(b'[');
                for (n, at) in span.rows.iter().enumerate() {
                    if n > 0 {
                        out.push(b',');
                    }
                    object(store, out, (&plan.rows, shape), (level, *at))?;
                }
                out.push(b']');
            }
            ConnectionItem::Edges(items) => {
                out.push(b'[');
                for (n, at) in span.rows.iter().enumerate() {
                    if n > 0 {
                        out.push(b',');
                    }
                    out.push(b'{');
                    for (n, (key, item)) in items.iter().enumerate() {
                        write_key(out, n, key);
                        match item {
                            EdgeItem::Typename => json::quoted(out, &format!("{name}Edge")),
                            EdgeItem::Cursor => json::quoted(out, &cursor_of(*at)?.unwrap_or_default()),
                            EdgeItem::Node(shape) => object(store, out, (&plan.rows, shape), (level, *at))?,
                        }
                    }
                    out.push(b'}');
                }
                out.push(b']');
            }
            ConnectionItem::PageInfo(parts) => {
                // A cursor given on the near side means that a row lies there.
                let (before, after) = (find.page.after.is_some(), find.page.before.is_some());
                let (previous, next) = if find.page.backwards { (span.more, after) } else { (before, span.more) };
                out.push(b'{');
                for (n, (key, part)) in parts.iter().enumerate() {
                    write_key(out, n, key);
                    let edge = match *part {
                        "hasNextPage" => {
                            boolean(out, next);
                            continue;
                        }
                        "hasPreviousPage" => {
                            boolean(out, previous);
                            continue;
                        }
                        "startCursor" => span.rows.first(),
                        "endCursor" => span.rows.last(),
                        _ => {
                            json::quoted(out, "PageInfo");
                            continue;
                        }
                    };
                    match edge.map(|at| cursor_of(*at)).transpose()?.flatten() {
                        Some(cursor) => json::quoted(out, &cursor),
                        None => json::null(out),
                    }
                }
                out.push(b'}');
            }
        }
    }
    out.push(b'}');
    Ok(())
}

fn boolean(out: &mut Out, truth: bool) {
    out.extend_from_slice(if truth { b"true" } else { b"false" });
}

/// Writes the key of an object's nth entry. Response keys are GraphQL names, which need no escaping.
pub(in crate::store) fn write_key(out: &mut Out, n: usize, key: &str) {
    if n > 0 {
        out.push(b',');
    }
    out.push(b'"');
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":");
}
