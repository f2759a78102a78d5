//! The root fields that read: `node`, `nodes`, and one, many and figures of every record type.

use std::{borrow::Cow, collections::HashMap, marker::PhantomData, sync::LazyLock};

use async_graphql::{
    ContainerType, Context, ContextSelectionSet, ObjectType, OutputType, Positioned, ServerResult, Value,
    parser::types::Field as AstField, registry::Registry, resolver_utils::resolve_container,
};
use entity::{Kind, id};
use serde_json::Value as Json;

use super::{
    catalogue::{Api, register},
    describe,
    node::{store, written},
    select::{Picked, Selections},
};
use crate::{
    error::{Error, Result},
    store::{
        Store,
        answer::Answer,
        filter::{Filter, Known},
        page::MAX_PAGE,
        plan::{One, Plan, Rows},
    },
    text::tidy,
};

/// Reading of every record type.
#[derive(Clone, Copy, Debug)]
pub struct NounQuery<A>(PhantomData<A>);

impl<A> Default for NounQuery<A> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

#[derive(Clone, Copy)]
enum Root {
    Node,
    Nodes,
    One(Kind),
    Many(Kind),
    Figures(Kind),
}

static ROOTS: LazyLock<HashMap<String, Root>> = LazyLock::new(|| {
    let mut roots = HashMap::from([("node".to_owned(), Root::Node), ("nodes".to_owned(), Root::Nodes)]);
    for kind in Kind::ALL {
        let table = kind.table();
        roots.insert(table.singular(), Root::One(kind));
        roots.insert(table.plural.to_owned(), Root::Many(kind));
        roots.insert(format!("{}Aggregate", table.singular()), Root::Figures(kind));
    }
    roots
});

impl<A: Api> OutputType for NounQuery<A> {
    fn type_name() -> Cow<'static, str> {
        "NounQuery".into()
    }
    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_output_type::<Self, _>(async_graphql::registry::MetaTypeId::Object, |registry| {
            register::<A>(registry);
            let mut fields = vec![
                describe::field("node", "Node", "Fetches a record by its global ID. Null if it does not exist or you may not see it.", &[("id", "ID!".into(), "The global ID.".into())]),
                describe::field("nodes", "[Node]!", "Fetches several records by their global IDs, in the given order. Null for each that does not exist or that you may not see.", &[("ids", "[ID!]!".into(), "The global IDs, at most 100.".into())]),
            ];
            fields.extend(Kind::ALL.into_iter().flat_map(|kind| describe::queries(kind.table())));
            describe::object_type("NounQuery", "", fields)
        })
    }
    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<AstField>) -> ServerResult<Value> {
        resolve_container(ctx, self).await
    }
}

impl<A: Api> ContainerType for NounQuery<A> {
    async fn resolve_field(&self, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
        let Some(root) = ROOTS.get(ctx.item.node.name.node.as_str()) else { return Ok(None) };
        let nullable = matches!(root, Root::Node | Root::One(_));
        match read(ctx, *root).await {
            Ok(answer) => Ok(Some(written(ctx, ctx.item.pos, &[], answer))),
            Err(error) => {
                let error = ctx.set_error_path(async_graphql::Error::from(error).into_server_error(ctx.item.pos));
                if !nullable {
                    return Err(error);
                }
                ctx.add_error(error);
                Ok(Some(Value::Null))
            }
        }
    }
}

impl<A: Api> ObjectType for NounQuery<A> {}

async fn read(ctx: &Context<'_>, root: Root) -> Result<Answer> {
    let store = store(ctx)?;
    store.require_sign_in()?;
    let selections = Selections::new(ctx.query_env);
    let field = &ctx.item.node;
    let picked = Picked { key: field.response_key().node.as_str(), field, sets: vec![&field.selection_set.node] };
    let arguments = selections.arguments(field);
    let plan = match root {
        Root::Node => {
            let id = arguments.get("id").and_then(Json::as_str).unwrap_or_default();
            Plan::Node(Some(read_id(id)?), selections.any(&picked.sets)?)
        }
        Root::Nodes => {
            let ids = arguments.get("ids").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
            if ids.len() > 100 {
                return Err(Error::argument(format!("ids may have at most 100 entries; got {}.", ids.len())));
            }
            let ids = ids.iter().map(|id| read_id(id.as_str().unwrap_or_default()).map(Some)).collect::<Result<_>>()?;
            Plan::Nodes(ids, selections.any(&picked.sets)?)
        }
        Root::One(kind) => {
            let by = arguments.get("by").ok_or_else(|| Error::argument("by is required."))?;
            let (filter, archived) = named(store, kind, by)?;
            let mut rows = Rows::new(kind);
            let shape = selections.object(&picked.sets, &mut rows)?;
            Plan::One(One { filter, archived, rows, shape })
        }
        Root::Many(kind) => {
            let (find, connection) = selections.list(&picked, kind, MAX_PAGE)?;
            Plan::List(find, Box::new(connection))
        }
        Root::Figures(kind) => Plan::Aggregate(Box::new(selections.aggregate(&picked, kind)?)),
    };
    store.read(&plan).await
}

fn read_id(text: &str) -> Result<(Kind, sea_orm::prelude::Uuid)> {
    id::parse(text)
        .ok_or_else(|| Error::argument(format!("“{}” is not a global ID.", crate::store::value::short(text))))
}

/// The condition that a reference names one record, and whether archived ones count.
pub fn named(store: &Store, kind: Kind, by: &Json) -> Result<(Filter, bool)> {
    let one = by.as_object().filter(|object| object.len() == 1).and_then(|object| object.iter().next());
    let Some((name, json)) = one.filter(|(_, json)| !json.is_null()) else {
        return Err(Error::argument(format!("{}Ref requires exactly one of its fields.", kind.name())));
    };
    let table = kind.table();
    if name == "external" {
        let part = |part: &str| tidy(json.get(part).and_then(Json::as_str).unwrap_or_default()).into_owned();
        return Ok((Filter::External(part("system"), Known::By(vec![part("id")])), true));
    }
    let text = json.as_str().unwrap_or_default();
    if name == "id" {
        let id = crate::store::value::key(kind, text).map_err(|misfit| Error::argument(misfit.message))?;
        return Ok((Filter::eq(&table.fields[0], id), true));
    }
    let field = table
        .field(name)
        .filter(|field| field.unique)
        .ok_or_else(|| Error::argument(format!("{}Ref has no field {name}.", kind.name())))?;
    let value = store.backend().nouns().of(kind).map_or_else(|| text.to_owned(), |noun| noun.normalise(name, text));
    Ok((Filter::Unique(field, value), false))
}
