//! Whether a run is to be started.
//!
//! Everything is read from the list of executions: `<run digest>-a<k>` is attempt k. An attempt is
//! followed by another only where the service failed, at most [`RUN_ATTEMPTS_MAX`] times, or where
//! the commit has other gates than the attempt that failed.

use serde_json::{Value, json};

use super::observed::Observed;
use super::report::{Note, PlanReport, State};
use super::step::{Action, Effect, Reason, Step};
use crate::clock::Timestamp;
use crate::compile::definition::package_description;
use crate::limits::{RUN_ATTEMPTS_MAX, RUN_DEADLINE};
use crate::resource::broken::Broken;
use crate::resource::call::Call;
use crate::resource::canonical;
use crate::resource::desired::{Desired, Run};
use crate::resource::kinds::{MODEL_PACKAGE, PIPELINE_EXECUTION};

/// One execution for a run digest.
#[derive(Debug, Clone, PartialEq)]
struct Attempt<'a> {
    count: u32,
    summary: &'a Value,
}

/// The execution that speaks for a run digest: its latest attempt.
pub fn latest_execution<'a>(executions: &'a [Value], run: &Run) -> Option<&'a Value> {
    attempts(executions, run)
        .into_iter()
        .max_by_key(|attempt| attempt.count)
        .map(|attempt| attempt.summary)
}

/// The summary of the newest finished package of a run, with the wanted serving code.
pub fn package<'a>(packages: &'a [Value], run: &Run) -> Option<&'a Value> {
    newest(packages, &package_description(&run.digest, &run.serving))
}

/// The newest finished package of a run, whatever it serves with.
pub fn trained<'a>(packages: &'a [Value], run: &Run) -> Option<&'a Value> {
    newest(packages, &package_description(&run.digest, ""))
}

fn newest<'a>(packages: &'a [Value], description: &str) -> Option<&'a Value> {
    packages
        .iter()
        .filter(|one| {
            one["ModelPackageDescription"]
                .as_str()
                .is_some_and(|text| text.starts_with(description))
        })
        .filter(|one| one["ModelPackageStatus"] == "Completed")
        .max_by_key(|one| one["ModelPackageVersion"].as_u64())
}

fn attempts<'a>(executions: &'a [Value], run: &Run) -> Vec<Attempt<'a>> {
    executions
        .iter()
        .filter_map(|summary| {
            let name = summary["PipelineExecutionDisplayName"].as_str()?;
            let count = name
                .strip_prefix(&run.digest)?
                .strip_prefix("-a")?
                .parse()
                .ok()?;
            Some(Attempt { count, summary })
        })
        .collect()
}

/// Plans the run of a home: at most one step. `ready` says that the code, the data and the pipeline
/// are there, or are made by steps before.
pub fn plan(
    desired: &Desired,
    observed: &Observed,
    ready: bool,
    report: &mut PlanReport,
) -> Option<Step> {
    let run = desired.run.as_ref()?;
    let subject = format!("run {}", &run.digest[..8]);
    let (Some(executions), Some(packages)) = (&observed.executions, &observed.packages) else {
        report.note(
            State::Unknown,
            subject,
            "its executions and packages could not be read",
        );
        return None;
    };
    if package(packages, run).is_some() {
        return None;
    }
    if let Some(trained) = trained(packages, run) {
        // The code or the group that it needs may be somebody else's: the report says so.
        if !ready {
            return None;
        }
        return repackage(desired, run, trained, observed, report);
    }
    let start = |count: u32, why: String| ready.then(|| start(desired, run, count, why));
    let latest = attempts(executions, run)
        .into_iter()
        .max_by_key(|attempt| attempt.count);
    let Some(latest) = latest else {
        return start(
            1,
            "the commit asks for a run that was never started".to_owned(),
        );
    };
    match latest.summary["PipelineExecutionStatus"]
        .as_str()
        .unwrap_or_default()
    {
        "Executing" | "Stopping" => {
            report.notes.push(moving(subject, latest.summary));
            None
        }
        "Succeeded" => {
            report.note(
                State::Blocked,
                subject,
                "the run succeeded and its package is not in the registry",
            );
            None
        }
        ended => {
            let reason = failure(observed, latest.summary).unwrap_or_else(|| ended.to_owned());
            let other_gates = latest.summary["PipelineExecutionDescription"]
                .as_str()
                .is_some_and(|text| text != description(desired, run) && !same_gates(text, run));
            if other_gates {
                return start(
                    latest.count + 1,
                    "the gates changed since the last attempt".to_owned(),
                );
            }
            if is_awss_fault(&reason) && latest.count < RUN_ATTEMPTS_MAX {
                return start(latest.count + 1, format!("the service failed: {reason}"));
            }
            report.note(
                State::Degraded,
                subject,
                format!("attempt {} failed: {reason}", latest.count),
            );
            None
        }
    }
}

