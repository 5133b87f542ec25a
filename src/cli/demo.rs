//! `trueup demo`: the whole way from a commit to production and back, on this machine.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::error::CommandError;
use super::exit;
use super::shell::{Shell, block_on};
use super::streams::failure;
use crate::demo::{self, Options};

/// Show a model's life on this machine: deployed, promoted, reverted
///
/// Makes a repository, starts a local SageMaker and a daemon, and does what an engineer would do:
/// commits, a merge, a revert. Trains, serves and asks for real. Needs Git and Python 3, no
/// account and no network.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// End after the last step, in place of running on until Ctrl-C
    #[arg(long)]
    exit: bool,
    /// What goes to standard output; with `json` one object that sums up
    #[arg(long, short, value_enum, default_value_t = super::Output::Text)]
    output: super::Output,
    /// Where the repositories and all else is kept: absent or empty. Default: a temporary folder,
    /// removed in the end unless something went wrong
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Do something wrong on purpose, to see that it is found out
    #[arg(long, value_enum, hide = true)]
    sabotage: Option<Sabotage>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sabotage {
    ConstantPredictions,
    SkipGate,
    SkipRevert,
}

impl Sabotage {
    fn of_the_demo(self) -> demo::Sabotage {
        match self {
            Self::ConstantPredictions => demo::Sabotage::ConstantPredictions,
            Self::SkipGate => demo::Sabotage::SkipGate,
            Self::SkipRevert => demo::Sabotage::SkipRevert,
        }
    }
}

impl Demo {
    /// The demo's own exit code: 130 and 143 say that a signal ended it.
    pub(super) fn run(self, shell: &Shell) -> ExitCode {
        let json = self.output == super::Output::Json;
        let streams = &shell.streams;
        let options = Options {
            exit: self.exit,
            json,
            dir: self.dir,
            sabotage: self.sabotage.map(Sabotage::of_the_demo),
            color: if json {
                streams.coloured_talk
            } else {
                streams.paint.is_on()
            },
            path: shell.environment.programs(),
            home: shell.environment.home.clone(),
        };
        let ended: Result<ExitCode, CommandError> =
            block_on(async { Ok(demo::run(options).await) });
        ended.unwrap_or_else(|error| {
            failure(&error.text());
            ExitCode::from(exit::FAILED)
        })
    }
}
