//! Steps of pipelines beside training and processing.

use serde_json::{Value, json};

use super::definition::resources;
use super::pipeline::{TOKEN, describe, one_job, steps};
use super::{BUCKET, Bench, ROLE, completed};
use crate::world::work::JobKind;

/// A world with a pipeline `p` of these steps.
pub(super) fn with_steps(steps: Value) -> Bench {
    let mut bench = Bench::new();
    let definition = json!({
        "Version": "2020-12-01", "Steps": steps,
        "Parameters": [{"Name": "Note", "Type": "String", "DefaultValue": "a"}],
    });
    bench.ask(
        "CreatePipeline",
        json!({"PipelineName": "p", "RoleArn": ROLE, "ClientRequestToken": TOKEN,
            "PipelineDefinition": definition.to_string()}),
    );
    bench
}

pub(super) fn start(bench: &mut Bench, token: char, extra: Value) -> String {
    let mut request = json!({
        "PipelineName": "p", "ClientRequestToken": String::from(token).repeat(32),
    });
    for (member, value) in extra.as_object().unwrap() {
        request[member] = value.clone();
    }
    let answer = bench.ask("StartPipelineExecution", request);
    answer["PipelineExecutionArn"].as_str().unwrap().to_owned()
}

/// What is shown of one step.
pub(super) fn step(bench: &mut Bench, arn: &str, name: &str) -> Value {
    let steps = bench.ask(
        "ListPipelineExecutionSteps",
        json!({"PipelineExecutionArn": arn}),
    );
    let mut steps = steps["PipelineExecutionSteps"].as_array().unwrap().iter();
    let step = steps.find(|step| step["StepName"] == name);
    step.unwrap_or_else(|| panic!("no step {name}")).clone()
}

#[test]
fn a_model_is_made_and_transforms() {
    let container = json!({"Image": "i", "ModelDataUrl": format!("s3://{BUCKET}/m/model.tar.gz")});
    let mut bench = with_steps(json!([
        {"Name": "M-CreateModel", "Type": "Model", "Arguments": {
            "ExecutionRoleArn": ROLE, "PrimaryContainer": container}},
        {"Name": "Score", "Type": "Transform", "Arguments": {
            "ModelName": {"Get": "Steps.M-CreateModel.ModelName"},
            "TransformInput": {"DataSource": {"S3DataSource": {
                "S3DataType": "S3Prefix", "S3Uri": format!("s3://{BUCKET}/in")}}},
            "TransformOutput": {"S3OutputPath": format!("s3://{BUCKET}/out")},
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1}}},
        {"Name": "Say", "Type": "Fail", "Arguments": {
            "ErrorMessage": {"Get": "Steps.Score.TransformOutput.S3OutputPath"}}}
    ]));
    bench.put("m/model.tar.gz", b"weights");
    let arn = start(&mut bench, 'a', json!({}));
    let job = one_job(&mut bench);
    assert_eq!(job.kind, JobKind::Transform);
    let made = step(&mut bench, &arn, "M-CreateModel");
    assert_eq!(made["StepStatus"], "Succeeded");
    let model = job.request["ModelName"].as_str().unwrap();
    assert!(model.starts_with("pipelines-"), "{model}");
    let found = bench.ask("DescribeModel", json!({"ModelName": model}));
    assert_eq!(made["Metadata"]["Model"]["Arn"], found["ModelArn"]);
    bench.job(job.id, completed(None));
    let scored = step(&mut bench, &arn, "Score");
    let job = scored["Metadata"]["TransformJob"]["Arn"].as_str().unwrap();
    assert!(job.contains(":transform-job/pipelines-"), "{job}");
    let reason = format!("s3://{BUCKET}/out");
    assert_eq!(describe(&mut bench, &arn)["FailureReason"], reason);
}

#[test]
fn what_is_not_run_here_says_so() {
    let mut bench = with_steps(json!([{"Name": "C", "Type": "ClarifyCheck", "Arguments": {}}]));
    let arn = start(&mut bench, 'a', json!({}));
    let found = step(&mut bench, &arn, "C");
    assert_eq!(
        found["FailureReason"],
        "Steps of type ClarifyCheck are not run here."
    );
    assert_eq!(
        describe(&mut bench, &arn)["PipelineExecutionStatus"],
        "Failed"
    );
}

/// A world whose pipeline checks the quality of data.
fn checking(extra: Value) -> Bench {
    let mut check = json!({
        "Name": "Check", "Type": "QualityCheck", "CheckType": "DATA_QUALITY",
        "ModelPackageGroupName": "churn", "SkipCheck": false, "RegisterNewBaseline": false,
        "Arguments": {
            "ProcessingResources": resources(), "RoleArn": ROLE,
            "AppSpecification": {"ImageUri": "analyzer"},
            "Environment": {"dataset_source": "/opt/ml/processing/input/baseline_dataset_input"},
            "ProcessingOutputConfig": {"Outputs": [{
                "OutputName": "quality_check_output", "S3Output": {
                    "S3Uri": format!("s3://{BUCKET}/check/"),
                    "LocalPath": "/opt/ml/processing/output", "S3UploadMode": "EndOfJob"}}]}},
    });
    for (member, value) in extra.as_object().unwrap() {
        check[member] = value.clone();
    }
    with_steps(
        json!([check, {"Name": "Say", "Type": "Fail", "Arguments": {"ErrorMessage": {
        "Std:Join": {"On": " ", "Values": [
            {"Get": "Steps.Check.CalculatedBaselineStatistics"},
            {"Get": "Steps.Check.BaselineUsedForDriftCheckConstraints"}]}}}}]),
    )
}

