//! A record's names in other systems, given from one record to another.

use async_graphql::{Context, InputObject, Object};
use entity::id;
use sea_orm::prelude::Uuid;

use super::{
    node::{AnyRow, store},
    once::Once,
    payload::{outcome, payload},
    root::RootQuery,
    scalars::IdText,
};
use crate::{
    error::{Error, Result, UserCode, UserError},
    store::{Change, Draft, Lock, Noun, Store, value::short},
};

/// Input for moving an external ID to another record.
#[derive(Debug, InputObject)]
pub struct ExternalIdMoveInput {
    /// The external system, for example `salesforce`.
    system: String,
    /// The record's id in that system.
    id: String,
    /// Record to move the ID to, of the same type as the record that has it now.
    to_id: IdText,
    /// Done once.
    #[graphql(flatten)]
    once: Once,
}

payload! {
    /// Return type of `externalIdMove`.
    ExternalIdMovePayload {
        /// Record that now has the ID; null if the mutation failed.
        node: Option<AnyRow>,
        /// Record that had the ID before; null if the mutation failed or nothing changed.
        previous: Option<AnyRow>,
    }
}

/// What can be done with the names that other systems have for records.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExternalIdMutation;

#[Object]
impl ExternalIdMutation {
    /// Moves an external ID from one record to another of the same type, e.g. after a merge in the external system.
    /// Does nothing if the record already has it. Requires UPDATE on both records.
    async fn external_id_move(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The external ID, and the record to move it to.")] input: ExternalIdMoveInput,
    ) -> async_graphql::Result<ExternalIdMovePayload> {
        let store = store(ctx)?;
        store.require_sign_in()?;
        let work = async {
            let key = input.once.key(ctx)?;
            let (noun, to) = record(store, &input.to_id.0)?;
            let name = Draft::external_id(&input.system, &input.id).map_err(|mistake| Error::Input(vec![mistake]))?;
            let work = async |change: &mut Change| move_to(change, noun, to, name).await;
            let previous = store.once(key.as_ref(), work).await?;
            let row = |id| AnyRow(noun.kind(), id);
            Ok((row(to), previous.map(row)))
        };
        let (done, user_errors) = outcome(work.await)?;
        let (node, previous) = done.unzip();
        Ok(ExternalIdMovePayload { node, previous: previous.flatten(), user_errors, query: RootQuery })
    }
}

/// A record that can have a name in another system.
fn record(store: &Store, text: &str) -> Result<(&'static dyn Noun, Uuid)> {
    let found = id::parse(text).and_then(|(kind, id)| Some((store.backend().nouns().of(kind)?, id)));
    let found = found.filter(|(noun, _)| noun.verbs().update);
    found.ok_or_else(|| {
        Error::input(UserCode::NotFound, "toId", format!("No record exists with the ID {}.", short(text)))
    })
}

/// Takes a name from the record that has it and gives it to this one; answers which had it.
async fn move_to(change: &mut Change, noun: &dyn Noun, to: Uuid, name: (String, String)) -> Result<Option<Uuid>> {
    let kind = noun.kind();
    // Of several who move the same name, each takes it from whom the one before gave it to.
    change.lock(Lock::ExternalId(kind, &name.0, &name.1)).await?;
    let unknown = || {
        let message = format!("No {} that you may see has this ID in {}.", kind.name(), short(&name.0));
        Error::input(UserCode::NotFound, "id", message)
    };
    let mut holder = holder_of(change, noun, &name).await?.ok_or_else(unknown)?;
    loop {
        if holder == to {
            noun.update(change, to, None, Draft::default()).await.map_err(|error| placed(error, "toId"))?;
            return Ok(None);
        }
        change.lock_rows(kind, &[holder, to]).await?;
        // Until it was locked, an update may have taken the name from it.
        match holder_of(change, noun, &name).await?.ok_or_else(unknown)? {
            same if same == holder => break,
            other => holder = other,
        }
    }
    // Whoever may not see the record that has it, learns no more than that it is not theirs.
    noun.update(change, holder, None, Draft::unnaming(name.clone()))
        .await
        .map_err(|error| if is_missing(&error) { unknown() } else { error })?;
    noun.update(change, to, None, Draft::naming(name)).await.map_err(|error| placed(error, "toId"))?;
    Ok(Some(holder))
}

/// The record that has a name, whoever may see it.
async fn holder_of(change: &Change, noun: &dyn Noun, name: &(String, String)) -> Result<Option<Uuid>> {
    let found = change.by_external_ids(noun.kind(), &name.0, std::slice::from_ref(&name.1)).await?;
    Ok(found.first().map(|(_, holder)| *holder))
}

fn is_missing(error: &Error) -> bool {
    matches!(error, Error::Input(mistakes) if mistakes.iter().any(|mistake| mistake.code == UserCode::NotFound))
}

/// A mistake of the record itself, at the input that names it.
fn placed(error: Error, field: &str) -> Error {
    match error {
        Error::Input(mistakes) => {
            let place = |mistake: UserError| match &*mistake.field {
                [name] if name == "id" => UserError { field: vec![field.to_owned()], ..mistake },
                _ => mistake,
            };
            Error::Input(mistakes.into_iter().map(place).collect())
        }
        error => error,
    }
}
