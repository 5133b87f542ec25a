//! Whether somebody ordered a rollback while Git is away. With Git there, commits say what to do.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::reconcile::Reconciler;

/// At most one look at a time, and some time between two.
pub(super) struct Orders {
    look: JoinSet<BTreeSet<String>>,
    at: Instant,
    pause: Duration,
}

impl Orders {
    pub(super) fn every(pause: Duration) -> Self {
        Self {
            look: JoinSet::new(),
            at: Instant::now(),
            pause,
        }
    }

    /// Looks, if it is time.
    pub(super) fn start(&mut self, reconciler: &Reconciler, now: Instant) {
        if self.due().is_some_and(|due| due <= now) {
            self.look.spawn(reconciler.orders());
            self.at = now + self.pause;
        }
    }

    /// When to look next; `None` while a look is under way.
    pub(super) fn due(&self) -> Option<Instant> {
        self.look.is_empty().then_some(self.at)
    }

    /// The models that a look wakes. `None` where none is under way.
    pub(super) async fn heard(&mut self) -> Option<BTreeSet<String>> {
        let heard = self.look.join_next().await?;
        // A lost look is followed by the next.
        Some(heard.unwrap_or_default())
    }
}
