//! The command line: one file a command, all of them listed in [`Command`].
//!
//! Data goes to standard output, talk to standard error; [`exit`] has the exit codes.

mod apply;
mod approved;
mod connect;
mod demo;
mod environment;
mod error;
pub mod exit;
mod explain;
mod follow;
mod git;
mod history;
mod hooks;
mod images;
mod lease;
mod lint;
mod local;
mod log;
mod look;
mod plan;
mod plan_file;
mod reference;
mod release_seen;
pub mod render;
mod rollback;
mod run;
mod schema;
mod shell;
mod signal;
mod signing;
mod sources;
mod status;
mod streams;
mod teller;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

pub use reference::reference;

use error::CommandError;
use shell::{Global, Shell};

/// A Git-native GitOps reconciler for Amazon SageMaker: merging deploys, reverting rolls back
#[derive(Debug, Parser)]
#[command(name = "trueup", version, propagate_version = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Every command.
#[derive(Debug, Subcommand)]
enum Command {
    Lint(lint::Lint),
    Plan(plan::Plan),
    Apply(apply::Apply),
    Status(status::Status),
    Why(look::Why),
    Tree(look::Tree),
    Diff(look::Diff),
    Trace(look::Trace),
    Explain(explain::Explain),
    History(history::History),
    Rollback(rollback::Rollback),
    Run(run::Run),
    Local(local::Local),
    Demo(demo::Demo),
    Schema(schema::Schema),
    /// Supervises one process of the local SageMaker
    #[command(name = "__job", hide = true)]
    Job {
        /// What the local SageMaker says.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Analyzes a dataset as the container of a monitor does
    #[command(name = "__analyze", hide = true)]
    Analyze {
        /// What stands for `/opt/ml`.
        root: PathBuf,
    },
}

/// In which form data is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people
    Text,
    /// For programs
    Json,
}

/// Runs the command that the process's arguments name.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help goes to standard output, everything else to standard error; if that is closed
            // there is nobody to tell.
            error.print().ok();
            let wrong = error.exit_code() != 0;
            return ExitCode::from(if wrong { misuse(&arguments) } else { exit::OK });
        }
    };
    let shell = Shell::new(cli.global);
    match cli.command.run(&shell) {
        Ok(code) => code,
        Err(error) => {
            streams::failure(&error.text());
            let misused = error.exit() == exit::USAGE;
            ExitCode::from(if misused {
                misuse(&arguments)
            } else {
                error.exit()
            })
        }
    }
}

/// The exit code of a wrong command line: where 2 means changes, it may not also mean this.
fn misuse(arguments: &[OsString]) -> u8 {
    if arguments.iter().any(|one| one == plan::DETAILED) {
        exit::FAILED
    } else {
        exit::USAGE
    }
}

impl Command {
    fn run(self, shell: &Shell) -> Result<ExitCode, CommandError> {
        let code = match self {
            Self::Lint(lint) => lint.run(shell)?,
            Self::Plan(plan) => plan.run(shell)?,
            Self::Apply(apply) => apply.run(shell)?,
            Self::Status(status) => status.run(shell)?,
            Self::Why(why) => why.run(shell)?,
            Self::Tree(tree) => tree.run(shell)?,
            Self::Diff(diff) => diff.run(shell)?,
            Self::Trace(trace) => trace.run(shell)?,
            Self::Explain(explain) => explain.run(shell)?,
            Self::History(history) => history.run(shell)?,
            Self::Rollback(rollback) => rollback.run(shell)?,
            Self::Run(run) => run.run(shell)?,
            Self::Local(local) => local.run(shell)?,
            Self::Schema(schema) => schema.run(shell)?,
            // These have exit codes of their own.
            Self::Demo(demo) => return Ok(demo.run(shell)),
            Self::Job { arguments } => return Ok(local::job(&arguments)),
            Self::Analyze { root } => return Ok(local::analyze(&root)),
        };
        Ok(ExitCode::from(code))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_wrong_command_line_never_looks_like_changes() {
        let arguments = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        assert_eq!(misuse(&arguments("trueup plan --nonsense")), exit::USAGE);
        let detailed = arguments("trueup plan --detailed-exitcode --nonsense");
        assert_eq!(misuse(&detailed), exit::FAILED);
    }

    #[test]
    fn a_source_is_never_repeated_in_a_complaint() {
        // Were it parsed by clap, its complaint would show the password.
        let parsed = Cli::try_parse_from(["trueup", "plan", "--source", "https://u:hunter2@/x"]);
        assert!(parsed.is_ok());
    }
}
