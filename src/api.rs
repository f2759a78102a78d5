//! The catalogue: which slices there are, and the schema and the jobs made of them. The only place that names them all.

use async_graphql::{MergedObject, SchemaBuilder, ValidationMode};

use crate::{
    accounts, api_keys,
    api_keys::graphql::ApiKeyMutation,
    contacts, deals,
    graphql::{
        catalogue::{Api, schema},
        external_ids::ExternalIdMutation,
        mutation::NounMutation,
        once::Mutation,
        query::NounQuery,
        subscription::Subscription,
    },
    imports,
    imports::graphql::{ImportMutation, ImportQuery},
    leads, people,
    people::graphql::{PeopleMutation, PeopleQuery},
    personas, roles,
    roles::{
        graphql::{RoleMutation, RoleQuery},
        known::AccessCatalogueQuery,
    },
    store::Nouns,
    stories, target_lists, upkeep,
    worker::Job,
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

/// All kinds of job.
pub const JOBS: &[&dyn Job] = &[
    &imports::job::Import,
    &people::leaving::handover::HandOver,
    &upkeep::Expire,
    &upkeep::Partitions,
    &upkeep::ImportLeftovers,
];

/// Tandem as the kit sees it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tandem;

impl Api for Tandem {
    const NOUNS: Nouns = NOUNS;
}

/// The root of all queries.
#[derive(Default, MergedObject)]
pub struct Query(NounQuery<Tandem>, PeopleQuery, RoleQuery, AccessCatalogueQuery, ImportQuery);

/// The root of all mutations.
#[derive(Default, MergedObject)]
#[graphql(name = "Mutation")]
pub struct Mutations(
    NounMutation<Tandem>,
    ExternalIdMutation,
    PeopleMutation,
    RoleMutation,
    ApiKeyMutation,
    ImportMutation,
);

/// Tandem's schema.
pub type Schema = async_graphql::Schema<Query, Mutation<Mutations>, Subscription>;

/// The schema with async-graphql's full validation, for a document seen for the first time.
#[must_use]
pub fn strict() -> Schema {
    builder().validation_mode(ValidationMode::Strict).finish()
}

/// The same for a document that has passed it.
#[must_use]
pub fn fast() -> Schema {
    builder().validation_mode(ValidationMode::Fast).finish()
}

fn builder() -> SchemaBuilder<Query, Mutation<Mutations>, Subscription> {
    schema(Query::default, Mutation::default(), Subscription)
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
