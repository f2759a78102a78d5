//! Imports whose file comes after the job: the job waits, the file is kept in the database, a worker imports it.

use std::fmt::Write;

use bytes::Bytes;
use entity::{ImportStatus, Kind, id, import_job::ImportJobId};
use futures_util::{StreamExt, stream::BoxStream};
use sha2::{Digest, Sha256};

use super::{
    Map,
    job::{KIND, Payload},
    permitted::permitted,
    run::listed,
};
use crate::{
    error::{Code, Error, Result, UserCode},
    store::{Awaited, Change, Idempotency, JobStart, Store, Upload},
};

/// Bytes that one statement keeps.
const PIECE: usize = 256 * 1024;

/// Where the file of this import is to be put.
pub(super) fn path(job: ImportJobId) -> String {
    format!("/uploads/{job}")
}

/// Notes an import that waits for its file. Refused where the actor may not import what the map fills.
pub(super) async fn expect(
    store: &Store,
    key: Option<&Idempotency>,
    map: &Map,
    file_name: &str,
    dry_run: bool,
) -> Result<ImportJobId> {
    store.user()?;
    permitted(store, map)?;
    let (file_name, resource) = (&*listed(file_name)?, map.resource());
    let open = async |change: &mut Change| {
        let start = JobStart { file_name, resource, dry_run, rows: 0, fingerprint: "", waits_with: Some(&map.text) };
        Ok(change.open_job(start).await?.id)
    };
    store.once(key, open).await.map(ImportJobId)
}

/// Takes the file of an import of the actor's that waits for it; a worker imports it from then on. An upload that
/// breaks off leaves the import waiting and no file. The same file again is answered with how far the import is.
pub async fn receive(store: &Store, id: &str, mut body: BoxStream<'_, Result<Bytes>>) -> Result<(ImportJobId, String)> {
    store.require_sign_in()?;
    let awaited = wanted(store, id).await?;
    let Some(map) = &awaited.map else {
        // Nothing is kept of it; it is read to see whether it is the file that the import has.
        let mut hash = Sha256::new();
        while let Some(bytes) = body.next().await {
            hash.update(&bytes?);
        }
        return again(&awaited, &encode(hash));
    };
    // It was checked when it came; where a newer program reads it otherwise, a new import tells what is wrong.
    let map = Map::parse(map, store.backend().nouns())
        .map_err(|error| Error::refused(Code::BadRequest, error.to_string()))?;
    permitted(store, &map).map_err(refused)?;
    let (upload, hash) = keep(store, &awaited, body).await?;
    let mut change = store.begin().await?;
    if !change.take_file(&awaited, upload.id, &hash).await? {
        // Another upload was faster.
        change.roll_back().await?;
        return again(&wanted(store, id).await?, &hash);
    }
    let payload = Payload::of(change.store(), awaited.id)?;
    change.enqueue(KIND, &payload).await?;
    change.commit().await?;
    upload.taken();
    store.backend().look_for_jobs();
    Ok((awaited.id.into(), ImportStatus::Running.as_str().to_owned()))
}

/// The actor's import of this id.
async fn wanted(store: &Store, id: &str) -> Result<Awaited> {
    let import = match id::parse(id) {
        Some((Kind::ImportJob, import)) => store.awaited_job(import).await?,
        _ => None,
    };
    import.ok_or_else(|| Error::refused(Code::NotFound, "You have no import with this ID that is waiting for a file."))
}

/// The answer to a file for an import that has one.
fn again(awaited: &Awaited, hash: &str) -> Result<(ImportJobId, String)> {
    if awaited.file_hash.as_deref() == Some(hash) {
        Ok((awaited.id.into(), awaited.status.clone()))
    } else {
        Err(had())
    }
}

fn had() -> Error {
    let message = "The import already has another file; start a new import with importStart.";
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

/// Keeps a body in the database, in pieces. What is kept goes with the upload unless an import takes it.
async fn keep(store: &Store, awaited: &Awaited, mut body: BoxStream<'_, Result<Bytes>>) -> Result<(Upload, String)> {
    let mut upload = Upload::begin(store.backend(), awaited.id);
    let (mut hash, mut piece) = (Sha256::new(), Vec::with_capacity(PIECE));
    while let Some(bytes) = body.next().await {
        let bytes = bytes?;
        hash.update(&bytes);
        let mut rest = &bytes[..];
        while piece.len() + rest.len() >= PIECE {
            let (now, later) = rest.split_at(PIECE - piece.len());
            piece.extend_from_slice(now);
            upload.keep(std::mem::replace(&mut piece, Vec::with_capacity(PIECE))).await?;
            rest = later;
        }
        piece.extend_from_slice(rest);
    }
    if !piece.is_empty() {
        upload.keep(piece).await?;
    }
    Ok((upload, encode(hash)))
}

fn encode(hash: Sha256) -> String {
    hash.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
