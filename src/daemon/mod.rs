//! The loop: fetch, pass over what is due, commit what was decided, wait for a reason to come again.
//!
//! Each model has a time of its own: soon while something moves, at once when a commit or a branch
//! of its own moved, and now and then for what was changed behind Git's back: where there are many,
//! lists say which. One that is slow,
//! broken or never done keeps no other waiting. While the repository cannot be read, the last
//! commit that was stays in force.

mod agenda;
mod cadence;
mod hints;
mod host;
mod orders;
mod pace;
mod writes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use self::agenda::{Agenda, Ended};
pub use self::cadence::Cadence;
use self::hints::Hints;
pub use self::host::{Guest, Host};
use self::orders::Orders;
use self::writes::Writes;
use crate::clock::Timestamp;
use crate::execute::pass::Mode;
use crate::execute::sweep::Swept;
use crate::git::Fetched;
use crate::reconcile::{ModelReport, ReconcileError, Reconciler, RepositoryPass, lost};

/// What the loop tells.
#[derive(Debug)]
pub enum Event {
    /// A pass over one model or several ended, or a commit was made, or failed to be.
    Passed(Box<RepositoryPass>),
    /// There was no pass, and why.
    Failed(ReconcileError),
}

/// Runs until `stop` becomes true; the passes at hand are finished first. Events nobody takes are
/// dropped. `guest` is the source's place at its Git host; `hooks` says that the source moved, where
/// somebody listens for that.
pub async fn run(
    reconciler: Reconciler,
    cadence: Cadence,
    guest: Guest,
    hooks: Option<mpsc::Receiver<()>>,
    events: mpsc::Sender<Event>,
    mut stop: watch::Receiver<bool>,
) {
    let mut hints = Hints::of(&reconciler, hooks);
    let mut daemon = Daemon::new(reconciler, cadence, guest, events);
    while !*stop.borrow() {
        daemon.start_what_is_due();
        let until = daemon.next_turn();
        tokio::select! {
            Some(ended) = daemon.passes.join_next_with_id() => daemon.passed(ended),
            Some(fetched) = daemon.fetch.join_next() => daemon.fetched(fetched).await,
            Some(swept) = daemon.sweep.join_next() => daemon.swept(swept),
            Some(ordered) = daemon.orders.heard() => daemon.ordered(ordered),
            () = hints.next() => daemon.hinted(),
            () = daemon.reconciler.lease_news_after(daemon.lease_news) => daemon.lease_moved().await,
            () = sleep_until(until) => {}
            _ = stop.changed() => {}
        }
        if daemon.commits_at().is_some_and(|due| due <= Instant::now()) {
            daemon.commit().await;
        }
    }
    while let Some(ended) = daemon.passes.join_next_with_id().await {
        daemon.passed(ended);
    }
    daemon.commit().await;
    daemon.reconciler.leave().await;
}

/// Never, as far as a loop is concerned.
const LONG: Duration = Duration::from_hours(24);

struct Daemon {
    reconciler: Reconciler,
    cadence: Cadence,
    guest: Arc<Guest>,
    events: mpsc::Sender<Event>,
    agenda: Agenda,
    passes: JoinSet<ModelReport>,
    /// Which pass is over which model, since when.
    started: BTreeMap<Id, (String, Timestamp)>,
    /// At most one conversation with the remote at a time.
    fetch: JoinSet<Result<Fetched, ReconcileError>>,
    /// When to ask the remote next.
    look_at: Instant,
    /// Whether there was a hint since the conversation at hand began: it may have come too late for
    /// that one.
    hinted: bool,
    /// Whether the remote asked to be left alone.
    throttled: bool,
    /// At most one sweep at a time, with when it began.
    sweep: JoinSet<(Timestamp, Option<Swept>)>,
    /// When to sweep next.
    sweep_at: Instant,
    /// Before the last sweep that saw everything began.
    swept_since: Timestamp,
    /// Sweeps in a row that did not see everything.
    unseen: u32,
    /// Fetches in a row that failed.
    failures: u32,
    orders: Orders,
    /// Where the branches were when they were acted on.
    acted_on: Option<Fetched>,
    writes: Writes,
    /// The models that wait for a turn.
    queued: BTreeSet<String>,
    /// What was heard of the lease, and whether it was held here then.
    lease_news: u64,
    led: bool,
}

