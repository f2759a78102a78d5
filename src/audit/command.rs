//! `tandem export audit`: the audit trail into a file or to standard output.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Export, Format};
use crate::{
    access::Actor,
    error::{Error, Result},
    store::Backend,
};

/// Exports for a person; tells how many events.
pub async fn command(
    backend: &Arc<Backend>,
    actor: Actor,
    (format, filter): (Format, Option<&str>),
    output: Option<&Path>,
) -> Result<u64> {
    let filter = filter.map(serde_json::from_str).transpose();
    let filter = filter.map_err(|error| Error::argument(format!("--filter is not JSON: {error}.")))?;
    let export = Export::begin(&backend.store(actor, None), format, filter).await?;
    let Some(output) = output else { return write(export, &mut io::stdout()).await };
    // A file of this name is a whole one.
    let mut unfinished = output.as_os_str().to_owned();
    unfinished.push(".part");
    let unfinished = PathBuf::from(unfinished);
    let failed = |error: io::Error| Error::internal(format!("cannot write {}: {error}", output.display()));
    let written = match new_file(&unfinished) {
        Ok(mut file) => write(export, &mut file).await,
        Err(error) => return Err(failed(error)),
    };
    if written.is_ok() {
        fs::rename(&unfinished, output).map_err(failed)?;
    } else {
        fs::remove_file(&unfinished).map_err(failed)?;
    }
    written
}

/// A new file that nobody else reads: an audit trail is not for everybody on the machine.
fn new_file(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

async fn write(mut export: Export, to: &mut impl Write) -> Result<u64> {
    let mut events = 0;
    while let Some(part) = export.next().await? {
        to.write_all(&part.text).map_err(|error| Error::internal(format!("cannot write the export: {error}")))?;
        events += part.events;
    }
    to.flush().map_err(|error| Error::internal(format!("cannot write the export: {error}")))?;
    Ok(events)
}
