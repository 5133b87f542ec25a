//! Why to look before the time: a change in a repository on this machine.

use crate::git::watch::{Watch, watch};
use crate::reconcile::Reconciler;

/// Hints that a source moved.
pub(super) struct Hints(Option<Watch>);

impl Hints {
    pub(super) fn of(reconciler: &Reconciler) -> Self {
        match watch(reconciler.source()) {
            Ok(watch) => Self(watch),
            Err(error) => {
                tracing::warn!(error = %error, "the repository is polled: it cannot be watched");
                Self(None)
            }
        }
    }

    /// Waits for the next hint, for ever where there are none.
    pub(super) async fn next(&mut self) {
        let hint = match &mut self.0 {
            Some(watch) => watch.hint().await,
            None => None,
        };
        if hint.is_none() {
            self.0 = None;
            std::future::pending::<()>().await;
        }
    }
}