impl Daemon {
    fn new(
        reconciler: Reconciler,
        cadence: Cadence,
        guest: Guest,
        events: mpsc::Sender<Event>,
    ) -> Self {
        let now = reconciler.now();
        Self {
            sweep: JoinSet::new(),
            sweep_at: Instant::now() + cadence.sweep,
            swept_since: now,
            unseen: 0,
            reconciler,
            cadence,
            guest: Arc::new(guest),
            events,
            agenda: Agenda::new(cadence),
            passes: JoinSet::new(),
            started: BTreeMap::new(),
            fetch: JoinSet::new(),
            look_at: Instant::now(),
            hinted: false,
            throttled: false,
            failures: 0,
            orders: Orders::every(cadence.motion),
            acted_on: None,
            writes: Writes::default(),
            queued: BTreeSet::new(),
            lease_news: 0,
            led: false,
        }
    }

    /// Starts a fetch and a sweep if it is time, and a pass over each model that is due.
    fn start_what_is_due(&mut self) {
        let now = Instant::now();
        if self.fetch.is_empty() && self.look_at <= now {
            self.hinted = false;
            let (guest, fetch) = (self.guest.clone(), self.reconciler.fetch());
            self.fetch.spawn(async move {
                let _turn = guest.turn().await;
                fetch.await
            });
        }
        if self.sweep.is_empty() && self.sweep_at <= now && self.reconciler.revision().is_some() {
            let at = self.reconciler.now();
            let sweep = self.reconciler.sweep(self.swept_since, self.cadence.margin);
            self.sweep.spawn(async move { (at, sweep.await) });
        }
        if self.is_deaf() {
            self.orders.start(&self.reconciler, now);
        }
        while let Some(folder) = self.agenda.next(now) {
            let task = self
                .passes
                .spawn(self.reconciler.model(&folder, Mode::Apply));
            let at = self.reconciler.now();
            self.started.insert(task.id(), (folder, at));
        }
    }

    /// Whether people cannot say by a commit what is to be done here.
    fn is_deaf(&self) -> bool {
        self.failures > 0 && self.reconciler.leads() && self.reconciler.revision().is_some()
    }

    /// When the next commit is to be made. Not before the repository was seen again where it is away.
    fn commits_at(&self) -> Option<Instant> {
        let due = self.writes.due(self.cadence.batch);
        due.filter(|_| self.failures == 0)
    }

    /// When there is something to start that is not now.
    fn next_turn(&self) -> Instant {
        let look = self.fetch.is_empty().then_some(self.look_at);
        let sweeps = self.sweep.is_empty() && self.reconciler.revision().is_some();
        let sweep = sweeps.then_some(self.sweep_at);
        let orders = self.orders.due().filter(|_| self.is_deaf());
        let turns = [look, sweep, orders, self.commits_at(), self.agenda.due()];
        let first = turns.into_iter().flatten().min();
        first.unwrap_or_else(|| Instant::now() + LONG)
    }

    /// Somebody says that the source moved.
    fn hinted(&mut self) {
        self.hinted = true;
        if !self.throttled {
            self.look_at = Instant::now();
        }
    }

