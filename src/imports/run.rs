//! The import: rows read beside the writer, saved in chunks of one transaction each, and kept book of,
//! so that a run that broke off goes on where it stopped and a second one changes nothing.
//!
//! A chunk is bounded in rows and in time, so that others write between two chunks. A dry run undoes
//! each of its chunks; [`Trial`] knows what a chunk needs of the ones before it.

use std::{borrow::Cow, collections::HashMap, path::PathBuf, sync::Arc};

use entity::{ImportStatus, Instant, import_job::ImportJobId};

use super::{
    Map, Row, Source,
    permitted::{CHUNK, permitted, permitted_change},
    result::{Outcome, ResultFile, Status},
    save::{Came, Rows, Saver},
    trial::Trial,
};
use crate::{
    error::{Error, Result, UserCode},
    store::{Change, Counts, Done, Job, JobRow, JobStart, Noun, Store},
    text::tidy,
    worker::{Ended, Held},
};

/// Refusals that a summary shows.
const SHOWN: usize = 20;

/// How to import.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether to tell what would happen and change nothing.
    pub dry_run: bool,
    /// The name under which the import is listed.
    pub file_name: String,
    /// Rows to a transaction.
    pub chunk: usize,
    /// Where to write what became of every row.
    pub result_file: Option<PathBuf>,
    /// Whether to go on with an import of the same map and data that broke off.
    pub resume: bool,
}

impl Options {
    /// The usual way.
    pub fn new(file_name: impl Into<String>) -> Self {
        Self { dry_run: false, file_name: file_name.into(), chunk: 500, result_file: None, resume: true }
    }
}

/// How far an import has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Rows in the file.
    pub rows: u64,
    /// What became of those dealt with.
    pub counts: Counts,
}

/// What an import came to.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The import.
    pub job: ImportJobId,
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// Rows that a run before had dealt with.
    pub resumed: i32,
    /// Rows dealt with.
    pub processed: i32,
    /// They made a record.
    pub created: i32,
    /// They changed a record.
    pub updated: i32,
    /// They said nothing new.
    pub unchanged: i32,
    /// They were refused.
    pub failed: i32,
    /// The first refusals: line and reasons.
    pub refusals: Vec<(i32, String)>,
    /// Where it stands what became of every row.
    pub result_file: Option<PathBuf>,
}

/// An import that is begun: its job is noted, its rows are not yet read.
pub struct Import {
    store: Store,
    noun: &'static dyn Noun,
    map: Arc<Map>,
    source: Source,
    options: Options,
    rows: u64,
    /// Whether fingerprint and rows stand in the job.
    measured: bool,
    job: Job,
    /// What a run before has dealt with, by line.
    done: HashMap<i32, JobRow>,
    /// What a process before has dealt with: all rows up to a line.
    continues: Done,
    report: Report,
    now: Instant,
}

impl std::fmt::Debug for Import {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Import").field("job", &self.job).field("rows", &self.rows).finish_non_exhaustive()
    }
}

/// Imports rows and tells from chunk to chunk how far it is.
pub async fn run(
    store: &Store,
    map: &Map,
    source: Source,
    options: Options,
    progress: impl FnMut(Progress) + Send,
) -> Result<Summary> {
    Import::begin(store, map.clone(), source, options).await?.run(progress).await
}

/// The name under which an import is listed.
pub(super) fn listed(file_name: &str) -> Result<Cow<'_, str>> {
    let name = tidy(file_name);
    if name.is_empty() || name.chars().count() > 500 || name.contains(char::is_control) {
        let message = "The file name must have 1 to 500 characters and no control characters.";
        return Err(Error::input(UserCode::Invalid, "fileName", message));
    }
    Ok(name)
}

