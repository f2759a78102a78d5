//! Imports whose file comes after the job: the job waits, the file is streamed to disk, the import goes on by itself.

use bytes::Bytes;
use entity::{Kind, id, import_job::ImportJobId};
use futures_util::{StreamExt, stream::BoxStream};
use tempfile::TempPath;
use tokio::{
    fs::File,
    io::{AsyncWriteExt, BufWriter},
    sync::Semaphore,
};

use super::{
    Import, Map, Options, Source,
    run::{listed, permitted},
};
use crate::{
    error::{Code, Error, Result, UserCode},
    store::{Awaited, JobStart, Store},
};

/// Imports that a process works on at once; others wait for their turn.
static TURNS: Semaphore = Semaphore::const_new(4);

/// Bytes that are written at once.
const PIECE: usize = 256 * 1024;

/// Where the file of this import is to be put.
pub(super) fn path(job: ImportJobId) -> String {
    format!("/uploads/{job}")
}

/// Notes an import that waits for its file. Refused where the actor may not import what the map fills.
pub(super) async fn expect(store: &Store, map: &Map, file_name: &str, dry_run: bool) -> Result<ImportJobId> {
    store.user()?;
    permitted(store, map)?;
    let (file_name, resource) = (listed(file_name)?, map.resource());
    let mut change = store.begin().await?;
    let start = JobStart { file_name, resource, dry_run, rows: 0, fingerprint: "", waits_with: Some(&map.text) };
    let job = change.open_job(start).await?;
    change.commit().await?;
    Ok(job.id.into())
}

/// Takes the file of an import of the actor's that waits for it, and lets it go on by itself. An upload that breaks
/// off leaves the import waiting and no file.
pub async fn receive(store: &Store, id: &str, body: BoxStream<'_, Result<Bytes>>) -> Result<ImportJobId> {
    store.require_sign_in()?;
    let (awaited, map) = wanted(store, id).await?;
    permitted(store, &map).map_err(refused)?;
    let file = keep(id, body).await?;
    let mut change = store.begin().await?;
    let Some(job) = change.take_job(&awaited).await? else { return Err(had()) };
    change.commit().await?;
    let options = Options { dry_run: awaited.dry_run, ..Options::new(awaited.file_name) };
    let import = Import::with_file(store, map, Source::File(file.to_path_buf()), options, job)?;
    let id = import.id();
    tokio::spawn(async move {
        // Removed when the import is over, and when the process ends before it is.
        let _file = file;
        let Ok(_turn) = TURNS.acquire().await else { return };
        if let Err(error) = import.run(|_| {}).await {
            tracing::warn!(import = %id, error = %error, "an import stopped");
        }
    });
    Ok(id)
}

/// The import that waits for this file, and its map.
async fn wanted(store: &Store, id: &str) -> Result<(Awaited, Map)> {
    let job = match id::parse(id) {
        Some((Kind::ImportJob, job)) => store.awaited_job(job).await?,
        _ => None,
    };
    let Some(awaited) = job else {
        return Err(Error::refused(Code::NotFound, "No import of yours waits for a file here."));
    };
    let Some(map) = &awaited.map else { return Err(had()) };
    // It was checked when it came; where a newer program reads it otherwise, a new import tells what is wrong.
    let map = Map::parse(map).map_err(|error| Error::refused(Code::BadRequest, error.to_string()))?;
    Ok((awaited, map))
}

fn had() -> Error {
    let message = "The import has its file already; begin another one with importStart.";
    Error::refused_because(Code::Conflict, "UPLOADED_ALREADY", message)
}

/// A mistake as a request is refused for it.
fn refused(error: Error) -> Error {
    match error {
        Error::Input(mistakes) if mistakes.iter().any(|mistake| mistake.code == UserCode::Forbidden) => {
            Error::refused_because(Code::Forbidden, "PERMISSION_MISSING", Error::Input(mistakes).to_string())
        }
        error => error,
    }
}

/// Writes a body to a file that only we can read and that goes with the answer.
async fn keep(id: &str, mut body: BoxStream<'_, Result<Bytes>>) -> Result<TempPath> {
    let file = tempfile::Builder::new().prefix(&format!("tandem-{id}-")).tempfile().map_err(Error::internal)?;
    let (file, path) = file.into_parts();
    let mut file = BufWriter::with_capacity(PIECE, File::from_std(file));
    while let Some(bytes) = body.next().await {
        file.write_all(&bytes?).await.map_err(Error::internal)?;
    }
    file.flush().await.map_err(Error::internal)?;
    Ok(path)
}
