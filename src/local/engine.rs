//! The owner of the world: calls go in, work comes out and is done.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, Semaphore, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::asynchronous::{self, Turns};
use super::auth::Credentials;
use super::bodies::Bodies;
use super::calls::Calls;
use super::capture::Captures;
use super::fleet::{self, Fleets};
use super::images::Images;
use super::job;
use super::keep::Keeper;
use super::logs::Logs;
use super::measures::Measures;
use super::posts;
use super::pretend;
use super::process::Supervisor;
use super::state::State;
use crate::clock::{Clock, Timestamp};
use crate::limits::LOCAL_JOBS_MAX;
use crate::resource::call::{Answer, Call, Scope};
use crate::world::metrics::Datum;
use crate::world::objects::Objects;
use crate::world::work::{Done, Work, WorkId};
use crate::world::{self, World};

/// How long the loop sleeps at most: a clock that is set by hand gives no other sign.
const IDLE: Duration = Duration::from_millis(500);

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
    /// Serving processes of a fleet, at most.
    pub(super) instances_max: usize,
    /// How long a serverless variant stays up when nobody asks it.
    pub(super) serverless_idle: Duration,
    /// How long work takes that is not done, where none is.
    pub(super) control_plane_only: Option<Duration>,
    /// How long a client may take over headers, and over a piece of a body.
    pub(super) patience: Duration,
    /// Whose requests are answered, if not everybody's.
    pub(super) require_auth: Option<Credentials>,
    /// What runs in the place of images.
    pub(super) images: Images,
    /// What supervises children.
    pub(super) supervisor: Supervisor,
}

/// Everything that the doors and the workers share.
pub(crate) struct Engine {
    world: Mutex<World>,
    /// What it begins with.
    fresh: World,
    /// Who waits for everything to begin anew.
    resets: Mutex<Vec<oneshot::Sender<()>>>,
    clock: Arc<dyn Clock>,
    wake: Notify,
    /// Wakes whoever waits for a change of the world.
    news: Notify,
    closing: AtomicBool,
    pub(super) keeper: Keeper,
    counter: AtomicU64,
    url: OnceLock<String>,
    pub(super) host: Host,
    pub(super) state: State,
    pub(super) bodies: Bodies,
    pub(super) calls: Calls,
    pub(super) fleets: Fleets,
    pub(super) captures: Captures,
    pub(super) logs: Logs,
    pub(super) measures: Measures,
    pub(super) async_turns: Turns,
    pub(super) turns: Semaphore,
}

impl Engine {
    pub(super) fn new(
        (world, fresh): (World, World),
        clock: Arc<dyn Clock>,
        host: Host,
        (state, keeper): (State, Keeper),
        bodies: Bodies,
    ) -> Self {
        Self {
            world: Mutex::new(world),
            fresh,
            resets: Mutex::default(),
            clock,
            wake: Notify::new(),
            news: Notify::new(),
            closing: AtomicBool::new(false),
            keeper,
            counter: AtomicU64::new(0),
            url: OnceLock::new(),
            host,
            state,
            bodies,
            calls: Calls::default(),
            fleets: Fleets::default(),
            captures: Captures::default(),
            logs: Logs::default(),
            measures: Measures::default(),
            async_turns: Turns::default(),
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

    /// Changes the index of S3. Whom that concerns is told.
    pub(super) fn with_objects_mut<R>(&self, write: impl FnOnce(&mut Objects) -> R) -> R {
        let now = self.now();
        let result = self.world().write_objects(now, write);
        self.changed();
        result
    }

    /// Changes the world.
    pub(super) fn with_world_mut<R>(&self, write: impl FnOnce(&mut World, Timestamp) -> R) -> R {
        let now = self.now();
        let result = write(&mut self.world(), now);
        self.changed();
        result
    }

    /// Hands on what was measured. It is not written down: a new server begins anew.
    pub(super) fn measure(&self, scope: &Scope, data: Vec<Datum>) {
        let now = self.now();
        self.world().measure(now, scope, data);
        self.wake.notify_one();
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
            let every = objects.every();
            every.map(|object| object.sha256.clone()).collect()
        });
        self.bodies.sweep(|name| used.contains(name))
    }

    /// What was going on when the last server ended: fleets are brought up and jobs run again, and
    /// one that was being stopped is stopped.
    fn resume(&self) -> Vec<Work> {
        self.world().restart()
    }

    /// Ends all work and forgets everything.
    pub(super) async fn reset(&self) {
        let (done, told) = oneshot::channel();
        self.resets
            .lock()
            .expect("no holder of this lock panics")
            .push(done);
        self.wake.notify_one();
        // The server may end first: then everything ends with it.
        let _told = told.await;
    }

