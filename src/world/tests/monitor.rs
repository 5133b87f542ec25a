//! Job definitions and monitoring schedules; jobs on their own.

use serde_json::{Value, json};

use super::super::work::{JobKind, JobOutcome, Work};
use super::{Bench, ROLE, completed};
use crate::resource::error::Class;

fn definition() -> Value {
    json!({
        "JobDefinitionName": "d",
        "DataQualityAppSpecification": {"ImageUri": "analyzer"},
        "DataQualityJobInput": {"EndpointInput": {"EndpointName": "e", "LocalPath": "/in"}},
        "DataQualityJobOutputConfig": {"MonitoringOutputs": [
            {"S3Output": {"S3Uri": "s3://b/out", "LocalPath": "/out"}}]},
        "JobResources": {"ClusterConfig":
            {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}},
        "RoleArn": ROLE,
    })
}

#[test]
fn every_monitor_has_definitions_of_its_own() {
    let mut bench = Bench::new();
    for kind in ["ModelQuality", "ModelBias", "ModelExplainability"] {
        let mut body = json!({"JobDefinitionName": "d", "RoleArn": ROLE});
        let resources = definition()["JobResources"].take();
        body["JobResources"] = resources;
        let mut specification = json!({"ImageUri": "analyzer", "ConfigUri": "s3://b/config.json"});
        let mut input = definition()["DataQualityJobInput"].take();
        if kind == "ModelQuality" {
            specification = json!({"ImageUri": "analyzer", "ProblemType": "Regression"});
        }
        if kind != "ModelExplainability" {
            input["GroundTruthS3Input"] = json!({"S3Uri": "s3://b/truth"});
        }
        body[format!("{kind}AppSpecification")] = specification;
        body[format!("{kind}JobInput")] = input;
        body[format!("{kind}JobOutputConfig")] = definition()["DataQualityJobOutputConfig"].take();
        bench.ask(&format!("Create{kind}JobDefinition"), body);
        let named = json!({"JobDefinitionName": "d"});
        let echo = bench.ask(&format!("Describe{kind}JobDefinition"), named.clone());
        let input = &echo[format!("{kind}JobInput")]["EndpointInput"];
        assert_eq!(input["S3DataDistributionType"], "FullyReplicated");
        let listed = bench.ask(
            &format!("List{kind}JobDefinitions"),
            json!({"EndpointName": "e"}),
        );
        assert_eq!(listed["JobDefinitionSummaries"][0]["EndpointName"], "e");
        bench.ask(&format!("Delete{kind}JobDefinition"), named);
    }
}

fn schedule(expression: &str) -> Value {
    json!({
        "MonitoringScheduleName": "s",
        "MonitoringScheduleConfig": {
            "ScheduleConfig": {"ScheduleExpression": expression},
            "MonitoringJobDefinitionName": "d",
            "MonitoringType": "DataQuality",
        },
    })
}

#[test]
fn job_definitions_are_echoed_with_defaults() {
    let mut bench = Bench::new();
    bench.ask("CreateDataQualityJobDefinition", definition());
    let error = bench.refused(
        "CreateDataQualityJobDefinition",
        definition(),
        "ResourceInUse",
        "already exists",
    );
    assert_eq!(error.class, Class::AlreadyExists);
    let echo = bench.ask(
        "DescribeDataQualityJobDefinition",
        json!({"JobDefinitionName": "d"}),
    );
    assert_eq!(
        echo["StoppingCondition"],
        json!({"MaxRuntimeInSeconds": 3600})
    );
    assert_eq!(
        echo["DataQualityJobInput"]["EndpointInput"],
        json!({"EndpointName": "e", "LocalPath": "/in", "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated"})
    );
    let output = &echo["DataQualityJobOutputConfig"]["MonitoringOutputs"][0]["S3Output"];
    assert_eq!(output["S3UploadMode"], "EndOfJob");
    let listed = bench.ask(
        "ListDataQualityJobDefinitions",
        json!({"EndpointName": "e"}),
    );
    assert_eq!(
        listed["JobDefinitionSummaries"][0]["MonitoringJobDefinitionName"],
        "d"
    );
    let none = bench.ask(
        "ListDataQualityJobDefinitions",
        json!({"EndpointName": "f"}),
    );
    assert_eq!(none, json!({"JobDefinitionSummaries": []}));
    bench.ask(
        "DeleteDataQualityJobDefinition",
        json!({"JobDefinitionName": "d"}),
    );
    let error = bench.refused(
        "DescribeDataQualityJobDefinition",
        json!({"JobDefinitionName": "d"}),
        "ResourceNotFound",
        "",
    );
    assert_eq!(error.class, Class::NotFound);
}

