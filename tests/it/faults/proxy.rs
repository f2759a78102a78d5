//! Something between Tandem and PostgreSQL that can cut, silence and lose what it carries.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use reqwest::Url;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
};

/// A proxy before a PostgreSQL server.
pub struct Proxy {
    address: SocketAddr,
    orders: Arc<Orders>,
}

#[derive(Default)]
struct Orders {
    /// The next COMMIT is carried out, and its answer lost with the connection.
    lose_commit: AtomicBool,
    /// Nothing is carried any more on connections opened so far.
    silent: watch::Sender<u64>,
}

impl Proxy {
    /// Before the server of this database.
    pub async fn before(database: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let orders = Arc::new(Orders::default());
        let (server, taken) = (socket(database), Arc::clone(&orders));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = UnixStream::connect(&server).await else { continue };
                tokio::spawn(carry(client, server, Arc::clone(&taken)));
            }
        });
        Self { address, orders }
    }

    /// The database's URL through the proxy; behind others that are not there, if there are any.
    pub fn url(&self, database: &str, others: &[SocketAddr]) -> String {
        let mut hosts: Vec<String> = others.iter().map(ToString::to_string).collect();
        hosts.push(self.address.to_string());
        let name = Url::parse(database).expect("a URL").path().to_owned();
        format!("postgres://postgres@{}{name}", hosts.join(","))
    }

    /// Lets the next COMMIT happen and cuts its connection before the answer.
    pub fn lose_next_commit(&self) {
        self.orders.lose_commit.store(true, Ordering::SeqCst);
    }

    /// Lets all connections that are open now fall silent, without closing them.
    pub fn silence(&self) {
        self.orders.silent.send_modify(|times| *times += 1);
    }
}

/// Where the server listens.
fn socket(database: &str) -> PathBuf {
    let url = Url::parse(database).expect("a URL");
    let host = url.query_pairs().find(|(name, _)| name == "host").expect("a server of the tests' own").1.into_owned();
    PathBuf::from(host).join(".s.PGSQL.5432")
}

async fn carry(mut client: TcpStream, mut server: UnixStream, orders: Arc<Orders>) {
    let mut silent = orders.silent.subscribe();
    silent.mark_unchanged();
    let (mut up, mut down) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    let mut losing = false;
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let Ok(read @ 1..) = read else { return };
                losing = up[..read].windows(7).any(|bytes| bytes == b"COMMIT\0")
                    && orders.lose_commit.swap(false, Ordering::SeqCst);
                if server.write_all(&up[..read]).await.is_err() { return }
            }
            read = server.read(&mut down) => {
                let Ok(read @ 1..) = read else { return };
                // The server has answered, so it is done.
                if losing { return }
                if client.write_all(&down[..read]).await.is_err() { return }
            }
            changed = silent.changed() => {
                if changed.is_err() { return }
                // Held open, as a network does that carries nothing any more.
                std::future::pending::<()>().await;
            }
        }
    }
}
