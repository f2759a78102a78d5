//! A stream of answers that works on its own, whether or not its client reads.

use futures_util::{Stream, StreamExt, stream};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

/// The same items, made by a task that ends with the stream.
///
/// A stream is polled by whoever sends its items. While they wait for a slow client they do not poll it, and what it
/// has begun, such as a read of the database, stays as it is and keeps a connection from everybody else. A task goes
/// on. It makes an item only when there is room for it, and there is room for one: a client that does not read costs no
/// more memory, and hears little that was decided long before.
pub(super) fn ahead<T: Send + 'static>(
    items: impl Stream<Item = T> + Send + 'static,
) -> impl Stream<Item = T> + Send + 'static {
    let (send, receive) = mpsc::channel(1);
    let work = async move {
        let mut items = std::pin::pin!(items);
        while let Ok(room) = send.reserve().await {
            let Some(item) = items.next().await else { return };
            room.send(item);
        }
    };
    let task = AbortOnDropHandle::new(tokio::spawn(work));
    stream::unfold((receive, task), |(mut receive, task)| async move {
        let item = receive.recv().await?;
        Some((item, (receive, task)))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use tokio::sync::{Notify, Semaphore};

    use super::*;

    #[tokio::test]
    async fn what_an_item_takes_is_given_back_though_nobody_reads() {
        let connections = Arc::new(Semaphore::new(1));
        let begun = Arc::new(Notify::new());
        let (pool, signal) = (connections.clone(), begun.clone());
        let items = stream::once(async move {
            let _connection = pool.acquire().await;
            signal.notify_one();
            tokio::task::yield_now().await;
            1
        });
        let mut items = Box::pin(ahead(items));
        begun.notified().await;
        // Nobody polls the stream here, and the connection comes back all the same.
        drop(connections.acquire().await);
        assert_eq!(items.next().await, Some(1));
        assert_eq!(items.next().await, None);
    }

    #[tokio::test]
    async fn one_item_is_made_ahead_and_no_more() {
        let made = Arc::new(AtomicUsize::new(0));
        let count = made.clone();
        let items = stream::repeat_with(move || count.fetch_add(1, Ordering::Relaxed));
        let mut items = Box::pin(ahead(items));
        assert_eq!(items.next().await, Some(0));
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(made.load(Ordering::Relaxed) <= 2);
        assert_eq!(items.next().await, Some(1));
    }
}
