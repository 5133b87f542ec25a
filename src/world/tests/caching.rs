//! Steps that are not run, or run again: caching, retry policies, selective execution.

use serde_json::{Value, json};

use super::definition::resources;
use super::pipeline::{describe, one_job, steps};
use super::steps::{start, step, with_steps};
use super::{BUCKET, Bench, ROLE, completed};
use crate::world::work::JobOutcome;

/// A processing step that is run with the pipeline's note in its environment.
fn processing(name: &str, extra: Value) -> Value {
    let mut step = json!({
        "Name": name, "Type": "Processing", "Arguments": {
            "ProcessingResources": resources(), "RoleArn": ROLE,
            "AppSpecification": {"ImageUri": "i"},
            "Environment": {"NOTE": {"Get": "Parameters.Note"}},
            "ProcessingOutputConfig": {"Outputs": [{"OutputName": "out", "S3Output": {
                "S3Uri": {"Std:Join": {"On": "/", "Values":
                    ["s3:/", BUCKET, {"Get": "Execution.PipelineExecutionId"}]}},
                "LocalPath": "/opt/ml/processing/out", "S3UploadMode": "EndOfJob"}}]}},
    });
    for (member, value) in extra.as_object().unwrap() {
        step[member] = value.clone();
    }
    step
}

fn cached(after: &str) -> Value {
    json!({"CacheConfig": {"Enabled": true, "ExpireAfter": after}})
}

fn note(value: &str) -> Value {
    json!({"PipelineParameters": [{"Name": "Note", "Value": value}]})
}

fn succeeds(bench: &mut Bench) {
    let job = one_job(bench);
    bench.job(job.id, completed(None));
}

#[test]
fn what_was_done_with_the_same_arguments_is_not_done_again() {
    let out = "Steps.Work.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri";
    let say = json!({"Name": "Say", "Type": "Fail", "Arguments": {"ErrorMessage": {"Get": out}}});
    let mut bench = with_steps(json!([processing("Work", cached("P1D")), say]));
    let first = start(&mut bench, 'a', note("a"));
    succeeds(&mut bench);
    let place = describe(&mut bench, &first)["FailureReason"].clone();
    assert_eq!(step(&mut bench, &first, "Work").get("CacheHitResult"), None);

    // Its output, too, is that of the earlier execution.
    let second = start(&mut bench, 'b', note("a"));
    assert_eq!(bench.wait(1), []);
    let work = step(&mut bench, &second, "Work");
    assert_eq!(work["StepStatus"], "Succeeded");
    assert_eq!(
        work["CacheHitResult"],
        json!({"SourcePipelineExecutionArn": first})
    );
    assert_eq!(describe(&mut bench, &second)["FailureReason"], place);

    start(&mut bench, 'c', note("b"));
    succeeds(&mut bench);
    // A hit is not a run: a day after the only one there is none any more.
    bench.wait(24 * 60 * 60);
    let late = start(&mut bench, 'd', note("a"));
    let job = one_job(&mut bench);
    assert_eq!(step(&mut bench, &late, "Work")["StepStatus"], "Executing");

    // What failed is nobody's cache.
    bench.job(job.id, JobOutcome::Failed("AlgorithmError: no".to_owned()));
    start(&mut bench, 'e', note("a"));
    one_job(&mut bench);
}

#[test]
fn a_job_that_is_gone_is_no_cache_and_neither_is_another_pipeline() {
    let mut bench = with_steps(json!([processing("Work", cached("30d"))]));
    start(&mut bench, 'a', json!({}));
    let job = one_job(&mut bench);
    bench.job(job.id, completed(None));
    let request = json!({"PipelineName": "p"});
    let definition = bench.ask("DescribePipeline", request)["PipelineDefinition"].clone();
    let other = json!({"PipelineName": "p2", "RoleArn": ROLE, "PipelineDefinition": definition,
        "ClientRequestToken": "x".repeat(32)});
    bench.ask("CreatePipeline", other);
    start(&mut bench, 'b', json!({"PipelineName": "p2"}));
    let theirs = one_job(&mut bench);
    bench.job(theirs.id, completed(None));
    bench.ask(
        "DeleteProcessingJob",
        json!({"ProcessingJobName": job.name}),
    );
    start(&mut bench, 'c', json!({}));
    one_job(&mut bench);
}

fn failed(reason: &str) -> JobOutcome {
    JobOutcome::Failed(reason.to_owned())
}

