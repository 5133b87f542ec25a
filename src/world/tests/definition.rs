//! Pipelines: definitions and their versions.

use serde_json::{Value, json};

use super::pipeline::{TOKEN, created, describe};
use super::{BUCKET, Bench, ROLE};
use crate::resource::error::Class;

pub(super) fn resources() -> Value {
    json!({"ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30}})
}

fn output(name: &str) -> Value {
    json!({"OutputName": name, "S3Output": {
        "S3Uri": {"Std:Join": {"On": "/", "Values":
            ["s3:/", BUCKET, "run", {"Get": "Execution.PipelineExecutionId"}, name]}},
        "LocalPath": format!("/opt/ml/processing/{name}"), "S3UploadMode": "EndOfJob"}})
}

fn input(name: &str, uri: Value) -> Value {
    json!({"InputName": name, "S3Input": {
        "S3Uri": uri, "LocalPath": format!("/opt/ml/processing/{name}"), "S3DataType": "S3Prefix"}})
}

/// Prepare, train, evaluate; register if the measure reaches the threshold, else fail.
pub(super) fn definition() -> Value {
    json!({
        "Version": "2020-12-01",
        "Parameters": [
            {"Name": "Threshold", "Type": "Float", "DefaultValue": 0.8},
            {"Name": "Rounds", "Type": "Integer", "DefaultValue": 10},
            {"Name": "Data", "Type": "String"},
        ],
        "PipelineExperimentConfig": {"ExperimentName": {"Get": "Execution.PipelineName"},
            "TrialName": {"Get": "Execution.PipelineExecutionId"}},
        "Steps": [
            {"Name": "Prepare", "Type": "Processing", "Arguments": {
                "ProcessingResources": resources(), "RoleArn": ROLE,
                "AppSpecification": {"ImageUri": "i"},
                "ProcessingInputs": [input("raw", json!({"Get": "Parameters.Data"}))],
                "ProcessingOutputConfig": {"Outputs": [output("train"), output("test")]}}},
            {"Name": "Train", "Type": "Training", "Arguments": {
                "AlgorithmSpecification": {"TrainingImage": "i", "TrainingInputMode": "File"},
                "RoleArn": ROLE,
                "HyperParameters": {"rounds": {"Std:Join": {"On": "", "Values": [{"Get": "Parameters.Rounds"}]}}},
                "OutputDataConfig": {"S3OutputPath": format!("s3://{BUCKET}/models")},
                "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
                "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": {
                    "S3DataType": "S3Prefix",
                    "S3Uri": {"Get": "Steps.Prepare.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"}}}}]}},
            {"Name": "Evaluate", "Type": "Processing",
                "PropertyFiles": [{"PropertyFileName": "Report", "OutputName": "evaluation",
                    "FilePath": "evaluation.json"}],
                "Arguments": {
                    "ProcessingResources": resources(), "RoleArn": ROLE,
                    "AppSpecification": {"ImageUri": "i"},
                    "ProcessingInputs": [
                        input("model", json!({"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"})),
                        input("test", json!({"Get": "Steps.Prepare.ProcessingOutputConfig.Outputs['test'].S3Output.S3Uri"}))],
                    "ProcessingOutputConfig": {"Outputs": [output("evaluation")]}}},
            {"Name": "Gate", "Type": "Condition", "Arguments": {
                "Conditions": [{"Type": "GreaterThanOrEqualTo",
                    "LeftValue": {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.Report"},
                        "Path": "binary_classification_metrics.auc.value"}},
                    "RightValue": {"Get": "Parameters.Threshold"}}],
                "IfSteps": [{"Name": "Register", "Type": "RegisterModel", "Arguments": {
                    "ModelPackageGroupName": "churn",
                    "InferenceSpecification": {"Containers": [{"Image": "i",
                        "ModelDataUrl": {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}}]}}}],
                "ElseSteps": [{"Name": "TooWeak", "Type": "Fail", "Arguments": {
                    "ErrorMessage": {"Std:Join": {"On": " ", "Values":
                        ["auc below", {"Get": "Parameters.Threshold"}]}}}}]}},
        ],
    })
}

