//! Pipelines, from the definition to the registered package.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::work::{Job, JobKind, JobOutcome, Work};
use super::definition::{definition, resources};
use super::{BUCKET, Bench, ROLE, completed, scope};
use crate::resource::error::Class;

pub(super) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

pub(in crate::world) fn created() -> Bench {
    let mut bench = Bench::new();
    bench.ask(
        "CreatePipeline",
        json!({"PipelineName": "churn", "RoleArn": ROLE, "ClientRequestToken": TOKEN,
            "PipelineDefinition": definition().to_string()}),
    );
    bench
}

pub(in crate::world) fn start(bench: &mut Bench, token: char) -> String {
    let body = json!({
        "PipelineName": "churn",
        "ClientRequestToken": String::from(token).repeat(32),
        "PipelineExecutionDisplayName": "run-1",
        "PipelineParameters": [{"Name": "Data", "Value": format!("s3://{BUCKET}/data")},
            {"Name": "Rounds", "Value": "20"}],
    });
    let answer = bench.ask("StartPipelineExecution", body);
    answer["PipelineExecutionArn"].as_str().unwrap().to_owned()
}

pub(in crate::world) fn describe(bench: &mut Bench, arn: &str) -> Value {
    bench.ask(
        "DescribePipelineExecution",
        json!({"PipelineExecutionArn": arn}),
    )
}

