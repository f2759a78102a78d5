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

/// A role that permits a user actions on a record.
#[derive(Clone, Debug, SimpleObject)]
pub struct RecordAccessRole {
    /// Key of the role.
    key: String,
    /// Name of the role.
    name: String,
    /// Actions that the role permits on the record.
    actions: Vec<Of<Action>>,
}

/// A page of users who can see a record, sorted by name.
#[derive(SimpleObject)]
pub struct RecordAccessConnection {
    /// The users of the page and their permitted actions.
    nodes: People,
    /// Pagination information.
    page_info: Page,
}

#[Object]
impl RecordAccessQuery {
    /// Lists the users who can see a record, sorted by name, with the actions that each of them may perform on it and
    /// the roles that permit them; see `explainAccess` for details. Lists active users only; an API key has the
    /// permissions of its own role. Requires User MANAGE with reach ALL, and READ on all roles and role assignments;
    /// null if the record does not exist or you do not have access to it.
    async fn record_access(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Global ID of a record of any type except Event; events are visible to whoever can see their subject."
        )]
        id: IdText,
        #[graphql(desc = "Returns the first n people, at most 200.", default = 25)] first: i32,
        #[graphql(desc = "Returns the people after this cursor.")] after: Option<String>,
    ) -> Option<async_graphql::Result<RecordAccessConnection>> {
        let read = async {
            let store = node::store(ctx)?;
            store.require_sign_in()?;
            let no_id = || Error::argument(format!("“{}” is not a global ID.", value::short(&id.0)));
            let record = id::parse(&id.0).ok_or_else(no_id)?;
            if record.0 == Kind::Event {
                let message = "An event is visible to whoever can see its subject; pass the ID of the subject instead.";
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
            describe::field("user", "User", "The user.", &[]),
            describe::field("cursor", "String!", "Cursor of the user, for `after`.", &[]),
            describe::field("actions", &actions, "Actions that the user may perform on the record.", &[]),
            describe::field("through", &roles, "Roles of the user that permit these actions, sorted by name.", &[]),
        ];
        describe::object(registry, ONE, "A user who can see a record, and the actions they may perform on it.", fields);
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