    fn resets_asked(&self) -> Vec<oneshot::Sender<()>> {
        std::mem::take(&mut *self.resets.lock().expect("no holder of this lock panics"))
    }

    fn begin_anew(&self) {
        *self.world() = self.fresh.clone();
        self.captures.forget();
        self.measures.forget();
        self.calls.forget();
        if let Err(error) = self.sweep() {
            tracing::warn!(%error, "bodies of objects that are gone were not removed");
        }
        self.changed();
    }

    /// Waits as long as every answer is to take.
    pub(super) async fn linger(&self) {
        let latency = self.with_world(|world| world.settings().latency);
        if let Ok(latency) = Duration::try_from(latency)
            && !latency.is_zero()
        {
            let _passed = timeout(latency, std::future::pending::<()>()).await;
        }
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
        world::uuid_of(self.seed())
    }

    /// A number in `0.0..1.0`, evenly spread.
    pub(super) fn dice(&self) -> f64 {
        world::dice_of(self.seed())
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("no holder of this lock panics")
    }

    fn changed(&self) {
        self.keeper.changed();
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
            self.keeper.changed();
            self.news.notify_waiters();
        }
        (work, sleep.max(Duration::from_millis(1)))
    }
}

/// Drives the world until `quit` says so, then ends all work.
pub(super) async fn drive(engine: Arc<Engine>, mut quit: watch::Receiver<bool>) {
    let mut tasks = JoinSet::new();
    let mut orders = Orders::default();
    for each in engine.resume() {
        dispatch(&engine, each, &mut tasks, &mut orders);
    }
    loop {
        let resets = engine.resets_asked();
        if !resets.is_empty() {
            orders.give_all(Order::Quit);
            while tasks.join_next().await.is_some() {}
            orders.forget_ended();
            engine.begin_anew();
            for done in resets {
                // Who asked may have gone.
                let _told = done.send(());
            }
        }
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
                orders.forget_ended();
            }
            _ = quit.changed() => break,
        }
    }
    orders.give_all(Order::Quit);
    while tasks.join_next().await.is_some() {}
}

/// The way to every piece of work that goes on.
#[derive(Default)]
struct Orders {
    orders: BTreeMap<WorkId, watch::Sender<Order>>,
    counts: BTreeMap<WorkId, watch::Sender<u64>>,
}

impl Orders {
    fn begin(&mut self, id: WorkId) -> watch::Receiver<Order> {
        let (sender, told) = watch::channel(Order::Run);
        self.orders.insert(id, sender);
        told
    }

    fn count(&mut self, id: WorkId, count: u64) -> watch::Receiver<u64> {
        let (sender, told) = watch::channel(count);
        self.counts.insert(id, sender);
        told
    }

    fn give_all(&self, order: Order) {
        for each in self.orders.values() {
            each.send_replace(order);
        }
    }

    fn forget_ended(&mut self) {
        self.orders.retain(|_, order| !order.is_closed());
        self.counts.retain(|_, count| !count.is_closed());
    }
}

fn dispatch(engine: &Arc<Engine>, work: Work, tasks: &mut JoinSet<()>, orders: &mut Orders) {
    let shared = Arc::clone(engine);
    let takes = engine.host.control_plane_only;
    match work {
        Work::Run(job) => {
            let told = orders.begin(job.id);
            match takes {
                Some(takes) => tasks.spawn(pretend::job(shared, job, takes, told)),
                None => tasks.spawn(job::run(shared, job, told)),
            };
        }
        Work::Serve(fleet) => {
            let told = orders.begin(fleet.id);
            if let Some(takes) = takes {
                tasks.spawn(pretend::fleet(shared, fleet.id, takes, told));
                return;
            }
            let count = orders.count(fleet.id, fleet.count);
            tasks.spawn(fleet::run(shared, fleet, told, count));
        }
        Work::Invoke(invocation) if takes.is_some() => {
            pretend::invocation(engine, &invocation);
        }
        Work::Invoke(invocation) => {
            let told = orders.begin(invocation.id);
            tasks.spawn(asynchronous::run(shared, *invocation, told));
        }
        Work::Scale(id, count) => {
            if let Some(told) = orders.counts.get(&id) {
                told.send_replace(count);
            }
        }
        Work::Post(post) => {
            let told = orders.begin(post.id);
            tasks.spawn(posts::run(shared, post, told));
        }
        Work::Stop(id) | Work::Retire(id) => {
            if let Some(order) = orders.orders.get(&id) {
                order.send_replace(Order::Stop);
            }
        }
    }
}
