//! Conversations with remotes: each on a thread of its own, with a deadline.
//!
//! libgit2 blocks, and has no deadline of its own that safe code can set. So the owner of a conversation
//! waits until the deadline and then gives up on its thread. A thread that is given up on ends at its next
//! callback; one whose server never says another word stays, and at most [`GIT_SILENT_MAX`] of those are
//! put up with for one host, so that a dead one delays no other. Such a thread does no harm when it wakes:
//! it only adds objects to the mirror, never moves a ref, and cancels a push before it is sent.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::thread;
use std::time::Duration;

use super::error::GitError;
use super::source::Source;
use crate::limits::GIT_SILENT_MAX;

const RUNNING: u8 = 0;
const FINISHED: u8 = 1;
const GIVEN_UP: u8 = 2;

/// The conversations that were given up on and are still silent.
#[derive(Debug)]
pub(super) struct Silent {
    /// Host to how many.
    now: Mutex<BTreeMap<String, usize>>,
    /// With one host.
    max: usize,
}

/// All of this process.
static SILENT: Silent = Silent {
    now: Mutex::new(BTreeMap::new()),
    max: GIT_SILENT_MAX,
};

/// How a conversation stands, as its two sides see it.
#[derive(Debug, Clone)]
pub(super) struct Talk {
    state: Arc<AtomicU8>,
    silent: &'static Silent,
    host: String,
    /// Why the host is not trusted: libgit2 puts its own words in the place of a callback's.
    distrust: Arc<OnceLock<String>>,
}

impl Talk {
    /// Whether somebody still waits for the outcome.
    pub(super) fn goes_on(&self) -> bool {
        self.state.load(Ordering::Acquire) == RUNNING
    }

    /// Notes why the host is not trusted.
    pub(super) fn distrust(&self, why: &str) {
        self.distrust.get_or_init(|| why.to_owned());
    }

    /// An error in our own words, where libgit2 has lost them.
    fn explain(&self, error: GitError) -> GitError {
        match (error, self.distrust.get()) {
            (GitError::Host { url, .. }, Some(why)) => GitError::Host {
                url,
                why: why.clone(),
            },
            (error, _) => error,
        }
    }

    /// Stops waiting. `false`: it has just ended.
    fn give_up(&self) -> bool {
        // Who ends meanwhile counts down only after this counted up.
        let mut silent = self.silent.counts();
        let running = self
            .state
            .compare_exchange(RUNNING, GIVEN_UP, Ordering::AcqRel, Ordering::Acquire)
            .is_ok();
        if running {
            *silent.entry(self.host.clone()).or_default() += 1;
        }
        running
    }
}

/// The thread's side: says that it ended, however it did.
struct Ending(Talk);

impl Drop for Ending {
    fn drop(&mut self) {
        let Talk {
            state,
            silent,
            host,
            ..
        } = &self.0;
        if state.swap(FINISHED, Ordering::AcqRel) != GIVEN_UP {
            return;
        }
        let mut counts = silent.counts();
        if let Some(count) = counts.get_mut(host) {
            *count -= 1;
            if *count == 0 {
                counts.remove(host);
            }
        }
    }
}

/// Runs `talk` on a thread of its own and waits for it until the deadline.
pub(super) fn within<T: Send + 'static>(
    source: &Source,
    deadline: Duration,
    talk: impl FnOnce(&Talk) -> Result<T, GitError> + Send + 'static,
) -> Result<T, GitError> {
    SILENT.within(source, deadline, talk)
}

impl Silent {
    fn counts(&self) -> MutexGuard<'_, BTreeMap<String, usize>> {
        self.now.lock().expect("no holder of this lock panics")
    }

    fn within<T: Send + 'static>(
        &'static self,
        source: &Source,
        deadline: Duration,
        talk: impl FnOnce(&Talk) -> Result<T, GitError> + Send + 'static,
    ) -> Result<T, GitError> {
        let url = source.url.clone();
        let host = source.host().to_owned();
        let silent = self.counts().get(&host).copied().unwrap_or_default();
        if silent >= self.max {
            return Err(GitError::Silent { url, silent });
        }
        let (sender, receiver) = mpsc::sync_channel(1);
        let ours = Talk {
            state: Arc::new(AtomicU8::new(RUNNING)),
            silent: self,
            host,
            distrust: Arc::default(),
        };
        let ending = Ending(ours.clone());
        let run = move || {
            let outcome = talk(&ending.0).map_err(|error| ending.0.explain(error));
            // Nobody may be waiting any more.
            drop(sender.send(outcome));
            drop(ending);
        };
        let thread = thread::Builder::new().name("git".to_owned()).spawn(run);
        if let Err(source) = thread {
            let what = "start a thread to talk to";
            let path = url.into();
            return Err(GitError::Cache { what, path, source });
        }
        match receiver.recv_timeout(deadline) {
            Ok(outcome) => outcome,
            Err(RecvTimeoutError::Timeout) if ours.give_up() => Err(GitError::Deadline {
                url,
                after: deadline,
            }),
            Err(RecvTimeoutError::Timeout) => {
                let outcome = receiver.try_recv();
                outcome.unwrap_or(Err(GitError::Broken { url }))
            }
            Err(RecvTimeoutError::Disconnected) => Err(GitError::Broken { url }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_host_is_given_up_on_and_let_go_and_delays_no_other() {
        static ONE: Silent = Silent {
            now: Mutex::new(BTreeMap::new()),
            max: 1,
        };
        assert_eq!(SILENT.max, GIT_SILENT_MAX);
        let source: Source = "https://silent.example/a".parse().unwrap();
        let (wake, asleep) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        let soon = Duration::from_millis(50);
        let outcome = ONE.within(&source, soon, move |talk| {
            assert!(asleep.recv().is_err());
            tell.send(talk.goes_on()).unwrap();
            Ok(())
        });
        assert!(
            matches!(outcome, Err(GitError::Deadline { .. })),
            "{outcome:?}"
        );
        // That is as many as may be silent; another is not started until it lets go.
        let other: Source = "https://me@silent.example/b".parse().unwrap();
        let outcome = ONE.within(&other, soon, |_| Ok(()));
        assert!(
            matches!(outcome, Err(GitError::Silent { silent: 1, .. })),
            "{outcome:?}"
        );
        let late = Duration::from_secs(20);
        let elsewhere: Source = "https://other.example/a".parse().unwrap();
        assert_eq!(ONE.within(&elsewhere, late, |_| Ok(3)).unwrap(), 3);
        drop(wake);
        assert_eq!(told.recv(), Ok(false), "it sees that nobody waits");
        assert!(told.recv().is_err());
        while !ONE.counts().is_empty() {
            thread::yield_now();
        }
        assert_eq!(ONE.within(&source, late, |_| Ok(7)).unwrap(), 7);
    }

    #[test]
    fn a_panic_is_an_error() {
        let source: Source = "/nowhere".parse().unwrap();
        let outcome = within::<()>(&source, Duration::from_secs(10), |_| panic!("on purpose"));
        assert!(matches!(outcome, Err(GitError::Broken { .. })));
    }
}
