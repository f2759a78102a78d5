//! Import jobs and what became of their rows: bookkeeping that tells no events of its own.

use entity::{ImportStatus, Kind};
use sea_orm::{QueryResult, prelude::Uuid};

use crate::{
    access::Action,
    error::{Error, Result, UserCode, UserError},
    store::{
        Backend, Change, Saved, Store,
        change::bulk,
        json,
        sql::{Engine, Sql},
    },
};

/// Rows that one statement writes: five values each, below SQLite's 32,766.
const AT_ONCE: usize = 5_000;

/// What an import begins with.
#[derive(Clone, Copy, Debug)]
pub struct JobStart<'a> {
    /// Name of the file.
    pub file_name: &'a str,
    /// The kind of record it brings.
    pub resource: Kind,
    /// Whether it only checks.
    pub dry_run: bool,
    /// Rows in the file.
    pub rows: u64,
    /// By which it is known again; empty as long as its file has not come.
    pub fingerprint: &'a str,
    /// The map with which it waits for its file; nothing where the file is at hand.
    pub waits_with: Option<&'a str>,
}

/// An import that waits for its file, or has waited.
#[derive(Clone, Debug)]
pub struct Awaited {
    /// Its id.
    pub id: Uuid,
    /// Name of the file.
    pub file_name: String,
    /// Whether it only checks.
    pub dry_run: bool,
    /// The map; nothing where it does not wait any more.
    pub map: Option<String>,
    /// How far it has come.
    pub status: String,
    /// SHA-256 of the file it has taken.
    pub file_hash: Option<String>,
    version: i32,
}

/// An import that has its file and has not ended.
#[derive(Clone, Debug)]
pub struct Kept {
    /// How far it has come.
    pub job: Job,
    /// The rows dealt with.
    pub done: Done,
    /// Name of the file.
    pub file_name: String,
    /// Whether it only checks.
    pub dry_run: bool,
    /// The map.
    pub map: String,
    /// The upload that brought its file.
    pub upload: Uuid,
}

/// Rows that an import has dealt with before: all of the file up to a line.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// The last line dealt with.
    pub line: i32,
    /// The lines refused.
    pub refused: Vec<i32>,
    /// The records saved, with the line of each.
    pub records: Vec<(Uuid, i32)>,
}

/// An import under way. Whoever takes it up raises its version, so that another process that still
/// works on it finds out with its next step and stops.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    /// Its id.
    pub id: Uuid,
    /// How far it has come.
    pub counts: Counts,
    version: i32,
}

/// How many rows came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
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
}

impl Counts {
    /// Counts a row: how it was saved, nothing where it was refused.
    pub fn add(&mut self, saved: Option<Saved>) {
        self.processed += 1;
        match saved {
            Some(Saved::Created) => self.created += 1,
            Some(Saved::Updated) => self.updated += 1,
            Some(Saved::Unchanged) => self.unchanged += 1,
            None => self.failed += 1,
        }
    }
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRow {
    /// Its line in the file.
    pub line: i32,
    /// How it was saved; nothing where it was refused.
    pub saved: Option<Saved>,
    /// Its record.
    pub record: Option<Uuid>,
    /// Why it was refused.
    pub message: Option<String>,
}

impl Change {
    /// Notes a new import of the actor.
    pub async fn open_job(&mut self, start: JobStart<'_>) -> Result<Job> {
        let (id, now) = (self.store().backend().new_id(), self.store().now().0);
        let user = self.store().user()?;
        let mut sql = self.sql();
        sql.push(
            "INSERT INTO import_job (id, file_name, resource, dry_run, status, rows, processed, created, updated, unchanged, failed, \
             fingerprint, map, user_id, version, created_at, updated_at) VALUES (",
        );
        sql.bind(id)
            .push(", ")
            .bind(start.file_name)
            .push(", ")
            .bind(start.resource.name())
            .push(", ")
            .bind(start.dry_run)
            .push(", ");
        let status = if start.waits_with.is_some() { ImportStatus::Waiting } else { ImportStatus::Running };
        sql.bind(status.as_str())
            .push(", ")
            .bind(i32::try_from(start.rows).unwrap_or(i32::MAX))
            .push(", 0, 0, 0, 0, 0, ");
        sql.bind(start.fingerprint)
            .push(", ")
            .bind(start.waits_with.map(str::to_owned))
            .push(", ")
            .bind(user.0)
            .push(", 1, ")
            .bind(now)
            .push(", ")
            .bind(now)
            .push(")");
        self.execute(sql).await?;
        Ok(Job { id, counts: Counts::default(), version: 1 })
    }