impl Import {
    /// Begins an import, or takes up the same one that broke off. Refused where the actor may not import
    /// or the file does not have the columns that the map names.
    pub async fn begin(store: &Store, map: Map, source: Source, mut options: Options) -> Result<Self> {
        store.user()?;
        let noun = permitted(store, &map)?;
        options.chunk = options.chunk.max(1);
        let file_name = &*listed(&options.file_name)?;
        let (map, now) = (Arc::new(map), store.now());
        let (fingerprint, rows) = source.measure(&map).await?;
        let report = Report::new(&options)?;
        let mut change = store.begin().await?;
        let resumed = if options.resume && !options.dry_run { change.resume_job(&fingerprint).await? } else { None };
        let (job, done) = if let Some(resumed) = resumed {
            resumed
        } else {
            let (resource, dry_run) = (map.resource(), options.dry_run);
            let start = JobStart { file_name, resource, dry_run, rows, fingerprint: &fingerprint, waits_with: None };
            (change.open_job(start).await?, Vec::new())
        };
        change.commit().await?;
        let done = done.into_iter().map(|row| (row.line, row)).collect();
        let (store, measured, continues) = (store.clone(), true, Done::default());
        Ok(Self { store, noun, map, source, options, rows, measured, job, done, continues, report, now })
    }

    /// The import whose file is kept, from where it stopped.
    pub(super) fn continued(
        store: &Store,
        map: Map,
        source: Source,
        options: Options,
        (job, continues): (Job, Done),
        now: Instant,
    ) -> Result<Self> {
        let (noun, report) = (permitted(store, &map)?, Report::new(&options)?);
        let (store, map) = (store.clone(), Arc::new(map));
        let (rows, measured, done) = (0, false, HashMap::new());
        Ok(Self { store, noun, map, source, options, rows, measured, job, done, continues, report, now })
    }

    /// The import's id.
    #[must_use]
    pub fn id(&self) -> ImportJobId {
        self.job.id.into()
    }

    /// Imports the rows. An error is noted in the job; what was dealt with before it stands.
    pub async fn run(mut self, mut progress: impl FnMut(Progress) + Send) -> Result<Summary> {
        let mut report = std::mem::take(&mut self.report);
        let resumed = self.job.counts.processed;
        let outcome = self.work(None, &mut report, &mut progress).await;
        let (status, message) = match &outcome {
            Ok(_) => (ImportStatus::Done, None),
            Err(Error::Internal(_)) => (
                ImportStatus::Failed,
                Some("An internal error occurred; start the same import again to continue.".to_owned()),
            ),
            Err(error) => (ImportStatus::Failed, Some(error.to_string().chars().take(2_000).collect())),
        };
        let closed = async {
            let mut change = self.store.begin().await?;
            change.close_job(&mut self.job, status, message.as_deref()).await?;
            change.commit().await
        };
        // Of two errors the first is the reason.
        let closed = closed.await;
        outcome?;
        let summary = report.finish(&self, resumed)?;
        closed?;
        Ok(summary)
    }

    /// Imports the rows as a job does, which notes its end itself.
    pub(super) async fn run_held(mut self, held: &Held) -> Result<Ended> {
        self.work(Some(held), &mut Report::default(), &mut |_| {}).await
    }

    async fn work(
        &mut self,
        held: Option<&Held>,
        report: &mut Report,
        progress: &mut (impl FnMut(Progress) + Send),
    ) -> Result<Ended> {
        if !self.measured {
            self.measure().await?;
        }
        let mut saver = Saver::new(self.noun, self.map.match_on());
        let resumed = self.done.values().filter_map(|row| Some((row.record?, row.line)));
        saver.remember(self.continues.refused.iter().copied(), self.continues.records.iter().copied().chain(resumed));
        let mut trial = self.options.dry_run.then(|| Trial::new(self.noun, &self.map));
        let mut batches = self.source.batches(&self.map, self.now, self.options.chunk);
        progress(Progress { rows: self.rows, counts: self.job.counts });
        while let Some(batch) = batches.recv().await {
            let dealt_with = |row: &Row| row.line() <= u64::try_from(self.continues.line).unwrap_or(0);
            let rows = batch?.into_iter().filter(|row| !dealt_with(row));
            let (done, new): (Vec<Row>, Vec<Row>) = rows.partition(|row| self.before(row).is_some());
            let mut outcomes: Vec<JobRow> = Vec::with_capacity(new.len());
            while outcomes.len() < new.len() {
                if held.is_some_and(|held| !held.goes_on()) {
                    return Ok(Ended::Stopped);
                }
                let rest = &new[outcomes.len()..];
                let came = match &mut trial {
                    Some(trial) => self.foretell(trial, &saver, rest, held).await?,
                    None => self.save(&saver, rest, held).await?,
                };
                saver.keep(&came, self.options.dry_run);
                outcomes.extend(came.into_iter().map(|came| came.row));
            }
            let before = done.iter().filter_map(|row| Some((row, self.before(row)?)));
            let mut told: Vec<(&Row, &JobRow)> = new.iter().zip(&outcomes).chain(before).collect();
            told.sort_by_key(|(row, _)| row.line());
            for (row, came) in told {
                report.row(self.noun, row, came)?;
            }
            progress(Progress { rows: self.rows, counts: report.counts });
        }
        Ok(Ended::Done)
    }

