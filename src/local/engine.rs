//! The owner of the world: calls go in, work comes out and is done.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::bodies::Bodies;
use super::calls::Calls;
use super::capture::Captures;
use super::fleet::{self, Fleets};
use super::job;
use super::posts;
use super::state::State;
use crate::clock::{Clock, Timestamp};
use crate::limits::LOCAL_JOBS_MAX;
use crate::resource::call::{Answer, Call};
use crate::world::World;
use crate::world::objects::Objects;
use crate::world::work::{Done, Work, WorkId};

/// How long the loop sleeps at most: a clock that is set by hand gives no other sign.
const IDLE: Duration = Duration::from_millis(500);
/// How often a changed world is written down.
const SAVE_EVERY: Duration = Duration::from_millis(200);

/// What a piece of work is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Order {
    /// Go on.
    Run,
    /// End gently; the outcome is reported.
    Stop,
    /// The server ends: kill, and report nothing.
    Quit,
}

/// The next order that is not to go on.
pub(super) async fn ordered(told: &mut watch::Receiver<Order>) -> Order {
    // The sender lives as long as the loop that waits for the task that asks.
    told.wait_for(|order| *order != Order::Run)
        .await
        .map_or(Order::Quit, |order| *order)
}

/// What children are started with.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    /// The account of everything.
    pub(super) account: String,
    /// The Python interpreter's name or path.
    pub(super) python: String,
    /// Where programs are looked for.
    pub(super) path: String,
    /// What children find before that: their names for the Python interpreter.
    pub(super) bin: PathBuf,
    /// The home folder that children see, if any.
    pub(super) home: Option<PathBuf>,
    /// The executable that supervises (`<supervisor> __job`).
    pub(super) supervisor: PathBuf,
}

/// Everything that the doors and the workers share.
pub(crate) struct Engine {
    world: Mutex<World>,
    clock: Arc<dyn Clock>,
    wake: Notify,
    /// Wakes whoever waits for a change of the world.
    news: Notify,
    closing: AtomicBool,
    dirty: AtomicBool,
    counter: AtomicU64,
    url: OnceLock<String>,
    pub(super) host: Host,
    pub(super) state: State,
    pub(super) bodies: Bodies,
    pub(super) calls: Calls,
    pub(super) fleets: Fleets,
    pub(super) captures: Captures,
    pub(super) turns: Semaphore,
}

impl Engine {
    pub(super) fn new(
        world: World,
        clock: Arc<dyn Clock>,
        host: Host,
        state: State,
        bodies: Bodies,
    ) -> Self {
        Self {
            world: Mutex::new(world),
            clock,
            wake: Notify::new(),
            news: Notify::new(),
            closing: AtomicBool::new(false),
            dirty: AtomicBool::new(true),
            counter: AtomicU64::new(0),
            url: OnceLock::new(),
            host,
            state,
            bodies,
            calls: Calls::default(),
            fleets: Fleets::default(),
            captures: Captures::default(),
            turns: Semaphore::new(LOCAL_JOBS_MAX),
        }
    }

    /// The current instant.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The account of everything.
    pub(super) fn account(&self) -> &str {
        &self.host.account
    }

    /// Says where the server listens, once it does.
    pub(super) fn set_url(&self, url: String) {
        // It listens once.
        let _set = self.url.set(url);
    }

    /// Where the server listens.
    pub(super) fn url(&self) -> &str {
        self.url.get().map_or("", String::as_str)
    }

    /// Carries out one call.
    pub(super) fn call(&self, call: &Call) -> Answer {
        let answer = self.world().call(self.now(), call);
        if call.mutates() {
            self.changed();
        }
        answer
    }

    /// Reads the world.
    pub(super) fn with_world<R>(&self, read: impl FnOnce(&World) -> R) -> R {
        read(&self.world())
    }

    /// Reads the index of S3.
    pub(super) fn with_objects<R>(&self, read: impl FnOnce(&Objects) -> R) -> R {
        read(self.world().objects())
    }

    /// Changes the index of S3.
    pub(super) fn with_objects_mut<R>(&self, write: impl FnOnce(&mut Objects) -> R) -> R {
        let result = write(self.world().objects_mut());
        self.changed();
        result
    }

    /// Reports what came of a piece of work.
    pub(super) fn finish(&self, done: Done) {
        let now = self.now();
        self.world().finish(now, done);
        self.changed();
    }

