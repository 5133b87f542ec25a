//! A network between the program and a server: what is sent arrives later, in its order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// Chunks on their way at once, in one direction of a connection.
const UNDER_WAY: usize = 1_024;
const CHUNK_BYTES: usize = 64 * 1024;

/// A port on loopback that leads to a server, from as far away as is said.
pub(crate) struct Distance {
    pub(crate) url: String,
    half: Arc<AtomicU64>,
    _relay: JoinSet<()>,
}

impl Distance {
    /// Leads to `url`, from next to it.
    pub(crate) async fn to(url: &str) -> Self {
        let server = url.trim_start_matches("http://").trim_end_matches('/');
        let server: SocketAddr = server.parse().expect("an address on loopback");
        let port = TcpListener::bind("127.0.0.1:0").await;
        let port = port.expect("a port is free");
        let url = format!("http://{}", port.local_addr().expect("it is bound"));
        let half = Arc::new(AtomicU64::new(0));
        let mut relay = JoinSet::new();
        relay.spawn(accept(port, server, half.clone()));
        Self {
            url,
            half,
            _relay: relay,
        }
    }

    /// From now on, an answer takes so much longer.
    pub(crate) fn put(&self, there_and_back: Duration) {
        let half = there_and_back.as_micros() / 2;
        let half = u64::try_from(half).expect("a short time");
        self.half.store(half, Ordering::Relaxed);
    }
}

async fn accept(port: TcpListener, server: SocketAddr, half: Arc<AtomicU64>) {
    let mut connections = JoinSet::new();
    while let Ok((near, _)) = port.accept().await {
        let half = half.clone();
        connections.spawn(async move {
            if let Ok(far) = TcpStream::connect(server).await {
                relay(near, far, half).await;
            }
        });
    }
}

async fn relay(near: TcpStream, far: TcpStream, half: Arc<AtomicU64>) {
    // What is held back here is held back on purpose only.
    near.set_nodelay(true).expect("a connected socket");
    far.set_nodelay(true).expect("a connected socket");
    let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
    tokio::join!(
        carry(from_near, to_far, half.clone()),
        carry(from_far, to_near, half)
    );
}

async fn carry(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    half: Arc<AtomicU64>,
) {
    let (sender, mut chunks) = mpsc::channel::<(Instant, Vec<u8>)>(UNDER_WAY);
    let read = async move {
        let mut bytes = vec![0; CHUNK_BYTES];
        while let Ok(count @ 1..) = from.read(&mut bytes).await {
            let due = Instant::now() + Duration::from_micros(half.load(Ordering::Relaxed));
            if sender.send((due, bytes[..count].to_vec())).await.is_err() {
                return;
            }
        }
    };
    let write = async move {
        while let Some((due, bytes)) = chunks.recv().await {
            sleep_until(due).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(read, write);
}
