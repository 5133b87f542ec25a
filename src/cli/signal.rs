//! SIGINT and SIGTERM: the first asks for an end, the second insists.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::error::CommandError;

/// What the signals so far ask for. Dropping it stops listening.
#[derive(Debug)]
pub(super) struct Stop {
    /// Becomes true with the first signal: finish what is at hand.
    pub(super) gently: watch::Receiver<bool>,
    /// Becomes true with the second: end now.
    pub(super) now: watch::Receiver<bool>,
    _listener: JoinSet<()>,
}

impl Stop {
    /// Listens from now on.
    pub(super) fn listen() -> Result<Self, CommandError> {
        let failed = |error| CommandError::new(&error).context("signals cannot be listened for");
        let interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let (ask, gently) = watch::channel(false);
        let (insist, now) = watch::channel(false);
        let mut listener = JoinSet::new();
        listener.spawn(listen(interrupt, terminate, [ask, insist]));
        Ok(Self {
            gently,
            now,
            _listener: listener,
        })
    }
}

async fn listen(
    mut interrupt: Signal,
    mut terminate: Signal,
    [ask, insist]: [watch::Sender<bool>; 2],
) {
    for said in [&ask, &insist] {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        said.send_replace(true);
    }
    // Further signals change nothing; the senders stay, so that nobody takes their end for a word.
    std::future::pending::<()>().await;
}

/// Waits until a flag is up.
pub(super) async fn raised(flag: &mut watch::Receiver<bool>) {
    if flag.wait_for(|up| *up).await.is_err() {
        std::future::pending::<()>().await;
    }
}
