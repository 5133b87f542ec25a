//! Jobs: one supervised process each, in a folder that looks like the container's.

mod metrics;
mod processing;
mod programs;
mod toolkit;
mod training;
mod transform;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::engine::{Engine, Order, ordered};
use super::logs::{self, Stream};
use super::place::{Place, PlaceError};
use super::process::{self, Exit, Program, Running};
use crate::world::work::{Done, Job, JobKind, JobOutcome};

/// How long a job may run that does not say (the service's own figure: a day).
const RUNTIME: Duration = Duration::from_hours(24);

/// Runs a job and reports its outcome, unless the server ends first.
pub(super) async fn run(engine: Arc<Engine>, job: Job, mut told: watch::Receiver<Order>) {
    let job = Arc::new(job);
    if let Some(outcome) = outcome(&engine, &job, &mut told).await {
        tracing::info!(job = job.name, outcome = ?outcome, "a local job ended");
        engine.finish(Done::Job {
            id: job.id,
            outcome,
        });
    }
}

/// How the program ended, and whether it was made to.
struct Ended {
    exit: Exit,
    stopped: bool,
    overdue: bool,
}

async fn outcome(
    engine: &Arc<Engine>,
    job: &Arc<Job>,
    told: &mut watch::Receiver<Order>,
) -> Option<JobOutcome> {
    let _turn = tokio::select! {
        biased;
        order = ordered(told) => return (order == Order::Stop).then_some(JobOutcome::Stopped),
        turn = engine.turns.acquire() => turn.ok()?,
    };
    if job.kind == JobKind::Transform {
        return transform::outcome(engine, job, told).await;
    }
    let prepared = blocking(engine, job, prepare).await;
    let (place, program) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return Some(JobOutcome::Failed(error.to_string())),
    };
    let _log = logs::follow(engine, Stream::of_job(engine, job), program.log.clone());
    let mut running = match process::start(&engine.host.supervisor, &program).await {
        Ok(running) => running,
        Err(error) => return Some(JobOutcome::Failed(format!("ClientError: {error}"))),
    };
    let ended = match watch(&mut running, job, told).await {
        Some(Ok(ended)) => ended,
        Some(Err(reason)) => return Some(JobOutcome::Failed(reason)),
        None => {
            running.kill().await;
            return None;
        }
    };
    let metrics = if ended.exit.code == Some(0) {
        metrics::read(engine, job, &place).await
    } else {
        metrics::Metrics::new()
    };
    let collected = blocking(engine, job, move |engine, job| {
        collect(engine, job, &place, &ended, metrics)
    });
    let outcome = collected.await;
    Some(outcome.unwrap_or_else(|error| JobOutcome::Failed(error.to_string())))
}

/// Waits for the program's end; `None` if the server ends first.
async fn watch(
    running: &mut Running,
    job: &Job,
    told: &mut watch::Receiver<Order>,
) -> Option<Result<Ended, String>> {
    let limit = job.request["StoppingCondition"]["MaxRuntimeInSeconds"].as_u64();
    let limit = limit.map_or(RUNTIME, Duration::from_secs).min(RUNTIME * 28);
    let until = Instant::now() + limit;
    let (mut stopped, mut overdue) = (false, false);
    let server = told.clone();
    loop {
        tokio::select! {
            exit = running.wait() => {
                return Some(exit.map(|exit| Ended { exit, stopped, overdue })
                    .map_err(|error| format!("InternalServerError: {error}")));
            }
            order = ordered(told), if !stopped => {
                if order == Order::Quit {
                    return None;
                }
                stopped = true;
                running.stop().await;
            }
            _ = timeout_at(until, std::future::pending::<()>()), if !overdue => {
                overdue = true;
                running.stop().await;
            }
            () = quit(&server), if stopped => return None,
        }
    }
}

async fn quit(told: &watch::Receiver<Order>) {
    let mut told = told.clone();
    let _over = told.wait_for(|order| *order == Order::Quit).await;
}

fn prepare(engine: &Engine, job: &Job) -> Result<(Place, Program), PlaceError> {
    let place = Place::of_job(engine, job)?;
    let program = match job.kind {
        JobKind::Training => training::prepare(engine, job, &place)?,
        JobKind::Processing | JobKind::Transform => processing::prepare(engine, job, &place)?,
    };
    Ok((place, program))
}

fn collect(
    engine: &Engine,
    job: &Job,
    place: &Place,
    ended: &Ended,
    metrics: metrics::Metrics,
) -> Result<JobOutcome, PlaceError> {
    let clean = ended.exit.code == Some(0) && !ended.overdue;
    let (mut model_artifacts, mut exit_message) = (None, None);
    match job.kind {
        JobKind::Training => {
            model_artifacts = training::collect(engine, job, place, clean || ended.stopped)?;
        }
        JobKind::Processing | JobKind::Transform => {
            if clean {
                processing::collect(engine, job, place)?;
            }
            exit_message = processing::exit_message(place);
        }
    }
    Ok(if ended.overdue {
        let limit = &job.request["StoppingCondition"]["MaxRuntimeInSeconds"];
        JobOutcome::Failed(format!(
            "ClientError: the job ran longer than its MaxRuntimeInSeconds of {limit}"
        ))
    } else if ended.stopped {
        JobOutcome::Stopped
    } else if clean {
        JobOutcome::Completed {
            model_artifacts,
            exit_message,
            metrics,
        }
    } else {
        JobOutcome::Failed(match (job.kind, exit_message) {
            (JobKind::Processing, Some(message)) => {
                format!(
                    "AlgorithmError: {message}, exit code: {}",
                    ended.exit.shell_code()
                )
            }
            _ => training::failure(place, &ended.exit),
        })
    })
}

/// Runs what reads and writes files off the threads that answer requests.
async fn blocking<T: Send + 'static>(
    engine: &Arc<Engine>,
    job: &Arc<Job>,
    work: impl FnOnce(&Engine, &Job) -> Result<T, PlaceError> + Send + 'static,
) -> Result<T, PlaceError> {
    let (engine, job) = (Arc::clone(engine), Arc::clone(job));
    tokio::task::spawn_blocking(move || work(&engine, &job))
        .await
        .unwrap_or_else(|error| {
            Err(PlaceError::Client(format!(
                "the local worker failed: {error}"
            )))
        })
}

/// The strings of a list.
fn strings(list: Option<&Value>) -> impl Iterator<Item = &str> {
    let list = list.and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str)
}
