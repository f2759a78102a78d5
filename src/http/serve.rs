//! Serves a router until it is told to stop, and then ends in order.

use std::{future::Future, net::SocketAddr, time::Duration};

use axum::{Extension, Router, serve::ListenerExt};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::metrics;

/// How open streams learn that the server stops; one that nobody serves never does.
#[derive(Clone, Debug, Default)]
pub(super) struct Closing {
    pub token: CancellationToken,
    pub sockets: TaskTracker,
}

/// Serves until `shutdown`; then takes no more connections, finishes what runs, and closes sockets with 1001. What
/// has not ended after `grace` is cut off.
pub async fn serve<F>(listener: TcpListener, router: Router, grace: Duration, shutdown: F) -> std::io::Result<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let closing = Closing::default();
    let service = router.layer(Extension(closing.clone())).into_make_service_with_connect_info::<SocketAddr>();
    // An answer is one write; waiting for more would only delay it.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY");
        }
    });
    let token = closing.token.clone();
    let signal = async move {
        shutdown.await;
        token.cancel();
    };
    let upkeep = tokio::spawn(metrics::upkeep());
    let serving = axum::serve(listener, service).with_graceful_shutdown(signal);
    let patience = async {
        closing.token.cancelled().await;
        tokio::time::sleep(grace).await;
    };
    let result = tokio::select! {
        result = serving => {
            closing.sockets.close();
            // The sockets were upgraded, so the server no longer counts them.
            let _ = tokio::time::timeout(grace, closing.sockets.wait()).await;
            result
        }
        () = patience => {
            tracing::warn!("some requests did not end in time and were cut off");
            Ok(())
        }
    };
    upkeep.abort();
    result
}
