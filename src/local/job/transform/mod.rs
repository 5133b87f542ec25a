//! Transform jobs: the model's container answers for every object of the input.

mod batch;
mod filter;
mod noted;
mod request;

use std::path::PathBuf;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use hyper::body::Bytes;
use serde_json::Value;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::blocking;
use crate::limits::{
    TRANSFORM_ANSWER_BYTES_MAX, TRANSFORM_FILES_AT_ONCE, TRANSFORM_OBJECT_BYTES_MAX,
};
use crate::local::archive::files_below;
use crate::local::container::{Container, NoReply, last_words};
use crate::local::engine::{Engine, Order, ordered};
use crate::local::logs::{self, Stream};
use crate::local::place::{Place, PlaceError, client, download, read_object, upload};
use crate::world::work::{Job, JobOutcome};

use batch::{Batch, assembled, batches, unpacked};
use request::Manner;

/// A job that is under way.
struct Transform {
    engine: Arc<Engine>,
    job: Arc<Job>,
    manner: Manner,
    place: Place,
    /// What stands before the names of inputs in S3.
    input: String,
    /// Where the container listens.
    port: u16,
    turns: Semaphore,
}

/// What is there before the container runs.
struct Prepared {
    manner: Manner,
    place: Place,
    container: Container,
    /// The prefix of the input.
    prefix: String,
    /// Names below it, and the files.
    inputs: Vec<(String, PathBuf)>,
}

/// Runs a transform job; `None` if the server ends first.
pub(super) async fn outcome(
    engine: &Arc<Engine>,
    job: &Arc<Job>,
    told: &mut watch::Receiver<Order>,
) -> Option<JobOutcome> {
    let prepared = match blocking(engine, job, prepare).await {
        Ok(prepared) => prepared,
        Err(error) => return Some(JobOutcome::Failed(error.to_string())),
    };
    let log = prepared.container.log(0);
    let _log = logs::follow(engine, Stream::of_job(engine, job), log);
    let whose = format!("transform job {}", job.name);
    let started = tokio::select! {
        started = prepared.container.start(engine, &whose, 0) => started,
        order = ordered(told) => return (order == Order::Stop).then_some(JobOutcome::Stopped),
    };
    let (mut running, port) = match started {
        Ok(started) => started,
        Err(reason) => return Some(JobOutcome::Failed(reason)),
    };
    let transform = Arc::new(Transform {
        engine: Arc::clone(engine),
        job: Arc::clone(job),
        turns: Semaphore::new(prepared.manner.at_once.min(Semaphore::MAX_PERMITS)),
        manner: prepared.manner,
        place: prepared.place,
        input: prepared.prefix,
        port,
    });
    let outcome = tokio::select! {
        biased;
        order = ordered(told) => (order == Order::Stop).then_some(JobOutcome::Stopped),
        ended = running.wait() => {
            let words = ended.map_or_else(|error| error.to_string(), |exit| last_words(&exit));
            Some(JobOutcome::Failed(format!("AlgorithmError: the container ended: {words}")))
        }
        outcome = all(&transform, prepared.inputs) => Some(outcome),
    };
    running.kill().await;
    outcome
}

fn prepare(engine: &Engine, job: &Job) -> Result<Prepared, PlaceError> {
    let request = &job.request;
    let manner = Manner::of(request).map_err(client)?;
    let place = Place::of_job(engine, job)?;
    let source = &request["TransformInput"]["DataSource"]["S3DataSource"];
    let uri = source["S3Uri"].as_str().unwrap_or_default();
    let folder = place.beside("input");
    match source["S3DataType"].as_str() {
        Some("S3Prefix") => download(engine, uri, &folder)?,
        Some("ManifestFile") => place.download_manifest(engine, uri, &folder)?,
        other => {
            let words = format!(
                "S3DataType {} is not supported locally",
                other.unwrap_or("")
            );
            return Err(client(words));
        }
    }
    let definition = job.container.clone().unwrap_or_default();
    let environment = manner.environment(request);
    let container = Container::prepare(engine, &place, &definition, &environment)?;
    let inputs = files_below(&folder)?;
    let prefix = match source["S3DataType"].as_str() {
        Some("ManifestFile") => manifest_prefix(engine, uri)?,
        _ => prefix_of(uri, &inputs),
    };
    Ok(Prepared {
        manner,
        place,
        container,
        prefix,
        inputs,
    })
}