    /// Takes up the actor's last import of this fingerprint where it did not come to its end, with
    /// the rows it has dealt with. Those it refused are forgotten, to be tried again.
    pub async fn resume_job(&mut self, fingerprint: &str) -> Result<Option<(Job, Vec<JobRow>)>> {
        let user = self.store().user()?;
        let mut sql = self.sql();
        sql.push("SELECT j.id, j.version, j.status FROM import_job j WHERE j.fingerprint = ").bind(fingerprint);
        sql.push(" AND j.user_id = ")
            .bind(user.0)
            .push(" AND j.archived_at IS NULL AND NOT j.dry_run ORDER BY j.id DESC LIMIT 1");
        if sql.engine() == Engine::Postgres {
            sql.push(" FOR UPDATE OF j");
        }
        let found = self.fetch(sql).await?;
        let Some(row) =
            found.first().filter(|row| json::text(row, 2).ok().flatten() != Some(ImportStatus::Done.as_str()))
        else {
            return Ok(None);
        };
        let id = json::uuid(row, 0)?.unwrap_or_default();
        let version = json::int(row, 1)?.unwrap_or_default();
        let mut sql = self.sql();
        sql.push("DELETE FROM import_row WHERE status = ").bind(bulk::status(None)).push(" AND job_id = ").bind(id);
        self.execute(sql).await?;
        let mut sql = self.sql();
        sql.push(ROWS).push(" WHERE r.job_id = ").bind(id).push(" ORDER BY r.line");
        let rows: Vec<JobRow> = self.fetch(sql).await?.iter().map(job_row).collect::<Result<_>>()?;
        let mut job = Job { id, counts: Counts::default(), version };
        for row in &rows {
            job.counts.add(row.saved);
        }
        self.write_job(&mut job, ImportStatus::Running, None).await?;
        Ok(Some((job, rows)))
    }

    /// Gives an import that waits its file; false where somebody else did so first.
    pub async fn take_file(&mut self, awaited: &Awaited, upload: Uuid, hash: &str) -> Result<bool> {
        let mut sql = self.sql();
        sql.push("UPDATE import_job SET status = ").bind(ImportStatus::Running.as_str());
        sql.push(", upload_id = ").bind(upload).push(", file_hash = ").bind(hash);
        sql.push(", updated_at = ").bind(self.store().now().0).push(", version = ").bind(awaited.version + 1);
        sql.push(" WHERE id = ").bind(awaited.id).push(" AND version = ").bind(awaited.version);
        sql.push(" AND status = ").bind(ImportStatus::Waiting.as_str());
        Ok(self.execute(sql).await? > 0)
    }

    /// Notes the end of an import by its job, unless it has ended itself.
    pub async fn end_import(&mut self, id: Uuid, error: Option<&str>) -> Result<()> {
        let (now, status) =
            (self.store().now().0, if error.is_some() { ImportStatus::Failed } else { ImportStatus::Done });
        let mut sql = self.sql();
        sql.push("UPDATE import_job SET status = ").bind(status.as_str()).push(", message = ");
        sql.bind(error.map(str::to_owned)).push(", finished_at = ").bind(now).push(", updated_at = ").bind(now);
        sql.push(", version = version + 1 WHERE id = ").bind(id).push(" AND status = ");
        sql.bind(ImportStatus::Running.as_str());
        self.execute(sql).await.map(|_| ())
    }

    /// Notes what is known of an import's file once it has come.
    pub async fn measure_job(&mut self, job: &mut Job, fingerprint: &str, rows: u64) -> Result<()> {
        let mut sql = self.sql();
        sql.push("UPDATE import_job SET fingerprint = ").bind(fingerprint);
        sql.push(", rows = ").bind(i32::try_from(rows).unwrap_or(i32::MAX));
        sql.push(" WHERE id = ").bind(job.id).push(" AND version = ").bind(job.version);
        self.execute(sql).await?;
        self.write_job(job, ImportStatus::Running, None).await
    }

