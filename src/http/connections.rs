//! Which connections are let in, how long they may be silent, and when a request on them begins and ends.

use std::{
    collections::HashMap,
    future::Future,
    io,
    net::{IpAddr, Ipv6Addr},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{Error, body::Body, body::Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use metrics::counter;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::Notify,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    metrics::Open,
    settings::{ConnectionLimits, Serving},
};

/// How long the rest of a body may fail to arrive once the server stops.
const SILENCE: Duration = Duration::from_secs(1);

/// All connections of a server.
pub(super) struct Connections {
    serving: Serving,
    open: Mutex<Counts>,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Counts {
    all: usize,
    by_place: HashMap<IpAddr, usize>,
}

/// What was ended or refused since the log last told of it.
#[derive(Default)]
struct Told {
    last: Option<Instant>,
    since: u64,
}

/// A place among the open connections, free again when it is dropped.
pub(super) struct Admitted {
    connections: Arc<Connections>,
    place: Option<IpAddr>,
    _open: Open,
}

impl Connections {
    pub fn new(serving: Serving) -> Self {
        Self { serving, open: Mutex::default(), told: Mutex::default() }
    }

    pub fn limits(&self) -> ConnectionLimits {
        self.serving.connections
    }

    /// A place for a connection from this address, if there is one. Trusted proxies stand for many callers, so only
    /// the limit of all connections holds for them.
    pub fn admit(self: &Arc<Self>, peer: IpAddr) -> Option<Admitted> {
        let peer = peer.to_canonical();
        let limits = self.limits();
        let place = (!self.serving.trusted_proxies.iter().any(|net| net.contains(&peer))).then(|| place(peer));
        let refused = {
            let mut open = lock(&self.open);
            let from_here = place.and_then(|place| open.by_place.get(&place).copied()).unwrap_or_default();
            if open.all >= limits.total {
                Some("total")
            } else if from_here >= limits.per_address {
                Some("address")
            } else {
                open.all += 1;
                if let Some(place) = place {
                    open.by_place.insert(place, from_here + 1);
                }
                None
            }
        };
        if let Some(reason) = refused {
            self.tell(reason, Some(peer));
            return None;
        }
        Some(Admitted { connections: Arc::clone(self), place, _open: Open::connection() })
    }

    /// A connection was closed because nothing complete arrived on it.
    pub fn silent(&self, has_served: bool) {
        if has_served {
            // The ordinary end of a connection that was kept alive.
            counter!("tandem_connections_ended_total", "reason" => "idle").increment(1);
        } else {
            self.tell("headers", None);
        }
    }

    /// Accepting failed.
    pub fn failed(&self, error: &io::Error) {
        counter!("tandem_connections_ended_total", "reason" => "accept").increment(1);
        if let Some(count) = self.due() {
            tracing::error!(%error, count, "connections cannot be accepted; trying again");
        }
    }

    fn tell(&self, reason: &'static str, peer: Option<IpAddr>) {
        counter!("tandem_connections_ended_total", "reason" => reason).increment(1);
        if let Some(count) = self.due() {
            let peer = peer.map(tracing::field::display);
            tracing::warn!(reason, peer, count, "connections were refused or ended by a limit");
        }
    }

    /// How many there were since the log last told of them, once a second at most.
    fn due(&self) -> Option<u64> {
        let mut told = lock(&self.told);
        told.since += 1;
        let now = Instant::now();
        if told.last.is_some_and(|last| now - last < Duration::from_secs(1)) {
            return None;
        }
        told.last = Some(now);
        Some(std::mem::take(&mut told.since))
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut open = lock(&self.connections.open);
        open.all -= 1;
        let Some(place) = self.place else { return };
        match open.by_place.get_mut(&place) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(open.by_place.remove(&place)),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An IPv6 network counts as one address, since its 2⁶⁴ addresses are all one customer's.
fn place(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// A stream that keeps its place among the connections until it closes, also after an upgrade.
pub(super) struct Counted {
    stream: TcpStream,
    _admitted: Admitted,
}

impl Counted {
    pub fn new(stream: TcpStream, admitted: Admitted) -> Self {
        Self { stream, _admitted: admitted }
    }
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// What happens on one connection. Bytes alone are no activity: only whole heads of requests count, so that a
/// connection that trickles is no better off than a silent one.
pub(super) struct Activity {
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    running: usize,
    served: bool,
    since: Instant,
}

impl Activity {
    pub fn new() -> Self {
        let state = State { running: 0, served: false, since: Instant::now() };
        Self { state: Mutex::new(state), changed: Notify::new() }
    }

    /// A request has begun; it ends when its answer is sent or given up.
    pub fn begin(self: &Arc<Self>) -> Running {
        let mut state = lock(&self.state);
        state.running += 1;
        state.served = true;
        self.changed.notify_one();
        Running(Arc::clone(self))
    }

    pub fn is_busy(&self) -> bool {
        lock(&self.state).running > 0
    }

    pub fn has_served(&self) -> bool {
        lock(&self.state).served
    }

    /// Since when no request runs.
    pub fn quiet_since(&self) -> Instant {
        lock(&self.state).since
    }

    /// When the connection has been silent for too long; never while a request runs.
    pub fn due(&self, limits: ConnectionLimits) -> Option<Instant> {
        let state = lock(&self.state);
        let patience = if state.served { limits.idle } else { limits.headers };
        (state.running == 0).then(|| state.since + patience)
    }

    /// Waits until a request begins or ends.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }
}

/// A request that runs.
pub(super) struct Running(Arc<Activity>);

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.running -= 1;
        state.since = Instant::now();
        self.0.changed.notify_one();
    }
}

/// The body of an answer, which keeps its request running until all of it was taken.
pub(super) struct Answer {
    pub body: Body,
    pub running: Running,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
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
