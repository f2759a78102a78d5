//! Serves a router until it is told to stop, and then ends in order.

use std::{convert::Infallible, future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo};
use hyper::service::{Service, service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    activity::{Activity, Answer, Incoming, Running, Silence},
    connections::{Connections, Counted},
    metrics,
    settings::Serving,
};

/// How long a connection without a running request may take to send what is left of its last answer once the server
/// stops.
const LINGER: Duration = Duration::from_secs(2);

/// How long accepting pauses after it failed, as it does when file descriptors run out.
const PAUSE: Duration = Duration::from_millis(100);

/// How open streams learn that the server stops; one that nobody serves never does.
#[derive(Clone, Default)]
pub(super) struct Closing {
    pub token: CancellationToken,
    pub sockets: TaskTracker,
    // Over HTTP/2 the answer to a WebSocket's request is complete at once; the socket keeps its connection busy.
    _running: Option<Arc<Running>>,
}

/// Serves until `shutdown`; then takes no more connections, finishes what runs, and closes sockets with 1001. What
/// has not ended after the grace period is cut off.
pub async fn serve<F>(listener: TcpListener, router: Router, serving: Serving, shutdown: F) -> io::Result<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let closing = Closing::default();
    let grace = serving.grace;
    let connections = Arc::new(Connections::new(serving));
    let running = TaskTracker::new();
    // Dropped with this future as well: no connection outlives the server.
    let cut = CancellationToken::new();
    let _cut = cut.clone().drop_guard();
    let upkeep = tokio::spawn(metrics::upkeep());
    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_of_one_connection(&error) => continue,
            Err(error) => {
                connections.failed(&error);
                tokio::select! {
                    () = &mut shutdown => break,
                    () = tokio::time::sleep(PAUSE) => continue,
                }
            }
        };
        let Some(admitted) = connections.admit(peer.ip()) else { continue };
        // An answer is one write; waiting for more would only delay it.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY");
        }
        let activity = Arc::new(Activity::new());
        let io = Counted::new(stream, admitted, Arc::clone(&activity));
        let serving = (router.clone(), closing.clone());
        let connection = connection((io, peer), activity, Arc::clone(&connections), serving);
        let cut = cut.clone();
        running.spawn(async move {
            tokio::select! {
                () = connection => {}
                () = cut.cancelled() => {}
            }
        });
    }
    drop(listener);
    closing.token.cancel();
    running.close();
    closing.sockets.close();
    // Sockets were upgraded, so their connections no longer count.
    let ended = async {
        running.wait().await;
        closing.sockets.wait().await;
    };
    if tokio::time::timeout(grace, ended).await.is_err() {
        tracing::warn!("some requests did not end in time and were cut off");
    }
    upkeep.abort();
    Ok(())
}

/// Whether accepting failed because of the connection that was to be accepted: the next may be well.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// One connection, until it ends, is silent for too long, or has nothing left to do when the server stops.
async fn connection(
    (stream, peer): (Counted, SocketAddr),
    activity: Arc<Activity>,
    connections: Arc<Connections>,
    (router, closing): (Router, Closing),
) {
    let service = {
        let (activity, closing) = (Arc::clone(&activity), closing.clone());
        let router = TowerToHyperService::new(router);
        service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let running = Arc::new(activity.begin());
            let mut request = request.map(|body| Body::new(Incoming::new(body, closing.token.clone())));
            request.extensions_mut().insert(ConnectInfo(peer));
            request.extensions_mut().insert(Closing { _running: Some(Arc::clone(&running)), ..closing.clone() });
            let answer = router.call(request);
            async move { Ok::<_, Infallible>(answer.await?.map(|body| Answer::new(body, running))) }
        })
    };
    let limits = connections.limits();
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // Silence is judged below, in the same way for both versions.
    builder.http1().header_read_timeout(None);
    builder.http2().enable_connect_protocol();
    let serving = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    tokio::pin!(serving);
    let mut stopping: Option<Instant> = None;
    loop {
        let due = match stopping {
            Some(_) if activity.is_busy() => None,
            Some(_) if activity.silence() == Silence::Headers => return,
            Some(since) => Some(since.max(activity.quiet_since()) + LINGER),
            None => activity.due(limits),
        };
        if due.is_some_and(|due| due <= Instant::now()) {
            if stopping.is_none() {
                connections.silent(activity.silence());
            }
            return;
        }
        tokio::select! {
            // First what has arrived: a request that is complete is answered though the server stops or time is up.
            biased;
            result = serving.as_mut() => {
                if let Err(error) = result {
                    tracing::debug!(error = %error, "a connection ended with an error");
                }
                return;
            }
            () = closing.token.cancelled(), if stopping.is_none() => {
                stopping = Some(Instant::now());
                serving.as_mut().graceful_shutdown();
            }
            () = activity.changed() => {}
            () = until(due) => {}
        }
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
