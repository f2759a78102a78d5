//! What a schema is made of: the nouns it is drawn from and its root objects.

use async_graphql::{ObjectType, Schema, SchemaBuilder, SubscriptionType, registry::Registry};

use super::{describe, root::Root, verbs};
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
        .data(Root::new(query()))
        .disable_suggestions()
        .limit_recursive_depth(RECURSION)
}
