//! Records in answers of the slices' own types: named by id, read by what is selected of them.

use std::{borrow::Cow, marker::PhantomData};

use async_graphql::{
    ContextBase, ContextSelectionSet, OutputType, PathSegment, Pos, Positioned, ServerResult, Value,
    parser::types::Field as AstField, registry::Registry,
};
use bytes::Bytes;
use entity::{Kind, Record};
use sea_orm::prelude::Uuid;

use super::select::{Picked, Selections};
use crate::{
    error::{Error, Result},
    store::{
        Store,
        answer::{Answer, Step},
        filter::Filter,
        plan::{One, Plan, Rows},
    },
};

/// A record of one kind, read through the caller's store when the answer is written. Use it as
/// `Option<Row<E>>`: it is null where the caller may not see the record.
#[derive(Clone, Copy, Debug)]
pub struct Row<E> {
    id: Uuid,
    of: PhantomData<fn() -> E>,
}

impl<E: Record> Row<E> {
    /// The record of this id.
    pub fn new(id: impl Into<Uuid>) -> Self {
        Self { id: id.into(), of: PhantomData }
    }
}

/// A record of any kind.
#[derive(Clone, Copy, Debug)]
pub struct AnyRow(pub Kind, pub Uuid);

impl<E: Record> OutputType for Row<E> {
    fn type_name() -> Cow<'static, str> {
        E::KIND.name().into()
    }
    fn create_type_info(_: &mut Registry) -> String {
        format!("{}!", E::KIND.name())
    }
    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<AstField>) -> ServerResult<Value> {
        json(ctx, field, row(ctx, E::KIND, self.id).await)
    }
}

impl OutputType for AnyRow {
    fn type_name() -> Cow<'static, str> {
        "Node".into()
    }
    fn create_type_info(_: &mut Registry) -> String {
        "Node!".to_owned()
    }
    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<AstField>) -> ServerResult<Value> {
        let read = async { any(store(ctx)?, ctx, (self.0, self.1)).await };
        json(ctx, field, read.await)
    }
}

/// A record of an event, read through another store than the request's and in its turn among all subscriptions.
#[derive(Clone, Debug)]
pub struct Through<T>(pub Store, pub T);

impl<E: Record> OutputType for Through<Row<E>> {
    fn type_name() -> Cow<'static, str> {
        Row::<E>::type_name()
    }
    fn create_type_info(registry: &mut Registry) -> String {
        Row::<E>::create_type_info(registry)
    }
    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<AstField>) -> ServerResult<Value> {
        let _turn = self.0.feed_turn().await;
        json(ctx, field, row_in(&self.0, ctx, E::KIND, self.1.id).await)
    }
}

impl OutputType for Through<AnyRow> {
    fn type_name() -> Cow<'static, str> {
        AnyRow::type_name()
    }
    fn create_type_info(registry: &mut Registry) -> String {
        AnyRow::create_type_info(registry)
    }
    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<AstField>) -> ServerResult<Value> {
        let _turn = self.0.feed_turn().await;
        json(ctx, field, any(&self.0, ctx, (self.1.0, self.1.1)).await)
    }
}

/// What is selected of a record, as JSON.
pub async fn row(ctx: &ContextSelectionSet<'_>, kind: Kind, id: Uuid) -> Result<Answer> {
    row_in(store(ctx)?, ctx, kind, id).await
}

async fn row_in(store: &Store, ctx: &ContextSelectionSet<'_>, kind: Kind, id: Uuid) -> Result<Answer> {
    let mut rows = Rows::new(kind);
    let shape = Selections::new(ctx.query_env).object(&[&ctx.item.node], &mut rows)?;
    let filter = Filter::eq(&kind.table().fields[0], id);
    store.read(&Plan::One(One { filter, archived: true, rows, shape })).await
}

async fn any(store: &Store, ctx: &ContextSelectionSet<'_>, id: (Kind, Uuid)) -> Result<Answer> {
    let any = Selections::new(ctx.query_env).any(&[&ctx.item.node])?;
    store.read(&Plan::Node(Some(id), any)).await
}

/// A field's JSON as it stands, and the errors of what failed within it; `below` leads from the context's
/// own path to the field.
pub fn written<T>(ctx: &ContextBase<'_, T>, pos: Pos, below: &[PathSegment], answer: Answer) -> Value {
    for failed in answer.failed {
        let mut error = ctx.set_error_path(async_graphql::Error::from(failed.error).into_server_error(pos));
        error.path.extend_from_slice(below);
        error.path.extend(failed.path.into_iter().map(|step| match step {
            Step::Key(key) => PathSegment::Field(key),
            Step::Item(at) => PathSegment::Index(at),
        }));
        ctx.add_error(error);
    }
    Value::Binary(Bytes::from(answer.json))
}

/// What is selected of several records of a kind under one key of a list's objects, in their order and read in
/// one statement for all; `below` leads from the context's own path to the list.
pub async fn each(
    ctx: &ContextSelectionSet<'_>,
    below: &[PathSegment],
    (kind, field): (Kind, &Picked<'_>),
    ids: &[Option<Uuid>],
) -> ServerResult<Vec<Value>> {
    let read = async {
        let mut rows = Rows::new(kind);
        let shape = Selections::new(ctx.query_env).object(&field.sets, &mut rows)?;
        store(ctx)?.read_each(&rows, &shape, ids).await
    };
    let failed = |error: Error| ctx.set_error_path(async_graphql::Error::from(error).into_server_error(ctx.item.pos));
    let one = |(n, answer)| {
        let below = [below, &[PathSegment::Index(n), PathSegment::Field(field.key.to_owned())]].concat();
        written(ctx, ctx.item.pos, &below, answer)
    };
    Ok(read.await.map_err(failed)?.into_iter().enumerate().map(one).collect())
}

/// The caller's store.
pub fn store<'a, T>(ctx: &async_graphql::ContextBase<'a, T>) -> Result<&'a Store> {
    ctx.data::<Store>().map_err(|error| Error::internal(error.message))
}

fn json(ctx: &ContextSelectionSet<'_>, field: &Positioned<AstField>, answer: Result<Answer>) -> ServerResult<Value> {
    match answer {
        Ok(answer) => Ok(written(ctx, field.pos, &[], answer)),
        Err(error) => Err(ctx.set_error_path(async_graphql::Error::from(error).into_server_error(field.pos))),
    }
}
