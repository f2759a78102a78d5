//! The files of imports, kept in the database from the upload until the import has ended: there every
//! process finds them, whichever took the upload.

use std::{sync::Arc, time::Duration};

use entity::ImportStatus;
use sea_orm::prelude::Uuid;

use crate::{
    access::Purpose,
    error::Result,
    store::{Backend, Change, sql::Sql},
};

/// How long the parts of an upload that was never completed are kept.
const KEPT: Duration = Duration::from_hours(24);

/// A command that imports notes its progress several times a second; after this time without one it has ended.
const SILENT: Duration = Duration::from_mins(10);

/// A file on its way into the database.
#[derive(Debug)]
pub struct Upload {
    /// Its id.
    pub id: Uuid,
    /// The import it is for.
    pub import: Uuid,
    backend: Arc<Backend>,
    parts: i32,
    /// Whether the import has taken it; else its parts are removed.
    taken: bool,
}

impl Upload {
    /// Begins an upload.
    #[must_use]
    pub fn begin(backend: &Arc<Backend>, import: Uuid) -> Self {
        Self { id: backend.new_id(), import, backend: backend.clone(), parts: 0, taken: false }
    }

    /// Keeps the next part, in a transaction of its own so that nobody waits long for it.
    pub async fn keep(&mut self, bytes: Vec<u8>) -> Result<()> {
        let change = self.backend.as_system(Purpose::Jobs).begin().await?;
        let mut sql = change.sql();
        sql.push("INSERT INTO import_file (upload_id, part, import_job_id, bytes, created_at) VALUES (").bind(self.id);
        sql.push(", ").bind(self.parts).push(", ").bind(self.import).push(", ").bind(bytes).push(", ");
        sql.bind(self.backend.now().0).push(")");
        change.execute(sql).await?;
        change.commit().await?;
        self.parts += 1;
        Ok(())
    }

    /// Notes that the import has it now.
    pub fn taken(mut self) {
        self.taken = true;
    }
}

impl Drop for Upload {
    /// An upload that breaks off leaves nothing. Where the process ends first, [`Backend::sweep_imports`] does it.
    fn drop(&mut self) {
        if self.taken || self.parts == 0 {
            return;
        }
        let (backend, id) = (self.backend.clone(), self.id);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = backend.drop_upload(id).await {
                    tracing::warn!(upload = %id, error = %error, "an upload that broke off was not removed");
                }
            });
        }
    }
}

impl Change {
    /// Removes every file of an import.
    pub async fn forget_files(&mut self, import: Uuid) -> Result<()> {
        let mut sql = self.sql();
        sql.push("DELETE FROM import_file WHERE import_job_id = ").bind(import);
        self.execute(sql).await.map(|_| ())
    }
}

impl Backend {
    /// The part of an uploaded file; nothing behind its end.
    pub async fn file_part(&self, upload: Uuid, part: i32) -> Result<Option<Vec<u8>>> {
        let mut sql = Sql::new(self.db.engine());
        sql.push("SELECT f.bytes FROM import_file f WHERE f.upload_id = ")
            .bind(upload)
            .push(" AND f.part = ")
            .bind(part);
        let rows = self.db.fetch(sql).await?;
        Ok(rows.first().map(|row| row.try_get_by_index::<Vec<u8>>(0)).transpose()?)
    }

    async fn drop_upload(self: &Arc<Self>, id: Uuid) -> Result<()> {
        let change = self.as_system(Purpose::Jobs).begin().await?;
        let mut sql = change.sql();
        sql.push("DELETE FROM import_file WHERE upload_id = ").bind(id);
        change.execute(sql).await?;
        change.commit().await
    }

    /// Removes what uploads have left that a process began and did not live to complete, and ends the
    /// imports of a command that stopped without a word.
    pub async fn sweep_imports(self: &Arc<Self>) -> Result<()> {
        let before = |span: Duration| self.now().0 - i64::try_from(span.as_millis()).unwrap_or(0);
        let uploads = |sql: &mut Sql| {
            sql.push(" FROM import_file WHERE created_at < ").bind(before(KEPT));
            sql.push(" AND import_job_id IN (SELECT j.id FROM import_job j WHERE j.status <> ");
            sql.bind(ImportStatus::Running.as_str()).push(")");
        };
        let commands = |sql: &mut Sql| {
            sql.push(" WHERE upload_id IS NULL AND status = ").bind(ImportStatus::Running.as_str());
            sql.push(" AND updated_at < ").bind(before(SILENT));
        };
        let mut sql = Sql::new(self.db.engine());
        sql.push("SELECT 1");
        uploads(&mut sql);
        sql.push(" UNION ALL SELECT 1 FROM import_job");
        commands(&mut sql);
        sql.push(" LIMIT 1");
        // Not counted as a statement: it belongs to no request.
        if self.db.fetch_uncounted(sql).await?.is_empty() {
            return Ok(());
        }
        let change = self.as_system(Purpose::Jobs).begin().await?;
        let mut sql = change.sql();
        sql.push("DELETE");
        uploads(&mut sql);
        change.execute(sql).await?;
        let mut sql = change.sql();
        sql.push("UPDATE import_job SET status = ").bind(ImportStatus::Failed.as_str());
        sql.push(", version = version + 1, message = 'The command stopped; run the same import again to continue.'");
        sql.push(", finished_at = ").bind(self.now().0);
        commands(&mut sql);
        change.execute(sql).await?;
        change.commit().await
    }
}
