//! People in the API: the viewer, signing in, keeping people, and who may do what.

mod access;
mod history;
mod leaving;
mod people;
mod record_access;
mod sign_in;
mod viewer;

use async_graphql::{Context, MergedObject};

use self::{
    access::AccessQuery,
    history::HistoryQuery,
    leaving::{LeavingMutation, LeavingQuery},
    people::KeepingMutation,
    record_access::RecordAccessQuery,
    sign_in::SignInMutation,
    viewer::ViewerQuery,
};
use super::authority::Authority;
use crate::{
    access::{
        Origin,
        guess::{Guess, Guesses},
    },
    error::{Error, Result},
};

/// Who is calling, and who may do what.
#[derive(Clone, Copy, Debug, Default, MergedObject)]
pub struct PeopleQuery(ViewerQuery, AccessQuery, HistoryQuery, RecordAccessQuery, LeavingQuery);

/// Signing in and out, and who may.
#[derive(Clone, Copy, Debug, Default, MergedObject)]
pub struct PeopleMutation(SignInMutation, KeepingMutation, LeavingMutation);

fn authority<'a>(ctx: &Context<'a>) -> Result<&'a Authority> {
    ctx.data::<Authority>().map_err(|error| Error::internal(error.message))
}

fn origin(ctx: &Context<'_>) -> Origin {
    ctx.data_opt::<Origin>().cloned().unwrap_or_default()
}

/// Takes from whoever calls what a guess at a token costs, unless this process has given the token itself.
fn charge(ctx: &Context<'_>, guess: Guess, token: &str) -> Result<()> {
    if authority(ctx)?.unspent().take(token) {
        return Ok(());
    }
    ctx.data_opt::<Guesses>().map_or(Ok(()), |guesses| guesses.charge(guess))
}
