//! `PUT /uploads/{id}`: a file on its way to the host, as a stream.

use std::{panic::AssertUnwindSafe, sync::Arc};

use axum::{
    Extension,
    body::{Body, BodyDataStream},
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{FutureExt, Stream, StreamExt, stream};
use tokio::time::timeout;
use tracing::Instrument;

use super::{
    accept::Media,
    edge::{Edge, Meter, Transport},
    export::refuse_beside,
    gate::refusal::Refusal,
    graphql::refuse,
    host::{About, Host, UploadAnswer},
    request,
    settings::Settings,
};
use crate::error::{Code, Error};

/// What a file may call itself.
const TYPES: [&str; 4] = ["text/csv", "text/plain", "text/tab-separated-values", "application/octet-stream"];

/// Takes a file.
pub(super) async fn put<H: Host>(
    State(edge): State<Arc<Edge<H>>>,
    Extension(about): Extension<About>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let meter = Meter::new(Transport::Upload, &about);
    let mut body = body.into_data_stream();
    match taken(&edge, &about, &id, &headers, &mut body).instrument(meter.span()).await {
        Ok(UploadAnswer(json)) => {
            meter.finish("OK");
            let told = [
                (header::CONTENT_TYPE, HeaderValue::from_static(Media::Legacy.content_type())),
                (header::CACHE_CONTROL, HeaderValue::from_static("private, no-store")),
            ];
            (StatusCode::ACCEPTED, told, json.to_string()).into_response()
        }
        Err(refusal) => {
            // Who waits to be told to go on has sent nothing, and who sends hears the answer only if it is read.
            if !headers.contains_key(header::EXPECT) {
                let _ = timeout(edge.settings.deadline, drain(body, edge.settings.limits.body)).await;
            }
            let (response, outcome) = refuse_beside(refusal, &about);
            meter.finish(outcome);
            response
        }
    }
}

/// Any other method.
pub(super) async fn other(Extension(about): Extension<About>) -> Response {
    let mut response = refuse(Refusal::new(Code::MethodNotAllowed, "Only PUT is supported."), &about);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("PUT"));
    response
}

async fn taken<H: Host>(
    edge: &Edge<H>,
    about: &About,
    id: &str,
    headers: &HeaderMap,
    body: &mut BodyDataStream,
) -> Result<UploadAnswer, Refusal> {
    let caller = timeout(edge.settings.deadline, edge.caller(request::bearer(headers), about));
    let caller = caller.await.map_err(|_| Refusal::new(Code::Timeout, "Authentication took too long."))??;
    if caller.anonymous {
        return Err(Refusal::new(Code::Unauthenticated, "Sign in first: send `Authorization: Bearer …`."));
    }
    if caller.preview {
        return Err(Refusal::read_only());
    }
    // The id may be made up, and it takes the database to tell.
    edge.buckets.charge_for(Transport::Upload.as_str(), &caller.key)?;
    if !is_file(headers) {
        let message = format!("The content type must be one of {}, without compression.", TYPES.join(", "));
        return Err(Refusal::new(Code::UnsupportedMediaType, message));
    }
    let most = edge.settings.upload;
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|announced| announced > most) {
        return Err(Refusal::limit(Code::PayloadTooLarge, too_long(most), most, announced));
    }
    let file = measured(body, &edge.settings).boxed();
    let taken = AssertUnwindSafe(edge.host.upload(&caller, id, file, about)).catch_unwind().await;
    Ok(taken.unwrap_or_else(|_| Err(Error::internal("an upload panicked")))?)
}

/// The body as long as it is neither too long nor standing still; an error is the last.
fn measured<'b>(
    body: &'b mut BodyDataStream,
    settings: &Settings,
) -> impl Stream<Item = Result<Bytes, Error>> + Send + use<'b> {
    let (most, patience) = (settings.upload, settings.deadline);
    stream::unfold(Some((body, 0_u64)), move |state| async move {
        let (body, read) = state?;
        let chunk = match timeout(patience, body.next()).await {
            Ok(None) => return None,
            Ok(Some(Ok(chunk))) => chunk,
            Ok(Some(Err(_))) => return Some((Err(Error::refused(Code::BadRequest, "The body broke off.")), None)),
            Err(_) => return Some((Err(Error::refused(Code::Timeout, "The body was not received in time.")), None)),
        };
        let read = read.saturating_add(chunk.len() as u64);
        if read > most {
            return Some((Err(Error::refused(Code::PayloadTooLarge, too_long(most))), None));
        }
        Some((Ok(chunk), Some((body, read))))
    })
}

fn too_long(most: u64) -> String {
    format!("The file is larger than {most} bytes.")
}

fn is_file(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let name = value.to_str().ok().and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    TYPES.iter().any(|known| known.eq_ignore_ascii_case(name))
        && headers.get(header::CONTENT_ENCODING).is_none_or(|encoding| encoding == "identity")
}

async fn drain(mut body: BodyDataStream, mut left: usize) {
    while let Some(Ok(chunk)) = body.next().await {
        match left.checked_sub(chunk.len()) {
            Some(rest) => left = rest,
            None => break,
        }
    }
}
