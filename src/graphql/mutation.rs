//! The standard mutations of every noun: create, update, archive, restore, bulk upsert.

use std::{borrow::Cow, collections::HashMap, marker::PhantomData};

use async_graphql::{
    ContainerType, Context, ContextSelectionSet, Name, ObjectType, OutputType, PathSegment, Positioned, ServerResult,
    Value,
    indexmap::IndexMap,
    parser::types::Field as AstField,
    registry::{MetaTypeId, Registry},
    resolver_utils::resolve_container,
};
use entity::Kind;
use sea_orm::prelude::Uuid;
use serde_json::{Map, Value as Json};

use super::{
    catalogue::{Api, register},
    describe::{self, field},
    node::{each, row, store, written},
    once,
    payload::outcome,
    root::RootQuery,
    select::{Picked, Selections},
    verbs::{Verb, named, root_name},
};
use crate::{
    error::{Error, Result, UserCode, UserError},
    store::{
        Change, Draft, Idempotency, Noun, Replay, Store,
        bulk::{self, OnError, Outcome},
        value,
    },
};

/// The standard mutations of every noun.
#[derive(Clone, Copy, Debug)]
pub struct NounMutation<A>(PhantomData<A>);

impl<A> Default for NounMutation<A> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<A: Api> OutputType for NounMutation<A> {
    fn type_name() -> Cow<'static, str> {
        "NounMutation".into()
    }
    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_output_type::<Self, _>(MetaTypeId::Object, |registry| {
            register::<A>(registry);
            let all = A::NOUNS.0.iter().flat_map(|noun| Verb::of(*noun).map(move |verb| (*noun, verb)));
            let fields = all.map(|(noun, verb)| {
                let name = noun.kind().name();
                let argument =
                    ("input", format!("{name}{}Input!", verb.suffix()), "Parameters of the mutation.".to_owned());
                field(&root_name(noun, verb), format!("{name}{}Payload!", verb.suffix()), verb.doc(), &[argument])
            });
            describe::object_type("NounMutation", "", fields.collect())
        })
    }
    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<AstField>) -> ServerResult<Value> {
        resolve_container(ctx, self).await
    }
}

impl<A: Api> ContainerType for NounMutation<A> {
    async fn resolve_field(&self, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
        let Some((noun, verb)) = named(A::NOUNS, ctx.item.node.name.node.as_str()) else { return Ok(None) };
        let failed =
            |error: Error| ctx.set_error_path(async_graphql::Error::from(error).into_server_error(ctx.item.pos));
        let done = run(ctx, noun, verb).await.map_err(failed)?;
        write(ctx, noun, verb, done).await.map(Some)
    }
}

impl<A: Api> ObjectType for NounMutation<A> {}

/// What a mutation came to: the record, or what became of each item; and what is wrong.
#[derive(Default)]
struct Done {
    record: Option<Uuid>,
    results: Vec<Outcome>,
    mistakes: Vec<UserError>,
}

async fn run(ctx: &Context<'_>, noun: &dyn Noun, verb: Verb) -> Result<Done> {
    let store = store(ctx)?;
    store.require_sign_in()?;
    check_answer(ctx, noun, store)?;
    let mut arguments = Selections::new(ctx.query_env).arguments(&ctx.item.node);
    let Some(Json::Object(mut input)) = arguments.remove("input") else {
        return Err(Error::argument("input is required."));
    };
    let given = input.remove(once::FIELD).and_then(|key| key.as_str().map(str::to_owned));
    let key = match outcome(once::key(ctx, given.as_deref()))? {
        (Some(key), _) => key,
        (None, mistakes) => return Ok(Done { mistakes, ..Done::default() }),
    };
    if verb == Verb::BulkUpsert {
        return upsert(store, noun, input, key.as_ref()).await;
    }
    let (record, mistakes) = outcome(one(store, noun, verb, input, key.as_ref()).await)?;
    Ok(Done { record, mistakes, ..Done::default() })
}

/// What is selected of the answer must be answerable before anything is changed.
fn check_answer(ctx: &Context<'_>, noun: &dyn Noun, store: &Store) -> Result<()> {
    let selections = Selections::new(ctx.query_env);
    let kind = noun.kind();
    let (singular, result) = (kind.table().singular(), format!("{}BulkUpsertResult", kind.name()));
    let check = |picked: &Picked<'_>| {
        let mut rows = crate::store::plan::Rows::new(kind);
        selections.object(&picked.sets, &mut rows)?;
        store.refuse_hidden_use(&rows)
    };
    for picked in selections.pick(&[&ctx.item.node.selection_set.node], "") {
        if picked.name() == singular {
            check(&picked)?;
        } else if picked.name() == "results" {
            selections.pick(&picked.sets, &result).iter().filter(|field| field.name() == "node").try_for_each(check)?;
        }
    }
    Ok(())
}

async fn one(
    store: &Store,
    noun: &dyn Noun,
    verb: Verb,
    mut input: Map<String, Json>,
    key: Option<&Idempotency>,
) -> Result<Uuid> {
    let kind = noun.kind();
    if verb == Verb::Create {
        let draft = Draft::read(kind, &input, true, (&store.actor().policy, noun.extras()))?;
        return store.once(key, async |change| noun.create(change, draft).await).await;
    }
    let id = input.remove("id");
    let id = id.as_ref().and_then(Json::as_str).unwrap_or_default();
    let id = value::key(kind, id).map_err(|misfit| Error::input(misfit.code, "id", misfit.message))?;
    let expected = input
        .remove("expectedVersion")
        .and_then(|version| version.as_i64())
        .and_then(|version| i32::try_from(version).ok());
    let draft = if verb == Verb::Update {
        Draft::read(kind, &input, false, (&store.actor().policy, &[]))?
    } else {
        Draft::default()
    };
    let work = async |change: &mut Change| {
        match verb {
            Verb::Update => drop(noun.update(change, id, expected, draft).await?),
            _ => noun.archive(change, id, expected, verb == Verb::Archive).await?,
        }
        Ok(id)
    };
    store.once(key, work).await
}

