//! What a schema is made of: the nouns it is drawn from and its root objects.

use std::borrow::Cow;

use async_graphql::{
    ContextSelectionSet, ObjectType, OutputType, Positioned, Schema, SchemaBuilder, ServerResult, SubscriptionType,
    Value, parser::types::Field, registry::Registry,
};
use futures_util::future::BoxFuture;

use super::{describe, verbs};
use crate::store::Nouns;

/// A program whose schema is drawn by this kit.
pub trait Api: Send + Sync + 'static {
    /// Its nouns, in the order they are shown.
    const NOUNS: Nouns;
}

/// Registers the types of all record types and of the mutations of all nouns. The root objects do it; what else is
/// drawn by the kit names its types alone.
pub(super) fn register<A: Api>(registry: &mut Registry) {
    if registry.types.contains_key("PageInfo") {
        return;
    }
    describe::tables(registry);
    for noun in A::NOUNS.0 {
        verbs::describe(registry, *noun);
    }
}

/// Nesting of selections; the gate's own limit is the same and tells more.
const RECURSION: usize = 64;

/// A schema of these root objects, whose payloads can read everything that `query` can.
pub fn schema<Q, M, S>(query: fn() -> Q, mutation: M, subscription: S) -> SchemaBuilder<Q, M, S>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    // Suggestions would name what introspection may not show.
    Schema::build(query(), mutation, subscription)
        .data(Root(Box::new(query())))
        .disable_suggestions()
        .limit_recursive_depth(RECURSION)
}

/// The root object that reads, whatever its type.
struct Root(Box<dyn Resolve>);

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
