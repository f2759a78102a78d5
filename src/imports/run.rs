//! The import: rows read beside the writer, saved in chunks of one transaction each, and kept book of,
//! so that a run that broke off goes on where it stopped and a second one changes nothing.
//!
//! A dry run is the same in one transaction that is undone, since a row may rely on any row before it.

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use entity::{ImportStatus, Instant, import_job::ImportJobId};

use super::{
    Map, Row, Source,
    result::{Outcome, ResultFile, Status},
    save::Saver,
};
use crate::{
    access::{Action, Reach},
    error::{Error, Result, UserCode, UserError},
    graphql::schema::NOUNS,
    store::{Change, Counts, Job, JobRow, JobStart, Noun, Store},
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
pub(super) fn listed(file_name: &str) -> Result<&str> {
    let name = file_name.trim();
    if name.is_empty() || name.chars().count() > 500 || name.contains('\0') {
        return Err(Error::input(UserCode::Invalid, "fileName", "A file name has 1 to 500 characters."));
    }
    Ok(name)
}

/// The noun that a map fills, where the actor may import it.
pub(super) fn permitted(store: &Store, map: &Map) -> Result<&'static dyn Noun> {
    let kind = map.resource();
    let Some(noun) = NOUNS.of(kind).filter(|noun| noun.verbs().create) else {
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
            format!("To import {} records takes the permissions to import, create and update them.", kind.name());
        return Err(UserError::new(UserCode::Forbidden, "resource", message).because("PERMISSION_MISSING").into());
    }
    Ok(noun)
}

impl Import {
    /// Begins an import, or takes up the same one that broke off. Refused where the actor may not import
    /// or the file does not have the columns that the map names.
    pub async fn begin(store: &Store, map: Map, source: Source, mut options: Options) -> Result<Self> {
        store.user()?;
        let noun = permitted(store, &map)?;
        options.chunk = options.chunk.max(1);
        let file_name = listed(&options.file_name)?;
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
        let measured = true;
        Ok(Self { store: store.clone(), noun, map, source, options, rows, measured, job, done, report, now })
    }

    /// The import whose file has come; it is looked into when it runs.
    pub(super) fn with_file(store: &Store, map: Map, source: Source, options: Options, job: Job) -> Result<Self> {
        let (noun, report) = (permitted(store, &map)?, Report::new(&options)?);
        let (store, map, now) = (store.clone(), Arc::new(map), store.now());
        let (rows, measured, done) = (0, false, HashMap::new());
        Ok(Self { store, noun, map, source, options, rows, measured, job, done, report, now })
    }

    /// The import's id.
    #[must_use]
    pub fn id(&self) -> ImportJobId {
        self.job.id.into()
    }

    /// Imports the rows. An error is noted in the job; what was dealt with before it stands.
    pub async fn run(mut self, mut progress: impl FnMut(Progress) + Send) -> Result<Summary> {
        let outcome = self.work(&mut progress).await;
        let (status, message) = match &outcome {
            Ok(_) => (ImportStatus::Done, None),
            Err(Error::Internal(_)) => (
                ImportStatus::Failed,
                Some("Something went wrong on our side; start the same import again to go on.".to_owned()),
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
        let summary = outcome?;
        closed?;
        Ok(summary)
    }

    async fn work(&mut self, progress: &mut (impl FnMut(Progress) + Send)) -> Result<Summary> {
        if !self.measured {
            let (fingerprint, rows) = self.source.measure(&self.map).await?;
            let mut change = self.store.begin().await?;
            change.measure_job(&mut self.job, &fingerprint, rows).await?;
            change.commit().await?;
            self.rows = rows;
        }
        let mut report = std::mem::take(&mut self.report);
        let mut saver = Saver::new(self.noun, self.map.match_on());
        let mut batches = self.source.batches(&self.map, self.now, self.options.chunk);
        let resumed = self.job.counts.processed;
        // A dry run's transaction, and what came of its rows.
        let mut trial = if self.options.dry_run { Some(self.store.begin().await?) } else { None };
        let mut foretold = Vec::new();
        progress(Progress { rows: self.rows, counts: self.job.counts });
        let mut stopped = None;
        while let Some(batch) = batches.recv().await {
            let rows = match batch {
                Ok(rows) => rows,
                Err(error) => {
                    stopped = Some(error);
                    break;
                }
            };
            let (done, new): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| self.before(row).is_some());
            let outcomes = match &mut trial {
                _ if new.is_empty() => Vec::new(),
                Some(change) => {
                    let mut outcomes = saver.save(change, &new).await?;
                    for row in &mut outcomes {
                        // The records go with the transaction.
                        row.record = None;
                    }
                    foretold.extend(outcomes.iter().cloned());
                    outcomes
                }
                None => self.save(&mut saver, &new).await?,
            };
            let before = done.iter().filter_map(|row| Some((row, self.before(row)?)));
            let mut told: Vec<(&Row, &JobRow)> = new.iter().zip(&outcomes).chain(before).collect();
            told.sort_by_key(|(row, _)| row.line());
            for (row, came) in told {
                report.row(self.noun, row, came)?;
            }
            progress(Progress { rows: self.rows, counts: report.counts });
        }
        if let Some(trial) = trial {
            trial.roll_back().await?;
            let mut change = self.store.begin().await?;
            change.advance_job(&mut self.job, &foretold).await?;
            change.commit().await?;
        }
        let summary = report.finish(self, resumed)?;
        stopped.map_or(Ok(summary), Err)
    }

    /// Saves rows and notes it in the same transaction, with what the actor may do now.
    async fn save(&mut self, saver: &mut Saver, rows: &[Row]) -> Result<Vec<JobRow>> {
        let store = self.store.refreshed().await?;
        permitted(&store, &self.map)?;
        let mut change: Change = store.begin().await?;
        let outcomes = saver.save(&mut change, rows).await?;
        let mut job = self.job;
        change.advance_job(&mut job, &outcomes).await?;
        change.commit().await?;
        self.job = job;
        Ok(outcomes)
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