    async fn fetched(&mut self, fetched: Result<Result<Fetched, ReconcileError>, JoinError>) {
        let revised = match fetched.map_err(ReconcileError::from).flatten() {
            Ok(fetched) => {
                let poll = self.guest.answered(fetched.moved, self.cadence.poll);
                self.revise(fetched).await.map(|()| poll)
            }
            Err(error) => {
                self.begin_with_what_was_seen(&error).await;
                Err(error)
            }
        };
        self.throttled = false;
        let wait = match revised {
            Ok(poll) => {
                self.failures = 0;
                if self.hinted { Duration::ZERO } else { poll }
            }
            Err(error) => {
                self.failures += 1;
                self.throttled = error.is_throttling();
                let pause = if self.throttled {
                    self.guest.refused(error.retry_after())
                } else {
                    self.cadence.backoff(self.failures)
                };
                self.tell(Event::Failed(error));
                pause
            }
        };
        self.look_at = Instant::now() + wait;
    }

    /// Where the repository is away from the beginning, goes on with the last commit that was seen of it.
    async fn begin_with_what_was_seen(&mut self, error: &ReconcileError) {
        if !error.is_away() || self.reconciler.revision().is_some() {
            return;
        }
        let Ok(Some(seen)) = self.reconciler.last_seen().await else {
            return;
        };
        let commit = seen.tip.short().to_owned();
        match self.revise(seen).await {
            Ok(()) => tracing::warn!(
                commit,
                "the last commit that was seen stays in force: {commit}"
            ),
            Err(error) => self.tell(Event::Failed(error)),
        }
    }

    /// Takes a new commit for the one that decides, and wakes the models that it concerns.
    async fn revise(&mut self, fetched: Fetched) -> Result<(), ReconcileError> {
        let same = self
            .acted_on
            .as_ref()
            .is_some_and(|last| last.branches == fetched.branches && last.tip == fetched.tip);
        if same {
            if self.failures > 0 {
                self.tell_of(Vec::new(), self.reconciler.now());
            }
            return Ok(());
        }
        let concerned = self.reconciler.revise(&fetched).await?;
        self.acted_on = Some(fetched);
        if let Some(revision) = self.reconciler.revision() {
            self.agenda
                .retain(Instant::now(), |folder| revision.holds(folder));
            self.writes.retain(|folder| revision.holds(folder));
            self.queued.retain(|folder| revision.holds(folder));
        }
        let now = Instant::now();
        for folder in &concerned {
            self.agenda.wake(folder, now);
        }
        if concerned.is_empty() {
            self.tell_of(Vec::new(), self.reconciler.now());
        }
        Ok(())
    }

    /// Who comes to hold the lease looks at what the one before left, all of it; and no commit that
    /// does not contain what that one acted on is acted on.
    async fn lease_moved(&mut self) {
        self.lease_news = self.reconciler.lease_news();
        if let Some(fetched) = self.acted_on.take()
            && let Err(error) = self.revise(fetched).await
        {
            self.tell(Event::Failed(error));
            self.look_at = Instant::now();
        }
        let leads = self.reconciler.leads();
        if leads && !self.led {
            let now = Instant::now();
            let revision = self.reconciler.revision().cloned();
            for folder in revision.iter().flat_map(|revision| revision.folders()) {
                self.agenda.wake(folder, now);
            }
        }
        self.led = leads;
        self.tell_of(Vec::new(), self.reconciler.now());
    }

    /// Wakes the models of which lists show that they are to be looked at. What could not be listed
    /// is listed again before long.
    fn swept(&mut self, swept: Result<(Timestamp, Option<Swept>), JoinError>) {
        let now = Instant::now();
        let Ok((at, Some(swept))) = swept else {
            self.sweep_at = now + self.cadence.sweep;
            return;
        };
        if self.agenda.is_listed() {
            for folder in &swept.differing {
                self.agenda.wake_at(folder, now);
            }
        }
        let retry = swept.gaps.iter().any(|gap| !gap.error.class.is_final());
        self.unseen = if retry { self.unseen + 1 } else { 0 };
        self.sweep_at = now + self.cadence.sweep;
        if retry {
            self.sweep_at = now + self.cadence.backoff(self.unseen);
        } else {
            self.swept_since = at;
        }
        for gap in &swept.gaps {
            tracing::warn!(what = gap.what, error = %gap.error, "the sweep did not see everything");
        }
        if !swept.orphans.is_empty() {
            self.tell_of(Vec::new(), at);
        }
    }

