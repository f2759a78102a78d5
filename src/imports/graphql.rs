//! Imports in the API: `importStart`, whose file comes by `PUT /uploads/{id}`, and `importRows`.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use entity::{
    Choice, Kind, id,
    import_job::{self, ImportJobId},
    table::Choices,
};

use super::{Map, result::Status, upload};
use crate::{
    error::{Error, Result, UserCode, UserError},
    graphql::{
        choice::Of,
        forward::Page,
        node::{Row, store},
        once::Once,
        payload::{outcome, payload},
        root::RootQuery,
        scalars::IdText,
    },
    store::{
        JobRow, Store, bulk,
        page::{invalid_cursor, most},
    },
};

/// What can be read of imports besides the jobs themselves.
#[derive(Clone, Copy, Debug, Default)]
pub struct ImportQuery;

/// What can be done with imports.
#[derive(Clone, Copy, Debug, Default)]
pub struct ImportMutation;

/// Input for `importStart`.
#[derive(Clone, Debug, InputObject)]
pub struct ImportStartInput {
    /// Mapping of the columns to record fields, as TOML.
    map: String,
    /// File name under which the import is listed.
    file_name: String,
    /// Whether to return what would happen without changing anything.
    #[graphql(default = false)]
    dry_run: bool,
    /// Done once.
    #[graphql(flatten)]
    once: Once,
}

payload! {
    /// Return type of `importStart`.
    ImportStartPayload {
        /// The import job, waiting for its file; read it again for its progress. Null if the mutation failed.
        job: Option<Row<import_job::Entity>>,
        /// Path to `PUT` the file to, e.g. `/uploads/impj_…`, with the same `Authorization` header and the content
        /// type of the file; null if the mutation failed.
        upload_path: Option<String>,
    }
}

/// The result of one row of an import.
#[derive(Clone, Debug, SimpleObject)]
pub struct ImportRow {
    /// Line number in the file; the header is line 1.
    line: i32,
    /// Status of the row.
    status: Of<Status>,
    /// ID of the record; null if the row was rejected or `dryRun` was true.
    record_id: Option<async_graphql::ID>,
    /// Why the row was rejected; null if it was not.
    message: Option<String>,
}

/// A row with its cursor.
#[derive(Clone, Debug, SimpleObject)]
pub struct ImportRowEdge {
    /// The row.
    node: ImportRow,
    /// Cursor of the row, for `after`.
    cursor: String,
}

/// A page of row results of an import.
#[derive(Debug, SimpleObject)]
pub struct ImportRowConnection {
    /// The rows of the page with their cursors.
    edges: Vec<ImportRowEdge>,
    /// The rows of the page.
    nodes: Vec<ImportRow>,
    /// Pagination information.
    page_info: Page,
}

impl Choice for Status {
    fn choices() -> &'static Choices {
        bulk::STATUS
    }
    fn named(name: &str) -> Option<Self> {
        Self::parse(name)
    }
    fn name(self) -> &'static str {
        self.as_str()
    }
}

impl From<JobRow> for ImportRow {
    fn from(row: JobRow) -> Self {
        Self { line: row.line, status: Of(Status::of(row.saved)), record_id: None, message: row.message }
    }
}

#[Object]
impl ImportQuery {
    /// Lists the row results of an import, in file order.
    async fn import_rows(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ID of the import.")] job_id: IdText,
        #[graphql(desc = "Returns the rows with this status.")] status: Option<Of<Status>>,
        #[graphql(desc = "Returns the first n rows, at most 200.", default = 25)] first: i32,
        #[graphql(desc = "Returns the rows after this cursor.")] after: Option<String>,
    ) -> Result<ImportRowConnection> {
        page(store(ctx)?, &job_id, status.map(|status| status.0), first, after.as_deref()).await
    }
}

async fn page(
    store: &Store,
    job: &IdText,
    status: Option<Status>,
    first: i32,
    after: Option<&str>,
) -> Result<ImportRowConnection> {
    store.require_sign_in()?;
    let job = job.of(Kind::ImportJob)?;
    let most = most(first)?;
    let after_line = after.map_or(Ok(0), line)?;
    let mut rows = store.job_rows(job, status.map(Status::as_str), after_line, most + 1).await?;
    let next = rows.len() > most;
    rows.truncate(most);
    // Of which kind the records are, the import says.
    let kind = store.job_resource(job).await?;
    let edge = |row: JobRow| ImportRowEdge {
        cursor: cursor(row.line),
        node: ImportRow {
            record_id: kind.zip(row.record).map(|(kind, record)| id::global(kind, record).into()),
            ..row.into()
        },
    };
    let edges: Vec<ImportRowEdge> = rows.into_iter().map(edge).collect();
    let (start, end) = (edges.first().map(|edge| edge.cursor.clone()), edges.last().map(|edge| edge.cursor.clone()));
    let nodes = edges.iter().map(|edge| edge.node.clone()).collect();
    Ok(ImportRowConnection { edges, nodes, page_info: Page { previous: after.is_some(), next, start, end } })
}

fn cursor(line: i32) -> String {
    URL_SAFE_NO_PAD.encode(format!("line:{line}"))
}

fn line(cursor: &str) -> Result<i32> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
    let line = bytes.and_then(|bytes| String::from_utf8(bytes).ok()?.strip_prefix("line:")?.parse().ok());
    line.ok_or_else(|| invalid_cursor("cannot be read"))
}

#[Object]
impl ImportMutation {
    /// Starts an import: validates the mapping and your permissions, and returns the path to `PUT` the file to.
    /// Processing starts when the file has been uploaded. Importing the same mapping and file again leaves rows that
    /// are already imported unchanged.
    async fn import_start(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The map and the options of the import.")] input: ImportStartInput,
    ) -> Result<ImportStartPayload> {
        let store = store(ctx)?;
        store.require_sign_in()?;
        let (id, user_errors) = outcome(start(ctx, store, input).await)?;
        let upload_path = id.map(upload::path);
        Ok(ImportStartPayload { job: id.map(Row::new), upload_path, user_errors, query: RootQuery })
    }
}

async fn start(ctx: &Context<'_>, store: &Store, input: ImportStartInput) -> Result<ImportJobId> {
    let ImportStartInput { map, file_name, dry_run, once } = input;
    let key = once.key(ctx)?;
    let mut mistakes = Vec::new();
    if file_name.trim().is_empty() {
        mistakes.push(UserError::new(UserCode::Required, "fileName", "fileName is required."));
    }
    match Map::parse(&map, store.backend().nouns()) {
        Ok(map) if mistakes.is_empty() => return upload::expect(store, key.as_ref(), &map, &file_name, dry_run).await,
        Ok(_) => {}
        Err(Error::Input(why)) => {
            // Where in the map it is, the message says.
            mistakes.extend(why.into_iter().map(|mistake| UserError { field: vec!["map".to_owned()], ..mistake }));
        }
        Err(error) => return Err(error),
    }
    Err(Error::Input(mistakes))
}
