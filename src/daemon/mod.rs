//! The loop: fetch, pass, wait for a reason to come again.
//!
//! Three cadences. Something moves: look again soon. A branch moved: pass at once. Nothing
//! happened: sweep now and then, for what was changed behind Git's back.

use std::pin::pin;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::execute::pass::Mode;
use crate::git::Fetched;
use crate::git::watch::{Watch, watch as watch_source};
use crate::limits::POLL_INTERVAL;
use crate::reconcile::{ReconcileError, Reconciler, RepositoryPass};

/// How often to look.
#[derive(Debug, Clone, Copy)]
pub struct Cadence {
    /// At the remote's branches.
    pub poll: Duration,
    /// At things in motion.
    pub motion: Duration,
    /// At everything.
    pub sweep: Duration,
    /// After a failure, doubled each time up to the sweep's.
    pub retry: Duration,
}

impl Default for Cadence {
    fn default() -> Self {
        Self {
            poll: POLL_INTERVAL,
            motion: Duration::from_secs(30),
            sweep: Duration::from_mins(10),
            retry: Duration::from_secs(5),
        }
    }
}

impl Cadence {
    /// For the local SageMaker, which throttles nobody and answers at once.
    pub fn local() -> Self {
        Self {
            poll: Duration::from_secs(5),
            motion: Duration::from_millis(500),
            sweep: Duration::from_secs(2),
            retry: Duration::from_secs(1),
        }
    }
}

/// What the loop tells.
#[derive(Debug)]
pub enum Event {
    /// A pass ended.
    Passed(Box<RepositoryPass>),
    /// There was no pass, and why.
    Failed(ReconcileError),
}

/// Runs until `stop` becomes true; the pass at hand is finished first. Events nobody takes are
/// dropped.
pub async fn run(
    mut reconciler: Reconciler,
    cadence: Cadence,
    events: mpsc::Sender<Event>,
    mut stop: watch::Receiver<bool>,
) {
    let mut hints = Hints::of(&reconciler);
    let mut acted_on: Option<Fetched> = None;
    let mut quiet = Duration::ZERO;
    let mut pause = cadence.retry;
    let mut streak = 0;
    while !*stop.borrow() {
        let (event, wait) = match look(&mut reconciler, &mut acted_on, quiet >= cadence.sweep).await
        {
            Ok(Some(pass)) => {
                quiet = Duration::ZERO;
                pause = cadence.retry;
                let wait = after(&pass, cadence, &mut acted_on, &mut streak);
                (Some(Event::Passed(Box::new(pass))), wait)
            }
            Ok(None) => {
                pause = cadence.retry;
                (None, cadence.poll.min(cadence.sweep.saturating_sub(quiet)))
            }
            Err(error) => {
                acted_on = None;
                let wait = pause;
                pause = (pause * 2).min(cadence.sweep.max(cadence.retry));
                (Some(Event::Failed(error)), wait)
            }
        };
        if let Some(event) = event {
            tell(&events, event);
        }
        if hints.wait(wait, &mut stop).await {
            acted_on = None;
        }
        quiet += wait;
    }
}

/// Fetches, and passes where there is a reason to: a branch moved, something is in motion, or it
/// is time for a sweep.
async fn look(
    reconciler: &mut Reconciler,
    acted_on: &mut Option<Fetched>,
    sweep: bool,
) -> Result<Option<RepositoryPass>, ReconcileError> {
    let fetched = reconciler.fetch().await?;
    let same = acted_on
        .as_ref()
        .is_some_and(|last| last.branches == fetched.branches && last.tip == fetched.tip);
    if same && !sweep {
        return Ok(None);
    }
    let pass = reconciler.pass(&fetched, Mode::Apply).await?;
    *acted_on = Some(fetched);
    Ok(Some(pass))
}

/// How long to wait after a pass. What it changed is looked at again soon, but not for ever soon: a
/// model that changes in every pass must not keep the loop from breathing.
fn after(
    pass: &RepositoryPass,
    cadence: Cadence,
    acted_on: &mut Option<Fetched>,
    streak: &mut u32,
) -> Duration {
    let again = pass.changed() || pass.in_motion();
    if again {
        *acted_on = None;
    }
    *streak = if pass.changed() { *streak + 1 } else { 0 };
    match (pass.changed(), again) {
        (true, _) if *streak <= STREAK_MAX => AT_ONCE,
        (_, true) => cadence.motion,
        _ => cadence.poll.min(cadence.sweep),
    }
}

/// Long enough for what was just accepted to show, short enough not to be noticed.
const AT_ONCE: Duration = Duration::from_millis(50);
/// Passes in a row that may follow at once because the one before changed something.
const STREAK_MAX: u32 = 8;

fn tell(events: &mpsc::Sender<Event>, event: Event) {
    match &event {
        Event::Passed(pass) => {
            for model in &pass.models {
                tracing::debug!(revision.commit = %pass.commit, model = model.name, state = model.state().word(), "pass ended");
            }
        }
        Event::Failed(error) => tracing::debug!(error = %error, "no pass"),
    }
    if let Err(mpsc::error::TrySendError::Full(_)) = events.try_send(event) {
        tracing::debug!("nobody takes the loop's events: one is dropped");
    }
}

/// Why to look before the time: a change in a repository on this machine.
struct Hints(Option<Watch>);

impl Hints {
    fn of(reconciler: &Reconciler) -> Self {
        match watch_source(reconciler.source()) {
            Ok(watch) => Self(watch),
            Err(error) => {
                tracing::warn!(error = %error, "the repository is polled: it cannot be watched");
                Self(None)
            }
        }
    }

    /// Waits for a hint, the end, or `wait`, whatever comes first. `true`: there was a hint.
    async fn wait(&mut self, wait: Duration, stop: &mut watch::Receiver<bool>) -> bool {
        let hint = async {
            match &mut self.0 {
                Some(watch) => watch.hint().await.is_some(),
                None => false,
            }
        };
        let mut hint = pin!(hint);
        let first = async {
            tokio::select! {
                true = &mut hint => true,
                Ok(()) = stop.changed() => false,
                else => std::future::pending().await,
            }
        };
        timeout(wait, first).await.unwrap_or(false)
    }
}
