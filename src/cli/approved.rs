//! `trueup apply FILE`: one pass that does what was approved, and nothing else.

use std::time::Duration;

use super::apply::Ending;
use super::connect::{CloudArg, SourceArg, open};
use super::error::CommandError;
use super::lease::leases;
use super::plan_file::{PlanFile, PlannedUnit};
use super::render::plan::is_whole;
use super::render::words::short;
use super::shell::Shell;
use crate::execute::pass::{Mode, UnitPass};
use crate::execute::steps::Outcome;
use crate::limits::LEASE_TERM;
use crate::plan::approval::digest_of_write;
use crate::plan::report::State;
use crate::reconcile::{Reconciler, RepositoryPass};

/// How long whoever else holds the lease is waited for: twice as long as one lasts that is not renewed.
const LEASE_WAIT: Duration = LEASE_TERM.saturating_mul(2);

/// What came of a plan file.
pub(super) struct CarriedOut {
    /// The pass, over the file's units alone.
    pub(super) pass: RepositoryPass,
    /// How it ended.
    pub(super) ending: Ending,
    /// What was not done, and why.
    pub(super) refusals: Vec<String>,
}

/// Carries out a plan file: nothing where its commit is not the branch's newest any more, and in
/// each unit nothing where the plan made now is not the approved one.
pub(super) async fn carry_out(
    shell: &Shell,
    file: &PlanFile,
    source: &SourceArg,
    cloud: &CloudArg,
) -> Result<(String, CarriedOut), CommandError> {
    let default = format!("{}#{}", file.source, file.branch);
    let source = source.source_or(&default, shell)?;
    let name = source.to_string();
    same_cloud(file, cloud.url(shell).as_deref())?;
    let aws = cloud.connect(shell).await;
    let mut reconciler = open(source, shell.cache(), aws).await?;
    reconciler.under(leases(shell, cloud.is_local(shell)));
    let pass = pass(shell, file, &mut reconciler).await;
    reconciler.leave().await;
    let mut pass = pass?;
    let refusals = refusals(&pass, file);
    only(&mut pass, file);
    let ending = ending(&pass, &refusals);
    Ok((
        name,
        CarriedOut {
            pass,
            ending,
            refusals,
        },
    ))
}

/// The one pass, as soon as nobody else changes anything.
async fn pass(
    shell: &Shell,
    file: &PlanFile,
    reconciler: &mut Reconciler,
) -> Result<RepositoryPass, CommandError> {
    let fetched = reconciler.fetch().await?;
    same_commit(file, &fetched.branch, &fetched.tip.0)?;
    let wait = |words: &str| shell.streams.talk(&format!("waits: {words}"));
    if !reconciler.lead(&fetched, LEASE_WAIT, wait).await? {
        let words = "the installation's lease could not be had in time";
        let help = "nothing was done; `trueup status` says what is wrong where it is nobody else's, and \
                    else whoever holds it has to end first";
        return Err(CommandError::message(words).code("NoLease").help(help));
    }
    reconciler.approve(file.approval());
    Ok(reconciler.pass(&fetched, Mode::Apply).await?)
}

fn same_cloud(file: &PlanFile, url: Option<&str>) -> Result<(), CommandError> {
    if file.endpoint_url.as_deref() == url {
        return Ok(());
    }
    let named = |url: Option<&str>| url.unwrap_or("AWS's own addresses").to_owned();
    let words = format!(
        "the plan was made against {}, not {}",
        named(file.endpoint_url.as_deref()),
        named(url)
    );
    Err(CommandError::message(words)
        .code("OtherCloud")
        .help("give the same `--local` or `--endpoint-url`, or plan again"))
}

fn same_commit(file: &PlanFile, branch: &str, tip: &str) -> Result<(), CommandError> {
    let words = if file.branch != branch {
        format!("the plan is for branch `{}`, not `{branch}`", file.branch)
    } else if file.commit != tip {
        format!(
            "`{branch}` has moved since the plan was made: it was at {}, it is at {}",
            short(&file.commit),
            short(tip)
        )
    } else {
        return Ok(());
    };
    Err(CommandError::message(words)
        .code("BranchMoved")
        .help("nothing was done; plan again, and approve that"))
}

