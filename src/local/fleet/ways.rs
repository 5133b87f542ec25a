//! The processes that are up, and the way to them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::http::{HeaderMap, Response};
use hyper::body::{Bytes, Incoming};
use tokio::sync::{Notify, OwnedRwLockReadGuard, OwnedSemaphorePermit, RwLock, Semaphore, watch};
use tokio::time::timeout;

use crate::limits::{FLEET_START_DEADLINE, INVOKE_BYTES_MAX, INVOKE_DEADLINE};
use crate::local::container::{Caller, NoReply, Reply};
use crate::world::work::WorkId;

/// Every fleet that serves.
#[derive(Default)]
pub(in crate::local) struct Fleets {
    pub(in crate::local) caller: Caller,
    all: Mutex<BTreeMap<WorkId, Known>>,
}

/// A fleet.
#[derive(Default)]
struct Known {
    up: Vec<Up>,
    /// Counts requests, so that each instance gets its turn.
    asked: usize,
    serverless: Option<Serverless>,
    /// Says that an instance came up.
    changed: Arc<Notify>,
}

/// What else is known of a fleet that goes when nobody asks.
#[derive(Clone)]
struct Serverless {
    /// One for each request that it takes at a time.
    turns: Arc<Semaphore>,
    /// Whether somebody waits for it to come up.
    wanted: watch::Sender<bool>,
    /// Says that it was asked.
    used: Arc<Notify>,
}

#[derive(Clone)]
struct Up {
    nth: usize,
    port: u16,
    /// Held for reading by every request; who takes the instance down writes that it is closed.
    open: Arc<RwLock<bool>>,
}

/// The right to ask one instance; it stays up as long as this is held.
pub(in crate::local) struct Using {
    port: u16,
    _instance: OwnedRwLockReadGuard<bool>,
    _turn: Option<OwnedSemaphorePermit>,
}

/// What is to be done next to reach an instance.
enum Next {
    Ask(Up),
    Wait,
}

