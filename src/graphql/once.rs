//! Idempotency keys in the API: mutations whose input has one, and the refusal by all others.

use async_graphql::{
    ContainerType, InputObject, ObjectType,
    parser::types::Field,
    registry::{MetaType, Registry},
    resolver_utils::resolve_container,
};
use async_graphql::{Context, ContextSelectionSet, OutputType, Positioned, ServerResult, Value};
use serde_json::Value as Json;
use std::borrow::Cow;

use super::select::{Picked, Selections};
use crate::{
    error::{Code, Error, Result},
    store::Idempotency,
};

/// The idempotency key that a request's header carries.
#[derive(Clone, Debug, Default)]
pub struct RequestKey(pub Option<String>);

/// The input field that carries a key.
pub const FIELD: &str = "idempotencyKey";

/// Its description.
pub const DOC: &str = "A unique key for this request. A request repeated with the same key and input within 24 hours is not executed again but answered with the stored result. Overrides the `Idempotency-Key` header.";

/// The key in the input of a mutation that is done once; flattened into it.
#[derive(Clone, Debug, Default, InputObject)]
pub struct Once {
    /// A unique key for this request. A request repeated with the same key and input within 24 hours is not executed again but answered with the stored result. Overrides the `Idempotency-Key` header.
    pub idempotency_key: Option<String>,
}

impl Once {
    /// The key under which the field of this context is done.
    pub fn key(&self, ctx: &Context<'_>) -> Result<Option<Idempotency>> {
        key(ctx, self.idempotency_key.as_deref())
    }
}

/// The key under which a mutation is done: what its input gives, or else the request's header.
pub fn key(ctx: &Context<'_>, given: Option<&str>) -> Result<Option<Idempotency>> {
    let header = || ctx.data_opt::<RequestKey>().and_then(|key| key.0.as_deref());
    let place = ctx.item.node.response_key().node.as_str();
    let Some((key, place)) = given.map(|key| (key, None)).or_else(|| header().map(|key| (key, Some(place)))) else {
        return Ok(None);
    };
    let mut input = Selections::new(ctx.query_env).arguments(&ctx.item.node).remove("input").unwrap_or_default();
    if let Json::Object(input) = &mut input {
        input.remove(FIELD);
    }
    let registry = &ctx.schema_env.registry;
    drop_defaults(registry, input_type(registry, ctx.item.node.name.node.as_str()).unwrap_or_default(), &mut input);
    Idempotency::new(key, place, ctx.item.node.name.node.as_str(), &input).map(Some)
}

/// What can be changed, where a request that carries a key runs no mutation that takes none.
#[derive(Default)]
pub struct Mutation<M>(M);

impl<M: ObjectType> OutputType for Mutation<M> {
    fn type_name() -> Cow<'static, str> {
        M::type_name()
    }
    fn create_type_info(registry: &mut Registry) -> String {
        M::create_type_info(registry)
    }
    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        resolve_container(ctx, self).await
    }
}

impl<M: ObjectType> ContainerType for Mutation<M> {
    async fn resolve_field(&self, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
        check(ctx)
            .map_err(|error| ctx.set_error_path(async_graphql::Error::from(error).into_server_error(ctx.item.pos)))?;
        self.0.resolve_field(ctx).await
    }
}

impl<M: ObjectType> ObjectType for Mutation<M> {}

/// Refuses the whole document where the request has a key and one of its fields takes none: to run it all the same
/// would break the promise of the key, and to run half of it as well.
fn check(ctx: &Context<'_>) -> Result<()> {
    if ctx.data_opt::<RequestKey>().is_none_or(|key| key.0.is_none()) {
        return Ok(());
    }
    let fields = Selections::new(ctx.query_env).pick(&[&ctx.query_env.operation.node.selection_set.node], "Mutation");
    match fields
        .iter()
        .map(Picked::name)
        .find(|name| *name != "__typename" && !takes_key(&ctx.schema_env.registry, name))
    {
        None => Ok(()),
        Some(name) => {
            let message = format!(
                "{name} does not support idempotency keys: it returns secrets, which are not stored, or is safe to repeat. Send it without `Idempotency-Key`."
            );
            Err(Error::refused_because(Code::BadUserInput, "IDEMPOTENCY_UNSUPPORTED", message))
        }
    }
}

/// Leaves out what is given as its default: variables come with them filled in, literals do not.
fn drop_defaults(registry: &Registry, ty: &str, value: &mut Json) {
    let encoded = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match value {
        Json::Array(items) => items.iter_mut().for_each(|item| drop_defaults(registry, ty, item)),
        Json::Object(members) => {
            let name = ty.trim_matches(['[', ']', '!']);
            let Some(MetaType::InputObject { input_fields, .. }) = registry.types.get(name) else { return };
            members.retain(|name, value| {
                let Some(field) = input_fields.get(name) else { return true };
                drop_defaults(registry, &field.ty, value);
                field.default_value.as_deref().is_none_or(|default| default != encoded(value))
            });
        }
        _ => {}
    }
}

/// The type of a mutation's input.
fn input_type<'a>(registry: &'a Registry, mutation: &str) -> Option<&'a str> {
    let field = registry.types.get("Mutation")?.field_by_name(mutation)?;
    field.args.get("input").map(|input| input.ty.as_str())
}

/// Whether a mutation's input has a field for a key.
fn takes_key(registry: &Registry, mutation: &str) -> bool {
    let input = input_type(registry, mutation).and_then(|ty| registry.types.get(ty.trim_end_matches('!')));
    matches!(input, Some(MetaType::InputObject { input_fields, .. }) if input_fields.contains_key(FIELD))
}