/// What stands before the inputs' names: of a single object, the folder that it lies in.
fn prefix_of(uri: &str, inputs: &[(String, PathBuf)]) -> String {
    let folder = uri.trim_end_matches('/');
    match inputs {
        [(name, _)] if folder.ends_with(&format!("/{name}")) => {
            folder[..folder.len() - name.len()].to_owned()
        }
        _ => format!("{folder}/"),
    }
}

fn manifest_prefix(engine: &Engine, uri: &str) -> Result<String, PlaceError> {
    let bytes = read_object(engine, uri, TRANSFORM_OBJECT_BYTES_MAX)?;
    let lines: Value = serde_json::from_slice(&bytes).map_err(|error| client(error.to_string()))?;
    Ok(lines[0]["prefix"].as_str().unwrap_or_default().to_owned())
}

/// Transforms every input. One that cannot be is left out, and the others go on.
async fn all(transform: &Arc<Transform>, inputs: Vec<(String, PathBuf)>) -> JobOutcome {
    let count = inputs.len();
    let mut done = Vec::new();
    let mut failures: Vec<(String, String)> = Vec::new();
    let mut inputs = inputs.into_iter();
    let mut files = JoinSet::new();
    loop {
        while files.len() < TRANSFORM_FILES_AT_ONCE
            && let Some((name, path)) = inputs.next()
        {
            let transform = Arc::clone(transform);
            files.spawn(async move {
                match one(&transform, &name, path).await {
                    Ok(()) => Ok(name),
                    Err(reason) => Err((name, reason)),
                }
            });
        }
        match files.join_next().await {
            None => break,
            Some(Ok(Ok(name))) => done.push(name),
            Some(Ok(Err(failure))) => failures.push(failure),
            Some(Err(error)) => failures.push(("?".to_owned(), error.to_string())),
        }
    }
    failures.sort();
    done.sort();
    if let Err(error) = note(transform, done).await {
        return JobOutcome::Failed(error.to_string());
    }
    match failures.first() {
        None => JobOutcome::Completed {
            model_artifacts: None,
            exit_message: None,
            metrics: std::collections::BTreeMap::new(),
        },
        Some((name, reason)) => JobOutcome::Failed(format!(
            "ClientError: {} of {count} input files were not transformed. {name}: {reason}",
            failures.len()
        )),
    }
}

/// Lists what was read and what was written, where the request says that it is noted.
async fn note(transform: &Arc<Transform>, names: Vec<String>) -> Result<(), PlaceError> {
    let held = Arc::clone(transform);
    let list = move |engine: &Engine, job: &Job| {
        let Some(noted) = &held.manner.noted else {
            return Ok(());
        };
        let output = output_of(job);
        let outputs: Vec<_> = names.iter().map(|name| format!("{name}.out")).collect();
        noted.list(
            engine,
            [
                ("input", &held.input, &names),
                ("output", &format!("{output}/"), &outputs),
            ],
        )
    };
    blocking(&transform.engine, &transform.job, list).await
}

/// Where the outputs of a job lie.
fn output_of(job: &Job) -> &str {
    let prefix = job.request["TransformOutput"]["S3OutputPath"].as_str();
    prefix.unwrap_or_default().trim_end_matches('/')
}

