//! What `SageMaker` tells of its own changes, kind by kind.

use serde_json::{Map, Value, json};

use crate::clock::Timestamp;
use crate::world::kind::Id;
use crate::world::pipeline;
use crate::world::records::Record;
use crate::world::request::text;

/// What changes of a kind are told, and under which title.
struct Change {
    id: Id,
    title: &'static str,
    /// What of the description has to change.
    watched: &'static [&'static str],
    /// Whether it is also told that there is one no more.
    deleted: bool,
}

const CHANGES: &[Change] = &[
    Change {
        id: Id::Endpoint,
        title: "SageMaker Endpoint State Change",
        watched: &["/EndpointStatus"],
        deleted: false,
    },
    Change {
        id: Id::Endpoint,
        title: "SageMaker Endpoint Deployment State Change",
        watched: &["/PendingDeploymentSummary/ProductionVariants/0/VariantStatus"],
        deleted: false,
    },
    Change {
        id: Id::TrainingJob,
        title: "SageMaker Training Job State Change",
        watched: &["/TrainingJobStatus", "/SecondaryStatus"],
        deleted: false,
    },
    Change {
        id: Id::ProcessingJob,
        title: "SageMaker Processing Job State Change",
        watched: &["/ProcessingJobStatus"],
        deleted: false,
    },
    Change {
        id: Id::TransformJob,
        title: "SageMaker Transform Job State Change",
        watched: &["/TransformJobStatus"],
        deleted: false,
    },
    Change {
        id: Id::TuningJob,
        title: "SageMaker HyperParameter Tuning Job State Change",
        watched: &["/HyperParameterTuningJobStatus"],
        deleted: false,
    },
    Change {
        id: Id::Package,
        title: "SageMaker Model Package State Change",
        watched: &["/ModelPackageStatus", "/ModelApprovalStatus"],
        deleted: false,
    },
    Change {
        id: Id::ModelCard,
        title: "SageMaker Model Card State Change",
        watched: &["/ModelCardStatus", "/ModelCardVersion"],
        deleted: false,
    },
    Change {
        id: Id::Model,
        title: "SageMaker Model State Change",
        watched: &["/ModelArn"],
        deleted: true,
    },
];

/// Something to tell.
pub(super) struct Told {
    pub(super) title: &'static str,
    pub(super) resources: Vec<String>,
    pub(super) detail: Value,
}

/// What is told of a change from `before` to `after` of one record.
pub(super) fn of(id: Id, before: Option<&Record>, after: Option<&Record>) -> Vec<Told> {
    if id == Id::Execution {
        return after.map_or(Vec::new(), |after| of_execution(before, after));
    }
    let own = CHANGES.iter().filter(|change| change.id == id);
    own.filter_map(|change| change.told(before, after))
        .collect()
}

impl Change {
    fn told(&self, before: Option<&Record>, after: Option<&Record>) -> Option<Told> {
        let gone = after.is_none() && self.deleted;
        let record = after.or_else(|| before.filter(|_| gone))?;
        let differs = |pointer: &&&str| {
            let now = after.and_then(|after| after.body.pointer(pointer));
            now != before.and_then(|before| before.body.pointer(pointer)) && (now.is_some() || gone)
        };
        self.watched.iter().find(differs)?;
        let mut detail = record.body.clone();
        in_milliseconds(&mut detail);
        if self.id == Id::Endpoint {
            detail["EndpointStatus"] = upper(text(&detail, "EndpointStatus")).into();
        }
        Some(Told {
            title: self.title,
            resources: vec![text(&record.body, self.id.kind().arn).to_owned()],
            detail,
        })
    }
}

/// `RollingBack` as `ROLLING_BACK`.
fn upper(status: &str) -> String {
    let mut text = String::new();
    for (at, letter) in status.char_indices() {
        if letter.is_ascii_uppercase() && at > 0 {
            text.push('_');
        }
        text.push(letter.to_ascii_uppercase());
    }
    text
}

