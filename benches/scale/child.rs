//! A process of its own for each measure.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::figures::Figure;
use super::options::{Measure, Options, Step};

/// No measure takes longer, on the slowest of machines.
const DEADLINE: Duration = Duration::from_hours(4);

/// This program again, for one step.
pub(crate) fn command(step: Step, models: usize, folder: &Path) -> Command {
    let program = std::env::current_exe().expect("a running program has a file");
    let step = match step {
        Step::Grow => "grow",
        Step::Serve => "serve",
        Step::Measure => "measure",
    };
    let mut command = Command::new(program);
    command
        .args(["--step", step, "--models", &models.to_string()])
        .arg("--folder")
        .arg(folder)
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Runs a step to its end, and gives what it measured. `None`: it failed, and said why.
pub(crate) async fn run(
    step: Step,
    measure: Option<Measure>,
    models: usize,
    folder: &Path,
    options: &Options,
) -> Option<Vec<Figure>> {
    let mut command = command(step, models, folder);
    command.args(["--passes", &options.passes.to_string()]);
    if let Some(measure) = measure {
        command.args(["--only", measure.name()]);
    }
    let output = timeout(DEADLINE, command.output())
        .await
        .expect("a measure ends")
        .expect("this program can be started");
    io::stderr()
        .write_all(&output.stderr)
        .expect("standard error is there");
    let ended_well = output.status.success();
    ended_well.then(|| serde_json::from_slice(&output.stdout).expect("it prints its figures"))
}

/// Hands the figures to the process that asked for them.
pub(crate) fn answer(figures: &[Figure]) {
    let text = serde_json::to_vec(figures).expect("figures are JSON");
    io::stdout()
        .write_all(&text)
        .expect("somebody reads the figures");
}
