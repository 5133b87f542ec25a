//! Why to look before the time: a change in a repository on this machine, or a hook of its host.

use std::future::pending;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::git::watch::{Watch, watch};
use crate::limits::HOOK_PAUSE;
use crate::reconcile::Reconciler;

/// Hints that a source moved.
pub(super) struct Hints {
    watch: Option<Watch>,
    hooks: Option<mpsc::Receiver<()>>,
    /// Hooks come from outside, as many as somebody likes: they are not heard before.
    deaf_until: Instant,
}

impl Hints {
    pub(super) fn of(reconciler: &Reconciler, hooks: Option<mpsc::Receiver<()>>) -> Self {
        let watch = watch(reconciler.source()).unwrap_or_else(|error| {
            tracing::warn!(error = %error, "the repository is polled: it cannot be watched");
            None
        });
        Self {
            watch,
            hooks,
            deaf_until: Instant::now(),
        }
    }

    /// Waits for the next hint, for ever where there are none. Cancel safe.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            () = changed(&mut self.watch) => {}
            () = hooked(&mut self.hooks, self.deaf_until) => {
                self.deaf_until = Instant::now() + HOOK_PAUSE;
            }
        }
    }
}

async fn changed(watch: &mut Option<Watch>) {
    if let Some(some) = watch {
        if some.hint().await.is_some() {
            return;
        }
        *watch = None;
    }
    pending::<()>().await;
}

async fn hooked(hooks: &mut Option<mpsc::Receiver<()>>, not_before: Instant) {
    if let Some(some) = hooks {
        sleep_until(not_before).await;
        if some.recv().await.is_some() {
            return;
        }
        *hooks = None;
    }
    pending::<()>().await;
}