/// Times of descriptions are seconds, those of events milliseconds.
#[expect(
    clippy::cast_possible_truncation,
    reason = "instants of this world have milliseconds"
)]
fn in_milliseconds(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(in_milliseconds),
        Value::Object(members) => {
            for (name, member) in members {
                match member.as_f64() {
                    Some(seconds) if name.ends_with("Time") => {
                        *member = ((seconds * 1000.0).round() as i64).into();
                    }
                    _ => in_milliseconds(member),
                }
            }
        }
        _ => {}
    }
}

fn of_execution(before: Option<&Record>, after: &Record) -> Vec<Told> {
    let arn = text(&after.body, "PipelineExecutionArn").to_owned();
    let pipeline = arn
        .split("/execution/")
        .next()
        .unwrap_or_default()
        .to_owned();
    let mut told = Vec::new();
    let status = |record: &Record| record.body["PipelineExecutionStatus"].clone();
    if before.map(status) != Some(status(after)) {
        told.push(Told {
            title: "SageMaker Model Building Pipeline Execution Status Change",
            resources: vec![pipeline.clone(), arn.clone()],
            detail: execution(before, after, &pipeline, &arn),
        });
    }
    let known = before.map(pipeline::steps_of).unwrap_or_default();
    for step in pipeline::steps_of(after) {
        let earlier = known.iter().find(|one| one["StepName"] == step["StepName"]);
        if earlier.map(|one| &one["StepStatus"]) != Some(&step["StepStatus"]) {
            told.push(Told {
                title: "SageMaker Model Building Pipeline Execution Step Status Change",
                resources: vec![pipeline.clone(), arn.clone()],
                detail: self::step(earlier, &step, &pipeline, &arn),
            });
        }
    }
    told
}

fn execution(before: Option<&Record>, after: &Record, pipeline: &str, arn: &str) -> Value {
    let body = &after.body;
    let ended = !matches!(
        text(body, "PipelineExecutionStatus"),
        "Executing" | "Stopping"
    );
    let mut detail = json!({
        "pipelineArn": pipeline,
        "pipelineExecutionArn": arn,
        "pipelineExecutionDisplayName": body["PipelineExecutionDisplayName"],
        "currentPipelineExecutionStatus": body["PipelineExecutionStatus"],
        "executionStartTime": date(&body["CreationTime"]),
    });
    for (member, value) in [
        (
            "previousPipelineExecutionStatus",
            before.map(|one| &one.body["PipelineExecutionStatus"]),
        ),
        (
            "pipelineExecutionDescription",
            body.get("PipelineExecutionDescription"),
        ),
        ("failureReason", body.get("FailureReason")),
    ] {
        if let Some(value) = value {
            detail[member] = value.clone();
        }
    }
    if ended {
        detail["executionEndTime"] = date(&body["LastModifiedTime"]);
    }
    detail
}

fn step(before: Option<&Value>, after: &Value, pipeline: &str, arn: &str) -> Value {
    let mut detail = json!({
        "pipelineArn": pipeline,
        "pipelineExecutionArn": arn,
        "stepName": after["StepName"],
        "stepType": after["StepType"],
        "currentStepStatus": after["StepStatus"],
        "stepStartTime": date(&after["StartTime"]),
        "metadata": after.get("Metadata").map_or_else(|| json!({}), camel),
    });
    if let Some(before) = before {
        detail["previousStepStatus"] = before["StepStatus"].clone();
    }
    if let Some(ended) = after.get("EndTime") {
        detail["stepEndTime"] = date(ended);
    }
    if let Some(reason) = after.get("FailureReason") {
        detail["failureReason"] = reason.clone();
    }
    detail
}

/// Members whose names begin with a small letter.
fn camel(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter().map(|(name, member)| {
                let (first, rest) = name.split_at(name.len().min(1));
                (first.to_ascii_lowercase() + rest, camel(member))
            });
            Value::Object(members.collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "seconds since 1970")]
fn date(seconds: &Value) -> Value {
    let at = Timestamp::from_second(seconds.as_f64().unwrap_or(0.0) as i64);
    at.map_or(Value::Null, |at| at.to_string().into())
}
