//! `trueup status`: what runs, and why it is not what it should be.

use clap::Args;

use super::error::CommandError;
use super::exit;
use super::look::Look;
use super::plan::select;
use super::render::status::{is_in_sync, rows, status};
use super::render::{findings, json};
use super::shell::Shell;
use crate::clock::{Clock as _, SystemClock};
use crate::diagnostic::any_error;
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
    look: Look,
}

impl Status {
    pub(super) fn run(self, shell: &Shell) -> Result<u8, CommandError> {
        let (mut pass, name) = self.look.pass(shell)?;
        select(&mut pass, self.model.as_deref(), None)?;
        let table = |paint| status(&pass, SystemClock.now(), paint);
        let json = || json::status(&pass, &name);
        self.look.show(shell, &pass, table, json);
        Ok(code(&pass))
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