    /// Wakes the models to which something was ordered.
    fn ordered(&mut self, folders: BTreeSet<String>) {
        let now = Instant::now();
        for folder in &folders {
            self.agenda.wake(folder, now);
        }
    }

    /// Takes note of a pass over a model that ended.
    fn passed(&mut self, ended: Result<(Id, ModelReport), JoinError>) {
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let Some((folder, at)) = self.started.remove(&id) else {
            return;
        };
        let report = ended.map_or_else(|error| lost(&folder, &error), |(_, report)| report);
        let how = if report.defect.is_some() {
            Ended::Broken
        } else if report.changed() {
            Ended::Changed
        } else if report.in_motion() && self.reconciler.leads() {
            Ended::Moving
        } else {
            Ended::Quiet
        };
        let now = Instant::now();
        self.agenda.ended(&folder, how, now);
        self.turns(&folder, &report, now);
        let may = self.reconciler.leads();
        let passes = report.pass.iter().filter(|_| may);
        let writes = passes.flat_map(|pass| pass.writes.clone());
        self.writes.want(&folder, writes.collect(), now);
        self.tell_of(vec![report], at);
    }

    /// Lets those who wait for a turn ask again once one is free. Two for each that is: one may not
    /// need it any more.
    fn turns(&mut self, folder: &str, report: &ModelReport, now: Instant) {
        if report.is_queued() {
            self.queued.insert(folder.to_owned());
        } else {
            self.queued.remove(folder);
        }
        if report.had_turn {
            for _ in 0..2 {
                if let Some(next) = self.queued.pop_first() {
                    self.agenda.wake_at(&next, now);
                }
            }
        }
    }

    /// Makes the commits that are asked for. What was decided on a commit that is not the newest
    /// any more is decided again.
    async fn commit(&mut self) {
        if !self.reconciler.leads() {
            // Whoever does decides anew.
            self.writes.retain(|_| false);
            return;
        }
        let Some(revision) = self.reconciler.revision() else {
            return;
        };
        let (writes, stale) = self.writes.take(&revision.commit);
        let now = Instant::now();
        for folder in stale {
            self.agenda.wake(&folder, now);
        }
        if writes.is_empty() {
            return;
        }
        let at = self.reconciler.now();
        match self.reconciler.write(writes).await {
            Ok(reports) => {
                let failed = reports.iter().filter(|report| report.error.is_some());
                let branches: BTreeSet<_> = failed.map(|report| report.branch.clone()).collect();
                for (folder, failures) in self.writes.arrived(&branches) {
                    let again = now + self.cadence.backoff(failures);
                    self.agenda.wake_at(&folder, again);
                }
                if !reports.is_empty() {
                    let pass = self.reconciler.report(at, Vec::new(), reports);
                    self.tell(Event::Passed(Box::new(pass)));
                }
            }
            Err(error) => self.tell(Event::Failed(error)),
        }
        self.look_at = now;
    }

    fn tell_of(&self, models: Vec<ModelReport>, at: Timestamp) {
        if let Some(revision) = self.reconciler.revision() {
            for model in &models {
                let state = model.state().word();
                tracing::debug!(revision.commit = %revision.commit, model = model.name, state, "pass ended");
            }
            let pass = self.reconciler.report(at, models, Vec::new());
            self.tell(Event::Passed(Box::new(pass)));
        }
    }

    fn tell(&self, event: Event) {
        if let Event::Failed(error) = &event {
            tracing::debug!(error = %error, "no pass");
        }
        if let Err(mpsc::error::TrySendError::Full(_)) = self.events.try_send(event) {
            tracing::debug!("nobody takes the loop's events: one is dropped");
        }
    }
}
