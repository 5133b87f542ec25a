//! Work that is not done: for who tests a tool of AWS's and needs the control plane only.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::time::timeout;

use super::engine::{Engine, Order, ordered};
use crate::world::work::{Done, Invocation, Invoked, Job, JobOutcome, WorkId};

/// Lets a job be over after `takes`, as if it had done well.
pub(super) async fn job(
    engine: Arc<Engine>,
    job: Job,
    takes: Duration,
    mut told: watch::Receiver<Order>,
) {
    let outcome = match timeout(takes, ordered(&mut told)).await {
        Ok(Order::Quit) => return,
        Ok(Order::Run | Order::Stop) => JobOutcome::Stopped,
        Err(_) => completed(&job),
    };
    engine.finish(Done::Job {
        id: job.id,
        outcome,
    });
}

fn completed(job: &Job) -> JobOutcome {
    let at = |pointer: &str| job.request.pointer(pointer).and_then(Value::as_str);
    let output = at("/OutputDataConfig/S3OutputPath").map(|path| path.trim_end_matches('/'));
    let metrics = job
        .request
        .pointer("/AlgorithmSpecification/MetricDefinitions");
    let names = metrics.and_then(Value::as_array).into_iter().flatten();
    let names = names.filter_map(|metric| metric["Name"].as_str());
    JobOutcome::Completed {
        model_artifacts: output.map(|path| format!("{path}/{}/output/model.tar.gz", job.name)),
        exit_message: None,
        metrics: names
            .map(|name| (name.to_owned(), 0.0))
            .collect::<BTreeMap<_, _>>(),
    }
}

/// Lets a fleet be up after `takes`.
pub(super) async fn fleet(
    engine: Arc<Engine>,
    id: WorkId,
    takes: Duration,
    mut told: watch::Receiver<Order>,
) {
    if timeout(takes, ordered(&mut told)).await.is_err() {
        engine.finish(Done::Fleet { id, failure: None });
    }
}

/// Says that nobody answers an invocation.
pub(super) fn invocation(engine: &Engine, invocation: &Invocation) {
    engine.finish(Done::Invocation(Invoked {
        id: invocation.id,
        failure: Some("nothing serves: the server has a control plane only".to_owned()),
        content_type: String::new(),
    }));
}
