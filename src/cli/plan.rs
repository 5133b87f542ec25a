//! `trueup plan`: what would be done, and why.

use std::path::PathBuf;

use clap::Args;

use super::connect::{CloudArg, SourceArg, open_to_look};
use super::error::CommandError;
use super::plan_file::{self, Place};
use super::render::plan::{Counts, is_whole};
use super::render::{findings, json, plan};
use super::shell::{Shell, block_on};
use super::{Output, exit};
use crate::clock::{Clock as _, SystemClock};
use crate::diagnostic::any_error;
use crate::execute::pass::Mode;
use crate::reconcile::RepositoryPass;

/// The option under which 2 means changes.
pub(super) const DETAILED: &str = "--detailed-exitcode";

/// Show what would be done, and why
///
/// Looks at the newest commit and at AWS; changes nothing. Later steps may follow from these: what
/// a run comes to, for instance, is not known before it ends.
#[derive(Debug, Args)]
pub(super) struct Plan {
    #[command(flatten)]
    source: SourceArg,
    #[command(flatten)]
    cloud: CloudArg,
    /// Only this model
    #[arg(long, short, value_name = "NAME")]
    model: Option<String>,
    /// Only this environment; `home` is where the model is trained
    #[arg(long, short, value_name = "NAME")]
    environment: Option<String>,
    /// Also write the plan to a file, for `trueup apply FILE`: people read it, and what it says is
    /// what is done, or nothing. What could not be seen is not in it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The form of the plan
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// Exit with 0 where there is nothing to do, 2 where there is, and 1 for everything else: an
    /// error, a wrong command line, something that could not be read
    #[arg(long)]
    detailed_exitcode: bool,
}

impl Plan {
    pub(super) fn run(self, shell: &Shell) -> Result<u8, CommandError> {
        let source = self.source.source(shell)?;
        let (name, url) = (source.to_string(), source.url.clone());
        let mut pass = block_on(async {
            let aws = self.cloud.connect(shell).await;
            let mut reconciler = open_to_look(shell, source, aws).await?;
            let fetched = reconciler.fetch().await?;
            Ok(reconciler.pass(&fetched, Mode::Plan).await?)
        })?;
        select(
            &mut pass,
            self.model.as_deref(),
            self.environment.as_deref(),
        )?;
        if let Some(file) = &self.out {
            let endpoint_url = self.cloud.url(shell);
            let place = Place {
                source: &url,
                endpoint_url: endpoint_url.as_deref(),
            };
            plan_file::write(file, &plan_file::document(&pass, place))?;
            let (file, summary) = (file.display(), plan_file::summary(&pass));
            shell.streams.talk(&format!(
                "{summary} written to {file}; `trueup apply {file}` does just that"
            ));
        }
        match self.output {
            Output::Text => {
                let paint = shell.streams.paint;
                let findings = findings::findings(&pass, paint);
                let text = plan::plan(&pass, SystemClock.now(), paint);
                shell.streams.data(&format!("{findings}{text}"));
            }
            Output::Json => {
                shell
                    .streams
                    .data(&format!("{:#}\n", json::plan(&pass, &name)));
            }
        }
        Ok(code(&pass, self.detailed_exitcode))
    }
}

/// Leaves only what was asked for.
pub(super) fn select(
    pass: &mut RepositoryPass,
    model: Option<&str>,
    environment: Option<&str>,
) -> Result<(), CommandError> {
    if let Some(name) = model {
        let known: Vec<_> = pass.models.iter().map(|model| model.name.clone()).collect();
        pass.models.retain(|model| model.name == name);
        if pass.models.is_empty() && !any_error(&pass.diagnostics) {
            return Err(unknown("model", name, &known));
        }
    }
    let Some(name) = environment else {
        return Ok(());
    };
    let known: Vec<_> = pass
        .units()
        .map(|(_, unit)| unit.plan.unit.place.clone())
        .collect();
    if !known.is_empty() && !known.iter().any(|one| one == name) {
        return Err(unknown("environment", name, &known));
    }
    let release = format!("releases/{name}.yaml");
    for pass in pass
        .models
        .iter_mut()
        .filter_map(|model| model.pass.as_mut())
    {
        pass.units.retain(|unit| unit.plan.unit.place == name);
        pass.writes
            .retain(|write| write.files.keys().any(|file| file.ends_with(&release)));
    }
    Ok(())
}

pub(super) fn unknown(what: &str, name: &str, known: &[String]) -> CommandError {
    let mut known: Vec<_> = known.iter().map(|one| format!("`{one}`")).collect();
    known.sort();
    known.dedup();
    let error = CommandError::usage(format!("there is no {what} `{name}`"));
    if known.is_empty() {
        error
    } else {
        error.help(format!("there is {}", known.join(", ")))
    }
}

/// Whether everything could be planned decides first; then, if that is asked for, the changes.
fn code(pass: &RepositoryPass, detailed: bool) -> u8 {
    if !is_whole(pass) {
        exit::FAILED
    } else if detailed && !Counts::of(pass).is_empty() {
        exit::CHANGES
    } else {
        exit::OK
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::render::sample;

    #[test]
    fn changes_are_2_only_where_that_was_asked_for_and_all_is_known() {
        let check = |pass: &RepositoryPass, plain, detailed| {
            assert_eq!((code(pass, false), code(pass, true)), (plain, detailed));
        };
        check(&sample::quiet(), exit::OK, exit::OK);
        check(&sample::changing(), exit::OK, exit::CHANGES);
        check(&sample::unknown(), exit::FAILED, exit::FAILED);
        check(&sample::broken(), exit::FAILED, exit::FAILED);
    }

    #[test]
    fn a_selection_leaves_what_was_asked_for() {
        let mut pass = sample::changing();
        select(&mut pass, Some("churn"), Some("staging")).unwrap();
        let left: Vec<_> = pass
            .units()
            .map(|(_, unit)| unit.plan.unit.to_string())
            .collect();
        assert_eq!(left, ["churn/staging"]);
        assert_eq!(plan::writes(&pass).count(), 1);
        let error = select(&mut sample::changing(), Some("chrun"), None).unwrap_err();
        assert_eq!(
            error.text(),
            "error: there is no model `chrun`\nhelp: there is `churn`\n"
        );
        assert_eq!(error.exit(), exit::USAGE);
        let error = select(&mut sample::changing(), None, Some("qa")).unwrap_err();
        assert!(error.text().contains("`home`, `production`, `staging`"));
    }
}
