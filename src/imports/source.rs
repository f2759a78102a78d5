//! The data of an import, and its rows read beside the writer.

use std::{
    fs::File,
    io::{Cursor, Read},
    path::PathBuf,
    sync::Arc,
};

use entity::Instant;
use tokio::sync::mpsc;

use super::{Map, Row, count, fingerprint, rows};
use crate::error::{Error, Result, UserCode};

/// Where the rows come from. It is read three times: for its fingerprint, to count, to import.
#[derive(Clone, Debug)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// Bytes at hand.
    Bytes(Arc<[u8]>),
}

impl From<String> for Source {
    fn from(text: String) -> Self {
        Self::Bytes(text.into_bytes().into())
    }
}

impl Source {
    fn open(&self) -> Result<Box<dyn Read + Send>> {
        match self {
            Self::File(path) => match File::open(path) {
                Ok(file) => Ok(Box::new(file)),
                Err(error) => Err(Error::input(UserCode::Invalid, "data", format!("{}: {error}", path.display()))),
            },
            Self::Bytes(bytes) => Ok(Box::new(Cursor::new(bytes.clone()))),
        }
    }

    /// The fingerprint of map and data, and the number of rows. Refused where the header does not fit.
    pub(super) async fn measure(&self, map: &Arc<Map>) -> Result<(String, u64)> {
        let (source, map) = (self.clone(), map.clone());
        let measured =
            tokio::task::spawn_blocking(move || Ok((fingerprint(&map, source.open()?)?, count(&map, source.open()?)?)));
        measured.await.map_err(Error::internal)?
    }

    /// The rows in batches, read by a thread of its own that is at most two batches ahead. An error is the last.
    pub(super) fn batches(&self, map: &Arc<Map>, now: Instant, size: usize) -> mpsc::Receiver<Result<Vec<Row>>> {
        let (sender, receiver) = mpsc::channel(2);
        let (source, map) = (self.clone(), map.clone());
        tokio::task::spawn_blocking(move || {
            let stopped = source.open().and_then(|input| {
                let mut batch = Vec::with_capacity(size);
                for row in rows(&map, input, now)? {
                    let full = match row {
                        Ok(row) => {
                            batch.push(row);
                            batch.len() == size
                        }
                        Err(error) => {
                            // The rows before it stand.
                            let _ = sender.blocking_send(Ok(std::mem::take(&mut batch)));
                            return Err(error);
                        }
                    };
                    // Nobody listens any more where the import has failed.
                    if full
                        && sender.blocking_send(Ok(std::mem::replace(&mut batch, Vec::with_capacity(size)))).is_err()
                    {
                        return Ok(());
                    }
                }
                let _ = sender.blocking_send(Ok(batch));
                Ok(())
            });
            if let Err(error) = stopped {
                let _ = sender.blocking_send(Err(error));
            }
        });
        receiver
    }
}
