//! Whether a run is to be started.
//!
//! Everything is read from the list of executions: `<run digest>-a<k>` is attempt k. An attempt is
//! followed by another only where the service failed, at most [`RUN_ATTEMPTS_MAX`] times, or where
//! the commit has other gates than the attempt that failed.
//!
//! Only the newest executions and packages are read, because both lists grow for ever. An attempt
//! that is too old to be among them counts as none: that costs one run more, and that run is then
//! the newest. The opposite, never to run what cannot be ruled out, would stop every new run of an
//! old pipeline.

use serde_json::{Value, json};

use super::cause::Cause;
use super::observed::{Newest, Observed};
use super::report::{Note, PlanReport};
use super::step::{Action, Effect, Expect, Guard, Reason, Step};
use crate::clock::Timestamp;
use crate::compile::definition::package_description;
use crate::limits::{RUN_ATTEMPTS_MAX, RUN_DEADLINE};
use crate::resource::broken::Broken;
use crate::resource::call::Call;
use crate::resource::canonical;
use crate::resource::desired::{Desired, Key, Run};
use crate::resource::kinds::{MODEL_PACKAGE, PIPELINE, PIPELINE_EXECUTION};

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
    let Some(packages) = &observed.packages else {
        let words = "the packages of its group could not be read";
        report.note(Cause::Unreadable, subject, words);
        return None;
    };
    if package(&packages.items, run).is_some() {
        return None;
    }
    if let Some(trained) = trained(&packages.items, run) {
        // The code or the group that it needs may be somebody else's: the report says so.
        if !ready {
            return None;
        }
        return repackage(desired, run, trained, observed, report);
    }
    let Some(executions) = &observed.executions else {
        report.note(
            Cause::Unreadable,
            subject,
            "its executions could not be read",
        );
        return None;
    };
    let start =
        |count: u32, why: String| ready.then(|| start(desired, run, (count, executions), why));
    let latest = attempts(&executions.items, run)
        .into_iter()
        .max_by_key(|attempt| attempt.count);
    let Some(latest) = latest else {
        return start(
            1,
            if executions.cut {
                let among = executions.items.len();
                format!("the commit asks for a run that is not among the newest {among}")
            } else {
                "the commit asks for a run that was never started".to_owned()
            },
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
            let words = if packages.cut {
                let among = packages.items.len();
                format!("the run succeeded and its package is not among the newest {among}")
            } else {
                "the run succeeded and its package is not in the registry".to_owned()
            };
            report.note(Cause::PackageMissing, subject, words);
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
                Cause::RunFailed,
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
        since,
        deadline,
        ..Note::new(Cause::WaitingForRun, subject, "the pipeline is executing")
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

fn start(desired: &Desired, run: &Run, (count, executions): (u32, &Newest), why: String) -> Step {
    let count = if desired.broken == Broken::CountNoRuns {
        1
    } else {
        count
    };
    let name = format!("{}-a{count}", run.digest);
    let mut identity =
        json!({"v": 1, "pipeline": run.pipeline, "run": run.digest, "attempt": count});
    if let Some(mark) = executions.mark("PipelineExecutionArn") {
        identity["after"] = mark.into();
    }
    let body = json!({
        "PipelineName": run.pipeline,
        "PipelineExecutionDisplayName": name,
        "PipelineExecutionDescription": description(desired, run),
        "PipelineParameters": run.parameters,
        "ClientRequestToken": canonical::digest(&identity),
    });
    Step {
        action: Action::Start,
        kind: &PIPELINE_EXECUTION,
        name,
        call: Call::new("StartPipelineExecution", &desired.scope, body),
        guards: verified_version(desired, run),
        changes: Vec::new(),
        effect: Effect::Run,
        reason: Reason {
            text: why,
            commit: desired.commit.clone(),
            origin: run.origin.clone(),
        },
    }
}

/// The looks that find out which version of the pipeline is started: the newest, and only if that is
/// what the commit asks for. A description does not say of which version it is, and a start without
/// one takes whatever is the newest by then.
fn verified_version(desired: &Desired, run: &Run) -> Vec<Guard> {
    let guard = |op, mut body: Value, expect| {
        body["PipelineName"] = run.pipeline.clone().into();
        let call = Call::new(op, &desired.scope, body);
        Guard { call, expect }
    };
    let newest = guard(
        "ListPipelineVersions",
        json!({"SortOrder": "Descending", "MaxResults": 1}),
        Expect::Yields {
            from: "/PipelineVersionSummaries/0/PipelineVersionId",
            into: "PipelineVersionId",
        },
    );
    let wanted = desired.get(&Key::new(&PIPELINE, ""));
    let look = wanted.map(|pipeline| {
        let expect = Expect::Matches(&PIPELINE, Value::clone(&pipeline.body));
        guard(PIPELINE.ops.describe, json!({}), expect)
    });
    std::iter::once(newest).chain(look).collect()
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
            Cause::Unreadable,
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
    let mut identity =
        json!({"v": 1, "group": run.group, "run": run.digest, "serving": run.serving});
    let listed = observed.packages.as_ref();
    if let Some(mark) = listed.and_then(|packages| packages.mark("ModelPackageArn")) {
        identity["after"] = mark.into();
    }
    body["ClientToken"] = canonical::digest(&identity)[..36].into();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::unit::Unit;

    const DIGEST: &str = "d1d1d1d1d1";

    /// The step and the words that these executions lead to, without any package.
    fn planned(executions: Newest) -> (Option<Step>, String) {
        let mut desired = Desired::nothing(Unit::home("churn"));
        desired.run = Some(Run::churn(DIGEST));
        let mut observed = Observed::default();
        observed.packages = Some(Newest::default());
        observed.executions = Some(executions);
        let mut report = PlanReport {
            unit: Unit::home("churn"),
            notes: Vec::new(),
            observed_at: None,
        };
        let step = plan(&desired, &observed, true, &mut report);
        let words = report.notes.into_iter().map(|note| note.message).collect();
        (step, words)
    }

    fn execution(name: &str, status: &str) -> Value {
        json!({
            "PipelineExecutionDisplayName": name,
            "PipelineExecutionArn": format!("arn:{name}"),
            "PipelineExecutionStatus": status,
            "PipelineExecutionFailureReason": "InternalServerError",
            "PipelineExecutionDescription": format!("commit c gates {}", "0".repeat(16)),
        })
    }

    /// The name that is started, and its token.
    fn check(items: &[Value], cut: bool, starts: Option<&str>) -> String {
        let items = items.to_vec();
        let (step, words) = planned(Newest { items, cut });
        let name = step.as_ref().map(|step| step.name.as_str());
        assert_eq!(name, starts, "{words}");
        let Some(step) = &step else {
            return String::new();
        };
        assert_eq!(step.reason.text.contains("newest"), cut);
        let token = &step.call.body["ClientRequestToken"];
        token.as_str().expect("a token").to_owned()
    }

    #[test]
    fn an_attempt_that_is_too_old_to_be_listed_costs_one_run_and_no_more() {
        let first = format!("{DIGEST}-a1");
        let old = [execution("x-a1", "Succeeded"), execution("y-a1", "Failed")];
        let whole = check(&old, false, Some(&first));
        assert_eq!(whole, check(&[], false, Some(&first)), "one token for all");
        let beyond = check(&old, true, Some(&first));
        assert_ne!(beyond, whole, "it does not meet the token of the old one");
        assert_eq!(beyond, check(&old, true, Some(&first)), "but its own");
        // Once started it is the newest, and is found.
        let mut now = vec![execution(&first, "Executing")];
        now.extend(old);
        check(&now, false, None);
    }

    #[test]
    fn the_newest_attempt_counts() {
        let [first, second] = [1, 2].map(|count| format!("{DIGEST}-a{count}"));
        let failed = execution(&first, "Failed");
        check(std::slice::from_ref(&failed), false, Some(&second));
        check(&[execution(&second, "Executing"), failed], false, None);
    }
}