impl Fleets {
    /// Sends one invocation to a fleet.
    pub(in crate::local) async fn invoke(
        &self,
        fleet: WorkId,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Reply, NoReply> {
        let limits = (INVOKE_BYTES_MAX, INVOKE_DEADLINE);
        self.invoke_within(fleet, headers, body, limits).await
    }

    /// The same, with its own limits: of the answer's bytes and of time.
    pub(in crate::local) async fn invoke_within(
        &self,
        fleet: WorkId,
        headers: HeaderMap,
        body: Bytes,
        (most, deadline): (usize, Duration),
    ) -> Result<Reply, NoReply> {
        let using = self.enter(fleet).await?;
        self.caller
            .invoke(using.port, headers, body, most, deadline)
            .await
    }

    /// Sends one invocation to a fleet, and gives its answer before that is whole.
    pub(in crate::local) async fn open(
        &self,
        fleet: WorkId,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<(Response<Incoming>, Using), NoReply> {
        let using = self.enter(fleet).await?;
        let answer = self.caller.send(using.port, headers, body);
        match timeout(INVOKE_DEADLINE, answer).await {
            Ok(answer) => Ok((answer?, using)),
            Err(_) => Err(NoReply::Late),
        }
    }

    /// The right to ask an instance of a fleet. One that is serverless is waited for.
    async fn enter(&self, fleet: WorkId) -> Result<Using, NoReply> {
        let serverless = self.serverless(fleet);
        let turn = match &serverless {
            Some(serverless) => {
                let turn = Arc::clone(&serverless.turns).try_acquire_owned();
                Some(turn.map_err(|_| NoReply::Throttled)?)
            }
            None => None,
        };
        let entered = async {
            loop {
                let changed = self.changed(fleet).ok_or(NoReply::Down)?;
                // Enrolled before it is looked: what comes up in between is not missed.
                let changed = changed.notified();
                match self.next(fleet)? {
                    Next::Ask(up) => {
                        let guard = up.open.read_owned().await;
                        if *guard {
                            return Ok((up.port, guard));
                        }
                    }
                    Next::Wait => changed.await,
                }
            }
        };
        let entered = timeout(FLEET_START_DEADLINE, entered).await;
        let (port, guard) = entered.map_err(|_| NoReply::Down)??;
        if let Some(serverless) = serverless {
            serverless.used.notify_one();
        }
        Ok(Using {
            port,
            _instance: guard,
            _turn: turn,
        })
    }

    fn changed(&self, fleet: WorkId) -> Option<Arc<Notify>> {
        Some(Arc::clone(&self.lock().get(&fleet)?.changed))
    }

    fn next(&self, fleet: WorkId) -> Result<Next, NoReply> {
        let mut all = self.lock();
        let known = all.get_mut(&fleet).ok_or(NoReply::Down)?;
        known.asked = known.asked.wrapping_add(1);
        let count = known.up.len().max(1);
        match (known.up.get(known.asked % count), &known.serverless) {
            (Some(up), _) => Ok(Next::Ask(up.clone())),
            (None, Some(serverless)) => {
                serverless.wanted.send_replace(true);
                Ok(Next::Wait)
            }
            (None, None) => Err(NoReply::Down),
        }
    }

    /// Makes a fleet known before its first instance is up.
    pub(super) fn expect(&self, fleet: WorkId, at_once: Option<u64>) {
        let serverless = at_once.map(|at_once| Serverless {
            turns: Arc::new(Semaphore::new(usize::try_from(at_once).unwrap_or(1))),
            wanted: watch::Sender::default(),
            used: Arc::default(),
        });
        let known = Known {
            serverless,
            ..Known::default()
        };
        self.lock().insert(fleet, known);
    }

    /// Forgets a fleet; who waits for it learns that.
    pub(super) fn forget(&self, fleet: WorkId) {
        if let Some(known) = self.lock().remove(&fleet) {
            known.changed.notify_waiters();
        }
    }

    /// An instance came up.
    pub(super) fn enroll(&self, fleet: WorkId, nth: usize, port: u16) {
        if let Some(known) = self.lock().get_mut(&fleet) {
            let open = Arc::new(RwLock::new(true));
            known.up.push(Up { nth, port, open });
            if let Some(serverless) = &known.serverless {
                serverless.wanted.send_replace(false);
            }
            known.changed.notify_waiters();
        }
    }

    /// An instance is gone.
    pub(super) fn remove(&self, fleet: WorkId, nth: usize) {
        drop(self.take(fleet, nth));
    }

    /// Takes an instance out of service once its last request was answered.
    pub(super) async fn drain(&self, fleet: WorkId, nth: usize) {
        if let Some(up) = self.take(fleet, nth)
            && let Ok(mut open) = timeout(INVOKE_DEADLINE, up.open.write()).await
        {
            *open = false;
        }
    }

    /// Takes an instance out of service if nobody is using it.
    pub(super) fn try_close(&self, fleet: WorkId, nth: usize) -> bool {
        let mut all = self.lock();
        let Some(known) = all.get_mut(&fleet) else {
            return true;
        };
        let closed = known.up.iter().filter(|up| up.nth == nth).all(|up| {
            let open = up.open.try_write();
            open.map(|mut open| *open = false).is_ok()
        });
        if closed {
            known.up.retain(|up| up.nth != nth);
        }
        closed
    }

    /// Waits until somebody wants a fleet that is down.
    pub(super) async fn asked(&self, fleet: WorkId) {
        match self.serverless(fleet) {
            Some(serverless) => {
                let mut wanted = serverless.wanted.subscribe();
                // Its sender is held above.
                let _wanted = wanted.wait_for(|wanted| *wanted).await;
            }
            None => std::future::pending().await,
        }
    }

    /// Waits until a fleet is used.
    pub(super) async fn used(&self, fleet: WorkId) {
        match self.serverless(fleet) {
            Some(serverless) => serverless.used.notified().await,
            None => std::future::pending().await,
        }
    }

    fn serverless(&self, fleet: WorkId) -> Option<Serverless> {
        self.lock().get(&fleet)?.serverless.clone()
    }

    fn take(&self, fleet: WorkId, nth: usize) -> Option<Up> {
        let mut all = self.lock();
        let known = all.get_mut(&fleet)?;
        let at = known.up.iter().position(|up| up.nth == nth)?;
        Some(known.up.remove(at))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<WorkId, Known>> {
        self.all.lock().expect("no holder of this lock panics")
    }
}
