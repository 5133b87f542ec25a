//! `trueup apply`: passes until what the commit says is what runs.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use tokio::time::timeout;

use super::approved::carry_out;
use super::connect::{CloudArg, SourceArg, open};
use super::error::CommandError;
use super::lease::leases;
use super::plan_file::PlanFile;
use super::render::json;
use super::render::news::Told;
use super::shell::{Shell, block_on};
use super::signal::{Stop, raised};
use super::{Output, exit, status};
use crate::clock::{Clock as _, SignedDuration, SystemClock, Timestamp};
use crate::config::units::Seconds;
use crate::diagnostic::any_error;
use crate::execute::pass::{Mode, UnitPass};
use crate::plan::report::State;
use crate::reconcile::{HELD, Reconciler, RepositoryPass};

/// After a pass that changed something: long enough for what was just accepted to show.
const CHANGED: Duration = Duration::from_millis(200);
/// While something moves, and after a failure that may pass; grows up to the limit.
const MOVING_FIRST: Duration = Duration::from_millis(500);
const MOVING_MAX: Duration = Duration::from_secs(15);
/// Passes in a row that only tried again what had failed.
const AGAIN_MAX: u32 = 6;

/// Bring what runs into line with the newest commit
///
/// Passes until nothing is left to do, until something failed or is held, or until the deadline.
/// Commits made meanwhile count. Waits for whoever else holds the installation's lease, such as a
/// daemon. Exits with 0 only where everything is settled and nothing is held.
///
/// With a file that `trueup plan --out` wrote: one pass that does what the file says, to the letter,
/// and nothing else. It is refused where the branch has moved since, and in each unit where the plan
/// made now is another. Exits with 0 only where all of it was done.
#[derive(Debug, Args)]
pub(super) struct Apply {
    /// A plan that was approved, in place of whatever the newest commit asks for. The repository is
    /// the one that it names, unless `--source` is given
    #[arg(value_name = "FILE", conflicts_with_all = ["once", "deadline"])]
    file: Option<PathBuf>,
    #[command(flatten)]
    source: SourceArg,
    #[command(flatten)]
    cloud: CloudArg,
    /// One pass only
    #[arg(long)]
    once: bool,
    /// How long it may take in all, such as `90s`, `30m` or `2h`
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = duration)]
    deadline: Duration,
    /// The form of the final status
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// What a pass means for the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Nothing is left to do.
    Settled,
    /// Nothing is left to do that people have not put off.
    Held,
    /// Something was changed: look at what came of it.
    Changed,
    /// Something moves.
    Moving,
    /// Something failed for a reason that may pass.
    Again,
    /// Somebody has to act.
    Failed,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Settled,
    /// All of an approved plan was done.
    Applied,
    Held,
    Failed,
    /// After one pass, with more to do.
    Unsettled,
    Late,
    Stopped,
}

impl Ending {
    fn word(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Applied => "applied",
            Self::Held => "held",
            Self::Failed => "failed",
            Self::Unsettled => "unsettled",
            Self::Late => "late",
            Self::Stopped => "stopped",
        }
    }

    fn exit(self) -> u8 {
        match self {
            Self::Settled | Self::Applied => exit::OK,
            _ => exit::FAILED,
        }
    }
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let seconds: Seconds =
        serde_json::from_value(text.into()).map_err(|error| error.to_string())?;
    Ok(Duration::from_secs(seconds.0))
}

impl Apply {
    pub(super) fn run(self, shell: &Shell) -> Result<u8, CommandError> {
        if let Some(file) = &self.file {
            return self.approved(shell, &PlanFile::read(file)?);
        }
        let source = self.source.source(shell)?;
        let name = source.to_string();
        let (pass, ending) = block_on(async {
            let aws = self.cloud.connect(shell).await;
            let mut reconciler = open(source, shell.cache(), aws).await?;
            reconciler.under(leases(shell, self.cloud.is_local(shell)));
            let outcome = self.passes(shell, &mut reconciler).await;
            reconciler.leave().await;
            outcome
        })?;
        self.show(shell, &pass, &name, ending);
        Ok(ending.exit())
    }

    /// Does what a file says.
    fn approved(&self, shell: &Shell, file: &PlanFile) -> Result<u8, CommandError> {
        let carried = block_on(carry_out(shell, file, &self.source, &self.cloud));
        let (name, carried) = carried?;
        for news in Told::default().news(&carried.pass) {
            let line = format!("{}: {}", news.about, news.text);
            shell.streams.talk(&line);
        }
        for refusal in &carried.refusals {
            shell.streams.talk(&format!("not done: {refusal}"));
        }
        self.show(shell, &carried.pass, &name, carried.ending);
        shell.streams.talk(match carried.ending {
            Ending::Applied => "what was approved is done; `trueup plan` shows what comes next",
            _ => "not all that was approved is done; plan again, and approve that",
        });
        Ok(carried.ending.exit())
    }

    fn show(&self, shell: &Shell, pass: &RepositoryPass, name: &str, ending: Ending) {
        match self.output {
            Output::Text => {
                let text = status::text(shell, pass);
                shell.streams.data(&format!("{text}{}\n", ending.word()));
            }
            Output::Json => {
                let document = json::apply(pass, name, ending.word());
                shell.streams.data(&format!("{document:#}\n"));
            }
        }
    }

