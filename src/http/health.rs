//! Whether the process lives, and whether it can serve.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{edge::Edge, host::Host};

/// The process lives.
pub(super) async fn live() -> Response {
    status(StatusCode::OK, "live")
}

/// Requests can be served.
pub(super) async fn ready<H: Host>(State(edge): State<Arc<Edge<H>>>) -> Response {
    match tokio::time::timeout(Duration::from_secs(5), edge.host.ready()).await {
        Ok(Ok(())) => status(StatusCode::OK, "ready"),
        Ok(Err(error)) => {
            tracing::warn!(%error, "not ready");
            status(StatusCode::SERVICE_UNAVAILABLE, "unavailable")
        }
        Err(_) => {
            tracing::warn!("not ready: no answer in time");
            status(StatusCode::SERVICE_UNAVAILABLE, "unavailable")
        }
    }
}

fn status(code: StatusCode, word: &str) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (code, headers, format!("{{\"status\":\"{word}\"}}")).into_response()
}
