//! The edge: GraphQL over HTTP, WebSocket and server-sent events, behind one admission gate; uploads and exports beside it.

mod accept;
mod activity;
mod ahead;
mod answer;
mod connections;
mod edge;
mod export;
mod forwarders;
mod gate;
mod graphiql;
mod graphql;
mod health;
pub mod host;
mod limits;
mod metrics;
mod params;
mod request;
mod serve;
pub mod settings;
mod sse;
#[cfg(test)]
mod tests;
mod upload;
mod websocket;

use std::{panic::AssertUnwindSafe, sync::Arc};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, header},
    middleware::{self, Next},
    response::Response,
    routing::{any, get, put},
};
use futures_util::FutureExt;
use tower_http::{
    compression::{
        CompressionLayer, DefaultPredicate, Predicate,
        predicate::{NotForContentType, SizeAbove},
    },
    cors::{AllowOrigin, CorsLayer},
};

use self::{edge::Edge, forwarders::Forwarders, gate::Gate, gate::refusal::Refusal, limits::Buckets};
pub use self::{host::Host, metrics::serve_metrics, serve::serve, settings::Settings};
use crate::{
    clock::Clock,
    error::{Code, Error, Result},
};

/// Answers shorter than this are not worth compressing.
const COMPRESSED: u64 = 1024;

/// The routes of the edge before this host, for the schema in this SDL.
pub fn router<H: Host>(host: H, sdl: &str, settings: Settings, clock: Arc<dyn Clock>) -> Result<Router> {
    let gate = Gate::new(sdl, &settings).map_err(Error::internal)?;
    let cors = cors(&settings)?;
    let edge = Arc::new(Edge {
        host,
        gate,
        buckets: Arc::new(Buckets::new(settings.rate, Arc::clone(&clock))),
        forwarders: Forwarders::default(),
        metrics: settings.metrics.then(metrics::install).flatten(),
        settings,
        clock,
    });
    let mut router = Router::new()
        .route("/graphql", get(graphql::get::<H>).post(graphql::post::<H>).fallback(graphql::other))
        .route("/graphql/ws", any(websocket::upgrade::<H>))
        .route("/graphql/stream", get(sse::stream::<H>).post(sse::stream::<H>).fallback(graphql::other))
        .route("/uploads/{id}", put(upload::put::<H>).fallback(upload::other))
        .route("/exports/{name}", get(export::get::<H>).head(export::other).fallback(export::other))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready::<H>));
    if edge.settings.graphiql {
        router = router.route("/", get(graphiql::page)).route("/graphiql/{file}", get(graphiql::file));
    }
    if let Some(handle) = edge.metrics.clone() {
        router = router.route("/metrics", get(async move || metrics::scrape(&handle)));
    }
    let worth_it = DefaultPredicate::new().and(SizeAbove::new(COMPRESSED)).and(NotForContentType::SSE);
    Ok(router
        .fallback(graphql::nowhere)
        .layer(CompressionLayer::new().compress_when(worth_it))
        .layer(cors)
        .layer(middleware::from_fn_with_state(Arc::clone(&edge), around::<H>))
        .with_state(edge))
}

/// Around every request: its id, and a net under panics.
async fn around<H: Host>(State(edge): State<Arc<Edge<H>>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let trusted = &edge.settings.trusted_proxies;
    let mut about = request::about(&parts, trusted);
    about.guesses = edge.buckets.guesses(about.address);
    if let Some(peer) = request::untrusted_forwarder(&parts, trusted) {
        edge.forwarders.note(peer, edge.clock.now());
    }
    let strange_key = request::has_strange_key(&parts.headers);
    let mut request = Request::from_parts(parts, body);
    request.extensions_mut().insert(about.clone());
    let mut response = if strange_key {
        let message = "Idempotency-Key must be 1 to 255 visible ASCII characters.";
        graphql::refuse(Refusal::new(Code::BadRequest, message), &about)
    } else {
        AssertUnwindSafe(next.run(request)).catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!(request.id = about.request_id, "a handler panicked");
            graphql::refuse(Refusal::from(Error::internal("a handler panicked")), &about)
        })
    };
    if let Ok(id) = HeaderValue::from_str(&about.request_id) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}

/// An origin as browsers name it; a mistake would only show as pages that cannot call.
fn origin(text: &str) -> Result<HeaderValue> {
    let bare = text.trim().trim_end_matches('/');
    let whole = bare
        .split_once("://")
        .is_some_and(|(scheme, host)| !scheme.is_empty() && !host.is_empty() && !host.contains('/'));
    let value = HeaderValue::from_str(bare).ok().filter(|_| whole && !bare.contains(' '));
    value.ok_or_else(|| {
        Error::internal(format!("an allowed origin is like https://app.example, not “{}”", gate::short(text)))
    })
}

fn cors(settings: &Settings) -> Result<CorsLayer> {
    if settings.allowed_origins.is_empty() {
        return Ok(CorsLayer::new());
    }
    let origins: Vec<HeaderValue> =
        settings.allowed_origins.iter().map(|origin| self::origin(origin)).collect::<Result<_>>()?;
    Ok(CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::PUT])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::ACCEPT,
            HeaderName::from_static("x-request-id"),
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static(request::PREVIEW_AS),
        ])
        .expose_headers([HeaderName::from_static("x-request-id"), header::RETRY_AFTER, header::CONTENT_DISPOSITION])
        .max_age(std::time::Duration::from_hours(1)))
}