    async fn passes(
        &self,
        shell: &Shell,
        reconciler: &mut Reconciler,
    ) -> Result<(RepositoryPass, Ending), CommandError> {
        let mut stop = Stop::listen()?;
        let end = end(SystemClock.now(), self.deadline);
        let mut told = Told::default();
        let mut moving = MOVING_FIRST;
        let mut again = 0;
        loop {
            let fetched = reconciler.fetch().await?;
            let wait = |words: &str| shell.streams.talk(&format!("waits: {words}"));
            let leading = tokio::select! {
                leading = reconciler.lead(&fetched, left(end), wait) => Some(leading?),
                () = raised(&mut stop.gently) => None,
            };
            let Some(leads) = leading else {
                let pass = reconciler.pass(&fetched, Mode::Plan).await?;
                return Ok((pass, Ending::Stopped));
            };
            let pass = reconciler.pass(&fetched, Mode::Apply).await?;
            for news in told.news(&pass) {
                shell
                    .streams
                    .talk(&format!("{}: {}", news.about, news.text));
            }
            let held = pass.diagnostics.iter().any(|one| one.code == HELD);
            let verdict = match judge(&pass) {
                _ if held && !leads => return Ok((pass, Ending::Late)),
                verdict if leads => verdict,
                Verdict::Failed => Verdict::Failed,
                // What keeps anything from being changed may pass.
                _ => Verdict::Again,
            };
            let wait = match verdict {
                Verdict::Settled => return Ok((pass, Ending::Settled)),
                Verdict::Held => return Ok((pass, Ending::Held)),
                Verdict::Failed => return Ok((pass, Ending::Failed)),
                _ if self.once => return Ok((pass, Ending::Unsettled)),
                Verdict::Changed => {
                    again = 0;
                    moving = MOVING_FIRST;
                    CHANGED
                }
                verdict => {
                    again = if verdict == Verdict::Again {
                        again + 1
                    } else {
                        0
                    };
                    if again > AGAIN_MAX {
                        return Ok((pass, Ending::Failed));
                    }
                    let wait = moving;
                    moving = (moving * 2).min(MOVING_MAX);
                    wait
                }
            };
            let left = left(end);
            if left.is_zero() {
                return Ok((pass, Ending::Late));
            }
            if timeout(wait.min(left), raised(&mut stop.gently))
                .await
                .is_ok()
            {
                return Ok((pass, Ending::Stopped));
            }
        }
    }
}

fn end(now: Timestamp, deadline: Duration) -> Timestamp {
    SignedDuration::try_from(deadline)
        .ok()
        .and_then(|deadline| now.checked_add(deadline).ok())
        .unwrap_or(Timestamp::MAX)
}

fn left(end: Timestamp) -> Duration {
    Duration::try_from(end.duration_since(SystemClock.now())).unwrap_or_default()
}

/// Whatever moves by itself is waited for; then comes what may go better next time, then what
/// failed, then what is held.
fn judge(pass: &RepositoryPass) -> Verdict {
    if pass.changed() {
        return Verdict::Changed;
    }
    if pass
        .units()
        .any(|(_, unit)| refused(unit).is_none() && has(unit, &MOVING))
    {
        return Verdict::Moving;
    }
    let passing = |unit| refused(unit) == Some(false);
    let unwritten = pass.writes.iter().any(|write| write.error.is_some());
    if unwritten
        || pass
            .units()
            .any(|(_, unit)| passing(unit) || has(unit, &[State::Unknown]))
    {
        return Verdict::Again;
    }
    let broken = pass.models.iter().any(|model| model.pass.is_none());
    let failed = |unit| refused(unit).is_some() || has(unit, &FAILED);
    if broken || any_error(&pass.diagnostics) || pass.units().any(|(_, unit)| failed(unit)) {
        return Verdict::Failed;
    }
    if pass.units().any(|(_, unit)| has(unit, &[State::Held])) {
        return Verdict::Held;
    }
    Verdict::Settled
}

const MOVING: [State; 2] = [State::Waiting, State::Changing];
const FAILED: [State; 2] = [State::Blocked, State::Degraded];

fn has(unit: &UnitPass, states: &[State]) -> bool {
    unit.report
        .notes
        .iter()
        .any(|note| states.contains(&note.state))
}

/// Whether a step was refused: for good, or for a reason that may pass.
fn refused(unit: &UnitPass) -> Option<bool> {
    let outcome = unit.outcome.as_ref()?;
    let ended = outcome.is_final() || outcome.error().is_some();
    ended.then(|| outcome.is_final())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::render::sample;
    use crate::resource::error::Class;

    fn check(pass: &RepositoryPass, expect: Verdict) {
        assert_eq!(judge(pass), expect);
    }

    #[test]
    fn it_goes_on_while_anything_may_still_change() {
        check(&sample::quiet(), Verdict::Settled);
        check(&sample::applied(None), Verdict::Changed);
        check(&sample::applied(Some(Class::Denied)), Verdict::Failed);
        check(&sample::applied(Some(Class::Throttled)), Verdict::Again);
        check(&sample::noted(&[State::Held]), Verdict::Held);
        check(
            &sample::noted(&[State::Held, State::Waiting]),
            Verdict::Moving,
        );
        check(
            &sample::noted(&[State::Degraded, State::Waiting]),
            Verdict::Moving,
        );
        check(
            &sample::noted(&[State::Degraded, State::Held]),
            Verdict::Failed,
        );
        check(&sample::noted(&[State::Diverged]), Verdict::Settled);
        check(&sample::unknown(), Verdict::Again);
        check(&sample::broken(), Verdict::Failed);
    }

    #[test]
    fn a_time_has_a_unit() {
        assert_eq!(duration("30m"), Ok(Duration::from_mins(30)));
        assert!(duration("soon").is_err());
    }
}
