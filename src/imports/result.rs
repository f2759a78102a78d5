//! The file that tells what became of every row of an import.

use std::{
    fs::{self, File},
    io::BufWriter,
    path::{Path, PathBuf},
};

use crate::{
    error::{Error, Result, UserCode},
    store::Saved,
};

/// What became of a row in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It made a record.
    Created,
    /// It changed a record.
    Updated,
    /// It said nothing new.
    Unchanged,
    /// It was refused.
    Failed,
}

impl Status {
    /// As the file and the API name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Updated => "UPDATED",
            Self::Unchanged => "UNCHANGED",
            Self::Failed => "FAILED",
        }
    }

    /// The status of a row that was saved so, or refused.
    #[must_use]
    pub const fn of(saved: Option<Saved>) -> Self {
        match saved {
            Some(Saved::Created) => Self::Created,
            Some(Saved::Updated) => Self::Updated,
            Some(Saved::Unchanged) => Self::Unchanged,
            None => Self::Failed,
        }
    }

    /// The status of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Created, Self::Updated, Self::Unchanged, Self::Failed].into_iter().find(|status| status.as_str() == name)
    }
}

/// One line of the file.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'o> {
    /// The row's line in the imported file.
    pub line: u64,
    /// Its external id.
    pub external_id: Option<&'o str>,
    /// What became of it.
    pub status: Status,
    /// The record's global id.
    pub id: Option<&'o str>,
    /// Why it was refused.
    pub reason: Option<&'o str>,
}

/// Writes the file. It appears under its name only when it is complete.
#[derive(Debug)]
pub struct ResultFile {
    // None once it has been handed over, so that dropping does not take it away.
    writer: Option<csv::Writer<BufWriter<File>>>,
    part: PathBuf,
    path: PathBuf,
}

impl ResultFile {
    /// Begins the file that shall stand under this path.
    pub fn create(path: &Path) -> Result<Self> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let part = path.with_file_name(name);
        let file = File::create(&part)
            .map_err(|error| Error::input(UserCode::Invalid, "result", format!("{}: {error}", part.display())))?;
        let mut writer = csv::Writer::from_writer(BufWriter::new(file));
        writer.write_record(["line", "external_id", "status", "id", "reason"]).map_err(Error::internal)?;
        Ok(Self { writer: Some(writer), part, path: path.to_owned() })
    }

    /// Writes one row.
    pub fn row(&mut self, outcome: Outcome<'_>) -> Result<()> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let Outcome { line, external_id, status, id, reason } = outcome;
        let line = line.to_string();
        let cells = [
            &line,
            external_id.unwrap_or_default(),
            status.as_str(),
            id.unwrap_or_default(),
            reason.unwrap_or_default(),
        ];
        writer.write_record(cells).map_err(Error::internal)
    }

    /// Completes the file and gives it its name.
    pub fn finish(mut self) -> Result<()> {
        let Some(writer) = self.writer.take() else { return Ok(()) };
        let buffered = writer.into_inner().map_err(|error| Error::internal(error.to_string()))?;
        let file = buffered.into_inner().map_err(|error| Error::internal(error.to_string()))?;
        file.sync_all().map_err(Error::internal)?;
        fs::rename(&self.part, &self.path).map_err(Error::internal)
    }
}

impl Drop for ResultFile {
    fn drop(&mut self) {
        if self.writer.take().is_some() {
            // Nothing can be done about a part that does not go away.
            let _ = fs::remove_file(&self.part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_appears_only_when_it_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("leads.result.csv");
        let mut file = ResultFile::create(&path).unwrap();
        let created =
            Outcome { line: 2, external_id: Some("a,1"), status: Status::Created, id: Some("lead_01"), reason: None };
        file.row(created).unwrap();
        let failed = Outcome {
            line: 3,
            external_id: None,
            status: Status::Failed,
            id: None,
            reason: Some("origin: \"x\" is none"),
        };
        file.row(failed).unwrap();
        assert!(!path.exists());
        file.finish().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let expected =
            "line,external_id,status,id,reason\n2,\"a,1\",CREATED,lead_01,\n3,,FAILED,,\"origin: \"\"x\"\" is none\"\n";
        assert_eq!(text, expected);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_given_up_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        drop(ResultFile::create(&folder.path().join("x.csv")).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn every_status_reads_back() {
        for status in [Status::Created, Status::Updated, Status::Unchanged, Status::Failed] {
            assert_eq!(Status::parse(status.as_str()), Some(status));
        }
    }
}
