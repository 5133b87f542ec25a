//! Waiting: what the daemon tells, and waits that have a name and a deadline.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

use super::show::Line;
use crate::clock::Timestamp;
use crate::daemon::Event;
use crate::diagnostic::{Severity, any_error};
use crate::reconcile::{ModelReport, RepositoryPass};

/// How often is looked.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Acts that are remembered.
const ACTS_MAX: usize = 10_000;

/// What the daemon has told so far.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// Passes that ended.
    pub passes: u64,
    /// When the last one began.
    pub at: Timestamp,
    /// The commit that it was over.
    pub commit: String,
    /// Whether it left nothing to do.
    pub settled: bool,
    /// What it found, in one line.
    pub status: String,
    /// Files that it had findings about: errors and others.
    pub findings: (usize, usize),
    /// What was done so far, oldest first.
    pub acts: Vec<Act>,
}

/// One thing that the daemon did.
#[derive(Debug, Clone)]
pub struct Act {
    /// `+`, `~`, `-` or `·`.
    pub sign: &'static str,
    /// The operation.
    pub op: &'static str,
    /// `MonitoringSchedule mortgage-production-data-quality`
    pub subject: String,
    /// Why.
    pub reason: String,
}

/// Takes the daemon's events until there are no more.
pub async fn listen(mut events: mpsc::Receiver<Event>, told: watch::Sender<Told>) {
    while let Some(event) = events.recv().await {
        told.send_modify(|told| match event {
            Event::Passed(pass) => told.take(&pass),
            Event::Failed(error) => {
                let cause = std::error::Error::source(&error);
                let cause = cause.map(|cause| format!(": {cause}")).unwrap_or_default();
                told.settled = false;
                told.status = format!("{error}{cause}");
            }
        });
    }
}

impl Told {
    fn take(&mut self, pass: &RepositoryPass) {
        if pass.models.is_empty() && !any_error(&pass.diagnostics) {
            return;
        }
        self.passes += 1;
        self.at = pass.at;
        self.commit.clone_from(&pass.commit.0);
        self.settled = pass.is_settled() && !pass.models.is_empty();
        self.status = status(pass);
        let findings = pass.models.iter().flat_map(|model| &model.diagnostics);
        let findings: Vec<_> = findings.chain(&pass.diagnostics).collect();
        let errors = findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error);
        let errors = errors.count();
        self.findings = (errors, findings.len() - errors);
        self.acts.extend(acts(pass));
        let surplus = self.acts.len().saturating_sub(ACTS_MAX);
        self.acts.drain(..surplus);
    }
}

fn acts(pass: &RepositoryPass) -> impl Iterator<Item = Act> {
    let passes = pass.models.iter().filter_map(|model| model.pass.as_ref());
    passes.flat_map(|model| &model.units).flat_map(|unit| {
        let done = unit
            .outcome
            .as_ref()
            .map_or(0, |outcome| outcome.results.len());
        unit.plan.steps.iter().take(done).map(|step| Act {
            sign: step.action.sign(),
            op: step.call.op,
            subject: format!("{} {}", step.kind.name, step.name),
            reason: step.reason.text.clone(),
        })
    })
}

/// The worst of what was found, in words.
fn status(pass: &RepositoryPass) -> String {
    let mut words = Vec::new();
    for finding in &pass.diagnostics {
        words.push(format!("{}: {}", finding.span.file, finding.message));
    }
    for model in &pass.models {
        words.extend(model_status(model));
    }
    for write in &pass.writes {
        let error = write.error.as_deref().unwrap_or("committed");
        words.push(format!("{}: {error}", write.reason));
    }
    words.join("; ")
}

fn model_status(model: &ModelReport) -> Vec<String> {
    let mut words = vec![format!("{} is {}", model.name, model.state().word())];
    words.extend(model.defect.clone());
    let errors = model
        .diagnostics
        .iter()
        .filter(|finding| finding.severity == Severity::Error);
    words.extend(errors.map(|finding| {
        let place = &finding.span;
        format!("{}:{}: {}", place.file, place.line, finding.message)
    }));
    for unit in model.pass.iter().flat_map(|pass| &pass.units) {
        let notes = unit.report.notes.iter();
        let worst = notes.filter(|note| note.state == unit.state() && !note.state.is_settled());
        words.extend(worst.map(|note| format!("{}: {}", note.subject, note.message)));
    }
    words
}

/// What a look came to.
#[derive(Debug)]
pub enum Look<T> {
    /// It is so.
    Seen(T),
    /// Not yet; what is seen instead.
    Not(String),
    /// It will never be so; why.
    Never(String),
}

/// A wait that was in vain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("waited {waited:.0} s for {name}; last seen: {last}", waited = waited.as_secs_f64())]
pub struct Missed {
    /// What was waited for.
    pub name: String,
    /// How long.
    pub waited: Duration,
    /// What was seen last.
    pub last: String,
}

/// Looks again and again until it is so, it will never be, or the deadline has passed.
pub async fn until<T>(
    name: &str,
    deadline: Duration,
    line: &Line,
    mut look: impl AsyncFnMut() -> Look<T>,
) -> Result<T, Missed> {
    let start = Instant::now();
    let end = start + deadline;
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = "nothing".to_owned();
    while Instant::now() < end {
        ticks.tick().await;
        match timeout_at(end, look()).await {
            Ok(Look::Seen(seen)) => return Ok(seen),
            Ok(Look::Not(status)) => {
                line.update(&status);
                last = status;
            }
            Ok(Look::Never(status)) => {
                last = status;
                break;
            }
            Err(_) => break,
        }
    }
    Err(Missed {
        name: name.to_owned(),
        waited: start.elapsed(),
        last,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::show::Show;

    async fn check(answers: &[&str], expected: Result<(), &str>) {
        let line = Show::new(true, false).begin("a wait");
        let mut answers = answers.iter();
        let mut last = "";
        let waited = until("the moon", LOOK_EVERY * 4, &line, async || {
            last = answers.next().copied().unwrap_or(last);
            match last {
                "full" => Look::Seen(()),
                "gone" => Look::Never("gone".to_owned()),
                "hidden" => std::future::pending().await,
                other => Look::Not(other.to_owned()),
            }
        })
        .await;
        if let Err(missed) = &waited {
            let words = format!("waited 0 s for the moon; last seen: {}", missed.last);
            assert_eq!(missed.to_string(), words);
        }
        let waited = waited.map_err(|missed| missed.last);
        assert_eq!(waited, expected.map_err(str::to_owned));
    }

    #[tokio::test]
    async fn a_wait_ends_with_what_was_seen() {
        check(&["new", "half", "full"], Ok(())).await;
        check(&["new", "gone", "full"], Err("gone")).await;
    }

    #[tokio::test]
    async fn no_wait_outlasts_its_deadline() {
        check(&["new", "half"], Err("half")).await;
        check(&["new", "hidden"], Err("new")).await;
        check(&["hidden"], Err("nothing")).await;
    }
}