    /// Notes fingerprint and rows of the file. A dry run that stopped begins anew: nothing is left of it.
    async fn measure(&mut self) -> Result<()> {
        let (fingerprint, rows) = self.source.measure(&self.map).await?;
        let mut change = self.store.begin().await?;
        if self.options.dry_run && self.continues.line > 0 {
            change.forget_rows(&mut self.job).await?;
            self.continues = Done::default();
        }
        change.measure_job(&mut self.job, &fingerprint, rows).await?;
        change.commit().await?;
        self.rows = rows;
        Ok(())
    }

    /// Saves rows and notes it in the same transaction, with what the actor may do now.
    async fn save(&mut self, saver: &Saver, rows: &[Row], held: Option<&Held>) -> Result<Vec<Came>> {
        let mut change = permitted_change(&self.store, &self.map).await?;
        let came = saver.save(&mut change, Rows { earlier: &[], new: rows, limit: CHUNK }).await?;
        self.note(change, &came, held).await?;
        Ok(came)
    }

    /// Tells what would come of rows, and notes that.
    async fn foretell(
        &mut self,
        trial: &mut Trial,
        saver: &Saver,
        rows: &[Row],
        held: Option<&Held>,
    ) -> Result<Vec<Came>> {
        let mut came = trial.foretell(saver, rows, (&self.store, &self.map)).await?;
        for came in &mut came {
            // The records go with the transaction.
            came.row.record = None;
        }
        self.note(self.store.begin().await?, &came, held).await?;
        Ok(came)
    }

    async fn note(&mut self, mut change: Change, came: &[Came], held: Option<&Held>) -> Result<()> {
        let (mut job, rows) = (self.job, came.iter().map(|came| came.row.clone()).collect::<Vec<_>>());
        change.advance_job(&mut job, &rows).await?;
        if let Some(held) = held {
            held.keep(&mut change, None).await?;
        }
        change.commit().await?;
        self.job = job;
        Ok(())
    }

    fn before(&self, row: &Row) -> Option<&JobRow> {
        self.done.get(&i32::try_from(row.line()).ok()?)
    }
}

/// What is told of the rows, besides the job.
#[derive(Default)]
struct Report {
    counts: Counts,
    refusals: Vec<(i32, String)>,
    file: Option<ResultFile>,
}

impl Report {
    fn new(options: &Options) -> Result<Self> {
        let file = options.result_file.as_deref().map(ResultFile::create).transpose()?;
        Ok(Self { file, ..Self::default() })
    }

    fn row(&mut self, noun: &dyn Noun, row: &Row, came: &JobRow) -> Result<()> {
        self.counts.add(came.saved);
        if let Some(message) = came.message.as_ref().filter(|_| self.refusals.len() < SHOWN) {
            self.refusals.push((came.line, message.clone()));
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        let external = match row {
            Row::Item(item) => item.external.as_ref(),
            Row::Repeated { external, .. } | Row::Refused { external, .. } => external.as_ref(),
        };
        let id = came.record.map(|record| entity::id::global(noun.kind(), record));
        file.row(Outcome {
            line: row.line(),
            external_id: external.map(|(_, id)| id.as_str()),
            status: Status::of(came.saved),
            id: id.as_deref(),
            reason: came.message.as_deref(),
        })
    }

    fn finish(self, import: &Import, resumed: i32) -> Result<Summary> {
        self.file.map(ResultFile::finish).transpose()?;
        let Counts { processed, created, updated, unchanged, failed } = self.counts;
        Ok(Summary {
            job: import.id(),
            dry_run: import.options.dry_run,
            resumed,
            processed,
            created,
            updated,
            unchanged,
            failed,
            refusals: self.refusals,
            result_file: import.options.result_file.clone(),
        })
    }
}
