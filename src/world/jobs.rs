//! Training, processing and transform jobs: created once, run to their end.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::World;
use super::kind::{Id, Kind};
use super::records::{Key, State};
use super::request::{Refusal, Reply, Request, cut, default, epoch, text};
use super::shape;
use super::work::{Job, JobKind, JobOutcome, WorkId};

/// What a job remembers besides its Describe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct JobState {
    /// The work that it is.
    pub(super) work: WorkId,
    /// What it is a part of.
    pub(super) owner: Option<Owner>,
}

/// What starts jobs, and waits for their ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Owner {
    /// A step of a pipeline execution.
    Step(Key, String),
    /// A tuning job.
    Tuning(Key),
    /// An execution of a monitoring schedule.
    Monitoring(Key),
}

/// Characters of a `FailureReason` and of an `ExitMessage`.
const REASON_MAX: usize = 1024;

/// What differs between the kinds of jobs: names of members.
pub(super) struct Names {
    pub(super) status: &'static str,
    pub(super) start: &'static str,
    end: &'static str,
}

pub(super) fn names(id: Id) -> Names {
    match id {
        Id::TrainingJob => Names {
            status: "TrainingJobStatus",
            start: "TrainingStartTime",
            end: "TrainingEndTime",
        },
        Id::TransformJob => Names {
            status: "TransformJobStatus",
            start: "TransformStartTime",
            end: "TransformEndTime",
        },
        Id::TuningJob => Names {
            status: "HyperParameterTuningJobStatus",
            start: "CreationTime",
            end: "HyperParameterTuningEndTime",
        },
        _ => Names {
            status: "ProcessingJobStatus",
            start: "ProcessingStartTime",
            end: "ProcessingEndTime",
        },
    }
}

fn job_kind(op: &str) -> &'static Kind {
    let id = if op.contains("Training") {
        Id::TrainingJob
    } else if op.contains("Transform") {
        Id::TransformJob
    } else if op.contains("Tuning") {
        Id::TuningJob
    } else {
        Id::ProcessingJob
    };
    id.kind()
}

impl World {
    pub(super) fn create_job(&mut self, request: &Request<'_>) -> Reply {
        self.launch(request, None)
    }

    /// Creates a job of a Create request, and asks for it to be run.
    pub(super) fn launch(&mut self, request: &Request<'_>, owner: Option<Owner>) -> Reply {
        let kind = job_kind(request.op);
        let name = request.text(kind.name);
        self.free(kind, request.scope, name)?;
        let mut body = Value::Object(shape::echo(kind.describe, &request.body));
        let names = names(kind.id);
        body[names.status] = json!("InProgress");
        body[names.start] = epoch(request.now);
        body["LastModifiedTime"] = epoch(request.now);
        let container = match kind.id {
            Id::TransformJob => Some(self.check_transform(&mut body, request)?),
            _ => None,
        };
        if kind.id != Id::TransformJob {
            let day = json!({"MaxRuntimeInSeconds": 86400});
            default(&mut body, "StoppingCondition", day);
        }
        if kind.id == Id::TrainingJob {
            check_training(&body)?;
            training_defaults(&mut body, request);
        }
        if let Some(config) = request.get("ExperimentConfig") {
            self.check_experiment(request.scope, config)?;
        }
        let work = self.next_work();
        let state = State::Job(JobState { work, owner });
        let answer = self.put(kind, request, name, body, state)?;
        let job = Job {
            id: work,
            kind: match kind.id {
                Id::TrainingJob => JobKind::Training,
                Id::TransformJob => JobKind::Transform,
                _ => JobKind::Processing,
            },
            scope: request.scope.clone(),
            name: name.to_owned(),
            request: request.object(),
            container,
        };
        let key = Key::new(kind.id, request.scope, name);
        let _tracked = self.open_component(&key);
        self.works.run(key, job);
        Ok(answer)
    }

    pub(super) fn stop_job(&mut self, request: &Request<'_>) -> Reply {
        let kind = job_kind(request.op);
        let record = self.find(kind, request)?;
        let status = text(&record.body, names(kind.id).status);
        if status != "InProgress" && status != "Stopping" {
            return Err(Refusal::invalid(format!(
                "The request was rejected because the job {} is in status {status}.",
                record.name
            )));
        }
        let key = Key::new(kind.id, request.scope, request.text(kind.name));
        self.stop_running(&key);
        Ok(json!({}))
    }

    /// Forgets a job that has ended; its name is free again.
    pub(super) fn delete_job(&mut self, request: &Request<'_>) -> Reply {
        let kind = job_kind(request.op);
        let record = self.find(kind, request)?;
        let status = text(&record.body, names(kind.id).status);
        if matches!(status, "InProgress" | "Stopping") {
            return Err(Refusal::new(
                "ResourceInUse",
                format!(
                    "The job {} is in status {status}: only a job that has ended can be deleted.",
                    record.name
                ),
            ));
        }
        self.delete(kind, request)
    }

    /// Asks for a running job to be stopped; once.
    pub(super) fn stop_running(&mut self, key: &Key) {
        let now = self.now;
        let Some(record) = self.records.get_mut(key) else {
            return;
        };
        let status = names(key.id).status;
        let State::Job(state) = &record.state else {
            return;
        };
        let work = state.work;
        if record.body[status] != "InProgress" {
            return;
        }
        record.body[status] = json!("Stopping");
        record.body["LastModifiedTime"] = epoch(now);
        if key.id == Id::TrainingJob {
            secondary(&mut record.body, "Stopping", now);
        }
        self.works.stop(work);
    }

