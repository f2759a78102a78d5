//! Imports: a delimited file and a map become records to upsert, row by row, never silently wrong.
//!
//! The pure half reads, converts and refuses. It touches no database and knows nobody's rights. A
//! row's answer depends on the map, the file and `now` alone, so an import that broke off is resumed
//! by reading the file again and leaving out the lines already dealt with. [`run`] is the other half.

mod cell;
mod check;
pub mod command;
mod convert;
mod dates;
pub mod graphql;
pub(crate) mod job;
mod links;
mod map;
mod money;
mod permitted;
mod read;
mod records;
pub mod result;
mod rows;
pub mod run;
#[cfg(test)]
mod run_tests;
mod save;
mod shape;
mod source;
mod trial;
pub mod upload;

#[cfg(test)]
mod tests;

use std::{
    fmt::Write,
    io::{ErrorKind, Read},
};

use entity::{Instant, Kind};
use serde::{Deserialize, Serialize};
use serde_json::{Map as Object, Value};
use sha2::{Digest, Sha256};

pub use map::Map;
pub use rows::Rows;
pub use run::{Import, Options, Progress, Summary, run};
pub use source::Source;

use crate::error::Result;

/// A record as a row describes it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Item {
    /// The row's line in the file, from 1; the header has the first.
    pub line: u64,
    /// Its external id: system and id. None where the map recognises records by a field.
    pub external: Option<(String, String)>,
    /// Values by API name, as the create input takes them; null clears.
    pub values: Object<String, Value>,
    /// Values for a record that does not exist yet; one that does, keeps its own.
    pub initial: Object<String, Value>,
    /// Relations to other records.
    pub links: Vec<LinkRef>,
}

/// A relation to another record, by its external id or a field of its own.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct LinkRef {
    /// The input's name, `ownerId`.
    pub field: String,
    /// The column it comes from, as refusals call it.
    pub label: String,
    /// The other record's kind.
    #[serde(with = "named")]
    pub target: Kind,
    /// The system whose id it is; or `name`, `email`, `domain`: look it up by that field.
    pub system: String,
    /// The id in that system, or the field's value; a stage's is `Pipeline / Stage`.
    pub id: String,
    /// What to create where there is none; without it, a missing record refuses the row.
    pub create: Option<Object<String, Value>>,
}

/// A kind by its name.
mod named {
    use entity::Kind;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub(super) fn serialize<S: Serializer>(kind: &Kind, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(kind.name())
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Kind, D::Error> {
        let name = String::deserialize(deserializer)?;
        Kind::named(&name).ok_or_else(|| D::Error::custom("no kind of record"))
    }
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// It describes a record.
    Item(Item),
    /// It says in every column that matters the same as an earlier row.
    Repeated {
        /// Its line.
        line: u64,
        /// The earlier row's line.
        first: u64,
        /// Its external id.
        external: Option<(String, String)>,
    },
    /// It is refused.
    Refused {
        /// Its line.
        line: u64,
        /// Its external id, where that much is sound.
        external: Option<(String, String)>,
        /// All that is wrong with it.
        reasons: Vec<String>,
    },
}

impl Row {
    /// The row's line in the file.
    #[must_use]
    pub fn line(&self) -> u64 {
        match self {
            Self::Item(Item { line, .. }) | Self::Repeated { line, .. } | Self::Refused { line, .. } => *line,
        }
    }
}

/// Reads a file by a map, row by row. An error ends the reading; rows before it stand.
///
/// Memory grows by less than a hundred bytes a row, by which repeated identities are found.
pub fn rows<R: Read>(map: &Map, input: R, now: Instant) -> Result<Rows<'_, R>> {
    Rows::open(map, input, now)
}

/// Counts a file's rows without looking into them, for a progress bar.
pub fn count<R: Read>(map: &Map, input: R) -> Result<u64> {
    let mut sheet = read::Sheet::open(map.format, input, &map.columns)?;
    let mut record = records::Record::default();
    let mut rows = 0;
    loop {
        match sheet.records.next(&mut record) {
            Ok(true) => rows += 1,
            Err(records::Stop::Io(error)) => return Err(records::Stop::Io(error).into()),
            // The rows before one that cannot be read stand.
            Ok(false) | Err(_) => return Ok(rows),
        }
    }
}

/// SHA-256 of a map and a file, by which a broken-off import is known again.
pub fn fingerprint(map: &Map, mut input: impl Read) -> Result<String> {
    let mut hash = Sha256::new();
    hash.update((map.text.len() as u64).to_le_bytes());
    hash.update(&map.text);
    let mut buffer = vec![0; 1 << 16];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => hash.update(&buffer[..read]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(records::Stop::Io(error).into()),
        }
    }
    let mut text = String::with_capacity(64);
    for byte in hash.finalize() {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}
