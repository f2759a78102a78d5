//! The root object that reads, for payloads: whatever its type, which the kit does not know.

use std::borrow::Cow;

use async_graphql::{
    ContextSelectionSet, ObjectType, OutputType, Positioned, ServerResult, Value, parser::types::Field,
    registry::Registry,
};
use futures_util::future::BoxFuture;

/// The root object that reads, whatever its type.
pub(super) struct Root(Box<dyn Resolve>);

impl Root {
    pub(super) fn new(query: impl ObjectType + 'static) -> Self {
        Self(Box::new(query))
    }
}

trait Resolve: Send + Sync {
    fn resolve<'a>(
        &'a self,
        ctx: &'a ContextSelectionSet<'a>,
        field: &'a Positioned<Field>,
    ) -> BoxFuture<'a, ServerResult<Value>>;
}

impl<Q: ObjectType> Resolve for Q {
    fn resolve<'a>(
        &'a self,
        ctx: &'a ContextSelectionSet<'a>,
        field: &'a Positioned<Field>,
    ) -> BoxFuture<'a, ServerResult<Value>> {
        Box::pin(OutputType::resolve(self, ctx, field))
    }
}

/// The field `query` of payloads: everything that can be read.
#[derive(Clone, Copy, Debug, Default)]
pub struct RootQuery;

impl OutputType for RootQuery {
    fn type_name() -> Cow<'static, str> {
        "Query".into()
    }
    fn create_type_info(_: &mut Registry) -> String {
        "Query!".to_owned()
    }
    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        ctx.data_unchecked::<Root>().0.resolve(ctx, field).await
    }
}
