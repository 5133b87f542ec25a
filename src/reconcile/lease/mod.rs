//! The leases of this process: one for each installation that it reconciles, whatever the number of
//! its sources, kept by a task of its own while they live.

mod gate;
mod place;
mod task;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

pub(super) use self::gate::Gate;
use self::place::Place;
use self::task::{Kept, Wish, keep};
use crate::aws::Aws;
use crate::clock::{Clock, SystemClock};
use crate::execute::lease::{Address, Identity, Keeper, Standing, Terms};
use crate::limits::LEASE_CALL_DEADLINE;

/// Wishes that may wait; there are never more than sources and a few words.
const WISHES_MAX: usize = 64;
/// Until the lease has answered for the first time, been told something, or been given back: the calls
/// of one visit.
const VISIT_DEADLINE: Duration = LEASE_CALL_DEADLINE.saturating_mul(4);

/// Where leases come from. Cheap to clone; the clones share them.
#[derive(Debug, Clone)]
pub struct Leases(Arc<Registry>);

#[derive(Debug)]
struct Registry {
    /// For people: the machine and the process.
    holder: String,
    /// One life of this process.
    session: String,
    /// Counts the leases that it ever had: each has a session of its own.
    joined: AtomicUsize,
    terms: Terms,
    /// Where files that lock a lease on this machine are; without them, a lease of a process that was
    /// killed is waited for.
    folder: Option<PathBuf>,
    kept: Mutex<BTreeMap<String, Weak<Lease>>>,
}

/// The lease of one installation, as this process sees it.
#[derive(Debug)]
pub(super) struct Lease {
    address: Address,
    pub(super) gate: Gate,
    wishes: mpsc::Sender<Wish>,
    told: watch::Receiver<Kept>,
    /// The sources that act under it.
    users: AtomicUsize,
    _task: JoinSet<()>,
}

impl Leases {
    /// Leases held in the name of `holder`, which is for people. `session` is one life of one process:
    /// no other may have it. Below `folder`, processes of this machine tell each other that they
    /// have ended.
    pub fn new(holder: String, session: String, terms: Terms, folder: Option<PathBuf>) -> Self {
        Self(Arc::new(Registry {
            holder,
            session,
            joined: AtomicUsize::new(0),
            terms,
            folder,
            kept: Mutex::default(),
        }))
    }

    /// The lease at an address, asked for as this process is there.
    pub(super) fn join(&self, address: Address, aws: &Aws) -> Arc<Lease> {
        let registry = &self.0;
        let mut kept = registry.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, lease| lease.strong_count() > 0);
        let known = kept.get(&address.uri()).and_then(Weak::upgrade);
        let lease = known.filter(|lease| lease.users.load(Ordering::SeqCst) > 0);
        let lease = lease.unwrap_or_else(|| {
            let lease = Arc::new(Lease::new(registry, address.clone(), aws));
            kept.insert(address.uri(), Arc::downgrade(&lease));
            lease
        });
        lease.users.fetch_add(1, Ordering::SeqCst);
        lease
    }
}

impl Lease {
    fn new(registry: &Registry, address: Address, aws: &Aws) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let gate = Gate::new(clock);
        let place = registry.folder.as_deref();
        let place = place.and_then(|folder| Place::take(folder, &address.uri()));
        let number = registry.joined.fetch_add(1, Ordering::SeqCst);
        let me = Identity {
            holder: registry.holder.clone(),
            session: format!("{}-{number}", registry.session),
            place: place.as_ref().map(|place| place.name().to_owned()),
        };
        let keeper = Keeper::new(me, address.clone(), registry.terms);
        let (wishes, wished) = mpsc::channel(WISHES_MAX);
        let (tell, told) = watch::channel(Kept::default());
        let mut task = JoinSet::new();
        let aws = aws.within(LEASE_CALL_DEADLINE);
        let kept = keep(keeper, aws, gate.clone(), wished, tell);
        task.spawn(async move {
            // The place is this process's for as long as the lease may be.
            let _place = place;
            kept.await;
        });
        Self {
            address,
            gate,
            wishes,
            told,
            users: AtomicUsize::new(0),
            _task: task,
        }
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// How things stand, as of the last visit.
    pub(super) fn standing(&self) -> Standing {
        self.told.borrow().standing.clone()
    }

    /// The fence, where something may be changed now.
    pub(super) fn fence(&self) -> Option<u64> {
        let Standing::Leads { fence } = self.standing() else {
            return None;
        };
        self.gate.allows().then_some(fence)
    }

    /// The newest commit of a branch that was acted on, as far as is known.
    pub(super) fn head(&self, branch: &str) -> Option<String> {
        self.told.borrow().heads.get(branch).cloned()
    }

    /// Counts what there was to tell about it.
    pub(super) fn news(&self) -> u64 {
        self.told.borrow().news
    }

    /// Waits until there is something to tell that is not `seen` yet.
    pub(super) async fn news_after(&self, seen: u64) {
        let mut told = self.told.clone();
        if told.wait_for(|kept| kept.news != seen).await.is_err() {
            // It is kept no more.
            std::future::pending::<()>().await;
        }
    }

    /// Waits until somebody has looked, but not for ever.
    pub(super) async fn looked(&self) {
        let mut told = self.told.clone();
        let looked = told.wait_for(|kept| kept.standing != Standing::Unknown);
        if timeout(VISIT_DEADLINE, looked).await.is_err() {
            tracing::debug!(lease = self.address.uri(), "nobody has seen it yet");
        }
    }

    /// From now on it is asked for so.
    pub(super) fn act_as(&self, aws: &Aws) {
        self.wish(Wish::Ask(Box::new(aws.within(LEASE_CALL_DEADLINE))));
    }

    /// Has a commit remembered as acted on, and waits until it is, but not for ever.
    pub(super) async fn remember(&self, branch: &str, commit: &str) {
        let known = |kept: &Kept| kept.heads.get(branch).is_some_and(|known| known == commit);
        if known(&self.told.borrow()) {
            return;
        }
        self.wish(Wish::Remember(branch.to_owned(), commit.to_owned()));
        let mut told = self.told.clone();
        let remembered = told.wait_for(known);
        if timeout(VISIT_DEADLINE, remembered).await.is_err() {
            tracing::debug!(branch, commit, "it is not known whether it is remembered");
        }
    }

    /// Gives it back, once nobody in this process acts under it any more, and waits until it is, but
    /// not for ever.
    pub(super) async fn leave(&self) {
        if self.users.fetch_sub(1, Ordering::SeqCst) > 1 {
            return;
        }
        self.wish(Wish::Leave);
        let mut told = self.told.clone();
        // The task ends with it.
        let left = async { while told.changed().await.is_ok() {} };
        if timeout(VISIT_DEADLINE, left).await.is_err() {
            tracing::debug!(lease = self.address.uri(), "it was not given back in time");
        }
    }

    fn wish(&self, wish: Wish) {
        if self.wishes.try_send(wish).is_err() {
            tracing::debug!(lease = self.address.uri(), "a wish was not heard");
        }
    }
}