#[test]
fn every_change_of_a_schedule_passes_through_pending() {
    let mut bench = Bench::new();
    let hourly = "cron(0 * ? * * *)";
    bench.refused(
        "CreateMonitoringSchedule",
        schedule(hourly),
        "ValidationException",
        "does not exist.",
    );
    bench.ask("CreateDataQualityJobDefinition", definition());
    bench.refused(
        "CreateMonitoringSchedule",
        schedule("daily"),
        "ValidationException",
        "Invalid schedule expression",
    );
    bench.ask("CreateMonitoringSchedule", schedule(hourly));
    let name = json!({"MonitoringScheduleName": "s"});
    let status = |bench: &mut Bench| {
        bench.ask(
            "DescribeMonitoringSchedule",
            json!({"MonitoringScheduleName": "s"}),
        )["MonitoringScheduleStatus"]
            .clone()
    };
    for (op, body, after) in [
        ("", Value::Null, "Scheduled"),
        (
            "UpdateMonitoringSchedule",
            schedule("cron(0 0 ? * * *)"),
            "Scheduled",
        ),
        ("StopMonitoringSchedule", name.clone(), "Stopped"),
        ("UpdateMonitoringSchedule", schedule(hourly), "Stopped"),
        ("StartMonitoringSchedule", name.clone(), "Scheduled"),
    ] {
        if !op.is_empty() {
            bench.ask(op, body);
        }
        assert_eq!(status(&mut bench), "Pending", "{op}");
        for busy in [
            "UpdateMonitoringSchedule",
            "StopMonitoringSchedule",
            "StartMonitoringSchedule",
            "DeleteMonitoringSchedule",
        ] {
            let error = bench.refused(
                busy,
                schedule(hourly),
                "ValidationException",
                "Monitoring schedule in status Pending",
            );
            assert_eq!(error.class, Class::Busy);
        }
        bench.wait(45);
        assert_eq!(status(&mut bench), after, "{op}");
    }
    let listed = bench.ask(
        "ListMonitoringSchedules",
        json!({"EndpointName": "e", "StatusEquals": "Scheduled"}),
    );
    assert_eq!(
        listed["MonitoringScheduleSummaries"][0]["MonitoringJobDefinitionName"],
        "d"
    );
    let ran = bench.ask("ListMonitoringExecutions", name.clone());
    assert_eq!(ran, json!({"MonitoringExecutionSummaries": []}));
    bench.ask("DeleteMonitoringSchedule", name.clone());
    bench.wait(45);
    let error = bench.refused("DescribeMonitoringSchedule", name, "ResourceNotFound", "");
    assert_eq!(error.class, Class::NotFound);
}

fn training(name: &str) -> Value {
    json!({
        "TrainingJobName": name,
        "AlgorithmSpecification": {"TrainingImage": "i", "TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "HyperParameters": {"a": "1"},
        "OutputDataConfig": {"S3OutputPath": "s3://b/out/"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
    })
}

#[test]
fn a_training_job_runs_once() {
    let mut bench = Bench::new();
    bench.ask("CreateTrainingJob", training("t"));
    let error = bench.refused(
        "CreateTrainingJob",
        training("t"),
        "ResourceInUse",
        "Training job names must be unique within an AWS account and region, and a training job \
         with this name already exists (arn:aws:sagemaker:eu-west-1:111122223333:training-job/t)",
    );
    assert_eq!(error.class, Class::AlreadyExists);
    let works = bench.wait(90);
    let [Work::Run(job)] = works.as_slice() else {
        panic!("{works:?}")
    };
    assert_eq!(
        (job.kind, &job.request),
        (JobKind::Training, &training("t"))
    );
    let name = json!({"TrainingJobName": "t"});
    assert_eq!(
        bench.ask("DescribeTrainingJob", name.clone())["SecondaryStatus"],
        "Training"
    );
    bench.job(job.id, completed(Some("s3://b/out/t/output/model.tar.gz")));
    let done = bench.ask("DescribeTrainingJob", name.clone());
    assert_eq!(done["TrainingJobStatus"], "Completed");
    assert_eq!(done["TrainingTimeInSeconds"], 90);
    assert_eq!(done["FinalMetricDataList"][0]["Value"], 0.91);
    // Once more is ignored.
    bench.job(job.id, JobOutcome::Failed("late".to_owned()));
    assert_eq!(bench.ask("DescribeTrainingJob", name.clone()), done);
    bench.refused(
        "StopTrainingJob",
        name.clone(),
        "ValidationException",
        "Completed",
    );
    bench.ask("DeleteTrainingJob", name);
    bench.ask("CreateTrainingJob", training("t"));
    let error = bench.refused(
        "DescribeTrainingJob",
        json!({"TrainingJobName": "u"}),
        "ValidationException",
        "Requested resource not found",
    );
    assert_eq!(error.class, Class::NotFound);
}

#[test]
fn jobs_stop_and_fail() {
    let mut bench = Bench::new();
    bench.ask("CreateTrainingJob", training("t"));
    let name = json!({"TrainingJobName": "t"});
    bench.refused(
        "DeleteTrainingJob",
        name.clone(),
        "ResourceInUse",
        "InProgress",
    );
    bench.ask("StopTrainingJob", name);
    let works = bench.wait(1);
    let [Work::Run(job), Work::Stop(stopped)] = works.as_slice() else {
        panic!("{works:?}")
    };
    assert_eq!(job.id, *stopped);
    bench.job(job.id, JobOutcome::Stopped);
    let jobs = bench.ask("ListTrainingJobs", json!({"StatusEquals": "Stopped"}));
    assert_eq!(jobs["TrainingJobSummaries"].as_array().unwrap().len(), 1);

    bench.ask(
        "CreateProcessingJob",
        json!({
            "ProcessingJobName": "p", "RoleArn": ROLE,
            "AppSpecification": {"ImageUri": "i"},
            "ProcessingResources": {"ClusterConfig":
                {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10}},
        }),
    );
    let works = bench.wait(1);
    let [Work::Run(job)] = works.as_slice() else {
        panic!("{works:?}")
    };
    bench.job(
        job.id,
        JobOutcome::Failed("AlgorithmError: x, exit code: 1".to_owned()),
    );
    let failed = bench.ask("DescribeProcessingJob", json!({"ProcessingJobName": "p"}));
    assert_eq!(failed["FailureReason"], "AlgorithmError: x, exit code: 1");
    let jobs = bench.ask("ListProcessingJobs", json!({}));
    assert_eq!(
        jobs["ProcessingJobSummaries"][0]["ProcessingJobStatus"],
        "Failed"
    );
    bench.refused(
        "DescribeProcessingJob",
        json!({"ProcessingJobName": "q"}),
        "ValidationException",
        "Could not find requested job",
    );
}
