//! `POST /graphql` and `GET /graphql`.

use std::sync::Arc;

use axum::{
    Extension,
    body::Body,
    extract::State,
    http::{HeaderMap, Uri},
    response::Response,
};

use super::{
    accept::{self, Media},
    answer::Answer,
    edge::{Edge, Transport},
    gate::refusal::Refusal,
    host::{About, Host},
    params::{self, Params},
    request,
};
use crate::error::Code;

/// Queries and mutations.
pub(super) async fn post<H: Host>(
    State(edge): State<Arc<Edge<H>>>,
    Extension(about): Extension<About>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Some(media) = accept::negotiate(&headers) else { return not_acceptable(&about) };
    let limits = &edge.settings.limits;
    let params = async { Params::from_json(&params::body(&headers, body, limits).await?, limits) };
    edge.run(params, request::bearer(&headers), &about, Transport::Post).await.into_http(media)
}

/// Queries.
pub(super) async fn get<H: Host>(
    State(edge): State<Arc<Edge<H>>>,
    Extension(about): Extension<About>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let Some(media) = accept::negotiate(&headers) else { return not_acceptable(&about) };
    let params = async { Params::from_uri(&uri) };
    edge.run(params, request::bearer(&headers), &about, Transport::Get).await.into_http(media)
}

/// Any other method.
pub(super) async fn other(Extension(about): Extension<About>) -> Response {
    refuse(Refusal::new(Code::MethodNotAllowed, "Only GET and POST are supported."), &about)
}

/// Any other path.
pub(super) async fn nowhere(Extension(about): Extension<About>) -> Response {
    let mut response = refuse(Refusal::new(Code::NotFound, "Not found; the API is at /graphql."), &about);
    *response.status_mut() = axum::http::StatusCode::NOT_FOUND;
    response
}

fn not_acceptable(about: &About) -> Response {
    let message = "Responses are available as application/graphql-response+json or application/json.";
    refuse(Refusal::new(Code::NotAcceptable, message), about)
}

/// A refusal that no negotiation came before.
pub(super) fn refuse(refusal: Refusal, about: &About) -> Response {
    Answer::refused(refusal, &about.request_id).into_http(Media::Legacy)
}
