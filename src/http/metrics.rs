//! Figures for Prometheus: by transport, kind of operation and outcome, never by user or text.

use std::{
    sync::{Mutex, OnceLock},
    time::Duration,
};

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use metrics::{Gauge, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Bounds of the duration histogram, in seconds.
const SECONDS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Bounds of the cost histogram.
const COSTS: [f64; 9] = [1.0, 10.0, 50.0, 100.0, 500.0, 1_000.0, 5_000.0, 20_000.0, 50_000.0];

/// One recorder a process, whatever the number of routers.
static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
static INSTALLING: Mutex<()> = Mutex::new(());

/// Begins to record; the same handle however often it is called, nothing where another recorder was first.
pub(super) fn install() -> Option<PrometheusHandle> {
    let _one_at_a_time = INSTALLING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if HANDLE.get().is_none() {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
            .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_cost".to_owned()), &COSTS))
            .ok()?
            .build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another metrics recorder is installed; /metrics will be missing");
            return None;
        }
        let _ = HANDLE.set(handle);
        describe_counter!("tandem_requests_total", "Operations by transport, kind and outcome");
        describe_histogram!("tandem_request_duration_seconds", "Time from the request to its answer, in seconds");
        describe_histogram!("tandem_operation_cost", "Cost of admitted operations, in objects");
        describe_counter!(
            "tandem_jobs_total",
            "Runs of background jobs by kind and outcome: done, failed, handed_over"
        );
        describe_gauge!("tandem_jobs_running", "Background jobs that run right now");
        describe_gauge!("tandem_requests_in_flight", "Operations that run right now, subscriptions included");
        describe_gauge!("tandem_connections_open", "Open connections, upgraded ones included");
        describe_counter!(
            "tandem_connections_ended_total",
            "Connections refused or ended by a limit, by reason: total, address, headers, idle, stalled, accept"
        );
        describe_gauge!("tandem_websockets_open", "Open WebSockets");
        describe_gauge!("tandem_event_streams_open", "Open event streams");
    }
    HANDLE.get().cloned()
}

/// Folds what was recorded together; without it memory grows until somebody scrapes.
pub(super) async fn upkeep() {
    let mut tick = tokio::time::interval(Duration::from_secs(5));
    loop {
        tick.tick().await;
        if let Some(handle) = HANDLE.get() {
            handle.run_upkeep();
        }
    }
}

/// Serves `/metrics` on a listener of its own, until the end of the program.
pub async fn serve_metrics(listener: tokio::net::TcpListener) {
    let Some(handle) = install() else { return };
    let router = axum::Router::new().route("/metrics", axum::routing::get(async move || scrape(&handle)));
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(%error, "metrics are served no more");
    }
}

/// The answer to a scrape.
pub(super) fn scrape(handle: &PrometheusHandle) -> Response {
    let headers = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (StatusCode::OK, headers, handle.render()).into_response()
}

/// Counts an answered operation.
pub(super) fn answered(transport: &'static str, kind: &'static str, outcome: &'static str, took: Duration) {
    counter!("tandem_requests_total", "transport" => transport, "operation" => kind, "outcome" => outcome).increment(1);
    histogram!("tandem_request_duration_seconds", "transport" => transport, "operation" => kind).record(took);
}

/// Notes the cost of an admitted operation.
pub(super) fn cost(kind: &'static str, cost: u64) {
    #[expect(clippy::cast_precision_loss, reason = "costs stay far below 2^52")]
    histogram!("tandem_operation_cost", "operation" => kind).record(cost as f64);
}

/// Something that is open until it is dropped.
pub(super) struct Open(Gauge);

impl Open {
    /// An operation that runs.
    pub fn request() -> Self {
        Self::counted(gauge!("tandem_requests_in_flight"))
    }

    /// A connection.
    pub fn connection() -> Self {
        Self::counted(gauge!("tandem_connections_open"))
    }

    /// A WebSocket.
    pub fn websocket() -> Self {
        Self::counted(gauge!("tandem_websockets_open"))
    }

    /// An event stream.
    pub fn event_stream() -> Self {
        Self::counted(gauge!("tandem_event_streams_open"))
    }

    fn counted(gauge: Gauge) -> Self {
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}
