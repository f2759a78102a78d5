//! Streams that go on by themselves, whether or not somebody is ready for their next item.

use std::{
    panic::{AssertUnwindSafe, resume_unwind},
    pin::{Pin, pin},
    task::{Context, Poll},
};

use futures_util::{Stream, StreamExt};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

/// A stream that runs on a task of its own, up to `ahead` items before its reader, and ends with it.
///
/// A stream that is polled by a connection stands still while the connection's client does not read, wherever it is:
/// in the middle of a read of the database, whose connection nobody else can use meanwhile.
pub(super) fn detached<T: Send + 'static>(
    stream: impl Stream<Item = T> + Send + 'static,
    ahead: usize,
) -> impl Stream<Item = T> + Send + Unpin + 'static {
    let (sender, items) = mpsc::channel(ahead);
    let work = async move {
        // A panic is the reader's, who would take the end of the channel for the end of the stream.
        let mut stream = pin!(AssertUnwindSafe(stream).catch_unwind());
        while let Some(item) = stream.next().await {
            if sender.send(item).await.is_err() {
                return;
            }
        }
    };
    Detached { items, _task: AbortOnDropHandle::new(tokio::spawn(work.in_current_span())) }
}

struct Detached<T> {
    items: mpsc::Receiver<std::thread::Result<T>>,
    _task: AbortOnDropHandle<()>,
}

impl<T> Stream for Detached<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        self.items.poll_recv(context).map(|item| item.map(|item| item.unwrap_or_else(|panic| resume_unwind(panic))))
    }
}
