//! `trueup status`: what runs, and why it is not what it should be.

use clap::Args;

use super::connect::{CloudArg, SourceArg, open_to_look};
use super::error::CommandError;
use super::plan::select;
use super::render::status::{is_in_sync, rows, status};
use super::render::{findings, json};
use super::shell::{Shell, block_on};
use super::{Output, exit};
use crate::clock::{Clock as _, SystemClock};
use crate::diagnostic::any_error;
use crate::execute::pass::Mode;
use crate::reconcile::RepositoryPass;

/// Show what runs, and why it is not what it should be
///
/// Looks at the newest commit and at AWS; changes nothing and needs no daemon. Exits with 0 only
/// where everything is in sync and could be seen.
#[derive(Debug, Args)]
pub(super) struct Status {
    /// Only this model
    model: Option<String>,
    #[command(flatten)]
    source: SourceArg,
    #[command(flatten)]
    cloud: CloudArg,
    /// The form of the status
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    output: Output,
}

impl Status {
    pub(super) fn run(self, shell: &Shell) -> Result<u8, CommandError> {
        let source = self.source.source(shell)?;
        let name = source.to_string();
        let mut pass = block_on(async {
            let aws = self.cloud.connect(shell).await;
            let mut reconciler = open_to_look(shell, source, aws).await?;
            let fetched = reconciler.fetch().await?;
            Ok(reconciler.pass(&fetched, Mode::Plan).await?)
        })?;
        select(&mut pass, self.model.as_deref(), None)?;
        show(shell, &pass, &name, self.output);
        Ok(code(&pass))
    }
}

fn show(shell: &Shell, pass: &RepositoryPass, source: &str, output: Output) {
    match output {
        Output::Text => shell.streams.data(&text(shell, pass)),
        Output::Json => shell
            .streams
            .data(&format!("{:#}\n", json::status(pass, source))),
    }
}

/// The findings and the table.
pub(super) fn text(shell: &Shell, pass: &RepositoryPass) -> String {
    let paint = shell.streams.paint;
    let findings = findings::findings(pass, paint);
    findings + &status(pass, SystemClock.now(), paint)
}

fn code(pass: &RepositoryPass) -> u8 {
    let in_sync = rows(pass).iter().all(|row| is_in_sync(row.state));
    if in_sync && !any_error(&pass.diagnostics) {
        exit::OK
    } else {
        exit::FAILED
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::render::sample;

    #[test]
    fn only_what_is_seen_in_sync_is_good() {
        assert_eq!(code(&sample::quiet()), exit::OK);
        for pass in [sample::changing(), sample::unknown(), sample::broken()] {
            assert_eq!(code(&pass), exit::FAILED);
        }
    }
}
