//! Whether the actor may import a file, and how long a step of it may take.

use std::time::Duration;

use super::map::Map;
use crate::{
    access::{Action, Reach},
    error::{Error, Result, UserCode, UserError},
    store::{Change, Noun, Store},
};

/// How long a chunk may keep others from writing; what it has not done by then, the next one does.
pub(super) const CHUNK: Duration = Duration::from_millis(250);

/// The noun that a map fills, where the actor may import it.
pub(super) fn permitted(store: &Store, map: &Map) -> Result<&'static dyn Noun> {
    let kind = map.resource();
    let Some(noun) = map.nouns.of(kind).filter(|noun| noun.verbs().create) else {
        return Err(Error::input(
            UserCode::Invalid,
            "resource",
            format!("{} records cannot be imported.", kind.name()),
        ));
    };
    let policy = &store.actor().policy;
    let needed = [(Action::Import, true), (Action::Create, true), (Action::Update, noun.verbs().update)];
    if needed.iter().any(|(action, needed)| *needed && policy.reach(kind, *action) == Reach::None) {
        let message =
            format!("Importing {} records requires the permissions to import, create and update them.", kind.name());
        return Err(UserError::new(UserCode::Forbidden, "resource", message).because("PERMISSION_MISSING").into());
    }
    Ok(noun)
}

/// A transaction with what the actor may do now.
pub(super) async fn permitted_change(store: &Store, map: &Map) -> Result<Change> {
    let store = store.refreshed().await?;
    permitted(&store, map)?;
    store.begin().await
}