#[test]
fn every_update_is_a_version() {
    let mut bench = created();
    let create = json!({"PipelineName": "churn", "RoleArn": ROLE, "ClientRequestToken": TOKEN,
        "PipelineDefinition": definition().to_string()});
    let same = bench.ask("CreatePipeline", create.clone());
    assert_eq!(
        same["PipelineArn"],
        "arn:aws:sagemaker:eu-west-1:111122223333:pipeline/churn"
    );
    let mut other = create;
    other["ClientRequestToken"] = json!("x".repeat(32));
    let error = bench.refused(
        "CreatePipeline",
        other,
        "ValidationException",
        "Pipeline names must be unique within an AWS account and region. Pipeline with name \
         (churn) already exists.",
    );
    assert_eq!(error.class, Class::AlreadyExists);
    bench.wait(10);
    let mut changed = definition();
    changed["Parameters"][0]["DefaultValue"] = json!(0.5);
    let updated = bench.ask(
        "UpdatePipeline",
        json!({"PipelineName": "churn", "PipelineDefinition": changed.to_string(),
            "PipelineDescription": "second"}),
    );
    assert_eq!(updated["PipelineVersionId"], 2);
    let now = bench.ask("DescribePipeline", json!({"PipelineName": "churn"}));
    assert_eq!(now["PipelineDefinition"], json!(changed.to_string()));
    assert!(now["LastModifiedTime"].as_f64() > now["CreationTime"].as_f64());
    let first = bench.ask(
        "DescribePipeline",
        json!({"PipelineName": "churn", "PipelineVersionId": 1}),
    );
    assert_eq!(first["PipelineDefinition"], json!(definition().to_string()));
    assert_eq!(first.get("PipelineDescription"), None);
    let versions = bench.ask("ListPipelineVersions", json!({"PipelineName": "churn"}));
    assert_eq!(
        versions["PipelineVersionSummaries"][0]["PipelineVersionId"],
        2
    );
    let body = json!({
        "PipelineName": "arn:aws:sagemaker:eu-west-1:111122223333:pipeline/churn",
        "ClientRequestToken": TOKEN, "PipelineVersionId": 1,
        "PipelineParameters": [{"Name": "Data", "Value": "s3://b/k"}],
    });
    let arn = bench.ask("StartPipelineExecution", body)["PipelineExecutionArn"].clone();
    let execution = describe(&mut bench, arn.as_str().unwrap());
    assert_eq!(execution["PipelineVersionId"], 1);
    let ran = bench.ask(
        "DescribePipelineDefinitionForExecution",
        json!({"PipelineExecutionArn": arn}),
    );
    assert_eq!(ran["PipelineDefinition"], json!(definition().to_string()));
    let gone = json!({"PipelineName": "churn", "PipelineVersionId": 3});
    let words = "Version 3 of pipeline 'churn' does not exist.";
    bench.refused("DescribePipeline", gone.clone(), "ResourceNotFound", words);
    let mut start = gone;
    start["ClientRequestToken"] = json!("y".repeat(32));
    bench.refused("StartPipelineExecution", start, "ResourceNotFound", words);
    bench.refused(
        "DescribePipeline",
        json!({"PipelineName": "none"}),
        "ResourceNotFound",
        "does not exist.",
    );
}

#[test]
fn a_definition_that_cannot_run_is_refused() {
    let mut bench = Bench::new();
    for (definition, message) in [
        ("not json", "Invalid pipeline definition: expected"),
        ("{}", "Version must be 2020-12-01"),
        (
            "{\"Version\": \"2020-12-01\", \"Steps\": []}",
            "at least one step",
        ),
    ] {
        bench.refused(
            "CreatePipeline",
            json!({"PipelineName": "p", "RoleArn": ROLE, "ClientRequestToken": TOKEN,
                "PipelineDefinition": definition}),
            "ValidationException",
            message,
        );
    }
}
