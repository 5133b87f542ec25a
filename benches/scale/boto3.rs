//! The looks that a team would write with boto3, beside the program's own, at the same server.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;
use tokio::time::{Instant, timeout};
use trueup::demo::example::REGION;
use trueup::execute::pass::Mode;
use trueup::plan::report::State;

use super::figures::{Figure, Figures};
use super::files;
use super::grow;
use super::processor;
use super::server::Server;
use super::touched::calling;

/// A script's sweep, or the making of its environment.
const DEADLINE: Duration = Duration::from_hours(1);

/// What one sweep cost.
struct Cost {
    seconds: f64,
    /// Of processor time, the server's apart.
    processor: f64,
    calls: f64,
    /// Models that were not seen to be in line: a service that is too slow is one that is not seen.
    left: u64,
}

/// Measures the script, alone and with threads, and what the program does in its place: a sweep.
pub(crate) async fn run(folder: &Path, models: usize) -> Vec<Figure> {
    let mut figures = Figures::new("boto3", models);
    let python = python().await;
    let mut server = Server::start(folder, models).await;
    let threads = trueup::limits::PASSES_AT_ONCE;
    let alone = script(&python, &mut server, models, 1).await;
    let together = script(&python, &mut server, models, threads).await;
    let ours = looks(folder, &mut server).await;
    tell(&mut figures, "boto3, one thread", &alone);
    tell(
        &mut figures,
        &format!("boto3, {threads} threads"),
        &together,
    );
    tell(&mut figures, "trueup, all described", &ours[0]);
    tell(&mut figures, "trueup, sweep by lists", &ours[1]);
    let (time, calls) = (ours[1].seconds / alone.seconds, ours[1].calls / alone.calls);
    figures.tell("seconds, trueup to boto3", time, "times");
    let threaded = ours[1].seconds / together.seconds;
    let what = format!("seconds, trueup to boto3 with {threads} threads");
    figures.tell(what, threaded, "times");
    figures.tell("calls, trueup to boto3", calls, "times");
    figures.done()
}

fn tell(figures: &mut Figures, who: &str, cost: &Cost) {
    figures.tell(format!("{who}: seconds"), cost.seconds, "s");
    figures.tell(format!("{who}: on a processor"), cost.processor, "s");
    figures.tell(format!("{who}: calls"), cost.calls, "calls");
    if cost.left > 0 {
        figures.count(format!("{who}: models not seen in line"), cost.left, "");
    }
}

/// The interpreter of the outside judges, whose boto3 this is.
async fn python() -> PathBuf {
    let judges = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges");
    let made = Command::new("bash")
        .arg(judges.join("environment.sh"))
        .stderr(Stdio::inherit())
        .output();
    succeeded(made).await;
    judges.join(".venv/bin/python")
}

async fn script(python: &Path, server: &mut Server, models: usize, threads: usize) -> Cost {
    let before = server.calls().await;
    let names: Vec<_> = (0..models).map(files::name).collect();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/boto3_sweep.py");
    let swept = Command::new(python)
        .arg(script)
        .args(["--endpoint-url", &server.url, "--region", REGION])
        .args(["--threads", &threads.to_string()])
        .args(names)
        .stderr(Stdio::inherit())
        .output();
    let output = succeeded(swept).await;
    let told: Value = serde_json::from_slice(&output.stdout).expect("the script prints JSON");
    let cost = Cost {
        seconds: told["seconds"].as_f64().expect("it says how long"),
        processor: told["processor"].as_f64().expect("it says how much"),
        calls: told["calls"].as_f64().expect("it says how often"),
        // It fails where it does not see what it looks for.
        left: 0,
    };
    let answered = server.calls().await - before;
    assert!(
        (answered - cost.calls).abs() < 0.5,
        "it counts what it asks"
    );
    cost
}

async fn succeeded(output: impl Future<Output = std::io::Result<Output>>) -> Output {
    let output = timeout(DEADLINE, output).await.expect("it ends in time");
    let output = output.expect("it can be started");
    assert!(output.status.success(), "{}", output.status);
    output
}

/// A pass of the program, in which all is described, and a sweep over what that found settled; over the
/// network, as they are used.
async fn looks(folder: &Path, server: &mut Server) -> [Cost; 2] {
    let cache = tempfile::tempdir().expect("a temporary folder");
    let mut reconciler = calling(&server.url, folder, &cache, grow::time(folder)).await;
    let (before, start, used) = (server.calls().await, Instant::now(), processor::seconds());
    let fetched = reconciler.fetch().await.expect("the repository is there");
    let pass = reconciler.pass(&fetched, Mode::Plan).await;
    let pass = pass.expect("there is a pass");
    let all = pass.models.iter();
    let left = all.filter(|model| model.state() != State::InSync).count();
    let described = Cost {
        seconds: start.elapsed().as_secs_f64(),
        processor: processor::seconds() - used,
        calls: server.calls().await - before,
        left: left as u64,
    };
    let (before, start, used) = (server.calls().await, Instant::now(), processor::seconds());
    let swept = reconciler.sweep(reconciler.now(), Duration::ZERO).await;
    let swept = swept.expect("there is an installation");
    assert_eq!(swept.gaps, [], "every list was read");
    let listed = Cost {
        seconds: start.elapsed().as_secs_f64(),
        processor: processor::seconds() - used,
        calls: server.calls().await - before,
        left: swept.differing.len() as u64,
    };
    [described, listed]
}