/// What of the file could not be done as it was approved.
fn refusals(pass: &RepositoryPass, file: &PlanFile) -> Vec<String> {
    let find = |wanted| pass.units().find(|(_, unit)| unit.plan.unit == wanted);
    let units = file.units.iter().filter_map(|planned| {
        let unit = planned.unit();
        let Some((_, found)) = find(unit.clone()) else {
            return Some(format!("{unit}: it could not be looked at"));
        };
        let held = |state: State| found.report.notes.iter().find(|note| note.state == state);
        let why = found.unapproved.as_ref()?;
        // What a review says of a release comes before the comparison.
        let words = held(State::Held).map_or(why, |note| &note.message);
        Some(format!("{unit}: {words}"))
    });
    let wanted: Vec<_> = super::render::plan::writes(pass)
        .map(digest_of_write)
        .collect();
    let commits = file.commits().filter_map(|(digest, reason)| {
        let gone = !wanted.iter().any(|one| one == digest);
        gone.then(|| format!("{reason}: the commit is not wanted as it was approved"))
    });
    units.chain(commits).collect()
}

/// Leaves the file's units.
fn only(pass: &mut RepositoryPass, file: &PlanFile) {
    let units: Vec<_> = file.units.iter().map(PlannedUnit::unit).collect();
    for model in &mut pass.models {
        if let Some(pass) = &mut model.pass {
            pass.units.retain(|unit| units.contains(&unit.plan.unit));
        }
    }
    pass.models.retain(|model| {
        let planned = |pass: &crate::execute::model::ModelPass| {
            !pass.units.is_empty() || !pass.writes.is_empty()
        };
        model.pass.as_ref().is_some_and(planned)
    });
}

fn ending(pass: &RepositoryPass, refusals: &[String]) -> Ending {
    let clean = |unit: &UnitPass| unit.outcome.as_ref().is_none_or(Outcome::is_clean);
    let failed = pass.units().any(|(_, unit)| !clean(unit));
    let unwritten = pass.writes.iter().any(|write| write.error.is_some());
    if !refusals.is_empty() {
        Ending::Held
    } else if failed || unwritten || !is_whole(pass) {
        Ending::Failed
    } else {
        Ending::Applied
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::plan_file::{Place, document};
    use crate::cli::render::sample;
    use crate::resource::error::Class;

    fn file() -> PlanFile {
        let place = Place {
            source: "/srv/models.git",
            endpoint_url: Some("http://127.0.0.1:1"),
        };
        PlanFile::parse(&document(&sample::changing(), place)).unwrap()
    }

    #[test]
    fn a_plan_for_another_commit_branch_or_cloud_is_refused() {
        let file = file();
        let tip = "1a2b3c4d".repeat(5);
        assert!(same_commit(&file, "main", &tip).is_ok());
        let moved = same_commit(&file, "main", &"9".repeat(40)).unwrap_err();
        assert_eq!(
            moved.text(),
            "error[BranchMoved]: `main` has moved since the plan was made: it was at 1a2b3c4d, it \
             is at 99999999\nhelp: nothing was done; plan again, and approve that\n"
        );
        assert!(same_commit(&file, "next", &tip).is_err());
        assert!(same_cloud(&file, Some("http://127.0.0.1:1")).is_ok());
        let other = same_cloud(&file, None).unwrap_err();
        assert!(other.text().starts_with("error[OtherCloud]: "));
    }

    #[test]
    fn what_was_not_done_is_named() {
        let file = file();
        let mut pass = sample::changing();
        assert!(refusals(&pass, &file).is_empty());
        let model = pass.models[0].pass.as_mut().unwrap();
        model.writes.clear();
        model.units[1].unapproved = Some("step 1 is not".to_owned());
        model.units.pop();
        assert_eq!(
            refusals(&pass, &file),
            [
                "churn/staging: step 1 is not",
                "churn/production: it could not be looked at",
                "release(churn): staging serves version 3: the commit is not wanted as it was \
                 approved",
            ]
        );
    }

    #[test]
    fn it_is_applied_only_where_every_step_was_taken() {
        let refused = ["x".to_owned()];
        assert_eq!(ending(&sample::applied(None), &[]), Ending::Applied);
        assert_eq!(ending(&sample::applied(None), &refused), Ending::Held);
        let failed = sample::applied(Some(Class::Throttled));
        assert_eq!(ending(&failed, &[]), Ending::Failed);
        assert_eq!(ending(&sample::unknown(), &[]), Ending::Failed);
    }
}