#[test]
fn a_fault_of_the_service_is_tried_again_after_a_while() {
    let policy = json!({"RetryPolicies": [
        {"ExceptionType": ["SageMaker.CAPACITY_ERROR"], "MaxAttempts": 1},
        {"ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR"], "IntervalSeconds": 100,
            "BackoffRate": 3.0, "MaxAttempts": 2}]});
    let mut bench = with_steps(json!([processing("Work", policy)]));
    let arn = start(&mut bench, 'a', json!({}));
    let mut names = Vec::new();
    for pause in [100, 300] {
        let job = one_job(&mut bench);
        bench.job(job.id, failed("InternalServerError: a disk broke"));
        names.push(job.name);
        assert_eq!(bench.wait(pause - 61), [], "{pause}");
        assert_eq!(step(&mut bench, &arn, "Work")["StepStatus"], "Executing");
        bench.wait(1);
    }
    let last = one_job(&mut bench);
    assert!(!names.contains(&last.name), "{}", last.name);
    bench.job(last.id, failed("InternalServerError: again"));
    let found = step(&mut bench, &arn, "Work");
    assert_eq!(found["StepStatus"], "Failed");
    assert_eq!(found["AttemptCount"], 3);
    assert_eq!(found["FailureReason"], "InternalServerError: again");
    let status = &describe(&mut bench, &arn)["PipelineExecutionStatus"];
    assert_eq!(status, "Failed");
}

#[test]
fn the_jobs_own_fault_is_not_tried_again_and_no_fault_for_ever() {
    let minutes = json!({"RetryPolicies": [{"ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR"],
        "IntervalSeconds": 40, "BackoffRate": 1.0, "ExpireAfterMin": 3}]});
    let mut bench = with_steps(json!([processing("Work", minutes.clone())]));
    let arn = start(&mut bench, 'a', json!({}));
    let mut tries = 0;
    while step(&mut bench, &arn, "Work")["StepStatus"] == "Executing" {
        let job = one_job(&mut bench);
        bench.job(job.id, failed("InternalServerError: a disk broke"));
        tries += 1;
    }
    // At 60 s, and after 40 s, which one_job waits 60 s for: at 120 s; the next would begin at 160 s.
    assert_eq!(tries, 3);

    let mut bench = with_steps(json!([processing("Work", minutes)]));
    let arn = start(&mut bench, 'a', json!({}));
    let job = one_job(&mut bench);
    bench.job(job.id, failed("AlgorithmError: bad data"));
    assert_eq!(step(&mut bench, &arn, "Work")["AttemptCount"], 1);
    assert_eq!(
        describe(&mut bench, &arn)["PipelineExecutionStatus"],
        "Failed"
    );
}

#[test]
fn what_waits_for_its_next_try_is_stopped_at_once() {
    let policy = json!({"RetryPolicies": [
        {"ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR"], "IntervalSeconds": 600}]});
    let mut bench = with_steps(json!([processing("Work", policy)]));
    let arn = start(&mut bench, 'a', json!({}));
    let job = one_job(&mut bench);
    bench.job(job.id, failed("InternalServerError: a disk broke"));
    let stop = json!({"PipelineExecutionArn": arn, "ClientRequestToken": "s".repeat(32)});
    bench.ask("StopPipelineExecution", stop);
    assert_eq!(step(&mut bench, &arn, "Work")["StepStatus"], "Stopped");
    assert_eq!(
        describe(&mut bench, &arn)["PipelineExecutionStatus"],
        "Stopped"
    );
    assert_eq!(bench.wait(1200), []);
}

#[test]
fn selected_steps_run_on_what_an_earlier_execution_did() {
    let after = |name: &str| json!({"DependsOn": [name]});
    let mut bench = with_steps(json!([
        processing("One", json!({})),
        processing("Two", after("One")),
        processing("Three", after("Two")),
    ]));
    let selected = |arn: &str, name: &str| {
        let mut config = json!({"SelectedSteps": [{"StepName": name}]});
        if !arn.is_empty() {
            config["SourcePipelineExecutionArn"] = json!(arn);
        }
        json!({"SelectiveExecutionConfig": config})
    };
    let first = start(&mut bench, 'a', json!({}));
    succeeds(&mut bench);
    let two = one_job(&mut bench);
    bench.job(two.id, failed("AlgorithmError: bad"));

    let second = start(&mut bench, 'b', selected(&first, "Two"));
    succeeds(&mut bench);
    let shown = steps(&mut bench, &second);
    assert_eq!(shown.len(), 2, "{shown:?}");
    let one = step(&mut bench, &second, "One");
    assert_eq!(
        one["SelectiveExecutionResult"],
        json!({"SourcePipelineExecutionArn": first})
    );
    let found = describe(&mut bench, &second);
    assert_eq!(found["PipelineExecutionStatus"], "Succeeded");
    let config = &found["SelectiveExecutionConfig"];
    assert_eq!(config["SourcePipelineExecutionArn"], first);

    let mut refused = |config: Value, words: &str| {
        let mut request = config;
        request["PipelineName"] = json!("p");
        request["ClientRequestToken"] = json!("r".repeat(32));
        bench.refused(
            "StartPipelineExecution",
            request,
            "ValidationException",
            words,
        );
    };
    refused(selected(&first, "Three"), "Step Two is needed");
    refused(selected(&first, "Four"), "has no step Four");
    refused(selected(&format!("{first}x"), "Two"), "has no execution");
    // The newest one is taken over from where none is named.
    start(&mut bench, 'c', selected("", "Three"));
    succeeds(&mut bench);
}
