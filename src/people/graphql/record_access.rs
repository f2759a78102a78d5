//! Who can see or change a record, in the API.

use std::{borrow::Cow, collections::HashMap};

use async_graphql::{
    Context, ContextSelectionSet, Name, Object, OutputType, Positioned, ServerResult, SimpleObject, Value,
    indexmap::IndexMap, parser::types::Field, registry::Registry,
};
use entity::{Kind, id};
use sea_orm::prelude::Uuid;

use crate::{
    access::Action,
    error::{Code, Error},
    graphql::{choice::Of, describe, forward::Page, node, scalars::IdText, select::Selections},
    people::record_access::{self, Access},
    store::value,
};

/// Who can see or change a record.
#[derive(Clone, Copy, Debug, Default)]
pub struct RecordAccessQuery;

/// A role by which somebody may do something to a record.
#[derive(Clone, Debug, SimpleObject)]
pub struct RecordAccessRole {
    /// The role's key.
    key: String,
    /// Its name.
    name: String,
    /// What it lets them do to the record.
    actions: Vec<Of<Action>>,
}

/// A page of people who can see a record, by name.
#[derive(SimpleObject)]
pub struct RecordAccessConnection {
    /// The people and what they may do.
    nodes: People,
    /// Where the page lies.
    page_info: Page,
}

#[Object]
impl RecordAccessQuery {
    /// Who can see a record, by name, what each of them may do to it, and by which of their roles; `explainAccess` tells the
    /// rest of each. Active people alone: an API key may do what its own role permits. For whoever administers people
    /// (User MANAGE, ALL) and sees all roles and who holds them; null where you may not see the record, or there is none.
    async fn record_access(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of a record of any type but Event, which is seen with its subject.")] id: IdText,
        #[graphql(desc = "How many people, at most 200.", default = 25)] first: i32,
        #[graphql(desc = "Only people after this cursor.")] after: Option<String>,
    ) -> Option<async_graphql::Result<RecordAccessConnection>> {
        let read = async {
            let store = node::store(ctx)?;
            store.require_sign_in()?;
            let no_id = || Error::argument(format!("“{}” is not a global id.", value::short(&id.0)));
            let record = id::parse(&id.0).ok_or_else(no_id)?;
            if record.0 == Kind::Event {
                let message = "An event is seen by who sees its subject: ask about that.";
                return Err(Error::refused_because(Code::BadUserInput, "RESOURCE_UNKNOWN", message));
            }
            record_access::read(store, record, first, after.as_deref()).await
        };
        let page = |found: record_access::Accesses| {
            let cursor = |one: Option<&Access>| one.map(|one| one.cursor.clone());
            let (start, end) = (cursor(found.people.first()), cursor(found.people.last()));
            let page_info = Page { previous: after.is_some(), next: found.more, start, end };
            RecordAccessConnection { nodes: People(found.people), page_info }
        };
        read.await.map_err(Into::into).transpose().map(|found| found.map(page))
    }
}

/// Those who see a record. They are read in one statement.
struct People(Vec<Access>);

const ONE: &str = "RecordAccess";

impl OutputType for People {
    fn type_name() -> Cow<'static, str> {
        format!("[{ONE}!]").into()
    }
    fn create_type_info(registry: &mut Registry) -> String {
        let actions = <Vec<Of<Action>> as OutputType>::create_type_info(registry);
        let roles = <Vec<RecordAccessRole> as OutputType>::create_type_info(registry);
        let fields = vec![
            describe::field("user", "User", "The person.", &[]),
            describe::field("cursor", "String!", "Their place in the list, for `after`.", &[]),
            describe::field("actions", &actions, "What they may do to the record.", &[]),
            describe::field("through", &roles, "The roles of theirs that let them, by name.", &[]),
        ];
        describe::object(registry, ONE, "Somebody who can see a record, and what they may do to it.", fields);
        format!("[{ONE}!]!")
    }
    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        let picked = Selections::new(ctx.query_env).pick(&[&ctx.item.node], ONE);
        let ids: Vec<Option<Uuid>> = self.0.iter().map(|one| Some(one.user.0)).collect();
        let mut users: HashMap<&str, Vec<Value>> = HashMap::new();
        for field in picked.iter().filter(|field| field.name() == "user") {
            users.insert(field.key, node::each(ctx, &[], (Kind::User, field), &ids).await?);
        }
        let mut list = Vec::with_capacity(self.0.len());
        for (n, one) in self.0.iter().enumerate() {
            let mut object = IndexMap::new();
            for field in &picked {
                let (set, place) = field.merged(ctx.item.pos);
                let inner = ctx.with_selection_set(&set);
                let value = match field.name() {
                    "user" => users.get(field.key).and_then(|users| users.get(n)).cloned().unwrap_or_default(),
                    "cursor" => Value::String(one.cursor.clone()),
                    "actions" => of(&one.actions).resolve(&inner, &place).await?,
                    "through" => roles(one).resolve(&inner, &place).await?,
                    _ => Value::String(ONE.to_owned()),
                };
                object.insert(Name::new(field.key), value);
            }
            list.push(Value::Object(object));
        }
        Ok(Value::List(list))
    }
}

fn of(actions: &[Action]) -> Vec<Of<Action>> {
    actions.iter().copied().map(Of).collect()
}

fn roles(access: &Access) -> Vec<RecordAccessRole> {
    let role = |(key, name, actions): &(String, String, Vec<Action>)| RecordAccessRole {
        key: key.clone(),
        name: name.clone(),
        actions: of(actions),
    };
    access.through.iter().map(role).collect()
}