    /// Forgets what became of the rows of an import.
    pub async fn forget_rows(&mut self, job: &mut Job) -> Result<()> {
        let mut sql = self.sql();
        sql.push("DELETE FROM import_row WHERE job_id = ").bind(job.id);
        self.execute(sql).await?;
        job.counts = Counts::default();
        Ok(())
    }

    /// Notes what became of some rows of an import.
    pub async fn advance_job(&mut self, job: &mut Job, rows: &[JobRow]) -> Result<()> {
        for rows in rows.chunks(AT_ONCE) {
            let mut sql = self.sql();
            sql.push("INSERT INTO import_row (job_id, line, status, record_id, message) VALUES ");
            for (n, row) in rows.iter().enumerate() {
                sql.push(if n > 0 { ", (" } else { "(" })
                    .bind(job.id)
                    .push(", ")
                    .bind(row.line)
                    .push(", ")
                    .bind(bulk::status(row.saved));
                sql.push(", ").bind(row.record).push(", ").bind(row.message.clone()).push(")");
            }
            self.execute(sql).await?;
        }
        let mut next = *job;
        for row in rows {
            next.counts.add(row.saved);
        }
        self.write_job(&mut next, ImportStatus::Running, None).await?;
        *job = next;
        Ok(())
    }

    /// Notes the end of an import.
    pub async fn close_job(&mut self, job: &mut Job, status: ImportStatus, message: Option<&str>) -> Result<()> {
        self.write_job(job, status, message).await
    }

    async fn write_job(&mut self, job: &mut Job, status: ImportStatus, message: Option<&str>) -> Result<()> {
        let now = self.store().now().0;
        let Counts { processed, created, updated, unchanged, failed } = job.counts;
        let mut sql = self.sql();
        sql.push("UPDATE import_job SET status = ")
            .bind(status.as_str())
            .push(", message = ")
            .bind(message.map(str::to_owned));
        let counts = [
            ("processed", processed),
            ("created", created),
            ("updated", updated),
            ("unchanged", unchanged),
            ("failed", failed),
        ];
        for (column, count) in counts {
            sql.push(", ").push(column).push(" = ").bind(count);
        }
        sql.push(", finished_at = ").bind((status != ImportStatus::Running).then_some(now));
        sql.push(", updated_at = ").bind(now).push(", version = ").bind(job.version + 1);
        sql.push(" WHERE id = ").bind(job.id).push(" AND version = ").bind(job.version);
        if self.execute(sql).await? == 0 {
            let message = "The import was taken over by another process and continues there.";
            return Err(UserError::new(UserCode::Conflict, "", message).because("IMPORT_TAKEN_UP").into());
        }
        job.version += 1;
        Ok(())
    }
}

impl Store {
    /// What became of an import's rows after a line, in the file's order. Refused where the actor may
    /// not see the import.
    pub async fn job_rows(&self, job: Uuid, status: Option<&str>, after: i32, most: usize) -> Result<Vec<JobRow>> {
        if self.reachable(Kind::ImportJob, Action::Read, &[job]).await?.is_empty() {
            return Err(Error::input(UserCode::NotFound, "jobId", "There is no import with this id."));
        }
        let mut sql = Sql::new(self.engine());
        sql.push(ROWS).push(" WHERE r.job_id = ").bind(job).push(" AND r.line > ").bind(after);
        if let Some(status) = status {
            sql.push(" AND r.status = ").bind(status);
        }
        sql.push(" ORDER BY r.line LIMIT ").bind(i64::try_from(most).unwrap_or(i64::MAX));
        self.fetch(sql).await?.iter().map(job_row).collect()
    }
}

impl Store {
    /// The actor's own import with this id.
    pub async fn awaited_job(&self, id: Uuid) -> Result<Option<Awaited>> {
        let user = self.user()?;
        if self.reachable(Kind::ImportJob, Action::Read, &[id]).await?.is_empty() {
            return Ok(None);
        }
        let mut sql = Sql::new(self.engine());
        sql.push(
            "SELECT j.version, j.file_name, j.status, j.map, CASE WHEN j.dry_run THEN 1 ELSE 0 END, j.file_hash FROM import_job j",
        );
        sql.push(" WHERE j.id = ").bind(id).push(" AND j.user_id = ").bind(user.0).push(" AND j.archived_at IS NULL");
        let rows = self.fetch(sql).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let status = json::text(row, 2)?.unwrap_or_default().to_owned();
        let waits = status == ImportStatus::Waiting.as_str();
        Ok(Some(Awaited {
            id,
            file_name: json::text(row, 1)?.unwrap_or_default().to_owned(),
            dry_run: json::int(row, 4)?.unwrap_or_default() == 1,
            map: json::text(row, 3)?.filter(|_| waits).map(str::to_owned),
            status,
            file_hash: json::text(row, 5)?.map(str::to_owned),
            version: json::int(row, 0)?.unwrap_or_default(),
        }))
    }

