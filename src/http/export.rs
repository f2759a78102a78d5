//! `GET /exports/{name}`: records as a file, streamed part by part.

use std::{io, panic::AssertUnwindSafe, sync::Arc};

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use futures_util::{FutureExt, StreamExt, stream, stream::BoxStream};
use serde_json::Value as Json;
use tokio::time::{sleep, timeout};
use tracing::Instrument;

use super::{
    accept::Media,
    ahead::ahead,
    answer::Answer,
    edge::{Edge, Meter, Note, Transport},
    gate::refusal::Refusal,
    graphql::refuse,
    host::{About, Caller, ExportAnswer, ExportPart, Host},
    request,
};
use crate::error::{Code, Error};

/// Sends a file.
pub(super) async fn get<H: Host>(
    State(edge): State<Arc<Edge<H>>>,
    Extension(about): Extension<About>,
    Path(name): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let meter = Meter::new(Transport::Export, &about);
    let begun = begin(&edge, &about, &name, (&headers, &uri)).instrument(meter.span()).await;
    let (caller, ExportAnswer { content_type, file_name, parts }) = match begun {
        Ok(begun) => begun,
        Err(refusal) => {
            let (response, outcome) = refuse_beside(refusal, &about);
            meter.finish(outcome);
            return response;
        }
    };
    let mut sending =
        Sending { edge, caller, note: Note::new(meter), parts: by_itself(parts), request: about.request_id.clone() };
    // What is refused right away is told as such; later there is only the end of the body to tell by.
    let first = match sending.part().await {
        Ok(first) => first,
        Err(refusal) => {
            sending.note.fail(refusal.code);
            return refuse_beside(refusal, &about).0;
        }
    };
    let body = stream::iter(first.map(Ok)).chain(stream::unfold(Some(sending), rest));
    let mut response = (StatusCode::OK, Body::from_stream(body)).into_response();
    let told = response.headers_mut();
    told.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{file_name}\"")) {
        told.insert(header::CONTENT_DISPOSITION, value);
    }
    told.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    told.insert(header::VARY, HeaderValue::from_static("authorization"));
    told.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Any other method, `HEAD` too: an export that nobody reads is not worth its event.
pub(super) async fn other(Extension(about): Extension<About>) -> Response {
    let mut response = refuse(Refusal::new(Code::MethodNotAllowed, "Only GET is supported."), &about);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET"));
    response
}

/// A refusal beside GraphQL, where the status alone decides; and its outcome in one word.
pub(super) fn refuse_beside(refusal: Refusal, about: &About) -> (Response, &'static str) {
    let code = refusal.code;
    let answer = Answer::refused(refusal, &about.request_id);
    let outcome = answer.outcome();
    let status = match code {
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::Conflict => StatusCode::CONFLICT,
        _ => answer.status(Media::GraphQl),
    };
    let mut response = answer.into_http(Media::Legacy);
    *response.status_mut() = status;
    (response, outcome)
}

async fn begin<H: Host>(
    edge: &Edge<H>,
    about: &About,
    name: &str,
    (headers, uri): (&HeaderMap, &Uri),
) -> Result<(Caller, ExportAnswer), Refusal> {
    let late = || Refusal::new(Code::Timeout, "The export took too long to start.");
    let work = async {
        let caller = edge.caller(request::bearer(headers), about).await?;
        if caller.anonymous {
            return Err(Refusal::new(Code::Unauthenticated, "Sign in first: send `Authorization: Bearer …`."));
        }
        if caller.preview {
            return Err(Refusal::read_only());
        }
        edge.buckets.charge(&caller.key, 1)?;
        let filter = filter(uri)?;
        let export = AssertUnwindSafe(edge.host.export(&caller, name, filter, about)).catch_unwind().await;
        let export = export.unwrap_or_else(|_| Err(Error::internal("an export panicked")))?;
        Ok((caller, export))
    };
    timeout(edge.settings.deadline, work).await.map_err(|_| late())?
}

/// The one parameter that is understood.
fn filter(uri: &Uri) -> Result<Option<Json>, Refusal> {
    let bad = |message: String| Refusal::new(Code::BadUserInput, message);
    let query: Query<Vec<(String, String)>> =
        Query::try_from_uri(uri).map_err(|_| bad("The query string is not valid.".to_owned()))?;
    let mut filter = None;
    for (name, value) in query.0 {
        if name != "filter" || filter.is_some() {
            let name = crate::text::short(&name);
            return Err(bad(format!("The parameter “{name}” is not supported; only one filter is allowed.")));
        }
        let json = serde_json::from_str(&value).map_err(|error| bad(format!("filter is not JSON: {error}.")))?;
        if holds_nul(&json) {
            return Err(super::gate::refusal::nul());
        }
        filter = Some(json);
    }
    Ok(filter)
}

fn holds_nul(json: &Json) -> bool {
    match json {
        Json::String(text) => text.contains('\0'),
        Json::Array(items) => items.iter().any(holds_nul),
        Json::Object(fields) => fields.iter().any(|(name, inner)| name.contains('\0') || holds_nul(inner)),
        _ => false,
    }
}

/// An export on its way out.
struct Sending<H> {
    edge: Arc<Edge<H>>,
    caller: Caller,
    note: Note,
    parts: BoxStream<'static, Result<ExportPart, Error>>,
    request: String,
}

impl<H: Host> Sending<H> {
    /// The next part, paid for by its rows; nothing after the last.
    async fn part(&mut self) -> Result<Option<Bytes>, Refusal> {
        let deadline = self.edge.settings.deadline;
        let late = |_| Refusal::new(Code::Timeout, "The export was idle for too long.");
        let next = timeout(deadline, AssertUnwindSafe(self.parts.next()).catch_unwind()).await.map_err(late)?;
        let part = next.unwrap_or_else(|_| Some(Err(Error::internal("an export panicked"))));
        let Some(ExportPart { text, rows }) = part.transpose()? else { return Ok(None) };
        timeout(deadline, self.pay(rows)).await.map_err(late)?;
        Ok(Some(text))
    }

    /// Waits until the caller's allowance has this much: a long export goes at the pace of the others.
    async fn pay(&mut self, rows: u64) {
        while let Err(refusal) = self.edge.buckets.charge(&self.caller.key, rows) {
            sleep(refusal.retry_after.unwrap_or_default()).await;
        }
    }
}

/// The parts, made by a task of its own: a client that reads slowly holds no read of the database open. A panic is
/// ours, who would take the end of the task for the end of the export.
fn by_itself(parts: BoxStream<'static, Result<ExportPart, Error>>) -> BoxStream<'static, Result<ExportPart, Error>> {
    let parts = ahead(AssertUnwindSafe(parts).catch_unwind());
    parts.map(|part| part.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).boxed()
}

/// The parts after the first. An error breaks the body off, so that what has come cannot be taken for whole.
async fn rest<H: Host>(sending: Option<Sending<H>>) -> Option<(io::Result<Bytes>, Option<Sending<H>>)> {
    let mut sending = sending?;
    match sending.part().await {
        Ok(part) => Some((Ok(part?), Some(sending))),
        Err(refusal) => {
            sending.note.fail(refusal.code);
            tracing::warn!(request.id = sending.request, code = refusal.code.as_str(), "an export broke off");
            Some((Err(io::Error::other("the export broke off")), None))
        }
    }
}