    /// A number that is not given twice.
    pub(super) fn number(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed)
    }

    /// Removes the files of bodies that no object has any more.
    pub(super) fn sweep(&self) -> std::io::Result<()> {
        let used: BTreeSet<String> = self.with_objects(|objects| {
            let mut used = BTreeSet::new();
            for (bucket, _) in objects.buckets() {
                let all = objects.list(bucket, "", None, None, usize::MAX);
                let all = all.map(|page| page.objects).unwrap_or_default();
                used.extend(all.into_iter().map(|(_, object)| object.sha256.clone()));
            }
            used
        });
        self.bodies.sweep(|name| used.contains(name))
    }

    /// What was going on when the last server ended: fleets are brought up and jobs run again, and
    /// one that was being stopped is stopped.
    fn resume(&self) -> Vec<Work> {
        self.world().restart()
    }

    fn seed(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        digest.update(self.now().as_nanosecond().to_le_bytes());
        digest.update(self.number().to_le_bytes());
        digest.update(std::process::id().to_le_bytes());
        digest.finalize().into()
    }

    /// An id in the form of a UUID.
    pub(super) fn uuid(&self) -> String {
        let digits = HEXLOWER.encode(&self.seed());
        format!(
            "{}-{}-4{}-8{}-{}",
            &digits[..8],
            &digits[8..12],
            &digits[13..16],
            &digits[17..20],
            &digits[20..32]
        )
    }

    /// A number in `0.0..1.0`, evenly spread.
    pub(super) fn dice(&self) -> f64 {
        let [a, b, c, d, ..] = self.seed();
        f64::from(u32::from_le_bytes([a, b, c, d])) / (f64::from(u32::MAX) + 1.0)
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("no holder of this lock panics")
    }

    fn changed(&self) {
        self.dirty.store(true, Ordering::Release);
        self.wake.notify_one();
        self.news.notify_waiters();
    }

    /// The next change of the world after this.
    pub(super) fn news(&self) -> Notified<'_> {
        self.news.notified()
    }

    /// Sends home whoever waits for a change: the server ends.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.news.notify_waiters();
    }

    /// Whether the server ends.
    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Moves the world to now. Gives what is to be done, and how long nothing else will be.
    fn advance(&self) -> (Vec<Work>, Duration) {
        let now = self.now();
        let mut world = self.world();
        let due = world.next_timer().is_some_and(|timer| timer <= now);
        let work = world.advance(now);
        let sleep = world.next_timer().map_or(IDLE, |timer| {
            let left = timer.duration_since(now);
            Duration::try_from(left).unwrap_or(Duration::ZERO).min(IDLE)
        });
        if due || !work.is_empty() {
            self.dirty.store(true, Ordering::Release);
            self.news.notify_waiters();
        }
        (work, sleep.max(Duration::from_millis(1)))
    }
}

/// Drives the world until `quit` says so, then ends all work.
pub(super) async fn drive(engine: Arc<Engine>, mut quit: watch::Receiver<bool>) {
    let mut tasks = JoinSet::new();
    let mut orders: BTreeMap<WorkId, watch::Sender<Order>> = BTreeMap::new();
    for each in engine.resume() {
        dispatch(&engine, each, &mut tasks, &mut orders);
    }
    loop {
        let (work, sleep) = engine.advance();
        for each in work {
            dispatch(&engine, each, &mut tasks, &mut orders);
        }
        tokio::select! {
            _ = timeout(sleep, engine.wake.notified()) => {}
            Some(ended) = tasks.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "a worker of the local SageMaker failed");
                }
                orders.retain(|_, order| !order.is_closed());
            }
            _ = quit.changed() => break,
        }
    }
    for order in orders.values() {
        order.send_replace(Order::Quit);
    }
    while tasks.join_next().await.is_some() {}
}

fn dispatch(
    engine: &Arc<Engine>,
    work: Work,
    tasks: &mut JoinSet<()>,
    orders: &mut BTreeMap<WorkId, watch::Sender<Order>>,
) {
    let mut told = |id| {
        let (sender, receiver) = watch::channel(Order::Run);
        orders.insert(id, sender);
        receiver
    };
    match work {
        Work::Run(job) => {
            let told = told(job.id);
            tasks.spawn(job::run(Arc::clone(engine), job, told));
        }
        Work::Serve(fleet) => {
            let told = told(fleet.id);
            tasks.spawn(fleet::run(Arc::clone(engine), fleet, told));
        }
        Work::Post(post) => {
            let told = told(post.id);
            tasks.spawn(posts::run(Arc::clone(engine), post, told));
        }
        Work::Stop(id) | Work::Retire(id) => {
            if let Some(order) = orders.get(&id) {
                order.send_replace(Order::Stop);
            }
        }
    }
}

/// Writes the world down whenever it changed, and once more when `quit` says so.
pub(super) async fn persist(engine: Arc<Engine>, mut quit: watch::Receiver<bool>) {
    let mut pause = SAVE_EVERY;
    while timeout(pause, quit.changed()).await.is_err() {
        let start = Instant::now();
        save(&engine).await;
        // A large world is written less often: writing takes a fifth of the time at most.
        pause = SAVE_EVERY.max(start.elapsed() * 4);
    }
}

/// Writes the world down if it changed since it was last.
pub(super) async fn save(engine: &Arc<Engine>) {
    if !engine.dirty.swap(false, Ordering::AcqRel) {
        return;
    }
    let held = Arc::clone(engine);
    let saved = tokio::task::spawn_blocking(move || {
        let world = held.world().clone();
        held.state.save(&world)
    })
    .await;
    let error: Box<dyn std::error::Error> = match saved {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error.into(),
        Err(error) => error.into(),
    };
    engine.dirty.store(true, Ordering::Release);
    tracing::error!(%error, "the state of the local SageMaker was not saved");
}