    /// The kind of record that an import brings.
    pub async fn job_resource(&self, job: Uuid) -> Result<Option<Kind>> {
        let mut sql = Sql::new(self.engine());
        sql.push("SELECT j.resource FROM import_job j WHERE j.id = ").bind(job);
        let rows = self.fetch(sql).await?;
        Ok(rows.first().map(|row| json::text(row, 0)).transpose()?.flatten().and_then(Kind::named))
    }
}

impl Backend {
    /// An import that has its file and has not ended, with what it has dealt with.
    pub async fn kept_import(&self, id: Uuid) -> Result<Option<Kept>> {
        let mut sql = Sql::new(self.db.engine());
        sql.push(
            "SELECT j.version, j.file_name, CASE WHEN j.dry_run THEN 1 ELSE 0 END, j.map, j.upload_id, \
             j.processed, j.created, j.updated, j.unchanged, j.failed FROM import_job j WHERE j.id = ",
        );
        sql.bind(id).push(" AND j.archived_at IS NULL AND j.status = ").bind(ImportStatus::Running.as_str());
        let rows = self.db.fetch(sql).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let (Some(map), Some(upload)) = (json::text(row, 3)?, json::uuid(row, 4)?) else { return Ok(None) };
        let count = |at| Ok::<_, Error>(json::int(row, at)?.unwrap_or_default());
        let counts = Counts {
            processed: count(5)?,
            created: count(6)?,
            updated: count(7)?,
            unchanged: count(8)?,
            failed: count(9)?,
        };
        Ok(Some(Kept {
            job: Job { id, counts, version: count(0)? },
            done: self.rows_done(id).await?,
            file_name: json::text(row, 1)?.unwrap_or_default().to_owned(),
            dry_run: count(2)? == 1,
            map: map.to_owned(),
            upload,
        }))
    }

    async fn rows_done(&self, id: Uuid) -> Result<Done> {
        let mut done = Done::default();
        loop {
            let mut sql = Sql::new(self.db.engine());
            sql.push("SELECT r.line, r.status, r.record_id FROM import_row r WHERE r.job_id = ").bind(id);
            sql.push(" AND r.line > ").bind(done.line).push(" ORDER BY r.line LIMIT 10000");
            let rows = self.db.fetch(sql).await?;
            for row in &rows {
                done.line = json::int(row, 0)?.unwrap_or_default();
                if bulk::saved(json::text(row, 1)?).is_none() {
                    done.refused.push(done.line);
                }
                done.records.extend(json::uuid(row, 2)?.map(|record| (record, done.line)));
            }
            if rows.len() < 10_000 {
                return Ok(done);
            }
        }
    }
}

impl Change {
    /// Refuses what would put a record out of what the actor may do this to.
    pub async fn must_reach(&self, kind: Kind, id: Uuid, action: Action) -> Result<()> {
        if !self.may(kind, id, action).await? {
            let message = format!(
                "Your permission to {} {} records does not reach this one.",
                action.as_str().to_lowercase(),
                kind.name()
            );
            return Err(UserError::new(UserCode::Forbidden, "", message).because("OUT_OF_REACH").into());
        }
        Ok(())
    }
}

const ROWS: &str = "SELECT r.line, r.status, r.record_id, r.message FROM import_row r";

fn job_row(row: &QueryResult) -> Result<JobRow> {
    Ok(JobRow {
        line: json::int(row, 0)?.unwrap_or_default(),
        saved: bulk::saved(json::text(row, 1)?),
        record: json::uuid(row, 2)?,
        message: json::text(row, 3)?.map(str::to_owned),
    })
}
