//! The repositories that a daemon follows: each in a task of its own, until it is no longer listed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinSet};

use super::connect::open;
use super::error::CommandError;
use super::hooks::Doors;
use super::signal::raised;
use super::sources::Listed;
use super::teller::Teller;
use crate::aws::Aws;
use crate::daemon::{self, Cadence, Guest, Host};
use crate::git::Source;
use crate::limits::HOST_LOOKS_PER_MINUTE;
use crate::reconcile::Leases;

/// Events of one source that may wait to be told.
const EVENTS_MAX: usize = 64;

/// What all repositories are followed with.
#[derive(Clone)]
pub(super) struct Means {
    pub(super) leases: Leases,
    pub(super) cache: Result<PathBuf, CommandError>,
    pub(super) aws: Aws,
    pub(super) cadence: Cadence,
}

/// Those that are followed, and those that are to be.
pub(super) struct Followed {
    means: Means,
    doors: Option<Doors>,
    /// By key.
    wanted: BTreeMap<String, Listed>,
    running: BTreeMap<String, Running>,
    tasks: JoinSet<()>,
    keys: BTreeMap<Id, String>,
    /// Host and what it bears to the host, as long as a source is there.
    hosts: BTreeMap<(String, Option<u32>), Weak<Host>>,
}

struct Running {
    listed: Listed,
    stop: watch::Sender<bool>,
}

impl Followed {
    pub(super) fn new(means: Means, doors: Option<Doors>) -> Self {
        Self {
            means,
            doors,
            wanted: BTreeMap::new(),
            running: BTreeMap::new(),
            tasks: JoinSet::new(),
            keys: BTreeMap::new(),
            hosts: BTreeMap::new(),
        }
    }

    /// Follows these from now on and no others. Who goes finishes what is at hand; what is said otherwise of
    /// one begins anew after that.
    pub(super) fn follow(&mut self, listed: Vec<Listed>) {
        let keyed = listed.into_iter().map(|one| (one.source.key(), one));
        self.wanted = keyed.collect();
        for (key, running) in &self.running {
            let wanted = self.wanted.get(key);
            if !wanted.is_some_and(|wanted| wanted.is_as(&running.listed)) {
                running.stop.send_replace(true);
            }
        }
        self.start_what_is_wanted();
    }

    fn start_what_is_wanted(&mut self) {
        let missing = self.wanted.iter();
        let missing = missing.filter(|(key, _)| !self.running.contains_key(*key));
        let missing: Vec<_> = missing
            .map(|(key, one)| (key.clone(), one.clone()))
            .collect();
        for (key, listed) in missing {
            let (stop, stopped) = watch::channel(false);
            let hooks = self.doors.as_ref().map(|doors| doors.open(&listed.source));
            let one = Follower {
                source: listed.source.clone(),
                means: self.means.clone(),
                guest: self.host(&listed).join(),
                hooks,
                stop: stopped,
            };
            let task = self.tasks.spawn(one.reconcile());
            self.keys.insert(task.id(), key.clone());
            self.running.insert(key, Running { listed, stop });
        }
    }

    /// The host of a source. This machine bears whatever is wanted.
    fn host(&mut self, listed: &Listed) -> Arc<Host> {
        let name = listed.source.host().to_owned();
        let bears = listed.access.looks_per_minute;
        let bears = (!name.is_empty()).then(|| bears.unwrap_or(HOST_LOOKS_PER_MINUTE));
        self.hosts.retain(|_, host| host.strong_count() > 0);
        let known = self.hosts.entry((name, bears)).or_default();
        known.upgrade().unwrap_or_else(|| {
            let host = Host::new(bears);
            *known = Arc::downgrade(&host);
            host
        })
    }

    /// Waits until one is no longer followed, for ever where none is; then what is wanted in its place is
    /// started. Cancel safe.
    pub(super) async fn tend(&mut self) {
        let Some(ended) = self.tasks.join_next_with_id().await else {
            return std::future::pending().await;
        };
        let key = match ended {
            Ok((id, ())) => self.keys.remove(&id),
            Err(error) => {
                // It stays among those that run: who panics once would do so again and again.
                tracing::error!(%error, "a source is no longer watched: this is a bug");
                self.keys.remove(&error.id());
                None
            }
        };
        if let Some(key) = key {
            self.running.remove(&key);
            if let Some(doors) = &self.doors {
                doors.close(&key);
            }
            self.start_what_is_wanted();
        }
    }

    /// Lets all finish what is at hand.
    pub(super) async fn finish(&mut self) {
        self.follow(Vec::new());
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Follows one source.
struct Follower {
    source: Source,
    means: Means,
    guest: Guest,
    hooks: Option<mpsc::Receiver<()>>,
    stop: watch::Receiver<bool>,
}

impl Follower {
    /// Opens the source, again and again until that works, and passes over it until the end.
    async fn reconcile(mut self) {
        let mut told = Teller::new(&self.source);
        let Means {
            leases,
            cache,
            aws,
            cadence,
        } = self.means;
        let mut pause = cadence.retry;
        while !*self.stop.borrow() {
            match open(self.source.clone(), cache.clone(), aws.clone()).await {
                Ok(mut reconciler) => {
                    reconciler.under(leases);
                    let (events, heard) = mpsc::channel(EVENTS_MAX);
                    let passes = daemon::run(
                        reconciler, cadence, self.guest, self.hooks, events, self.stop,
                    );
                    tokio::join!(passes, told.listen(heard));
                    return;
                }
                Err(error) => told.failed(&error),
            }
            let stopped = tokio::time::timeout(pause, raised(&mut self.stop)).await;
            if stopped.is_ok() {
                return;
            }
            pause = (pause * 2).min(cadence.sweep.max(cadence.retry));
        }
    }
}