fn supplied() -> Value {
    json!({
        "SuppliedBaselineStatistics": format!("s3://{BUCKET}/old/statistics.json"),
        "SuppliedBaselineConstraints": format!("s3://{BUCKET}/old/constraints.json"),
    })
}

#[test]
fn a_check_gives_the_analyzer_the_baseline_before() {
    let mut bench = checking(supplied());
    let arn = start(&mut bench, 'a', json!({}));
    let job = one_job(&mut bench);
    assert_eq!(job.kind, JobKind::Processing);
    let environment = &job.request["Environment"];
    let folder = "/opt/ml/processing/baseline/baseline_constraints";
    assert_eq!(
        environment["baseline_constraints"],
        format!("{folder}/constraints.json")
    );
    let inputs = job.request["ProcessingInputs"].as_array().unwrap();
    assert_eq!(inputs.len(), 2);
    assert_eq!(inputs[1]["S3Input"]["LocalPath"], folder);
    bench.job(job.id, completed(None));
    let reason = &describe(&mut bench, &arn)["FailureReason"];
    assert_eq!(
        *reason,
        format!("s3://{BUCKET}/check/statistics.json s3://{BUCKET}/old/constraints.json")
    );
    let facts = step(&mut bench, &arn, "Check")["Metadata"]["QualityCheck"].clone();
    assert_eq!(facts["CheckType"], "DATA_QUALITY");
    assert_eq!(facts["SkipCheck"], false);
    assert!(
        facts["CheckJobArn"]
            .as_str()
            .unwrap()
            .contains(":processing-job/")
    );
    assert_eq!(facts.get("ViolationReport"), None);
}

#[test]
fn a_violated_baseline_fails_a_check_that_does_not_let_it_pass() {
    let report = json!({"violations": [{"feature_name": "age"}]}).to_string();
    let check = |extra: Value, status: &str| {
        let mut members = supplied();
        for (member, value) in extra.as_object().unwrap() {
            members[member] = value.clone();
        }
        let mut bench = checking(members);
        let arn = start(&mut bench, 'a', json!({}));
        let job = one_job(&mut bench);
        bench.put("check/constraint_violations.json", report.as_bytes());
        bench.job(job.id, completed(None));
        let found = step(&mut bench, &arn, "Check");
        assert_eq!(found["StepStatus"], status, "{found}");
        found
    };
    let found = check(json!({}), "Failed");
    let uri = format!("s3://{BUCKET}/check/constraint_violations.json");
    assert_eq!(found["Metadata"]["QualityCheck"]["ViolationReport"], uri);
    assert!(found["FailureReason"].as_str().unwrap().contains(&uri));
    let found = check(json!({"FailOnViolation": false}), "Succeeded");
    assert_eq!(found["Metadata"]["QualityCheck"]["ViolationReport"], uri);
    let found = check(json!({"SkipCheck": true}), "Succeeded");
    let facts = &found["Metadata"]["QualityCheck"];
    assert_eq!(facts.get("ViolationReport"), None);
}

#[test]
fn the_newest_approved_package_has_the_baseline_before() {
    let none = json!({"RegisterNewBaseline": true});
    let mut bench = checking(none.clone());
    let arn = start(&mut bench, 'a', json!({}));
    let reason = step(&mut bench, &arn, "Check")["FailureReason"].clone();
    let reason = reason.as_str().unwrap();
    assert!(
        reason.contains("no earlier baseline of DATA_QUALITY"),
        "{reason}"
    );

    let mut bench = checking(none);
    bench.ask(
        "CreateModelPackageGroup",
        json!({"ModelPackageGroupName": "churn"}),
    );
    for (status, folder) in [("Approved", "one"), ("Rejected", "two")] {
        let file = |name: &str| {
            let uri = format!("s3://{BUCKET}/{folder}/{name}.json");
            json!({"ContentType": "application/json", "S3Uri": uri})
        };
        bench.ask(
            "CreateModelPackage",
            json!({
                "ModelPackageGroupName": "churn", "ModelApprovalStatus": status,
                "InferenceSpecification": {"Containers": [{"Image": "i"}]},
                "DriftCheckBaselines": {"ModelDataQuality": {
                    "Statistics": file("statistics"), "Constraints": file("constraints")}},
            }),
        );
    }
    let arn = start(&mut bench, 'a', json!({}));
    let job = one_job(&mut bench);
    assert_eq!(
        job.request["ProcessingInputs"][0]["S3Input"]["S3Uri"],
        format!("s3://{BUCKET}/one/statistics.json")
    );
    let facts = step(&mut bench, &arn, "Check")["Metadata"]["QualityCheck"].clone();
    let calculated = format!("s3://{BUCKET}/check/constraints.json");
    assert_eq!(facts["BaselineUsedForDriftCheckConstraints"], calculated);
    assert_eq!(steps(&mut bench, &arn)[0].1, "Executing");
}