/// Transforms one input and keeps its output.
async fn one(transform: &Arc<Transform>, name: &str, path: PathBuf) -> Result<(), String> {
    let held = Arc::clone(transform);
    let read = blocking(&transform.engine, &transform.job, move |_, _| {
        let manner = &held.manner;
        let bytes = std::fs::read(&path).map_err(|error| client(error.to_string()))?;
        let input = unpacked(bytes, manner.gzip, TRANSFORM_OBJECT_BYTES_MAX).map_err(client)?;
        batches(&input, manner).map_err(client)
    });
    let batches = read.await.map_err(words)?;
    let answers = answers(transform, batches).await?;
    let (held, name) = (Arc::clone(transform), name.to_owned());
    let keep = move |engine: &Engine, job: &Job| {
        let output = assembled(&answers, held.manner.assemble_lines);
        let file = held.place.beside(&format!("{}.out", engine.number()));
        std::fs::write(&file, output).map_err(|error| client(error.to_string()))?;
        upload(engine, &file, &format!("{}/{name}.out", output_of(job)))
    };
    let kept = blocking(&transform.engine, &transform.job, keep).await;
    kept.map_err(words)
}

/// The reason in words, without whose fault it is: that is said of the whole job.
fn words(error: PlaceError) -> String {
    match error {
        PlaceError::Client(words) => words,
        error @ PlaceError::Io { .. } => error.to_string(),
    }
}

/// The answers to all batches, in their order.
async fn answers(transform: &Arc<Transform>, batches: Vec<Batch>) -> Result<Vec<Bytes>, String> {
    let mut answers = vec![Bytes::new(); batches.len()];
    let mut batches = batches.into_iter().enumerate();
    let mut asked = JoinSet::new();
    loop {
        while asked.len() < transform.manner.at_once
            && let Some((at, batch)) = batches.next()
        {
            let transform = Arc::clone(transform);
            asked.spawn(async move { answer(&transform, batch).await.map(|bytes| (at, bytes)) });
        }
        match asked.join_next().await {
            None => return Ok(answers),
            Some(Ok(Ok((at, bytes)))) => answers[at] = bytes,
            Some(Ok(Err(reason))) => return Err(reason),
            Some(Err(error)) => return Err(error.to_string()),
        }
    }
}

/// The container's answer to one batch. What it did not say for good is asked again.
async fn answer(transform: &Transform, batch: Batch) -> Result<Bytes, String> {
    let manner = &transform.manner;
    let _turn = transform.turns.acquire().await;
    let mut left = manner.retries;
    let answer = loop {
        match ask(transform, batch.payload.clone()).await {
            Ok(answer) => break answer,
            Err((_, true)) if left > 0 => left -= 1,
            Err((reason, _)) => return Err(reason),
        }
    };
    let answer = match &manner.processing {
        Some(processing) => processing.kept(&batch.records, &answer)?,
        None => answer,
    };
    match &manner.noted {
        Some(noted) => noted.identified(&transform.engine, answer),
        None => Ok(answer),
    }
}

/// One invocation; or why it failed, and whether asking again may help.
async fn ask(transform: &Transform, payload: Bytes) -> Result<Bytes, (String, bool)> {
    let manner = &transform.manner;
    let mut headers = HeaderMap::new();
    for (name, value) in [
        (header::CONTENT_TYPE, &manner.content_type),
        (header::ACCEPT, &manner.accept),
    ] {
        let value = HeaderValue::from_str(value);
        let value = value.map_err(|error| (format!("{name}: {error}"), false))?;
        if !value.is_empty() {
            headers.insert(name, value);
        }
    }
    let caller = &transform.engine.fleets.caller;
    let (most, deadline) = (TRANSFORM_ANSWER_BYTES_MAX, manner.deadline);
    let reply = caller.invoke(transform.port, headers, payload, most, deadline);
    let reply = reply.await.map_err(|missing| {
        let words = match missing {
            NoReply::Late => format!("the container did not answer in {} s", deadline.as_secs()),
            NoReply::Down | NoReply::Throttled | NoReply::Broken => {
                "the container closed the connection, or its answer was too long".to_owned()
            }
        };
        (words, true)
    })?;
    if reply.status == StatusCode::OK {
        return Ok(reply.body);
    }
    let text = String::from_utf8_lossy(&reply.body);
    let last = text.trim().lines().next_back().unwrap_or_default();
    let words = format!("the container answered {}: {last}", reply.status.as_u16());
    Err((words, reply.status.is_server_error()))
}