    /// A job ended.
    pub(super) fn job_done(&mut self, id: WorkId, outcome: JobOutcome) {
        if !self.works.is_job(id) {
            return;
        }
        let Some(key) = self.works.end(id) else {
            return;
        };
        let now = self.now;
        let Some(record) = self.records.get_mut(&key) else {
            return;
        };
        let names = names(key.id);
        let body = &mut record.body;
        let status = match &outcome {
            JobOutcome::Completed { .. } => "Completed",
            JobOutcome::Failed(_) => "Failed",
            JobOutcome::Stopped => "Stopped",
        };
        body[names.status] = json!(status);
        body[names.end] = epoch(now);
        body["LastModifiedTime"] = epoch(now);
        if key.id == Id::TrainingJob {
            secondary(body, status, now);
            let seconds = elapsed(body, names.start, now);
            body["TrainingTimeInSeconds"] = json!(seconds);
            body["BillableTimeInSeconds"] = json!(seconds);
        }
        match outcome {
            JobOutcome::Completed {
                model_artifacts,
                exit_message,
                metrics,
            } => {
                if let Some(uri) = model_artifacts.filter(|_| key.id == Id::TrainingJob) {
                    body["ModelArtifacts"] = json!({"S3ModelArtifacts": uri});
                }
                if let Some(message) = exit_message.filter(|_| key.id == Id::ProcessingJob) {
                    body["ExitMessage"] = json!(cut(&message, REASON_MAX));
                }
                if !metrics.is_empty() && key.id == Id::TrainingJob {
                    let metrics = metrics.iter().map(|(name, value)| {
                        json!({"MetricName": name, "Value": value, "Timestamp": epoch(now)})
                    });
                    body["FinalMetricDataList"] = metrics.collect();
                }
            }
            JobOutcome::Failed(reason) => {
                body["FailureReason"] = json!(cut(&reason, REASON_MAX));
            }
            JobOutcome::Stopped => {}
        }
        let owner = match &record.state {
            State::Job(state) => state.owner.clone(),
            _ => None,
        };
        let _tracked = self.close_component(&key);
        match owner {
            Some(Owner::Step(execution, step)) => self.step_job_done(&execution, &step, &key),
            Some(Owner::Tuning(tuning)) => self.tune(&tuning),
            Some(Owner::Monitoring(execution)) => self.monitoring_done(&execution, &key),
            None => {}
        }
    }
}

fn check_training(body: &Value) -> Result<(), Refusal> {
    let algorithm = body.get("AlgorithmSpecification").unwrap_or(&Value::Null);
    let image = !text(algorithm, "TrainingImage").is_empty();
    let name = !text(algorithm, "AlgorithmName").is_empty();
    if image == name && body.get("ServerlessJobConfig").is_none() {
        return Err(Refusal::invalid(
            "Exactly one of TrainingImage and AlgorithmName must be provided in \
             AlgorithmSpecification.",
        ));
    }
    Ok(())
}

fn training_defaults(body: &mut Value, request: &Request<'_>) {
    for flag in [
        "EnableNetworkIsolation",
        "EnableInterContainerTrafficEncryption",
        "EnableManagedSpotTraining",
    ] {
        default(body, flag, false);
    }
    let output = body.pointer("/OutputDataConfig/S3OutputPath");
    let output = output
        .and_then(Value::as_str)
        .unwrap_or("")
        .trim_end_matches('/');
    let artefact = format!(
        "{output}/{}/output/model.tar.gz",
        request.text("TrainingJobName")
    );
    body["ModelArtifacts"] = json!({"S3ModelArtifacts": artefact});
    secondary(body, "Training", request.now);
}

/// Enters a secondary status and closes the one before.
fn secondary(body: &mut Value, status: &str, now: crate::clock::Timestamp) {
    body["SecondaryStatus"] = json!(status);
    let mut entered = Map::new();
    entered.insert("Status".to_owned(), json!(status));
    entered.insert("StartTime".to_owned(), epoch(now));
    entered.insert("StatusMessage".to_owned(), json!(status_message(status)));
    if matches!(status, "Completed" | "Failed" | "Stopped") {
        entered.insert("EndTime".to_owned(), epoch(now));
    }
    default(body, "SecondaryStatusTransitions", json!([]));
    if let Some(transitions) = body["SecondaryStatusTransitions"].as_array_mut() {
        if let Some(last) = transitions.last_mut() {
            default(last, "EndTime", epoch(now));
        }
        transitions.push(Value::Object(entered));
    }
}

/// What the service says about a secondary status; its clients print it.
fn status_message(status: &str) -> &'static str {
    match status {
        "Completed" => "Training job completed",
        "Failed" => "Training job failed",
        "Stopping" => "Stopping the training job",
        "Stopped" => "Training job stopped",
        _ => "Training image download completed. Training in progress.",
    }
}

/// Whole seconds since `start`, at least one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a run takes far less than 2^63 seconds and never a negative time"
)]
fn elapsed(body: &Value, start: &str, now: crate::clock::Timestamp) -> u64 {
    let seconds = epoch(now).as_f64().unwrap_or(0.0) - body[start].as_f64().unwrap_or(0.0);
    seconds.max(1.0).round() as u64
}
