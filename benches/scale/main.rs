//! How the program scales, measured side by side in one run and held against its budgets.
//!
//! Nothing here passes or fails: what is printed is what this machine did today. Each measure runs
//! in a process of its own, so that the memory of one is not the memory of another; all of them work
//! on fleets that were really converged, one fleet for each number of models.

mod boto3;
mod child;
mod churn;
mod cold;
mod distance;
mod far;
mod figures;
mod files;
mod fleet;
mod grow;
mod jobs;
mod memory;
mod model;
mod noop;
mod options;
mod plain;
mod processor;
mod repository;
mod server;
mod tally;
mod touched;

use std::fs;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;

use figures::{Figure, Report};
use options::{Measure, Options, Step};

fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(run(options))
}

async fn run(options: Options) -> ExitCode {
    match options.step {
        Some(step) => {
            let figures = one(step, &options).await;
            child::answer(&figures);
        }
        None => return whole(&options).await,
    }
    ExitCode::SUCCESS
}

/// One measure, in a process that was started for it.
async fn one(step: Step, options: &Options) -> Vec<Figure> {
    let folder = options.folder.as_deref().expect("a step has a folder");
    let models = options.models.expect("a step has a number of models");
    match step {
        Step::Grow => grow::run(folder, models),
        Step::Serve => {
            server::run(folder).await;
            Vec::new()
        }
        Step::Measure => {
            let measure = options.only.first().expect("a step has a measure");
            match measure {
                Measure::Noop => noop::run(folder, models),
                Measure::Far => far::run(folder, models).await,
                Measure::Touched => touched::run(folder, models).await,
                Measure::Boto3 => boto3::run(folder, models).await,
                Measure::Cold => cold::run(folder, models).await,
                Measure::Churn => churn::run(folder, models, options.passes).await,
            }
        }
    }
}

/// Every measure that is asked for, the smallest fleets first. One that fails keeps no other from
/// being told.
async fn whole(options: &Options) -> ExitCode {
    let (mut report, mut ended) = (Report::of_this_machine(), ExitCode::SUCCESS);
    for models in options.sizes() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let figures = child::run(Step::Grow, None, models, folder.path(), options).await;
        let Some(figures) = figures else {
            ended = ExitCode::FAILURE;
            continue;
        };
        report.add(figures);
        for measure in options.measures_of(models) {
            say(&format!("{} of {models} models", measure.name()));
            let only = Some(measure);
            let figures = child::run(Step::Measure, only, models, folder.path(), options).await;
            match figures {
                Some(figures) => report.add(figures),
                None => ended = ExitCode::FAILURE,
            }
        }
    }
    let out = options.out();
    if let Some(parent) = out.parent() {
        fs::create_dir_all(parent).expect("the folder of the figures can be made");
    }
    fs::write(&out, report.json()).expect("the figures can be written");
    io::stdout()
        .write_all(report.table().as_bytes())
        .expect("somebody reads the table");
    say(&format!("written to {}", out.display()));
    ended
}

/// A line about what is going on.
fn say(line: &str) {
    // Nobody may be listening.
    drop(writeln!(io::stderr(), "{line}"));
}