/// Names and states of the steps that have started, in the order of their start.
pub(in crate::world) fn steps(bench: &mut Bench, arn: &str) -> Vec<(String, String)> {
    let body = json!({"PipelineExecutionArn": arn, "SortOrder": "Ascending"});
    let steps = bench.ask("ListPipelineExecutionSteps", body);
    let text = |step: &Value, name: &str| step[name].as_str().unwrap().to_owned();
    steps["PipelineExecutionSteps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (text(step, "StepName"), text(step, "StepStatus")))
        .collect()
}

pub(in crate::world) fn one_job(bench: &mut Bench) -> Job {
    let mut works = bench.wait(60);
    match (works.pop(), works.pop()) {
        (Some(Work::Run(job)), None) => job,
        other => panic!("{other:?}"),
    }
}

/// Runs everything up to the gate, with this measure in the report.
fn run(bench: &mut Bench, auc: f64) -> String {
    let arn = start(bench, 'a');
    let id = arn.rsplit('/').next().unwrap().to_owned();
    assert_eq!(id.len(), 12);
    let prepare = one_job(bench);
    assert!(
        prepare
            .name
            .starts_with(&format!("pipelines-{id}-Prepare-")),
        "{}",
        prepare.name
    );
    bench.job(prepare.id, completed(None));
    let train = one_job(bench);
    assert_eq!(train.kind, JobKind::Training);
    assert_eq!(train.request["HyperParameters"], json!({"rounds": "20"}));
    assert_eq!(
        train.request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"],
        json!(format!("s3://{BUCKET}/run/{id}/train"))
    );
    let artefact = format!("s3://{BUCKET}/models/{}/output/model.tar.gz", train.name);
    bench.job(train.id, completed(Some(&artefact)));
    let evaluate = one_job(bench);
    assert_eq!(
        evaluate.request["ProcessingInputs"][0]["S3Input"]["S3Uri"],
        json!(artefact)
    );
    let report = json!({"binary_classification_metrics": {"auc": {"value": auc}}}).to_string();
    bench.put(
        &format!("run/{id}/evaluation/evaluation.json"),
        report.as_bytes(),
    );
    bench.job(evaluate.id, completed(None));
    arn
}

#[test]
fn a_good_run_registers_a_package() {
    let mut bench = created();
    let arn = run(&mut bench, 0.9);
    let execution = describe(&mut bench, &arn);
    assert_eq!(execution["PipelineExecutionStatus"], "Succeeded");
    assert_eq!(execution["PipelineExecutionDisplayName"], "run-1");
    assert_eq!(execution["PipelineVersionId"], 1);
    assert_eq!(
        execution["PipelineExperimentConfig"]["ExperimentName"],
        "churn"
    );
    let names: Vec<String> = steps(&mut bench, &arn)
        .into_iter()
        .map(|(name, status)| format!("{name} {status}"))
        .collect();
    assert_eq!(
        names,
        [
            "Prepare Succeeded",
            "Train Succeeded",
            "Evaluate Succeeded",
            "Gate Succeeded",
            "Register Succeeded"
        ]
    );
    let package = bench.ask(
        "DescribeModelPackage",
        json!({"ModelPackageName": "arn:aws:sagemaker:eu-west-1:111122223333:model-package/churn/1"}),
    );
    let data = package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]
        .as_str()
        .unwrap();
    assert!(data.ends_with("/output/model.tar.gz"), "{data}");
    let parameters = bench.ask(
        "ListPipelineParametersForExecution",
        json!({"PipelineExecutionArn": arn}),
    );
    let values: BTreeMap<&str, &str> = parameters["PipelineParameters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|parameter| {
            (
                parameter["Name"].as_str().unwrap(),
                parameter["Value"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!((values["Threshold"], values["Rounds"]), ("0.8", "20"));
    let shown = bench.ask(
        "DescribePipelineDefinitionForExecution",
        json!({"PipelineExecutionArn": arn}),
    );
    assert_eq!(shown["PipelineDefinition"], json!(definition().to_string()));
    let listed = bench.ask("ListPipelineExecutions", json!({"PipelineName": "churn"}));
    assert_eq!(
        listed["PipelineExecutionSummaries"][0]["PipelineExecutionStatus"],
        "Succeeded"
    );
}

#[test]
fn a_weak_run_takes_the_other_branch() {
    let mut bench = created();
    let arn = run(&mut bench, 0.7);
    let execution = describe(&mut bench, &arn);
    assert_eq!(execution["PipelineExecutionStatus"], "Failed");
    assert_eq!(execution["FailureReason"], "auc below 0.8");
    let steps = steps(&mut bench, &arn);
    assert_eq!(
        steps.last().unwrap(),
        &("TooWeak".to_owned(), "Failed".to_owned())
    );
    assert!(steps.iter().all(|(name, _)| name != "Register"));
    bench.refused(
        "DescribeModelPackageGroup",
        json!({"ModelPackageGroupName": "churn"}),
        "ValidationException",
        "does not exist.",
    );
}

#[test]
fn a_failed_job_fails_the_execution() {
    let mut bench = created();
    let arn = start(&mut bench, 'a');
    let job = one_job(&mut bench);
    bench.job(
        job.id,
        JobOutcome::Failed("AlgorithmError: no rows, exit code: 1".to_owned()),
    );
    let execution = describe(&mut bench, &arn);
    assert_eq!(execution["PipelineExecutionStatus"], "Failed");
    assert_eq!(
        execution["FailureReason"],
        "Step failure: One or multiple steps failed."
    );
    let listed = bench.ask(
        "ListPipelineExecutionSteps",
        json!({"PipelineExecutionArn": arn}),
    );
    let step = &listed["PipelineExecutionSteps"][0];
    assert_eq!(
        step["FailureReason"],
        "AlgorithmError: no rows, exit code: 1"
    );
    assert!(step["Metadata"]["ProcessingJob"]["Arn"].is_string());
}

#[test]
fn a_report_that_is_not_there_fails_the_gate() {
    let mut bench = created();
    let arn = start(&mut bench, 'a');
    for _ in 0..3 {
        let job = one_job(&mut bench);
        bench.job(job.id, completed(None));
    }
    assert_eq!(
        describe(&mut bench, &arn)["PipelineExecutionStatus"],
        "Failed"
    );
    let listed = bench.ask(
        "ListPipelineExecutionSteps",
        json!({"PipelineExecutionArn": arn}),
    );
    let reason = listed["PipelineExecutionSteps"][0]["FailureReason"]
        .as_str()
        .unwrap();
    assert!(reason.contains("cannot read property file"), "{reason}");
}

#[test]
fn a_token_starts_once_and_parameters_are_checked() {
    let mut bench = created();
    let arn = start(&mut bench, 'a');
    assert_eq!(start(&mut bench, 'a'), arn);
    assert_ne!(start(&mut bench, 'b'), arn);
    let mut check = |parameters: Value, message: &str| {
        bench.refused(
            "StartPipelineExecution",
            json!({"PipelineName": "churn", "ClientRequestToken": "c".repeat(32),
                "PipelineParameters": parameters}),
            "ValidationException",
            message,
        );
    };
    check(json!([]), "[Data] has no default value");
    check(json!([{"Name": "No", "Value": "1"}]), "[No] is not defined");
    check(
        json!([{"Name": "Data", "Value": "s3://b/k"}, {"Name": "Rounds", "Value": "many"}]),
        "'many' of parameter [Rounds] is not of type Integer",
    );
    bench.refused(
        "StartPipelineExecution",
        json!({"PipelineName": "churn"}),
        "ValidationException",
        "Value null at 'clientRequestToken' failed to satisfy constraint: Member must not be null",
    );
}

#[test]
fn stopping_stops_what_runs() {
    let mut bench = created();
    let arn = start(&mut bench, 'a');
    let job = one_job(&mut bench);
    let stop = json!({"PipelineExecutionArn": arn, "ClientRequestToken": TOKEN});
    bench.ask("StopPipelineExecution", stop.clone());
    assert_eq!(
        describe(&mut bench, &arn)["PipelineExecutionStatus"],
        "Stopping"
    );
    let error = bench.refused(
        "DeletePipeline",
        json!({"PipelineName": "churn", "ClientRequestToken": TOKEN}),
        "ConflictException",
        "",
    );
    assert_eq!(error.class, Class::Busy);
    assert_eq!(bench.wait(1), [Work::Stop(job.id)]);
    bench.job(job.id, JobOutcome::Stopped);
    assert_eq!(
        describe(&mut bench, &arn)["PipelineExecutionStatus"],
        "Stopped"
    );
    assert_eq!(
        steps(&mut bench, &arn),
        [("Prepare".to_owned(), "Stopped".to_owned())]
    );
    bench.refused(
        "StopPipelineExecution",
        stop,
        "ValidationException",
        "cannot be stopped",
    );
    bench.ask(
        "DeletePipeline",
        json!({"PipelineName": "churn", "ClientRequestToken": TOKEN}),
    );
    let error = bench.refused(
        "DescribePipelineExecution",
        json!({"PipelineExecutionArn": arn}),
        "ResourceNotFound",
        "does not exist",
    );
    assert_eq!(error.class, Class::NotFound);
}

#[test]
fn parallel_steps_keep_to_the_limit() {
    let step = |name: &str| {
        json!({"Name": name, "Type": "Processing", "Arguments": {
            "ProcessingResources": resources(), "RoleArn": ROLE, "AppSpecification": {"ImageUri": "i"}}})
    };
    let definition = json!({"Version": "2020-12-01",
        "Steps": [step("a"), step("b_b"), step("c"), {"Name": "l", "Type": "Lambda", "DependsOn": ["a", "b_b", "c"]}]});
    let mut bench = Bench::new();
    bench.ask(
        "CreatePipeline",
        json!({"PipelineName": "churn", "RoleArn": ROLE, "ClientRequestToken": TOKEN,
            "PipelineDefinition": definition.to_string(),
            "ParallelismConfiguration": {"MaxParallelExecutionSteps": 2}}),
    );
    let body = json!({"PipelineName": "churn", "ClientRequestToken": TOKEN});
    let arn = bench.ask("StartPipelineExecution", body)["PipelineExecutionArn"].clone();
    let arn = arn.as_str().unwrap();
    let works = bench.wait(1);
    assert_eq!(works.len(), 2);
    for work in works {
        let Work::Run(job) = work else {
            panic!("{work:?}")
        };
        assert!(!job.name.contains('_'), "{}", job.name);
        bench.job(job.id, completed(None));
    }
    let last = one_job(&mut bench);
    bench.job(last.id, completed(None));
    assert_eq!(
        describe(&mut bench, arn)["PipelineExecutionStatus"],
        "Failed"
    );
    let listed = bench.ask(
        "ListPipelineExecutionSteps",
        json!({"PipelineExecutionArn": arn}),
    );
    assert_eq!(
        listed["PipelineExecutionSteps"][0]["FailureReason"],
        "Steps of type Lambda are not run here."
    );
    assert!(
        bench.world.calls().count("CreateProcessingJob").calls == 0,
        "{}",
        scope()
    );
}
