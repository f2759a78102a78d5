//! Which connections are let in, and how those that are refused or ended are told of.

use std::{
    collections::HashMap,
    io,
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use metrics::counter;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::Instant,
};

use super::{
    activity::{Activity, Silence, lock},
    metrics::Open,
    settings::{ConnectionLimits, Serving},
};

/// Bytes that count as progress where a client takes its answers slowly. Fewer would let a client that takes one byte
/// now and then stay for ever.
const PROGRESS: usize = 16 * 1024;

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
        let place =
            (!self.serving.trusted_proxies.iter().any(|net| net.contains(&peer))).then(|| crate::access::place(peer));
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

    /// A connection is closed because its client was silent.
    pub fn silent(&self, silence: Silence) {
        match silence {
            // The ordinary end of a connection that was kept alive.
            Silence::Idle => counter!("tandem_connections_ended_total", "reason" => "idle").increment(1),
            Silence::Headers => self.tell("headers", None),
            Silence::Stalled => self.tell("stalled", None),
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

/// A stream that keeps its place among the connections until it closes, also after an upgrade.
pub(super) struct Counted {
    // Dropped first: who sees the connection closed finds its place free.
    _admitted: Admitted,
    stream: TcpStream,
    activity: Arc<Activity>,
    written: usize,
}

impl Counted {
    pub fn new(stream: TcpStream, admitted: Admitted, activity: Arc<Activity>) -> Self {
        Self { _admitted: admitted, stream, activity, written: 0 }
    }

    fn wrote(&mut self, written: &Poll<io::Result<usize>>) {
        let Poll::Ready(Ok(written)) = written else { return };
        self.written += written;
        if self.written >= PROGRESS {
            self.written = 0;
            self.activity.progressed();
        }
    }
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.wrote(&written);
        written
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
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.wrote(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
