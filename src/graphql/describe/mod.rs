//! Draws the schema's types from the tables.

mod aggregate;
mod build;
mod filter;
mod list;
mod object;
mod query;
mod shared;

use async_graphql::registry::Registry;
use entity::{
    Kind,
    table::{Field, Input, Table},
};

pub use self::{
    build::{In, choices, enumeration, field, input, input_object, object, object_type, required},
    list::list_arguments,
    object::input_type,
    query::queries,
};
use crate::store::input_name;
/// Registers the types of all record types.
pub fn tables(registry: &mut Registry) {
    shared::scalars(registry);
    shared::shared(registry);
    for kind in Kind::ALL {
        let table = kind.table();
        object::node(registry, table);
        list::connection(registry, table);
        filter::filters(registry, table);
        list::order(registry, table);
        aggregate::aggregate(registry, table);
        query::reference(registry, table);
    }
}

/// The fields of a kind that a client may write.
pub fn writable(table: &'static Table, creating: bool) -> impl Iterator<Item = (&'static Field, String)> {
    let writes = move |field: &&'static Field| match field.input {
        Input::Server => false,
        Input::Create => creating,
        Input::Write => true,
    };
    table.fields.iter().filter(|field| !field.physical).filter(writes).map(|field| (field, input_name(field)))
}
