//! Metrics of a training job: the last value that each `MetricDefinitions` finds in its log.
//!
//! The expressions are the user's, in the dialect of the containers' Python, so Python reads them.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;

use crate::local::engine::Engine;
use crate::local::place::Place;
use crate::local::process;
use crate::world::work::Job;

/// The reader, which is part of this program.
const READER: &str = include_str!("../metrics.py");
/// How long it may take: an expression can be slow without end.
const DEADLINE: Duration = Duration::from_secs(30);

/// Values by name.
pub(super) type Metrics = BTreeMap<String, f64>;

/// Reads the metrics of a job that completed. A job is not failed for its metrics: what cannot be
/// read is left out, and the log of the server says so.
pub(super) async fn read(engine: &Engine, job: &Job, place: &Place) -> Metrics {
    let definitions = &job.request["AlgorithmSpecification"]["MetricDefinitions"];
    if definitions.as_array().is_none_or(Vec::is_empty) {
        return Metrics::new();
    }
    let (script, task, found) = (
        place.beside("metrics.py"),
        place.beside("metrics.task.json"),
        place.beside("metrics.json"),
    );
    let request = json!({"log": place.log(), "definitions": definitions});
    let written = fs::write(&script, READER).and_then(|()| fs::write(&task, request.to_string()));
    let args = [&script, &task, &found].map(|path| path.to_string_lossy().into_owned());
    let env = place.base_env(engine);
    let program = place.program(engine, "python3", args.to_vec(), env, place.beside("tmp"));
    let (Ok(()), Ok(mut program)) = (written, program) else {
        tracing::warn!(
            job = job.name,
            "the metrics of a local job could not be read"
        );
        return Metrics::new();
    };
    program.log = place.beside("metrics.log");
    let run = async {
        let mut running = process::start(&engine.host.supervisor, &program).await?;
        running.wait().await
    };
    let _ended = timeout(DEADLINE, run).await;
    let values = fs::read(&found).ok();
    let values = values.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    values.unwrap_or_else(|| {
        tracing::warn!(
            job = job.name,
            "the metrics of a local job could not be read"
        );
        Metrics::new()
    })
}
