//! The schema: the one place that knows all slices.

use async_graphql::{MergedObject, Schema, SchemaBuilder, ValidationMode};

use super::{
    external_ids::ExternalIdMutation, mutation::NounMutation, once::Mutation, query::NounQuery,
    subscription::Subscription,
};
use crate::{
    accounts, api_keys,
    api_keys::graphql::ApiKeyMutation,
    contacts, deals,
    imports::graphql::{ImportMutation, ImportQuery},
    leads, people,
    people::graphql::{PeopleMutation, PeopleQuery},
    personas, roles,
    roles::{
        graphql::{RoleMutation, RoleQuery},
        known::AccessCatalogueQuery,
    },
    store::Nouns,
    stories, target_lists,
};

/// All nouns that have mutations, in the order they are shown.
pub const NOUNS: Nouns = Nouns(&[
    &accounts::ACCOUNT,
    &accounts::DOMAIN,
    &accounts::TEAM,
    &contacts::CONTACT,
    &contacts::PLACE,
    &personas::PERSONA,
    &stories::STORY,
    &target_lists::LIST,
    &target_lists::MEMBER,
    &leads::LEAD,
    &deals::DEAL,
    &deals::PIPELINE,
    &deals::STAGE,
    &people::USER,
    &people::TEAM,
    &people::MEMBERSHIP,
    &roles::ROLE,
    &api_keys::KEY,
]);

/// What can be read.
#[derive(Default, MergedObject)]
pub struct Query(NounQuery, PeopleQuery, RoleQuery, AccessCatalogueQuery, ImportQuery);

/// What can be changed.
#[derive(Default, MergedObject)]
#[graphql(name = "Mutation")]
pub struct Mutations(NounMutation, ExternalIdMutation, PeopleMutation, RoleMutation, ApiKeyMutation, ImportMutation);

/// Tandem's schema.
pub type TandemSchema = Schema<Query, Mutation, Subscription>;

/// The idempotency key that a request's header carries.
#[derive(Clone, Debug, Default)]
pub struct RequestKey(pub Option<String>);

/// The schema with async-graphql's full validation, for a document seen for the first time.
#[must_use]
pub fn strict() -> TandemSchema {
    builder().validation_mode(ValidationMode::Strict).finish()
}

/// The same for a document that has passed it.
#[must_use]
pub fn fast() -> TandemSchema {
    builder().validation_mode(ValidationMode::Fast).finish()
}

/// Nesting of selections; the gate's own limit is the same and tells more.
const RECURSION: usize = 64;

fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    // Suggestions would name what introspection may not show.
    Schema::build(Query::default(), Mutation::default(), Subscription)
        .disable_suggestions()
        .limit_recursive_depth(RECURSION)
}

/// The schema in its definition language.
#[must_use]
pub fn sdl() -> String {
    let mut sdl = strict().sdl_with_options(
        async_graphql::SDLExportOptions::new().include_specified_by().prefer_single_line_descriptions(),
    );
    sdl.truncate(sdl.trim_end().len());
    sdl.push('\n');
    sdl
}
