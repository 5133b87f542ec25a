//! Connections: how many there are, how long their clients may take, and that there is room for them.

use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::limits::{INTERVAL_MIN, LOCAL_CONNECTIONS_MAX, LOCAL_OPEN_FILES};

/// How long requests in flight may take when the server ends.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(5);

/// Answers on `listener` until `quit` says so. Headers that are not there after `patience`, and
/// connections that are silent for so long, are given up. More connections than there is room for wait
/// in the kernel's queue.
pub(super) async fn listen(
    listener: TcpListener,
    router: Router,
    patience: Duration,
    quit: watch::Receiver<bool>,
) {
    listen_within(LOCAL_CONNECTIONS_MAX, listener, router, patience, quit).await;
}

async fn listen_within(
    connections_max: usize,
    listener: TcpListener,
    router: Router,
    patience: Duration,
    mut quit: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    while !*quit.borrow() {
        let room = connections.len() < connections_max;
        tokio::select! {
            accepted = listener.accept(), if room => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream, router.clone(), patience, quit.clone()));
                }
                // The system has no room. It will have some when others are done.
                Err(error) => {
                    tracing::warn!(%error, "the local SageMaker did not accept a connection");
                    drop(timeout(INTERVAL_MIN, quit.changed()).await);
                }
            },
            Some(_) = connections.join_next() => {}
            changed = quit.changed() => if changed.is_err() {
                break;
            },
        }
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    // What is answered still, but not for ever.
    drop(timeout(SHUTDOWN_DEADLINE, ended).await);
}

/// One connection, until its client has enough or the server ends.
async fn converse(
    stream: TcpStream,
    router: Router,
    patience: Duration,
    mut quit: watch::Receiver<bool>,
) {
    // Answers are written whole: nothing is to be waited for.
    drop(stream.set_nodelay(true));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(connection);
    let over = async { drop(quit.wait_for(|quit| *quit).await) };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = over => {
            connection.as_mut().graceful_shutdown();
            connection.as_mut().await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a client of the local SageMaker broke off");
    }
}

/// Asks the system for as many open files as connections, processes and mirrors may need, where it gives
/// fewer and allows more.
pub fn make_room() {
    let now = getrlimit(Resource::Nofile);
    let enough = |limit: Option<u64>| limit.is_none_or(|limit| limit >= LOCAL_OPEN_FILES);
    if enough(now.current) {
        return;
    }
    let wanted = now
        .maximum
        .map_or(LOCAL_OPEN_FILES, |most| most.min(LOCAL_OPEN_FILES));
    let asked = Rlimit {
        current: Some(wanted),
        maximum: now.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, asked) {
        tracing::warn!(%error, "the limit of open files stays as low as it was");
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// Speaks to a server that has room for two.
    struct Bench {
        address: std::net::SocketAddr,
        quit: watch::Sender<bool>,
        server: JoinSet<()>,
    }

    async fn serving(patience: Duration) -> Bench {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", get(async || "here"));
        let (quit, told) = watch::channel(false);
        let mut server = JoinSet::new();
        server.spawn(listen_within(2, listener, router, patience, told));
        Bench {
            address,
            quit,
            server,
        }
    }

    impl Bench {
        async fn connect(&self) -> TcpStream {
            TcpStream::connect(self.address).await.unwrap()
        }

        async fn end(mut self) {
            self.quit.send_replace(true);
            self.server.join_next().await.unwrap().unwrap();
        }
    }

    async fn ask(stream: &mut TcpStream) {
        let request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
        stream.write_all(request).await.unwrap();
    }

    async fn answer(stream: &mut TcpStream) -> String {
        let mut answer = Vec::new();
        while !answer.ends_with(b"here") {
            let read = stream.read_buf(&mut answer).await.unwrap();
            assert!(read > 0, "the server closed the connection");
        }
        String::from_utf8(answer).unwrap()
    }

    #[tokio::test]
    async fn who_finds_no_room_waits() {
        let bench = serving(Duration::from_mins(1)).await;
        let (mut first, mut second) = (bench.connect().await, bench.connect().await);
        for stream in [&mut first, &mut second] {
            ask(stream).await;
            answer(stream).await;
        }
        let mut third = bench.connect().await;
        ask(&mut third).await;
        let soon = timeout(Duration::from_millis(200), answer(&mut third)).await;
        assert!(soon.is_err(), "a third was answered");
        drop(first);
        answer(&mut third).await;
        bench.end().await;
    }

    #[tokio::test]
    async fn who_sends_nothing_is_given_up() {
        let bench = serving(Duration::from_millis(100)).await;
        let mut silent = bench.connect().await;
        silent.write_all(b"GET / HT").await.unwrap();
        let mut rest = Vec::new();
        let closed = timeout(Duration::from_secs(20), silent.read_to_end(&mut rest)).await;
        assert!(closed.is_ok(), "the connection stays open");
        let mut other = bench.connect().await;
        ask(&mut other).await;
        answer(&mut other).await;
        bench.end().await;
    }

    #[test]
    fn there_is_room_for_connections() {
        make_room();
        let limit = getrlimit(Resource::Nofile);
        let most = limit.maximum.unwrap_or(u64::MAX).min(LOCAL_OPEN_FILES);
        assert!(limit.current.is_none_or(|now| now >= most), "{limit:?}");
    }
}
