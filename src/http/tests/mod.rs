//! The edge on a real port, before a toy house.

mod connections;
mod edge;
mod export;
mod graphql;
mod sse;
pub(crate) mod toy;
mod upload;
mod websocket;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use entity::Instant;
use reqwest::{Response, header::HeaderMap};
use serde_json::{Value as Json, json};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use self::toy::Toy;
use super::{Settings, router, serve};
use crate::clock::ManualClock;

const START: i64 = 1_800_000_000_000;

/// A running server.
struct World {
    toy: Toy,
    clock: Arc<ManualClock>,
    address: SocketAddr,
    client: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

impl World {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let toy = Toy::new();
        let mut settings = Settings { grace: Duration::from_secs(5), ..Settings::default() };
        change(&mut settings);
        let clock = Arc::new(ManualClock::at(Instant(START)));
        let connections = settings.serving();
        let router = router(toy.clone(), &toy.sdl(), settings, clock.clone()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            serve(listener, router, connections, stopped).await.unwrap();
        });
        Self {
            toy,
            clock,
            address,
            client: crate::outward::client(Duration::from_mins(2)).tls_certs_only([]).build().unwrap(),
            stop: Some(stop),
            serving,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A POST of this body with these further headers.
    async fn post(&self, body: impl Into<reqwest::Body>, headers: &[(&str, &str)]) -> Response {
        let mut request = self.client.post(self.url("/graphql"));
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(body).send().await.unwrap()
    }

    /// The answer to a query under the newer media type.
    async fn ask(&self, query: &str, variables: Json) -> Answer {
        let body = json!({"query": query, "variables": variables}).to_string();
        Answer::of(self.post(body, &[("accept", NEW)]).await).await
    }

    /// What Prometheus would see.
    async fn figures(&self) -> String {
        self.client.get(self.url("/metrics")).send().await.unwrap().text().await.unwrap()
    }

    /// Asks the server to stop, and waits until it has.
    async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        tokio::time::timeout(Duration::from_mins(1), self.serving).await.expect("stops in time").unwrap();
    }
}

const NEW: &str = "application/graphql-response+json";

/// An answer, read.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HeaderMap,
    json: Json,
}

impl Answer {
    async fn of(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.unwrap();
        let json = serde_json::from_slice(&bytes).unwrap_or_else(|_| panic!("{status}: no JSON: {bytes:?}"));
        Self { status, headers, json }
    }

    fn code(&self) -> &str {
        self.json["errors"][0]["extensions"]["code"].as_str().unwrap_or("none")
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}
