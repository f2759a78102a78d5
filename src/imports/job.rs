//! The import as a job: whichever process holds it, continues where the rows noted so far end.

use std::io::Write;

use entity::{Instant, api_key::ApiKeyId, user::UserId};
use futures_util::future::BoxFuture;
use sea_orm::prelude::Uuid;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tempfile::NamedTempFile;

use super::{Map, Options, Source, run};
use crate::{
    access::{
        Actor, Who,
        key::{Fingerprint, Presented},
    },
    error::{Code, Error, Result},
    store::{Backend, Change, Store},
    worker::{Ended, Held, Job},
};

/// Its name in the queue.
pub(super) const KIND: &str = "import";

/// What an import's job has to know.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Payload {
    /// The import.
    import: Uuid,
    /// Who sent the file.
    user: Uuid,
    /// By which API key, if by one.
    key: Option<Key>,
    /// When the file came: what relative dates in it are counted from.
    at: i64,
}

/// The API key by which a file was sent.
#[derive(Debug, Deserialize, Serialize)]
struct Key {
    id: Uuid,
    /// The fingerprint of its secret, as the database has it anyway.
    secret: String,
    address: Option<std::net::IpAddr>,
}

impl Payload {
    /// For an import whose file the store's actor has sent.
    pub fn of(store: &Store, import: Uuid) -> Result<Json> {
        let key = match &store.actor().who {
            Who::Key { id, by, .. } => Some(Key { id: id.0, secret: by.secret.encode(), address: by.address }),
            Who::User { .. } | Who::Anonymous | Who::System(_) => None,
        };
        let payload = Self { import, user: store.user()?.0, key, at: store.now().0 };
        serde_json::to_value(payload).map_err(Error::internal)
    }

    fn read(payload: &Json) -> Result<Self> {
        Self::deserialize(payload).map_err(Error::internal)
    }

    /// Who sent the file, with what they may do now. The session may have ended: the person need not wait
    /// beside a long import.
    async fn actor(&self, backend: &std::sync::Arc<Backend>) -> Result<Actor> {
        let user = UserId(self.user);
        if let Some(Key { id, secret, address }) = &self.key {
            let secret = Fingerprint::read(secret).ok_or_else(|| Error::internal("a job names no fingerprint"))?;
            let by = Presented { secret, address: *address };
            let (actor, _) = backend.key_holder(by).await?;
            return match actor.who {
                Who::Key { id: found, .. } if found == ApiKeyId(*id) => Ok(actor),
                _ => Err(Error::internal("a secret leads to another API key")),
            };
        }
        let known = backend.known(user, None).await?;
        if !known.good {
            return Err(deactivated());
        }
        Ok(Actor::person(user, None, known.department, known.policy))
    }
}

fn deactivated() -> Error {
    let message = "The user who started the import was deactivated; rows already imported are kept.";
    Error::refused_because(Code::Forbidden, "USER_DEACTIVATED", message)
}

/// Imports whose file has come by the API.
#[derive(Debug)]
pub(crate) struct Import;

impl Job for Import {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn run<'a>(&'a self, held: &'a Held) -> BoxFuture<'a, Result<Ended>> {
        Box::pin(import(held))
    }

    fn ended<'a>(
        &'a self,
        change: &'a mut Change,
        payload: &'a Json,
        error: Option<&'a str>,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let import = Payload::read(payload)?.import;
            change.end_import(import, error).await?;
            change.forget_files(import).await
        })
    }
}

async fn import(held: &Held) -> Result<Ended> {
    let (payload, backend) = (Payload::read(held.payload())?, held.backend());
    let Some(kept) = backend.kept_import(payload.import).await? else { return Ok(Ended::Done) };
    let store = backend.store(payload.actor(backend).await?, None);
    let map = Map::parse(&kept.map, held.backend().nouns())?;
    let Some(file) = fetch(held, kept.upload).await? else { return Ok(Ended::Stopped) };
    let options = Options { dry_run: kept.dry_run, ..Options::new(kept.file_name) };
    let source = Source::File(file.path().to_owned());
    let import = run::Import::continued(&store, map, source, options, (kept.job, kept.done), Instant(payload.at))?;
    import.run_held(held).await.map_err(client_error)
}

/// What became of the person, said of an import.
fn client_error(error: Error) -> Error {
    match &error {
        Error::Refused(refusal) if refusal.reason.as_deref() == Some("USER_DEACTIVATED") => deactivated(),
        _ => error,
    }
}

/// The file on this machine's disk, which is removed when it is dropped; nothing where the process ends meanwhile.
async fn fetch(held: &Held, upload: Uuid) -> Result<Option<NamedTempFile>> {
    let mut file = tempfile::Builder::new().prefix("tandem-import-").tempfile().map_err(Error::internal)?;
    let mut part = 0;
    while let Some(bytes) = held.backend().file_part(upload, part).await? {
        if !held.goes_on() {
            return Ok(None);
        }
        file = tokio::task::spawn_blocking(move || file.write_all(&bytes).map(|()| file))
            .await
            .map_err(Error::internal)?
            .map_err(Error::internal)?;
        part += 1;
    }
    file.flush().map_err(Error::internal)?;
    Ok(Some(file))
}
