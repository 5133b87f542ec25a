//! Hints that a repository on this machine moved, long before it is polled.
//!
//! A hint is no more than a reason to fetch now: it may come without a change, and a change may
//! come without one.

use std::path::{Path, PathBuf};

use notify::{EventKind, RecommendedWatcher, RecursiveMode};
use notify_debouncer_full::{
    DebounceEventResult, DebouncedEvent, Debouncer, RecommendedCache, new_debouncer,
};
use tokio::sync::mpsc;

use super::error::{self, GitError};
use super::source::Source;
use crate::limits::WATCH_QUIET;

/// A watch over one repository's refs; dropping it ends it.
#[derive(Debug)]
pub struct Watch {
    hints: mpsc::Receiver<()>,
    _watcher: Debouncer<RecommendedWatcher, RecommendedCache>,
}

impl Watch {
    /// Waits for the next hint. Hints that came meanwhile are one. `None`: there will be no more.
    /// Cancel safe.
    pub async fn hint(&mut self) -> Option<()> {
        self.hints.recv().await
    }
}

/// Watches the refs of `source`, if it is a repository on this machine; `None` if it is not.
///
/// Errors: [`GitError::NotFound`] and its like where it cannot be opened, [`GitError::Watch`] where
/// the operating system does not watch.
pub fn watch(source: &Source) -> Result<Option<Watch>, GitError> {
    let Some(path) = source.local_path() else {
        return Ok(None);
    };
    let repository = git2::Repository::open(&path)
        .map_err(|error| error::remote(source, "watch the refs of", error))?;
    // A linked working tree has its own HEAD; branches are in the common folder.
    let common = canonical(repository.commondir());
    let (sender, hints) = mpsc::channel(1);
    let refs = common.clone();
    let heard = move |result: DebounceEventResult| {
        let tells = match &result {
            Ok(events) => events.iter().any(|event| tells(&refs, event)),
            // Events may have been lost.
            Err(_) => true,
        };
        if tells {
            // Full: the hint that is there says it all.
            sender.try_send(()).ok();
        }
    };
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| GitError::Watch { path, source }
    };
    let mut watcher = new_debouncer(WATCH_QUIET, None, heard).map_err(failed(&common))?;
    // All refs: `refs/heads` itself may come and go, `refs` is what makes it a repository.
    let places = [
        (common.clone(), RecursiveMode::NonRecursive),
        (common.join("refs"), RecursiveMode::Recursive),
    ];
    for (place, mode) in &places {
        watcher.watch(place, *mode).map_err(failed(place))?;
    }
    Ok(Some(Watch {
        hints,
        _watcher: watcher,
    }))
}

fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Whether an event may be a moved branch. Reading is none: a fetch would hint at itself.
fn tells(git: &Path, event: &DebouncedEvent) -> bool {
    if matches!(event.kind, EventKind::Access(_)) {
        return false;
    }
    event.need_rescan()
        || event.paths.iter().any(|path| {
            let Ok(inside) = path.strip_prefix(git) else {
                return false;
            };
            let lock = inside
                .extension()
                .is_some_and(|extension| extension == "lock");
            !lock
                && (inside.starts_with("refs/heads")
                    || inside == Path::new("HEAD")
                    || inside == Path::new("packed-refs"))
        })
}
