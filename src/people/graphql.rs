//! People in the API: the viewer, signing in, keeping people, and who may do what.

mod access;
mod leaving;
mod people;
mod sign_in;
mod viewer;

use async_graphql::{Context, MergedObject};

use self::{
    access::AccessQuery,
    leaving::{LeavingMutation, LeavingQuery},
    people::KeepingMutation,
    sign_in::SignInMutation,
    viewer::ViewerQuery,
};
use super::sign_in::Authority;
use crate::{
    access::Origin,
    error::{Error, Result},
};

/// Who is calling, and who may do what.
#[derive(Clone, Copy, Debug, Default, MergedObject)]
pub struct PeopleQuery(ViewerQuery, AccessQuery, LeavingQuery);

/// Signing in and out, and who may.
#[derive(Clone, Copy, Debug, Default, MergedObject)]
pub struct PeopleMutation(SignInMutation, KeepingMutation, LeavingMutation);

fn authority<'a>(ctx: &Context<'a>) -> Result<&'a Authority> {
    ctx.data::<Authority>().map_err(|error| Error::internal(error.message))
}

fn origin(ctx: &Context<'_>) -> Origin {
    ctx.data_opt::<Origin>().cloned().unwrap_or_default()
}
