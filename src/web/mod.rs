//! What is listened to, for people and programs outside: hooks of Git hosts.

mod hooks;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

pub use self::hooks::Hooks;
use crate::limits::{
    HOOK_CONNECTION_PERIOD_MAX, HOOK_CONNECTIONS_MAX, HOOK_HEAD_BYTES_MAX, HOOK_PERIOD_MAX,
    INTERVAL_MIN,
};

/// Takes hooks until `stop` becomes true, or nobody is left to say so. More connections than there
/// is room for wait in the kernel's queue.
pub async fn serve(listener: TcpListener, hooks: Arc<Hooks>, stop: watch::Receiver<bool>) {
    serve_within(Bounds::default(), listener, hooks, stop).await;
}

/// How many connections are kept, and how long.
#[derive(Clone, Copy)]
struct Bounds {
    connections: usize,
    /// Until the headers of a hook are there.
    silence: Duration,
    /// From the first hook to the last.
    whole: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: HOOK_CONNECTIONS_MAX,
            silence: HOOK_PERIOD_MAX,
            whole: HOOK_CONNECTION_PERIOD_MAX,
        }
    }
}

async fn serve_within(
    bounds: Bounds,
    listener: TcpListener,
    hooks: Arc<Hooks>,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    while !*stop.borrow() {
        let room = connections.len() < bounds.connections;
        tokio::select! {
            accepted = listener.accept(), if room => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(bounds, stream, Arc::clone(&hooks)));
                }
                // The system has no room. It will have some when others are done.
                Err(error) => {
                    tracing::debug!(%error, "a connection for hooks was not accepted");
                    drop(timeout(INTERVAL_MIN, stop.changed()).await);
                }
            },
            Some(_) = connections.join_next() => {}
            changed = stop.changed() => if changed.is_err() {
                return;
            },
        }
    }
}

/// One connection: as many hooks as its host sends over it, for a while.
async fn converse(bounds: Bounds, stream: TcpStream, hooks: Arc<Hooks>) {
    let service = service_fn(|request| {
        let hooks = Arc::clone(&hooks);
        async move { Ok::<_, Infallible>(hooks.answer(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.silence)
        .max_buf_size(HOOK_HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    // Whoever breaks off has been answered, or does not want to be.
    drop(timeout(bounds.whole, connection).await);
}
