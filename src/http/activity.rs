//! How long the client of a connection may be silent, and when a request begins and ends.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Error,
    body::{Body, Bytes},
};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;

use super::settings::ConnectionLimits;

/// How long the rest of a body may fail to arrive once the server stops.
const SILENCE: Duration = Duration::from_secs(2);

/// What happens on one connection. Bytes alone are no activity: only whole heads of requests count, so that a
/// connection that trickles is no better off than a silent one.
pub(super) struct Activity {
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    /// Requests whose answers are not complete.
    unfinished: usize,
    /// Those of them whose client must take what it was given before it gets more.
    waiting: usize,
    served: bool,
    /// When a request last ended or its client last took something.
    since: Instant,
}

/// In which way a client is silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// It has sent no complete head.
    Headers,
    /// It sends no further request.
    Idle,
    /// It does not take its answer.
    Stalled,
}

impl Activity {
    pub fn new() -> Self {
        let state = State { unfinished: 0, waiting: 0, served: false, since: Instant::now() };
        Self { state: Mutex::new(state), changed: Notify::new() }
    }

    /// A request has begun.
    pub fn begin(self: &Arc<Self>) -> Running {
        let mut state = lock(&self.state);
        state.unfinished += 1;
        state.served = true;
        self.changed.notify_one();
        Running { activity: Arc::clone(self), waiting: AtomicBool::new(false) }
    }

    /// Whether an answer is not complete.
    pub fn is_busy(&self) -> bool {
        lock(&self.state).unfinished > 0
    }

    pub fn silence(&self) -> Silence {
        let state = lock(&self.state);
        match (state.served, state.unfinished) {
            (false, _) => Silence::Headers,
            (true, 0) => Silence::Idle,
            (true, _) => Silence::Stalled,
        }
    }

    /// Since when the client is silent.
    pub fn quiet_since(&self) -> Instant {
        lock(&self.state).since
    }

    /// When the client has been silent for too long; never while it is for the server to go on.
    pub fn due(&self, limits: ConnectionLimits) -> Option<Instant> {
        let state = lock(&self.state);
        let patience = if state.served { limits.idle } else { limits.headers };
        (state.unfinished == state.waiting).then(|| state.since + patience)
    }

    /// The client has taken a good part of an answer.
    pub fn progressed(&self) {
        lock(&self.state).since = Instant::now();
        self.changed.notify_one();
    }

    /// Waits until something changes.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }
}

/// A request that runs.
pub(super) struct Running {
    activity: Arc<Activity>,
    waiting: AtomicBool,
}

impl Running {
    /// Whether the client must take what it was given before it gets more.
    fn waits(&self, waiting: bool) {
        if self.waiting.swap(waiting, Ordering::Relaxed) == waiting {
            return;
        }
        let mut state = lock(&self.activity.state);
        if waiting {
            state.waiting += 1;
            state.since = Instant::now();
        } else {
            state.waiting -= 1;
        }
        self.activity.changed.notify_one();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = lock(&self.activity.state);
        state.unfinished -= 1;
        if self.waiting.load(Ordering::Relaxed) {
            state.waiting -= 1;
        }
        state.since = Instant::now();
        self.activity.changed.notify_one();
    }
}

/// The body of an answer, which keeps its request running until all of it was taken.
pub(super) struct Answer {
    body: Body,
    running: Arc<Running>,
}

impl Answer {
    pub fn new(body: Body, running: Arc<Running>) -> Self {
        Self { body, running }
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        // The next part is asked for when the connection has room for it.
        self.running.waits(matches!(frame, Poll::Ready(Some(Ok(_)))));
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of a request. Once the server stops, one that does not go on arriving is an error: what is not complete
/// must not keep the server.
pub(super) struct Incoming {
    body: hyper::body::Incoming,
    closing: CancellationToken,
    silence: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Incoming {
    pub fn new(body: hyper::body::Incoming, closing: CancellationToken) -> Self {
        Self { body, closing, silence: None }
    }
}

impl HttpBody for Incoming {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            self.silence = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let closing = self.closing.clone();
        let silence = self.silence.get_or_insert_with(|| {
            Box::pin(async move {
                closing.cancelled().await;
                tokio::time::sleep(SILENCE).await;
            })
        });
        silence.as_mut().poll(cx).map(|()| {
            let error = io::Error::new(io::ErrorKind::TimedOut, "the server stops and the body is not complete");
            Some(Err(error.into()))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