fn moving(subject: String, summary: &Value) -> Note {
    let since = summary["StartTime"].as_f64().and_then(timestamp);
    let deadline = since.and_then(|since| since.checked_add(RUN_DEADLINE).ok());
    Note {
        state: State::Waiting,
        subject,
        message: "the pipeline is executing".to_owned(),
        since,
        deadline,
    }
}

/// An instant from SageMaker's seconds since the epoch.
pub fn timestamp(seconds: f64) -> Option<Timestamp> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "milliseconds of any real date fit"
    )]
    Timestamp::from_millisecond((seconds * 1000.0).round() as i64).ok()
}

/// The words of the step that failed, which say more than the execution's own.
fn failure(observed: &Observed, summary: &Value) -> Option<String> {
    let of_steps = observed
        .steps
        .iter()
        .flatten()
        .filter(|step| step["StepStatus"] == "Failed")
        .find_map(|step| {
            Some(format!(
                "{}: {}",
                step["StepName"].as_str()?,
                step["FailureReason"].as_str()?
            ))
        });
    of_steps.or_else(|| {
        summary["PipelineExecutionFailureReason"]
            .as_str()
            .map(str::to_owned)
    })
}

fn is_awss_fault(reason: &str) -> bool {
    [
        "InternalServerError",
        "CapacityError",
        "ResourceLimitExceeded",
        "ThrottlingException",
    ]
    .iter()
    .any(|word| reason.contains(word))
}

fn description(desired: &Desired, run: &Run) -> String {
    format!("commit {} gates {}", desired.commit, &run.gates[..16])
}

fn same_gates(text: &str, run: &Run) -> bool {
    text.ends_with(&format!("gates {}", &run.gates[..16]))
}

fn start(desired: &Desired, run: &Run, count: u32, why: String) -> Step {
    let count = if desired.broken == Broken::CountNoRuns {
        1
    } else {
        count
    };
    let name = format!("{}-a{count}", run.digest);
    let token = canonical::digest(
        &json!({"v": 1, "pipeline": run.pipeline, "run": run.digest, "attempt": count}),
    );
    let body = json!({
        "PipelineName": run.pipeline,
        "PipelineExecutionDisplayName": name,
        "PipelineExecutionDescription": description(desired, run),
        "PipelineParameters": run.parameters,
        "ClientRequestToken": token,
    });
    Step {
        action: Action::Start,
        kind: &PIPELINE_EXECUTION,
        name,
        call: Call::new("StartPipelineExecution", &desired.scope, body),
        guards: Vec::new(),
        changes: Vec::new(),
        effect: Effect::Run,
        reason: Reason {
            text: why,
            commit: desired.commit.clone(),
            origin: run.origin.clone(),
        },
    }
}

/// The model is trained; only the code that serves it changed: a new version of the same artefact.
fn repackage(
    desired: &Desired,
    run: &Run,
    trained: &Value,
    observed: &Observed,
    report: &mut PlanReport,
) -> Option<Step> {
    let arn = trained["ModelPackageArn"].as_str()?;
    let Some(package) = observed.object(&MODEL_PACKAGE, arn) else {
        report.note(
            State::Unknown,
            format!("ModelPackage {arn}"),
            "it could not be read",
        );
        return None;
    };
    let mut body = json!({
        "ModelPackageGroupName": run.group,
        "ModelPackageDescription": package_description(&run.digest, &run.serving),
        "ModelApprovalStatus": "PendingManualApproval",
        "SkipModelValidation": "All",
    });
    for member in [
        "InferenceSpecification",
        "ModelMetrics",
        "CustomerMetadataProperties",
    ] {
        let value = &package.body[member];
        if !value.is_null() {
            body[member] = value.clone();
        }
    }
    let container = &mut body["InferenceSpecification"]["Containers"][0];
    if let Some(container) = container.as_object_mut() {
        container.remove("ImageDigest");
    }
    container["Environment"]["SAGEMAKER_SUBMIT_DIRECTORY"] = run.serving_uri.clone().into();
    body["CustomerMetadataProperties"][crate::compile::definition::SERVING_KEY] =
        run.serving.clone().into();
    let token = canonical::digest(
        &json!({"v": 1, "group": run.group, "run": run.digest, "serving": run.serving}),
    );
    body["ClientToken"] = token[..36].into();
    Some(Step {
        action: Action::Create,
        kind: &MODEL_PACKAGE,
        name: format!(
            "{} (run {}, other serving code)",
            run.group,
            &run.digest[..8]
        ),
        call: Call::new("CreateModelPackage", &desired.scope, body),
        guards: Vec::new(),
        changes: Vec::new(),
        effect: Effect::None,
        reason: Reason {
            text: "only the serving code changed: the trained artefact is packaged again"
                .to_owned(),
            commit: desired.commit.clone(),
            origin: run.origin.clone(),
        },
    })
}