async fn upsert(
    store: &Store,
    noun: &dyn Noun,
    mut input: Map<String, Json>,
    key: Option<&Idempotency>,
) -> Result<Done> {
    let mistake = |mistake: UserError| Ok(Done { mistakes: vec![mistake], ..Done::default() });
    let items = match input.remove("items") {
        Some(Json::Array(items)) => items,
        Some(one @ Json::Object(_)) => vec![one],
        _ => vec![],
    };
    if items.len() > bulk::MAX_ITEMS {
        return mistake(UserError::new(
            UserCode::LimitReached,
            "items",
            format!("items may have at most {} entries; got {}.", bulk::MAX_ITEMS, items.len()),
        ));
    }
    let match_on = input.remove("matchOn").and_then(|name| name.as_str().map(str::to_owned));
    let on_error = if input.get("onError").and_then(Json::as_str) == Some("ROLLBACK_ALL") {
        OnError::RollBackAll
    } else {
        OnError::SkipFailed
    };
    let dry = input.get("dryRun").and_then(Json::as_bool).unwrap_or(false);
    let mut change = store.begin().await?;
    if let Some(key) = key {
        match outcome(key.look_up(&change).await)? {
            (Some(Replay::Answer(answer)), _) => {
                return Ok(Done { results: bulk::read(noun.kind(), &answer), ..Done::default() });
            }
            (Some(Replay::New), _) => {}
            (None, mistakes) => return Ok(Done { mistakes, ..Done::default() }),
        }
    }
    let drafts = bulk::drafts(noun, &items, &store.actor().policy);
    let results = match outcome(bulk::upsert(noun, &mut change, drafts, match_on.as_deref()).await)? {
        (Some(results), _) => results,
        (None, mistakes) => return Ok(Done { mistakes, ..Done::default() }),
    };
    let failed = results.iter().any(|result| !result.mistakes.is_empty());
    let rolled_back = failed && on_error == OnError::RollBackAll;
    if dry || rolled_back {
        change.roll_back().await?;
        return Ok(Done { results: bulk::undone(results, rolled_back), ..Done::default() });
    }
    if let Some(key) = key {
        key.keep(&mut change, &bulk::show(noun.kind(), &results)).await?;
    }
    change.commit().await?;
    Ok(Done { results, ..Done::default() })
}

/// Writes the payload. The record is read again through the caller's own store.
async fn write(ctx: &Context<'_>, noun: &dyn Noun, verb: Verb, done: Done) -> ServerResult<Value> {
    let selections = Selections::new(ctx.query_env);
    let kind = noun.kind();
    let singular = kind.table().singular();
    let type_name = format!("{}{}Payload", kind.name(), verb.suffix());
    let mut payload = IndexMap::new();
    for picked in selections.pick(&[&ctx.item.node.selection_set.node], &type_name) {
        let (set, place) = picked.merged(ctx.item.pos);
        let inner = ctx.with_selection_set(&set);
        let value = match picked.name() {
            "__typename" => Value::String(type_name.clone()),
            "userErrors" => done.mistakes.resolve(&inner, &place).await?,
            "query" => RootQuery.resolve(&inner, &place).await?,
            "results" => results(&inner, &picked, kind, &done.results).await?,
            name if name == singular => match done.record {
                Some(id) => record(&inner, (picked.key, kind), id).await?,
                None => Value::Null,
            },
            _ => Value::Null,
        };
        payload.insert(Name::new(picked.key), value);
    }
    Ok(Value::Object(payload))
}

async fn record(ctx: &ContextSelectionSet<'_>, (key, kind): (&str, Kind), id: Uuid) -> ServerResult<Value> {
    let answer = row(ctx, kind, id)
        .await
        .map_err(|error| ctx.set_error_path(async_graphql::Error::from(error).into_server_error(ctx.item.pos)))?;
    Ok(written(ctx, ctx.item.pos, &[PathSegment::Field(key.to_owned())], answer))
}

async fn results(
    ctx: &ContextSelectionSet<'_>,
    picked: &Picked<'_>,
    kind: Kind,
    results: &[Outcome],
) -> ServerResult<Value> {
    let selections = Selections::new(ctx.query_env);
    let type_name = format!("{}BulkUpsertResult", kind.name());
    let fields = selections.pick(&picked.sets, &type_name);
    let mut read = HashMap::new();
    let ids: Vec<Option<Uuid>> = results.iter().map(|result| result.record).collect();
    let below = [PathSegment::Field(picked.key.to_owned())];
    for field in fields.iter().filter(|field| field.name() == "node") {
        read.insert(field.key, each(ctx, &below, (kind, field), &ids).await?);
    }
    let mut list = Vec::with_capacity(results.len());
    for (n, result) in results.iter().enumerate() {
        let mut object = IndexMap::new();
        for field in &fields {
            let (set, place) = field.merged(ctx.item.pos);
            let value = match field.name() {
                "__typename" => Value::String(type_name.clone()),
                "index" => n.into(),
                "status" => Value::Enum(Name::new(result.status())),
                "userErrors" => result.mistakes.resolve(&ctx.with_selection_set(&set), &place).await?,
                _ => read.get(field.key).and_then(|nodes| nodes.get(n)).cloned().unwrap_or_default(),
            };
            object.insert(Name::new(field.key), value);
        }
        list.push(Value::Object(object));
    }
    Ok(Value::List(list))
}
